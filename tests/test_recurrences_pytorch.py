"""The PyTorch recurrences equal NumPy's, look at no later step, and learn."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize, silu, softplus

from utils.recurrences import diagonal, matrix_state, minimal, selective
from utils.recurrences.pytorch import (
    LAYERS,
    LRU,
    CausalAttention,
    DeltaRule,
    LinearAttention,
    MinGRU,
    MinLSTM,
    SelectiveScan,
    SequenceClassifier,
    delta_rule,
    equal_width,
    join_heads,
    linear_attention,
    rotate,
    split_heads,
)
from utils.scratch.scan import linear_scan
from utils.training import fit

# Longer than a chunk of the delta rule, and no multiple of one.
TIME, WIDTH = 150, 8


@pytest.fixture(autouse=True)
def double():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def x():
    return torch.randn(3, TIME, WIDTH)


def array(tensor):
    return tensor.detach().numpy()


def stacked(*linears):
    """Return one NumPy matrix and bias of several linear layers."""
    W = torch.cat([each.weight for each in linears]).T
    return array(W), array(torch.cat([each.bias for each in linears]))


def assert_equal(ours, theirs):
    np.testing.assert_allclose(array(ours), theirs, rtol=0, atol=1e-12)


def test_min_gru_equals_numpy(x):
    layer = MinGRU(WIDTH)
    a, b = minimal.min_gru(array(x), *stacked(layer.gate, layer.candidate))
    assert_equal(layer(x), linear_scan(a, b))


def test_min_lstm_equals_numpy(x):
    layer = MinLSTM(WIDTH)
    W, bias = stacked(layer.forget, layer.input, layer.candidate)
    a, b = minimal.min_lstm(array(x), W, bias)
    assert_equal(layer(x), linear_scan(a, b))


def test_lru_at_first_equals_numpy_and_a_skip(x):
    layer = LRU(WIDTH)
    y = diagonal.lru(
        array(x),
        array(layer.nu),
        array(layer.theta),
        array(torch.complex(*layer.B)).T,
        array(torch.complex(*layer.C)).T,
    )
    assert_equal(layer(x), y + array(layer.d * x))


def test_selective_scan_equals_numpy(x):
    layer = SelectiveScan(WIDTH, state_size=5)
    low, B, C = layer.select(x).split(layer.sizes, dim=-1)
    y = selective.selective_scan(
        array(x),
        array(softplus(layer.step(low))),
        -array(layer.log_A.exp()),
        array(B),
        array(C),
        array(layer.d),
    )
    assert_equal(layer(x), y)


@pytest.mark.parametrize("largest", [1.0, 2.0])
def test_delta_rule_in_chunks_equals_numpy(largest):
    q, k, v = torch.randn(3, 2, 3, TIME, 6)
    k = normalize(k, dim=-1)
    beta = largest * torch.rand(2, 3, TIME)
    ours = delta_rule(q, k, v, beta)
    for head in range(3):
        one = (array(part[:, head]) for part in (q, k, v, beta))
        assert_equal(ours[:, head], matrix_state.delta_rule(*one))


def test_linear_attention_equals_numpy_over_its_sum_of_weights():
    q, k, v = torch.rand(3, 2, 3, TIME, 6)
    ours = linear_attention(q, k, v)
    for head in range(3):
        qs, ks, vs = (array(part[:, head]) for part in (q, k, v))
        sums = matrix_state.linear_attention(qs, ks, np.ones_like(vs))
        assert_equal(
            ours[:, head], matrix_state.linear_attention(qs, ks, vs) / sums
        )


def test_linear_attention_averages_with_positive_weights(x):
    layer = LinearAttention(WIDTH)
    with torch.no_grad():
        layer.project.weight[2 * WIDTH :] = 0.0
        layer.project.weight[2 * WIDTH :, 0] = 1.0
        layer.out.weight.copy_(torch.eye(WIDTH))
    # All values equal x[..., 0]: an average lies between their extremes.
    value = x[..., 0]
    assert (layer(x) <= value.cummax(1).values[..., None] + 1e-12).all()
    assert (layer(x) >= value.cummin(1).values[..., None] - 1e-12).all()


@pytest.mark.parametrize("negative", [False, True])
def test_the_delta_rules_eigenvalue_lies_in_its_range(x, negative):
    layer = DeltaRule(WIDTH, negative=negative)
    with torch.no_grad():
        layer.beta.weight *= 50
    q, k, v = (
        split_heads(part, layer.heads)
        for part in layer.project(x).chunk(3, dim=-1)
    )
    q, k = normalize(silu(q), dim=-1), normalize(silu(k), dim=-1)
    largest = 2 if negative else 1
    beta = largest * torch.sigmoid(layer.beta(x)).mT
    eigenvalues = 1 - beta * (k * k).sum(-1)
    assert (eigenvalues.min() < -0.5) == negative
    assert eigenvalues.min() > 1 - largest - 1e-12
    expected = layer.out(join_heads(delta_rule(q, k, v, beta)))
    torch.testing.assert_close(layer(x), expected)


def test_attention_is_the_softmax_of_rotated_products(x):
    layer = CausalAttention(WIDTH, heads=2)
    q, k, v = (split_heads(p, 2) for p in layer.project(x).chunk(3, dim=-1))
    scores = rotate(q) @ rotate(k).mT / math.sqrt(WIDTH // 2)
    later = torch.ones(TIME, TIME, dtype=torch.bool).triu(1)
    weights = scores.masked_fill(later, -torch.inf).softmax(-1)
    expected = layer.out((weights @ v).transpose(1, 2).flatten(2))
    torch.testing.assert_close(layer(x), expected)


def test_rotated_products_depend_on_the_distance_alone():
    q, k = torch.randn(2, 1, 1, 1, WIDTH).expand(2, 1, 1, 20, WIDTH)
    products = (rotate(q) @ rotate(k).mT)[0, 0]
    for distance in range(-5, 6):
        same = products.diagonal(distance)
        torch.testing.assert_close(same, same[:1].expand_as(same))
    assert products.std() > 0.01


@pytest.mark.parametrize("name", LAYERS)
def test_a_later_step_changes_no_earlier_output(name, x):
    layer = LAYERS[name](WIDTH)
    changed = x.clone()
    changed[:, 100:] += 1
    before, after = layer(x), layer(changed)
    torch.testing.assert_close(before[:, :100], after[:, :100])
    assert (before[:, 100:] - after[:, 100:]).abs().max() > 1e-3


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_equal_finite_differences(name):
    layer = LAYERS[name](4)
    parameters = dict(layer.named_parameters())

    def run(x, *values):
        named = dict(zip(parameters, values, strict=True))
        return torch.func.functional_call(layer, named, (x,))

    x = torch.randn(2, 5, 4, requires_grad=True)
    assert torch.autograd.gradcheck(run, (x, *parameters.values()))


@pytest.mark.parametrize("name", LAYERS)
def test_fit_trains_every_classifier_to_tell_the_symbol_before(name):
    torch.set_default_dtype(torch.float32)
    model = SequenceClassifier(LAYERS[name], 3, 16, 3)
    rows = torch.randint(3, (40, 16, 8))
    history = fit(
        model,
        [(nn.functional.one_hot(row, 3).float(), row) for row in rows],
        loss=lambda logits, symbols: cross_entropy(
            logits[:, 1:].flatten(0, 1), symbols[:, :-1].flatten()
        ),
        optimizer=torch.optim.Adam(model.parameters(), 0.01),
        epochs=3,
    )
    # log 3 = 1.1 is the loss of a guess, and of a layer that forgets.
    assert history.rows[-1]["train_loss"] < 0.9


def test_equal_width_is_the_closest():
    layer = partial(DeltaRule, heads=4)
    width = equal_width(layer, 5, 5, 2, 6000)

    def distance(width):
        model = SequenceClassifier(layer, 5, width, 5, 2)
        return abs(sum(p.numel() for p in model.parameters()) - 6000)

    assert distance(width) == min(distance(w) for w in range(8, 65, 4))


def test_every_layer_adds_to_what_it_reads():
    model = SequenceClassifier(MinGRU, 3, WIDTH, 2, num_layers=2)
    with torch.no_grad():
        for block in model.blocks:
            block.mix[1].candidate.weight.zero_()
            block.mix[1].candidate.bias.zero_()
            block.think[3].weight.zero_()
            block.think[3].bias.zero_()
    x = torch.randn(2, 7, 3)
    torch.testing.assert_close(model(x), model.head(model.embed(x)))
