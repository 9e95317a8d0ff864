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
const across = gain => (40 + 100 * gain).toFixed(1);
const up = iterations => (130 - 120 * iterations / T).toFixed(1);
const gains = [...Array(30).keys()].map(k => (k + 1) / 10);
const points = gains.map(g => `${across(g)} ${up(solve(g).length - 1)}`);
set("all", {d: "M" + points.join("L")});
const draw = () => {
  const gain = number("gain"), residuals = solve(gain);
  const count = residuals.length - 1;
  const path = residuals.map((r, k) => {
    const height = 10 + 120 * Math.min(1, -Math.log10(Math.max(r, 1e-16)) / 16);
    return `${(40 + 300 * k / count).toFixed(1)} ${height.toFixed(1)}`;
  });
  set("path", {d: "M" + path.join("L")});
  set("dot", {cx: across(gain), cy: up(count)});
  write("gain-text", gain.toFixed(1));
  write("now", gain.toFixed(1));
  write("last", count);
  write("iterations", count);
  write("growth", growth(gain).toFixed(2));
};
find("gain").addEventListener("input", draw);
draw();
