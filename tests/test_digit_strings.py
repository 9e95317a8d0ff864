"""Questions about strings of digits, and the best that can be known."""

import itertools

import numpy as np
import pytest

from utils.data import digit_strings
from utils.data.digit_strings import (
    best_accuracy,
    best_marks,
    both_ends,
    draw_digit_strings,
    occurs_once,
)


def test_strings_have_their_lengths_and_digits():
    strings = draw_digit_strings(500, 3, 5, 0)
    assert {len(each) for each in strings} == {3, 4, 5}
    assert set(np.concatenate(strings)) == set(range(10))


def test_both_ends_by_hand():
    assert both_ends(np.array([4, 9, 9, 5])) == 2
    assert both_ends(np.array([5, 0, 4])) == 1
    assert both_ends(np.array([0])) == 3


def test_occurs_once_by_hand():
    assert occurs_once(np.array([3, 1, 3, 0])).tolist() == [0, 1, 0, 1]


def test_marks_by_hand():
    digits = np.array([3, 1, 3, 0])
    # Nothing has occurred before, and little is left: everything new is alone.
    assert best_marks(digits, 0, 4, 4).tolist() == [1, 1, 0, 1]
    # One step of look-ahead does not reach the second 3, two do.
    assert best_marks(digits, 1, 4, 4).tolist() == [1, 1, 0, 1]
    assert best_marks(digits, 2, 4, 4).tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("look_ahead", [0, 1, 2, 5])
def test_the_best_accuracy_by_counting_all_strings(look_ahead, monkeypatch):
    """With three digits, every string of 2 to 5 can be written down."""
    monkeypatch.setattr(digit_strings, "DIGITS", 3)
    right = steps = 0.0
    for n in range(2, 6):
        for string in itertools.product(range(3), repeat=n):
            digits = np.array(string)
            truth = occurs_once(digits)
            marks = best_marks(digits, look_ahead, 2, 5)
            right += (marks == truth).sum() / 3**n
            steps += n / 3**n
    assert best_accuracy(look_ahead, 2, 5) == pytest.approx(right / steps)


@pytest.mark.parametrize("look_ahead", [0, 1, 2])
def test_no_rule_on_the_same_view_is_better(look_ahead, monkeypatch):
    """A table from view to likeliest answer is the optimum by definition."""
    monkeypatch.setattr(digit_strings, "DIGITS", 3)
    table: dict[tuple, np.ndarray] = {}
    for n in range(2, 6):
        for string in itertools.product(range(3), repeat=n):
            digits = np.array(string)
            truth = np.bincount(digits, minlength=3)[digits] == 1
            padded = (*string, *[None] * look_ahead)
            for t in range(n):
                view = (t, padded[: t + look_ahead + 1])
                table.setdefault(view, np.zeros(2))[int(truth[t])] += 3.0**-n
    counts = np.array(list(table.values()))
    expected = counts.max(axis=1).sum() / counts.sum()
    assert best_accuracy(look_ahead, 2, 5) == pytest.approx(expected)


def test_seeing_everything_is_being_right():
    assert best_accuracy(11, 5, 12) == pytest.approx(1)
    assert best_accuracy(0, 5, 12) < best_accuracy(1, 5, 12) < 1


def test_no_string_is_that_long():
    with pytest.raises(ValueError, match="longest string has 12"):
        digit_strings.chance_alone(12, 1, 5, 12)
