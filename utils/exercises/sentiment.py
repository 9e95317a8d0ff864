"""The checker of a masked maximum. Chapter 11."""

from collections.abc import Callable
from typing import Any

import numpy as np

from utils.exercises.judge import Array, Variant, draw, judge


def check_masked_max(pool: Callable[..., Any]) -> bool:
    """Say whether `pool(outputs, mask)` is each unit's largest value over a
    row's valid steps.

    Shapes: outputs (batch, time, hidden), mask (batch, time), True on valid
    steps; the result (batch, hidden). Chapter 11.
    """
    mask = np.arange(6) < np.array([5, 3, 1])[:, None]
    case = draw(0, outputs=(3, 6, 4)) | {"mask": mask}
    # Negative throughout, so that a zero in the padding would be the largest.
    case["outputs"] = -np.abs(case["outputs"])

    def largest(outside: float, axis: int = 1) -> Callable[..., Array]:
        return lambda o, m: np.where(m[:, :, None], o, outside).max(axis=axis)

    variants = [
        Variant(
            "It takes the maximum over the valid steps.",
            largest(-np.inf),
            right=True,
        ),
        Variant(
            "It sets the padding to 0, and 0 is more than a unit that is "
            "negative throughout: set "
            "it to -inf.",
            largest(0.0),
        ),
        Variant(
            "It takes the maximum over the padding too.",
            lambda o, m: o.max(axis=1),
        ),
        Variant(
            "The mask is upside down: True marks a valid step.",
            lambda o, m: np.where(m[:, :, None], -np.inf, o).max(axis=1),
        ),
        Variant(
            "It averages over the valid steps; take the maximum.",
            lambda o, m: (
                (o * m[:, :, None]).sum(axis=1) / m.sum(axis=1, keepdims=True)
            ),
        ),
        Variant(
            "It takes the state at the last valid step; take each unit's "
            "maximum over all of them.",
            lambda o, m: o[np.arange(len(o)), m.sum(axis=1) - 1],
        ),
        Variant(
            "It takes the largest absolute value; keep the sign.",
            lambda o, m: np.where(m[:, :, None], np.abs(o), -np.inf).max(
                axis=1
            ),
        ),
    ]
    return judge(pool, [case], variants)
