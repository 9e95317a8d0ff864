"""Tests that tell skill from luck."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy import stats


class Significance(NamedTuple):
    """A test's statistic and the probability of one at least as extreme when
    nothing is there."""

    statistic: float
    p_value: float


def long_run_variance(series: Float[np.ndarray, "time"], waves: int) -> float:
    """Variance of the mean of an autocorrelated series, times its length.

    The mean square of the series' projections on its slowest cosines, Λ_j =
    √(2/n) Σ_t d_t cos(π j (t − ½) / n) for j from 1 to `waves`: neighbours that
    move together make slow waves. Source: Lazarus, Lewis, Stock and Watson
    (2018), doi:10.1080/07350015.2018.1506926 (the equal-weighted cosine
    estimator). Chapter 10.
    """
    n = len(series)
    middle = np.arange(n) + 0.5
    wave = np.arange(1, waves + 1)
    cosines = np.sqrt(2 / n) * np.cos(np.pi * np.outer(middle, wave) / n)
    return float(np.mean((series @ cosines) ** 2))


def waves_of(n: int, horizon: int = 1) -> int:
    """Return how many cosines `diebold_mariano` takes for n days."""
    return max(2, min(int(0.4 * n ** (2 / 3)), n // (2 * horizon)))


def diebold_mariano(
    loss: Float[np.ndarray, "time"],
    other_loss: Float[np.ndarray, "time"],
    horizon: int = 1,
    waves: int | None = None,
) -> Significance:
    """Test whether two forecasts are equally good; a negative statistic favours
    the first.

    d̄ / √(LRV(d) / n) with d = loss − other_loss, against Student's t with as
    many degrees of freedom as `long_run_variance` has waves, two-sided.
    Sources: Diebold and Mariano (1995), doi:10.1080/07350015.1995.10524599;
    for the standard error Lazarus, Lewis, Stock and Watson (2018),
    doi:10.1080/07350015.2018.1506926. Chapter 10.

    Args:
        loss: the first forecast's loss at each time, in any unit.
        other_loss: the second forecast's loss at the same times.
        horizon: steps ahead, h; the errors of forecasts that overlap correlate.
        waves: cosines in the long-run variance; by default 0.4 n^(2/3), as the
            source advises, but at most n / (2h), so that the fastest of them is
            still slower than the overlap.

    Raises:
        ValueError: the lengths differ, or the two losses never differ.
    """
    if len(loss) != len(other_loss):
        raise ValueError(
            f"loss has {len(loss)} values and other_loss {len(other_loss)}"
        )
    difference = np.asarray(loss) - np.asarray(other_loss)
    n = len(difference)
    if np.ptp(difference) <= 1e-12 * np.abs(difference).max():
        raise ValueError(
            "the two losses differ by a constant; there is nothing to test"
        )
    if waves is None:
        waves = waves_of(n, horizon)
    error = np.sqrt(long_run_variance(difference, waves) / n)
    statistic = float(difference.mean() / error)
    p_value = 2 * stats.t.sf(abs(statistic), waves)
    return Significance(statistic, float(p_value))


class Calibration(NamedTuple):
    """A Mincer-Zarnowitz regression: 0 and 1 would be a perfect forecast's."""

    intercept: float
    slope: float
    p_value: float


def mincer_zarnowitz(
    truth: Float[np.ndarray, "time"],
    forecast: Float[np.ndarray, "time"],
    horizon: int = 1,
) -> Calibration:
    """Test whether a forecast of a positive quantity means what it says: truth
    = a + b forecast with a = 0 and b = 1.

    Both sides are divided by the forecast, so that stormy days, whose errors
    are the largest, do not decide alone. The p-value is that of a = 0 and b = 1
    together, with Newey and West's covariance over the larger of 3h and √n
    lags, which wants thousands of days: with 500 it rejects a true forecast one
    time in eight at 5 %. `intercept` is in units of the mean forecast.
    Sources: Mincer and Zarnowitz (1969), in Economic Forecasts and
    Expectations; Patton and Sheppard (2009), doi:10.1007/978-3-540-71297-8_36.
    Chapter 10.

    Args:
        truth: what came.
        forecast: what was forecast for the same times, above 0.
        horizon: steps ahead.
    """
    import statsmodels.api as sm

    level = forecast.mean()
    design = np.column_stack([level / forecast, np.ones(len(forecast))])
    lags = max(3 * horizon, int(np.sqrt(len(truth))))
    fit = sm.OLS(truth / forecast, design).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags}
    )
    intercept, slope = fit.params
    together = fit.wald_test((np.eye(2), np.array([0, 1])), scalar=True)
    return Calibration(float(intercept), float(slope), float(together.pvalue))


