"""A small case of the digit and sunspot benchmarks, and what they recorded."""

import pytest
from torch import nn

from benchmarks import digits, sunspots
from utils.data.samples import load_digit_rows, sunspot_windows
from utils.notebook import load_results


@pytest.fixture(scope="module")
def digit_parts():
    return load_digit_rows()


def test_recorded_digit_baselines_repeat(digit_parts):
    recorded = load_results("digits")["results"]
    assert recorded["test_digits"] == len(digit_parts[1].y)
    assert digits.baselines(*digit_parts) == pytest.approx(
        recorded["baselines"], abs=0.006
    )


def test_a_short_run_on_digits_learns(digit_parts):
    assert digits.torch_accuracy(nn.GRU, 0, *digit_parts, epochs=3) > 0.5


def test_digit_runs_are_complete():
    accuracy = load_results("digits")["results"]["accuracy"]
    assert {name: len(scores) for name, scores in accuracy.items()} == {
        f"{framework} {kind}": 5
        for framework in ("PyTorch", "Keras")
        for kind in ("LSTM", "GRU")
    }


def test_recorded_sunspot_baselines_repeat():
    recorded = load_results("sunspots")["results"]
    assert sunspots.baselines(sunspot_windows()) == pytest.approx(
        recorded["baselines"], rel=1e-3
    )


def test_a_short_run_on_sunspots_beats_repetition():
    data = sunspot_windows()
    error = sunspots.torch_rmse(nn.GRU, 0, data, epochs=25)
    assert error < sunspots.baselines(data)["last year's value"]


def test_sunspot_runs_are_complete():
    errors = load_results("sunspots")["results"]["rmse"]
    assert {name: len(each) for name, each in errors.items()} == {
        "PyTorch GRU": 5,
        "PyTorch GRU, Keras's initial weights": 5,
        "PyTorch LSTM": 5,
        "Keras GRU": 5,
    }
