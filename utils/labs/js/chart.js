// A chart with numbers on its axes, drawn at the size it has on the page: its
// letters are as large on a phone as on a desk.

const EDGE = {left: 44, right: 18, top: 22, bottom: 36};

/** Add an SVG element to another; return it. */
export function element(parent, name, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes))
    made.setAttribute(key, value);
  made.textContent = text;
  parent.append(made);
  return made;
}

/** Return round numbers from `from` to `to`, about `count` of them. */
export function ticks(from, to, count = 5) {
  const rough = (to - from) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find(factor => factor * power >= rough);
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({length: last - first + 1},
    (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Return round numbers for a logarithmic axis: every so many powers of ten,
 * or 1, 2, 5 or all. */
export function logTicks(from, to) {
  const decades = Math.log10(to / from);
  if (decades < .7) return ticks(from, to);
  const first = Math.floor(Math.log10(from)), last = Math.log10(to);
  const every = Math.ceil(decades / 7);
  const powers = Array.from({length: last - first + 1}, (_, i) => first + i)
    .filter(power => power % every === 0);
  return powers
    .flatMap(p => (decades < 2.5 ? [1, 2, 5] : [1]).map(m => `${m}e${p}`))
    .map(Number).filter(value => value >= from && value <= to);
}

/** Write a number for an axis; a power of ten that would be long, as one. */
export function label(value) {
  const power = Math.log10(value);
  if (Number.isInteger(power) && Math.abs(power) > 4)
    return "10" + String(power).replace(/./g, sign =>
      sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign]);
  return String(value).replace("-", "−");
}

/** Map an axis's numbers to pixels; what lies beyond its ends stays there. */
function scale({from, to, log = false}, start, end) {
  const at = log ? Math.log : Number;
  return value => {
    const share = (at(value) - at(from)) / (at(to) - at(from));
    return start + (end - start) * Math.min(1, Math.max(0, share));
  };
}

/** Draw axes {from, to, label, log} into an SVG element, which is emptied.
 *
 * Returns two functions that place a number, `across` and `up`.
 */
export function axes(svg, {x, y, height = 230}) {
  const width = svg.clientWidth || 320;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren();
  const bottom = height - EDGE.bottom, right = width - EDGE.right;
  const across = scale(x, EDGE.left, right), up = scale(y, bottom, EDGE.top);
  const path = (kind, d) => element(svg, "path", {"class": kind, d});
  const text = (at, words) => element(svg, "text", at, words);
  const marks = ({from, to, log}, count) =>
    log ? logTicks(from, to) : ticks(from, to, count);
  for (const value of marks(y, 5)) {
    const at = up(value);
    path("lab-grid", `M${EDGE.left} ${at}H${right}`);
    text({x: EDGE.left - 6, y: at + 4, "text-anchor": "end"}, label(value));
  }
  for (const value of marks(x, width / 60)) {
    const at = across(value);
    path("lab-axis", `M${at} ${bottom}v4`);
    text({x: at, y: bottom + 17, "text-anchor": "middle"}, label(value));
  }
  path("lab-axis", `M${EDGE.left} ${bottom}H${right}`);
  text({x: 0, y: 12}, y.label);
  text({x: right, y: height - 4, "text-anchor": "end"}, x.label);
  return {across, up};
}

/** Draw a line through points [x, y]. */
export function line(svg, {across, up}, points, attributes) {
  const place = ([x, y]) => `${across(x).toFixed(1)} ${up(y).toFixed(1)}`;
  const d = points.length ? "M" + points.map(place).join("L") : "";
  return element(svg, "path", {"class": "lab-line", d, ...attributes});
}

/** Draw a dot at each point: short strokes, round or square by their caps. */
export function dots(svg, {across, up}, points, attributes) {
  const place = ([x, y]) => `M${across(x).toFixed(1)} ${up(y).toFixed(1)}h.01`;
  return element(svg, "path", {d: points.map(place).join(""), ...attributes});
}

/** Draw again whenever an SVG element changes its width. */
export function redraw(svg, draw) {
  let width = svg.clientWidth;
  new ResizeObserver(() => {
    if (svg.clientWidth !== width) { width = svg.clientWidth; draw(); }
  }).observe(svg);
}
