"""Write a string backwards: accuracy against length, with and without
attention.

    python -m benchmarks.attention_reversal [--runs N]

Strings of one to twenty letters, fresh ones in every pass, with so many passes
under one learning-rate cycle, and strings up to twice as long to test on. The
models have 64 hidden units; whether the summary's size is what is short, a
third without attention tells, of 128. Every run is saved as it ends and not
repeated. All take about half an hour of one core. The rates are not tuned:
that of the dates is taken. Chapter 09 shows the results.
"""

import time
from typing import Any

import numpy as np
import torch
from torch.optim.lr_scheduler import OneCycleLR

from benchmarks.trial import each_budget, not_recorded, record_runs
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
LONGEST, ROWS = 20, 20_000
WIDER = "no attention, 128 units"
PASSES = {"attention": (2, 4), WIDER: (16,), "no attention": (4, 16)}
HIDDEN = {WIDER: 128}
SEEDS = range(3)
TEST_LENGTHS = (5, 10, 15, 20, 25, 30, 40)
TEST_ROWS = 200


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
    passes: int,
    seed: int,
    rows: int = ROWS,
    longest: int = LONGEST,
    test_lengths: tuple[int, ...] = TEST_LENGTHS,
    hidden_size: int = 64,
) -> dict[str, Any]:
    """Train one model and score it by length."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    symbols = len(Symbols([LETTERS]))
    model = Seq2Seq(symbols, symbols, attention, hidden_size=hidden_size)
    optimizer = torch.optim.Adam(model.parameters(), lr=PEAK_RATE)
    steps = passes * -(-rows // BATCH_SIZE)
    schedule = OneCycleLR(optimizer, PEAK_RATE, total_steps=steps + 1)
    started = time.process_time()
    losses = []
    for _ in range(passes):
        pairs = make_reversals(rng.integers(1, longest + 1, rows), rng)
        history = fit(
            model,
            PairBatches(pairs, BATCH_SIZE, rng),
            loss=sequence_loss,
            optimizer=optimizer,
            epochs=1,
            clip=1.0,
            schedule=schedule,
        )
        losses.append(round(history.rows[0]["train_loss"], 4))
    seconds = round(time.process_time() - started, 1)
    test_rng = np.random.default_rng(1000)
    return {
        "seconds": seconds,
        "parameters": sum(p.numel() for p in model.parameters()),
        "training loss": losses,
        "accuracy by length": {
            str(length): accuracy(
                model, make_reversals(np.full(TEST_ROWS, length), test_rng)
            )
            for length in test_lengths
        },
    }


def main() -> None:
    """Make every run that is not recorded yet."""
    torch.set_flush_denormal(True)
    wanted = each_budget(
        PASSES,
        SEEDS,
        lambda name, passes, seed: measure(
            name == "attention",
            passes,
            seed,
            hidden_size=HIDDEN.get(name, 64),
        ),
    )
    record_runs(
        "attention_reversal",
        lambda results, fresh: not_recorded(results, wanted),
    )


if __name__ == "__main__":
    main()
