"""The checkers of chapter 07 name the mistake that a function makes."""

import numpy as np
import pytest

from utils.exercises import check_joined, check_shifted
from utils.scratch.bidirectional import reverse_rows


def beside(ahead, back):
    return np.concatenate([ahead, back], axis=2)


JOINS = {
    "never turned back": lambda a, b, n: beside(a, b),
    "padding and all": lambda a, b, n: beside(a, b[:, ::-1]),
    "order of the rows": lambda a, b, n: beside(a, b[::-1]),
    "order of the features": lambda a, b, n: beside(a, b[..., ::-1]),
    "stands first": lambda a, b, n: beside(reverse_rows(b, n), a),
    "turns the forward half": lambda a, b, n: beside(reverse_rows(a, n), b),
    "turns both halves": lambda a, b, n: reverse_rows(beside(a, b), n),
    "is expected": lambda a, b, n: a,
    "match none": lambda a, b, n: beside(a, 2 * reverse_rows(b, n)),
}


def shift(outputs, ahead=1, back=-1):
    moved = np.zeros_like(outputs)
    steps, half = outputs.shape[1], outputs.shape[2] // 2
    for part, by in ((slice(0, half), ahead), (slice(half, None), back)):
        for t in range(steps):
            if 0 <= t - by < steps:
                moved[:, t, part] = outputs[:, t - by, part]
    return moved


def rolled(outputs):
    ahead, back = np.split(outputs, 2, axis=2)
    return beside(np.roll(ahead, 1, axis=1), np.roll(back, -1, axis=1))


SHIFTS = {
    "Nothing has moved": lambda o: o,
    "the wrong way": lambda o: shift(o, -1, 1),
    "moved one step later": lambda o: shift(o, 1, 1),
    "moved one step earlier": lambda o: shift(o, -1, -1),
    "The forward half is right": lambda o: shift(o, 1, 0),
    "The backward half is right": lambda o: shift(o, 0, -1),
    "rolls the states round": rolled,
    "match none": lambda o: shift(o) * 2,
}


@pytest.mark.parametrize(
    ("check", "function", "mistake"),
    [(check_joined, each, mistake) for mistake, each in JOINS.items()]
    + [(check_shifted, each, mistake) for mistake, each in SHIFTS.items()],
)
def test_mistakes_are_named(check, function, mistake, capsys):
    assert check(function) is False
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    printed = " ".join(lines)
    assert printed.startswith("Not yet. ")
    assert mistake in printed


@pytest.mark.parametrize(
    ("check", "function"),
    [
        (check_joined, lambda a, b, n: beside(a, reverse_rows(b, n))),
        (check_shifted, shift),
    ],
)
def test_right_functions_pass(check, function, capsys):
    assert check(function) is True
    assert capsys.readouterr().out.startswith("Right. ")
