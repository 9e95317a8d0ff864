"""Time several ways of one thing in turn, so that ratios compare like with
like."""

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import torch
from threadpoolctl import threadpool_limits

ROUNDS = 7


def in_turn(
    ways: Mapping[str, Callable[[], Any]],
    rounds: int = ROUNDS,
    threads: Mapping[str, int] | None = None,
    repeats: int = 1,
) -> dict[str, list[float]]:
    """Return each way's milliseconds of wall time, one for each round.

    Two untimed calls of each come first: whatever is compiled or allocated
    once is then done. A round runs every way once.

    Args:
        ways: what to time, by name.
        rounds: how many.
        threads: how many threads each way may use; 1 if None.
        repeats: calls within one measurement, for what takes microseconds.
    """
    times: dict[str, list[float]] = {name: [] for name in ways}

    def take(name: str, run: Callable[[], Any], number: int) -> None:
        before = time.perf_counter()
        for _ in range(repeats):
            run()
        taken = time.perf_counter() - before
        if number >= 0:
            times[name].append(round(1000 * taken / repeats, 6))

    torch.set_num_threads(1)
    with threadpool_limits(1):
        for number in range(-2, rounds):
            for name, run in ways.items():
                if threads is None:
                    # Not even a look at the number of threads comes between.
                    take(name, run, number)
                    continue
                torch.set_num_threads(threads[name])
                with threadpool_limits(threads[name]):
                    take(name, run, number)
    torch.set_num_threads(1)
    return times


def ratios(
    times: Mapping[str, list[float]], slow: str, fast: str
) -> list[float]:
    """Return how many times longer one way takes than another, by round."""
    return [a / b for a, b in zip(times[slow], times[fast], strict=True)]


def ratio(times: Mapping[str, list[float]], slow: str, fast: str) -> float:
    """Return the median over the rounds of `ratios`."""
    return median(ratios(times, slow, fast))
