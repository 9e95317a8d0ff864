"""What padding, packing and buckets cost on one CPU core: RNN, GRU and LSTM,
forward alone and trained, for four distributions of length.

    python -m benchmarks.packing

It takes about ten minutes of one quiet core. An epoch runs all rows, forward
or forward and backward; the loss is the sum of each row's output at its own
last step, so that every way must find the same. Each seed draws lengths, rows
and batches anew; the ways are interleaved, and each figure is the CPU time of
one epoch after one that warms up (the median, where `SIZES` asks for more
rounds). A run that was interrupted goes on where the results file ends; a
complete file is measured anew. Chapter 05 shows the results.
"""

import statistics
import time
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from benchmarks.record import record, recorded
from utils.data.batches import bucket_batches, budget_batches, pad

LONGEST = 100
SEEDS = range(5)
# input, hidden, rows in a batch, batches, rounds
SIZES = {"small": (32, 64, 32, 8, 1), "large": (64, 128, 64, 4, 1)}
CELLS = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}
MODES = ("forward", "trained")
DRAWS: dict[str, Callable[[int, np.random.Generator], np.ndarray]] = {
    "all equal": lambda n, rng: np.full(n, LONGEST),
    "uniform 50 to 100": lambda n, rng: rng.integers(50, LONGEST + 1, n),
    "uniform 1 to 100": lambda n, rng: rng.integers(1, LONGEST + 1, n),
    "lognormal": lambda n, rng: rng.lognormal(np.log(20), 0.8, n),
    "Pareto": lambda n, rng: 5 * (1 + rng.pareto(1.2, n)),
}
DISTRIBUTIONS = (
    "all equal",
    "uniform 50 to 100",
    "uniform 1 to 100",
    "lognormal",
)
Batch = tuple[np.ndarray, np.ndarray]  # padded rows and their lengths


def draw_lengths(name: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `n` lengths between 1 and LONGEST."""
    return np.clip(DRAWS[name](n, rng).round().astype(int), 1, LONGEST)


def draw_batches(
    distribution: str, size: str, seed: int
) -> dict[str, list[Batch]]:
    """Draw rows and batch them: at random, in buckets, and in buckets that
    hold as many steps, padding included, as a batch of the longest rows."""
    inputs, _, batch_size, batches, _ = SIZES[size]
    rng = np.random.default_rng(seed)
    lengths = draw_lengths(distribution, batches * batch_size, rng)
    rows = [rng.normal(size=(n, inputs)).astype(np.float32) for n in lengths]
    chosen = {
        "random": np.split(rng.permutation(len(rows)), batches),
        "bucket": bucket_batches(lengths, batch_size, rng),
        "budget": budget_batches(lengths, batch_size * LONGEST, rng),
    }
    return {
        kind: [pad([rows[i] for i in batch]) for batch in some]
        for kind, some in chosen.items()
    }


def padding_share(batches: list[Batch]) -> float:
    """Return the share of the padded batches' steps that is padding."""
    cells = sum(x.shape[0] * x.shape[1] for x, _ in batches)
    return 1 - float(sum(lengths.sum() for _, lengths in batches)) / cells


def run_epoch(
    layer: nn.Module, batches: list[Batch], packed: bool, trained: bool
) -> tuple[float, float]:
    """Run one epoch and return the loss and its CPU seconds."""
    tensors = [(torch.from_numpy(x), torch.from_numpy(n)) for x, n in batches]
    total = 0.0
    start = time.process_time()
    with torch.set_grad_enabled(trained):
        for x, lengths in tensors:
            layer.zero_grad()
            loss = last_outputs(layer, x, lengths, packed).sum()
            if trained:
                loss.backward()
            total += loss.item()
    return total, time.process_time() - start


def last_outputs(
    layer: nn.Module, x: torch.Tensor, lengths: torch.Tensor, packed: bool
) -> torch.Tensor:
    """Return each row's output at its own last step."""
    if not packed:
        return layer(x)[0][torch.arange(len(x)), lengths - 1]
    batch = pack_padded_sequence(x, lengths, True, enforce_sorted=False)
    state = layer(batch)[1]
    return (state[0] if isinstance(state, tuple) else state)[0]


def compare(
    cell: str, mode: str, distribution: str, size: str, seed: int
) -> dict[str, Any]:
    """Time every way of running the same rows through the same weights."""
    inputs, hidden, _, _, rounds = SIZES[size]
    torch.manual_seed(seed)
    layer = CELLS[cell](inputs, hidden, batch_first=True)
    batches = draw_batches(distribution, size, seed)
    ways = {
        "pad": (batches["random"], False),
        "pack": (batches["random"], True),
        "bucket + pad": (batches["bucket"], False),
        "bucket + pack": (batches["bucket"], True),
        "budget + pad": (batches["budget"], False),
    }
    trained = mode == "trained"
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    losses = []
    for round_number in range(rounds + 1):
        for name, (some, packed) in ways.items():
            loss, spent = run_epoch(layer, some, packed, trained)
            if round_number == 0:  # warms up
                losses.append(loss)
            else:
                seconds[name].append(spent)
    return {
        "milliseconds": {
            name: float(f"{1000 * statistics.median(each):.4g}")
            for name, each in seconds.items()
        },
        "padding share": {
            kind: round(padding_share(some), 4)
            for kind, some in batches.items()
        },
        "batches": {kind: len(some) for kind, some in batches.items()},
        "loss spread": max(losses) - min(losses),
    }


def main() -> None:
    """Measure what the results file lacks, saving after each seed."""
    torch.set_num_threads(1)
    jobs = list(product(SIZES, CELLS, MODES, DISTRIBUTIONS))
    results = recorded("packing")
    if all(str(seed) in results.get("runs", ()) for seed in SEEDS):
        results = {}
    results.setdefault("sizes", sizes())
    runs = results.setdefault("runs", {})
    for seed in SEEDS:
        if str(seed) not in runs:
            run: dict[str, Any] = {}
            for size, cell, mode, distribution in jobs:
                name = f"{size} / {cell} / {mode} / {distribution}"
                run[name] = compare(cell, mode, distribution, size, seed)
            runs[str(seed)] = run
            record("packing", results)
            print(f"seed {seed}: {len(run)} cases", flush=True)


def sizes() -> dict[str, dict[str, int]]:
    """Name the numbers of each size."""
    names = ("input", "hidden", "batch", "batches", "rounds")
    return {
        name: dict(zip(names, numbers, strict=True))
        for name, numbers in SIZES.items()
    }


if __name__ == "__main__":
    main()
