// Each model's probability of positive after every word of a sentence.
const LEFT = 30, RIGHT = 352, TOP = 10, BOTTOM = 130;
const up = p => BOTTOM - (BOTTOM - TOP) * p;
const tinted = (token, probability) => {
  const word = document.createElement("span");
  const colour = probability > .5 ? "var(--blue)" : "var(--vermilion)";
  const share = (Math.abs(probability - .5) * 80).toFixed(0);
  word.textContent = token;
  word.style.background =
    `color-mix(in srgb, ${colour} ${share}%, transparent)`;
  return word;
};
const draw = () => {
  const {tokens, verdicts} = data.readings[number("sentence")];
  const across = i => LEFT + (RIGHT - LEFT) * (i + .5) / tokens.length;
  find("position").max = tokens.length;
  const now = number("position") - 1, shown = verdicts[number("model")];
  data.models.forEach((_, m) => set("line-" + m, {d: "M" + verdicts[m]
    .map((p, i) => `${across(i).toFixed(1)} ${up(p).toFixed(1)}`).join("L")}));
  set("cursor", {d: `M${across(now).toFixed(1)} ${TOP}V${BOTTOM}`});
  find("words").replaceChildren(...tokens.flatMap((token, i) => {
    const word = tinted(token, shown[i]);
    if (i > now) word.style.background = "";
    if (i === now) word.className = "lab-now";
    return [word, " "];
  }));
  write("position-text", `${now + 1} of ${tokens.length}: “${tokens[now]}”`);
  find("position").setAttribute("aria-valuetext", `${now + 1}, ${tokens[now]}`);
  data.models.forEach((_, m) =>
    write("now-" + m, verdicts[m][now].toFixed(2)));
};
for (const name of ["sentence", "model", "position"])
  find(name).addEventListener("input", draw);
draw();
