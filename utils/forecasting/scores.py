"""Scores for forecasts: small is good, except for skill."""

import numpy as np
from jaxtyping import Float


def rmse(
    truth: Float[np.ndarray, "time"], forecast: Float[np.ndarray, "time"]
) -> float:
    """Root mean squared error, in the unit of the series.

    Derived in chapter 10.
    """
    return float(np.sqrt(np.mean((truth - forecast) ** 2)))


def mape(
    truth: Float[np.ndarray, "time"], forecast: Float[np.ndarray, "time"]
) -> float:
    """Mean absolute percentage error, 100 mean |truth − forecast| / |truth|, in
    per cent.

    Raises:
        ValueError: the truth holds a zero, where a percentage has no meaning.
    """
    if np.any(truth == 0):
        raise ValueError(
            f"truth[{int(np.flatnonzero(truth == 0)[0])}] is 0, where a "
            "percentage error has no "
            "meaning; use rmse"
        )
    return float(100 * np.mean(np.abs((truth - forecast) / truth)))


def skill(
    truth: Float[np.ndarray, "time"],
    forecast: Float[np.ndarray, "time"],
    reference: Float[np.ndarray, "time"],
) -> float:
    """Share of the reference's mean squared error that the forecast saves, 1 −
    MSE / MSE_ref.

    1 is perfect, 0 is no better than the reference, negative is worse.
    Source: Murphy (1988), doi:10.1175/1520-0493(1988)116<2417:SSBOTM>2.0.CO;2.
    """
    return float(
        1 - np.mean((truth - forecast) ** 2) / np.mean((truth - reference) ** 2)
    )


def qlike(
    variance: Float[np.ndarray, "time"], forecast: Float[np.ndarray, "time"]
) -> Float[np.ndarray, "time"]:
    """Loss of each variance forecast, σ²/f − ln(σ²/f) − 1: zero when f = σ².

    Its expectation is least at the true variance even when σ² is a noisy,
    unbiased measure of it. Source: Patton (2011),
    doi:10.1016/j.jeconom.2010.03.034. Chapter 10.

    Raises:
        ValueError: a variance or a forecast is not positive.
    """
    for name, values in (("variance", variance), ("forecast", forecast)):
        if not np.all(values > 0):
            at = int(np.flatnonzero(~(values > 0))[0])
            raise ValueError(
                f"{name}[{at}] is {values[at]}; QLIKE needs values above 0"
            )
    ratio = variance / forecast
    return ratio - np.log(ratio) - 1


def lag_errors(
    truth: Float[np.ndarray, "time"],
    forecast: Float[np.ndarray, "time"],
    max_lag: int = 20,
) -> Float[np.ndarray, "lags"]:
    """Standard deviation of forecast[t] − truth[t − lag] for each lag from 0 to
    max_lag.

    The mean error is left out, so that a curve of the right shape at the wrong
    height still shows how far it trails. Every lag is scored on the same days.

    Raises:
        ValueError: the series is not longer than max_lag + 1.
    """
    days = len(truth)
    if days < max_lag + 2:
        raise ValueError(f"{days} days are too few to try lags up to {max_lag}")
    late = forecast[max_lag:]
    return np.array(
        [
            np.std(late - truth[max_lag - lag : days - lag])
            for lag in range(max_lag + 1)
        ]
    )


def best_lag(
    truth: Float[np.ndarray, "time"],
    forecast: Float[np.ndarray, "time"],
    max_lag: int = 20,
) -> int:
    """Days by which the forecast's curve trails the truth: the lag at which it
    fits best.

    0 for a forecast that looks ahead, 1 for a copy of yesterday.
    """
    return int(np.argmin(lag_errors(truth, forecast, max_lag)))
