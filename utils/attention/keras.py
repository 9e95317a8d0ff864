"""Attention and an encoder–decoder in Keras, the twins of
`utils.attention.pytorch`. Chapter 09."""

import utils.pytorch_first  # noqa: F401

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from jaxtyping import Float, Int
from keras import layers, ops

from utils.data.pairs import END, PAD, START


class AdditiveAttention(layers.Layer):
    r"""Bahdanau's attention: $e_j = \tanh(q W_q + h_j W_k) v^\top$, weights,
    context.

    The Keras twin of `utils.scratch.AdditiveAttention`; Bahdanau, Cho and
    Bengio (2015), equations 5, 6 and appendix A.1.2. Call it with query (batch,
    query), keys (batch, time, key) and a mask (batch, time), True at valid
    positions. `keras.layers.AdditiveAttention` has the score vector alone: it
    is this layer with both matrices the identity.
    """

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units
        self.supports_masking = True
        self.query = layers.Dense(
            units, use_bias=False, dtype=self.dtype_policy
        )
        self.key = layers.Dense(units, use_bias=False, dtype=self.dtype_policy)
        self.score = layers.Dense(1, use_bias=False, dtype=self.dtype_policy)

    def build(self, query_shape: tuple, keys_shape: tuple) -> None:
        """Create the three matrices."""
        self.query.build(query_shape)
        self.key.build(keys_shape)
        self.score.build((*keys_shape[:-1], self.units))

    def call(self, query: Any, keys: Any, mask: Any = None) -> tuple[Any, Any]:
        """Return context (batch, key) and weights (batch, time)."""
        return self.attend(query, keys, self.key(keys), mask)

    def attend(
        self, query: Any, keys: Any, projected: Any, mask: Any = None
    ) -> tuple[Any, Any]:
        """Attend with keys projected beforehand: a decoder projects them
        once for all steps."""
        hidden = ops.tanh(self.query(query)[:, None] + projected)
        scores = self.score(hidden)[..., 0]
        if mask is not None:
            scores = ops.where(mask, scores, ops.full_like(scores, -np.inf))
        weights = ops.softmax(scores, axis=1)
        return ops.sum(weights[..., None] * keys, axis=1), weights

    def compute_mask(self, *inputs: Any, **masks: Any) -> None:
        """End the mask here: the context has no time axis left."""

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "units": self.units}


class AttentionPooling(layers.Layer):
    """Reduce a sequence to one vector by additive attention with a learned,
    constant query.

    The Keras twin of `utils.scratch.AttentionPooling`; returns vector and
    weights.
    """

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units
        self.supports_masking = True
        self.attention = AdditiveAttention(units, dtype=self.dtype_policy)

    def build(self, keys_shape: tuple) -> None:
        """Create the attention's matrices."""
        self.attention.build((keys_shape[0], 1), keys_shape)

    def call(self, keys: Any, mask: Any = None) -> tuple[Any, Any]:
        """Return the pooled vector (batch, key) and the weights (batch,
        time)."""
        return self.attention(ops.ones_like(keys[:, 0, :1]), keys, mask)

    def compute_mask(self, *inputs: Any, **masks: Any) -> None:
        """End the mask here: the context has no time axis left."""

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "units": self.units}


