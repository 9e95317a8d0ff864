"""The checkers of chapter 01 accept what is right and name mistakes."""

import numpy as np
import pytest
import torch

from utils.exercises import check_bptt, check_clipping
from utils.scratch import RNN


def relu_backward(
    d_outputs, x, states, W_x, W_h, after=1, before=0, sums=True, tanh=False
):
    d_W_x, d_W_h, d_b = 0, 0, 0
    d_h = 0 * states[:, 0]
    for t in reversed(range(x.shape[1])):
        d_h = d_h + d_outputs[:, t]
        h = states[:, t + after]
        d_z = d_h * ((1 - h**2) if tanh else (h > 0))
        d_W_x = x[:, t].T @ d_z + (d_W_x if sums else 0)
        d_W_h = states[:, t + before].T @ d_z + (d_W_h if sums else 0)
        d_b = d_z.sum(0) + (d_b if sums else 0)
        d_h = d_z @ W_h.T
    return d_W_x, d_W_h, d_b


def test_the_right_backward_pass_is_the_layer_s(capsys):
    rng = np.random.default_rng(5)
    layer = RNN(3, 4, rng=rng, activation="relu")
    x, g = rng.normal(size=(2, 6, 3)), rng.normal(size=(2, 6, 4))
    outputs, _ = layer.forward(x)
    states = np.concatenate([np.zeros((2, 1, 4)), outputs], axis=1)
    weights = layer.params["W_x"], layer.params["W_h"]
    found = relu_backward(g, x, states, *weights)
    expected = layer.backward(g).params
    for gradient, name in zip(found, ("W_x", "W_h", "b"), strict=True):
        np.testing.assert_allclose(gradient, expected[name], atol=1e-12)
    assert check_bptt(relu_backward)
    assert "Right." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("choice", "part"),
    [
        ({"after": 0}, "the state before the step"),
        ({"before": 1}, "takes states[:, t]"),
        ({"sums": False}, "one step alone"),
        ({"tanh": True}, "slope of tanh"),
    ],
)
def test_a_mistake_in_the_backward_pass_is_named(choice, part, capsys):
    assert not check_bptt(lambda *given: relu_backward(*given, **choice))
    assert part in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("after", "part"), [(1, "backward it is d_z @ W_h.T"), (0, "Two mistakes")]
)
def test_a_product_that_is_not_transposed_is_named(after, part, capsys):
    def broken(d_outputs, x, states, W_x, W_h):
        return relu_backward(d_outputs, x, states, W_x, W_h.T, after)

    assert not check_bptt(broken)
    assert part in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("own", "part"),
    [("last", "Only the last step"), ("alone", "from the next")],
)
def test_a_gradient_that_is_left_out_is_named(own, part, capsys):
    def broken(d_outputs, x, states, W_x, W_h):
        d_outputs = d_outputs.copy()
        if own == "last":
            d_outputs[:, :-1] = 0
        else:
            W_h = 0 * W_h
        return relu_backward(d_outputs, x, states, W_x, W_h)

    assert not check_bptt(broken)
    assert part in " ".join(capsys.readouterr().out.split())


def clip(a, b, limit):
    factor = min(1, limit / ((a**2).sum() + (b**2).sum()) ** 0.5)
    return a * factor, b * factor


def test_clipping_in_numpy_and_pytorch():
    assert check_clipping(clip)
    assert check_clipping(
        lambda a, b, limit: clip(torch.as_tensor(a), torch.as_tensor(b), limit)
    )


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        (
            lambda a, b, limit: (
                a * min(1, limit / np.linalg.norm(a)),
                b * min(1, limit / np.linalg.norm(b)),
            ),
            "Each array is clipped",
        ),
        (
            lambda a, b, limit: (a.clip(-limit, limit), b.clip(-limit, limit)),
            "Each number is clipped",
        ),
        (
            lambda a, b, limit: tuple(
                each * limit / np.sqrt((a**2).sum() + (b**2).sum())
                for each in (a, b)
            ),
            "made longer",
        ),
        (lambda a, b, limit: (a, b), "as they were"),
        (
            lambda a, b, limit: tuple(
                each * min(1, limit / ((a**2).sum() + (b**2).sum()))
                for each in (a, b)
            ),
            "square root",
        ),
    ],
)
def test_a_mistake_in_clipping_is_named(wrong, part, capsys):
    assert not check_clipping(wrong)
    assert part in " ".join(capsys.readouterr().out.split())


def test_clipping_in_place_is_caught(capsys):
    def in_place(a, b, limit):
        factor = min(1, limit / np.sqrt((a**2).sum() + (b**2).sum()))
        a *= factor
        b *= factor
        return a, b

    assert not check_clipping(in_place)
    assert "in place" in " ".join(capsys.readouterr().out.split())
