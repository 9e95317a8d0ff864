"""The checker of a loss over valid steps. Chapter 05."""

from collections.abc import Callable
from typing import Any

import numpy as np

from utils.exercises.judge import AnyArray, Array, Variant, draw, judge


def check_masked_loss(loss: Callable[..., Any]) -> bool:
    """Say whether `loss(predicted, target, mask)` is the mean squared error
    over valid steps.

    Shapes: predicted and target (batch, time), mask (batch, time), True on
        valid steps. Chapter 05.
    """
    mask = np.arange(6) < np.array([6, 4, 1])[:, None]
    case = draw(0, predicted=mask.shape, target=mask.shape) | {"mask": mask}

    def square(p: Array, t: Array, m: AnyArray) -> Array:
        return (p - t) ** 2 * m

    def one(value: Callable[..., Any]) -> Callable[..., Array]:
        return lambda *arguments: np.asarray(value(*arguments))

    variants = [
        Variant(
            "It averages the squared errors of the valid steps.",
            one(lambda p, t, m: square(p, t, m).sum() / m.sum()),
            right=True,
        ),
        Variant(
            "It averages over the padding too: errors on padded steps count.",
            one(lambda p, t, m: ((p - t) ** 2).mean()),
        ),
        Variant(
            "It sums the valid steps and divides by all steps: more padding "
            "makes it smaller.",
            one(lambda p, t, m: square(p, t, m).mean()),
        ),
        Variant(
            "It sums and does not divide by the number of valid steps, "
            "mask.sum().",
            one(lambda p, t, m: square(p, t, m).sum()),
        ),
        Variant(
            "It averages each row first and then the rows: a step of a short "
            "row weighs more than "
            "one of a long row.",
            one(
                lambda p, t, m: (
                    square(p, t, m).sum(axis=1) / m.sum(axis=1)
                ).mean()
            ),
        ),
        Variant(
            "It takes absolute errors; square them.",
            one(lambda p, t, m: (np.abs(p - t) * m).sum() / m.sum()),
        ),
        Variant(
            "The mask is upside down: True marks a valid step.",
            one(lambda p, t, m: square(p, t, ~m).sum() / (~m).sum()),
        ),
    ]
    return judge(loss, [case], variants)
