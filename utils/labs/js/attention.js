// A map with a row for each written symbol: its weights over the source.
const LEFT = 24, TOP = 22, WIDTH = 332, ROW = 19;
const svg = (name, attributes, text) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes))
    element.setAttribute(key, value);
  if (text) element.textContent = text;
  find("map").append(element);
};
const drawMap = (source, view, row) => {
  const across = WIDTH / source.length;
  find("map").replaceChildren();
  set("map", {viewBox: `0 0 360 ${TOP + ROW * view.written.length + 6}`});
  source.forEach((symbol, j) => svg("text",
    {x: LEFT + across * (j + .5), y: 14, "text-anchor": "middle"}, symbol));
  view.weights.forEach((weights, i) => {
    const y = TOP + ROW * i, bold = i === row ? 700 : 400;
    svg("text", {x: 8, y: y + 14, "font-weight": bold}, view.written[i]);
    weights.forEach((weight, j) => svg("rect", {
      x: LEFT + across * j, y: y, width: across, height: ROW - 2,
      "fill-opacity": weight, "data-cell": i + "," + j, "class": "lab-weight",
    }));
    svg("rect", {
      x: 1, y: y - 1, width: 357, height: ROW,
      "class": "lab-row", "data-row": i, "stroke-opacity": i === row ? 1 : 0,
    });
  });
};
const draw = () => {
  const {source, masked, unmasked} = data.examples[number("example")];
  const view = find("mask").checked ? masked : unmasked;
  const slide = find("position");
  slide.max = view.written.length;
  const row = number("position") - 1, weights = view.weights[row];
  drawMap(source, view, row);
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
find("map").addEventListener("pointermove", event => {
  const row = event.target.dataset.row;
  if (row !== undefined && Number(row) + 1 !== number("position")) {
    find("position").value = Number(row) + 1;
    draw();
  }
});
draw();
