import numpy as np
import pytest

from utils.data.batches import mask_from_lengths, pad
from utils.length.padding import (
    POOLINGS,
    invariance_matrix,
    pool_final_states,
    pool_last,
    pool_max,
    pool_mean,
    run_layer,
)
from utils.scratch import GRU, LSTM, RNN, Bidirectional


def test_poolings_read_the_marked_steps_alone():
    outputs = np.array([[[1.0, 5.0], [3.0, 4.0], [-9.0, 99.0]]])
    right = np.array([[True, True, False]])
    assert pool_last(outputs, right).tolist() == [[3, 4]]
    assert pool_mean(outputs, right).tolist() == [[2, 4.5]]
    assert pool_max(outputs, right).tolist() == [[3, 5]]
    assert pool_final_states(outputs, right).tolist() == [[3, 5]]
    left = np.array([[False, True, True]])
    assert pool_last(outputs, left).tolist() == [[-9, 99]]
    assert pool_final_states(outputs, left).tolist() == [[-9, 4]]


@pytest.mark.parametrize("cell", [RNN, LSTM, GRU])
def test_final_states_are_the_layers_own(cell):
    layer = Bidirectional(cell(3, 4, rng=1), cell(3, 4, rng=2))
    x, lengths = pad(
        [np.random.default_rng(n).normal(size=(n, 3)) for n in (2, 5, 4)]
    )
    outputs, states = layer.forward(x, lengths=lengths)
    if cell is LSTM:
        states = tuple(h for h, _ in states)
    pooled = pool_final_states(outputs, mask_from_lengths(lengths, 5))
    assert np.allclose(pooled, np.concatenate(states, axis=1))


def test_frameworks_agree_told_and_untold():
    layer = Bidirectional(GRU(3, 4, rng=1), GRU(3, 4, rng=2))
    x, lengths = pad(
        [np.random.default_rng(n).normal(size=(n, 3)) for n in (2, 5, 4)]
    )
    mask = mask_from_lengths(lengths, 5)
    for given in (None, mask):
        ours = run_layer("NumPy", layer, x, given)
        for framework in ("PyTorch", "Keras"):
            theirs = run_layer(framework, layer, x, given)
            assert np.abs((theirs - ours)[mask]).max() < 1e-6


def test_matrix_finds_the_right_habits_and_the_wrong_ones():
    layers = {"GRU": Bidirectional(GRU(3, 4, rng=1), GRU(3, 4, rng=2))}
    matrix = invariance_matrix(layers)
    assert len(matrix) == 3 * len(POOLINGS) * 2 * 3
    right = matrix.query(
        "`mask known to` == 'layer and pooling' and "
        "(padding == 'right' or framework == 'Keras')"
    )
    assert right["change"].max() < 1e-6
    assert matrix.drop(right.index)["change"].min() > 1e-3


def test_matrix_takes_other_poolings_and_layers_of_one_direction():
    first = {
        "first": lambda outputs, mask: outputs[
            np.arange(len(mask)), mask.argmax(axis=1)
        ]
    }
    matrix = invariance_matrix({"RNN": RNN(2, 3)}, first, frameworks=("NumPy",))
    changes = matrix.set_index(["padding", "mask known to"])["change"]
    assert changes["right", "nobody"] == 0
    assert changes["left", "pooling"] > 1e-3
