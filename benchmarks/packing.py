"""What padding, packing and buckets cost on one CPU core, for five
distributions of length.

Runs `python -m benchmarks.packing`, about five CPU minutes. One epoch is
forward and backward over all rows, the loss the sum of each row's output at its
own last step. The ways are interleaved and each figure is the median CPU time.
A run that was
interrupted goes on where the results file ends; a complete file is measured
anew.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from benchmarks.record import record, recorded
from utils.data.batches import bucket_batches, pad
from utils.scratch import LSTM
from utils.weights import to_torch

LONGEST = 100
# input, hidden, batch, repeats
SIZES = {"small": (32, 64, 32, 7), "large": (64, 128, 64, 3)}
BATCHES = 20
Batch = tuple[np.ndarray, np.ndarray]  # padded rows and their lengths


def draw_lengths(name: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `n` lengths between 1 and LONGEST."""
    draws: dict[str, Callable[[], np.ndarray]] = {
        "all equal": lambda: np.full(n, LONGEST),
        "uniform 50 to 100": lambda: rng.integers(50, LONGEST + 1, n),
        "uniform 1 to 100": lambda: rng.integers(1, LONGEST + 1, n),
        "lognormal": lambda: rng.lognormal(np.log(20), 0.8, n),
        "Pareto": lambda: 5 * (1 + rng.pareto(1.2, n)),
    }
    return np.clip(draws[name]().round().astype(int), 1, LONGEST)


DISTRIBUTIONS = (
    "all equal",
    "uniform 50 to 100",
    "uniform 1 to 100",
    "lognormal",
    "Pareto",
)


def run_torch(
    layer: nn.LSTM, batches: list[Batch], packed: bool
) -> tuple[float, float]:
    """Run one epoch and return the loss and its CPU seconds."""
    tensors = [(torch.from_numpy(x), torch.from_numpy(n)) for x, n in batches]
    total = 0.0
    start = time.process_time()
    for x, lengths in tensors:
        layer.zero_grad()
        if packed:
            batch = pack_padded_sequence(
                x, lengths, batch_first=True, enforce_sorted=False
            )
            last = layer(batch)[1][0][0]
        else:
            last = layer(x)[0][torch.arange(len(x)), lengths - 1]
        loss = last.sum()
        loss.backward()
        total += loss.item()
    return total, time.process_time() - start


def run_numpy(layer: LSTM, batches: list[Batch]) -> tuple[float, float]:
    """Do the same with the book's layer, which leaves finished rows out of
    each step."""
    total = 0.0
    start = time.process_time()
    for x, lengths in batches:
        outputs, (h, c) = layer.forward(x, lengths=lengths)
        total += float(h.sum())
        layer.backward(
            np.zeros_like(outputs), (np.ones_like(h), np.zeros_like(c))
        )
    return total, time.process_time() - start


def draw_batches(
    distribution: str, size: str, batches: int = BATCHES
) -> tuple[list[Batch], list[Batch]]:
    """Draw rows and pad them in batches: rows at random, and the same rows
    in buckets."""
    inputs, _, batch_size, _ = SIZES[size]
    rng = np.random.default_rng(0)
    lengths = draw_lengths(distribution, batches * batch_size, rng)
    rows = [rng.normal(size=(n, inputs)).astype(np.float32) for n in lengths]
    at_random = np.split(rng.permutation(len(rows)), batches)
    in_buckets = bucket_batches(lengths, batch_size, rng)
    padded, bucketed = (
        [pad([rows[i] for i in batch]) for batch in chosen]
        for chosen in (at_random, in_buckets)
    )
    return padded, bucketed


def compare(
    distribution: str, size: str, batches: int = BATCHES, repeats: int = 0
) -> dict:
    """Time every way of running the same rows through the same weights."""
    inputs, hidden, _, default_repeats = SIZES[size]
    padded, bucketed = draw_batches(distribution, size, batches)
    ours = LSTM(inputs, hidden, rng=0, dtype=np.float32)
    theirs = to_torch(ours)
    # The habit of a data set that pads every row itself: the true lengths are
    # gone.
    fixed = [
        np.pad(x, ((0, 0), (0, LONGEST - x.shape[1]), (0, 0)))
        for x, _ in padded
    ]
    full = [(x, np.full(len(x), LONGEST)) for x in fixed]
    ways: dict[str, Callable[[], tuple[float, float]]] = {
        "pad": lambda: run_torch(theirs, padded, packed=False),
        "pack": lambda: run_torch(theirs, padded, packed=True),
        "bucket + pad": lambda: run_torch(theirs, bucketed, packed=False),
        "bucket + pack": lambda: run_torch(theirs, bucketed, packed=True),
        "NumPy": lambda: run_numpy(ours, padded),
        "bucket + NumPy": lambda: run_numpy(ours, bucketed),
        "padded by the data set, then packed": lambda: run_torch(
            theirs, full, packed=True
        ),
    }
    losses = {name: run()[0] for name, run in ways.items()}
    right = [loss for name, loss in losses.items() if "data set" not in name]
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats or default_repeats):
        for name, run in ways.items():
            seconds[name].append(run()[1])
    return {
        "milliseconds": {
            name: 1000 * statistics.median(each)
            for name, each in seconds.items()
        },
        "padding_share": {
            "pad": padding_share(padded),
            "bucket + pad": padding_share(bucketed),
        },
        "loss_spread": max(right) - min(right),
        "rows": sum(len(x) for x, _ in padded),
    }


def padding_share(batches: list[Batch]) -> float:
    """Return the share of the padded batches' steps that is padding."""
    cells = sum(x.shape[0] * x.shape[1] for x, _ in batches)
    return 1 - float(sum(lengths.sum() for _, lengths in batches)) / cells


def main() -> None:
    """Measure what the results file lacks, and record after each
    distribution."""
    torch.set_num_threads(1)
    results: dict[str, Any] = {
        "sizes": {
            name: dict(
                zip(("input", "hidden", "batch", "repeats"), size, strict=True)
            )
            for name, size in SIZES.items()
        }
    }
    held = recorded("packing")
    complete = all(
        set(held.get(size, ())) == set(DISTRIBUTIONS) for size in SIZES
    )
    results = results if complete else results | held
    for size in SIZES:
        for distribution in DISTRIBUTIONS:
            if distribution not in results.setdefault(size, {}):
                results[size][distribution] = compare(distribution, size)
                record("packing", results)
                print(
                    size,
                    distribution,
                    results[size][distribution]["milliseconds"],
                    flush=True,
                )


if __name__ == "__main__":
    main()
