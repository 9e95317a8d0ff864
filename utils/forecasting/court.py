"""The persistence court: a forecast beside its own lag."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from utils.figures.style import COLORS
from utils.forecasting.scores import best_lag, lag_errors, mape, rmse, skill
from utils.forecasting.significance import diebold_mariano


@dataclass(frozen=True)
class Verdict:
    """What the court found; errors in the unit of the series, MAPE in per
    cent, lags in steps."""

    rmse: float
    mape: float
    persistence_rmse: float
    persistence_mape: float
    skill: float
    best_lag: int
    dm_statistic: float
    dm_p_value: float
    _truth: np.ndarray = field(repr=False)
    _forecast: np.ndarray = field(repr=False)

    def __str__(self) -> str:
        """Give the verdict in four lines."""
        return (
            f"RMSE {self.rmse:.4g}, persistence {self.persistence_rmse:.4g}\n"
            f"MAPE {self.mape:.2f} %, persistence "
            f"{self.persistence_mape:.2f} %\n"
            f"skill against persistence {self.skill:.3g}, "
            f"Diebold–Mariano {self.dm_statistic:+.1f} (negative favours the "
            "forecast)\n"
            f"fits best at a lag of {self.best_lag} steps"
        )

    def figure(self, last: int = 60, max_lag: int = 20) -> Figure:
        """Draw the last steps of both curves, and the misfit at each lag."""
        figure, (curves, lags) = plt.subplots(
            2, 1, figsize=(7, 5.4), height_ratios=(3, 2)
        )
        steps = np.arange(len(self._truth))[-last:]
        curves.plot(
            steps, self._truth[-last:], color=COLORS["black"], label="truth"
        )
        curves.plot(
            steps,
            self._forecast[-last:],
            color=COLORS["vermilion"],
            label="forecast",
        )
        curves.set_xlabel("step")
        curves.legend()
        errors = lag_errors(self._truth, self._forecast, max_lag)
        colors = [
            COLORS["vermilion" if k == self.best_lag else "sky"]
            for k in range(max_lag + 1)
        ]
        lags.bar(np.arange(max_lag + 1), errors, color=colors)
        lags.set_xlabel("lag: steps by which the forecast is moved back")
        lags.set_ylabel("misfit")
        return figure


def persistence_court(
    truth: Float[np.ndarray, "time"],
    forecast: Float[np.ndarray, "time"],
    last_known: Float[np.ndarray, "time"],
    horizon: int = 1,
) -> Verdict:
    """Judge a forecast against repeating the last value that was known when it
    was made.

    Args:
        truth: the values that came.
        forecast: what was forecast for the same times.
        last_known: the value `horizon` steps before each of them.
        horizon: steps ahead; the Diebold–Mariano test needs it.

    Raises:
        ValueError: the three lengths differ, or there are too few steps to try
            20 lags.
    """
    truth, forecast, last_known = (
        np.asarray(each, dtype=float) for each in (truth, forecast, last_known)
    )
    if not truth.shape == forecast.shape == last_known.shape:
        raise ValueError(
            f"truth, forecast and last_known have shapes {truth.shape}, "
            f"{forecast.shape} and "
            f"{last_known.shape}; give one value of each per step"
        )
    significance = diebold_mariano(
        (truth - forecast) ** 2, (truth - last_known) ** 2, horizon=horizon
    )
    return Verdict(
        rmse=rmse(truth, forecast),
        mape=mape(truth, forecast),
        persistence_rmse=rmse(truth, last_known),
        persistence_mape=mape(truth, last_known),
        skill=skill(truth, forecast, last_known),
        best_lag=best_lag(truth, forecast),
        dm_statistic=significance.statistic,
        dm_p_value=significance.p_value,
        _truth=truth,
        _forecast=forecast,
    )
