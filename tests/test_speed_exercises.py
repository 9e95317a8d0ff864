"""The checkers of chapter 13 name the mistake that a function makes."""

import numpy as np
import pytest

from utils.exercises import (
    check_combined_gradient,
    check_intensity,
    check_ring_seconds,
)


def moved(N, H):
    return 4 * (N * H + 3 * H * H + 3 * N * H)


INTENSITIES = {
    "one operation": lambda N, H: 3 * N * H * H / moved(N, H),
    "four bytes": lambda N, H: 24 * N * H * H / moved(N, H),
    "leaves out the result": lambda N, H: 6 * N * H / (4 * (N + 3 * H)),
    "weights alone": lambda N, H: N / 2,
    "four gates": lambda N, H: 8 * N * H / (4 * (5 * N + 4 * H)),
    "match none": lambda N, H: N + H,
}
GRADIENTS = {
    "same weight": lambda g, n: g.mean(0),
    "does not divide": lambda g, n: n @ g,
    "processes' means": lambda g, n: g.sum(0),
    "that of all rows": lambda g, n: n @ g / 4,
    "divided already": lambda g, n: (g / n[:, None]).sum(0),
    "return": lambda g, n: None,
}
RINGS = {
    "divide C by n": lambda n, C, S, a, b: C + 2 * (n - 1) * (a + S / n / b),
    "S / n of them": lambda n, C, S, a, b: C / n + 2 * (n - 1) * (a + S / b),
    "hand the sums": lambda n, C, S, a, b: C / n + (n - 1) * (a + S / n / b),
    "to itself": lambda n, C, S, a, b: C / n + 2 * n * (a + S / n / b),
    "latency out": lambda n, C, S, a, b: C / n + 2 * (n - 1) * S / n / b,
    "bytes a second": lambda n, C, S, a, b: (
        C / n + 2 * (n - 1) * (a + S / n * b)
    ),
}


@pytest.mark.parametrize(
    ("check", "function", "mistake"),
    [
        (check, function, mistake)
        for check, functions in (
            (check_intensity, INTENSITIES),
            (check_combined_gradient, GRADIENTS),
            (check_ring_seconds, RINGS),
        )
        for mistake, function in functions.items()
    ],
)
def test_a_mistake_is_named(check, function, mistake, capsys):
    assert not check(function)
    assert mistake in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("check", "function"),
    [
        (check_intensity, lambda N, H: 6 * N * H * H / moved(N, H)),
        (check_combined_gradient, lambda g, n: np.average(g, 0, n)),
        (
            check_ring_seconds,
            lambda n, C, S, a, b: C / n + 2 * (n - 1) * (a + S / n / b),
        ),
    ],
)
def test_the_right_function_passes(check, function, capsys):
    assert check(function)
    assert capsys.readouterr().out.startswith("Right.")
