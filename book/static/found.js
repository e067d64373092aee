// A page that was opened from the search shows the first of the words that were searched, unless its link leads to a heading.
// Sphinx marks them only on pages that do not load its search, and the theme loads it on every page.
document.getElementById("search-results")?.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  const words = new URLSearchParams(location.search).get("q");
  if (link && !link.hash) link.search = new URLSearchParams({ highlight: words });
});

const sought = new URLSearchParams(location.search).get("highlight");
if (sought) {
  const text = document.querySelector("article").textContent.toLowerCase();
  const words = [...Search._parseQuery(sought)[3]].map((word) => word.toLowerCase());
  const there = words.map((word) => (text.includes(word) ? word : new Stemmer().stemWord(word))); // of photos, photo
  localStorage.setItem("sphinx_highlight_terms", there.join(" ")); // where Sphinx looks for them
  SphinxHighlight.highlightSearchWords();
  setTimeout(() => {
    const found = [...document.querySelectorAll("article .highlighted")];
    const first = found.find((word) => word.checkVisibility()) ?? found[0];
    if (first && !first.checkVisibility()) first.closest("details")?.setAttribute("open", "");
    first?.scrollIntoView({ block: "center" });
  }, 50); // Sphinx marks after 10 ms
}
