"""Forecasts of the variance of the S&P 500 and the NASDAQ, walk-forward,
2007–2018.

Six folds of 504 days, models fitted again before each on everything earlier.
Every forecast is calibrated on its training window and, as a variant, on the
last 504 days of it. `--tune` first tries every network's and the trees'
learning rates and epochs (or rounds) on the years 2003 to 2006, by the mean
QLIKE of three seeds on both indices, into `volatility_tuning.json`; the cases
then take the best and five other seeds. Each is recorded as it finishes, so an
interrupted run resumes.
"""

import argparse
import itertools
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.record import record, recorded
from utils.data.prices import PriceWarning, load_prices
from utils.forecasting import volatility
from utils.forecasting.intervals import adaptive_interval, conformal_interval
from utils.forecasting.recurrent import (
    geometric_mean,
    recurrent_volatility,
    tree_correction,
)
from utils.forecasting.scores import qlike
from utils.forecasting.significance import diebold_mariano, mincer_zarnowitz
from utils.forecasting.splits import Fold, walk_forward
from utils.forecasting.volatility import (
    LHAR,
    VolatilityData,
    calibrate,
    forecast_folds,
    log_linear,
    return_variance,
)

NAME = "volatility"
TUNING = "volatility_tuning"
FOLD = 504
BLOCK = 21
INDICES = ("sp500", "nasdaq")
TUNING_SEEDS = range(3)
SEEDS = range(10, 15)
WHOLE, LATE = "all training days", "last 504 training days"
LINEAR = {
    "yesterday": volatility.yesterday,
    "EWMA": volatility.ewma,
    "GARCH-t": volatility.garch,
    "GJR-t": volatility.gjr_garch,
    "HAR": volatility.har,
    "LHAR": volatility.lhar,
    "linear, all features": volatility.all_linear,
}
NETWORKS: dict[str, dict[str, Any]] = {
    "MLP correction": {"cell": "MLP"},
    "MLP correction, five days": {"cell": "MLP", "days": 5},
    "LSTM correction": {"cell": "LSTM"},
}
TREES = "tree correction"
RATES = (0.0003, 0.001, 0.003, 0.01)
EPOCHS = (20, 40)
TREE_RATES = (0.01, 0.03, 0.1)
ROUNDS = (30, 100, 300)
TARGETS = {
    "Garman–Klass": volatility.garman_klass,
    "Parkinson": volatility.parkinson,
}
Model = Callable[..., np.ndarray]


def scored_folds(
    data: VolatilityData, first_test: str, blocks: int | None = None
) -> list[Fold]:
    """Return folds from one before the first day to test on."""
    # A forecast belongs to the day after its origin; one fold earlier
    # calibrates the intervals.
    first = int(data.dates.searchsorted(pd.Timestamp(first_test))) - 1 - FOLD
    folds = walk_forward(data.known, first, FOLD, gap=data.horizon - 1)
    return list(itertools.islice(folds, blocks))


def validation_loss(model: Model, seeds: range | None) -> float:
    """Return the mean QLIKE over 2003–2006, both indices and all seeds."""
    losses = []
    for index in INDICES:
        data = volatility.make_volatility_data(load_prices(index))
        folds = scored_folds(data, "2003-01-01", 3)[1:]
        days = np.concatenate([fold.test for fold in folds])
        for seed in seeds or [None]:
            seeded = model if seed is None else partial(model, seed=seed)
            forecast = forecast_folds(data, seeded, folds)
            losses.append(qlike(data.target[days], forecast[days]).mean())
    return float(np.mean(losses))


def grid(name: str) -> dict[str, tuple[Model, dict[str, Any]]]:
    """Name every setting that is tried of a model: the model and its
    settings."""
    model: Model = recurrent_volatility
    rates: tuple[float, ...] = RATES
    passes: tuple[str, tuple[int, ...]] = ("epochs", EPOCHS)
    if name == TREES:
        model, rates, passes = tree_correction, TREE_RATES, ("rounds", ROUNDS)
    return {
        f"rate {rate:g}, {count} {passes[0]}": (
            partial(model, **NETWORKS.get(name, {})),
            {"learning_rate": rate, passes[0]: count},
        )
        for rate in rates
        for count in passes[1]
    }


def tune(names: list[str]) -> None:
    """Try the settings that the recording does not hold yet."""
    for name in names:
        for key, (model, settings) in grid(name).items():
            if key in recorded(TUNING).get(name, {}):
                continue
            seeds = None if name == TREES else TUNING_SEEDS
            loss = validation_loss(partial(model, **settings), seeds)
            print(name, key, loss, flush=True)
            # Read again, for another process may have recorded meanwhile.
            results = recorded(TUNING)
            tried = {**settings, "qlike": loss}
            results[name] = results.get(name, {}) | {key: tried}
            record(TUNING, results)


