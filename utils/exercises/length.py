"""The checkers of a loss over valid steps, chapter 05, and of the moving
ball's score and law, chapter 06."""

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


def check_score(score: Callable[..., Any]) -> bool:
    """Say whether `score(actual, predicted)` is one minus the mean relative
    error, on positions / 50.

    Shapes: both (batch,), in positions. Chapter 06.
    """
    case = {
        "actual": np.array([20.0, -3.0, 0.0, 7.0]),
        "predicted": np.array([19.0, -3.5, 0.01, 9.0]),
    }

    def one(value: Callable[..., Any]) -> Callable[..., Array]:
        return lambda *arguments: np.asarray(value(*arguments))

    def ratio(a: Array, p: Array, scale: float = 50.0) -> Any:
        return np.abs(a - p) / scale / (np.abs(a) / scale + 1e-4)

    variants = [
        Variant(
            "It is one minus the mean relative error of positions / 50.",
            one(lambda a, p: 1 - ratio(a, p).mean()),
            right=True,
        ),
        Variant(
            "It does not divide the positions by 50, so that 0.0001 weighs "
            "fifty times less.",
            one(lambda a, p: 1 - ratio(a, p, scale=1.0).mean()),
        ),
        Variant(
            "It divides by the predictions; divide by the targets.",
            one(lambda a, p: 1 - ratio(p, a).mean()),
        ),
        Variant(
            "It divides by the target itself; take its absolute value.",
            one(lambda a, p: 1 - (np.abs(a - p) / 50 / (a / 50 + 1e-4)).mean()),
        ),
        Variant(
            "It forgets the absolute value of the error, so that errors of "
            "opposite sign cancel.",
            one(
                lambda a, p: 1 - ((a - p) / 50 / (np.abs(a) / 50 + 1e-4)).mean()
            ),
        ),
        Variant(
            "It is the mean relative error; the score is one minus that.",
            one(lambda a, p: ratio(a, p).mean()),
        ),
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        return judge(score, [case], variants)


def check_line(next_position: Callable[..., Any]) -> bool:
    """Say whether `next_position(row)` continues a row of constant
    acceleration.

    Shapes: row (time,), at least three positions. Chapter 06.
    """
    time = np.arange(6.0)
    falling = {"row": 3 + 2 * time - 0.5 * time**2}
    rolling = {"row": 7 - 3 * time[:4]}

    def one(value: Callable[[Array], Any]) -> Callable[[Array], Array]:
        return lambda row: np.asarray(value(row))

    variants = [
        Variant(
            "It is exact at constant acceleration, and so at constant "
            "velocity.",
            one(lambda x: 3 * x[-1] - 3 * x[-2] + x[-3]),
            right=True,
        ),
        Variant(
            "It continues at constant velocity; the velocity changes by as "
            "much in every step.",
            one(lambda x: 2 * x[-1] - x[-2]),
        ),
        Variant(
            "It adds half of the acceleration; noted once a second, the "
            "velocity grows by all of it.",
            one(lambda x: 2.5 * x[-1] - 2 * x[-2] + x[-3] / 2),
        ),
        Variant(
            "It subtracts the acceleration; add it.",
            one(lambda x: x[-1] + (x[-2] - x[-3])),
        ),
        Variant(
            "It returns the step to come; add it to the last position.",
            one(lambda x: 2 * x[-1] - 3 * x[-2] + x[-3]),
        ),
    ]
    return judge(next_position, [falling, rolling], variants)
