"""Will the next day rise? Baselines, and what acting on the answer earns
after costs."""

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
        seed=seed,
    )


def lstm_return(
    lags: Float[np.ndarray, "time 5"],
    following: Float[np.ndarray, "time"],
    train: Int[np.ndarray, "train"],
    seed: int = 0,
) -> Float[np.ndarray, "time"]:
    """Next return: an LSTM that reads the returns, trained from zero on the
    squared error."""
    from torch.nn.functional import mse_loss

    from utils.forecasting.recurrent import train_correction

    return train_correction(
        lags[:, :1],
        np.zeros(len(following)),
        following,
        train,
        mse_loss,
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
