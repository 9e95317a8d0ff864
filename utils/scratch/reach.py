"""How far back a layer's gradient reaches."""

from typing import Any

import numpy as np
from jaxtyping import Float


def gradient_by_lag(
    layer: Any,
    x: Float[np.ndarray, "batch time input"],
    rng: int | np.random.Generator = 0,
) -> Float[np.ndarray, " time"]:
    """Return |dL/dx_{T-k}| for the lags k = 0, 1, ..., T - 1, as shares of the
    norm at lag 0.

    The loss L = v . h_T sees the last output alone, through random weights v;
    the norm is the Euclidean one over the input, averaged over the batch.
    `layer` is an RNN, LSTM or GRU. Used in chapters 02 and 03.
    """
    outputs, _ = layer.forward(x)
    d_outputs = np.zeros_like(outputs)
    d_outputs[:, -1] = np.random.default_rng(rng).normal(
        size=outputs[:, -1].shape
    )
    norms = np.linalg.norm(layer.backward(d_outputs).x, axis=2).mean(axis=0)[
        ::-1
    ]
    return norms / norms[0]
