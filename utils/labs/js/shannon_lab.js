let game, passage;
const SIGNS = {" ": "␣ (space)", "\n": "↵ (line end)"};
const visible = sign => SIGNS[sign] ?? sign;
const row = (name, ranks, own) => {
  const line = document.createElement("tr");
  const share = ranks.filter(r => r === 1).length;
  const cells = [name, `${share} of ${ranks.length}`,
    shannon.cost(ranks, data.code).toFixed(2), own];
  cells.forEach((text, i) => {
    const cell = document.createElement(i ? "td" : "th");
    if (!i) cell.scope = "row";
    cell.textContent = text;
    line.append(cell);
  });
  return line;
};
const draw = said => {
  const n = game.ranks.length;
  write("context", passage.context);
  write("known", passage.text.slice(0, n));
  write("cursor", game.done ? "" : "?");
  write("wrong", game.wrong.map(visible).join("  ") || "none");
  write("left", passage.text.length - n);
  write("said", said);
  find("scores").replaceChildren(...n ? [
    row("you", game.ranks, "–"),
    ...Object.entries(passage.models).map(([name, {ranks, bits}]) =>
      row(name, ranks.slice(0, n), shannon.mean(bits.slice(0, n)).toFixed(2))),
  ] : []);
  for (const name of ["guess", "space", "end", "show"])
    find(name).disabled = game.done;
};
const begin = () => {
  passage = data.passages[number("passage")];
  game = new shannon.Game(passage.text);
  draw("Guess the first character.");
};
const take = sign => {
  const answer = game.guess(sign);
  const words = {
    right: `${visible(sign)} is right`, wrong: `${visible(sign)} is wrong`,
    again: `${visible(sign)} was guessed before`,
  }[answer];
  draw(game.done ? "That was the last one." : `${words}.`);
};
find("guess").addEventListener("input", event => {
  const sign = event.target.value.slice(-1);
  event.target.value = "";
  if (sign) take(sign);
});
find("space").addEventListener("click", () => take(" "));
find("end").addEventListener("click", () => take("\n"));
find("show").addEventListener("click", () => {
  const sign = passage.text[game.ranks.length];
  game.reveal(data.code.length);
  draw(`It was ${visible(sign)}.`);
});
find("passage").addEventListener("input", begin);
begin();
