"""Forecasts of a day's variance from daily prices: the field's baselines and
linear models.

Every model here is a function of the data and of the positions it may learn
from; it returns a variance forecast for every origin. `calibrate` then puts all
of them on one level.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from utils.forecasting.splits import Fold

if TYPE_CHECKING:
    from arch.univariate.base import ARCHModel

# A day without movement counts as a variance of (0.01 %)², for its logarithm
# would be −∞.
FLOOR = 1e-8
MONTH = 22


def garman_klass(prices: pd.DataFrame) -> pd.Series:
    """Daily variance from open, high, low and close: ½ ln(H/L)² − (2 ln 2 − 1)
    ln(C/O)².

    Source: Garman and Klass (1980), doi:10.1086/296072. Chapter 10.
    """
    body = np.log(prices["close"] / prices["open"])
    spread = np.log(prices["high"] / prices["low"])
    variance = 0.5 * spread**2 - (2 * np.log(2) - 1) * body**2
    return variance.clip(lower=FLOOR).rename("variance")


def parkinson(prices: pd.DataFrame) -> pd.Series:
    """Daily variance from high and low alone: ln(H/L)² / (4 ln 2).

    Source: Parkinson (1980), doi:10.1086/296071. Chapter 10.
    """
    variance = np.log(prices["high"] / prices["low"]) ** 2 / (4 * np.log(2))
    return variance.clip(lower=FLOOR).rename("variance")


def whole_day(prices: pd.DataFrame) -> pd.Series:
    """Daily variance from close to close: the squared overnight return plus
    Garman and Klass's.

    Where a file's open is a copy of the last close, the night counts as still.
    Chapter 10.
    """
    last_close = prices["close"].shift().fillna(prices["open"])
    overnight = np.log(prices["open"] / last_close)
    variance = garman_klass(prices) + overnight**2
    return variance.rename("variance")


@dataclass(frozen=True)
class VolatilityData:
    """What is known at each origin, the close of a day, and what is to be
    forecast there.

    Attributes:
        dates: the origins, oldest first.
        variance: that day's variance, as a fraction squared.
        returns: that day's log return of the close.
        features: one row per origin; see `make_volatility_data`.
        target: mean variance of the next `horizon` days; NaN at the last
            `horizon` origins.
        horizon: days ahead.
    """

    dates: pd.DatetimeIndex
    variance: Float[np.ndarray, "time"]
    returns: Float[np.ndarray, "time"]
    features: pd.DataFrame
    target: Float[np.ndarray, "time"]
    horizon: int

    @property
    def known(self) -> int:
        """Number of origins whose target has been seen."""
        return len(self.dates) - self.horizon


def make_volatility_data(
    prices: pd.DataFrame,
    horizon: int = 1,
    variance: pd.Series | None = None,
    extra: pd.DataFrame | None = None,
) -> VolatilityData:
    """Turn prices into features known at each close and the variance that
    followed.

    Features, with lv the log variance, r the return in per cent and r⁻ = min(r,
    0): lv, and its means over 5 and 22 days; r; r⁻, and its means over 5 and 22
    days; log volume against its mean over 22 days. The first 22 days only feed
    these means and are no origins.

    Args:
        prices: as from `load_prices`.
        horizon: days ahead, 1 or more.
        variance: daily variance; Garman and Klass's by default.
        extra: further features, one column each, on the same dates; whatever
            stands in a row must be known at that day's close.

    Raises:
        ValueError: the horizon is below 1, the prices are too few for one
            origin, or `extra` lacks a value on one of their dates.
    """
    if horizon < 1:
        raise ValueError(f"horizon is {horizon}; it must be 1 day or more")
    if len(prices) <= MONTH + horizon:
        raise ValueError(
            f"{len(prices)} days are too few for a forecast {horizon} days "
            "ahead; "
            f"at least {MONTH + horizon + 1} are needed"
        )
    variance = garman_klass(prices) if variance is None else variance
    log_variance = np.log(variance)
    returns = np.log(prices["close"]).diff()
    percent = 100 * returns
    negative = percent.clip(upper=0)
    # The loader's warning promises this for days without volume.
    log_volume = np.log(prices["volume"].where(prices["volume"] > 0).ffill())
    features = pd.DataFrame(
        {
            "variance": log_variance,
            "variance_week": log_variance.rolling(5).mean(),
            "variance_month": log_variance.rolling(MONTH).mean(),
            "return": percent,
            "negative": negative,
            "negative_week": negative.rolling(5).mean(),
            "negative_month": negative.rolling(MONTH).mean(),
            "volume": (
                log_volume - log_volume.rolling(MONTH, min_periods=1).mean()
            ).fillna(0),
        }
    ).iloc[MONTH:]
    if extra is not None:
        further = extra.reindex(features.index)
        for name, column in further.items():
            if column.isna().any():
                raise ValueError(
                    f"extra has no {name} on {column.isna().idxmax():%Y-%m-%d};"
                    " every date of the prices needs one"
                )
        features = features.join(further)
    ahead = variance.rolling(horizon).mean().shift(-horizon)
    return VolatilityData(
        dates=pd.DatetimeIndex(features.index),
        variance=variance.to_numpy()[MONTH:],
        returns=returns.to_numpy()[MONTH:],
        features=features,
        target=ahead.to_numpy()[MONTH:],
        horizon=horizon,
    )


Model = Callable[[VolatilityData, np.ndarray], np.ndarray]

HAR = ("variance", "variance_week", "variance_month")
LHAR = (*HAR, "negative", "negative_week", "negative_month")


def calibrate(
    data: VolatilityData,
    forecast: Float[np.ndarray, "time"],
    train: Int[np.ndarray, "train"],
    window: int | None = None,
) -> Float[np.ndarray, "time"]:
    """Scale a forecast so that it is right on average where it was trained.

    The factor mean(σ² / f) over the training window minimises QLIKE there, so
    models of another scale (close-to-close GARCH, log-linear HAR) meet the
    target on equal terms.

    Args:
        data: holds the target σ².
        forecast: f, at every origin.
        train: positions that may be read.
        window: read the last so many of them only; all by default.
    """
    late = train if window is None else train[-window:]
    return forecast * np.mean(data.target[late] / forecast[late])


def forecast_folds(
    data: VolatilityData,
    model: Model,
    folds: Sequence[Fold],
    window: int | None = None,
) -> Float[np.ndarray, "time"]:
    """Fit and calibrate a model on each fold's past; return its forecasts,
    NaN outside tests."""
    forecast = np.full(len(data.dates), np.nan)
    for fold in folds:
        forecast[fold.test] = calibrate(
            data, model(data, fold.train), fold.train, window
        )[fold.test]
    return forecast


def return_variance(
    data: VolatilityData,
    forecast: Float[np.ndarray, "time"],
    window: int = 504,
) -> Float[np.ndarray, "time"]:
    """Scale forecasts of one day's variance to the squared return from close to
    close.

    A range misses the night, so squared returns exceed it. At each origin the
    factor is the mean of r² / f over the last `window` forecasts whose day is
    over; NaN where fewer have been made. Chapter 10.

    Raises:
        ValueError: the horizon is not one day.
    """
    if data.horizon != 1:
        raise ValueError(
            f"the horizon is {data.horizon} days; a day's return needs one of 1"
        )
    ratio = pd.Series(data.returns**2 / np.r_[np.nan, forecast[:-1]])
    return forecast * ratio.rolling(window).mean().to_numpy()


def yesterday(
    data: VolatilityData, train: Int[np.ndarray, "train"]
) -> Float[np.ndarray, "time"]:
    """Repeat the last day's variance; nothing is fitted."""
    return data.variance


