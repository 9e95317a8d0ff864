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
    `layer` is an RNN, LSTM or GRU. Used in chapters 02 to 04.
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


def half_life(
    shares: Float[np.ndarray, " time"], first: int = 5, last: int = 60
) -> float:
    """Return in how many steps a gradient halves, from its shares by lag.

    Fits a line to the logarithms of the shares from lag `first` up to `last`.
    Used in chapters 02 to 04.
    """
    lags = np.arange(first, last)
    slope, _ = np.polyfit(lags, np.log(shares[first:last]), 1)
    return float(np.log(2) / -slope)


def orthogonal(
    size: int, rng: int | np.random.Generator = 0
) -> Float[np.ndarray, "size size"]:
    """Draw an orthogonal matrix, all of them equally likely.

    Source: [Mezzadri (2007)](https://arxiv.org/abs/math-ph/0609050).
    """
    normal = np.random.default_rng(rng).normal(size=(size, size))
    q, r = np.linalg.qr(normal)
    return q * np.sign(np.diag(r))
