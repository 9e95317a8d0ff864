// The page around the network: a text to type, what is written, and the map.
const LONGEST = 32, PACE = 350;
const numbers = new Map(data.source.map((sign, i) =>
  [sign, i + transcribe.SPECIAL]));
const first = find("text").value;
let network, shown, timer;

const decode = symbols => symbols
  .filter(number => number >= transcribe.SPECIAL)
  .map(number => data.target[number - transcribe.SPECIAL]);
const joined = written => written.join(data.joint);
// A phone's name says little: a word that has it says more.
const named = symbol => symbol in data.sounds ?
  `${symbol}, as in “${data.sounds[symbol]}”,` : symbol;
const percent = p => p > .9995 ? "> 99.9 %" : p < .001 ? "< 0.1 %" :
  (100 * p).toFixed(1) + " %";

// Read the text anew: what is written, and the weights over text and padding.
const read = () => {
  clearTimeout(timer);
  const text = find("text").value;
  const typed = [...data.lower ? text.toLowerCase() : text].slice(0, LONGEST);
  const known = typed.filter(sign => numbers.has(sign));
  const masked = find("mask").checked, beam = find("beam").checked;
  const strange = typed.filter(sign => !numbers.has(sign));
  let found = null;
  if (network && known.length) {
    const memory = transcribe.encode(network,
      known.map(sign => numbers.get(sign)), data.padding, masked);
    const outputs = transcribe.search(network, memory, data.steps,
      beam ? data.width : 1);
    const weights = transcribe.weightsAlong(network, memory,
      outputs[0].symbols);
    found = {outputs, weights};
  } else if (!network && typed.join("") === first && masked && !beam)
    found = data.first;
  shown = {known, strange, ...found, rows: Infinity};
  if (found) {
    const written = decode(found.outputs[0].symbols);
    const weights = found.weights.slice(0, written.length).map(row => {
      const padding = row.slice(known.length);
      return [...row.slice(0, known.length),
        padding.reduce((sum, weight) => sum + weight, 0)];
    });
    Object.assign(shown, {written, weights});
    find("position").max = Math.max(1, written.length);
  }
  draw();
};

const draw = () => {
  const {known, strange, outputs, written = [], weights, rows} = shown;
  const svg = find("map"), row = Math.min(number("position"), rows) - 1;
  if (outputs && written.length)
    alignment.draw(svg, [...known, "∅"], written,
      weights.slice(0, rows), row);
  else svg.replaceChildren();
  find("outputs").replaceChildren(...(outputs ?? []).map(output => {
    const line = document.createElement("tr");
    for (const words of [joined(decode(output.symbols)) || "nothing",
      percent(Math.exp(output.total))])
      line.append(Object.assign(document.createElement("td"),
        {textContent: words}));
    return line;
  }));
  const symbol = written[row] ?? "–", here = weights?.[row] ?? [];
  const place = `${row + 1} of ${written.length}`;
  write("position-text", written.length ? `${place}: “${symbol}”` : "–");
  find("position").setAttribute("aria-valuetext", `${place}, ${symbol}`);
  write("written", joined(written.slice(0, rows)) || "–");
  const word = known.join("");
  // Every object has a "constructor", which is an English word too.
  write("listed", outputs && Object.hasOwn(data.listed, word) ?
    `The dictionary: ${data.listed[word]}.` : "");
  write("symbol", named(symbol));
  write("best", here.length ? here.slice(0, -1)
    .map((weight, j) => [weight, j]).sort((a, b) => b[0] - a[0]).slice(0, 3)
    .map(([weight, j]) => `“${known[j]}” at ${j + 1}: ${weight.toFixed(2)}`)
    .join(", ") : "–");
  write("padding", here.length ? here[here.length - 1].toFixed(2) : "–");
  const said = [...new Set(strange)].map(sign => `“${sign}”`).join(", ");
  write("unknown", strange.length ? `Passed over, for it never saw them: ${
    said}.` : "");
  write("hint", outputs ? "" : !known.length ? `Type a ${data.noun}.` :
    "Load the network to see what it writes.");
  find("slowly").disabled = !written.length;
};

const slowly = () => {
  shown.rows = 0;
  const next = () => {
    shown.rows += 1;
    find("position").value = shown.rows;
    draw();
    if (shown.rows < shown.written.length) timer = setTimeout(next, PACE);
    else root.querySelector("output").setAttribute("aria-live", "polite");
  };
  clearTimeout(timer);
  root.querySelector("output").setAttribute("aria-live", "off");
  next();
};

let waiting = false;
find("text").addEventListener("input", () => {
  if (!waiting) requestAnimationFrame(() => { waiting = false; read(); });
  waiting = true;
});
for (const name of ["mask", "beam"])
  find(name).addEventListener("input", read);
find("position").addEventListener("input", () => {
  clearTimeout(timer);
  shown.rows = Infinity;
  draw();
});
alignment.onRow(find("map"), row => {
  if (shown.rows !== Infinity || row + 1 === number("position")) return;
  find("position").value = row + 1;
  draw();
});
find("slowly").addEventListener("click", slowly);
for (const example of root.querySelectorAll("[data-part=example]"))
  example.addEventListener("click", () => {
    find("text").value = example.dataset.text;
    read();
  });
weights.onClick(find("load"), layers => {
  network = layers;
  read();
  find("text").focus();
});
chart.redraw(find("map"), draw);
read();
