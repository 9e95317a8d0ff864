// The encoder-decoder of chapter 09 in the page: see utils/labs/typed.py.
import {
  additiveAttention, bidirectional, dense, embedding, gru, logSoftmax, zeros,
} from "./layers.js";

export const START = 1;
export const END = 2;
export const SPECIAL = 3;

/** Read a source; its padding, states of zero, follows. */
export function encode({source, encoder, bridge}, numbers, padding, masked) {
  const x = embedding(source.table, numbers);
  const {outputs, state} = bidirectional(gru, encoder, x);
  const states = [...outputs];
  for (let i = 0; i < padding; i++) states.push(zeros(outputs[0].length));
  return {
    states, mask: states.map((_, j) => !masked || j < numbers.length),
    state: dense(bridge, state.flat()).map(Math.tanh),
  };
}

/** Advance by one symbol: ln p of what may follow, the state, the weights. */
export function step(network, symbol, state, {states, mask}) {
  const {target, attention, cell, readout} = network;
  const {context, weights} = additiveAttention(attention, state, states, mask);
  const [entered] = embedding(target.table, [symbol]);
  const {state: after} = gru(cell, [[...entered, ...context]], state);
  return {
    logs: logSoftmax(dense(readout, [...after, ...context])), state: after,
    weights,
  };
}

const meanLog = ({symbols, total}) => total / symbols.length;
const ended = ({symbols}) => symbols[symbols.length - 1] === END;

/** Keep the `width` likeliest beginnings; a width of 1 is greedy. */
export function search(network, memory, steps, width) {
  let beams = [{symbols: [], total: 0, state: memory.state}];
  const full = [];
  for (let t = 0; t < steps && beams.length; t++) {
    const grown = beams.flatMap(({symbols, total, state}) => {
      const last = symbols.length ? symbols[symbols.length - 1] : START;
      const {logs, state: after} = step(network, last, state, memory);
      return logs.map((log, symbol) =>
        ({symbols: [...symbols, symbol], total: total + log, state: after}));
    });
    grown.sort((a, b) => b.total - a.total);
    const kept = grown.slice(0, width - full.length);
    full.push(...kept.filter(ended));
    const alive = kept.filter(beam => !ended(beam));
    if (!alive.length) break;
    beams = alive;
  }
  return (full.length ? full : beams)
    .map(({symbols, total}) => ({symbols, total}))
    .sort((a, b) => meanLog(b) - meanLog(a));
}

/** Return the attention behind each symbol of an output. */
export function weightsAlong(network, memory, symbols) {
  let {state} = memory;
  return [START, ...symbols.slice(0, -1)].map(symbol => {
    const found = step(network, symbol, state, memory);
    state = found.state;
    return found.weights;
  });
}
