// The page around a Trainer: its loss, the states of its layer, the sentence.
const CHANCE = Math.LN2, DRAWN = 400;
const rate = () => 10 ** number("rate");
let trainer, probes, longer, directions, running = false, seed = data.seed;
let measured = 0;

const start = () => {
  const cell = find("cell").value, task = find("task").value;
  trainer = new training.Trainer({
    ...data.sizes, cell, task, seed, learningRate: rate()});
  // The same questions for every network: how well it does on new sequences.
  const random = seeded.generator(data.probeSeed), {time} = data.sizes;
  probes = training.examples(task, random, 16, time);
  longer = training.examples(task, random, 16, 4 * time);
  directions = undefined;
  draw();
};

const recent = () => {
  const last = trainer.losses.slice(-10);
  return last.reduce((sum, loss) => sum + loss / last.length, 0);
};

const drawLosses = () => {
  const {losses} = trainer, svg = find("losses");
  const steps = Math.max(100, losses.length);
  const place = chart.axes(svg, {
    x: {from: 0, to: steps, label: "steps"},
    y: {from: 1e-4, to: 10, log: true, label: "loss, nats a bit"},
  });
  chart.line(svg, place, [[0, CHANCE], [steps, CHANCE]],
    {"class": "lab-axis", "stroke-dasharray": "5 4"});
  chart.element(svg, "text", {
    x: place.across(steps), y: place.up(CHANCE) + 15, "text-anchor": "end",
  }, "guessing");
  const every = Math.ceil(losses.length / DRAWN);
  const points = losses.map((loss, i) => [i + 1, loss])
    .filter((_, i) => i % every === 0 || i === losses.length - 1);
  chart.line(svg, place, points,
    {style: "stroke:var(--blue);stroke-width:2", "data-part": "loss-line"});
};

const drawStates = () => {
  const svg = find("states"), memory = probes.flatMap(probe => probe.memory);
  const states = probes.flatMap(probe => trainer.read(probe.x).states);
  const seen = training.principal(states, directions);
  directions = seen.directions;
  const reach = Math.max(2, ...seen.points.flat().map(Math.abs));
  const ends = {from: -Math.ceil(reach), to: Math.ceil(reach)};
  const place = chart.axes(svg, {
    x: {...ends, label: "first principal component"},
    y: {...ends, label: "second"},
  });
  for (const bit of [0, 1])
    chart.dots(svg, place, seen.points.filter((_, i) => memory[i] === bit), {
      style: `stroke:var(--${bit ? "vermilion" : "blue"})`, "stroke-width": 7,
      "stroke-opacity": .65, "stroke-linecap": bit ? "square" : "round",
      "data-part": "states-" + bit});
};

const verdict = loss =>
  loss > 1.1 * CHANCE ? "worse than guessing: its steps overshoot"
  : loss > .9 * CHANCE ? "no better than guessing"
  : loss > .05 ? "on its way" : "the rule is learnt";

const measure = () => {
  const percent = chosen => (100 * trainer.accuracy(chosen)).toFixed(0) + " %";
  write("right", percent(probes));
  write("right-longer", percent(longer));
  measured = performance.now();
};

const describe = () => {
  const {losses} = trainer, {time} = data.sizes, done = losses.length;
  if (!running || performance.now() - measured > 300) measure();
  write("step-now", done);
  write("loss-now", done ? losses[done - 1].toPrecision(3) : "not yet known");
  write("verdict", done ? verdict(recent()) : "nothing is learnt yet");
  write("length", time);
  write("length-longer", 4 * time);
};

const draw = () => {
  const task = data.words[find("task").value], power = number("rate");
  const said = rate().toPrecision(2).replace(/\.?0+$/, "");
  write("rate-text", said);
  write("rate-now", said);
  find("rate").setAttribute("aria-valuetext", said);
  write("zero", task[0]);
  write("one", task[1]);
  write("train", running ? "Pause" : "Train");
  drawLosses();
  drawStates();
  describe();
};

const learn = () => {
  if (!running) return;
  const until = performance.now() + 12;
  do trainer.step();
  while (performance.now() < until && trainer.losses.length < data.limit);
  if (trainer.losses.length >= data.limit) turn(false);
  else { draw(); requestAnimationFrame(learn); }
};

// While numbers run, nobody wants them read out; the last ones are.
const turn = on => {
  running = on;
  root.querySelector("output").setAttribute("aria-live", on ? "off" : "polite");
  draw();
  if (on) requestAnimationFrame(learn);
};

find("train").addEventListener("click", () => turn(!running));
find("step").addEventListener("click", () => { trainer.step(); draw(); });
find("again").addEventListener("click", start);
find("other").addEventListener("click", () => { seed += 1; start(); });
for (const name of ["cell", "task"])
  find(name).addEventListener("input", start);
find("rate").addEventListener("input", () => {
  trainer.optimizer.learningRate = rate();
  draw();
});
new IntersectionObserver(([{isIntersecting}]) => {
  if (running && !isIntersecting) turn(false);
}).observe(root);
chart.redraw(find("losses"), () => draw());
start();
