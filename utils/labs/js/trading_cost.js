// Wealth w <- w (1 + r held - cost |change|), beside the index itself.
const days = data.returns.length, [first, last] = data.years;
const year = day => first + (last - first) * day / days;
const grow = cost => {
  let wealth = 1, before = 0;
  return data.returns.map((change, day) => {
    const held = Number(data.invested[day]);
    wealth *= 1 + change * held - Math.abs(held - before) * cost / 1e4;
    before = held;
    return wealth;
  });
};
let index = 1;
const indexCurve = data.returns.map(change => index *= 1 + change);
const ends = [...indexCurve, ...grow(0), ...grow(10)];
const from = Math.min(...ends), to = Math.max(...ends);
// Every fifth day is enough for the eye.
const points = curve => curve
  .map((wealth, day) => [year(day + 1), wealth])
  .filter((_, day) => day % 5 === 0 || day === days - 1);
const draw = () => {
  const cost = number("cost"), curve = grow(cost);
  const svg = find("chart"), place = chart.axes(svg, {
    x: {from: first, to: last, label: data.time},
    y: {from, to, log: true, label: "growth of 1, logarithmic"},
  });
  chart.line(svg, place, [[first, 1], [last, 1]],
    {"class": "lab-axis", "stroke-dasharray": "5 4"});
  chart.line(svg, place, points(indexCurve),
    {style: "stroke:var(--ink);stroke-width:1.2"});
  chart.line(svg, place, points(curve),
    {style: "stroke:var(--vermilion);stroke-width:1.8"});
  write("cost-text", cost.toFixed(1) + " bp");
  write("grown", curve[days - 1].toFixed(2));
  write("index-grown", index.toFixed(2));
};
find("cost").addEventListener("input", draw);
chart.redraw(find("chart"), draw);
draw();
