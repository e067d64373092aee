// Paper is white and has no folds: the colours are the light ones and the folds open while the page is printed.
const root = document.documentElement;
let opened = [];
let theme = "";

addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("article details:not([open])")];
  for (const fold of opened) fold.open = true;
  theme = root.dataset.theme;
  root.dataset.theme = "light";
});
addEventListener("afterprint", () => {
  for (const fold of opened) fold.open = false;
  root.dataset.theme = theme;
});
