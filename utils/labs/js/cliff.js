// Gradient descent on one recurrent unit: see utils/labs/cliff.py.
import {arrays, rnn, rnnBackward, zerosLike} from "./layers.js";

/** Return (h - target)^2 after so many steps h <- tanh(w h + b). */
export function endLoss({time, start, target}, w, b) {
  let h = start;
  for (let t = 0; t < time; t++) h = Math.tanh(w * h + b);
  return (h - target) ** 2;
}

/** Descend from (w, b): each step's weights, loss and length of gradient. */
export function descend({time, start, target, steps}, w, b, rate, clip) {
  const params = arrays({W_x: [[0]], W_h: [[w]], b: [b]}), path = [];
  const x = Array.from({length: time}, () => [0]);
  for (let n = 0; n < steps; n++) {
    const run = rnn(params, x, [start]), sums = zerosLike(params);
    const error = run.state[0] - target;
    rnnBackward(params, run.steps,
      x.map((_, t) => [t === time - 1 ? 2 * error : 0]), sums);
    const gradients = [sums.W_h.data[0], sums.b.data[0]];
    const norm = Math.hypot(...gradients);
    path.push({w: params.W_h.data[0], b: params.b.data[0],
      loss: error * error, norm});
    const scale = rate * Math.min(1, clip / norm);
    params.W_h.data[0] -= scale * gradients[0];
    params.b.data[0] -= scale * gradients[1];
  }
  return path;
}
