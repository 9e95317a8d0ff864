"""Will the next day rise? Baselines, and what acting on the answer earns
after costs."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

LAGS = 5
DAYS_PER_YEAR = 252


def lagged_returns(
    close: pd.Series,
) -> tuple[
    pd.DatetimeIndex, Float[np.ndarray, "time 5"], Float[np.ndarray, "time"]
]:
    """Return origins, the last five log returns known there (newest first) and
    the next one.

    Returns are in per cent. The last day is no origin, for its next return is
    unknown.
    """
    returns = 100 * np.log(close).diff()
    table = pd.DataFrame(
        {f"lag_{lag}": returns.shift(lag) for lag in range(LAGS)}
    )
    table["next"] = returns.shift(-1)
    table = table.dropna()
    return (
        pd.DatetimeIndex(table.index),
        table.to_numpy()[:, :LAGS],
        table["next"].to_numpy(),
    )


def training_mean(
    lags: Float[np.ndarray, "time 5"],
    following: Float[np.ndarray, "time"],
    train: np.ndarray,
) -> Float[np.ndarray, "time"]:
    """Forecast the training window's mean return every day."""
    return np.full(len(following), following[train].mean())


def autoregression(
    lags: Float[np.ndarray, "time 5"],
    following: Float[np.ndarray, "time"],
    train: np.ndarray,
) -> Float[np.ndarray, "time"]:
    """Forecast with AR(1): least squares of the next return on the last one."""
    slope, intercept = np.polyfit(lags[train, 0], following[train], 1)
    return intercept + slope * lags[:, 0]


def logistic(
    lags: Float[np.ndarray, "time 5"],
    following: Float[np.ndarray, "time"],
    train: np.ndarray,
) -> Float[np.ndarray, "time"]:
    """Log odds of a rise from a logistic regression on five lags."""
    from sklearn.linear_model import LogisticRegression

    # Newton's method to the last digits, so that no sign depends on where a
    # solver stopped.
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10)
    model.fit(lags[train], following[train] > 0)
    return model.decision_function(lags)


def lstm_log_odds(
    lags: Float[np.ndarray, "time 5"],
    following: Float[np.ndarray, "time"],
    train: Int[np.ndarray, "train"],
    seed: int = 0,
) -> Float[np.ndarray, "time"]:
    """Log odds of a rise: the up-rate's, corrected by an LSTM that reads the
    returns."""
    from torch.nn.functional import binary_cross_entropy_with_logits

    from utils.forecasting.recurrent import train_correction

    up = (following > 0).astype(float)
    rate = up[train].mean()
    base = np.full(len(up), np.log(rate / (1 - rate)))
    return train_correction(
        lags[:, :1],
        base,
        up,
        train,
        binary_cross_entropy_with_logits,
        epochs=40,
        learning_rate=3e-3,
        seed=seed,
    )


def strategy_returns(
    returns: Float[np.ndarray, "time"],
    invested: Bool[np.ndarray, "time"],
    cost: float = 0.0,
) -> Float[np.ndarray, "time"]:
    """Daily return of holding the index on chosen days and cash, without
    interest, on others.

    Args:
        returns: the index's simple returns, as fractions.
        invested: whether it is held over that day.
        cost: of each change between index and cash, in basis points (1 bp =
            0.01 %).
    """
    changes = np.abs(np.diff(invested.astype(int), prepend=0))
    return returns * invested - changes * cost / 1e4


def sharpe(returns: Float[np.ndarray, "time"]) -> float:
    """Mean over standard deviation of daily returns, times √252 for a year."""
    return float(np.sqrt(DAYS_PER_YEAR) * returns.mean() / returns.std())


class SharpeGap(NamedTuple):
    """A difference of two Sharpe ratios and its 95 % bootstrap interval."""

    gap: float
    low: float
    high: float


def sharpe_gap(
    returns: Float[np.ndarray, "time"],
    other: Float[np.ndarray, "time"],
    draws: int = 2000,
    block: int = 22,
    seed: int = 0,
) -> SharpeGap:
    """Return by how much a strategy's Sharpe ratio exceeds another's, with an
    interval.

    The days are drawn anew in blocks whose lengths average `block`, the same
    days for both strategies, because they earn together and volatility comes in
    runs. The interval holds the middle 95 % of the differences. Source: Politis
    and Romano (1994), doi:10.1080/01621459.1994.10476870. Chapter 10.
    """
    from arch.bootstrap import StationaryBootstrap

    def gap(
        first: Float[np.ndarray, "time"], second: Float[np.ndarray, "time"]
    ) -> Float[np.ndarray, "1"]:
        return np.array([sharpe(first) - sharpe(second)])

    bootstrap = StationaryBootstrap(block, returns, other, seed=seed)
    low, high = np.quantile(bootstrap.apply(gap, draws), [0.025, 0.975])
    return SharpeGap(float(gap(returns, other)[0]), float(low), float(high))
