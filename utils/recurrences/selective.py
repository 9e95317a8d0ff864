"""Mamba's selective scan: a diagonal state whose step size the input sets."""

import numpy as np
from jaxtyping import Float

from utils.scratch.scan import linear_scan


def selective_scan(
    x: Float[np.ndarray, "batch time channels"],
    delta: Float[np.ndarray, "batch time channels"],
    A: Float[np.ndarray, "channels state"],
    B: Float[np.ndarray, "batch time state"],
    C: Float[np.ndarray, "batch time state"],
    D: Float[np.ndarray, " channels"],
    h0: Float[np.ndarray, "batch channels state"] | None = None,
) -> Float[np.ndarray, "batch time channels"]:
    """Return y_t = h_t C_t + D x_t for the diagonal recurrence

        h_t = exp(delta_t A) h_{t-1} + delta_t B_t x_t.

    Every channel has a state of its own. A < 0 holds one rate for each of its
    entries; delta > 0, B and C are read from the input, which makes the scan
    selective: a large delta_t forgets and writes, one near 0 skips the step.
    Mamba gets delta from softplus(Linear(x)), B and C from Linear(x). Source:
    [Gu and Dao (2023)](https://arxiv.org/abs/2312.00752), algorithm 2, with
    delta B for the discretised B as in their code. Chapter 12.
    """
    decay = np.exp(delta[..., None] * A)
    write = (delta * x)[..., None] * B[:, :, None, :]
    h = linear_scan(decay, write, h0)
    return (h * C[:, :, None, :]).sum(axis=-1) + D * x
