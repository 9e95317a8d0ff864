"""The checkers of chapter 12 name the mistake that a function makes."""

from itertools import combinations

import numpy as np
import pytest
import torch

from utils.exercises import (
    check_delta_step,
    check_join,
    check_log_min_gru,
    check_parity,
    check_scan,
    recurrence,
)
from utils.exercises.judge import _flat
from utils.recurrences.minimal import log_positive, log_sigmoid, positive


def loop(a, b, h0):
    states = []
    for a_t, b_t in zip(a.swapaxes(0, 1), b.swapaxes(0, 1), strict=True):
        h0 = a_t * h0 + b_t
        states.append(h0)
    return np.stack(states, axis=1)


def late(a, b, h0):
    b = b.copy()
    b[:, 0] += h0
    return loop(a, b, 0 * h0)


JOINS = {
    "exchanged: what step 1": lambda a, b, c, d: (a * c, a * d + b),
    "passes through a_1": lambda a, b, c, d: (a * c, a * b + d),
    "does not pass": lambda a, b, c, d: (a * c, b + d),
    "b_2 is missing": lambda a, b, c, d: (a * c, c * b),
    "transitions are added": lambda a, b, c, d: (a + c, c * b + d),
    "not associative": lambda a, b, c, d: (c, c * b + d),
    "results are exchanged": lambda a, b, c, d: (c * b + d, a * c),
    "returns 1 array;": lambda a, b, c, d: a * c,
    "match none": lambda a, b, c, d: (a * c, c * b - d),
}
SCANS = {
    "is dropped": lambda a, b, h0: loop(a, b, 0 * h0),
    "multiply h0 by a_1": late,
    "through g": lambda a, b, h0: loop(a, b, positive(h0)),
    "logarithm of h0": lambda a, b, h0: loop(a, b, np.log(h0)),
    "one step early": lambda a, b, h0: np.concatenate(
        [h0[:, None], loop(a, b, h0)[:, :-1]], axis=1
    ),
    "first step's b": lambda a, b, h0: loop(
        a, b * (np.arange(b.shape[1]) > 0)[:, None], h0
    ),
    "from the last step": lambda a, b, h0: loop(a[:, ::-1], b[:, ::-1], h0)[
        :, ::-1
    ],
    "returns the shape": lambda a, b, h0: loop(a, b, h0)[:, -1],
}
LOGARITHMS = {
    "share that enters, as in the paper": lambda z, n: (
        log_sigmoid(-z),
        log_sigmoid(z) + log_positive(n),
    ),
    "lacks log(1 - z)": lambda z, n: (log_sigmoid(z), log_positive(n)),
    "logarithm of z where": lambda z, n: (
        log_sigmoid(z),
        log_sigmoid(z) + log_positive(n),
    ),
    "its own logarithm": lambda z, n: (log_sigmoid(z), log_sigmoid(-z) + n),
    "g(n) stands": lambda z, n: (log_sigmoid(z), log_sigmoid(-z) + positive(n)),
    "themselves": lambda z, n: (
        np.exp(log_sigmoid(z)),
        np.exp(log_sigmoid(-z)) * positive(n),
    ),
    "NaN or infinity": lambda z, n: (
        np.log(1 / (1 + np.exp(-z))),
        np.log(1 / (1 + np.exp(z))) + log_positive(n),
    ),
}
STEPS = {
    "linear attention": lambda S, k, v, beta: S + np.outer(k, v),
    "It adds beta v": lambda S, k, v, beta: S + beta * np.outer(k, v),
    "beta is missing": lambda S, k, v, beta: S + np.outer(k, v - k @ S),
    "not what is taken": lambda S, k, v, beta: (
        S + np.outer(k, beta * v - k @ S)
    ),
    "wrong sign": lambda S, k, v, beta: S - beta * np.outer(k, v - k @ S),
    "erases": lambda S, k, v, beta: S - beta * np.outer(k, k @ S),
    "in place": lambda S, k, v, beta: np.add(S, np.outer(k, v), out=S),
    "fails with ValueError": lambda S, k, v, beta: S + np.outer(v - k @ S, k),
}
PARITIES = {
    "counts the ones": lambda x: (np.ones_like(x), x),
    "last bit": lambda x: (0 * x, x),
    "stays at 0": lambda x: (1 - 2 * x, 0 * x),
    "parity of the zeros": lambda x: (2 * x - 1, 1 - x),
    "turns 1 into -1": lambda x: (
        1 - 2 * x,
        np.broadcast_to(np.eye(x.shape[1], 1), x.shape),
    ),
    "stays at 1": lambda x: (1 - x, x),
}
MISTAKES = [
    (check, function, mistake)
    for check, mistakes in (
        (check_join, JOINS),
        (check_scan, SCANS),
        (check_log_min_gru, LOGARITHMS),
        (check_delta_step, STEPS),
        (check_parity, PARITIES),
    )
    for mistake, function in mistakes.items()
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("check", "function", "mistake"),
    MISTAKES,
    ids=[mistake for *_, mistake in MISTAKES],
)
def test_a_mistake_is_named(check, function, mistake, capsys):
    assert check(function) is False
    printed = " ".join(capsys.readouterr().out.split())
    assert printed.startswith("Not yet. ")
    assert mistake in printed


RIGHT = [
    (check_join, lambda a, b, c, d: (a * c, c * b + d)),
    (check_join, lambda a, b, c, d: [c * a, d + b * c]),
    (check_scan, loop),
    (
        check_log_min_gru,
        lambda z, n: (
            -np.logaddexp(0, -z),
            -np.logaddexp(0, z) + log_positive(n),
        ),
    ),
    (check_delta_step, lambda S, k, v, beta: S + beta * np.outer(k, v - k @ S)),
    (
        check_delta_step,
        lambda S, k, v, beta: (
            S
            + torch.as_tensor(beta)
            * torch.outer(torch.as_tensor(k), torch.as_tensor(v - k @ S))
        ),
    ),
    (check_parity, lambda x: (1 - 2 * x, x)),
]


@pytest.mark.parametrize(("check", "function"), RIGHT)
def test_what_is_right_passes(check, function, capsys):
    assert check(function) is True
    assert capsys.readouterr().out.startswith("Right. ")


@pytest.mark.parametrize(
    "check", sorted({check for check, _ in RIGHT}, key=str)
)
def test_no_two_verdicts_share_their_numbers(check, monkeypatch):
    known = {}

    def keep(function, cases, variants):
        known.update(case=cases[-1], variants=variants)
        return True

    monkeypatch.setattr(recurrence, "judge", keep)
    check(lambda x: (x, x))
    results = [
        (each.verdict, _flat(each.compute(*known["case"].values())))
        for each in known["variants"]
    ]
    for (verdict, first), (other, second) in combinations(results, 2):
        gap = max(
            np.abs(x - y).max() for x, y in zip(first, second, strict=True)
        )
        assert gap > 1e-2, (verdict, other)
