// Which results the search shows first: see search.py, which writes before this
// INTRODUCED, the chapter that each of the glossary's terms names, CHAPTERS, and
// SAID, how often they say a word or two together.
var Scorer = (() => {
  const CHAPTER = /(^|\/)\d\d_\w+$/;
  const HEADING = 25, HEADINGS = 4, NAMED = 150, SPOKEN = 15, TOGETHER = 2;
  let last, bonus = {};

  const stems = text => {
    const stemmer = new Stemmer();
    return splitQuery(text.toLowerCase())
      .filter(word => !stopwords.includes(word))
      .map(word => stemmer.stemWord(word));
  };

  // A chapter gains by each of its headings that has all the query's words, by
  // a term of the glossary that has them and names the chapter, and by how often
  // it says them: the more, the fewer other chapters do.
  const prepare = query => {
    const wanted = stems(query), {alltitles, docnames} = Search._index;
    const holds = text => {
      const words = stems(text);
      return wanted.length && wanted.every(word => words.includes(word));
    };
    bonus = {};
    const give = (page, points, most) => {
      if (CHAPTER.test(page))
        bonus[page] = Math.min((bonus[page] ?? 10) + points, most);
    };
    for (const [heading, places] of Object.entries(alltitles))
      if (holds(heading))
        for (const [file] of places)
          give(docnames[file], HEADING, HEADING * HEADINGS + 10);
    for (const [term, page] of Object.entries(INTRODUCED))
      if (holds(term) && stems(term).length <= wanted.length + 2)
        give(page, NAMED, 2 * NAMED);
    const pairs = wanted.slice(1).map((word, i) => `${wanted[i]} ${word}`);
    for (const words of [...wanted, ...pairs]) {
      const counts = Object.entries(SAID[words] ?? {});
      const rare = Math.log(1 + CHAPTERS.length / counts.length)
        * (words.includes(" ") ? TOGETHER : 1);
      for (const [chapter, count] of counts)
        give(CHAPTERS[chapter], SPOKEN * rare * Math.log2(1 + count), Infinity);
    }
  };

  return {
    score: ([page, , , , score]) => {
      const query = new URLSearchParams(window.location.search).get("q") ?? "";
      if (query !== last) { prepare(query); last = query; }
      return score + (bonus[page] ?? (CHAPTER.test(page) ? 10 : 0));
    },
    // Sphinx's own, which it leaves out where there is a Scorer.
    objNameMatch: 11, objPartialMatch: 6,
    objPrio: {0: 15, 1: 5, 2: -5}, objPrioDefault: 0,
    title: 15, partialTitle: 7, term: 5, partialTerm: 2,
  };
})();
