// The search does not count words: without this, all pages that have a word in their text are in the order of their titles.
// Here the word itself comes first, then how to run the course and how it begins, and what is for teachers last.
const FIRST = { run_it: 3, GLOSSARY: 2, "00_start_here": 1 };

Scorer.score = (result) => {
  const [page, title, place, , score, , kind] = result;
  if (kind === SearchResultKind.text && !place) {
    const words = splitQuery(new URLSearchParams(location.search).get("q").toLowerCase());
    const { alltitles, docnames } = Search._index;
    for (const [heading, places] of Object.entries(alltitles)) {
      const found = places.find(([file, id]) => docnames[file] === page && id !== null);
      if (found && words.every((word) => heading.toLowerCase().includes(word))) {
        result[1] = `${title} > ${heading}`; // the heading has the words: lead there
        result[2] = `#${found[1]}`;
        break;
      }
    }
  }
  const word = kind === SearchResultKind.object ? 10 : 0;
  return score + word + (FIRST[page] ?? 0) - (page.startsWith("workshop/") ? 3 : 0);
};
