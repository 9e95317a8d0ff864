// Each model's probability of positive after every word of a sentence.
const drawLines = (verdicts, now) => {
  const svg = find("chart"), words = verdicts[0].length;
  const place = chart.axes(svg, {
    x: {from: 0, to: words, label: "words read"},
    y: {from: 0, to: 1, label: "probability of positive"},
  });
  chart.line(svg, place, [[now + 1, 0], [now + 1, 1]], {"class": "lab-axis"});
  chart.line(svg, place, [[0, .5], [words, .5]],
    {"class": "lab-axis", "stroke-dasharray": "5 4"});
  data.lines.forEach(([colour, dash], m) =>
    chart.line(svg, place, verdicts[m].map((p, i) => [i + 1, p]),
      {style: `stroke:var(--${colour})`, "stroke-dasharray": dash}));
};
const tinted = (token, probability) => {
  const word = document.createElement("span");
  const colour = probability > .5 ? "var(--blue)" : "var(--vermilion)";
  const share = (Math.abs(probability - .5) * 80).toFixed(0);
  word.textContent = token;
  word.style.background =
    `color-mix(in srgb, ${colour} ${share}%, transparent)`;
  return word;
};
const draw = () => {
  const {tokens, verdicts} = data.readings[number("sentence")];
  find("position").max = tokens.length;
  const now = number("position") - 1, shown = verdicts[number("model")];
  drawLines(verdicts, now);
  find("words").replaceChildren(...tokens.flatMap((token, i) => {
    const word = tinted(token, shown[i]);
    if (i > now) word.style.background = "";
    if (i === now) word.className = "lab-now";
    return [word, " "];
  }));
  write("position-text", `${now + 1} of ${tokens.length}: “${tokens[now]}”`);
  find("position").setAttribute("aria-valuetext", `${now + 1}, ${tokens[now]}`);
  verdicts.forEach((_, m) =>
    write("now-" + m, verdicts[m][now].toFixed(2)));
};
for (const name of ["sentence", "model", "position"])
  find(name).addEventListener("input", draw);
chart.redraw(find("chart"), draw);
draw();
