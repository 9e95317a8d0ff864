"""The gradient that the page measures is the one NumPy measures."""

import json

import numpy as np
import pytest
from javascript import evaluator

from utils.labs import vanishing_lab
from utils.labs.vanishing import VANISHING, reach, setting
from utils.scratch import RNN


@pytest.fixture(scope="module")
def run():
    """Evaluate an expression of the page."""
    return evaluator(VANISHING)


def given():
    """Write what the lab hands its script, as JavaScript."""
    lab = vanishing_lab().html
    start = lab.index('{"Q":')
    data = json.loads(lab[start : lab.index(";\n", start)])
    values = json.dumps({"Q": data["Q"], "v": data["v"]})
    size = len(data["v"])
    arguments = f'"{data["bits"]}", {data["count"]}, {data["time"]}, {size}'
    return values, f"vanishing.inputs({arguments})"


@pytest.mark.parametrize("strength", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("radius", [0.1, 0.7, 1.0, 2.0])
def test_the_page_measures_what_numpy_does(radius, strength, run):
    values, inputs = given()
    call = f"{{...{values}, x: {inputs}}}, {radius}, {strength}"
    shown = run(f"vanishing.reach({call})")
    norms, chi = reach(radius, strength)
    np.testing.assert_allclose(shown["norms"], norms, rtol=1e-9)
    assert shown["chi"] == pytest.approx(chi, rel=1e-12)


def test_the_page_reads_the_inputs(run):
    assert np.array_equal(run(given()[1]), setting()[2])


def test_a_small_radius_vanishes_within_its_bound_and_a_large_one_grows():
    lags = np.arange(41)
    norms, chi = reach(0.7, 0.5)
    assert (norms[1:] < 0.7 ** lags[1:] * 1.6).all()
    assert chi < 0.7
    assert reach(0.7, 0.5)[0][40] < 1e-6
    assert reach(1.8, 0.1)[0][40] > 10
    # Strong inputs flatten the tanh: the same radius then vanishes.
    assert reach(1.8, 2.0)[0][40] < 1e-3


def test_the_norms_are_central_differences():
    Q, v, x = setting()
    layer = RNN(16, 16)
    layer.params |= {"W_x": np.eye(16) * 0.5, "W_h": Q * 0.9, "b": np.zeros(16)}
    steps = x.copy()
    gradient = np.empty((4, 16, 2))
    for place, lag in enumerate((0, 3)):
        for unit in range(16):
            ends = []
            for move in (1e-6, -1e-6):
                steps[:, -1 - lag, unit] = x[:, -1 - lag, unit] + move
                ends.append(layer.forward(steps)[1] @ v)
                steps[:, -1 - lag, unit] = x[:, -1 - lag, unit]
            gradient[:, unit, place] = (ends[0] - ends[1]) / 2e-6
    measured = np.linalg.norm(gradient, axis=1).mean(axis=0)
    norms, _ = reach(0.9, 0.5)
    assert norms[3] == pytest.approx(measured[1] / measured[0], rel=1e-6)
