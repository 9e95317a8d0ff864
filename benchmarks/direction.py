"""Tomorrow's direction and return, walk-forward, 2007–2018, expanding and
rolling windows.

Six folds of 504 days on the S&P 500 and the NASDAQ; a rolling window keeps
1,260 days. The LSTM is the mean of five seeds. Recorded: accuracy and its
tests, and what being invested when a rise is forecast earns after costs beside
the index, with a bootstrap interval of the difference.
"""

import argparse
import json
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.record import record, recorded
from utils.data.prices import PriceWarning, load_prices
from utils.forecasting import direction
from utils.forecasting.significance import mcnemar, pesaran_timmermann
from utils.forecasting.splits import walk_forward

NAME = "direction"
FOLD = 504
ROLLING = 1260
COSTS = (0.0, 1.0, 2.0, 5.0, 10.0)
SEEDS = range(10, 15)
UP = "always up"
Forecaster = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def ensemble(model: Callable[..., np.ndarray], seeds: range) -> Forecaster:
    """Average a network's forecasts over seeds."""

    def forecast(
        lags: np.ndarray, following: np.ndarray, train: np.ndarray
    ) -> np.ndarray:
        return np.mean(
            [model(lags, following, train, seed=seed) for seed in seeds],
            axis=0,
        )

    return forecast


def always_up(
    lags: np.ndarray, following: np.ndarray, train: np.ndarray
) -> np.ndarray:
    """Forecast a rise every day."""
    return np.ones(len(following))


def accuracy_report(up: np.ndarray, said_up: np.ndarray) -> dict[str, Any]:
    """Test a direction forecast, one-sided, against a coin, against saying "up"
    every day and against independence."""
    hits = int(np.sum(up == said_up))
    varies = 0 < said_up.mean() < 1
    against = mcnemar(up == said_up, up)
    return {
        "accuracy": hits / len(up),
        "share_up": float(said_up.mean()),
        "p_coin": float(
            stats.binomtest(hits, len(up), 0.5, alternative="greater").pvalue
        ),
        "right where up is wrong": against.only_first,
        "wrong where up is right": against.only_second,
        "p_always_up": against.p_value,
        "p_independence": pesaran_timmermann(up, said_up).p_value
        if varies
        else None,
    }


def run_case(
    close: pd.Series,
    train_size: int | None,
    first_test: str = "2007-01-01",
    seeds: range = SEEDS,
) -> dict[str, Any]:
    """Forecast each fold with every model and judge the pooled forecasts."""
    dates, lags, following = direction.lagged_returns(close)
    # A forecast belongs to the day after its origin.
    first = int(dates.searchsorted(pd.Timestamp(first_test))) - 1
    folds = list(walk_forward(len(dates), first, FOLD, train_size=train_size))
    models: dict[str, Forecaster] = {
        UP: always_up,
        "training mean": direction.training_mean,
        "AR(1)": direction.autoregression,
        "five-lag logit": direction.logistic,
        "LSTM, cross-entropy": ensemble(direction.lstm_log_odds, seeds),
    }
    pooled = {
        name: np.concatenate(
            [model(lags, following, fold.train)[fold.test] for fold in folds]
        )
        for name, model in models.items()
    }
    truth = following[first:]
    up = truth > 0
    simple = np.expm1(truth / 100)
    early = dates[first:] < pd.Timestamp("2010-01-01")
    held = {
        name: {
            f"{cost:g}": direction.strategy_returns(simple, forecast > 0, cost)
            for cost in COSTS
        }
        for name, forecast in pooled.items()
    }
    return {
        "days": len(truth),
        "up_rate": float(up.mean()),
        "direction": {
            name: accuracy_report(up, each > 0) for name, each in pooled.items()
        },
        "trades": {
            name: int(np.sum(np.diff(forecast > 0, prepend=False)))
            for name, forecast in pooled.items()
        },
        "sharpe": {
            name: {cost: direction.sharpe(net) for cost, net in nets.items()}
            for name, nets in held.items()
        },
        "sharpe beside the index": {
            name: {
                cost: direction.sharpe_gap(net, simple)._asdict()
                for cost, net in nets.items()
            }
            for name, nets in held.items()
            if name != UP
        },
        "sharpe_2007_2009": {
            name: direction.sharpe(nets["0"][early])
            for name, nets in held.items()
        },
        "sharpe_from_2010": {
            name: direction.sharpe(nets["0"][~early])
            for name, nets in held.items()
        },
    }


def main() -> None:
    """Run the cases that the recording does not hold yet."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    warnings.simplefilter("ignore", PriceWarning)
    results = recorded(NAME)
    for index in ("sp500", "nasdaq"):
        for window, train_size in (("expanding", None), ("rolling", ROLLING)):
            key = f"{index} {window}"
            if key not in results:
                results[key] = run_case(load_prices(index)["close"], train_size)
                print(key, json.dumps(results[key]["direction"]), flush=True)
                record(NAME, results)


if __name__ == "__main__":
    main()
