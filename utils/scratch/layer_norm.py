"""Layer normalisation: each step's features get mean 0 and variance 1."""

from typing import Any

import numpy as np
from jaxtyping import Float

from utils.scratch.base import Gradients

EPSILON = 1e-5


class LayerNorm:
    """y = gain (x - mean) / sqrt(variance + 1e-5) + bias, over the last axis.

    Params: gain (size,), initially 1, and bias (size,), initially 0. Source:
    [Ba, Kiros and Hinton (2016)](https://arxiv.org/abs/1607.06450). Chapter 08.
    """

    def __init__(self, size: int, dtype: Any = np.float64) -> None:
        self.params = {
            "gain": np.ones(size, dtype),
            "bias": np.zeros(size, dtype),
        }
        self._cache: Any = None

    def forward(
        self, x: Float[np.ndarray, "*rows size"]
    ) -> Float[np.ndarray, "*rows size"]:
        """Normalise, scale and shift."""
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = np.mean(centred**2, axis=-1, keepdims=True)
        scale = 1 / np.sqrt(variance + EPSILON)
        self._cache = centred * scale, scale
        return self.params["gain"] * self._cache[0] + self.params["bias"]

    def backward(self, d_outputs: Float[np.ndarray, "*rows size"]) -> Gradients:
        """Turn the gradient of the outputs into those of x and the parameters.

        With u the normalised x and g = gain dy: dx = (g - mean(g) - u mean(g
        u)) / sqrt(variance + 1e-5).

        Raises:
            RuntimeError: there was no forward pass.
        """
        if self._cache is None:
            raise RuntimeError(
                "backward needs the values of a forward pass; call forward "
                "first"
            )
        u, scale = self._cache
        g = self.params["gain"] * d_outputs
        along = np.mean(g * u, axis=-1, keepdims=True)
        d_x = scale * (g - g.mean(axis=-1, keepdims=True) - u * along)
        rows = tuple(range(d_outputs.ndim - 1))
        return Gradients(
            d_x,
            {
                "gain": (d_outputs * u).sum(axis=rows),
                "bias": d_outputs.sum(axis=rows),
            },
        )
