// Examples that were decoded beforehand, with the mask and without.
const draw = () => {
  const {source, masked, unmasked} = data.examples[number("example")];
  const view = find("mask").checked ? masked : unmasked;
  const slide = find("position");
  slide.max = view.written.length;
  const row = number("position") - 1, weights = view.weights[row];
  alignment.draw(find("map"), source, view.written, view.weights, row);
  const best = weights.map((weight, j) => [weight, j])
    .sort((a, b) => b[0] - a[0]).slice(0, 3)
    .map(([weight, j]) => `“${source[j]}” at ${j + 1}: ${weight.toFixed(2)}`);
  const padding = weights.reduce(
    (sum, weight, j) => sum + (source[j] === "∅" ? weight : 0), 0);
  const symbol = view.written[row], place = `${row + 1}`;
  write("position-text", `${place} of ${view.written.length}: “${symbol}”`);
  slide.setAttribute("aria-valuetext", `${place}, ${symbol}`);
  write("written", view.written.join(""));
  write("symbol", symbol);
  write("best", best.join(", "));
  write("padding", padding.toFixed(2));
};
for (const name of ["example", "position", "mask"])
  find(name).addEventListener("input", draw);
alignment.onRow(find("map"), row => {
  if (row + 1 === number("position")) return;
  find("position").value = row + 1;
  draw();
});
chart.redraw(find("map"), draw);
draw();
