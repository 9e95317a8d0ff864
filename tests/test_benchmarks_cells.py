"""A small case of `benchmarks/cells.py`: every way computes the same before
it is timed."""

import numpy as np
import pytest
import torch

from benchmarks import cells
from utils.scratch import relative_error
from utils.weights import to_torch

SMALL = (3, 5, 4, 6)


def arguments(dtype):
    batch, length, inputs, hidden = SMALL
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, length, inputs)).astype(dtype)
    return x, rng.normal(size=(batch, length, hidden)).astype(dtype)


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
    result = cells.compare_layers("GRU", dtype, SMALL, rounds=2)
    taken = result["milliseconds"]
    assert taken.keys() == {cells.OURS, "PyTorch", cells.PEAK}
    assert all(len(each) == 2 and min(each) > 0 for each in taken.values())
    # Three gates' products of 10 by 6 weights, 15 rows; once and twice.
    assert result["operations"] == 6 * 3 * 6 * 10 * 15


def test_rows_of_unequal_length_are_compared():
    ragged = cells.compare_ragged("one long row", (4, 3, 5), rounds=2)
    assert 0.5 < ragged["padding share"] < 1
    assert ragged["milliseconds"].keys() == {
        cells.OURS,
        "PyTorch, packed",
        "PyTorch, padded",
    }


def test_every_run_has_a_name_of_its_own():
    layers = len(cells.KINDS) * 2 * len(cells.SIZES)
    assert len(cells.runs()) == layers + len(cells.RAGGED)
