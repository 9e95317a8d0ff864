// The gradient's share against the lag, measured in the page, and two theories.
const {Q, v, bits, count, time} = data;
const x = vanishing.inputs(bits, count, time, v.length);
const LAST = time - 1, LOW = 1e-8, HIGH = 1e4;
const power = factor => Array.from({length: time}, (_, k) => [k, factor ** k]);
const share = value => value >= .001 && value < 1000 ?
  value.toPrecision(2) : value.toExponential(1).replace("e+", "e");
const draw = () => {
  const radius = number("radius"), strength = number("strength");
  const {norms, chi} = vanishing.reach({Q, v, x}, radius, strength);
  const svg = find("chart"), place = chart.axes(svg, {
    x: {from: 0, to: LAST, label: "lag k, in steps"},
    y: {from: LOW, to: HIGH, log: true, label: "gradient, as at lag 0"},
  });
  const factor = (norms[30] / norms[10]) ** (1 / 20);
  chart.line(svg, place, [[0, 1], [LAST, 1]], {"class": "lab-axis"});
  chart.line(svg, place, power(radius).filter(([, y]) => y > LOW && y < HIGH),
    {"class": "lab-axis", "stroke-dasharray": "2 4", "data-part": "radius-k"});
  chart.line(svg, place, power(chi).filter(([, y]) => y > LOW && y < HIGH),
    {style: "stroke:var(--vermilion)", "stroke-dasharray": "6 4",
      "data-part": "chi-k"});
  chart.line(svg, place, norms.map((norm, k) => [k, norm]),
    {style: "stroke:var(--blue)", "data-part": "curve"});
  write("radius-text", "ρ = " + radius.toFixed(2));
  write("strength-text", strength.toFixed(1));
  write("factor", factor.toFixed(3));
  write("chi", chi.toFixed(3));
  write("left-10", share(norms[10]));
  write("left-40", share(norms[LAST]));
  write("verdict", factor < .99 ? "it vanishes" :
    factor > 1.01 ? "it explodes" : "it keeps its size");
};
for (const name of ["radius", "strength"])
  find(name).addEventListener("input", draw);
chart.redraw(find("chart"), draw);
draw();
