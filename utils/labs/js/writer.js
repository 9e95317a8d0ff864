// The character model of chapter 08 in the page: see utils/labs/writer.py.
import {dense, embedding, gru, logSoftmax} from "./layers.js";

export const BOUNDARY = 0;
export const UNKNOWN = 1;
export const SPECIAL = 2;
const CODE_POINTS = 0x110000;

/** Read symbols after a state: ln p of what may follow, and the state. */
export function following({embedding: {E}, recurrent, head}, symbols, state) {
  const read = gru(recurrent, embedding(E, symbols), state);
  return {logs: logSoftmax(dense(head, read.state)), state: read.state};
}

/** Return the bits that a symbol costs; an UNKNOWN is spelled out as well. */
export function surprise(logs, symbol) {
  const spelled = symbol === UNKNOWN ?
    Math.log2(CODE_POINTS - (logs.length - SPECIAL)) : 0;
  return spelled - logs[symbol] / Math.LN2;
}

/** Turn ln p into the probabilities to draw from: `utils.language.sampling`. */
export function reshaped(logs, temperature, topP) {
  const writable = logs.map((log, i) => i === UNKNOWN ? -Infinity : log);
  const largest = Math.max(...writable);
  const share = powers => {
    const sum = powers.reduce((total, power) => total + power, 0);
    return powers.map(power => power / sum);
  };
  if (temperature === 0) {
    const best = writable.indexOf(largest);
    return writable.map((_, i) => Number(i === best));
  }
  const p = share(writable.map(l => Math.exp((l - largest) / temperature)));
  const ranked = p.map((_, i) => i).sort((i, j) => p[j] - p[i] || i - j);
  let mass = 0, kept = 0;
  while (kept < ranked.length && mass < topP - 1e-12) mass += p[ranked[kept++]];
  const chosen = new Set(ranked.slice(0, kept));
  return share(p.map((value, i) => chosen.has(i) ? value : 0));
}

/** Return the first symbol whose cumulative probability exceeds u. */
export function drawn(p, u) {
  let sum = 0, last = 0;
  for (let i = 0; i < p.length; i++) {
    sum += p[i];
    if (u < sum) return i;
    if (p[i]) last = i;
  }
  return last;
}

/** A text that a network reads symbol by symbol, with each one's bits. */
export class Text {
  constructor(network) {
    Object.assign(this, {network, symbols: [], bits: []});
    this.read(BOUNDARY);
  }

  read(symbol) {
    const read = following(this.network, [symbol], this.state);
    Object.assign(this, read);
  }

  add(symbol) {
    this.bits.push(surprise(this.logs, symbol));
    this.symbols.push(symbol);
    this.read(symbol);
  }
}
