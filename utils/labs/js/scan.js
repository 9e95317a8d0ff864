// The pairs (a, b) of a scan at every level, as in `utils.scratch.scan`.
const steps = data.b.length;
const plan = () => {
  const down = [], up = [];
  let columns = data.b.map((_, t) => t);
  while (columns.length > 1) {
    const pairs = [], between = [];
    for (let k = 1; k < columns.length; k++)
      (k % 2 ? pairs : between).push([columns[k - 1], columns[k]]);
    down.push(["join neighbours", pairs]);
    if (between.length) up.unshift(["fill in", between]);
    columns = columns.filter((_, k) => k % 2);
  }
  return down.concat(up);
};
const short = value => Number(value.toFixed(3)).toString().replace("-", "−");
const fill = (row, t, pair) => {
  const known = pair.first === 0;
  write(`span-${row}-${t}`, `${pair.first + 1}:${t + 1}`);
  write(`pair-${row}-${t}`, (known ? "h " : "b ") + short(pair.b));
  set(`frame-${row}-${t}`, {style: known ? "stroke:var(--blue)" : ""});
};
const draw = () => {
  const a = number("a"), level = number("level"), levels = plan();
  const pairs = data.b.map((b, t) => ({a, b, first: t}));
  for (let row = 0; row <= levels.length; row++) {
    const joined = row ? levels[row - 1][1] : pairs.map((_, t) => [t, t]);
    if (row && row <= level)
      for (const [left, right] of joined) {
        const earlier = pairs[left], later = pairs[right];
        later.b = later.a * earlier.b + later.b;
        later.a = later.a * earlier.a;
        later.first = earlier.first;
      }
    for (let t = 0; t < steps; t++) {
      const shown = row <= level && joined.some(joint => joint[1] === t);
      find(`box-${row}-${t}`).style.display = shown ? "" : "none";
      if (shown) fill(row, t, pairs[t]);
    }
  }
  const known = pairs.map(pair => pair.first === 0);
  pairs.forEach((p, t) => write("h-" + t, known[t] ? "= " + short(p.b) : ""));
  write("known", known.filter(Boolean).length);
  write("a-text", "a = " + short(a));
  write("level-text", `${level} of ${levels.length}`);
  write("said", level ? `${levels[level - 1][0]}: ` + levels[level - 1][1]
    .map(([left, right]) => `${left + 1} with ${right + 1}`).join(", ") + "."
    : "Every step is a pair (a, b) of its own.");
};
for (const name of ["a", "level"]) find(name).addEventListener("input", draw);
draw();
