"""How well noisy waves of unknown period are forecast without a network.

    python -m benchmarks.memory_waves

The order and the ridge of the adaptive forecast were chosen on three draws of
their own (`--tune` prints them); five fresh draws of rows are scored. It takes
about a minute of one core. Chapter 04 shows the results.
"""

import argparse
import itertools

import numpy as np

from benchmarks.memory import ORDER, RIDGE, SINE_LENGTH, SINES
from benchmarks.record import record
from benchmarks.trial import rounded
from utils.data.signals import make_sines
from utils.forecasting.waves import (
    adaptive_errors,
    shared_coefficients,
    sinusoid_forecast,
    windows,
)

SEEDS = range(5)
TUNING_SEEDS = range(100, 103)
SHARED_ORDERS = (2, 8, 24, 48)
ORDERS, RIDGES = (16, 24, 32), (1.0, 3.0, 10.0)
FIRST = SINE_LENGTH // 2 + 1
FREQUENCIES = np.linspace(1 / 50, 1 / 10, 80)
EVERY = 7


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw rows to fit and rows to score."""
    rng = np.random.default_rng(seed)
    steps = SINE_LENGTH + 1
    return (
        make_sines(2000, steps, rng, **SINES),
        make_sines(500, steps, rng, **SINES),
    )


def adaptive(seed: int, order: int, ridge: float) -> float:
    """Return the mean squared error of coefficients fitted to each row."""
    rows, test = drawn(seed)
    start = shared_coefficients(rows, order)
    return float(np.mean(adaptive_errors(test, start, ridge, FIRST) ** 2))


def sinusoids(seed: int) -> float:
    """Return that of two sinusoids, at every seventh of the scored steps."""
    _, test = drawn(seed)
    errors = [
        sinusoid_forecast(test[:, :t], FREQUENCIES, SINES["noise"]) - test[:, t]
        for t in range(FIRST, SINE_LENGTH + 1, EVERY)
    ]
    return float(np.mean(np.square(errors)))


def errors(seed: int) -> dict[str, float]:
    """Score every forecast on the second half of one draw of test rows."""
    rows, test = drawn(seed)
    found = {"last value": np.mean(np.diff(test, axis=1)[:, FIRST - 1 :] ** 2)}
    for order in SHARED_ORDERS:
        past, following = windows(test, order)
        last = slice(FIRST - SINE_LENGTH - 1, None)
        forecasts = past[:, last] @ shared_coefficients(rows, order)
        error = forecasts - following[:, last]
        found[f"AR({order}), one for all rows"] = np.mean(error**2)
    found[f"AR({ORDER}), fitted to the row"] = adaptive(seed, ORDER, RIDGE)
    found["two sinusoids, fitted to the row"] = sinusoids(seed)
    return {name: rounded(float(error)) for name, error in found.items()}


def main() -> None:
    """Score the fresh draws, or print the tuning's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tune", action="store_true", help="tune, no more")
    if parser.parse_args().tune:
        for order, ridge in itertools.product(ORDERS, RIDGES):
            error = np.mean([adaptive(s, order, ridge) for s in TUNING_SEEDS])
            print(f"order {order}, ridge {ridge:g}: {error:.4f}", flush=True)
        return
    record(
        "memory_waves",
        {
            "noise": rounded(SINES["noise"] ** 2),
            "runs": {
                f"{name} / {seed}": error
                for seed in SEEDS
                for name, error in errors(seed).items()
            },
        },
    )


if __name__ == "__main__":
    main()
