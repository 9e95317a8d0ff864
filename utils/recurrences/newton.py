"""The states of a non-linear RNN without its loop: Newton's method over a scan.

All states are unknowns of one system, h_t - f(h_{t-1}, x_t) = 0. Newton replaces f
by its tangent at the current guess; what is left is linear in the new guess,
h_t = f(g_{t-1}) + (h_{t-1} - g_{t-1}) J_t, and a scan solves it for all t at once.
Source: [Lim et al. (2023)](https://arxiv.org/abs/2309.12252), DEER. Chapter 12.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from utils.scratch.gru import GRU
from utils.scratch.rnn import RNN
from utils.scratch.scan import matrix_scan

States = Float[np.ndarray, "batch time hidden"]
Jacobians = Float[np.ndarray, "batch time hidden hidden"]


class Solution(NamedTuple):
    """Newton's last guess, and the largest |h_t - f(h_{t-1}, x_t)| of every guess."""

    states: States
    residuals: list[float]

    @property
    def iterations(self) -> int:
        """How many linear recurrences were solved."""
        return len(self.residuals) - 1


def newton(
    layer: RNN | GRU,
    x: Float[np.ndarray, "batch time input"],
    tolerance: float = 1e-12,
    most: int | None = None,
) -> Solution:
    """Return the outputs of `layer.forward(x)`, found without stepping through time.

    The first guess is 0. After k iterations the first k states are right, so `time`
    iterations always suffice in exact arithmetic; how many are needed depends on
    whether the layer forgets its past or amplifies it. A state of tanh or of a GRU
    lies in [-1, 1]: guesses are brought back there, or the products of a chaotic
    layer's Jacobians would overflow.

    Args:
        layer: a tanh RNN, or a GRU with its reset gate after the product.
        x: the inputs.
        tolerance: stop once the residual is at most this.
        most: stop after so many iterations; `time` if not given.

    Raises:
        ValueError: the layer is of neither kind.
    """
    tangents = _tangents_of(layer)
    states = np.zeros((*x.shape[:2], layer.hidden_size))
    residuals = []
    for _ in range((x.shape[1] if most is None else most) + 1):
        before = np.pad(states, ((0, 0), (1, 0), (0, 0)))[:, :-1]
        after, J = tangents(layer, x, before)
        residuals.append(float(np.abs(after - states).max()))
        if residuals[-1] <= tolerance:
            break
        with np.errstate(over="ignore", invalid="ignore"):
            states = matrix_scan(J, after - _moved(before, J))
        states = np.clip(np.nan_to_num(states), -1, 1)
    return Solution(states, residuals)


def rnn_tangents(layer: RNN, x: States, h: States) -> tuple[States, Jacobians]:
    """Return f(h_{t-1}, x_t) = tanh(...) for all steps at once, and its slope in h.

    Rows are vectors: J_t = W_h diag(1 - f^2).
    """
    W_h = layer.params["W_h"]
    after = np.tanh(
        x @ layer.params["W_x"] + h @ W_h + layer.params.get("b", 0)
    )
    return after, W_h * (1 - after**2)[..., None, :]


def gru_tangents(layer: GRU, x: States, h: States) -> tuple[States, Jacobians]:
    """Return a GRU's step f(h_{t-1}, x_t) for all steps at once, and its slope in h.

    J_t = diag(z) + W_hz diag((h - n) z') + [W_hn diag(r) + W_hr diag(m r')] diag(
    (1 - z)(1 - n^2)), with m = h W_hn + b_hn: the product rule on chapter 03's step.
    """
    params = layer.params
    W_r, W_z, W_n = np.split(params["W_h"], 3, axis=1)
    from_x = np.split(x @ params["W_x"] + params.get("b_x", 0), 3, axis=-1)
    from_h = np.split(h @ params["W_h"] + params.get("b_h", 0), 3, axis=-1)
    r, z = (
        (1 + np.tanh((u + v) / 2)) / 2
        for u, v in zip(from_x[:2], from_h, strict=False)
    )
    n = np.tanh(from_x[2] + r * from_h[2])
    d_n = (1 - z) * (1 - n**2)
    J = W_z * ((h - n) * z * (1 - z))[..., None, :]
    J += W_n * (r * d_n)[..., None, :]
    J += W_r * (from_h[2] * r * (1 - r) * d_n)[..., None, :]
    J += np.eye(layer.hidden_size) * z[..., None, :]
    return n + z * (h - n), J


def _tangents_of(layer: RNN | GRU):
    if isinstance(layer, RNN) and layer.activation == "tanh":
        return rnn_tangents
    if isinstance(layer, GRU) and layer.reset_after:
        return gru_tangents
    raise ValueError(
        f"Newton's method needs the slope of a step; there is one for the tanh RNN "
        f"and for the GRU with reset_after=True, not for {layer!r}"
    )


def _moved(h: States, J: Jacobians) -> States:
    return (h[..., None, :] @ J)[..., 0, :]
