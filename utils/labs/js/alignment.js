// A map with a row for each written symbol: its weights over the source.
import {element} from "./chart.js";

const LETTER = 10, TOP = 22, ROW = 19, WIDEST = 30;

/** Draw weights [written, source] as cells; the chosen row has a frame. Rows
 * that are still to come leave their place free. */
export function draw(svg, source, written, weights, row) {
  const width = svg.clientWidth || 320;
  const left = 14 + LETTER * Math.max(1, ...written.map(s => s.length));
  const across = Math.min(WIDEST, (width - left - 4) / source.length);
  svg.replaceChildren();
  svg.setAttribute("viewBox",
    `0 0 ${width} ${TOP + ROW * written.length + 6}`);
  source.forEach((symbol, j) => element(svg, "text",
    {x: left + across * (j + .5), y: 14, "text-anchor": "middle"}, symbol));
  weights.forEach((shares, i) => {
    const y = TOP + ROW * i, bold = i === row ? 700 : 400;
    element(svg, "text", {x: 8, y: y + 14, "font-weight": bold}, written[i]);
    shares.forEach((weight, j) => element(svg, "rect", {
      x: left + across * j, y, width: across, height: ROW - 2,
      "fill-opacity": weight, "data-cell": i + "," + j, "class": "lab-weight",
    }));
    element(svg, "rect", {
      x: 1, y: y - 1, width: left + across * source.length + 1, height: ROW,
      "class": "lab-row", "data-row": i, "stroke-opacity": i === row ? 1 : 0,
    });
  });
}

/** Call `pick` with the number of the row that the pointer is over. */
export function onRow(svg, pick) {
  svg.addEventListener("pointermove", event => {
    const {row} = event.target.dataset;
    if (row !== undefined) pick(Number(row));
  });
}
