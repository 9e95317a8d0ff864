// The map in twelve tints of the ink, two descents over it, and their losses.
const TINTS = 12, COLUMNS = 100, ROWS = 80, LEAST = 1e-4, LOWEST = 1e-4;
const tint = loss => Math.min(TINTS - 1, Math.floor(TINTS *
  Math.log(loss / LEAST + 1) / Math.log(1 / LEAST)));
const [left, right] = data.w, [bottom, top] = data.b;
const cell = [(right - left) / COLUMNS, (top - bottom) / ROWS];

// The map's cells by tint; they depend on nothing that moves.
const tints = Array.from({length: TINTS}, () => []);
for (let i = 0; i < COLUMNS; i++)
  for (let j = 0; j < ROWS; j++) {
    const w = left + cell[0] * i, b = bottom + cell[1] * j;
    const loss = cliff.endLoss(data, w + cell[0] / 2, b + cell[1] / 2);
    tints[tint(loss)].push([w, b]);
  }

let place;
const drawMap = paths => {
  const svg = find("map");
  place = chart.axes(svg, {
    x: {from: left, to: right, label: "weight"},
    y: {from: bottom, to: top, label: "bias"}, height: 290,
  });
  const {across, up} = place;
  const wide = across(left + cell[0]) - across(left);
  const high = up(bottom) - up(bottom + cell[1]);
  tints.forEach((cells, n) => chart.element(svg, "path", {
    "class": "lab-tint", "fill-opacity": n / TINTS * .75,
    d: cells.map(([w, b]) => `M${across(w).toFixed(1)} ${up(b).toFixed(1)}h${
      (wide + .2).toFixed(2)}v-${(high + .2).toFixed(2)}h-${
      (wide + .2).toFixed(2)}z`).join(""),
  }));
  paths.forEach((path, n) => {
    const points = path.map(({w, b}) => [w, b]);
    chart.line(svg, place, points, {"class": `lab-line lab-descent-${n}`,
      "data-part": `path-${n}`});
    chart.dots(svg, place, points, {"class": `lab-dots lab-descent-${n}`});
  });
};

const drawLosses = paths => {
  const svg = find("losses"), at = chart.axes(svg, {
    x: {from: 0, to: data.steps - 1, label: "step"},
    y: {from: LOWEST, to: 10, log: true, label: "loss"}, height: 290,
  });
  paths.forEach((path, n) => chart.line(svg, at,
    path.map(({loss}, i) => [i, Math.max(loss, LOWEST)]),
    {"class": `lab-line lab-descent-${n}`}));
};

const shown = value => value >= .001 && value < 1e5 ?
  Number(value.toPrecision(3)).toLocaleString("en") :
  value.toExponential(1).replace("e+", "e").replace("-", "−");
const draw = () => {
  const [w, b, clip] = ["w", "b", "clip"].map(number);
  const rate = 10 ** number("rate");
  const paths = [Infinity, clip].map(limit =>
    cliff.descend(data, w, b, rate, limit));
  drawMap(paths);
  drawLosses(paths);
  paths.forEach((path, n) => {
    write("end-" + n, shown(path[path.length - 1].loss));
    if (!n) write("norm-0", shown(Math.max(...path.map(step => step.norm))));
  });
  const clipped = paths[1].filter(step => step.norm > clip).length;
  write("times", `${clipped} of ${data.steps} steps`);
  write("w-text", w.toFixed(2));
  write("b-text", b.toFixed(2).replace("-", "−"));
  write("rate-text", String(Number(rate.toPrecision(2))));
  find("rate").setAttribute("aria-valuetext", rate.toPrecision(2));
  write("clip-text", clip.toFixed(1));
};
for (const name of ["w", "b", "rate", "clip"])
  find(name).addEventListener("input", draw);
find("map").addEventListener("click", event => {
  const svg = find("map"), frame = svg.getBoundingClientRect();
  const share = svg.viewBox.baseVal.width / frame.width;
  const at = [event.clientX - frame.left, event.clientY - frame.top]
    .map(pixels => pixels * share);
  const {across, up} = place;
  find("w").value = left + (right - left) *
    (at[0] - across(left)) / (across(right) - across(left));
  find("b").value = bottom + (top - bottom) *
    (at[1] - up(bottom)) / (up(top) - up(bottom));
  draw();
});
chart.redraw(find("map"), draw);
draw();
