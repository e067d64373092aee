// A page that was opened from the search shows the first of the words that were searched, unless its link leads to a heading.
// Sphinx marks them only on pages that do not load its search, and the theme loads it on every page.
document.getElementById("search-results")?.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  const words = new URLSearchParams(location.search).get("q");
  if (link && !link.hash) link.search = new URLSearchParams({ highlight: words });
});

if (new URLSearchParams(location.search).has("highlight")) {
  SphinxHighlight.highlightSearchWords();
  setTimeout(() => {
    const found = [...document.querySelectorAll("article .highlighted")];
    found.find((word) => word.checkVisibility())?.scrollIntoView({ block: "center" });
  }, 50); // Sphinx marks after 10 ms
}
