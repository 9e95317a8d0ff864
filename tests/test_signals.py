"""The synthetic signals: their shapes, their seeds, and the scores known in
advance."""

import numpy as np
import pytest

from utils.data.signals import (
    make_adding,
    make_binary_sums,
    make_copy,
    make_markers,
    make_running_sums,
    make_sines,
)


def test_adding_targets_are_the_sums_of_the_marked_numbers():
    inputs, targets = make_adding(50, 30, rng=0)
    assert inputs.shape == (50, 30, 2)
    numbers, marks = inputs[..., 0], inputs[..., 1]
    np.testing.assert_array_equal(marks[:, :15].sum(axis=1), 1)
    np.testing.assert_array_equal(marks[:, 15:].sum(axis=1), 1)
    np.testing.assert_allclose(
        (numbers * marks).sum(axis=1, keepdims=True), targets
    )


def test_always_answering_one_scores_a_sixth_on_the_adding_problem():
    _, targets = make_adding(100_000, 4, rng=0)
    # The standard error of the mean of (target - 1)^2 over 100,000 rows is
    # below 0.0007.
    assert np.mean((targets - 1) ** 2) == pytest.approx(1 / 6, abs=0.003)


def test_copy_rows_hold_the_word_the_signal_and_the_answer():
    inputs, targets = make_copy(20, lag=7, rng=0)
    assert inputs.shape == targets.shape == (20, 27)
    np.testing.assert_array_equal(inputs[:, :10], targets[:, -10:])
    np.testing.assert_array_equal(inputs[:, 10:16], 8)
    np.testing.assert_array_equal(inputs[:, 16], 9)
    np.testing.assert_array_equal(inputs[:, 17:], 8)
    np.testing.assert_array_equal(targets[:, :-10], 8)
    assert set(np.unique(inputs[:, :10])) == set(range(8))


@pytest.mark.parametrize("period", [5.0, 12.5, 40.0])
def test_two_coefficients_continue_a_clean_sine(period):
    x = make_sines(4, 60, rng=0, periods=(period, period))
    predicted = 2 * np.cos(2 * np.pi / period) * x[:, 1:-1] - x[:, :-2]
    np.testing.assert_allclose(predicted, x[:, 2:], atol=1e-12)


def test_noise_is_added_to_the_same_clean_waves():
    clean = make_sines(200, 100, rng=3, waves=2)
    noisy = make_sines(200, 100, rng=3, waves=2, noise=0.3)
    assert np.std(noisy - clean) == pytest.approx(0.3, rel=0.03)
    assert np.abs(clean).max() <= 2


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: make_adding(3, 9, rng)[0],
        lambda rng: make_copy(3, 9, rng)[0],
        lambda rng: make_sines(3, 9, rng, noise=0.1),
    ],
)
def test_a_seed_fixes_the_rows(make):
    np.testing.assert_array_equal(make(5), make(5))
    assert not np.array_equal(make(5), make(6))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: make_adding(3, 1, 0), "length is 1"),
        (lambda: make_copy(3, 0, 0), "lag is 0"),
        (
            lambda: make_sines(3, 9, 0, periods=(2.0, 9.0)),
            "longer than 2 steps",
        ),
    ],
)
def test_impossible_requests_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_binary_sums_are_sums():
    digits, totals = make_binary_sums(40, 12, rng=0)
    assert digits.shape == (40, 12, 2)
    weights = 2 ** np.arange(12)
    summands = weights @ digits.astype(int)
    np.testing.assert_array_equal(
        summands.sum(axis=1) % 2**12, totals @ weights
    )


def test_binary_sums_need_a_digit():
    with pytest.raises(ValueError, match="length is 0"):
        make_binary_sums(3, 0, rng=0)


def test_markers_start_the_count_anew():
    markers, ago = make_markers(20, 200, rng=0)
    assert markers.shape == ago.shape == (20, 200, 1)
    assert markers.mean() == pytest.approx(0.1, abs=0.02)
    steps = 10 * ago
    np.testing.assert_allclose(steps[markers == 1], 0)
    goes_on = markers[:, 1:] == 0
    np.testing.assert_allclose(np.diff(steps, axis=1)[goes_on], 1)
    np.testing.assert_array_equal(steps[:, 0], 0)


def test_running_sums_begin_anew_at_a_marker():
    x, sums = make_running_sums(20, 50, rng=0)
    numbers, marked = x[..., 0], x[..., 1] == 1
    for row in range(20):
        total = 0.0
        for t in range(50):
            total = numbers[row, t] + (0 if marked[row, t] else total)
            assert sums[row, t, 0] == pytest.approx(total)
