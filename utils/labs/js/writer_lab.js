// The page around the network: a text to type, its letters under their bits,
// what may come next, and a pen that goes on.
const LONGEST = 400, ALTOGETHER = 1500, A_FRAME = 3, ROW = 20;
const signs = ["", "\ufffd", ...data.characters];
const numbers = new Map(data.characters.map((sign, i) =>
  [sign, i + writer.SPECIAL]));
const plain = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
// What stands there, symbol by symbol; the first `own` of them are typed.
let text = data.first, own = text.own, typed = typing();
let network, running = false, seed = data.seed, random = seeded.generator(seed);

function typing() { return [...find("text").value].slice(0, LONGEST); }
const visible = sign => ({" ": "␣", "\n": "↵", "": "the end"})[sign] ?? sign;
const sign = t => t < own ? typed[t] : signs[text.symbols[t]];
const mean = bits => bits.length ?
  (bits.reduce((sum, b) => sum + b, 0) / bits.length).toFixed(2) : "–";

// Letters of one word stay together; a line ends where the text ends one.
const addLetters = first => {
  const place = find("letters");
  for (let t = first; t < (text ? text.symbols.length : typed.length); t++) {
    const letter = document.createElement("span"), shown = sign(t);
    const bits = text?.bits[t] ?? 0;
    letter.textContent = shown === "\n" ? "↵" : shown;
    letter.className = t < own ? "lab-mine" : "lab-its";
    if (!numbers.has(shown)) letter.classList.add("lab-unknown");
    letter.style.setProperty("--bits", Math.min(bits, data.highest).toFixed(2));
    if (text) letter.title = `${visible(shown)}: ${bits.toFixed(1)} bits`;
    if (!place.lastElementChild || /\s/.test(sign(t - 1) ?? " "))
      place.append(document.createElement("span"));
    place.lastElementChild.append(letter);
    if (shown === "\n") place.append(document.createElement("br"));
    else if (shown === " ") place.append(document.createElement("wbr"));
  }
};

const drawNext = () => {
  const svg = find("next"), width = svg.clientWidth || 320;
  svg.replaceChildren();
  svg.setAttribute("viewBox",
    `0 0 ${width} ${ROW * (data.candidates + 1) + 4}`);
  if (!text) return;
  const p = text.logs.map(Math.exp);
  const drawn = writer.reshaped(text.logs, number("temperature"),
    number("top-p"));
  const ranked = p.map((_, i) => i).filter(i => i !== writer.UNKNOWN)
    .sort((i, j) => p[j] - p[i]).slice(0, data.candidates);
  const left = 64, right = 8, across = width - left - right;
  chart.element(svg, "text", {x: left, y: 13},
    "next: outlined as read, filled as drawn");
  ranked.forEach((i, row) => {
    const y = ROW * (row + 1);
    chart.element(svg, "text", {x: left - 8, y: y + 14, "text-anchor": "end"},
      visible(signs[i]));
    chart.element(svg, "rect", {x: left, y: y + 3, height: ROW - 6,
      width: (across * drawn[i]).toFixed(1), "class": "lab-drawn",
      "data-drawn": drawn[i].toFixed(4)});
    chart.element(svg, "rect", {x: left, y: y + 3, height: ROW - 6,
      width: (across * p[i]).toFixed(1), "class": "lab-read"});
  });
  write("kept", drawn.filter(Boolean).length);
};

const describe = said => {
  const bits = text?.bits ?? [];
  const most = bits.indexOf(Math.max(...bits));
  write("mine", mean(bits.slice(0, own)));
  write("its", mean(bits.slice(own)));
  write("surprise", bits.length ? `“${visible(sign(most))}” after “${
    Array.from({length: most}, (_, t) => sign(t)).slice(-8).map(visible)
      .join("").replaceAll("␣", " ")}”, ${bits[most].toFixed(1)} bits` : "–");
  if (!text) write("kept", "–");
  write("hint", said ?? (text ? "" : "Load the network to see your text's."));
  find("letters").setAttribute("aria-label",
    typed.join("") + bits.slice(own).map((_, i) => sign(own + i)).join("")
      || "No text yet");
  for (const name of ["temperature", "top-p"])
    write(name + "-text", number(name).toFixed(name === "top-p" ? 2 : 1));
  write("write", running ? "Pause" : "Write on");
  find("write").disabled = find("again").disabled = !network;
};

const draw = said => {
  find("letters").replaceChildren();
  addLetters(0);
  drawNext();
  describe(said);
};

// Read what was typed; a text that only grew is read on.
const readTyped = () => {
  turn(false);
  const before = typed;
  typed = typing();
  own = typed.length;
  if (!network) text = undefined;
  else {
    const grown = text && text.symbols.length === before.length
      && before.every((each, t) => each === typed[t]);
    if (!grown) text = new writer.Text(network);
    for (const each of typed.slice(text.symbols.length))
      text.add(numbers.get(each) ?? writer.UNKNOWN);
  }
  random = seeded.generator(seed);
  draw();
};

/** Write one symbol; say whether it is not the end. */
const step = () => {
  const p = writer.reshaped(text.logs, number("temperature"),
    number("top-p"));
  const symbol = writer.drawn(p, random());
  if (symbol === writer.BOUNDARY) return false;
  text.add(symbol);
  return true;
};

let left = 0;
const goOn = () => {
  if (!running) return;
  const first = text.symbols.length;
  let open = true;
  for (let n = plain ? left : A_FRAME; n > 0 && left > 0 && open; n--) {
    open = step();
    left -= 1;
  }
  addLetters(first);
  if (left && open) {
    drawNext();
    requestAnimationFrame(goOn);
  } else turn(false, open ? undefined : "Here it drew the end of the text.");
};

// While letters run, nobody wants numbers read out; the last ones are.
function turn(on, said) {
  const changed = running !== on;
  running = on;
  root.querySelector("output").setAttribute("aria-live", on ? "off" : "polite");
  if (!changed) return;
  const room = ALTOGETHER - (text?.symbols.length ?? 0);
  if (on) left = Math.max(0, Math.min(data.length, room));
  describe(said);
  drawNext();
  if (on) requestAnimationFrame(goOn);
}

let waiting = false;
find("text").addEventListener("input", () => {
  if (!waiting) requestAnimationFrame(() => { waiting = false; readTyped(); });
  waiting = true;
});
for (const name of ["temperature", "top-p"])
  find(name).addEventListener("input", () => { drawNext(); describe(); });
for (const example of root.querySelectorAll("[data-part=example]"))
  example.addEventListener("click", () => {
    find("text").value = example.dataset.text;
    readTyped();
  });
find("write").addEventListener("click", () => turn(!running));
find("again").addEventListener("click", () => {
  seed += 1;
  typed = [];
  readTyped();
  turn(true);
});
weights.onClick(find("load"), layers => {
  network = layers;
  typed = [];
  readTyped();
  find("text").focus();
});
chart.redraw(find("next"), drawNext);
draw();
