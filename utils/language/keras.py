"""The character model in Keras: `utils.language.pytorch`'s, layer by layer."""

import utils.pytorch_first  # noqa: F401

from typing import Any

import keras
import numpy as np
from keras import layers

from utils.language import scratch
from utils.language.reader import Reader, check_cell
from utils.scratch.layer_norm import EPSILON
from utils.weights import to_keras


class CharacterModel(keras.Model, Reader):
    """Embedding, recurrent layer, layer normalisation where asked for, head.

    Called on symbols (batch, time) and a list of states, it returns logits
    (batch, time, alphabet) and the new list: h, or h and c for an LSTM, each
    (batch, hidden). Chapter 08.

    Raises:
        ValueError: `cell` is none of RNN, LSTM and GRU.
    """

    def __init__(
        self,
        alphabet_size: int,
        cell: str = "GRU",
        hidden_size: int = 256,
        embedding_size: int = 64,
        dropout: float = 0.0,
        layer_norm: bool = False,
        dtype: str = "float32",
    ):
        super().__init__(dtype=dtype)
        check_cell(cell)
        kinds = {
            "RNN": layers.SimpleRNN,
            "LSTM": layers.LSTM,
            "GRU": layers.GRU,
        }
        self.alphabet_size = alphabet_size
        self.embedding = layers.Embedding(
            alphabet_size, embedding_size, dtype=dtype
        )
        self.layer = kinds[cell](
            hidden_size, return_sequences=True, return_state=True, dtype=dtype
        )
        self.norm = (
            layers.LayerNormalization(epsilon=EPSILON, dtype=dtype)
            if layer_norm
            else layers.Identity(dtype=dtype)
        )
        self.drop = layers.Dropout(dropout, dtype=dtype)
        self.head = layers.Dense(alphabet_size, dtype=dtype)

    def call(
        self, symbols: Any, state: Any = None, training: bool = False
    ) -> tuple[Any, list[Any]]:
        """Return the logits of what follows each symbol, and the last state."""
        vectors = self.drop(self.embedding(symbols), training=training)
        outputs, *state = self.layer(vectors, initial_state=state)
        outputs = self.drop(self.norm(outputs), training=training)
        return self.head(outputs), state

    def read(self, symbols: Any, state: Any = None) -> tuple[Any, Any]:
        """Read one stream, without dropout; see `Reader`."""
        logits, state = self(symbols[None], state)
        return keras.ops.convert_to_numpy(logits[0]), state

    @classmethod
    def from_scratch(cls, model: scratch.CharacterModel) -> "CharacterModel":
        """Build the Keras model that computes what a NumPy model computes."""
        table = model.embedding.params["E"]
        built = cls(
            model.alphabet_size,
            model.cell,
            model.layer.hidden_size,
            table.shape[1],
            layer_norm=model.norm is not None,
            dtype=table.dtype.name,
        )
        built(np.zeros((1, 1), np.int64))
        built.embedding.set_weights([table])
        built.layer.set_weights(to_keras(model.layer).get_weights())
        if model.norm is not None:
            built.norm.set_weights(list(model.norm.params.values()))
        built.head.set_weights(list(model.head.params.values()))
        return built
