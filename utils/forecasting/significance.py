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


def long_run_variance(series: Float[np.ndarray, "time"], lags: int) -> float:
    """Variance of the mean of an autocorrelated series, times its length
    (Bartlett weights).

    γ₀ + 2 Σ_{k=1..lags} (1 − k / (lags + 1)) γ_k, never negative.
    Source: Newey and West (1987), doi:10.2307/1913610.
    """
    centred = series - series.mean()
    total = float(centred @ centred)
    for lag in range(1, lags + 1):
        total += (
            2 * (1 - lag / (lags + 1)) * float(centred[lag:] @ centred[:-lag])
        )
    return total / len(series)


def diebold_mariano(
    loss: Float[np.ndarray, "time"],
    other_loss: Float[np.ndarray, "time"],
    horizon: int = 1,
    lags: int | None = None,
) -> Significance:
    """Test whether two forecasts are equally good; a negative statistic favours
    the first.

    d̄ / √(LRV(d) / n) with d = loss − other_loss, times Harvey, Leybourne and
    Newbold's factor √((n + 1 − 2h + h(h − 1)/n) / n), against Student's t with
    n − 1 degrees of freedom, two-sided. Sources: Diebold and Mariano (1995),
    doi:10.1080/07350015.1995.10524599; Harvey, Leybourne and Newbold (1997),
    doi:10.1016/S0169-2070(96)00719-4. Chapter 10.

    Args:
        loss: the first forecast's loss at each time, in any unit.
        other_loss: the second forecast's loss at the same times.
        horizon: steps ahead, h; forecasts that overlap have errors that
            correlate.
        lags: autocovariances in the long-run variance; by default the larger of
            h − 1 and 4 (n / 100)^(2/9), because volatility's losses correlate
            even one day ahead.

    Raises:
        ValueError: the lengths differ, or the two losses never differ.
    """
    if len(loss) != len(other_loss):
        raise ValueError(
            f"loss has {len(loss)} values and other_loss {len(other_loss)}"
        )
    difference = np.asarray(loss) - np.asarray(other_loss)
    n = len(difference)
    if lags is None:
        lags = max(horizon - 1, int(4 * (n / 100) ** (2 / 9)))
    variance = long_run_variance(difference, lags)
    if variance == 0:
        raise ValueError(
            "the two losses differ by a constant; there is nothing to test"
        )
    small_sample = np.sqrt(
        (n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n
    )
    statistic = float(small_sample * difference.mean() / np.sqrt(variance / n))
    return Significance(statistic, float(2 * stats.t.sf(abs(statistic), n - 1)))


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
