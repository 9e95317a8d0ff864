"""The character model in NumPy, for training live and for comparison."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from utils.language.alphabet import Symbols
from utils.language.reader import Reader, check_cell
from utils.scratch import GRU, LSTM, RNN, Dense
from utils.scratch.embedding import Embedding
from utils.scratch.layer_norm import LayerNorm

KINDS: dict[str, type[RNN] | type[LSTM] | type[GRU]] = {
    "RNN": RNN,
    "LSTM": LSTM,
    "GRU": GRU,
}
Arrays = dict[str, Float[np.ndarray, "..."]]


class CharacterModel(Reader):
    """Embedding, recurrent layer, layer normalisation where asked for, head.

    e_t = E[s_t], h_t = cell(e_t, h_{t-1}), logits_t = norm(h_t) W + b. There is
    no dropout here. Chapter 08.

    Raises:
        ValueError: `cell` is none of RNN, LSTM and GRU.
    """

    def __init__(
        self,
        alphabet_size: int,
        cell: str = "GRU",
        hidden_size: int = 256,
        embedding_size: int = 64,
        layer_norm: bool = False,
        rng: int | np.random.Generator = 0,
        dtype: Any = np.float64,
    ) -> None:
        check_cell(cell)
        rng = np.random.default_rng(rng)
        self.alphabet_size = alphabet_size
        self.cell = cell
        self.embedding = Embedding(alphabet_size, embedding_size, rng, dtype)
        self.layer: Any = KINDS[cell](
            embedding_size, hidden_size, rng=rng, dtype=dtype
        )
        self.norm = LayerNorm(hidden_size, dtype) if layer_norm else None
        self.head = Dense(hidden_size, alphabet_size, rng=rng, dtype=dtype)

    @property
    def params(self) -> list[Arrays]:
        """The layers' parameters, in the order in which `backward` returns
        their gradients."""
        norm = [] if self.norm is None else [self.norm.params]
        return [
            self.embedding.params,
            self.layer.params,
            *norm,
            self.head.params,
        ]

    def forward(
        self, symbols: Int[np.ndarray, "batch time"], state: Any = None
    ) -> tuple[Float[np.ndarray, "batch time alphabet"], Any]:
        """Return the logits of what follows each symbol, and the last state."""
        outputs, state = self.layer.forward(
            self.embedding.forward(symbols), state
        )
        if self.norm is not None:
            outputs = self.norm.forward(outputs)
        return self.head.forward(outputs), state

    def backward(
        self, d_logits: Float[np.ndarray, "batch time alphabet"]
    ) -> list[Arrays]:
        """Return the gradients of `params`.

        The state that a batch began with counts as a constant: that is what
        truncates backpropagation.
        """
        head = self.head.backward(d_logits)
        d_outputs, norm = head.x, []
        if self.norm is not None:
            normed = self.norm.backward(d_outputs)
            d_outputs, norm = normed.x, [normed.params]
        layer = self.layer.backward(d_outputs)
        embedding = self.embedding.backward(layer.x)
        return [embedding, layer.params, *norm, head.params]

    def read(
        self, symbols: Symbols, state: Any = None
    ) -> tuple[Float[np.ndarray, "time alphabet"], Any]:
        """Read one stream; see `Reader`."""
        logits, state = self.forward(symbols[None], state)
        return logits[0], state
