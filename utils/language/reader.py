"""What every network that predicts characters does alike, in any framework."""

from typing import Any

import numpy as np
from jaxtyping import Float

from utils.language.alphabet import BOUNDARY, Symbols
from utils.scratch import log_softmax

CELLS = ("RNN", "LSTM", "GRU")
PIECE = 1024


class Reader:
    """A network that can be measured by `bits_per_character` and can write.

    A class that inherits it has `alphabet_size` and says in `read` how symbols
    become logits.
    """

    alphabet_size: int

    def read(
        self, symbols: Symbols, state: Any = None
    ) -> tuple[Float[np.ndarray, "time alphabet"], Any]:
        """Return the logits of what follows each symbol, and the new state."""
        raise NotImplementedError

    def log_probabilities(
        self, document: Symbols
    ) -> Float[np.ndarray, " symbols"]:
        """Return ln p of each symbol of a document, and of its end.

        The document is read in pieces of 1,024 symbols, to spare memory, and
        the state is carried from one to the next: the cuts change nothing.

        Shapes: document (time,), result (time + 1,).
        """
        padded = np.array([BOUNDARY, *document, BOUNDARY])
        found, state = [], None
        for start in range(0, len(padded) - 1, PIECE):
            stop = min(start + PIECE, len(padded) - 1)
            logits, state = self.read(padded[start:stop], state)
            logs = log_softmax(logits.astype(np.float64))
            targets = padded[start + 1 : stop + 1]
            found.append(logs[np.arange(stop - start), targets])
        return np.concatenate(found)

    def following(
        self, symbols: Symbols, state: Any = None
    ) -> tuple[Float[np.ndarray, " alphabet"], Any]:
        """Read symbols and return ln p of every symbol that may follow.

        Without a state a document begins: a BOUNDARY is read before the
        symbols.
        """
        if state is None:
            symbols = np.concatenate([[BOUNDARY], symbols]).astype(np.int64)
        logits, state = self.read(symbols, state)
        return log_softmax(logits[-1].astype(np.float64)), state


def check_cell(cell: str) -> None:
    """Refuse a cell that the book does not have."""
    if cell not in CELLS:
        raise ValueError(f"cell is {cell!r}; use {', '.join(CELLS)}")
