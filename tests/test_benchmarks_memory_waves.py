"""Forecasts of waves without a network, and the small trials of chapter 04."""

import numpy as np
import pytest

from benchmarks import memory_rates, memory_waves
from benchmarks.memory import SINES
from utils.data.signals import make_sines
from utils.forecasting.waves import (
    adaptive_errors,
    shared_coefficients,
    sinusoid_forecast,
    windows,
)


def test_windows_are_followed_by_what_comes_next():
    past, following = windows(np.arange(12.0).reshape(2, 6), 4)
    assert past[1, 1].tolist() == [7, 8, 9, 10]
    assert following[1].tolist() == [10, 11]


def test_shared_coefficients_find_the_recurrence_of_a_sine():
    rows = make_sines(5, 60, rng=0, periods=(20.0, 20.0))
    expected = [-1, 2 * np.cos(2 * np.pi / 20)]
    np.testing.assert_allclose(shared_coefficients(rows, 2), expected)


def test_adaptive_errors_are_those_of_ridge_regression_on_the_past():
    rows = np.random.default_rng(0).normal(size=(3, 20))
    start, ridge, t = np.array([0.2, -0.1, 0.4]), 2.0, 12
    errors = adaptive_errors(rows, start, ridge, first=t)
    past, following = windows(rows[:, :t], 3)
    for row in range(3):
        x, y = past[row], following[row] - past[row] @ start
        own = np.linalg.solve(x.T @ x + ridge * np.eye(3), x.T @ y)
        forecast = rows[row, t - 3 : t] @ (start + own)
        assert errors[row, 0] == pytest.approx(rows[row, t] - forecast)
    assert errors.shape == (3, 20 - t)


def test_adapting_needs_a_window():
    with pytest.raises(ValueError, match="first window ends at 3"):
        adaptive_errors(np.zeros((1, 9)), np.zeros(3), 1.0, first=2)


def test_two_sinusoids_are_found_where_the_grid_has_them():
    rows = make_sines(4, 61, rng=0, periods=(20.0, 20.0), noise=0.01)
    rows += make_sines(4, 61, rng=1, periods=(12.5, 12.5), noise=0.01)
    grid = np.array([0.03, 0.05, 0.08, 0.1])
    forecast = sinusoid_forecast(rows[:, :60], grid, noise=0.02)
    np.testing.assert_allclose(forecast, rows[:, 60], atol=0.05)
    without = sinusoid_forecast(rows[:, :60], grid[[0, 3]], noise=0.02)
    assert np.abs(without - rows[:, 60]).max() > 0.2


def test_no_seed_of_the_waves_was_tuned_on():
    assert set(memory_waves.SEEDS).isdisjoint(memory_waves.TUNING_SEEDS)
    assert (memory_waves.ORDER, memory_waves.RIDGE) in [
        (order, ridge)
        for order in memory_waves.ORDERS
        for ridge in memory_waves.RIDGES
    ]


def test_every_forecast_is_scored_at_the_same_steps(monkeypatch):
    monkeypatch.setattr(memory_waves, "SHARED_ORDERS", (2,))
    monkeypatch.setattr(memory_waves, "ORDER", 4)
    monkeypatch.setattr(
        memory_waves,
        "drawn",
        lambda seed: (
            make_sines(50, 101, rng=seed, **SINES),
            np.tile(np.arange(101.0) >= 51, (6, 1)).astype(float),
        ),
    )
    monkeypatch.setattr(memory_waves, "sinusoids", lambda seed: 0.0)
    found = memory_waves.errors(0)
    # A step at the first scored place: the last value is wrong once in fifty.
    assert found["last value"] == pytest.approx(1 / 50)


def test_the_table_of_rates_is_complete_and_a_run_repeats_itself(monkeypatch):
    assert len(memory_rates.runs()) == 6 * 3 * 5
    short = memory_rates.dataclasses.replace(memory_rates.TASK, steps=50)
    monkeypatch.setattr(memory_rates, "TASK", short)
    first, again = (memory_rates.measure("GRU", 0.01, 0) for _ in range(2))
    assert first == again
    assert len(first["losses"]) == 1
