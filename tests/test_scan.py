"""The scan against the loop, forward and backward, in three frameworks."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.recurrences import keras as keras_scan
from utils.recurrences import pytorch_scan
from utils.scratch import numerical_gradient, relative_error
from utils.scratch.scan import (
    convolve,
    linear_scan,
    linear_scan_backward,
    log_linear_scan,
    matrix_scan,
)

LONG = 4096


def loop(a, b, h0=None):
    """Follow the recurrence one step after the other."""
    h = np.zeros_like(b[:, 0]) if h0 is None else h0
    states = np.empty_like(b)
    for t in range(b.shape[1]):
        h = a[:, t] * h + b[:, t]
        states[:, t] = h
    return states


def loop_backward(a, h, d_outputs, h0):
    """Follow the chain rule from the last step to the first."""
    d_a, d_b, d_h = np.zeros_like(a), np.zeros_like(a), np.zeros_like(h0)
    for t in reversed(range(a.shape[1])):
        d_h = d_h + d_outputs[:, t]
        d_b[:, t] = d_h
        d_a[:, t] = d_h * (h[:, t - 1] if t else h0).conj()
        d_h = d_h * a[:, t].conj()
    return d_a, d_b, d_h


def draw(seed, time, features=(3,), dtype=np.float64, batch=2):
    """Draw transitions in the unit circle, inputs, a state, gradients."""
    rng = np.random.default_rng(seed)

    def normal(*shape):
        real = rng.normal(size=shape)
        return real + 1j * rng.normal(size=shape) if dtype is complex else real

    a = normal(batch, time, *features)
    a *= rng.uniform(0, 1, a.shape) / np.abs(a)
    b, d_outputs = (normal(batch, time, *features) for _ in range(2))
    return a, b, normal(batch, *features), d_outputs


@given(
    time=st.integers(1, 70),
    features=st.sampled_from([(), (1,), (3,), (2, 4)]),
    dtype=st.sampled_from([float, complex]),
    seed=st.integers(0, 9),
)
@settings(deadline=None, max_examples=60)
def test_scan_is_the_loop(time, features, dtype, seed):
    a, b, h0, _ = draw(seed, time, features, dtype)
    for start in (None, h0):
        states = linear_scan(a, b, start)
        np.testing.assert_allclose(states, loop(a, b, start), atol=1e-13)


@pytest.mark.parametrize("dtype", [float, complex])
def test_gradient_of_the_scan_is_that_of_the_loop(dtype):
    a, b, h0, d_outputs = draw(0, LONG, dtype=dtype)
    h = linear_scan(a, b, h0)
    results = linear_scan_backward(a, h, d_outputs, h0)
    for result, expected in zip(
        results, loop_backward(a, h, d_outputs, h0), strict=True
    ):
        np.testing.assert_allclose(result, expected, atol=1e-12)


def test_gradient_of_the_scan_against_differences():
    a, b, h0, d_outputs = draw(1, 11)

    def loss():
        return float((linear_scan(a, b, h0) * d_outputs).sum())

    grads = linear_scan_backward(a, linear_scan(a, b, h0), d_outputs, h0)
    for array, gradient in zip((a, b, h0), grads, strict=True):
        assert relative_error(gradient, numerical_gradient(loss, array)) < 1e-7


def test_gradient_without_an_initial_state_takes_it_for_zero():
    a, b, h0, d_outputs = draw(2, 9)
    zero = np.zeros_like(h0)
    without = linear_scan_backward(a, linear_scan(a, b), d_outputs)
    given_zero = linear_scan_backward(
        a, linear_scan(a, b, zero), d_outputs, zero
    )
    for left, right in zip(without, given_zero, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("dtype", [float, complex])
def test_pytorch_is_numpy_forward_and_backward(dtype):
    arrays = draw(3, LONG, dtype=dtype)
    a, b, h0, d_outputs = arrays
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays[:3]]
    h = pytorch_scan.linear_scan(*tensors)
    np.testing.assert_allclose(h.detach(), linear_scan(a, b, h0), atol=1e-12)
    h.backward(torch.tensor(d_outputs))
    expected = linear_scan_backward(a, h.detach().numpy(), d_outputs, h0)
    for tensor, gradient in zip(tensors, expected, strict=True):
        np.testing.assert_allclose(tensor.grad, gradient, atol=1e-12)


def test_pytorch_without_an_initial_state_and_at_every_length():
    for time in range(1, 18):
        a, b, _, d_outputs = draw(time, time)
        t_a, t_b = (torch.tensor(array, requires_grad=True) for array in (a, b))
        h = pytorch_scan.linear_scan(t_a, t_b)
        np.testing.assert_allclose(h.detach(), loop(a, b), atol=1e-14)
        h.backward(torch.tensor(d_outputs))
        d_a, d_b, _ = linear_scan_backward(a, loop(a, b), d_outputs)
        np.testing.assert_allclose(t_a.grad, d_a, atol=1e-13)
        np.testing.assert_allclose(t_b.grad, d_b, atol=1e-13)


def test_pytorch_can_be_differentiated_twice():
    a, b, _, _ = draw(4, 6)
    tensors = [torch.tensor(array, requires_grad=True) for array in (a, b)]
    assert torch.autograd.gradgradcheck(pytorch_scan.linear_scan, tensors)


def test_keras_is_numpy_forward_and_backward():
    import tensorflow as tf

    a, b, h0, d_outputs = draw(5, LONG)
    variables = [tf.Variable(array) for array in (a, b, h0)]
    with tf.GradientTape() as tape:
        h = keras_scan.linear_scan(*variables)
        loss = tf.reduce_sum(h * d_outputs)
    np.testing.assert_allclose(h, linear_scan(a, b, h0), atol=1e-12)
    expected = linear_scan_backward(a, linear_scan(a, b, h0), d_outputs, h0)
    for result, gradient in zip(
        tape.gradient(loss, variables), expected, strict=True
    ):
        np.testing.assert_allclose(result, gradient, atol=1e-12)
    np.testing.assert_allclose(
        keras_scan.linear_scan(a, b), linear_scan(a, b), atol=1e-12
    )


@pytest.mark.parametrize("dtype", [float, complex])
def test_constant_transition_is_a_convolution_forward_and_backward(dtype):
    transitions, b, _, d_outputs = draw(6, LONG, dtype=dtype)
    a = 0.999 * transitions[0, 0] / np.abs(transitions[0, 0])
    everywhere = np.broadcast_to(a, b.shape)
    expected = linear_scan(everywhere, b)
    np.testing.assert_allclose(
        convolve(a, b), expected, atol=1e-12 * np.abs(expected).max()
    )
    _, d_b, _ = linear_scan_backward(everywhere, expected, d_outputs)
    reversed_in_time = convolve(a.conj(), d_outputs[:, ::-1])[:, ::-1]
    np.testing.assert_allclose(
        reversed_in_time, d_b, atol=1e-12 * np.abs(d_b).max()
    )


def test_logarithms_hold_where_products_underflow():
    rng = np.random.default_rng(7)
    log_a = np.log(rng.uniform(0.1, 0.9, (2, LONG, 3)))
    log_b, log_h0 = rng.normal(size=(2, LONG, 3)), rng.normal(size=(2, 3))
    assert np.exp(log_a.sum(axis=1)).max() == 0
    for start in (None, log_h0):
        h = np.exp(log_linear_scan(log_a, log_b, start))
        initial = None if start is None else np.exp(start)
        np.testing.assert_allclose(
            h, loop(np.exp(log_a), np.exp(log_b), initial), rtol=1e-12
        )


def test_states_beyond_floating_point_keep_their_logarithms():
    log_a, log_b = np.full((1, 500, 1), 3.0), np.zeros((1, 500, 1))
    log_h = log_linear_scan(log_a, log_b)[0, :, 0]
    # h_t = (e^(3 t) - 1) / (e^3 - 1), far above the largest float64 in the end.
    t = np.arange(1, 501)
    np.testing.assert_allclose(
        log_h, 3 * t + np.log1p(-np.exp(-3.0 * t)) - np.log(np.expm1(3))
    )
    assert log_h[-1] > np.log(np.finfo(float).max)


def test_dense_transitions():
    rng = np.random.default_rng(8)
    A = rng.normal(size=(2, 37, 4, 4)) / 4
    b, h0 = rng.normal(size=(2, 37, 4)), rng.normal(size=(2, 4))
    for start in (None, h0):
        h, expected = np.zeros((2, 4)) if start is None else start, []
        for t in range(37):
            h = np.einsum("bi,bij->bj", h, A[:, t]) + b[:, t]
            expected.append(h)
        np.testing.assert_allclose(
            matrix_scan(A, b, start), np.stack(expected, 1), atol=1e-13
        )


def test_depth_is_logarithmic(monkeypatch):
    """Count joining calls: a scan twice as long has one level more."""
    from utils.scratch import scan

    calls = []

    def counted(first, second):
        calls.append(first.shape)
        return np.multiply(first, second)

    monkeypatch.setattr(
        scan, "ELEMENTWISE", scan.Arithmetic(counted, np.multiply, np.add)
    )
    depths = []
    for time in (1024, 2048, 4096):
        calls.clear()
        a, b, _, _ = draw(9, time, batch=1)
        scan.linear_scan(a, b)
        depths.append(len(calls))
    assert depths == [10, 11, 12]


@pytest.mark.usefixtures("unannotated")
@pytest.mark.parametrize("scan", [linear_scan, log_linear_scan])
def test_errors_name_the_argument(scan):
    with pytest.raises(
        ValueError, match=r"a has shape \(3,\) and b \(2, 5, 3\)"
    ):
        scan(np.ones(3), np.ones((2, 5, 3)))
    with pytest.raises(
        ValueError, match=r"h0 has shape \(3,\).*needs \(2, 3\)"
    ):
        scan(np.ones((2, 5, 3)), np.ones((2, 5, 3)), np.ones(3))


@pytest.mark.usefixtures("unannotated")
def test_other_errors_name_the_argument():
    with pytest.raises(ValueError, match="one constant for each feature"):
        convolve(np.ones(2), np.ones((2, 5, 3)))
    with pytest.raises(ValueError, match=r"a needs \(2, 5, 3, 3\)"):
        matrix_scan(np.ones((2, 5, 3)), np.ones((2, 5, 3)))
    with pytest.raises(ValueError, match="expand the smaller one"):
        pytorch_scan.linear_scan(torch.ones(3), torch.ones(2, 5, 3))
    with pytest.raises(ValueError, match="h0 has shape"):
        pytorch_scan.linear_scan(*torch.ones(2, 2, 5, 3), torch.ones(3))


def test_numpy_side_imports_no_framework():
    modules = "minimal diagonal selective matrix_state newton".split()
    imports = "".join(f"import utils.recurrences.{name}\n" for name in modules)
    frameworks = {"torch", "tensorflow", "keras"}
    code = f"{imports}import sys\nassert not {frameworks} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
