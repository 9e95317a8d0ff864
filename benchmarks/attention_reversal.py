"""Copy a string backwards: accuracy against length, with and without attention.

    python -m benchmarks.attention_reversal

Every run is saved as it ends, and runs that the results already hold are not
repeated. Each takes one or two minutes of one core. Chapter 09 shows the
results.
"""

import time
from typing import Any

import numpy as np
import torch
from torch.optim.lr_scheduler import OneCycleLR

from benchmarks.record import run_missing
from utils.attention.pytorch import (
    PairBatches,
    Seq2Seq,
    greedy_decode,
    sequence_loss,
)
from utils.data.pairs import PAD, Pairs, Symbols, encode_pairs
from utils.training import fit

LETTERS = "abcdefghijklmnopqrst"
BATCH_SIZE, PEAK_RATE = 64, 5e-3
# Longest string, rows, passes: short strings first, because they teach where to
# look at less cost.
STAGES = ((20, 20_000, 1), (60, 20_000, 1))
TEST_LENGTHS = (5, 10, 20, 30, 40, 50, 60, 70, 80)
TEST_ROWS = 100


def make_reversals(lengths: np.ndarray, rng: np.random.Generator) -> Pairs:
    """Draw strings of the given lengths from 20 letters, each with its
    reverse."""
    sources = ["".join(rng.choice(list(LETTERS), length)) for length in lengths]
    symbols = Symbols([LETTERS])
    return encode_pairs(
        sources, [source[::-1] for source in sources], symbols, symbols
    )


def accuracy(model: Seq2Seq, pairs: Pairs) -> dict[str, float]:
    """Return the shares of rows and of letters that the model, writing
    greedily, gets right."""
    source, lengths, _, after = map(torch.from_numpy, pairs)
    steps = after.shape[1]
    with torch.no_grad():
        written = greedy_decode(
            model, model.encode(source, lengths), steps
        ).symbols
    written = torch.nn.functional.pad(
        written, (0, steps - written.shape[1]), value=PAD
    )
    right = written == after
    return {
        "rows": float(right.all(dim=1).float().mean()),
        "letters": float(right[:, :-1].float().mean()),
    }


def measure(
    attention: bool,
    seed: int,
    stages: tuple[tuple[int, int, int], ...] = STAGES,
    test_lengths: tuple[int, ...] = TEST_LENGTHS,
) -> dict[str, Any]:
    """Train one model through all stages under one learning-rate cycle and
    score it by length."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    symbols = len(Symbols([LETTERS]))
    model = Seq2Seq(symbols, symbols, attention)
    optimizer = torch.optim.Adam(model.parameters(), lr=PEAK_RATE)
    steps = sum(passes * -(-rows // BATCH_SIZE) for _, rows, passes in stages)
    schedule = OneCycleLR(optimizer, PEAK_RATE, total_steps=steps + 1)
    started = time.process_time()
    losses = []
    for longest, rows, passes in stages:
        pairs = make_reversals(rng.integers(1, longest + 1, rows), rng)
        history = fit(
            model,
            PairBatches(pairs, BATCH_SIZE, rng),
            loss=sequence_loss,
            optimizer=optimizer,
            epochs=passes,
            clip=1.0,
            schedule=schedule,
        )
        losses += [round(row["train_loss"], 4) for row in history.rows]
    seconds = round(time.process_time() - started, 1)
    test_rng = np.random.default_rng(1000)
    scores = {
        length: accuracy(
            model, make_reversals(np.full(TEST_ROWS, length), test_rng)
        )
        for length in test_lengths
    }
    return {
        "training loss": losses,
        "accuracy by length": scores,
        "CPU seconds": seconds,
    }


def main() -> None:
    """Make every run that is not recorded yet."""
    torch.set_flush_denormal(True)
    run_missing(
        "attention_reversal",
        {
            f"{name}, seed {seed}": lambda attention=attention, seed=seed: (
                measure(attention, seed)
            )
            for seed in range(2)
            for name, attention in (
                ("attention", True),
                ("no attention", False),
            )
        },
    )


if __name__ == "__main__":
    main()
