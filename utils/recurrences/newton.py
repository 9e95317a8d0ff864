"""The states of a non-linear RNN without its loop: Newton over a scan.

All states are the unknowns of one system, h_t - f(h_{t-1}, x_t) = 0. Newton
replaces f by its tangent at the current guess g. What is left is linear in the
correction d = h - g,

    d_t = d_{t-1} J_t + (f(g_{t-1}, x_t) - g_t),

and a scan solves it for all t at once. Source: [Lim et al.
(2023)](https://arxiv.org/abs/2309.12252), DEER. Chapter 12.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from utils.scratch.gru import GRU
from utils.scratch.rnn import RNN
from utils.scratch.scan import matrix_scan

Inputs = Float[np.ndarray, "batch time input"]
States = Float[np.ndarray, "batch time hidden"]
Slopes = Float[np.ndarray, "batch time hidden hidden"]


class Solution(NamedTuple):
    """Newton's last guess, and max |f(g_{t-1}, x_t) - g_t| for every guess."""

    states: States
    residuals: list[float]

    @property
    def iterations(self) -> int:
        """How many linear recurrences were solved."""
        return len(self.residuals) - 1


def newton(
    layer: RNN | GRU,
    x: Inputs,
    tolerance: float = 1e-12,
    most: int | None = None,
) -> Solution:
    """Return the outputs of `layer.forward(x)` without stepping through time.

    The first guess is 0. In exact arithmetic k iterations make the first k
    states right, so `time` of them always suffice; whether far fewer do depends
    on whether the layer forgets its past or amplifies it. The states of tanh
    and of a GRU lie in [-1, 1]: guesses are brought back there, where products
    of a chaotic layer's slopes would overflow.

    Args:
        layer: a tanh RNN, or a GRU with its reset gate after the product.
        x: the inputs.
        tolerance: stop once the residual is at most this.
        most: stop after so many iterations; `time` if not given.

    Raises:
        ValueError: the layer is of neither kind.
    """
    tangents = _tangents_of(layer)
    guess = np.zeros((*x.shape[:2], layer.hidden_size))
    residuals = []
    for _ in range((x.shape[1] if most is None else most) + 1):
        before = np.pad(guess, ((0, 0), (1, 0), (0, 0)))[:, :-1]
        after, slopes = tangents(layer, x, before)
        residuals.append(float(np.abs(after - guess).max()))
        if residuals[-1] <= tolerance:
            break
        with np.errstate(over="ignore", invalid="ignore"):
            guess = guess + matrix_scan(slopes, after - guess)
        guess = np.clip(np.nan_to_num(guess), -1, 1)
    return Solution(guess, residuals)


def rnn_tangents(layer: RNN, x: Inputs, h: States) -> tuple[States, Slopes]:
    """Return f = tanh(x W_x + h W_h + b) at every step, and its slope in h.

    `h` holds the state before each step. Vectors are rows, so that the slope is
    J = W_h diag(1 - f^2).
    """
    W_x, W_h = layer.params["W_x"], layer.params["W_h"]
    after = np.tanh(x @ W_x + h @ W_h + layer.params.get("b", 0))
    return after, W_h * (1 - after**2)[..., None, :]


def gru_tangents(layer: GRU, x: Inputs, h: States) -> tuple[States, Slopes]:
    """Return a GRU's step f = z h + (1 - z) n at every step, and its slope.

    The product rule on chapter 03's equations, with m = h W_hn + b_hn:
    J = diag(z) + W_hz diag((h - n) z (1 - z))
    + (W_hn diag(r) + W_hr diag(m r (1 - r))) diag((1 - z) (1 - n^2)).
    """
    params = layer.params
    W_r, W_z, W_n = np.split(params["W_h"], 3, axis=1)
    from_x = x @ params["W_x"] + params.get("b_x", 0)
    from_h = h @ params["W_h"] + params.get("b_h", 0)
    (r_x, z_x, n_x), (r_h, z_h, m) = (
        np.split(part, 3, axis=-1) for part in (from_x, from_h)
    )
    r, z = _sigmoid(r_x + r_h), _sigmoid(z_x + z_h)
    n = np.tanh(n_x + r * m)
    d_n = (1 - z) * (1 - n**2)
    slopes = np.eye(layer.hidden_size) * z[..., None, :]
    slopes += W_z * ((h - n) * z * (1 - z))[..., None, :]
    slopes += W_n * (r * d_n)[..., None, :]
    slopes += W_r * (m * r * (1 - r) * d_n)[..., None, :]
    return z * h + (1 - z) * n, slopes


def _sigmoid(a: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    return (1 + np.tanh(a / 2)) / 2


def _tangents_of(layer: RNN | GRU) -> Callable[..., tuple[Any, Any]]:
    if isinstance(layer, RNN) and layer.activation == "tanh":
        return rnn_tangents
    if isinstance(layer, GRU) and layer.reset_after:
        return gru_tangents
    raise ValueError(
        "Newton's method needs the slope of a step; there is one for the tanh "
        f"RNN and for the GRU with reset_after=True, not for {layer!r}"
    )
