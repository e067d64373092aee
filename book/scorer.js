// The search does not count words: without this, all pages that have a word in their text are in the order of their titles.
// Here the word itself comes first, then how to run the course and how it begins, and what is for teachers last.
const FIRST = { run_it: 3, GLOSSARY: 2, "00_start_here": 1 };

// What readers call by other names, and the place that is about it: it is found first.
const ABOUT = [
  [/photos|(my|own) (photo|picture|image)/, "10_your_own_images"],
  [/neural net|deep learning/, "00_start_here"],
  [/\b(save|saving|export) .*model/, "11_hand_it_over#save-one-file-and-write-a-card"],
  [/preprocess_input/, "01_load_vgg16#preprocess-as-the-weights-expect-once"],
  [/globalaveragepooling/, "GLOSSARY#word-global-average-pooling"],
];
const byWords = Search._performSearch;
Search._performSearch = (query, ...terms) => {
  const { docnames, titles, filenames, alltitles } = Search._index;
  const meant = ABOUT.filter(([words]) => words.test(query.toLowerCase())).map(([, place]) => {
    const [page, id] = place.split("#");
    const file = docnames.indexOf(page);
    const isIt = ([, places]) => places.some(([there, name]) => there === file && id && name === id);
    const [heading] = Object.entries(alltitles).find(isIt) ?? [];
    const title = heading ? `${titles[file]} > ${heading}` : titles[file];
    return [page, title, id ? `#${id}` : "", null, 100, filenames[file], SearchResultKind.title];
  });
  const links = ([page, , place]) => page + place; // two forms of a word are one place, and the best is last
  const found = [...byWords(query, ...terms), ...meant];
  return found.filter((result, number) => found.findLastIndex((other) => links(other) === links(result)) === number);
};

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
