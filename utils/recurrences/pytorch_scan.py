"""The scan of linear recurrences in PyTorch, forward and backward in log depth.

The NumPy version is `utils.scratch.scan`, where each step is explained.
"""

from typing import Any

import torch
from jaxtyping import Inexact
from torch import Tensor


def linear_scan(
    a: Inexact[Tensor, "batch time *features"],
    b: Inexact[Tensor, "batch time *features"],
    h0: Inexact[Tensor, "batch *features"] | None = None,
) -> Inexact[Tensor, "batch time *features"]:
    """Return h_t = a_t * h_{t-1} + b_t for every step t, with h_0 = `h0` or 0.

    About 2 log2(time) calls of PyTorch, on the device and in the precision of
    the arguments, real or complex. Its gradient is a scan from the last step to
    the first. Chapter 12.

    Raises:
        ValueError: a, b and h0 do not fit each other.
    """
    if a.shape != b.shape:
        raise ValueError(
            f"a has shape {tuple(a.shape)} and b {tuple(b.shape)}; "
            "they must be equal: expand the smaller one"
        )
    if h0 is None:
        return _Scan.apply(a, b)
    if h0.shape != b[:, 0].shape:
        raise ValueError(
            f"h0 has shape {tuple(h0.shape)}; a and b of shape "
            f"{tuple(b.shape)} need {tuple(b[:, 0].shape)}"
        )
    first = b[:, :1] + a[:, :1] * h0.unsqueeze(1)
    return _Scan.apply(a, torch.cat([first, b[:, 1:]], dim=1))


class _Scan(torch.autograd.Function):
    """The scan from h_0 = 0, whose backward pass calls it again."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        h = _scan(a, b)
        ctx.save_for_backward(a, h)
        return h

    @staticmethod
    def backward(ctx: Any, d_outputs: Tensor) -> tuple[Tensor, Tensor]:
        a, h = ctx.saved_tensors
        # d_h_t = d_outputs_t + a_{t+1} d_h_{t+1}: the recurrence, reversed.
        later = torch.cat([a[:, 1:], torch.zeros_like(a[:, :1])], dim=1)
        d_h = _Scan.apply(later.conj().flip(1), d_outputs.flip(1)).flip(1)
        before = torch.cat([torch.zeros_like(h[:, :1]), h[:, :-1]], dim=1)
        return d_h * before.conj(), d_h


def _scan(a: Tensor, b: Tensor) -> Tensor:
    """Join neighbours, scan the half as many pairs, fill in the steps between.

    Pair k covers the steps 2k and 2k + 1, so its state is the one at 2k + 1.
    """
    time = b.shape[1]
    if time < 2:
        return b.clone()
    odd_a, odd_b = a[:, 1::2], b[:, 1::2]
    pairs = odd_b.shape[1]
    at_odd = _scan(
        odd_a * a[:, : 2 * pairs : 2], odd_b + odd_a * b[:, : 2 * pairs : 2]
    )
    h = torch.empty_like(b)
    h[:, 1::2] = at_odd
    h[:, 0] = b[:, 0]
    h[:, 2::2] = b[:, 2::2] + a[:, 2::2] * at_odd[:, : (time - 1) // 2]
    return h
