// Newton's method for all states of a tanh RNN at once, as in
// `utils.recurrences.newton`; a loop solves the linear recurrence of each step.
const T = data.drive.length, H = data.W.length;
const units = [...Array(H).keys()], times = [...Array(T).keys()];
const through = (v, gain) => units.map(j =>
  gain * units.reduce((sum, i) => sum + v[i] * data.W[i][j], 0));
const advance = (before, t, gain) =>
  through(before, gain).map((z, j) => Math.tanh(data.drive[t][j] + z));
const largest = rows => Math.max(...rows.flat().map(Math.abs));
const fresh = units.map(() => 0);
const clip = value => Math.max(-1, Math.min(1, value || 0));
const solve = gain => {
  let guess = times.map(() => fresh);
  const residuals = [];
  while (residuals.length <= T) {
    const after = times.map(t => advance(t ? guess[t - 1] : fresh, t, gain));
    const gaps = after.map((row, t) => row.map((f, j) => f - guess[t][j]));
    residuals.push(largest(gaps));
    if (residuals[residuals.length - 1] <= 1e-12) break;
    let d = fresh;
    guess = guess.map((row, t) => {
      d = through(d, gain).map((v, j) =>
        v * (1 - after[t][j] ** 2) + gaps[t][j]);
      return row.map((g, j) => clip(g + d[j]));
    });
  }
  return residuals;
};
const growth = gain => {
  let h = fresh, v = units.map(() => 1 / Math.sqrt(H)), sum = 0;
  for (const t of times) {
    h = advance(h, t, gain);
    v = through(v, gain).map((each, j) => each * (1 - h[j] ** 2));
    const size = Math.hypot(...v);
    sum += Math.log(size);
    v = v.map(each => each / size);
  }
  return Math.exp(sum / T);
};
const gains = [...Array(10 * data.most).keys()].map(k => (k + 1) / 10);
const needed = gains.map(gain => [gain, solve(gain).length - 1]);
const drawNeeded = (gain, count) => {
  const svg = find("needed"), place = chart.axes(svg, {
    height: 190,
    x: {from: 0, to: data.most, label: "recurrent gain"},
    y: {from: 0, to: T, label: "iterations"},
  });
  chart.line(svg, place, needed, {style: "stroke:var(--blue)"});
  chart.dots(svg, place, [[gain, count]], {style: "stroke:var(--vermilion)",
    "stroke-width": 10, "stroke-linecap": "round"});
};
const drawResiduals = residuals => {
  const svg = find("residuals"), place = chart.axes(svg, {
    height: 190,
    x: {from: 0, to: residuals.length - 1, label: "iteration"},
    y: {from: -16, to: 1, label: "residual, as a power of ten"},
  });
  const points = residuals.map((r, k) => [k, Math.log10(r + 1e-16)]);
  chart.line(svg, place, points, {style: "stroke:var(--vermilion)"});
};
const draw = () => {
  const gain = number("gain"), residuals = solve(gain);
  drawNeeded(gain, residuals.length - 1);
  drawResiduals(residuals);
  write("gain-text", gain.toFixed(1));
  write("now", gain.toFixed(1));
  write("iterations", residuals.length - 1);
  write("growth", growth(gain).toFixed(2));
};
find("gain").addEventListener("input", draw);
draw();