def ewma(
    data: VolatilityData, train: Int[np.ndarray, "train"], decay: float = 0.94
) -> Float[np.ndarray, "time"]:
    """Exponentially weighted squared returns, v ← λ v + (1 − λ) r²; nothing is
    fitted.

    Source: RiskMetrics technical document (1996), with its λ = 0.94 for daily
        data.
    """
    return (
        pd.Series(data.returns**2)
        .ewm(alpha=1 - decay)
        .mean()
        .clip(lower=FLOOR)
        .to_numpy()
    )


def garch(
    data: VolatilityData,
    train: Int[np.ndarray, "train"],
    asymmetric: bool = False,
) -> Float[np.ndarray, "time"]:
    """GARCH(1, 1) with Student-t errors on returns; `asymmetric` adds GJR's
    term for falls.

    h ← ω + (α + γ [r < 0]) r² + β h, fitted on the training window, then run
    over all days. Sources: Bollerslev (1987), doi:10.2307/1925546; Glosten,
    Jagannathan and Runkle (1993), doi:10.1111/j.1540-6261.1993.tb05128.x.
    """
    from arch import arch_model

    def model(percent: Float[np.ndarray, "days"]) -> "ARCHModel":
        return arch_model(
            percent, vol="GARCH", p=1, o=int(asymmetric), q=1, dist="t"
        )

    percent = 100 * data.returns
    fitted = model(percent[train]).fit(disp="off")
    everywhere = model(percent).fix(fitted.params)
    ahead = everywhere.forecast(
        horizon=data.horizon, start=0
    ).variance.to_numpy()
    return ahead.mean(axis=1) / 100**2


def gjr_garch(
    data: VolatilityData, train: Int[np.ndarray, "train"]
) -> Float[np.ndarray, "time"]:
    """Return `garch` with a term of its own for falls."""
    return garch(data, train, asymmetric=True)


def log_linear(
    data: VolatilityData,
    train: Int[np.ndarray, "train"],
    columns: tuple[str, ...],
    within_range: bool = True,
) -> Float[np.ndarray, "time"]:
    """Least squares of the log target on some features, exponentiated.

    With `within_range` no forecast leaves the range of the training targets: a
    line extrapolates, and the exponential makes that grotesque. The field
    calls such a rule an insanity filter; chapter 10 shows what it does.
    """
    design = np.column_stack(
        [np.ones(len(data.dates)), data.features[list(columns)]]
    )
    log_target = np.log(data.target[train])
    weights, *_ = np.linalg.lstsq(design[train], log_target, rcond=None)
    log_forecast = design @ weights
    if within_range:
        log_forecast = log_forecast.clip(log_target.min(), log_target.max())
    return np.exp(log_forecast)


def har(
    data: VolatilityData, train: Int[np.ndarray, "train"]
) -> Float[np.ndarray, "time"]:
    """Heterogeneous autoregression of the log variance on its day, week and
    month.

    ln σ²₊ = b₀ + b₁ lv + b₂ lv₅ + b₃ lv₂₂. Source: Corsi (2009),
    doi:10.1093/jjfinec/nbp001. Chapter 10.
    """
    return log_linear(data, train, HAR)


def lhar(
    data: VolatilityData, train: Int[np.ndarray, "train"]
) -> Float[np.ndarray, "time"]:
    """HAR plus the negative returns of the day, the week and the month (the
    leverage effect).

    Source: Corsi and Renò (2012), doi:10.1080/07350015.2012.663261. Chapter 10.
    """
    return log_linear(data, train, LHAR)


def all_linear(
    data: VolatilityData, train: Int[np.ndarray, "train"]
) -> Float[np.ndarray, "time"]:
    """A linear model of every feature that the networks see."""
    return log_linear(data, train, tuple(data.features.columns))
