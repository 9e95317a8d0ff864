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
    assert set(report) == {
        "scaler",
        "test as validation",
        "shuffle",
        "bidirectional",
    }
    assert np.isfinite([list(pair.values()) for pair in report.values()]).all()
    assert (
        report["test as validation"]["leaking"]
        <= report["test as validation"]["clean"]
    )


def test_direction_runs_a_fold(sp500):
    report = direction.run_case(
        sp500["close"]["2014":],
        train_size=500,
        first_test="2017-06-01",
        seeds=1,
    )
    assert report["direction"]["always up"]["accuracy"] == pytest.approx(
        report["up_rate"]
    )
    assert report["direction"]["always up"]["p_up_rate"] == pytest.approx(1)
    assert set(report["sharpe"]["AR(1)"]) == {"0", "1", "2", "5", "10"}


def test_volatility_runs_a_case(sp500):
    network = {"LSTM correction": volatility.RECURRENT["LSTM correction"]}
    report = volatility.run_case(
        sp500["2011":],
        1,
        "Parkinson",
        network,
        first_test="2016-12-01",
        seeds=1,
    )
    assert report["days"] == len(sp500["2016-12-01":])
    assert report["dm"]["HAR"]["LHAR"]["statistic"] == pytest.approx(
        -report["dm"]["LHAR"]["HAR"]["statistic"]
    )
    assert len(report["intervals"]["HAR"]["coverage"]) == len(
        report["qlike_per_fold"]["HAR"]
    )
    assert max(report["confidence_set"].values()) == 1


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
    ).mean() == pytest.approx(case["qlike"][model.__name__.upper()], rel=1e-6)


@pytest.mark.parametrize("index", ["sp500", "nasdaq"])
def test_the_recorded_correction_earns_what_the_chapter_claims(index):
    case = recorded("volatility")[f"{index} 1 Garman–Klass"]
    ours = case["dm"]["LSTM correction"]
    assert case["qlike"]["LSTM correction"] < 0.92 * case["qlike"]["HAR"]
    assert case["qlike"]["LSTM correction"] < case["qlike"]["GJR-t"]
    assert ours["HAR"]["statistic"] <= -3
    assert ours["GJR-t"]["statistic"] <= -3
    assert ours["LHAR"]["statistic"] < 2
    assert case["cpu_seconds"]["LSTM correction"] < 60


@pytest.mark.parametrize("index", ["sp500", "nasdaq"])
def test_the_recorded_networks_win_one_day_ahead_and_not_five(index):
    day, five_days = (
        recorded("volatility")[f"{index} {ahead} Garman–Klass"]
        for ahead in (1, 5)
    )
    kept = {
        name for name, p_value in day["confidence_set"].items() if p_value > 0.1
    }
    assert kept == set(volatility.RECURRENT)
    for name in volatility.RECURRENT:
        assert day["qlike"][name] < 0.9 * day["qlike"]["HAR"]
        assert five_days["dm"][name]["LHAR"]["p_value"] > 0.05
        rivals = volatility.RECURRENT.keys() - {name}
        assert all(day["dm"][name][rival]["p_value"] > 0.05 for rival in rivals)
