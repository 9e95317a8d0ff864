"""Small cases of the stock chapter's benchmarks, and what their recordings
must hold."""

import json

import numpy as np
import pandas as pd
import pytest

from benchmarks import direction, leaks, stock_tutorial, volatility
from benchmarks.record import RESULTS
from utils.data import load_prices
from utils.forecasting import (
    TUNED,
    forecast_folds,
    har,
    lhar,
    make_volatility_data,
    persistence_court,
    qlike,
    walk_forward,
)


def recorded(name):
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))[
        "results"
    ]


@pytest.fixture(scope="module")
def sp500():
    return load_prices("sp500")


def test_the_tutorial_runs_in_both_frameworks_and_starts_over_from_its_seed(
    sp500,
):
    prices = sp500["close"].to_numpy()[:160]
    for run in (stock_tutorial.keras_run, stock_tutorial.torch_run):
        small = {"units": 3} if run is stock_tutorial.keras_run else {}
        first, again = (
            run(prices, 4, (1, 2), lookback=10, **small) for _ in range(2)
        )
        assert list(first["epochs"]) == ["1", "2"]
        assert first["epochs"] == again["epochs"]
        assert len(first["forecast"].split()) == 30


def test_the_tutorials_recording_is_what_the_court_says_of_it(sp500):
    prices = sp500["close"].to_numpy()
    record = recorded("stock_tutorial")
    assert record["persistence"] == pytest.approx(
        stock_tutorial.persistence(prices)
    )
    for system in ("keras", "pytorch"):
        for run in record[system].values():
            forecast = np.array(run["forecast"].split(), dtype=float)
            days = len(forecast)
            verdict = persistence_court(
                prices[-days:], forecast, prices[-days - 1 : -1]
            )
            assert verdict.rmse == pytest.approx(
                run["epochs"]["50"]["rmse"], rel=1e-3
            )
            assert verdict.best_lag == run["epochs"]["50"]["best_lag"]
            assert all(score["skill"] < 0 for score in run["epochs"].values())


def test_each_leak_runs_with_and_without(sp500):
    report = leaks.one_seed(sp500["close"].to_numpy()[:400], seed=0, epochs=3)
    pairs = {name: each for name, each in report.items() if "clean" in each}
    assert list(pairs) == [
        "scaler",
        "test as validation",
        "shuffle",
        "bidirectional",
    ]
    assert np.isfinite([list(pair.values()) for pair in pairs.values()]).all()
    assert (
        report["test as validation"]["leaking"]
        <= report["test as validation"]["clean"]
    )


def test_the_recorded_leaks_are_scored_on_their_own_days(sp500):
    prices = sp500["close"].to_numpy()
    days = len(prices) - leaks.WINDOW
    step = np.diff(prices)[-(days - int(0.8 * days)) :]
    for run in recorded("leaks").values():
        naive = run["days of clean"]["persistence"]
        assert naive == pytest.approx(np.sqrt(np.mean(step**2)))
        assert run["days of shuffle"]["persistence"] < 0.9 * naive


def test_direction_runs_a_fold(sp500):
    report = direction.run_case(
        sp500["close"]["2014":],
        train_size=500,
        first_test="2017-06-01",
        seeds=range(1),
    )
    assert report["direction"]["always up"]["accuracy"] == pytest.approx(
        report["up_rate"]
    )
    assert report["direction"]["always up"]["p_always_up"] == pytest.approx(1)
    assert set(report["sharpe"]["AR(1)"]) == {"0", "1", "2", "5", "10"}
    found = report["direction"]["AR(1)"]
    gain = found["right where up is wrong"] - found["wrong where up is right"]
    assert found["accuracy"] - report["up_rate"] == pytest.approx(
        gain / report["days"]
    )
    gap = report["sharpe beside the index"]["AR(1)"]["5"]
    assert gap["low"] < gap["gap"] < gap["high"]


def test_volatility_runs_a_case(sp500):
    pair = {
        name: volatility.NETWORKS[name] | {"epochs": 1}
        for name in ("MLP correction", "LSTM correction")
    }
    report = volatility.run_case(
        sp500["2011":],
        1,
        "Parkinson",
        pair,
        {"rounds": 3},
        first_test="2016-12-01",
        seeds=range(1),
    )
    assert report["days"] == len(sp500["2016-12-01":])
    dm = report["dm"][volatility.LATE]
    assert dm["HAR"]["LHAR"]["statistic"] == pytest.approx(
        -dm["LHAR"]["HAR"]["statistic"]
    )
    assert set(report["intervals"]["HAR"]["plain"]["by year"]) == {
        "2016",
        "2017",
        "2018",
    }
    assert max(report["confidence_set"].values()) == 1
    blocks = report["blocks"]["qlike"]["HAR"]
    assert len(blocks) == -(-report["days"] // volatility.BLOCK)


def test_settings_were_chosen_on_the_days_before_those_scored(sp500):
    data = make_volatility_data(sp500)
    folds = volatility.scored_folds(data, "2003-01-01", 3)[1:]
    last = data.dates[folds[-1].test[-1] + 1]
    assert last < pd.Timestamp("2007-01-05")
    for name in (*volatility.NETWORKS, volatility.TREES):
        tried = recorded("volatility_tuning")[name]
        assert set(tried) == set(volatility.grid(name))
        losses = {key: each["qlike"] for key, each in tried.items()}
        best = volatility.best(name).items()
        assert best <= tried[min(losses, key=losses.get)].items()


def test_the_books_networks_and_the_commands_are_the_tuned_ones():
    names = zip(TUNED, volatility.NETWORKS, strict=True)
    for kind, name in names:
        chosen = {"days": 1} | volatility.NETWORKS[name] | volatility.best(name)
        assert chosen == TUNED[kind]


@pytest.mark.parametrize("model", [har, lhar])
def test_volatilitys_recording_is_reproduced(sp500, model):
    data = make_volatility_data(sp500)
    first = int(data.dates.searchsorted(pd.Timestamp("2007-01-01"))) - 1
    folds = list(walk_forward(data.known, first, volatility.FOLD))
    forecast = forecast_folds(data, model, folds)[first : data.known]
    case = recorded("volatility")["sp500 1 Garman–Klass"]
    assert len(forecast) == case["days"]
    assert qlike(
        data.target[first : data.known], forecast
    ).mean() == pytest.approx(
        case["qlike"][volatility.WHOLE][model.__name__.upper()], rel=1e-6
    )
