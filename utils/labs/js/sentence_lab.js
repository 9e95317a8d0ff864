// The page around the networks: a text to type, its words, four lines.
const UNKNOWN = 1, LONGEST = 60;
const numbers = new Map(data.vocabulary.map((token, i) => [token, i + 2]));
// What each network said of a beginning: typing on asks for the new ones only.
const said = new Map();
data.verdicts.forEach((verdict, m) => verdict.forEach((p, i) =>
  said.set(m + " " + data.tokens.slice(0, i + 1).join(" "), p)));
let networks;

const ask = (m, tokens) => {
  const key = m + " " + tokens.join(" ");
  if (!said.has(key) && networks)
    said.set(key, sentence.positive(networks[data.networks[m]],
      tokens.map(token => numbers.get(token) ?? UNKNOWN)));
  return said.get(key);
};

const draw = () => {
  const tokens = sentence.tokenize(find("text").value).slice(0, LONGEST);
  const verdicts = data.networks.map((_, m) =>
    tokens.map((_, i) => ask(m, tokens.slice(0, i + 1))));
  const known = tokens.length > 0
    && verdicts.flat().every(p => p !== undefined);
  along.draw(find("chart"), data.lines,
    known ? verdicts : verdicts.map(() => []),
    Math.max(1, tokens.length), tokens.length - 1);
  const shown = verdicts[number("model")];
  find("words").replaceChildren(...tokens.flatMap((token, i) => {
    const word = along.tinted(token, shown[i] ?? .5);
    if (!numbers.has(token)) word.className = "lab-unknown";
    return [word, " "];
  }));
  verdicts.forEach((verdict, m) =>
    write("now-" + m, known ? verdict[verdict.length - 1].toFixed(2) : "–"));
  const strange = [...new Set(tokens.filter(token => !numbers.has(token)))];
  write("unknown", strange.length ?
    `Unknown to all four, and underlined: ${strange.join(", ")}.` :
    "They know every word of it.");
  write("hint", known ? "" : !tokens.length ? "Type a sentence." :
    "Load the networks to hear what they say.");
};

let waiting = false;
const soon = () => {
  if (!waiting) requestAnimationFrame(() => { waiting = false; draw(); });
  waiting = true;
};
find("text").addEventListener("input", soon);
find("model").addEventListener("input", draw);
for (const example of root.querySelectorAll("[data-part=example]"))
  example.addEventListener("click", () => {
    find("text").value = example.dataset.text;
    draw();
  });
weights.onClick(find("load"), layers => {
  networks = sentence.networks(layers);
  said.clear();
  draw();
  find("text").focus();
});
chart.redraw(find("chart"), draw);
draw();
