// Explorers that look something up: every answer is in the page, and a control chooses one.
for (const explorer of document.querySelectorAll(".explorer[data-start]")) {
  const { names, answers } = JSON.parse(explorer.querySelector("script").textContent);
  const form = explorer.querySelector("form");
  const start = explorer.dataset.start.split(",");
  const image = explorer.querySelector("img");
  const words = explorer.querySelector(".words");
  words.setAttribute("aria-live", "polite");

  form.addEventListener("change", () => {
    const chosen = new FormData(form);
    const key = names.map((name, place) => chosen.get(name) ?? start[place]).join(",");
    const answer = answers[key];
    image.src = answer.picture;
    image.alt = answer.alt;
    words.innerHTML = answer.words;
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.reset(); // a browser that comes back to the page keeps the choice, but not the answer
}