class Discordance(NamedTuple):
    """Rows on which exactly one of two forecasters was right, and how likely
    such a split or one more favourable to the first is by chance."""

    only_first: int
    only_second: int
    p_value: float


def mcnemar(
    right: Bool[np.ndarray, "rows"], other_right: Bool[np.ndarray, "rows"]
) -> Discordance:
    """Test whether the first of two forecasters is right more often, on the
    same rows, exactly and one-sided.

    Rows on which both are right or both wrong say nothing; of the n others the
    first wins b, and b is binomial with one half if neither is better. Source:
    McNemar (1947), doi:10.1007/BF02295996. Chapter 10.
    """
    first = int(np.sum(right & ~other_right))
    second = int(np.sum(other_right & ~right))
    p_value = float(stats.binom.sf(first - 1, first + second, 0.5))
    return Discordance(first, second, p_value)


def pesaran_timmermann(
    up: Bool[np.ndarray, "time"], forecast_up: Bool[np.ndarray, "time"]
) -> Significance:
    """Test whether predicted and actual directions agree more than independence
    would make them.

    With P the share of agreements and P* = p q + (1 − p)(1 − q) its expectation
    under independence, (P − P*) / √(Var P − Var P*), standard normal,
    one-sided.
    Source: Pesaran and Timmermann (1992), doi:10.1080/07350015.1992.10509922.
        Chapter 10.

    Args:
        up: whether the value rose.
        forecast_up: whether a rise was forecast.

    Raises:
        ValueError: one of the two never changes, so that the test is undefined.
    """
    n = len(up)
    p, q = float(np.mean(up)), float(np.mean(forecast_up))
    for name, share in (("up", p), ("forecast_up", q)):
        if share in (0.0, 1.0):
            raise ValueError(
                f"{name} is always {bool(share)}; the test needs both "
                "directions"
            )
    agreement = float(np.mean(up == forecast_up))
    expected = p * q + (1 - p) * (1 - q)
    variance = expected * (1 - expected) / n
    variance_expected = (
        (2 * p - 1) ** 2 * q * (1 - q) / n
        + (2 * q - 1) ** 2 * p * (1 - p) / n
        + 4 * p * q * (1 - p) * (1 - q) / n**2
    )
    statistic = (agreement - expected) / np.sqrt(variance - variance_expected)
    return Significance(float(statistic), float(stats.norm.sf(statistic)))


def holm(
    p_values: Sequence[float] | Float[np.ndarray, "tests"],
) -> Float[np.ndarray, "tests"]:
    """Adjust a family of p-values so that 5 % bounds the chance of even one
    false alarm in it.

    With the m values sorted upwards, the i-th becomes the largest of
    (m + 1 − j) p_j over all j up to i, at most 1. It holds whatever the
    dependence between the tests. Source: Holm (1979), A simple sequentially
    rejective multiple test procedure, Scandinavian Journal of Statistics 6(2).

    Args:
        p_values: of every test that was made, in any order.

    Returns:
        Adjusted p-values, in the order of the input.

    Raises:
        ValueError: a value is no probability.
    """
    values = np.asarray(p_values, dtype=float)
    for at, value in enumerate(values):
        if not 0 <= value <= 1:
            raise ValueError(
                f"p_values[{at}] is {value}; a probability lies from 0 to 1"
            )
    order = np.argsort(values)
    stepped = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1)
    return adjusted