def best(name: str) -> dict[str, Any]:
    """Return the settings with the least validation loss."""
    tried = recorded(TUNING)[name].values()
    chosen = dict(min(tried, key=lambda each: each["qlike"]))
    del chosen["qlike"]
    return chosen


def network_forecasts(
    data: VolatilityData, folds: list[Fold], seeds: range, **settings: Any
) -> tuple[list[np.ndarray], np.ndarray]:
    """Return each seed's forecasts and, last, their geometric mean's; then
    the latter calibrated on the late window."""
    forecasts = np.full((len(seeds) + 1, len(data.dates)), np.nan)
    late = np.full(len(data.dates), np.nan)
    for fold in folds:
        raw = [
            recurrent_volatility(data, fold.train, seed=seed, **settings)
            for seed in seeds
        ]
        mean = geometric_mean(raw)
        for row, each in enumerate([*raw, mean]):
            forecasts[row, fold.test] = calibrate(data, each, fold.train)[
                fold.test
            ]
        late[fold.test] = calibrate(data, mean, fold.train, FOLD)[fold.test]
    return list(forecasts), late


def confidence_set(losses: pd.DataFrame) -> dict[str, float]:
    """Return each model's p-value in the model confidence set; in the 90 %
    set if above 0.1."""
    from arch.bootstrap import MCS

    mcs = MCS(losses, size=0.1, reps=1000, block_size=22, seed=0)
    mcs.compute()
    return {str(name): float(p) for name, p in mcs.pvalues["Pvalue"].items()}


def compare(losses: pd.DataFrame, horizon: int) -> dict[str, Any]:
    """Test every pair of models."""
    columns = {str(name): losses[name].to_numpy() for name in losses}
    return {
        name: {
            other: diebold_mariano(loss, other_loss, horizon)._asdict()
            for other, other_loss in columns.items()
            if other != name
        }
        for name, loss in columns.items()
    }


def interval_report(
    data: VolatilityData, forecast: np.ndarray, scored: np.ndarray
) -> dict[str, Any]:
    """Measure 90 % intervals, plain and adaptive, by year: the share of days
    held, and upper over lower bound of the volatility."""
    errors = np.log(data.target) - np.log(forecast)
    # The fold before the first scored one holds this many errors that are known
    # in time.
    window = FOLD - data.horizon + 1
    report: dict[str, Any] = {}
    for kind, interval in (
        ("plain", conformal_interval),
        ("adaptive", adaptive_interval),
    ):
        lower, upper = interval(errors, window=window, horizon=data.horizon)
        table = pd.DataFrame(
            {
                "held": (errors >= lower) & (errors <= upper),
                "ratio": np.exp((upper - lower) / 2),
            },
            index=data.dates,
        ).iloc[scored]
        report[kind] = {
            "coverage": float(table["held"].mean()),
            "ratio": float(table["ratio"].median()),
            "by year": {
                str(year): {
                    "coverage": float(days["held"].mean()),
                    "ratio": float(days["ratio"].median()),
                }
                for year, days in table.groupby(data.dates[scored + 1].year)
            },
        }
    return report


def return_report(
    data: VolatilityData, forecasts: dict[str, np.ndarray], scored: np.ndarray
) -> dict[str, Any]:
    """Hold the next day's return from close to close against each forecast, as
    it is and scaled to squared returns.

    `loss` is that of a normal density, r²/f + ln f, which a return of 0 leaves
    finite; its differences are QLIKE's.
    """
    squared = data.returns[scored + 1] ** 2
    scaled = {
        name: return_variance(data, forecast)[scored]
        for name, forecast in forecasts.items()
    }
    losses = {
        name: squared / each + np.log(each) for name, each in scaled.items()
    }
    report = {}
    for name, forecast in forecasts.items():
        report[name] = {
            f"{what}, {how}": value
            for how, variance in (
                ("as it is", forecast[scored]),
                ("scaled", scaled[name]),
            )
            for what, value in (
                ("spread", float(np.sqrt(np.mean(squared / variance)))),
                ("beyond 1.96", float(np.mean(squared / variance > 1.96**2))),
            )
        }
        report[name]["loss"] = float(losses[name].mean())
        if name != "GJR-t":
            report[name]["dm_p, GJR-t"] = diebold_mariano(
                losses[name], losses["GJR-t"]
            ).p_value
    return report


