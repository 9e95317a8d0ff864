"""The gradient by lag is that of central differences, and decays as theory
says."""

import numpy as np
import pytest

from utils.scratch import GRU, LSTM, RNN
from utils.scratch.gradcheck import numerical_gradient
from utils.scratch.reach import gradient_by_lag, half_life, orthogonal


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
def test_it_is_the_gradient_of_the_last_output(kind):
    layer, x = (
        kind(2, 3, rng=1),
        np.random.default_rng(2).normal(size=(1, 5, 2)),
    )
    weights = np.random.default_rng(0).normal(size=(1, 3))
    gradient = numerical_gradient(
        lambda: float((layer.forward(x)[0][:, -1] * weights).sum()), x
    )
    norms = np.linalg.norm(gradient[0], axis=1)[::-1]
    np.testing.assert_allclose(
        gradient_by_lag(layer, x), norms / norms[0], rtol=1e-6
    )


@pytest.mark.parametrize("bias", [0.0, 1.0, 3.0])
def test_the_cell_path_decays_by_the_forget_gate(bias):
    layer = LSTM(1, 4)
    layer.params["W_h"][...] = 0
    layer.params["b"][4:8] = bias
    norms = gradient_by_lag(layer, np.zeros((1, 600, 1)))
    np.testing.assert_allclose(
        norms[2:20] / norms[1:19], 1 / (1 + np.exp(-bias)), rtol=1e-9
    )


def test_half_life_of_a_geometric_decay():
    assert half_life(0.5 ** (np.arange(100) / 7)) == pytest.approx(7)
    assert half_life(0.5 ** (-np.arange(100) / 7)) == pytest.approx(-7)


def test_an_orthogonal_matrix_keeps_lengths():
    Q = orthogonal(12, rng=3)
    np.testing.assert_allclose(Q.T @ Q, np.eye(12), atol=1e-12)
    assert not np.allclose(Q, orthogonal(12, rng=4))
