"""The checkers of chapters 05 to 07 name the mistake that a function makes."""

import numpy as np
import pytest
import torch

from utils.exercises import (
    check_final_states,
    check_line,
    check_masked_loss,
    check_score,
)


def masked_loss(p, t, m):
    return ((p - t) ** 2 * m).sum() / m.sum()


LOSSES = {
    "averages over the padding": lambda p, t, m: ((p - t) ** 2).mean(),
    "divides by all steps": lambda p, t, m: ((p - t) ** 2 * m).mean(),
    "does not divide": lambda p, t, m: ((p - t) ** 2 * m).sum(),
    "each row first": lambda p, t, m: np.mean(
        [masked_loss(*row) for row in zip(p, t, m, strict=True)]
    ),
    "absolute errors": lambda p, t, m: np.abs(p - t)[m].mean(),
    "upside down": lambda p, t, m: masked_loss(p, t, ~m),
    "fails with IndexError": lambda p, t, m: p[99],
    "match none": lambda p, t, m: masked_loss(p, t, m) * 2,
}


def score(a, p):
    return 1 - np.mean(np.abs(a - p) / 50 / (np.abs(a) / 50 + 1e-4))


SCORES = {
    "divide the positions by 50": lambda a, p: (
        1 - np.mean(np.abs(a - p) / (np.abs(a) + 1e-4))
    ),
    "NaN or infinity": lambda a, p: 1 - np.mean(np.abs(a - p) / np.abs(a)),
    "divides by the predictions": lambda a, p: score(p, a),
    "itself": lambda a, p: 1 - np.mean(np.abs(a - p) / 50 / (a / 50 + 1e-4)),
    "cancel": lambda a, p: 1 - np.mean((a - p) / 50 / (np.abs(a) / 50 + 1e-4)),
    "one minus that": lambda a, p: 1 - score(a, p),
    "() is expected": lambda a, p: (
        1 - np.abs(a - p) / 50 / (np.abs(a) / 50 + 1e-4)
    ),
}
LINES = {
    "constant velocity": lambda x: 2 * x[-1] - x[-2],
    "half": lambda x: x[-1] + (x[-1] - x[-2]) * 1.5 - (x[-2] - x[-3]) / 2,
    "subtracts": lambda x: x[-1] + x[-2] - x[-3],
    "step to come": lambda x: 2 * x[-1] - 3 * x[-2] + x[-3],
}


def pool(outputs, lengths):
    rows = np.arange(len(outputs))
    return np.concatenate(
        [outputs[rows, lengths - 1, :3], outputs[:, 0, 3:]], axis=1
    )


def rolled(outputs, lengths):
    return np.concatenate(
        [pool(outputs, lengths)[:, 3:], pool(outputs, lengths)[:, :3]], axis=1
    )


POOLS = {
    "takes the last column": lambda o, n: o[:, -1],
    "last valid step whole": lambda o, n: o[np.arange(len(o)), n - 1],
    "forward half comes from the last column": lambda o, n: np.hstack(
        [o[:, -1, :3], o[:, 0, 3:]]
    ),
    "Step 0 is right": lambda o, n: o[:, 0],
    "exchanged": lambda o, n: np.hstack(
        [o[:, 0, :3], o[np.arange(len(o)), n - 1, 3:]]
    ),
    "stands first": rolled,
    "off by one": lambda o, n: np.hstack(
        [o[np.arange(len(o)), np.minimum(n, 4), :3], o[:, 0, 3:]]
    ),
    "expected": lambda o, n: o,
}


@pytest.mark.parametrize(
    ("check", "function", "mistake"),
    [
        (check, function, mistake)
        for check, mistakes in (
            (check_masked_loss, LOSSES),
            (check_final_states, POOLS),
            (check_score, SCORES),
            (check_line, LINES),
        )
        for mistake, function in mistakes.items()
    ],
)
def test_mistakes_are_named(check, function, mistake, capsys):
    assert check(function) is False
    printed = " ".join(capsys.readouterr().out.split())
    assert printed.startswith("Not yet. ")
    assert mistake in printed


@pytest.mark.parametrize(
    ("check", "function"),
    [
        (check_masked_loss, masked_loss),
        (
            check_masked_loss,
            lambda p, t, m: torch.nn.functional.mse_loss(p[m], t[m]),
        ),
        (check_final_states, pool),
        (check_score, score),
        (check_line, lambda x: 3 * (x[-1] - x[-2]) + x[-3]),
    ],
)
def test_right_functions_pass(check, function, capsys):
    assert check(function) is True
    assert capsys.readouterr().out.startswith("Right. ")
