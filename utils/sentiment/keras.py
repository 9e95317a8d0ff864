"""A bidirectional LSTM that classifies texts, in Keras:
`utils.sentiment.pytorch`'s main model.

Chapter 11.
"""

import utils.pytorch_first  # noqa: F401

from typing import Any, Literal

import keras
import numpy as np
from keras import layers, ops

from utils.attention.keras import AttentionPooling

ATTENTION_UNITS = 32
EMBEDDING_SCALE = 0.1


class MaskedMax(layers.Layer):
    """Take each feature's largest value over the valid steps of (batch, time,
    feature).

    `keras.layers.GlobalMaxPooling1D` takes no mask, and finds the 0 that a
    masked bidirectional layer puts after a row's end wherever a feature is
    negative throughout.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Reduce the valid steps; `mask` (batch, time) is True where a step
        is valid."""
        if mask is not None:
            inputs = ops.where(mask[..., None], inputs, -np.inf)
        return ops.max(inputs, axis=1)

    def compute_mask(self, *inputs: Any, **masks: Any) -> None:
        """End the mask here: no time axis is left."""


def sentiment_classifier(
    vocabulary_size: int,
    embedding_size: int = 100,
    hidden_size: int = 64,
    pooling: Literal["last", "mean", "max", "attention"] = "max",
    dropout: tuple[float, float] = (0.5, 0.3),
) -> keras.Model:
    """Build embedding, bidirectional LSTM, pooling over time and a dense layer;
    uncompiled.

    Token numbers (batch, time), padded with 0, in; logits (batch, 2) out. The
    embedding makes the mask of the padding, and every layer after it passes the
    mask on or uses it.
    """
    tokens = keras.Input((None,), dtype="int64")
    embedding = layers.Embedding(
        vocabulary_size,
        embedding_size,
        keras.initializers.RandomNormal(stddev=EMBEDDING_SCALE),
        mask_zero=True,
        name="embedding",
    )
    x = layers.Dropout(dropout[0])(embedding(tokens))
    lstm = layers.LSTM(hidden_size, return_sequences=pooling != "last")
    x = layers.Bidirectional(lstm, name="recurrent")(x)
    if pooling == "max":
        x = MaskedMax()(x)
    elif pooling == "mean":
        x = layers.GlobalAveragePooling1D()(x)
    elif pooling == "attention":
        x, _ = AttentionPooling(ATTENTION_UNITS, name="attention")(x)
    x = layers.Dropout(dropout[1])(x)
    return keras.Model(tokens, layers.Dense(2, name="head")(x))
