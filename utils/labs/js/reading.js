// Each model's probability of positive after every word of a sentence.
const draw = () => {
  const {tokens, verdicts} = data.readings[number("sentence")];
  find("position").max = tokens.length;
  const now = number("position") - 1, shown = verdicts[number("model")];
  along.draw(
    find("chart"), data.lines, verdicts, tokens.length, now);
  find("words").replaceChildren(...tokens.flatMap((token, i) => {
    const word = along.tinted(token, shown[i]);
    if (i > now) word.style.background = "";
    if (i === now) word.className = "lab-now";
    return [word, " "];
  }));
  write("position-text", `${now + 1} of ${tokens.length}: “${tokens[now]}”`);
  find("position").setAttribute("aria-valuetext", `${now + 1}, ${tokens[now]}`);
  verdicts.forEach((_, m) =>
    write("now-" + m, verdicts[m][now].toFixed(2)));
};
for (const name of ["sentence", "model", "position"])
  find(name).addEventListener("input", draw);
chart.redraw(find("chart"), draw);
draw();
