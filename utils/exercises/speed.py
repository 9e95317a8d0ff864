"""The checkers of operations per byte, of shared gradients and of a ring of
workers. Chapter 13."""

from collections.abc import Callable
from typing import Any

import numpy as np

from utils.exercises.judge import Array, Variant, draw, judge


def check_intensity(intensity: Callable[..., Any]) -> bool:
    """Say whether `intensity(N, H)` counts the operations for each byte of
    N states of H numbers times a matrix of H × 3 H, in float32.

    Both arguments are arrays of the same shape. Chapter 13.
    """
    case = {"N": np.array([1.0, 8.0, 64.0]), "H": np.array([16.0, 128.0, 32.0])}

    def right(N: Array, H: Array) -> Array:
        return 6 * N * H * H / (4 * (N * H + 3 * H * H + 3 * N * H))

    variants = [
        Variant(
            "Two operations a weight and row, over every byte moved once.",
            right,
            right=True,
        ),
        Variant(
            "It counts one operation for each weight and row; a product and a "
            "sum are two.",
            lambda N, H: right(N, H) / 2,
        ),
        Variant(
            "It divides by numbers; a float32 number has four bytes.",
            lambda N, H: right(N, H) * 4,
        ),
        Variant(
            "It leaves out the result, N × 3 H numbers that are written.",
            lambda N, H: 6 * N * H * H / (4 * (N * H + 3 * H * H)),
        ),
        Variant(
            "It counts the bytes of the weights alone; states and results "
            "move too.",
            lambda N, H: 6 * N * H * H / (12 * H * H),
        ),
        Variant(
            "It has four gates, an LSTM's; a GRU has three.",
            lambda N, H: 8 * N * H * H / (4 * (N * H + 4 * H * H + 4 * N * H)),
        ),
    ]
    return judge(intensity, [case], variants)


def check_combined_gradient(combined: Callable[..., Any]) -> bool:
    """Say whether `combined(gradients, rows)` is the gradient of the mean over
    all rows.

    Shapes: gradients (processes, parameters), each that of the mean over the
        process's own rows; rows (processes,). Chapter 13.
    """
    case = draw(0, gradients=(4, 3)) | {"rows": np.array([3.0, 3.0, 2.0, 2.0])}
    variants = [
        Variant(
            "Each process weighs as many rows as it has.",
            lambda g, n: n @ g / n.sum(),
            right=True,
        ),
        Variant(
            "It gives every process the same weight: a row of a small share "
            "then counts more than one of a large share.",
            lambda g, n: g.mean(axis=0),
        ),
        Variant(
            "It adds and does not divide by the rows of all processes.",
            lambda g, n: n @ g,
        ),
        Variant(
            "It adds the processes' means; that is as many times too long as "
            "there are processes.",
            lambda g, n: g.sum(axis=0),
        ),
        Variant(
            "It divides by the number of processes; divide by that of all "
            "rows.",
            lambda g, n: n @ g / len(n),
        ),
        Variant(
            "It divides each mean by its rows, and they have been divided "
            "already: multiply.",
            lambda g, n: (g / n[:, None]).sum(axis=0),
        ),
    ]
    return judge(combined, [case], variants)


def check_ring_seconds(seconds: Callable[..., Any]) -> bool:
    """Say whether `seconds(n, C, S, latency, bandwidth)` is a step of n
    workers.

    All arguments are arrays of the same shape. Chapter 13.
    """
    case = {
        "n": np.array([2.0, 8.0, 64.0]),
        "C": np.array([1.0, 2.0, 3.0]),
        "S": np.array([5.0, 7.0, 11.0]),
        "latency": np.array([0.5, 0.3, 0.2]),
        "bandwidth": np.array([3.0, 2.0, 4.0]),
    }

    def ring(n: Array, C: Array, S: Array, a: Array, b: Array) -> Array:
        return C / n + 2 * (n - 1) * (a + S / n / b)

    variants = [
        Variant(
            "The share of the computing, and 2 (n - 1) messages.",
            ring,
            right=True,
        ),
        Variant(
            "Each worker computes the whole batch: divide C by n.",
            lambda n, C, S, a, b: ring(n, C, S, a, b) - C / n + C,
        ),
        Variant(
            "Each message carries all S bytes; in a ring it is S / n of them.",
            lambda n, C, S, a, b: C / n + 2 * (n - 1) * (a + S / b),
        ),
        Variant(
            "It sends n - 1 messages. That sums the parts; as many again "
            "hand the sums round.",
            lambda n, C, S, a, b: C / n + (n - 1) * (a + S / n / b),
        ),
        Variant(
            "It sends 2 n messages; the last worker need not send to itself.",
            lambda n, C, S, a, b: C / n + 2 * n * (a + S / n / b),
        ),
        Variant(
            "It leaves the latency out.",
            lambda n, C, S, a, b: C / n + 2 * (n - 1) * S / n / b,
        ),
        Variant(
            "It multiplies by the bandwidth; bytes over bytes a second are "
            "seconds.",
            lambda n, C, S, a, b: C / n + 2 * (n - 1) * (a + S / n * b),
        ),
    ]
    return judge(seconds, [case], variants)
