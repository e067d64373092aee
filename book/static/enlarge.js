// A click, or Enter, on a figure shows it as large as the window; Escape or another click closes it.
const dialog = document.createElement("dialog");
dialog.className = "enlarged";
dialog.innerHTML = '<form method="dialog"><button autofocus>Close</button></form><img alt="">';
const large = dialog.querySelector("img");
dialog.addEventListener("click", () => dialog.close());
document.body.append(dialog);

for (const image of document.querySelectorAll("article .cell_output img, article img.enlarge")) {
  if (image.closest(".explorer")) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "enlarge";
  button.setAttribute("aria-label", `Enlarge the figure: ${image.alt}`);
  image.replaceWith(button);
  button.append(image);
  button.addEventListener("click", () => {
    large.src = image.src;
    large.alt = image.alt;
    dialog.showModal();
  });
}
