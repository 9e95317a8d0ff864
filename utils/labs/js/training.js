// A recurrent layer of a few units that learns in the reader's browser. The
// same run in Python, number for number: utils/labs/training.py.
import {
  Adam, dense, denseBackward, gru, gruBackward, rnn, rnnBackward,
  softmaxCrossEntropy, zerosLike,
} from "./layers.js";
import {generator} from "./seeded.js";

const CELLS = {
  rnn: {forward: rnn, backward: rnnBackward, gates: 1, biases: ["b"]},
  gru: {forward: gru, backward: gruBackward, gates: 3, biases: ["b_x", "b_h"]},
};

const bit = random => random() < 0.5 ? 1 : 0;

// An example has inputs x, targets y, and at each step the one bit that has to
// be remembered for what follows.
const EXAMPLES = {
  /** Is the number of ones so far odd? */
  parity(random, time) {
    const x = Array.from({length: time}, () => [bit(random)]);
    let odd = 0;
    const memory = x.map(([input]) => odd ^= input);
    return {x, y: memory, memory};
  },
  /** The sum of two binary numbers, the lowest bits first. */
  addition(random, time) {
    const x = Array.from({length: time}, () => [bit(random), bit(random)]);
    let carry = 0;
    const y = [], memory = [];
    for (const [a, b] of x) {
      const sum = a + b + carry;
      carry = sum >> 1;
      y.push(sum & 1);
      memory.push(carry);
    }
    return {x, y, memory};
  },
};
const INPUTS = {parity: 1, addition: 2};

/** Draw `count` examples of a task. */
export function examples(task, random, count, time) {
  return Array.from({length: count}, () => EXAMPLES[task](random, time));
}

/** Draw parameters of these shapes from U(-bound, bound). */
function initial(random, bound, shapes) {
  return Object.fromEntries(Object.entries(shapes).map(([name, shape]) => {
    const size = shape.reduce((product, length) => product * length, 1);
    const draw = () => (2 * random() - 1) * bound;
    return [name, {shape, data: Float64Array.from({length: size}, draw)}];
  }));
}

/** A layer and its head, that learn a task step by step with Adam. */
export class Trainer {
  constructor({cell, task, seed, learningRate, units, batch, time}) {
    Object.assign(this, {cell: CELLS[cell], task, batch, time, losses: []});
    this.random = generator(seed);
    const {gates, biases} = this.cell, columns = gates * units;
    const bound = units ** -0.5;
    this.layer = initial(this.random, bound, {
      W_x: [INPUTS[task], columns], W_h: [units, columns],
      ...Object.fromEntries(biases.map(name => [name, [columns]])),
    });
    this.head = initial(this.random, bound, {W: [units, 2], b: [2]});
    this.optimizer = new Adam([this.layer, this.head], learningRate);
  }

  /** Read a sequence: the states, and two logits for each answer. */
  read(x) {
    const {outputs, steps} = this.cell.forward(this.layer, x);
    return {states: outputs, steps,
      logits: outputs.map(h => dense(this.head, h))};
  }

  /** Return the mean loss over all bits of some examples, and its gradients. */
  gradients(chosen) {
    const layer = zerosLike(this.layer), head = zerosLike(this.head);
    const count = chosen.length * chosen[0].y.length;
    let total = 0;
    for (const {x, y} of chosen) {
      const {states, steps, logits} = this.read(x);
      const d_states = logits.map((z, t) => {
        const {loss, d_logits} = softmaxCrossEntropy(z, y[t]);
        total += loss / count;
        return denseBackward(
          this.head, states[t], d_logits.map(d => d / count), head);
      });
      this.cell.backward(this.layer, steps, d_states, layer);
    }
    return {loss: total, gradients: [layer, head]};
  }

  /** Learn from a fresh batch; the loss is the one before the step. */
  step() {
    const chosen = examples(this.task, this.random, this.batch, this.time);
    const {loss, gradients} = this.gradients(chosen);
    this.optimizer.step(gradients);
    this.losses.push(loss);
    return loss;
  }

  /** Return the share of bits answered rightly. */
  accuracy(chosen) {
    let right = 0, count = 0;
    for (const {x, y} of chosen)
      this.read(x).logits.forEach(([even, odd], t) => {
        right += (odd > even ? 1 : 0) === y[t] ? 1 : 0;
        count += 1;
      });
    return right / count;
  }
}

/** Project points on the two directions in which they vary most.
 *
 * Orthogonal iteration on the covariance matrix, from the directions of the
 * last picture on: so that a picture turns no more than the points do. Returns
 * the points as [across, up], and the two directions.
 */
export function principal(points, directions) {
  const size = points[0].length, count = points.length;
  const mean = points[0].map((_, i) =>
    points.reduce((sum, point) => sum + point[i] / count, 0));
  const centred = points.map(point => point.map((v, i) => v - mean[i]));
  const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
  const unit = a => {
    const length = Math.sqrt(dot(a, a)) || 1;
    return a.map(value => value / length);
  };
  let [first, second] = directions ?? [0, 1].map(d =>
    unit(Array.from({length: size}, (_, i) => Math.cos(1 + i + d * i * i))));
  const spread = direction => {
    const sum = new Array(size).fill(0);
    for (const point of centred) {
      const share = dot(point, direction);
      for (let i = 0; i < size; i++) sum[i] += share * point[i];
    }
    return sum;
  };
  for (let i = directions ? 10 : 100; i > 0; i--) {
    first = unit(spread(first));
    const next = spread(second), along = dot(next, first);
    second = unit(next.map((value, j) => value - along * first[j]));
  }
  return {
    points: centred.map(point => [dot(point, first), dot(point, second)]),
    directions: [first, second],
  };
}
