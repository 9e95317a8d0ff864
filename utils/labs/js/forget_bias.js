// The share f^k of the gradient that is left after k steps, and its half-life.
const across = lag => 40 + 300 * Math.log10(lag) / 3;
const up = share => 150 - 140 * share;
const draw = () => {
  const bias = number("bias"), gate = 1 / (1 + Math.exp(-bias));
  const halfLife = Math.LN2 / Math.log1p(Math.exp(-bias));
  const points = [];
  for (let i = 0; i <= 150; i++) {
    const lag = Math.pow(10, i / 50), left = Math.pow(gate, lag);
    points.push(`${across(lag).toFixed(1)} ${up(left).toFixed(1)}`);
  }
  set("curve", {d: "M" + points.join("L")});
  const inside = halfLife >= 1 && halfLife <= 1000;
  find("dot").style.display = find("drop").style.display = inside ? "" : "none";
  if (inside) {
    const x = across(halfLife).toFixed(1);
    set("dot", {cx: x, cy: up(0.5)});
    set("drop", {d: `M${x} ${up(0.5)}V150`});
  }
  write("bias-text", "b = " + bias.toFixed(1));
  write("gate", gate.toFixed(4));
  write("half-life", halfLife.toFixed(2));
  write("left-10", Math.pow(gate, 10).toPrecision(3));
  write("left-100", Math.pow(gate, 100).toPrecision(3));
};
find("bias").addEventListener("input", draw);
draw();
