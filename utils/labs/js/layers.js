// The book's layers in the reader's browser: the fourth implementation, beside
// NumPy, PyTorch and Keras, and equal to `utils.scratch` with the same weights.
//
// Parameters have the names, shapes and gate order of `layer.params` there; an
// array is nested lists or {shape, data}. A sequence is a list of vectors, one
// for each step; a layer returns {outputs, state, steps}, where `steps` holds
// what its backward pass needs. All numbers are float64.

// Arrays ---------------------------------------------------------------------

/** Return an array as {shape, data}, `data` row by row in float64. */
export function array(values) {
  if (values.shape) return values;
  const shape = [];
  for (let part = values; part.length !== undefined; part = part[0])
    shape.push(part.length);
  const data = Float64Array.from(values.flat(Infinity));
  if (data.length !== shape.reduce((product, size) => product * size, 1))
    throw new Error(`rows differ in length: ${data.length} numbers, ${shape}`);
  return {shape, data};
}

/** Return a layer's parameters with every array as {shape, data}. */
export function arrays(params) {
  const named = Object.entries(params).map(([name, p]) => [name, array(p)]);
  return Object.fromEntries(named);
}

export const zeros = size => new Array(size).fill(0);

const add = (a, b) => a.map((value, i) => value + b[i]);
const multiply = (a, b) => a.map((value, i) => value * b[i]);
const sigmoid = z => 1 / (1 + Math.exp(-z));

/** Cut a vector into equal blocks, one for each gate. */
const blocks = (vector, count) => {
  const size = vector.length / count;
  return Array.from({length: count},
    (_, i) => vector.slice(i * size, (i + 1) * size));
};

/** Return the row vector v W. */
function times(v, {shape: [rows, columns], data}) {
  if (v.length !== rows)
    throw new Error(`a vector of ${v.length} numbers meets ${rows} rows`);
  const product = zeros(columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++)
      product[j] += v[i] * data[i * columns + j];
  return product;
}

/** Return the row vector v W^T. */
function timesTransposed(v, {shape: [rows, columns], data}) {
  const product = zeros(rows);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++)
      product[i] += v[j] * data[i * columns + j];
  return product;
}

/** Add the outer product of u and v to W, in place. */
function addOuter({shape: [rows, columns], data}, u, v) {
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++)
      data[i * columns + j] += u[i] * v[j];
}

/** Add a vector to b, in place. */
function addTo({data}, vector) {
  vector.forEach((value, i) => { data[i] += value; });
}

/** Return x W + b, where a layer without bias has no b. */
function affine(x, W, b) {
  const product = times(x, W);
  return b ? add(product, b.data) : product;
}

/** Return zeros of the shapes of a layer's parameters, to sum gradients in. */
export function zerosLike(params) {
  const named = Object.entries(params).map(([name, {shape, data}]) =>
    [name, {shape, data: new Float64Array(data.length)}]);
  return Object.fromEntries(named);
}

/** Run `step` along x: each step's `next` state enters the following one. */
function unroll(x, first, step) {
  const steps = [];
  let state = first;
  for (const x_t of x) {
    steps.push(step(x_t, state));
    state = steps[steps.length - 1].next;
  }
  return {steps, state};
}

// Forward --------------------------------------------------------------------

/** Elman's layer: h_t = tanh(x_t W_x + h_{t-1} W_h + b). Chapter 01. */
export function rnn(params, x, h0) {
  const {W_x, W_h, b} = arrays(params);
  const {steps, state} = unroll(x, h0 ?? zeros(W_h.shape[0]), (x_t, h) => {
    const z = add(affine(x_t, W_x, b), times(h, W_h));
    return {x: x_t, h, next: z.map(Math.tanh)};
  });
  return {outputs: steps.map(step => step.next), state, steps};
}

/** The LSTM with a forget gate; gates i, f, g, o; state [h, c]. Chapter 02.
 *
 * c_t = f c_{t-1} + i g and h_t = o tanh(c_t), where i, f, o are sigmoids and
 * g is a tanh of x_t W_x + h_{t-1} W_h + b, each of its own columns.
 */
export function lstm(params, x, h0, c0) {
  const {W_x, W_h, b} = arrays(params), size = W_h.shape[0];
  const first = [h0 ?? zeros(size), c0 ?? zeros(size)];
  const {steps, state} = unroll(x, first, (x_t, [h, c]) => {
    const z = blocks(add(affine(x_t, W_x, b), times(h, W_h)), 4);
    const [i, f, o] = [z[0], z[1], z[3]].map(gate => gate.map(sigmoid));
    const g = z[2].map(Math.tanh);
    const cell = add(multiply(f, c), multiply(i, g));
    return {next: [multiply(o, cell.map(Math.tanh)), cell]};
  });
  return {outputs: steps.map(step => step.next[0]), state, steps};
}

