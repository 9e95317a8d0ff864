"""An embedding: a table with a vector for each symbol."""

from typing import Any

import numpy as np
from jaxtyping import Float, Integer


class Embedding:
    """The map from symbol s to row s of a table, one-hot(s) E without the
    product.

    Params: E (symbols, size); initial values from N(0, 1), as PyTorch draws
    them. Chapter 08.
    """

    def __init__(
        self,
        symbols: int,
        size: int,
        rng: int | np.random.Generator = 0,
        dtype: Any = np.float64,
    ) -> None:
        generator = np.random.default_rng(rng)
        table = generator.normal(size=(symbols, size)).astype(dtype)
        self.params = {"E": table}
        self._symbols: Any = None

    def forward(
        self, symbols: Integer[np.ndarray, "*rows"]
    ) -> Float[np.ndarray, "*rows size"]:
        """Return each symbol's row."""
        self._symbols = symbols
        return self.params["E"][symbols]

    def backward(
        self, d_outputs: Float[np.ndarray, "*rows size"]
    ) -> dict[str, Float[np.ndarray, "symbols size"]]:
        """Return the gradient of E: a row sums over the symbol's occurrences.

        Raises:
            RuntimeError: there was no forward pass.
        """
        if self._symbols is None:
            raise RuntimeError(
                "backward needs the values of a forward pass; call forward "
                "first"
            )
        gradient = np.zeros_like(self.params["E"])
        np.add.at(gradient, self._symbols, d_outputs)
        return {"E": gradient}
