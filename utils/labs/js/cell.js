// One unit stepped by hand: the sliders hold a step's gates before squashing,
// the chart keeps the last 24 steps. A cell's own script comes before this one
// and defines `fresh` (its state at the start), `advance` (a state and open
// gates to the next state) and `describe` (the same in words).
const SQUASH = {
  tanh: Math.tanh,
  sigmoid: z => 1 / (1 + Math.exp(-z)),
  none: z => z,
};
const SHOWN = 24;
const words = (value, digits = 3) => value.toFixed(digits).replace("-", "−");
let past = [fresh];
const open = () => {
  const gate = {};
  for (const [name, {squash}] of Object.entries(data.gates))
    gate[name] = SQUASH[squash](number(name));
  return gate;
};
const drawGates = gate => {
  for (const name in data.gates) {
    const text = words(gate[name]);
    write(name + "-text", text);
    find(name).setAttribute("aria-valuetext", text);
    set(name + "-disc", {"fill-opacity": Math.min(1, Math.abs(gate[name]))});
    write(name + "-value", words(gate[name], 2));
  }
};
const drawTraces = () => {
  const first = Math.max(0, past.length - 1 - SHOWN);
  const window = past.slice(first), traces = Object.entries(data.traces);
  const sizes = traces.flatMap(([t]) => window.map(s => Math.abs(s[t])));
  const most = Math.max(1, ...sizes), svg = find("chart");
  const place = chart.axes(svg, {
    height: 190,
    x: {from: first, to: first + SHOWN, label: "step"},
    y: {from: -most, to: most, label: traces.map(([t]) => t).join(", ")},
  });
  for (const [trace, colour] of traces)
    chart.line(svg, place, window.map((s, i) => [first + i, s[trace]]),
      {style: `stroke:${colour}`, "data-part": "trace-" + trace});
};
const draw = () => {
  const gate = open(), now = past[past.length - 1];
  drawGates(gate);
  drawTraces();
  write("step-now", past.length - 1);
  for (const trace in data.traces) write("now-" + trace, words(now[trace]));
  write("sum", describe(now, gate, advance(now, gate)));
};
const apply = () => past.push(advance(past[past.length - 1], open()));
const turn = values => {
  for (const name in values) find(name).value = values[name];
};
find("step").addEventListener("click", () => { apply(); draw(); });
find("reset").addEventListener("click", () => { past = [fresh]; draw(); });
for (const name in data.gates) find(name).addEventListener("input", draw);
data.presets.forEach((values, i) =>
  find("preset-" + i).addEventListener("click", () => {
    turn(values);
    draw();
  }));
chart.redraw(find("chart"), () => draw());
for (const i of data.story) { turn(data.presets[i]); apply(); }
draw();
