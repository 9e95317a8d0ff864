"""Self-attention in NumPy: its gradient, its heads, its mask, its places."""

import numpy as np
import pytest
import torch
from torch import nn

from utils.attention.scratch import MultiHeadSelfAttention, positions
from utils.scratch import numerical_gradient, relative_error

CAUSAL = np.tril(np.ones((1, 5, 5), dtype=bool))


@pytest.fixture
def layer():
    return MultiHeadSelfAttention(8, 2, rng=1)


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(2, 5, 8))


@pytest.mark.parametrize("mask", [None, CAUSAL])
def test_gradients_agree_with_differences(layer, x, mask):
    wanted = np.random.default_rng(2).normal(size=x.shape)

    def loss():
        return float((layer.forward(x, mask)[0] * wanted).sum())

    loss()
    grads = layer.backward(wanted)
    assert relative_error(grads.x, numerical_gradient(loss, x)) < 1e-7
    for name, array in layer.params.items():
        numerical = numerical_gradient(loss, array)
        assert relative_error(grads.params[name], numerical) < 1e-7


def test_it_is_pytorch_s_layer(layer, x):
    theirs = nn.MultiheadAttention(8, 2, bias=False, batch_first=True).double()
    stacked = [layer.params[n].T for n in ("query", "key", "value")]
    theirs.in_proj_weight.data = torch.from_numpy(np.concatenate(stacked))
    theirs.out_proj.weight.data = torch.from_numpy(layer.params["output"].T)
    rows = torch.from_numpy(x)
    hidden = torch.from_numpy(~CAUSAL[0])
    found, weights = theirs(
        rows, rows, rows, attn_mask=hidden, average_attn_weights=False
    )
    outputs, ours = layer.forward(x, CAUSAL)
    np.testing.assert_allclose(found.detach().numpy(), outputs, atol=1e-12)
    np.testing.assert_allclose(weights.detach().numpy(), ours, atol=1e-12)


def test_the_causal_mask_hides_what_follows(layer, x):
    before, _ = layer.forward(x, CAUSAL)
    x[:, 3:] += 1
    after, _ = layer.forward(x, CAUSAL)
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    assert np.abs(before[:, 3:] - after[:, 3:]).max() > 0.01


def test_places_are_told_apart():
    places = positions(50, 8)
    assert places.shape == (50, 8)
    np.testing.assert_allclose(places[3, :2], [np.sin(3), np.cos(3)])
    distances = np.abs(places[:, None] - places).max(axis=2)
    assert distances[~np.eye(50, dtype=bool)].min() > 1e-2


def test_what_cannot_be_is_refused(layer, x):
    with pytest.raises(ValueError, match="3 heads"):
        MultiHeadSelfAttention(8, 3)
    with pytest.raises(ValueError, match="nothing to look at"):
        layer.forward(x, np.zeros((1, 5, 5), dtype=bool))
