"""The checkers of windows, scaling, HAR features, QLIKE, a Diebold–Mariano
statistic and a conformal interval. Chapter 10."""

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
            "These lie from -1 to 1; the exercise asks for 0 to 1.",
            lambda train, test: tuple(
                2 * each - 1 for each in right(train, test)
            ),
        ),
        Variant(
            "The mean is subtracted; min-max scaling subtracts the least.",
            lambda train, test: tuple(
                (x - train.mean()) / np.ptp(train) for x in (train, test)
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


def check_qlike(loss: Callable[..., Any]) -> bool:
    """Say whether `loss(variance, forecast)` is QLIKE at each time.

    variance / forecast - ln(variance / forecast) - 1, of the shape of both.
    Chapter 10.
    """

    def qlike(variance: Array, forecast: Array) -> Array:
        ratio = variance / forecast
        return ratio - np.log(ratio) - 1

    variants = [
        Variant("This is QLIKE, one value a day.", qlike, right=True),
        Variant(
            "The ratio is upside down: a forecast that is too high costs more "
            "than one that is too low.",
            lambda variance, forecast: qlike(forecast, variance),
        ),
        Variant(
            "These are volatilities; QLIKE takes the variances themselves.",
            lambda variance, forecast: qlike(
                np.sqrt(variance), np.sqrt(forecast)
            ),
        ),
        Variant(
            "The 1 is not subtracted: a perfect forecast should cost nothing.",
            lambda variance, forecast: qlike(variance, forecast) + 1,
        ),
        Variant(
            "The logarithm is to base 10.",
            lambda variance, forecast: (
                variance / forecast - np.log10(variance / forecast) - 1
            ),
        ),
        Variant(
            "This is the squared error.",
            lambda variance, forecast: (variance - forecast) ** 2,
        ),
    ]
    cases = [
        {name: np.exp(each) for name, each in case.items()}
        for case in (
            draw(0, variance=(12,), forecast=(12,)),
            draw(1, variance=(5,), forecast=(5,)),
        )
    ]
    return judge(loss, cases, variants)


def check_diebold_mariano(statistic: Callable[..., Any]) -> bool:
    """Say whether `statistic(loss, other_loss)` is Diebold and Mariano's for
    days that are independent.

    With d = loss - other_loss, mean(d) / sqrt(var(d) / n), var with n - 1.
    Chapter 10.
    """

    def over(
        error: Callable[[Array], Any],
    ) -> Callable[[Array, Array], Any]:
        def compute(loss: Array, other_loss: Array) -> Any:
            difference = loss - other_loss
            return np.asarray(difference.mean() / error(difference))

        return compute

    def error(d: Array) -> Any:
        return d.std(ddof=1) / np.sqrt(len(d))

    variants = [
        Variant(
            "This is the mean difference over its standard error.",
            over(error),
            right=True,
        ),
        Variant(
            "The sign is turned round: negative should favour the first.",
            over(lambda d: -error(d)),
        ),
        Variant(
            "The mean is divided by the deviation of a day; that of a mean of "
            "n days is smaller by the root of n.",
            over(lambda d: d.std(ddof=1)),
        ),
        Variant(
            "The variance divides by n; the mean is estimated too, so divide "
            "by n - 1.",
            over(lambda d: d.std() / np.sqrt(len(d))),
        ),
        Variant(
            "The mean is divided by a variance; take its root.",
            over(lambda d: d.var(ddof=1) / len(d)),
        ),
        Variant(
            "The two losses are taken as unrelated samples; they are of the "
            "same days, so take the deviation of their difference.",
            lambda loss, other_loss: np.asarray(
                (loss.mean() - other_loss.mean())
                / np.sqrt(
                    (loss.var(ddof=1) + other_loss.var(ddof=1)) / len(loss)
                )
            ),
        ),
    ]
    cases = [
        draw(0, loss=(20,), other_loss=(20,)),
        draw(1, loss=(7,), other_loss=(7,)),
    ]
    return judge(statistic, cases, variants)


def check_conformal(interval: Callable[..., Any]) -> bool:
    """Say whether `interval(errors)` returns the bounds of a 90 % conformal
    interval from past errors.

    The k-th smallest and the k-th largest of the n errors, k = floor((n + 1)
    0.05). Chapter 10.
    """

    def ranked(shift: int) -> Callable[[Array], tuple[Any, Any]]:
        def compute(errors: Array) -> tuple[Any, Any]:
            k = int((len(errors) + 1) * 0.05 + 1e-9) + shift
            ordered = np.sort(errors)
            return np.asarray(ordered[k - 1]), np.asarray(ordered[-k])

        return compute

    def symmetric(errors: Array) -> tuple[Any, Any]:
        sizes = np.sort(np.abs(errors))
        bound = sizes[int(np.ceil((len(errors) + 1) * 0.9 - 1e-9)) - 1]
        return np.asarray(-bound), np.asarray(bound)

    def pair(bounds: Array) -> tuple[Array, Array]:
        return bounds[0, ...], bounds[1, ...]

    variants = [
        Variant(
            "The bounds are the k-th smallest and the k-th largest error.",
            ranked(0),
            right=True,
        ),
        Variant(
            "A rank off by one: Python counts from 0, so the k-th smallest "
            "is at k - 1.",
            ranked(1),
        ),
        Variant(
            "These are the quantiles of the sample; they forget the place of "
            "the next error among n + 1, and are too narrow.",
            lambda errors: pair(np.quantile(errors, [0.05, 0.95])),
        ),
        Variant(
            "Ten per cent are cut off at each end; it is five.",
            lambda errors: pair(
                np.sort(errors)[
                    [
                        int((len(errors) + 1) * 0.1 + 1e-9) - 1,
                        -int((len(errors) + 1) * 0.1 + 1e-9),
                    ]
                ]
            ),
        ),
        Variant(
            "The interval is symmetric; errors of a logarithm are not, so "
            "take each end from its own side.",
            symmetric,
        ),
        Variant(
            "These bounds come from a normal distribution; the errors' own "
            "ranks need none.",
            lambda errors: pair(
                errors.mean() + np.array([-1.645, 1.645]) * errors.std(ddof=1)
            ),
        ),
        Variant("The bounds are exchanged.", lambda e: ranked(0)(e)[::-1]),
    ]
    return judge(
        interval, [draw(0, errors=(79,)), draw(1, errors=(39,))], variants
    )
