"""Write a string backwards: accuracy against length, with and without
attention.

    python -m benchmarks.attention_reversal [--runs N]

Strings of one to twenty letters, fresh ones in every pass, with so many passes
under one learning-rate cycle, and strings up to twice as long to test on. The
models have 64 hidden units; whether the summary's size is what is short, a
third without attention tells, of 128. Each model's learning rate is chosen
first, over its most passes and with a seed of its own: the lowest loss on
fresh strings. Every run is saved as it ends and not repeated. All take about
forty minutes of one core. Chapter 09 shows the results.
"""

import time
from typing import Any

import numpy as np
import torch
from torch.optim.lr_scheduler import OneCycleLR

from benchmarks.trial import record_runs, rounded, tuned_budgets
from utils.attention.pytorch import (
    PairBatches,
    Seq2Seq,
    greedy_decode,
    sequence_loss,
)
from utils.data.pairs import PAD, Pairs, Symbols, encode_pairs
from utils.training import evaluate, fit

LETTERS = "abcdefghijklmnopqrst"
BATCH_SIZE = 64
LONGEST, ROWS = 20, 20_000
WIDER = "no attention, 128 units"
PASSES = {"attention": (2, 4), WIDER: (16,), "no attention": (4, 16)}
HIDDEN = {WIDER: 128}
SEEDS = range(3)
TEST_LENGTHS = (5, 10, 15, 20, 25, 30, 40)
TEST_ROWS, VALID_ROWS = 200, 2_000


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


def train(
    contender: str,
    passes: int,
    rate: float,
    seed: int,
    rows: int = ROWS,
    longest: int = LONGEST,
) -> tuple[Seq2Seq, list[float]]:
    """Train one model; return it and its loss in each pass."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    symbols = len(Symbols([LETTERS]))
    model = Seq2Seq(
        symbols,
        symbols,
        contender == "attention",
        hidden_size=HIDDEN.get(contender, 64),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    steps = passes * -(-rows // BATCH_SIZE)
    schedule = OneCycleLR(optimizer, rate, total_steps=steps + 1)
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
    return model, losses


def tune(
    contender: str, rate: float, seed: int, rows: int = ROWS
) -> dict[str, Any]:
    """Train one model for its most passes; return its loss on strings that no
    other run sees."""
    started = time.process_time()
    model, _ = train(contender, PASSES[contender][-1], rate, seed, rows)
    rng = np.random.default_rng(2000)
    valid = make_reversals(rng.integers(1, LONGEST + 1, VALID_ROWS), rng)
    loss = evaluate(model, PairBatches(valid, 500), loss=sequence_loss)["loss"]
    seconds = round(time.process_time() - started, 1)
    return {"error": rounded(loss), "seconds": seconds}


def measure(
    contender: str,
    passes: int,
    rate: float,
    seed: int,
    rows: int = ROWS,
    longest: int = LONGEST,
    test_lengths: tuple[int, ...] = TEST_LENGTHS,
) -> dict[str, Any]:
    """Train one model and score it by length."""
    started = time.process_time()
    model, losses = train(contender, passes, rate, seed, rows, longest)
    seconds = round(time.process_time() - started, 1)
    test_rng = np.random.default_rng(1000)
    return {
        "rate": rate,
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
    record_runs(
        "attention_reversal",
        lambda results, fresh: tuned_budgets(
            results, fresh, PASSES, SEEDS, tune, measure
        ),
    )


if __name__ == "__main__":
    main()
