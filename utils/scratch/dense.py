"""A dense layer: the head that turns hidden states into predictions."""

from typing import Any

import numpy as np
from jaxtyping import Float

from utils.scratch.base import Gradients, uniform


class Dense:
    """The affine map y = x W + b over the last axis of an array with any others
    before it.

    Params: W (input, output), b (output,); initial values U(-1/sqrt(input),
    1/sqrt(input)). Derived in chapter 01.
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        bias: bool = True,
        rng: int | np.random.Generator = 0,
        dtype: Any = np.float64,
    ) -> None:
        generator = np.random.default_rng(rng)
        bound = input_size**-0.5
        self.params = {
            "W": uniform(generator, (input_size, output_size), bound, dtype)
        }
        if bias:
            self.params["b"] = uniform(generator, (output_size,), bound, dtype)
        self._x: Any = None

    def forward(
        self, x: Float[np.ndarray, "*rows input"]
    ) -> Float[np.ndarray, "*rows output"]:
        """Return x W + b.

        Raises:
            ValueError: the last axis of x is not the layer's input size.
        """
        W = self.params["W"]
        if x.shape[-1] != W.shape[0]:
            raise ValueError(
                f"x has shape {x.shape}; its last axis must be {W.shape[0]}"
            )
        self._x = x
        return x @ W + self.params.get("b", 0)

    def backward(
        self, d_outputs: Float[np.ndarray, "*rows output"]
    ) -> Gradients:
        """Turn the gradient of the outputs into those of x and the parameters.

        Raises:
            RuntimeError: there was no forward pass.
        """
        if self._x is None:
            raise RuntimeError(
                "backward needs the values of a forward pass; call forward "
                "first"
            )
        W = self.params["W"]
        rows = d_outputs.reshape(-1, W.shape[1])
        params = {
            "W": self._x.reshape(-1, W.shape[0]).T @ rows,
            "b": rows.sum(axis=0),
        }
        return Gradients(
            d_outputs @ W.T, {name: params[name] for name in self.params}
        )
