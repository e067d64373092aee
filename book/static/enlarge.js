// A click, or Enter, on a figure shows it as large as the window; Escape or another click closes it.
const dialog = document.createElement("dialog");
dialog.className = "enlarged";
dialog.setAttribute("aria-label", "The figure, enlarged");
dialog.innerHTML = '<form method="dialog"><button autofocus>Close</button></form>';
dialog.addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => dialog.querySelector("img").remove());
document.body.append(dialog);

for (const image of document.querySelectorAll("article .cell_output img")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "enlarge";
  button.innerHTML = '<span class="unseen">Enlarge the figure: </span>';
  image.replaceWith(button);
  button.append(image);
  button.addEventListener("click", () => {
    dialog.append(image.cloneNode());
    dialog.showModal();
  });
}
