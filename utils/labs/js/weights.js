// Trained weights, loaded by a click: see utils/labs/weights.py.

// A published page says where its site begins; a notebook lies in chapters/.
function address(name) {
  const site = document.documentElement.dataset.content_root;
  const folder = site === undefined ? "../assets/" : site + "_static/";
  return `${folder}weights/${name}.js`;
}

/** Return the number that 16 bits stand for (IEEE 754, binary16). */
function float16(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = bits >> 10 & 31, fraction = (bits & 1023) / 1024;
  return exponent === 0 ?
    sign * 2 ** -14 * fraction : sign * 2 ** (exponent - 15) * (1 + fraction);
}

/** Return an array of the file as {shape, data} in float64. */
export function unpack({shape, dtype, scale, base64}) {
  const bytes = Uint8Array.from(atob(base64), sign => sign.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const read = dtype === "int8" ?
    i => view.getInt8(i) * scale : i => float16(view.getUint16(2 * i, true));
  const size = shape.reduce((product, length) => product * length, 1);
  return {shape, data: Float64Array.from({length: size}, (_, i) => read(i))};
}

/** Promise the layers of assets/weights/<name>.js. */
export function load(name) {
  const script = document.createElement("script");
  script.src = address(name);
  const loaded = new Promise((resolve, reject) => {
    script.onload = () => resolve(globalThis.unrolledWeights[name]);
    script.onerror = reject;
  });
  document.head.append(script);
  const each = (entries, change) => Object.fromEntries(
    Object.entries(entries).map(([key, value]) => [key, change(value)]));
  return loaded.then(layers => each(layers, params => each(params, unpack)));
}

/** Load a button's weights when it is clicked, then hand them to `use`. */
export function onClick(button, use) {
  const label = button.textContent;
  button.addEventListener("click", () => {
    button.disabled = true;
    button.textContent = "Loading …";
    load(button.dataset.weights).then(layers => {
      button.textContent = "Loaded";
      use(layers);
    }, () => {
      button.disabled = false;
      button.textContent = `${label}: not found; it comes with the book's site`;
    });
  });
}
