// The classifiers of chapter 11 in the page: see utils/labs/sentence.py.
import {
  additiveAttention, bidirectional, dense, embedding, lstm, rnn, softmax,
} from "./layers.js";

// A Chinese character; a word with its apostrophes; any other sign.
const TOKEN = new RegExp(
  "[㐀-鿿]|(?:(?![㐀-鿿])[\\p{L}\\p{N}])+(?:['’][\\p{L}\\p{N}]+)*" +
  "|[^\\p{L}\\p{N}_\\s]|_", "gu");

/** Split text as `utils.data.text.tokenize` does. */
export function tokenize(text) {
  return text.toLowerCase().match(TOKEN) ?? [];
}

/** Gather the layers of the file, named "network: layer", by network. */
export function networks(layers) {
  const found = {};
  for (const [name, params] of Object.entries(layers)) {
    const [network, layer] = name.split(": ");
    (found[network] ??= {})[layer] = params;
  }
  return found;
}

const largest = rows => rows[0].map((_, i) =>
  Math.max(...rows.map(row => row[i])));

/** Reduce a text's outputs to one vector, each kind of network its own way. */
function pool({attention, recurrent}, outputs) {
  if (attention) return additiveAttention(attention, [1], outputs).context;
  return "W_h" in recurrent ? outputs[outputs.length - 1] : largest(outputs);
}

/** Return the probability of positive for a text of token numbers. */
export function positive(network, tokens) {
  const {embedding: {table}, recurrent, head} = network;
  const states = recurrent.W_h ?? recurrent.forward_W_h;
  const layer = states.shape[0] === states.shape[1] ? rnn : lstm;
  const x = embedding(table, tokens);
  const {outputs} = "W_h" in recurrent ?
    layer(recurrent, x) : bidirectional(layer, recurrent, x);
  return softmax(dense(head, pool(network, outputs)))[1];
}
