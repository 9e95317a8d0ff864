// What models say of a text after each of its words, as lines and as tints.
import {axes, line} from "./chart.js";

/** Draw a line [colour, dash] for each model's probabilities along a text. */
export function draw(svg, lines, verdicts, words, now) {
  const place = axes(svg, {
    x: {from: 0, to: words, label: "words read"},
    y: {from: 0, to: 1, label: "probability of positive"},
  });
  line(svg, place, [[now + 1, 0], [now + 1, 1]], {"class": "lab-axis"});
  line(svg, place, [[0, .5], [words, .5]],
    {"class": "lab-axis", "stroke-dasharray": "5 4"});
  lines.forEach(([colour, dash], m) =>
    line(svg, place, verdicts[m].map((p, i) => [i + 1, p]),
      {style: `stroke:var(--${colour})`, "stroke-dasharray": dash}));
}

/** Return a word on blue where it leaves a positive verdict, else on orange. */
export function tinted(token, probability) {
  const word = document.createElement("span");
  const colour = probability > .5 ? "var(--blue)" : "var(--vermilion)";
  const share = (Math.abs(probability - .5) * 80).toFixed(0);
  word.textContent = token;
  word.style.background =
    `color-mix(in srgb, ${colour} ${share}%, transparent)`;
  return word;
}
