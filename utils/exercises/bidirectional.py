"""The checker of both directions' final states. Chapter 09."""

from collections.abc import Callable
from typing import Any

import numpy as np

from utils.exercises.judge import (
    AnyArray,
    Arguments,
    Array,
    Variant,
    draw,
    judge,
)


def check_final_states(pool: Callable[..., Any]) -> bool:
    """Say whether `pool(outputs, lengths)` returns both directions' final
    states, side by side.

    Shapes: outputs (batch, time, 2 hidden) of a bidirectional layer,
    right-padded, lengths (batch,); the result (batch, 2 hidden), the forward
    direction first. Chapter 07.
    """
    lengths = np.array([5, 2, 3, 1])
    case: Arguments = draw(0, outputs=(4, 5, 6)) | {"lengths": lengths}
    rows = np.arange(len(lengths))

    def halves(
        ahead: AnyArray | int, back: AnyArray | int
    ) -> Callable[..., Array]:
        return lambda outputs, n: np.hstack(
            [outputs[rows, ahead, :3], outputs[rows, back, 3:]]
        )

    last = lengths - 1
    variants = [
        Variant(
            "It takes the forward half at each row's last valid step, the "
            "backward half at step 0.",
            halves(last, 0),
            right=True,
        ),
        Variant(
            "It takes the last column: the forward half has read padding, "
            "and the backward half "
            "has read one step.",
            halves(-1, -1),
        ),
        Variant(
            "It takes the last valid step whole, where the backward half has "
            "read one step: its "
            "final state is at step 0.",
            halves(last, last),
        ),
        Variant(
            "The backward half is right; the forward half comes from the "
            "last column, after the "
            "padding.",
            halves(-1, 0),
        ),
        Variant(
            "Step 0 is right for the backward half only; the forward half "
            "has read one step there.",
            halves(0, 0),
        ),
        Variant(
            "The halves' steps are exchanged: forward ends at the last valid "
            "step, backward at 0.",
            halves(0, last),
        ),
        Variant(
            "The backward direction stands first; put the forward one first.",
            lambda outputs, n: np.hstack(
                [outputs[rows, 0, 3:], outputs[rows, last, :3]]
            ),
        ),
        Variant(
            "It is off by one: the last valid step of a row has the index "
            "lengths - 1.",
            halves(np.minimum(lengths, 4), 0),
        ),
    ]
    return judge(pool, [case], variants)