/** The GRU; gates r, z, n. Chapter 03.
 *
 * r and z are sigmoids of x W_x + b_x + h W_h + b_h, each of its own columns,
 * n = tanh(x W_x + b_x + r (h W_h + b_h)) and h_t = z h_{t-1} + (1 - z) n.
 * With a single bias `b` the reset gate acts before the product:
 * n = tanh(x W_x + b + (r h) W_h), which is another model.
 */
export function gru(params, x, h0, resetAfter = !("b" in params)) {
  const {W_x, W_h, b, b_x = b, b_h} = arrays(params);
  const {steps, state} = unroll(x, h0 ?? zeros(W_h.shape[0]), (x_t, h) => {
    const [r_x, z_x, n_x] = blocks(affine(x_t, W_x, b_x), 3);
    const [r_h, z_h, n_h] = blocks(affine(h, W_h, b_h), 3);
    const r = add(r_x, r_h).map(sigmoid), z = add(z_x, z_h).map(sigmoid);
    const inside = resetAfter ?
      multiply(r, n_h) : blocks(times(multiply(r, h), W_h), 3)[2];
    const n = add(n_x, inside).map(Math.tanh);
    const next = h.map((h_i, i) => z[i] * h_i + (1 - z[i]) * n[i]);
    return {x: x_t, h, r, z, n, n_h, next};
  });
  return {outputs: steps.map(step => step.next), state, steps};
}

/** A layer forward in time beside one backward. Chapter 07.
 *
 * y_t = [forward h_t, backward h_t]. `layer` is rnn, lstm or gru; params are
 * named forward_W_x, backward_W_x and so on; `first` holds what each direction
 * starts from: [[h0], [h0]], or [[h0, c0], [h0, c0]] for the LSTM.
 */
export function bidirectional(layer, params, x, first = [[], []]) {
  const of = direction => Object.fromEntries(Object.entries(params)
    .filter(([name]) => name.startsWith(direction))
    .map(([name, p]) => [name.slice(direction.length), p]));
  const ahead = layer(of("forward_"), x, ...first[0]);
  const back = layer(of("backward_"), [...x].reverse(), ...first[1]);
  const backwards = [...back.outputs].reverse();
  return {
    outputs: ahead.outputs.map((h, t) => [...h, ...backwards[t]]),
    state: [ahead.state, back.state],
  };
}

/** Bahdanau's attention: a small network scores every position. Chapter 09.
 *
 * e_j = v tanh(q W_q + k_j W_k), weights = softmax(e) over the positions where
 * `mask` is true, context = sum_j weights_j k_j. Params: query, key, score.
 */
export function additiveAttention(params, query, keys, mask) {
  const {query: W_q, key: W_k, score: v} = arrays(params);
  const from_query = times(query, W_q);
  const scores = keys.map(key => {
    const hidden = add(from_query, times(key, W_k)).map(Math.tanh);
    return hidden.reduce((sum, value, i) => sum + value * v.data[i], 0);
  });
  const weights = softmax(scores, mask);
  const context = zeros(W_k.shape[0]).map((_, i) =>
    keys.reduce((sum, key, j) => sum + weights[j] * key[i], 0));
  return {context, weights};
}

/** The affine map x W + b of one vector. */
export function dense(params, x) {
  const {W, b} = arrays(params);
  return affine(x, W, b);
}

/** e^{s_j} / sum_k e^{s_k} over the positions where `mask` is true. */
export function softmax(scores, mask = scores.map(() => true)) {
  if (!mask.some(Boolean))
    throw new Error("the mask leaves no valid position to attend to");
  const largest = Math.max(...scores.filter((_, j) => mask[j]));
  const powers = scores.map((s, j) => mask[j] ? Math.exp(s - largest) : 0);
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map(power => power / sum);
}

/** s_j - ln sum_k e^{s_k}: the logarithms of softmax, none of them rounded to
 * -Infinity. */
export function logSoftmax(scores) {
  const largest = Math.max(...scores);
  const sum = scores.reduce((total, s) => total + Math.exp(s - largest), 0);
  return scores.map(s => s - largest - Math.log(sum));
}

/** Return the row of the table for each token. */
export function embedding(table, tokens) {
  const {shape: [rows, size], data} = array(table);
  return tokens.map(token => {
    if (!(token >= 0 && token < rows))
      throw new Error(`token ${token}: the table has rows 0 to ${rows - 1}`);
    return Array.from(data.slice(token * size, (token + 1) * size));
  });
}

// Backward -------------------------------------------------------------------

