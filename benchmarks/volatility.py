"""Forecasts of the variance of the S&P 500 and the NASDAQ, walk-forward,
2007–2018.

Six folds of 504 days, models fitted again before each on everything earlier.
Every forecast is calibrated on its training window. Each case is recorded as it
finishes, so an interrupted run resumes.
"""

import argparse
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.record import record, recorded
from utils.data.prices import PriceWarning, load_prices
from utils.forecasting import volatility
from utils.forecasting.intervals import conformal_interval
from utils.forecasting.recurrent import geometric_mean, recurrent_volatility
from utils.forecasting.scores import qlike
from utils.forecasting.significance import diebold_mariano
from utils.forecasting.splits import Fold, walk_forward
from utils.forecasting.volatility import (
    VolatilityData,
    calibrate,
    forecast_folds,
)

NAME = "volatility"
FOLD = 504
SEEDS = 3
LINEAR = {
    "yesterday": volatility.yesterday,
    "EWMA": volatility.ewma,
    "GARCH-t": volatility.garch,
    "GJR-t": volatility.gjr_garch,
    "HAR": volatility.har,
    "LHAR": volatility.lhar,
    "linear, all features": volatility.all_linear,
}
RECURRENT: dict[str, dict[str, Any]] = {
    "LSTM correction": {"cell": "LSTM", "on_har": True},
    "GRU correction": {"cell": "GRU", "on_har": True},
    "LSTM alone": {"cell": "LSTM", "on_har": False},
    "GRU alone": {"cell": "GRU", "on_har": False},
}
TARGETS = {
    "Garman–Klass": volatility.garman_klass,
    "Parkinson": volatility.parkinson,
}


def recurrent_forecasts(
    data: VolatilityData, folds: list[Fold], seeds: int, **settings: Any
) -> list[np.ndarray]:
    """Return the calibrated forecasts of each seed and, last, of their
    geometric mean."""
    forecasts = np.full((seeds + 1, len(data.dates)), np.nan)
    for fold in folds:
        raw = [
            recurrent_volatility(data, fold.train, seed=seed, **settings)
            for seed in range(seeds)
        ]
        for row, each in enumerate([*raw, geometric_mean(raw)]):
            forecasts[row, fold.test] = calibrate(data, each, fold.train)[
                fold.test
            ]
    return list(forecasts)


def confidence_set(losses: pd.DataFrame) -> dict[str, float]:
    """Return each model's p-value in the model confidence set; in the 90 %
    set if above 0.1."""
    from arch.bootstrap import MCS

    mcs = MCS(losses, size=0.1, reps=1000, block_size=22, seed=0)
    mcs.compute()
    return {name: float(p) for name, p in mcs.pvalues["Pvalue"].items()}


def interval_report(
    data: VolatilityData, forecast: np.ndarray, folds: list[Fold]
) -> dict[str, Any]:
    """Measure 90 % intervals in each fold: the share of days held, and upper
    over lower bound."""
    errors = np.log(data.target) - np.log(forecast)
    # The fold before the first scored one holds this many errors that are known
    # in time.
    window = FOLD - data.horizon + 1
    lower, upper = conformal_interval(
        errors, window=window, horizon=data.horizon
    )
    held = (errors >= lower) & (errors <= upper)
    days = [fold.test[fold.test < data.known] for fold in folds]
    return {
        "coverage": [float(np.mean(held[each])) for each in days],
        "coverage_overall": float(np.mean(held[np.concatenate(days)])),
        "median_ratio": float(
            np.median(np.exp(upper - lower)[np.concatenate(days)])
        ),
    }


def run_case(
    prices: pd.DataFrame,
    horizon: int,
    target: str,
    recurrent: dict[str, dict[str, Any]],
    first_test: str = "2007-01-01",
    seeds: int = SEEDS,
) -> dict[str, Any]:
    """Forecast with every model and test every pair."""
    data = volatility.make_volatility_data(
        prices, horizon, TARGETS[target](prices)
    )
    # A forecast belongs to the day after its origin; one fold earlier
    # calibrates the intervals.
    first = int(data.dates.searchsorted(pd.Timestamp(first_test))) - 1 - FOLD
    folds = list(walk_forward(data.known, first, FOLD, gap=horizon - 1))
    forecasts = {
        name: forecast_folds(data, model, folds)
        for name, model in LINEAR.items()
    }
    singles, seconds = {}, {}
    for name, settings in recurrent.items():
        started = time.process_time()
        *each_seed, forecasts[name] = recurrent_forecasts(
            data, folds, seeds, **settings
        )
        seconds[name] = time.process_time() - started
        singles[name] = each_seed
        print(f"{name}: {seconds[name]:.0f} s", flush=True)
    scored = np.concatenate([fold.test for fold in folds[1:]])
    truth = data.target[scored]
    losses = pd.DataFrame(
        {name: qlike(truth, each[scored]) for name, each in forecasts.items()}
    )
    return {
        "days": len(scored),
        "qlike": losses.mean().to_dict(),
        "mse": {
            name: float(np.mean((1e4 * (truth - each[scored])) ** 2))
            for name, each in forecasts.items()
        },
        "qlike_per_fold": {
            name: [
                float(np.mean(part))
                for part in np.split(
                    losses[name], range(FOLD, len(losses), FOLD)
                )
            ]
            for name in losses
        },
        "single_seeds": {
            name: [float(np.mean(qlike(truth, each[scored]))) for each in runs]
            for name, runs in singles.items()
        },
        "dm": {
            name: {
                other: diebold_mariano(
                    losses[name].to_numpy(), losses[other].to_numpy(), horizon
                )._asdict()
                for other in losses
                if other != name
            }
            for name in losses
        },
        "confidence_set": confidence_set(losses),
        "intervals": {
            name: interval_report(data, forecasts[name], folds[1:])
            for name in ("HAR", next(iter(recurrent)))
        },
        "cpu_seconds": seconds,
    }


def main() -> None:
    """Run the cases that the recording does not hold yet."""
    cases = {
        f"{index} {horizon} {target}": (index, horizon, target)
        for target, horizon in (
            ("Garman–Klass", 1),
            ("Garman–Klass", 5),
            ("Parkinson", 1),
        )
        for index in ("sp500", "nasdaq")
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--cases", nargs="+", default=list(cases), choices=list(cases)
    )
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", PriceWarning)
    results = recorded(NAME)
    for key in arguments.cases:
        if key not in results:
            index, horizon, target = cases[key]
            # Parkinson's range only checks the finding on the correction: one
            # network is enough.
            names = (
                RECURRENT if target == "Garman–Klass" else ["LSTM correction"]
            )
            recurrent = {name: RECURRENT[name] for name in names}
            results[key] = run_case(
                load_prices(index), horizon, target, recurrent
            )
            print(key, results[key]["qlike"], flush=True)
            record(NAME, results)


if __name__ == "__main__":
    main()