class Seq2Seq(keras.Model):
    """Read a sequence with a bidirectional GRU, write another with a GRU that
    attends.

    The Keras twin of `utils.attention.pytorch.Seq2Seq` with attention. Call it
    with (source, before), both (batch, time) and padded with 0, for the logits
    (batch, target, symbols) under teacher forcing.
    """

    def __init__(
        self,
        source_symbols: int,
        target_symbols: int,
        embedding_size: int = 32,
        hidden_size: int = 64,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.source_embedding = layers.Embedding(
            source_symbols, embedding_size, dtype=dtype
        )
        self.target_embedding = layers.Embedding(
            target_symbols, embedding_size, dtype=dtype
        )
        encoder = layers.GRU(
            hidden_size, return_sequences=True, return_state=True, dtype=dtype
        )
        self.encoder = layers.Bidirectional(encoder, dtype=dtype)
        self.bridge = layers.Dense(hidden_size, activation="tanh", dtype=dtype)
        self.attention = AdditiveAttention(hidden_size, dtype=dtype)
        self.cell = layers.GRUCell(hidden_size, dtype=dtype)
        self.readout = layers.Dense(target_symbols, dtype=dtype)

    def build(self, input_shape: Any) -> None:
        """Create every layer's weights; their sizes do not depend on the
        inputs'."""
        size, hidden = self.source_embedding.output_dim, self.cell.units
        self.source_embedding.build((None, None))
        self.target_embedding.build((None,))
        self.encoder.build((None, None, size))
        self.bridge.build((None, 2 * hidden))
        self.attention.build((None, hidden), (None, None, 2 * hidden))
        self.cell.build((None, size + 2 * hidden))
        self.readout.build((None, 3 * hidden))

    def encode(self, source: Any) -> tuple[Any, Any, Any, Any]:
        """Return the encoder's states, their projection, the mask and the
        decoder's first state."""
        mask = ops.not_equal(source, PAD)
        outputs = self.encoder(self.source_embedding(source), mask=mask)
        states, forward, backward = outputs
        first = self.bridge(ops.concatenate([forward, backward], axis=1))
        return states, self.attention.key(states), mask, first

    def step(
        self, symbol: Any, state: Any, states: Any, projected: Any, mask: Any
    ) -> tuple[Any, Any, Any]:
        """Advance by one symbol; return the readout's features, the new
        state, the weights."""
        context, weights = self.attention.attend(state, states, projected, mask)
        joined = ops.concatenate(
            [self.target_embedding(symbol), context], axis=1
        )
        state, _ = self.cell(joined, [state])
        return ops.concatenate([state, context], axis=1), state, weights

    def call(self, inputs: tuple[Any, Any]) -> Any:
        """Return each step's logits, given the true symbol before it."""
        source, before = inputs
        *memory, state = self.encode(source)
        features = []
        for position in range(before.shape[1]):
            feature, state, _ = self.step(before[:, position], state, *memory)
            features.append(feature)
        return self.readout(ops.stack(features, axis=1))

    def write(
        self, source: Int[np.ndarray, "batch source"], max_length: int
    ) -> tuple[
        Int[np.ndarray, "batch steps"], Float[np.ndarray, "batch steps source"]
    ]:
        """Decode greedily; return the symbols, padded after each end, and
        the weights."""
        *memory, state = self.encode(ops.convert_to_tensor(source))
        symbol = np.full(len(source), START)
        ended = np.zeros(len(source), dtype=bool)
        symbols, weights = [], []
        for _ in range(max_length):
            feature, state, weight = self.step(
                ops.convert_to_tensor(symbol), state, *memory
            )
            choice = ops.convert_to_numpy(self.readout(feature)).argmax(axis=1)
            symbol = np.where(ended, PAD, choice)
            symbols.append(symbol)
            weights.append(ops.convert_to_numpy(weight))
            ended |= symbol == END
            if ended.all():
                break
        return np.stack(symbols, axis=1), np.stack(weights, axis=1)

    def take_weights(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the weights of a PyTorch twin, given by its parameters' names.

        Matrices are transposed; a GRU's gates r, z, n become Keras's z, r, h
        and its two biases the two rows of Keras's one.
        """
        if not self.built:
            self.build(None)
        for name in ("source_embedding", "target_embedding"):
            getattr(self, name).set_weights([arrays[f"{name}.weight"]])
        for name in ("query", "key", "score"):
            getattr(self.attention, name).set_weights(
                [arrays[f"attention.{name}.weight"].T]
            )
        for name in ("bridge", "readout"):
            weights = [arrays[f"{name}.weight"].T, arrays[f"{name}.bias"]]
            getattr(self, name).set_weights(weights)
        self.encoder.forward_layer.set_weights(
            _gru_weights(arrays, "encoder", "_l0")
        )
        self.encoder.backward_layer.set_weights(
            _gru_weights(arrays, "encoder", "_l0_reverse")
        )
        self.cell.set_weights(_gru_weights(arrays, "cell", ""))


def _gru_weights(
    arrays: Mapping[str, np.ndarray], name: str, suffix: str
) -> list[np.ndarray]:
    def reordered(part: str) -> np.ndarray:
        reset, update, candidate = np.split(arrays[f"{name}.{part}{suffix}"], 3)
        return np.concatenate([update, reset, candidate])

    biases = np.stack([reordered("bias_ih"), reordered("bias_hh")])
    return [reordered("weight_ih").T, reordered("weight_hh").T, biases]


def sequence_loss(after: Any, logits: Any) -> Any:
    """Return the mean cross-entropy over the targets' valid symbols, their
    ends included."""
    losses = ops.sparse_categorical_crossentropy(
        after, logits, from_logits=True
    )
    valid = ops.cast(ops.not_equal(after, PAD), losses.dtype)
    return ops.sum(losses * valid) / ops.sum(valid)
