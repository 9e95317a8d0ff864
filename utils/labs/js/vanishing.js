// How a gradient shrinks or grows on its way back through a tanh layer.

/** Return the bits of a text of 0 and 1 as sequences of inputs -1 and 1. */
export function inputs(bits, count, time, size) {
  const at = (n, t, i) => bits[(n * time + t) * size + i] === "1" ? 1 : -1;
  const range = length => Array.from({length}, (_, i) => i);
  return range(count).map(n =>
    range(time).map(t => range(size).map(i => at(n, t, i))));
}

/** Send a gradient back through h_t = tanh(strength x_t + h_{t-1} radius Q).
 *
 * Returns `norms`, the mean over the sequences of |dL/dx_{T-k}| for the lags
 * k = 0, 1, ..., T - 1 as shares of that at lag 0, where L = v . h_T, and
 * `chi`, radius times the root mean square of the slopes 1 - h^2.
 */
export function reach({Q, v, x}, radius, strength) {
  const size = v.length, time = x[0].length;
  const scaled = Q.map(row => row.map(value => radius * value));
  const identity = Q.map((row, i) => row.map((_, j) => i === j ? strength : 0));
  const params = layers.arrays({W_x: identity, W_h: scaled});
  const sums = layers.zerosLike(params), norms = layers.zeros(time);
  let squares = 0;
  for (const sequence of x) {
    const {outputs, steps} = layers.rnn(params, sequence);
    const d_outputs = outputs.map((_, t) =>
      t === time - 1 ? v : layers.zeros(size));
    const {x: d_x} = layers.rnnBackward(params, steps, d_outputs, sums);
    d_x.forEach((d, t) => { norms[time - 1 - t] += Math.hypot(...d); });
    for (const value of outputs.flat()) squares += (1 - value * value) ** 2;
  }
  const chi = radius * Math.sqrt(squares / (x.length * time * size));
  return {norms: norms.map(norm => norm / norms[0]), chi};
}