/** Return -log softmax(logits)[target], in nats, and its gradient. */
export function softmaxCrossEntropy(logits, target) {
  const loss = -logSoftmax(logits)[target], d_logits = softmax(logits);
  d_logits[target] -= 1;
  return {loss, d_logits};
}

/** Turn the gradient of x W + b into that of x; add the parameters' to sums. */
export function denseBackward(params, x, d_output, sums) {
  addOuter(sums.W, x, d_output);
  if (sums.b) addTo(sums.b, d_output);
  return timesTransposed(d_output, params.W);
}

/** Walk back through an RNN's steps and add its gradients to `sums`.
 *
 * d_outputs is the loss's gradient for each output, `sums` the gradients so
 * far, from `zerosLike(params)`. Returns the gradients of x and of h0.
 */
export function rnnBackward(params, steps, d_outputs, sums) {
  const d_x = [];
  let d_h = zeros(params.W_h.shape[0]);
  for (let t = steps.length - 1; t >= 0; t--) {
    const {x, h, next} = steps[t];
    const d_next = add(d_h, d_outputs[t]);
    const d_z = multiply(d_next, next.map(value => 1 - value * value));
    addOuter(sums.W_x, x, d_z);
    addOuter(sums.W_h, h, d_z);
    if (sums.b) addTo(sums.b, d_z);
    d_x[t] = timesTransposed(d_z, params.W_x);
    d_h = timesTransposed(d_z, params.W_h);
  }
  return {x: d_x, state: d_h};
}

/** Walk back through a GRU's steps; arguments and result as `rnnBackward`'s. */
export function gruBackward(params, steps, d_outputs, sums,
    resetAfter = !("b" in params)) {
  const {W_x, W_h} = params, size = W_h.shape[0], none = zeros(size);
  const d_x = [];
  let d_h = none;
  for (let t = steps.length - 1; t >= 0; t--) {
    const {x, h, r, z, n, n_h} = steps[t];
    const d_next = add(d_h, d_outputs[t]);
    const d_n = d_next.map((d, i) => d * (1 - z[i]) * (1 - n[i] * n[i]));
    const d_z = d_next.map((d, i) => d * (h[i] - n[i]) * z[i] * (1 - z[i]));
    const d_product = [...none, ...none, ...d_n];
    const d_rh = resetAfter ? none : timesTransposed(d_product, W_h);
    const d_gate = resetAfter ? multiply(d_n, n_h) : multiply(d_rh, h);
    const d_r = d_gate.map((d, i) => d * r[i] * (1 - r[i]));
    const d_from_x = [...d_r, ...d_z, ...d_n];
    const d_from_h = [...d_r, ...d_z, ...resetAfter ? multiply(d_n, r) : none];
    addOuter(sums.W_x, x, d_from_x);
    addOuter(sums.W_h, h, d_from_h);
    if (!resetAfter) addOuter(sums.W_h, multiply(r, h), d_product);
    if (sums.b) addTo(sums.b, d_from_x);
    if (sums.b_x) addTo(sums.b_x, d_from_x);
    if (sums.b_h) addTo(sums.b_h, d_from_h);
    d_x[t] = timesTransposed(d_from_x, W_x);
    d_h = add(timesTransposed(d_from_h, W_h), multiply(d_next, z));
    d_h = add(d_h, multiply(r, d_rh));
  }
  return {x: d_x, state: d_h};
}

/** Adam (Kingma and Ba, 2015, algorithm 1) over several layers' params.
 *
 * w <- w - learningRate m / (sqrt(v) + epsilon), in place, where m and v are
 * running means of dw and dw^2, each divided by 1 - decay^step.
 */
export class Adam {
  constructor(layers, learningRate = 1e-3,
      {beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8} = {}) {
    Object.assign(this, {layers, learningRate, beta1, beta2, epsilon});
    this.steps = 0;
    this.means = layers.map(zerosLike);
    this.squares = layers.map(zerosLike);
  }

  step(gradients) {
    this.steps += 1;
    const {beta1, beta2} = this;
    const scale_m = 1 / (1 - beta1 ** this.steps);
    const scale_v = 1 / (1 - beta2 ** this.steps);
    gradients.forEach((layer, l) => {
      for (const [name, {data: dw}] of Object.entries(layer)) {
        const w = this.layers[l][name].data;
        const mean = this.means[l][name].data;
        const square = this.squares[l][name].data;
        for (let i = 0; i < w.length; i++) {
          mean[i] += (1 - beta1) * (dw[i] - mean[i]);
          square[i] += (1 - beta2) * (dw[i] * dw[i] - square[i]);
          const m = mean[i] * scale_m, v = square[i] * scale_v;
          w[i] -= this.learningRate * m / (Math.sqrt(v) + this.epsilon);
        }
      }
    });
  }
}
