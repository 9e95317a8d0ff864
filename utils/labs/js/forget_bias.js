// The share f^k of the gradient that is left after k steps, and its half-life.
const LAGS = Array.from({length: 151}, (_, i) => 10 ** (i / 50));
const draw = () => {
  const bias = number("bias"), gate = 1 / (1 + Math.exp(-bias));
  const halfLife = Math.LN2 / Math.log1p(Math.exp(-bias));
  const svg = find("chart"), place = chart.axes(svg, {
    x: {from: 1, to: 1000, log: true, label: "lag k, in steps"},
    y: {from: 0, to: 1, label: "share of the gradient left"},
  });
  chart.line(svg, place, LAGS.map(lag => [lag, gate ** lag]),
    {style: "stroke:var(--blue)", "data-part": "curve"});
  if (halfLife >= 1 && halfLife <= 1000) {
    chart.line(svg, place, [[halfLife, .5], [halfLife, 0]],
      {"class": "lab-axis", "stroke-dasharray": "4 3"});
    chart.dots(svg, place, [[halfLife, .5]], {"stroke-width": 10,
      "stroke-linecap": "round", style: "stroke:var(--vermilion)"});
  }
  write("bias-text", "b = " + bias.toFixed(1));
  write("gate", gate.toFixed(4));
  write("half-life", halfLife.toFixed(2));
  write("left-10", (gate ** 10).toPrecision(3));
  write("left-100", (gate ** 100).toPrecision(3));
};
find("bias").addEventListener("input", draw);
chart.redraw(find("chart"), draw);
draw();
