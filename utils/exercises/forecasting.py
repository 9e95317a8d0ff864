"""The checkers of windows, scaling and HAR features. Chapter 10."""

from collections.abc import Callable
from typing import Any

import numpy as np

from utils.exercises.judge import Array, Variant, draw, judge


def check_price_windows(windows: Callable[..., Any]) -> bool:
    """Say whether `windows(series)` cuts windows of 5 steps with the value
    after each.

    It returns (windows (time - 5, 5), targets (time - 5,)). Chapter 10.
    """

    def cut(series: Array, length: int = 5) -> Array:
        return np.lib.stride_tricks.sliding_window_view(series, length)

    variants = [
        Variant(
            "Each window is followed by its target.",
            lambda s: (cut(s)[:-1], s[5:]),
            right=True,
        ),
        Variant(
            "Off by one: the target is the window's own last value, so the "
            "model sees the answer.",
            lambda s: (cut(s)[:-1], s[4:-1]),
        ),
        Variant(
            "Off by one: the windows begin a step late and end with their "
            "own target.",
            lambda s: (cut(s)[1:], s[5:]),
        ),
        Variant(
            "The target is the first value of the window.",
            lambda s: (cut(s)[:-1], s[:-5]),
        ),
        Variant(
            "The windows are reversed: oldest first is expected.",
            lambda s: (cut(s)[:-1, ::-1], s[5:]),
        ),
        Variant(
            "The results are exchanged: windows first.",
            lambda s: (s[5:], cut(s)[:-1]),
        ),
    ]
    return judge(
        windows, [draw(0, series=(20,)), draw(1, series=(10,))], variants
    )


def check_scaler(scale: Callable[..., Any]) -> bool:
    """Say whether `scale(train, test)` min-max scales both with what the
    training part knows.

    (x - min(train)) / (max(train) - min(train)); it returns both parts, scaled.
    Chapter 10.
    """

    def by(
        seen: Callable[[Array, Array], Array],
    ) -> Callable[..., tuple[Array, Array]]:
        def compute(train: Array, test: Array) -> tuple[Array, Array]:
            low, high = seen(train, test).min(), seen(train, test).max()
            return (train - low) / (high - low), (test - low) / (high - low)

        return compute

    def alone(part: Array) -> Array:
        return (part - part.min()) / (part.max() - part.min())

    right = by(lambda train, test: train)
    variants = [
        Variant(
            "The test part is scaled with the training part's range.",
            right,
            right=True,
        ),
        Variant(
            "It leaks: the range comes from both parts, so training knows "
            "the test's extremes.",
            by(lambda train, test: np.concatenate([train, test])),
        ),
        Variant(
            "Each part has its own range: the test's comes from its own "
            "future, and equal prices "
            "become unequal inputs.",
            lambda train, test: (alone(train), alone(test)),
        ),
        Variant(
            "The range comes from the test part.", by(lambda train, test: test)
        ),
        Variant(
            "The test part is clipped to [0, 1]: prices beyond the training "
            "range all look alike.",
            lambda train, test: (
                right(train, test)[0],
                right(train, test)[1].clip(0, 1),
            ),
        ),
        Variant(
            "These are z-scores; min-max scaling divides by the range.",
            lambda train, test: tuple(
                (x - train.mean()) / train.std() for x in (train, test)
            ),
        ),
        Variant(
            "The results are exchanged: train first.",
            lambda a, b: right(a, b)[::-1],
        ),
    ]
    # The test part reaches beyond the training part, as prices do; else no leak
    # would show.
    cases = [
        {"train": case["train"], "test": 9 * case["test"]}
        for case in (
            draw(0, train=(30,), test=(8,)),
            draw(1, train=(9,), test=(9,)),
        )
    ]
    return judge(scale, cases, variants)


def check_har_features(features: Callable[..., Any]) -> bool:
    """Say whether `features(log_variance)` returns HAR's three regressors at
    every origin.

    Column 0 is the last value, columns 1 and 2 the means of the last 5 and 22
    values, the last one included. The first origin is the 22nd value: the shape
    is (time - 21, 3). Chapter 10.
    """

    def mean(series: Array, days: int) -> Array:
        """Average the last `days` values at each position from `days - 1`
        on."""
        return np.lib.stride_tricks.sliding_window_view(series, days).mean(
            axis=1
        )

    def build(
        week: Callable[[Array], Array], month: Callable[[Array], Array]
    ) -> Callable:
        return lambda v: np.column_stack([v[21:], week(v), month(v)])

    def last_week(v: Array) -> Array:
        return mean(v, 5)[17:]

    def last_month(v: Array) -> Array:
        return mean(v, 22)

    def ahead(v: Array, days: int) -> Array:
        return np.array([v[at : at + days].mean() for at in range(21, len(v))])

    variants = [
        Variant(
            "These are HAR's day, week and month.",
            build(last_week, last_month),
            right=True,
        ),
        Variant(
            "The means look ahead: they begin at the origin; they have to "
            "end there.",
            build(lambda v: ahead(v, 5), lambda v: ahead(v, 22)),
        ),
        Variant(
            "The week leaves out the last value: it should end at the origin.",
            build(lambda v: mean(v, 5)[16:-1], last_month),
        ),
        Variant(
            "The week has four values; it is five trading days.",
            build(lambda v: mean(v, 4)[18:], last_month),
        ),
        Variant(
            "The week has seven values; it is five trading days.",
            build(lambda v: mean(v, 7)[15:], last_month),
        ),
        Variant(
            "These are sums; HAR takes means.",
            build(lambda v: 5 * last_week(v), lambda v: 22 * last_month(v)),
        ),
        Variant("Week and month are exchanged.", build(last_month, last_week)),
        Variant(
            "The month has 21 values; it is 22 here.",
            build(last_week, lambda v: mean(v, 21)[1:]),
        ),
    ]
    cases = [draw(0, log_variance=(60,)), draw(1, log_variance=(44,))]
    return judge(features, cases, variants)
