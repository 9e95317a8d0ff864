"""Every checker names the mistake that a function makes, and passes the right ones."""

import numpy as np
import pytest
import torch

from utils.exercises import check_rnn_cell


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def verdict(check, function, capsys):
    """Return the checker's answer and the one line it prints."""
    answer = check(function)
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert printed.startswith("Right. " if answer else "Not yet. ")
    return answer, printed


def right_rnn(x, h, W_x, W_h, b):
    return np.tanh(x @ W_x + h @ W_h + b)


def rnn_in_place(x, h, W_x, W_h, b):
    h[:] = np.tanh(x @ W_x + h @ W_h + b)
    return h


RNN_MISTAKES = {
    "tanh is missing": lambda x, h, W_x, W_h, b: x @ W_x + h @ W_h + b,
    "bias b is missing": lambda x, h, W_x, W_h, b: np.tanh(x @ W_x + h @ W_h),
    "outside the tanh": lambda x, h, W_x, W_h, b: np.tanh(x @ W_x + h @ W_h) + b,
    "state h is not used": lambda x, h, W_x, W_h, b: np.tanh(x @ W_x + b),
    "without its product": lambda x, h, W_x, W_h, b: np.tanh(x @ W_x + h + b),
    "comes back unchanged": lambda x, h, W_x, W_h, b: h,
    "input x is not used": lambda x, h, W_x, W_h, b: np.tanh(h @ W_h + b),
    "weights are exchanged": lambda x, h, W_x, W_h, b: np.tanh(x @ W_h + h @ W_x + b),
    "Both products are transposed": lambda x, h, W_x, W_h, b: np.tanh(x @ W_x.T + h @ W_h.T + b),
    "W_x is transposed": lambda x, h, W_x, W_h, b: np.tanh(x @ W_x.T + h @ W_h + b),
    "W_h is transposed": lambda x, h, W_x, W_h, b: np.tanh(x @ W_x + h @ W_h.T + b),
    "a sigmoid in the place": lambda x, h, W_x, W_h, b: sigmoid(x @ W_x + h @ W_h + b),
    "a ReLU in the place": lambda x, h, W_x, W_h, b: np.maximum(x @ W_x + h @ W_h + b, 0),
    "changes its argument h in place": rnn_in_place,
    "fails with ValueError": lambda x, h, W_x, W_h, b: np.tanh(W_x @ x + W_h @ h + b),
    "returns 2 arrays; 1 are expected": lambda *a: (right_rnn(*a), right_rnn(*a)),
    "the shape (5, 3); (3, 5) is expected": lambda *a: right_rnn(*a).T,
    "NaN or infinity": lambda *a: right_rnn(*a) * np.nan,
    "returns the type object": lambda *a: right_rnn(*a).astype(object),
    "match none of the": lambda x, h, W_x, W_h, b: np.tanh(x @ W_x + h @ W_h + b**2),
    "With equal sizes everywhere": lambda x, h, W_x, W_h, b: right_rnn(
        x, h, W_x, W_h, b.reshape(x.shape[1])
    ),
}


@pytest.mark.parametrize("mistake", RNN_MISTAKES)
def test_check_rnn_cell_names_the_mistake(mistake, capsys):
    answer, printed = verdict(check_rnn_cell, RNN_MISTAKES[mistake], capsys)
    assert not answer
    assert mistake in printed


RIGHT_RNNS = {
    "NumPy": right_rnn,
    "float32": lambda *a: right_rnn(*(each.astype(np.float32) for each in a)),
    "PyTorch": lambda x, h, W_x, W_h, b: torch.tanh(x @ W_x + h @ W_h + b),
    "PyTorch, with gradients": lambda x, h, W_x, W_h, b: torch.tanh(
        x @ W_x.requires_grad_() + h @ W_h + b
    ),
    "a list": lambda *a: [right_rnn(*a)],
}


@pytest.mark.parametrize("name", RIGHT_RNNS)
def test_check_rnn_cell_passes_a_right_cell(name, capsys):
    answer, printed = verdict(check_rnn_cell, RIGHT_RNNS[name], capsys)
    assert answer
    assert "tanh(x W_x + h W_h + b)" in printed
