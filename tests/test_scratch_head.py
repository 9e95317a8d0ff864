"""The dense head, the losses, the optimisers and the gradient check against
PyTorch's own."""

import numpy as np
import pytest
import torch

from utils.scratch import (
    SGD,
    Adam,
    Dense,
    clip_global_norm,
    log_softmax,
    mean_squared_error,
    numerical_gradient,
    relative_error,
    softmax_cross_entropy,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(5, 3), (2, 4, 3)])
def test_dense_equals_pytorch(shape, bias, rng):
    layer = Dense(3, 4, bias=bias, rng=rng)
    module = torch.nn.Linear(3, 4, bias=bias, dtype=torch.float64)
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(layer.params["W"].T))
        if bias:
            module.bias.copy_(torch.from_numpy(layer.params["b"]))
    x = rng.normal(size=shape)
    rows = torch.tensor(x, requires_grad=True)
    expected = module(rows)
    d_outputs = rng.normal(size=(*shape[:-1], 4))
    expected.backward(torch.from_numpy(d_outputs))
    assert relative_error(layer.forward(x), expected.detach().numpy()) < 1e-14
    grads = layer.backward(d_outputs)
    assert relative_error(grads.x, rows.grad.numpy()) < 1e-14
    assert (
        relative_error(grads.params["W"], module.weight.grad.numpy().T) < 1e-14
    )
    assert grads.params.keys() == layer.params.keys()
    if bias:
        assert (
            relative_error(grads.params["b"], module.bias.grad.numpy()) < 1e-14
        )


def test_dense_says_what_is_wrong():
    layer = Dense(3, 4)
    with pytest.raises(RuntimeError, match="call forward first"):
        layer.backward(np.zeros((2, 4)))
    with pytest.raises(
        ValueError, match=r"x has shape \(2, 5\); its last axis must be 3"
    ):
        layer.forward(np.zeros((2, 5)))


@pytest.mark.parametrize("masked", [True, False])
def test_cross_entropy_equals_pytorch(masked, rng):
    logits = 3 * rng.normal(size=(4, 6, 5))
    targets = rng.integers(0, 5, (4, 6))
    mask = np.arange(6) < np.array([[6], [2], [1], [4]]) if masked else None
    z = torch.tensor(logits, requires_grad=True)
    goals = torch.tensor(
        targets if mask is None else np.where(mask, targets, -100)
    )
    expected = torch.nn.functional.cross_entropy(
        z.flatten(0, 1), goals.flatten()
    )
    expected.backward()
    loss, gradient = softmax_cross_entropy(logits, targets, mask)
    assert loss == pytest.approx(expected.item(), rel=1e-14)
    assert relative_error(gradient, z.grad.numpy()) < 1e-14


def test_cross_entropy_ignores_targets_of_padding(rng):
    logits = rng.normal(size=(2, 3))
    loss, gradient = softmax_cross_entropy(
        logits, np.array([1, -1]), np.array([True, False])
    )
    assert loss == pytest.approx(-log_softmax(logits)[0, 1])
    assert not gradient[1].any()


def test_log_softmax_stays_finite_where_softmax_vanishes():
    np.testing.assert_allclose(
        log_softmax(np.array([[0.0, 2000.0]])), [[-2000.0, 0.0]]
    )


@pytest.mark.usefixtures("unannotated")
@pytest.mark.parametrize(
    ("targets", "mask", "message"),
    [
        ([0, 3], None, "classes are 0 to 2"),
        ([0, -1], None, "from -1 to 0"),
        ([0], None, r"targets \(1,\)"),
        ([0, 1], [False, False], "no row counts"),
    ],
)
def test_cross_entropy_says_what_is_wrong(targets, mask, message):
    mask = None if mask is None else np.array(mask)
    with pytest.raises(ValueError, match=message):
        softmax_cross_entropy(np.zeros((2, 3)), np.array(targets), mask)


@pytest.mark.usefixtures("unannotated")
def test_mean_squared_error_equals_pytorch_and_never_broadcasts(rng):
    predictions, targets = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    p = torch.tensor(predictions, requires_grad=True)
    expected = torch.nn.functional.mse_loss(p, torch.from_numpy(targets))
    expected.backward()
    loss, gradient = mean_squared_error(predictions, targets)
    assert loss == pytest.approx(expected.item(), rel=1e-14)
    assert relative_error(gradient, p.grad.numpy()) < 1e-14
    with pytest.raises(ValueError, match=r"\(4, 1\) and targets \(4,\)"):
        mean_squared_error(np.zeros((4, 1)), np.zeros(4))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (
            lambda params: SGD(params, 0.1),
            lambda params: torch.optim.SGD(params, 0.1),
        ),
        (
            lambda params: Adam(params, 0.01),
            lambda params: torch.optim.Adam(params, 0.01),
        ),
    ],
)
def test_optimisers_equal_pytorch_for_ten_steps(ours, theirs, rng):
    params = [
        {"W": rng.normal(size=(3, 2)), "b": rng.normal(size=2)},
        {"W": rng.normal(size=4)},
    ]
    tensors = [
        torch.tensor(value) for layer in params for value in layer.values()
    ]
    optimizer, reference = ours(params), theirs(tensors)
    for _ in range(10):
        gradients = [
            {
                name: rng.normal(size=value.shape)
                for name, value in layer.items()
            }
            for layer in params
        ]
        flat = [gradient for layer in gradients for gradient in layer.values()]
        for tensor, gradient in zip(tensors, flat, strict=True):
            tensor.grad = torch.from_numpy(gradient)
        optimizer.step(gradients)
        reference.step()
    values = [value for layer in params for value in layer.values()]
    for value, tensor in zip(values, tensors, strict=True):
        assert relative_error(value, tensor.numpy()) < 1e-14


@pytest.mark.parametrize("max_norm", [0.5, 100.0])
def test_clipping_equals_pytorch(max_norm, rng):
    gradients = [{"W": rng.normal(size=(3, 2))}, {"W": rng.normal(size=4)}]
    tensors = [
        torch.zeros(layer["W"].shape, dtype=torch.float64)
        for layer in gradients
    ]
    for tensor, layer in zip(tensors, gradients, strict=True):
        tensor.grad = torch.tensor(layer["W"])
    expected = torch.nn.utils.clip_grad_norm_(tensors, max_norm).item()
    assert clip_global_norm(gradients, max_norm) == pytest.approx(
        expected, rel=1e-14
    )
    for tensor, layer in zip(tensors, gradients, strict=True):
        assert relative_error(layer["W"], tensor.grad.numpy()) < 1e-5


def test_the_numerical_gradient_is_that_of_a_known_function(rng):
    a = rng.normal(size=(2, 3))
    before = a.copy()
    gradient = numerical_gradient(lambda: float(np.sin(a).sum()), a)
    np.testing.assert_allclose(gradient, np.cos(before), atol=1e-9)
    np.testing.assert_array_equal(a, before)


def test_the_numerical_gradient_wants_float64():
    with pytest.raises(
        ValueError, match="float32; central differences need float64"
    ):
        numerical_gradient(lambda: 0.0, np.zeros(2, np.float32))


@pytest.mark.usefixtures("unannotated")
def test_the_relative_error_is_relative_to_the_largest_reference():
    assert relative_error(
        np.array([1.0, 10.5]), np.array([1.5, 10.0])
    ) == pytest.approx(0.05)
    assert relative_error(np.array([0.25]), np.zeros(1)) == 0.25
    assert relative_error(np.zeros(0), np.zeros(0)) == 0.0
    with pytest.raises(ValueError, match="the reference"):
        relative_error(np.zeros(2), np.zeros(1))
