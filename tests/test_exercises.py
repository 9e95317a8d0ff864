"""Every checker names the mistake that a function makes, and passes the
right ones."""

from itertools import combinations

import numpy as np
import pytest
import torch

from utils.exercises import (
    cells,
    check_gru_cell,
    check_lstm_backward,
    check_lstm_cell,
    check_rnn_cell,
)
from utils.exercises.judge import _flat


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def verdict(check, function, capsys):
    """Return the checker's answer and the one verdict it prints."""
    answer = check(function)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    printed = " ".join(lines)
    assert printed.startswith("Right. " if answer else "Not yet. ")
    assert printed.count("Right. ") + printed.count("Not yet. ") == 1
    return answer, printed


def right_rnn(x, h, W_x, W_h, b):
    return np.tanh(x @ W_x + h @ W_h + b)


def rnn_in_place(x, h, W_x, W_h, b):
    h[:] = np.tanh(x @ W_x + h @ W_h + b)
    return h


RNN_MISTAKES = {
    "tanh is missing": lambda x, h, W_x, W_h, b: x @ W_x + h @ W_h + b,
    "bias b is missing": lambda x, h, W_x, W_h, b: np.tanh(x @ W_x + h @ W_h),
    "outside the tanh": lambda x, h, W_x, W_h, b: (
        np.tanh(x @ W_x + h @ W_h) + b
    ),
    "state h is not used": lambda x, h, W_x, W_h, b: np.tanh(x @ W_x + b),
    "without its product": lambda x, h, W_x, W_h, b: np.tanh(x @ W_x + h + b),
    "comes back unchanged": lambda x, h, W_x, W_h, b: h,
    "input x is not used": lambda x, h, W_x, W_h, b: np.tanh(h @ W_h + b),
    "weights are exchanged": lambda x, h, W_x, W_h, b: np.tanh(
        x @ W_h + h @ W_x + b
    ),
    "Both products are transposed": lambda x, h, W_x, W_h, b: np.tanh(
        x @ W_x.T + h @ W_h.T + b
    ),
    "W_x is transposed": lambda x, h, W_x, W_h, b: np.tanh(
        x @ W_x.T + h @ W_h + b
    ),
    "W_h is transposed": lambda x, h, W_x, W_h, b: np.tanh(
        x @ W_x + h @ W_h.T + b
    ),
    "a sigmoid in the place": lambda x, h, W_x, W_h, b: sigmoid(
        x @ W_x + h @ W_h + b
    ),
    "a ReLU in the place": lambda x, h, W_x, W_h, b: np.maximum(
        x @ W_x + h @ W_h + b, 0
    ),
    "changes its argument h in place": rnn_in_place,
    "fails with ValueError": lambda x, h, W_x, W_h, b: np.tanh(
        x.reshape(2, 7) @ W_x + h @ W_h + b
    ),
    "a product is x @ W, not W @ x": lambda x, h, W_x, W_h, b: np.tanh(
        W_x @ x + W_h @ h + b
    ),
    "bias b is counted twice": lambda x, h, W_x, W_h, b: np.tanh(
        x @ W_x + h @ W_h + b + b
    ),
    "old state is added to the new": lambda *a: a[1] + right_rnn(*a),
    "returns 2 arrays; 1 is expected": lambda *a: (
        right_rnn(*a),
        right_rnn(*a),
    ),
    "the shape (5, 3); (3, 5) is expected": lambda *a: right_rnn(*a).T,
    "NaN or infinity": lambda *a: right_rnn(*a) * np.nan,
    "returns the type object": lambda *a: right_rnn(*a).astype(object),
    "returns None: is `return` missing": lambda *a: None,
    "match none of the": lambda x, h, W_x, W_h, b: np.tanh(
        x @ W_x + h @ W_h + b**2
    ),
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


def lstm(x, h, c, W_x, W_h, b, order="ifgo"):
    """Write the right cell as a reader would."""
    gates = dict(
        zip(order, np.split(x @ W_x + h @ W_h + b, 4, axis=1), strict=True)
    )
    new_c = sigmoid(gates["f"]) * c + sigmoid(gates["i"]) * np.tanh(gates["g"])
    return sigmoid(gates["o"]) * np.tanh(new_c), new_c


def split(x, h, W_x, W_h, b):
    return np.split(x @ W_x + h @ W_h + b, 4, axis=1)


def lstm_with(
    activations="ssts", cell="f * c + i * g", output="o * np.tanh(new)"
):
    """Write a cell from its pieces, so that each mistake changes one of
    them."""
    squash = {"s": sigmoid, "t": np.tanh}

    def step(x, h, c, W_x, W_h, b):
        gates = split(x, h, W_x, W_h, b)
        i, f, g, o = (
            squash[kind](z) for kind, z in zip(activations, gates, strict=True)
        )
        new = eval(cell, {"i": i, "f": f, "g": g, "o": o, "c": c})
        return eval(
            output, {"o": o, "c": c, "new": new, "np": np, "sigmoid": sigmoid}
        ), new

    return step


def lstm_cell_in_place(x, h, c, W_x, W_h, b):
    i, f, g, o = split(x, h, W_x, W_h, b)
    c *= sigmoid(f)
    c += sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def lstm_with_torch_weights(x, h, c, W_x, W_h, b):
    return lstm(x, h, c, W_x.T, W_h.T, b)


def lstm_per_gate_transposed(x, h, c, W_x, W_h, b):
    blocks = [
        np.hstack([W.T for W in np.split(matrix, 4, axis=1)])
        for matrix in (W_x, W_h)
    ]
    return lstm(x, h, c, *blocks, b)


def lstm_recurrent_transposed(x, h, c, W_x, W_h, b):
    return lstm(
        x, h, c, W_x, np.hstack([W.T for W in np.split(W_h, 4, axis=1)]), b
    )


def lstm_input_transposed(x, h, c, W_x, W_h, b):
    return lstm(
        x, h, c, np.hstack([W.T for W in np.split(W_x, 4, axis=1)]), W_h, b
    )


def linear_lstm(c, gates):
    i, f, g, o = gates
    new_c = f * c + i * np.tanh(g)
    return o * np.tanh(new_c), new_c


def lstm_of_gates(c, gates, forget=sigmoid, output=sigmoid):
    i, f, g, o = gates
    new_c = forget(f) * c + sigmoid(i) * np.tanh(g)
    return output(o) * np.tanh(new_c), new_c


def interleaved_lstm(x, h, c, W_x, W_h, b):
    gates = (x @ W_x + h @ W_h + b).reshape(len(x), -1, 4)
    i, f, g, o = np.moveaxis(gates, 2, 0)
    new_c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(new_c), new_c


LSTM_MISTAKES = {
    "takes the columns as f, i, g, o": lambda *a: lstm(*a, order="figo"),
    "or computes c_t = i c + f g": lstm_with(cell="i * c + f * g"),
    "takes the columns as i, g, o, f": lambda *a: lstm(*a, order="igof"),
    "Gate i has tanh": lstm_with("tsts"),
    "Gate f has tanh": lstm_with("stts"),
    "Gate o has tanh": lstm_with("sstt"),
    "exchanged: i needs": lstm_with("tsss"),
    "exchanged: f needs": lstm_with("stss"),
    "exchanged: o needs": lstm_with("ssst"),
    "g has a sigmoid": lstm_with("ssss"),
    "All activations are exchanged": lstm_with("ttst"),
    "forget gate is missing": lstm_with(cell="c + i * g"),
    "input gate is missing": lstm_with(cell="f * c + g"),
    "coupled": lstm_with(cell="f * c + (1 - f) * g"),
    "old cell c is not used": lstm_with(cell="i * g"),
    "tanh on the cell is missing": lstm_with(output="o * new"),
    "sigmoid on the cell": lstm_with(output="o * sigmoid(new)"),
    "output gate is missing": lstm_with(output="np.tanh(new)"),
    "reads the old cell": lstm_with(output="o * np.tanh(c)"),
    "return (h, c), not (c, h)": lambda *a: lstm(*a)[::-1],
    "old cell comes back": lambda *a: (lstm(*a)[0], a[2].copy()),
    "bias b is missing": lambda x, h, c, W_x, W_h, b: lstm(
        x, h, c, W_x, W_h, 0
    ),
    "input x is not used": lambda x, h, c, W_x, W_h, b: lstm(
        0 * x, h, c, W_x, W_h, b
    ),
    "weights are exchanged": lambda x, h, c, W_x, W_h, b: lstm(
        x, h, c, W_h, W_x, b
    ),
    "do not read the previous state": lambda x, h, c, W_x, W_h, b: lstm(
        x, 0 * h, c, W_x, W_h, b
    ),
    "gates' matrices are transposed": lstm_per_gate_transposed,
    "matrices in W_h are transposed": lstm_recurrent_transposed,
    "matrices in W_x are transposed": lstm_input_transposed,
    "changes its argument c in place": lstm_cell_in_place,
    "W_x (4, 20)": lstm_with_torch_weights,
    "returns 1 array; 2 are expected: (h, c)": lambda *a: lstm(*a)[0],
    "h is right, c is not": lambda *a: (lstm(*a)[0], 0.9 * lstm(*a)[1]),
    "bias b is counted twice": lambda x, h, c, W_x, W_h, b: lstm(
        x, h, c, W_x, W_h, 2 * b
    ),
    "adds 1 to the forget gate's bias": lambda x, h, c, W_x, W_h, b: lstm(
        x, h, c, W_x, W_h, b + np.repeat([0, 1, 0, 0], h.shape[1])
    ),
    "gates have no sigmoid": lambda x, h, c, W_x, W_h, b: linear_lstm(
        c, split(x, h, W_x, W_h, b)
    ),
    "Gate f has no sigmoid": lambda x, h, c, W_x, W_h, b: lstm_of_gates(
        c, split(x, h, W_x, W_h, b), forget=lambda z: z
    ),
    "Gate o has no sigmoid": lambda x, h, c, W_x, W_h, b: lstm_of_gates(
        c, split(x, h, W_x, W_h, b), output=lambda z: z
    ),
    "gates are taken as interleaved": lambda x, h, c, W_x, W_h, b: (
        interleaved_lstm(x, h, c, W_x, W_h, b)
    ),
    "returns None": lambda *a: None,
    "returns a list of numbers": lambda *a: [e.tolist() for e in lstm(*a)],
}


@pytest.mark.parametrize("mistake", LSTM_MISTAKES)
def test_check_lstm_cell_names_the_mistake(mistake, capsys):
    answer, printed = verdict(check_lstm_cell, LSTM_MISTAKES[mistake], capsys)
    assert not answer
    assert mistake in printed


def torch_lstm(x, h, c, W_x, W_h, b):
    i, f, g, o = (x @ W_x + h @ W_h + b).chunk(4, dim=1)
    new_c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(new_c), new_c


def lstm_cell_of_pytorch(x, h, c, W_x, W_h, b):
    module = torch.nn.LSTMCell(x.shape[1], h.shape[1], dtype=torch.float64)
    with torch.no_grad():
        module.weight_ih.copy_(W_x.T)
        module.weight_hh.copy_(W_h.T)
        module.bias_ih.copy_(b)
        module.bias_hh.zero_()
    return module(x, (h, c))


@pytest.mark.parametrize(
    ("cell", "order"),
    [
        (lstm, "order i, f, g, o of PyTorch and Keras"),
        (torch_lstm, "order i, f, g, o of PyTorch and Keras"),
        (lstm_cell_of_pytorch, "order i, f, g, o of PyTorch and Keras"),
        (lambda *a: lstm(*a, order="iofg"), "order i, o, f, g of ONNX"),
        (lambda *a: lstm(*a, order="igfo"), "order i, g, f, o of TensorFlow 1"),
        (lambda *a: lstm(*a, order="ifog"), "order i, f, o, g of Stanford"),
    ],
)
def test_check_lstm_cell_passes_the_common_conventions(cell, order, capsys):
    answer, printed = verdict(check_lstm_cell, cell, capsys)
    assert answer
    assert order in printed


def gru(
    x,
    h,
    W_x,
    W_h,
    b_x,
    b_h,
    order="rzn",
    after=True,
    update="z * h + (1 - z) * n",
):
    """Write the right cell as a reader would, in any convention."""
    return gru_with(order, after, update=update)(x, h, W_x, W_h, b_x, b_h)


def gru_with(
    order="rzn",
    after=True,
    gates="sst",
    inner="r * (recurrent['n'] + bias['n'])",
    update="z * h + (1 - z) * n",
):
    """Write a cell from its pieces, so that each mistake changes one of
    them."""
    squash = {"s": sigmoid, "t": np.tanh, "-": lambda a: a}

    def step(x, h, W_x, W_h, b_x, b_h):
        from_x = dict(
            zip(order, np.split(x @ W_x + b_x, 3, axis=1), strict=True)
        )
        recurrent = dict(zip(order, np.split(h @ W_h, 3, axis=1), strict=True))
        matrix = dict(zip(order, np.split(W_h, 3, axis=1), strict=True))
        bias = dict(zip(order, np.split(b_h, 3), strict=True))
        r = squash[gates[0]](from_x["r"] + recurrent["r"] + bias["r"])
        z = squash[gates[1]](from_x["z"] + recurrent["z"] + bias["z"])
        names = {"r": r, "h": h, "recurrent": recurrent, "bias": bias}
        inside = (
            eval(inner, names) if after else (r * h) @ matrix["n"] + bias["n"]
        )
        n = squash[gates[2]](from_x["n"] + inside)
        return eval(update, {"z": z, "h": h, "n": n})

    return step


def gru_in_place(x, h, W_x, W_h, b_x, b_h):
    h[:] = gru(x, h, W_x, W_h, b_x, b_h)
    return h


def gru_transposed(x, h, W_x, W_h, b_x, b_h):
    return gru(
        x, h, W_x, np.hstack([W.T for W in np.split(W_h, 3, axis=1)]), b_x, b_h
    )


def gru_of_candidate(candidate, x, h, W_x, W_h, b_x, b_h):
    r_x, z_x, n_x = np.split(x @ W_x + b_x, 3, axis=1)
    r_h, z_h, n_h = np.split(h @ W_h + b_h, 3, axis=1)
    z = sigmoid(z_x + z_h)
    return z * h + (1 - z) * candidate(sigmoid(r_x + r_h), n_x, n_h)


GRU_MISTAKES = {
    "takes the columns as n, r, z": gru_with("nrz"),
    "takes the columns as r, n, z": gru_with("rnz", after=False),
    "Gate r has tanh": gru_with(gates="tst"),
    "Gate z has tanh": gru_with(gates="stt"),
    "gates have no sigmoid": gru_with(gates="--t"),
    "Gate r has no sigmoid": gru_with(gates="-st"),
    "Gate z has no sigmoid": gru_with(gates="s-t"),
    "n has a sigmoid": gru_with(gates="sss"),
    "All activations are exchanged": gru_with(gates="tts"),
    "reset gate r is not used": gru_with(inner="recurrent['n'] + bias['n']"),
    "outside the reset gate": gru_with(inner="r * recurrent['n'] + bias['n']"),
    "n lacks its part of the bias b_h": gru_with(inner="r * recurrent['n']"),
    "update gate z is not used": gru_with(update="n"),
    "old state is missing": gru_with(update="(1 - z) * n"),
    "candidate is not weighted": gru_with(update="z * h + n"),
    "old state is not weighted": gru_with(update="h + (1 - z) * n"),
    "comes back unchanged": gru_with(update="h.copy()"),
    "bias b_x and b_h is missing": lambda x, h, W_x, W_h, b_x, b_h: gru(
        x, h, W_x, W_h, 0 * b_x, 0 * b_h
    ),
    "bias b_x is missing": lambda x, h, W_x, W_h, b_x, b_h: gru(
        x, h, W_x, W_h, 0 * b_x, b_h
    ),
    "bias b_h is missing": lambda x, h, W_x, W_h, b_x, b_h: gru(
        x, h, W_x, W_h, b_x, 0 * b_h
    ),
    "weights are exchanged": lambda x, h, W_x, W_h, b_x, b_h: gru(
        x, h, W_h, W_x, b_x, b_h
    ),
    "input x is not used": lambda x, h, W_x, W_h, b_x, b_h: gru(
        0 * x, h, W_x, W_h, b_x, b_h
    ),
    "matrices in W_h are transposed": gru_transposed,
    "changes its argument h in place": gru_in_place,
    "1 - r stands where r": gru_with(
        inner="(1 - r) * (recurrent['n'] + bias['n'])"
    ),
    "scales the input's part as well": lambda *a: gru_of_candidate(
        lambda r, from_x, from_h: np.tanh(r * (from_x + from_h)), *a
    ),
    "scales the finished candidate": lambda *a: gru_of_candidate(
        lambda r, from_x, from_h: r * np.tanh(from_x + from_h), *a
    ),
    "b_x and b_h is counted twice": lambda x, h, W_x, W_h, b_x, b_h: gru(
        x, h, W_x, W_h, 2 * b_x, 2 * b_h
    ),
    "returns None": lambda *a: None,
    "returns a list of numbers": lambda *a: gru(*a).tolist(),
    "is expected: rows are samples": lambda *a: gru(*a).T,
}


@pytest.mark.parametrize("mistake", GRU_MISTAKES)
def test_check_gru_cell_names_the_mistake(mistake, capsys):
    answer, printed = verdict(check_gru_cell, GRU_MISTAKES[mistake], capsys)
    assert not answer
    assert mistake in printed


@pytest.mark.parametrize("order", ["rzn", "zrn"])
@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize(
    "update", ["z * h + (1 - z) * n", "(1 - z) * h + z * n"]
)
def test_check_gru_cell_passes_and_names_every_convention(
    order, after, update, capsys
):
    answer, printed = verdict(
        check_gru_cell, gru_with(order, after, update=update), capsys
    )
    assert answer
    assert f"{'after' if after else 'before'} the product" in printed
    assert (
        "z keeps the old" if update.startswith("z") else "z lets the new"
    ) in printed
    assert f"order {', '.join(order)}" in printed


def test_check_gru_cell_names_mistakes_in_other_conventions(capsys):
    keras_before = gru_with(
        "zrn", after=False, gates="sss", update="(1 - z) * h + z * n"
    )
    answer, printed = verdict(check_gru_cell, keras_before, capsys)
    assert not answer
    assert "n has a sigmoid" in printed


def into_states(d_y, d_h_next, d_c_next, o, c):
    d_h = d_y + d_h_next
    return d_h, d_c_next + d_h * o * (1 - np.tanh(c) ** 2)


def test_check_lstm_backward_passes_the_right_step(capsys):
    answer, printed = verdict(check_lstm_backward, into_states, capsys)
    assert answer
    assert "All terms are there" in printed


BACKWARD_MISTAKES = {
    "own gradient d_y is missing": lambda y, h, n, o, c: into_states(
        0 * y, h, n, o, c
    ),
    "d_h_next, is missing": lambda y, h, n, o, c: into_states(
        y, 0 * h, n, o, c
    ),
    "road along the cell is missing": lambda y, h, n, o, c: into_states(
        y, h, 0 * n, o, c
    ),
    "road through the output is missing": lambda y, h, n, o, c: into_states(
        y, h, n, 0 * o, c
    ),
    "slope of tanh is missing": lambda y, h, n, o, c: into_states(
        y, h, n, o, 0 * c
    ),
    "output gate is missing": lambda y, h, n, o, c: into_states(
        y, h, n, 1 + 0 * o, c
    ),
    "not 1 - c^2": lambda y, h, n, o, c: (
        y + h,
        n + (y + h) * o * (1 - c**2),
    ),
    "carries d_y alone": lambda y, h, n, o, c: (
        y + h,
        into_states(y, 0 * h, n, o, c)[1],
    ),
    "results are exchanged": lambda *a: into_states(*a)[::-1],
    "d_h is right, d_c is not": lambda y, h, n, o, c: (
        y + h,
        n + (y + h) * o * (2 - np.tanh(c) ** 2),
    ),
}


@pytest.mark.parametrize("mistake", BACKWARD_MISTAKES)
def test_check_lstm_backward_names_the_mistake(mistake, capsys):
    step = BACKWARD_MISTAKES[mistake]
    answer, printed = verdict(check_lstm_backward, step, capsys)
    assert not answer
    assert mistake in printed


@pytest.mark.parametrize(
    ("check", "right"),
    [
        (check_rnn_cell, right_rnn),
        (check_lstm_cell, lstm),
        (check_lstm_backward, into_states),
        (check_gru_cell, gru),
    ],
)
def test_no_two_verdicts_share_their_numbers(check, right, monkeypatch):
    """A mistake is told from every other one, and from the right ones, by
    far."""
    known = {}

    def keep(function, cases, variants, results=()):
        known.update(cases=cases, variants=variants)
        return True

    monkeypatch.setattr(cells, "judge", keep)
    check(right)
    case = known["cases"][1]
    results = [
        (
            variant.verdict,
            np.stack(_flat(variant.compute(*case.values()))),
        )
        for variant in known["variants"]
    ]
    for (verdict_1, numbers_1), (verdict_2, numbers_2) in combinations(
        results, 2
    ):
        if verdict_1 != verdict_2:
            assert np.abs(numbers_1 - numbers_2).max() > 1e-2, (
                verdict_1,
                verdict_2,
            )
