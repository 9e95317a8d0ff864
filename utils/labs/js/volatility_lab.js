// A promise of coverage, held or broken, day by day and year by year.
const tracks = data.tracks.map(track => {
  const errors = track.errors.map(each => each / 1000);
  const volatility = track.volatility.map(each => each / 1000);
  const truth = errors.map((e, i) => volatility[i] * Math.exp(e / 2));
  const years = Object.keys(track.years).map(Number);
  return {...track, errors, volatility, truth, all: years};
});
const percent = share => (100 * share).toFixed(1) + " %";

const band = (track, found, [from, to], year) => {
  const {volatility, truth, errors, all} = track, {lower, upper} = found;
  const whole = truth.slice(track.years[all[0]][0]);
  const svg = find("band"), place = chart.axes(svg, {
    x: {from: 0, to: 255, label: `trading day of ${year}`},
    y: {from: Math.min(...whole), to: Math.max(...whole), log: true,
      label: "volatility, % a day, logarithmic"},
  });
  const days = Array.from({length: to - from}, (_, i) => i);
  const edge = bound => days.map(i =>
    [i, volatility[from + i] * Math.exp(bound[from + i] / 2)]);
  const inside = i => errors[from + i] >= lower[from + i] &&
    errors[from + i] <= upper[from + i];
  const at = i => [i, truth[from + i]];
  chart.line(svg, place, [...edge(lower), ...edge(upper).reverse()],
    {"class": "lab-band", "data-part": "band-area"});
  chart.line(svg, place, days.map(i => [i, volatility[from + i]]),
    {style: "stroke:var(--ink);stroke-width:1.5"});
  chart.dots(svg, place, days.filter(inside).map(at), {"class": "lab-truth"});
  chart.dots(svg, place, days.filter(i => !inside(i)).map(at),
    {"class": "lab-truth lab-miss", "data-part": "misses"});
};

const byYear = (name, {values, wanted, from, to, label}, years, year) => {
  const svg = find(name), place = chart.axes(svg, {
    x: {from: years[0] - .5, to: years[years.length - 1] + .5, label: "year"},
    y: {from, to, label}, height: 190,
  });
  const points = years.map((each, i) => [each, values[i]]);
  if (wanted !== undefined)
    chart.line(svg, place, [[years[0] - .5, wanted],
      [years[years.length - 1] + .5, wanted]],
      {"class": "lab-axis", "stroke-dasharray": "6 4"});
  chart.line(svg, place, points,
    {style: "stroke:var(--blue);stroke-width:1.5",
      "data-part": name + "-line"});
  chart.dots(svg, place, points, {"class": "lab-year"});
  chart.dots(svg, place, points.filter(([each]) => each === year),
    {"class": "lab-year lab-chosen"});
};

const draw = () => {
  const track = tracks[number("horizon")], {errors, all, years} = track;
  const coverage = number("coverage"), window = number("window");
  const rate = number("rate"), year = number("year");
  const found = intervals.bounds(errors,
    {coverage, window, horizon: track.horizon, rate});
  const rows = all.map(each =>
    intervals.measure(errors, found, ...years[each]));
  const total = intervals.measure(errors, found, years[all[0]][0],
    years[all[all.length - 1]][1]);
  band(track, found, years[year], year);
  const low = Math.min(coverage - .2, ...rows.map(row => row.coverage));
  byYear("coverage-chart", {
    values: rows.map(row => 100 * row.coverage), wanted: 100 * coverage,
    from: Math.max(0, Math.floor(20 * low) * 5), to: 100,
    label: "days held, % (dashed: promised)",
  }, all, year);
  byYear("ratio-chart", {
    values: rows.map(row => row.ratio), from: 1,
    to: Math.max(6, Math.ceil(Math.max(...rows.map(row => row.ratio)))),
    label: "width: upper / lower bound",
  }, all, year);
  const worst = rows.reduce((least, row, i) =>
    row.coverage < rows[least].coverage ? i : least, 0);
  write("coverage-text", percent(coverage).replace(".0", ""));
  write("window-text", window);
  write("rate-text", rate ? "by " + rate.toFixed(3) : "no");
  write("year-text", year);
  write("promised", percent(coverage).replace(".0", ""));
  write("held", percent(total.coverage));
  write("held-year", percent(rows[all.indexOf(year)].coverage));
  write("shown", year);
  write("worst", `${all[worst]}: ${percent(rows[worst].coverage)}`);
  write("ratio", total.ratio.toFixed(2));
  write("how", rate ? "Each miss widens the next interval, each hit narrows " +
    "it a little." : "Dots outside the band are misses.");
};
for (const name of ["coverage", "window", "rate", "year", "horizon"])
  find(name).addEventListener("input", draw);
for (const name of ["band", "coverage-chart"]) chart.redraw(find(name), draw);
draw();
