"""A small case of `benchmarks/cells.py`: every way computes the same before
it is timed."""

import numpy as np
import pytest
import torch

from benchmarks import cells
from utils.scratch import LSTM, relative_error
from utils.weights import to_torch

SMALL = (3, 5, 4, 6)


def arguments(dtype="float64"):
    batch, length, inputs, hidden = SMALL
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, length, inputs)).astype(dtype)
    return x, rng.normal(size=(batch, length, hidden)).astype(dtype)


def test_the_tutorials_way_computes_what_the_layer_does():
    x, d_outputs = arguments()
    layer = LSTM(*SMALL[2:])
    outputs, d_x, params = cells.one_gate_at_a_time(layer, x, d_outputs)
    assert relative_error(outputs, layer.forward(x)[0]) < 1e-13
    grads = layer.backward(d_outputs)
    assert relative_error(d_x, grads.x) < 1e-12
    for name, value in grads.params.items():
        assert relative_error(params[name], value) < 1e-12


@pytest.mark.parametrize("kind", cells.KINDS)
def test_the_other_ways_compute_what_the_layer_does(kind):
    x, d_outputs = arguments("float32")
    layer = cells.KINDS[kind](*SMALL[2:], dtype="float32")
    layer.forward(x)
    expected = layer.backward(d_outputs).x
    gradients = {}
    for name, module, run in (
        ("PyTorch", to_torch(layer), cells.both_ways_torch),
        ("cells", cells.torch_cell(layer), cells.both_ways_torch_cells),
    ):
        rows = torch.from_numpy(x.copy()).requires_grad_()
        run(module, rows, torch.from_numpy(d_outputs))
        gradients[name] = rows.grad.numpy()
    for xla in (False, True):
        gradients[f"Keras {xla}"] = cells.both_ways_keras(
            layer, x, d_outputs, xla
        )()[0].numpy()
    for name, gradient in gradients.items():
        assert relative_error(gradient, expected) < 1e-5, name


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_comparison_holds_every_way(dtype):
    result = cells.compare_layers("GRU", dtype, SMALL, rounds=2, seconds=0)
    ratios = result["forward and backward"]["ratio"]
    single = {"loop over PyTorch cells", "Keras", "Keras, XLA"}
    assert ratios.keys() == {"PyTorch"} | (
        single if dtype == "float32" else set()
    )
    assert all(ratio > 0 for ratio in ratios.values())
    assert 0 < result["share of peak"] < 1


def test_ragged_and_tutorial_comparisons_run():
    ragged = cells.compare_ragged(
        "one long row", (4, 3, 5), rounds=2, seconds=0
    )
    assert 0.5 < ragged["padding share"] < 1
    assert ragged["forward and backward"]["ratio"].keys() == {
        "PyTorch, packed",
        "PyTorch, padded",
    }
    tutorial = cells.compare_with_tutorial(SMALL, rounds=2)
    assert tutorial["forward and backward"]["rounds"] == 2


def test_every_run_has_a_name_of_its_own():
    assert len(cells.runs()) == len(cells.KINDS) * 2 * len(cells.SIZES) + len(
        cells.RAGGED
    ) + len(cells.SIZES)


def test_ratios_are_of_the_same_round():
    times = {
        cells.OURS: [1.0, 10.0, 2.0],
        "slow": [3.0, 20.0, 8.0],
        cells.PEAK: [1.0, 1.0, 1.0],
    }
    result = cells.summary(times)
    assert result["ratio"] == {"slow": 3.0}
    assert result["milliseconds"][cells.OURS] == 2000