def unfiltered(
    data: VolatilityData, folds: list[Fold], scored: np.ndarray
) -> dict[str, Any]:
    """Score the linear models that may leave the range of their training
    targets."""
    report = {}
    for name, columns in (
        ("LHAR", LHAR),
        ("linear, all features", tuple(data.features.columns)),
    ):
        free = partial(log_linear, columns=columns, within_range=False)
        forecast = forecast_folds(data, free, folds)[scored]
        truth = data.target[scored]
        report[name] = {
            "qlike": float(qlike(truth, forecast).mean()),
            "mse": float(np.mean((1e4 * (truth - forecast)) ** 2)),
        }
    return report


def run_case(
    prices: pd.DataFrame,
    horizon: int,
    target: str,
    networks: dict[str, dict[str, Any]],
    trees: dict[str, Any],
    first_test: str = "2007-01-01",
    seeds: range = SEEDS,
) -> dict[str, Any]:
    """Forecast with every model and test every pair."""
    data = volatility.make_volatility_data(
        prices, horizon, TARGETS[target](prices)
    )
    folds = scored_folds(data, first_test)
    plain = LINEAR | {TREES: partial(tree_correction, **trees)}
    forecasts = {
        name: forecast_folds(data, model, folds)
        for name, model in plain.items()
    }
    late = {
        name: forecast_folds(data, model, folds, FOLD)
        for name, model in plain.items()
    }
    singles, seconds = {}, {}
    for name, settings in networks.items():
        started = time.process_time()
        (*singles[name], forecasts[name]), late[name] = network_forecasts(
            data, folds, seeds, **settings
        )
        seconds[name] = time.process_time() - started
        print(f"{name}: {seconds[name]:.0f} s", flush=True)
    scored = np.concatenate([fold.test for fold in folds[1:]])
    truth = data.target[scored]
    losses, late_losses = (
        pd.DataFrame(
            {name: qlike(truth, f[scored]) for name, f in each.items()}
        )
        for each in (forecasts, late)
    )
    report = {
        "days": len(scored),
        "qlike": {
            WHOLE: losses.mean().to_dict(),
            LATE: late_losses.mean().to_dict(),
        },
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
            name: {
                str(seed): float(np.mean(qlike(truth, each[scored])))
                for seed, each in zip(seeds, runs, strict=True)
            }
            for name, runs in singles.items()
        },
        "dm": {
            WHOLE: compare(losses, horizon),
            LATE: compare(late_losses, horizon),
        },
        "confidence_set": confidence_set(losses),
        "calibration": {
            name: mincer_zarnowitz(
                truth, forecasts[name][scored], horizon
            )._asdict()
            for name in forecasts
        },
        "intervals": {
            name: interval_report(data, forecasts[name], scored)
            for name in ("HAR", "LHAR", *networks)
        },
        "without filter": unfiltered(data, folds, scored),
        "cpu_seconds": seconds,
    }
    if horizon == 1:
        report["returns"] = return_report(data, forecasts, scored)
        blocks = losses.groupby(np.arange(len(losses)) // BLOCK).mean()
        report["blocks"] = {
            "begin": [f"{day:%Y-%m-%d}" for day in data.dates[scored[::BLOCK]]],
            "qlike": {
                name: [round(float(each), 4) for each in blocks[name]]
                for name in blocks
            },
        }
    return report


def cases() -> dict[str, tuple[str, int, str]]:
    """Name every case: index, days ahead, measure."""
    kinds = (
        (1, "Garman–Klass"),
        (5, "Garman–Klass"),
        (22, "Garman–Klass"),
        (1, "Parkinson"),
    )
    return {
        f"{index} {horizon} {target}": (index, horizon, target)
        for horizon, target in kinds
        for index in INDICES
    }


def main() -> None:
    """Run the cases that the recording does not hold yet, or not with every
    network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--tune", nargs="*", choices=[*NETWORKS, TREES], help="tune, and stop"
    )
    parser.add_argument(
        "--cases", nargs="+", default=list(cases()), choices=list(cases())
    )
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", PriceWarning)
    if arguments.tune is not None:
        tune(arguments.tune or [*NETWORKS, TREES])
        return
    networks = {
        name: settings | best(name) for name, settings in NETWORKS.items()
    }
    for key in arguments.cases:
        held = recorded(NAME).get(key, {}).get("single_seeds", {})
        if networks.keys() - held.keys():
            index, horizon, target = cases()[key]
            prices = load_prices(index)
            case = run_case(prices, horizon, target, networks, best(TREES))
            print(key, case["qlike"][WHOLE], flush=True)
            # Read again, for another process may have recorded meanwhile.
            record(NAME, recorded(NAME) | {key: case})


if __name__ == "__main__":
    main()
