// Each network's next position after the row that the reader has typed.
const MOST = 50;
const parsed = text => text.replaceAll("−", "-").split(/[,;\s]+/)
  .filter(part => part !== "").map(Number);
const read = ({W_x, W_h, b, v, c}, inputs) => {
  const x = inputs.map(value => [value / data.scale]);
  const {state} = layers.rnn({W_x, W_h, b}, x);
  return data.scale * state.reduce((sum, h, i) => sum + h * v[i], c);
};
const answers = (row, seed) => {
  const last = row[row.length - 1];
  const steps = row.slice(1).map((value, i) => value - row[i]);
  const networks = data.networks.map(({onDifferences, seeds}) =>
    onDifferences ? last + read(seeds[seed], steps) : read(seeds[seed], row));
  return [...networks, last + steps[steps.length - 1]];
};
const drawRow = (row, next) => {
  const svg = find("chart"), every = [...row, ...next];
  const low = Math.min(...every), high = Math.max(...every);
  const room = .08 * (high - low) || 1;
  const place = chart.axes(svg, {
    x: {from: .5, to: row.length + 1.5, label: "second"},
    y: {from: low - room, to: high + room, label: "position"},
  });
  chart.dots(svg, place, row.map((value, i) => [i + 1, value]),
    {style: "stroke:var(--ink);stroke-width:7;stroke-linecap:round"});
  next.forEach((value, m) => chart.dots(svg, place,
    [[row.length + 1, value]], {style: data.marks[m]}));
};
const draw = () => {
  const row = parsed(find("row").value), seed = number("seed");
  write("seed-text", seed);
  const fine = row.length >= 2 && row.length <= MOST &&
    row.every(value => Math.abs(value) <= 1e6);
  find("row").setAttribute("aria-invalid", !fine);
  write("complaint",
    fine ? "" : `Write 2 to ${MOST} numbers, separated by commas.`);
  if (!fine) return;
  const next = answers(row, seed);
  drawRow(row, next);
  write("said", `${row.join(", ")}, seed ${seed}`.replaceAll("-", "−"));
  next.forEach((value, m) => write("next-" + m,
    value.toFixed(3).replace("-", "−")));
};
for (const name of ["row", "seed"])
  find(name).addEventListener("input", draw);
for (const example of root.querySelectorAll("[data-row]"))
  example.addEventListener("click", () => {
    find("row").value = example.dataset.row;
    draw();
  });
chart.redraw(find("chart"), draw);
draw();
