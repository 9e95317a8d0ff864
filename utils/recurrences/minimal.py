"""minGRU and minLSTM: gates that do not look at the state.

Each function turns inputs into the coefficients of h_t = a_t * h_{t-1} + b_t;
`linear_scan(*min_gru(x, W, bias), h0)` is the layer. The `log_` versions return
their logarithms, for `log_linear_scan`, with a candidate made positive.
Source: [Feng et al. (2024)](https://arxiv.org/abs/2410.01201), appendix B.
Chapter 12.
"""

import numpy as np
from jaxtyping import Float

Array = Float[np.ndarray, "batch time hidden"]


def min_gru(
    x: Float[np.ndarray, "batch time input"],
    W: Float[np.ndarray, "input gates"],
    bias: Float[np.ndarray, " gates"],
) -> tuple[Array, Array]:
    """Return a = z and b = (1 - z) n.

    z = sigmoid(x W_z + b_z), n = x W_n + b_n; columns z, n; `gates` is
    2 hidden. As in chapter 03, z is the share that stays; the paper's z is our
    1 - z.
    """
    z, n = np.split(x @ W + bias, 2, axis=-1)
    return _sigmoid(z), _sigmoid(-z) * n


def min_lstm(
    x: Float[np.ndarray, "batch time input"],
    W: Float[np.ndarray, "input gates"],
    bias: Float[np.ndarray, " gates"],
) -> tuple[Array, Array]:
    """Return a = f / (f + i) and b = i n / (f + i): gates that sum to 1.

    f and i are sigmoids of x, n is linear in it; columns f, i, n; `gates` is
    3 hidden.
    """
    f, i, n = np.split(x @ W + bias, 3, axis=-1)
    f, i = _sigmoid(f), _sigmoid(i)
    return f / (f + i), i / (f + i) * n


def log_min_gru(
    x: Float[np.ndarray, "batch time input"],
    W: Float[np.ndarray, "input gates"],
    bias: Float[np.ndarray, " gates"],
) -> tuple[Array, Array]:
    """Return log z and log((1 - z) g(n)): `min_gru` with g(n) > 0 for n."""
    z, n = np.split(x @ W + bias, 2, axis=-1)
    return log_sigmoid(z), log_sigmoid(-z) + log_positive(n)


def log_min_lstm(
    x: Float[np.ndarray, "batch time input"],
    W: Float[np.ndarray, "input gates"],
    bias: Float[np.ndarray, " gates"],
) -> tuple[Array, Array]:
    """Return log(f / (f + i)) and log(i g(n) / (f + i)): `min_lstm`."""
    f, i, n = np.split(x @ W + bias, 3, axis=-1)
    f, i = log_sigmoid(f), log_sigmoid(i)
    whole = np.logaddexp(f, i)
    return f - whole, i - whole + log_positive(n)


def positive(x: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Return g(x): x + 1/2 where x >= 0, sigmoid(x) elsewhere; positive."""
    return np.where(x >= 0, x + 0.5, _sigmoid(x))


def log_positive(x: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Return log g(x) without computing a g(x) that may round to 0."""
    return np.where(x >= 0, np.log(np.maximum(x, 0) + 0.5), log_sigmoid(x))


def log_sigmoid(x: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Return log sigmoid(x) = -log(1 + e^-x)."""
    return -np.logaddexp(0, -x)


def _sigmoid(x: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    return (1 + np.tanh(x / 2)) / 2
