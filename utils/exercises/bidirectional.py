"""The checkers of what becomes of both directions' states. Chapter 07."""

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


def check_joined(join: Callable[..., Any]) -> bool:
    """Say whether `join(ahead, back, lengths)` returns a bidirectional layer's
    outputs.

    Shapes: `ahead` (batch, time, hidden), the forward layer's outputs; `back`,
    of the same shape, the backward layer's in the order in which it read, so
    that a row's first is the one at its last step; both right-padded with 0;
    lengths (batch,); the result (batch, time, 2 hidden), the forward direction
    first. Chapter 07.
    """
    lengths = np.array([5, 2, 4])
    case: Arguments = draw(0, ahead=(3, 5, 2), back=(3, 5, 2))
    for each in case.values():
        each[np.arange(5) >= lengths[:, None]] = 0
    case["lengths"] = lengths

    def placed(place: Callable[..., AnyArray]) -> Callable[..., Array]:
        return lambda ahead, back, n: np.concatenate(
            [ahead, place(back, n)], axis=2
        )

    def reverse(x: AnyArray, n: AnyArray) -> AnyArray:
        return np.stack(
            [
                np.concatenate([row[:length][::-1], row[length:]])
                for row, length in zip(x, n, strict=True)
            ]
        )

    variants = [
        Variant(
            "Every row of the backward half is turned back within its own "
            "length.",
            placed(reverse),
            right=True,
        ),
        Variant(
            "The backward half was never turned back: step 1 holds what that "
            "layer knew after its first input, the row's last.",
            placed(lambda back, n: back),
        ),
        Variant(
            "It turns the whole array back, padding and all: a short row's "
            "states move to the right. Turn each row within its length.",
            placed(lambda back, n: back[:, ::-1]),
        ),
        Variant(
            "It turns the order of the rows, not of the steps: use axis 1.",
            placed(lambda back, n: back[::-1]),
        ),
        Variant(
            "It turns the order of the features, not of the steps: use axis 1.",
            placed(lambda back, n: back[:, :, ::-1]),
        ),
        Variant(
            "The backward direction stands first; put the forward one first.",
            lambda ahead, back, n: np.concatenate(
                [reverse(back, n), ahead], axis=2
            ),
        ),
        Variant(
            "It turns the forward half; turn the backward one.",
            lambda ahead, back, n: np.concatenate(
                [reverse(ahead, n), back], axis=2
            ),
        ),
        Variant(
            "It turns both halves; the forward one stands right already.",
            lambda ahead, back, n: np.concatenate(
                [reverse(ahead, n), reverse(back, n)], axis=2
            ),
        ),
    ]
    return judge(join, [case], variants)


def check_shifted(shift: Callable[..., Any]) -> bool:
    """Say whether `shift(outputs)` keeps each step's own input out of it.

    Shapes: outputs (batch, time, 2 hidden) of a bidirectional layer; the result
    has the same shape and holds at step t the forward state of t - 1 beside
    the backward state of t + 1, zeros where there is none. Chapter 07.
    """
    case = draw(0, outputs=(2, 5, 6))

    def shifted(forward: int, backward: int) -> Callable[..., Array]:
        def compute(outputs: AnyArray) -> Array:
            halves = []
            for half, by in zip(
                np.split(outputs, 2, axis=2), (forward, backward), strict=True
            ):
                moved = np.roll(half, by, axis=1)
                if by > 0:
                    moved[:, :by] = 0
                elif by < 0:
                    moved[:, by:] = 0
                halves.append(moved)
            return np.concatenate(halves, axis=2)

        return compute

    def rolled(outputs: AnyArray) -> Array:
        ahead, back = np.split(outputs, 2, axis=2)
        return np.concatenate(
            [np.roll(ahead, 1, axis=1), np.roll(back, -1, axis=1)], axis=2
        )

    variants = [
        Variant(
            "Step t holds the forward state of t - 1 and the backward state "
            "of t + 1.",
            shifted(1, -1),
            right=True,
        ),
        Variant(
            "Nothing has moved: both halves at step t have read step t.",
            shifted(0, 0),
        ),
        Variant(
            "Both halves moved the wrong way: step t now holds the forward "
            "state of t + 1, which has read step t and the one after it.",
            shifted(-1, 1),
        ),
        Variant(
            "Both halves moved one step later; the backward half must move "
            "one step earlier.",
            shifted(1, 1),
        ),
        Variant(
            "Both halves moved one step earlier; the forward half must move "
            "one step later.",
            shifted(-1, -1),
        ),
        Variant(
            "The forward half is right; the backward half still holds the "
            "state that has read step t.",
            shifted(1, 0),
        ),
        Variant(
            "The backward half is right; the forward half still holds the "
            "state that has read step t.",
            shifted(0, -1),
        ),
        Variant(
            "It rolls the states round: step 1 gets the forward state of the "
            "last step, which has read everything. Put zeros there.",
            rolled,
        ),
    ]
    return judge(shift, [case], variants)
