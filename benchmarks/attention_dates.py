"""Dates into ISO 8601: seeds, the same without attention, without a mask, in
Keras.

    python -m benchmarks.attention_dates

Every run is saved as it ends, and runs that the results already hold are not
repeated. All take about ten minutes of one core. Chapter 09 shows the results.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.stats import kendalltau
from torch import Tensor
from torch.optim.lr_scheduler import OneCycleLR

from benchmarks.record import run_missing
from utils.attention.pytorch import (
    AdditiveAttention,
    Memory,
    PairBatches,
    Seq2Seq,
    exact_matches,
    greedy_decode,
    input_gradients,
    sequence_loss,
)
from utils.data.dates import make_dates
from utils.data.pairs import PAD, Pairs, Symbols, encode_pairs
from utils.training import fit

TRAIN_ROWS, TEST_ROWS = 20_000, 2_000
BATCH_SIZE, PEAK_RATE = 128, 5e-3
STEPS = 11
EXTRA_PADDING = (0, 5, 10, 20, 40)


class Dates:
    """The book's dates, numbered and split; as no day comes twice, the split
    is by date."""

    def __init__(
        self, train_rows: int = TRAIN_ROWS, test_rows: int = TEST_ROWS
    ):
        pairs = make_dates(train_rows + test_rows, rng=0)
        self.source_symbols = Symbols(pair.text for pair in pairs[:train_rows])
        self.target_symbols = Symbols(pair.iso for pair in pairs[:train_rows])
        encoded = encode_pairs(
            [pair.text for pair in pairs],
            [pair.iso for pair in pairs],
            self.source_symbols,
            self.target_symbols,
        )
        self.train = encoded.rows(slice(0, train_rows))
        self.test = encoded.rows(slice(train_rows, None))

    def model(self, attention: bool, kind: type[Seq2Seq] = Seq2Seq) -> Seq2Seq:
        """Make an untrained model of the dates' sizes."""
        return kind(
            len(self.source_symbols), len(self.target_symbols), attention
        )


class Unmasked(Seq2Seq):
    """The mistake: padding is encoded like any symbol, and attended to."""

    def encode(self, source: Tensor, lengths: Tensor) -> Memory:
        """Read every row to the end of its padding."""
        full = torch.full_like(lengths, source.shape[1])
        return (
            super()
            .encode(source, full)
            ._replace(mask=torch.ones_like(source, dtype=torch.bool))
        )


def train(model: Seq2Seq, dates: Dates, epochs: int, seed: int) -> list[float]:
    """Train for `epochs` under one learning-rate cycle; return exact matches
    after each."""
    optimizer = torch.optim.Adam(model.parameters(), lr=PEAK_RATE)
    batches = PairBatches(dates.train, BATCH_SIZE, seed)
    schedule = OneCycleLR(
        optimizer, PEAK_RATE, total_steps=epochs * len(batches) + 1
    )
    scores = []
    for _ in range(epochs):
        fit(
            model,
            batches,
            loss=sequence_loss,
            optimizer=optimizer,
            epochs=1,
            clip=1.0,
            schedule=schedule,
        )
        scores.append(float(exact_matches(model, dates.test, STEPS).mean()))
    return scores


def after_first_error(model: Seq2Seq, pairs: Pairs) -> dict[str, float]:
    """Compare teacher forcing with free running on the symbols after a row's
    first mistake.

    Up to and including that mistake the two agree, because both have fed the
    model the same symbols; after it, one feeds the truth and the other what the
    model wrote.
    """
    source, lengths, before, after = map(torch.from_numpy, pairs)
    with torch.no_grad():
        forced = model(source, lengths, before).argmax(dim=2)
    memory = model.encode(source, lengths)
    free = greedy_decode(model, memory, after.shape[1]).symbols
    free = torch.nn.functional.pad(
        free, (0, after.shape[1] - free.shape[1]), value=PAD
    )
    wrong = (forced != after) & (after != PAD)
    later = (wrong.cumsum(dim=1) - wrong.int() > 0) & (after != PAD)
    return {
        "rows with a mistake": float(wrong.any(dim=1).float().mean()),
        "symbols after it": int(later.sum()),
        "right, true symbols fed": float(
            (forced == after)[later].float().mean()
        ),
        "right, own symbols fed": float((free == after)[later].float().mean()),
    }


class PermutedAttention(AdditiveAttention):
    """The trained attention with its weights dealt out anew among each row's
    valid positions."""

    def attend(
        self,
        query: Tensor,
        keys: Tensor,
        projected: Tensor,
        mask: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Mix the keys with permuted weights."""
        _, weights = super().attend(query, keys, projected, mask)
        order = (torch.rand_like(weights) + (~mask).float()).argsort(dim=1)
        weights = weights.gather(1, order)
        return torch.bmm(weights[:, None], keys)[:, 0], weights


def explanation(model: Seq2Seq, pairs: Pairs) -> dict[str, float]:
    """Hold the attention weights against input gradients, and against a random
    permutation.

    Both tests are Jain and Wallace's (2019). The rank correlation is Kendall's,
    over a row's valid source positions, averaged over rows and target symbols
    without the end.
    """
    source, lengths, before, after = map(torch.from_numpy, pairs)
    gradients = input_gradients(model, source, lengths, before, after).numpy()
    _, weights = greedy_decode(model, model.encode(source, lengths), STEPS)
    correlations, same_top = [], []
    for row, length in enumerate(pairs.lengths):
        for step in range(STEPS - 1):
            ours = weights[row, step, :length].numpy()
            theirs = gradients[row, step, :length]
            correlations.append(kendalltau(ours, theirs).statistic)
            same_top.append(ours.argmax() == theirs.argmax())
    kept = model.attention
    model.attention = PermutedAttention(
        kept.query.in_features, kept.key.in_features, kept.query.out_features
    )
    model.attention.load_state_dict(kept.state_dict())
    permuted_score = float(exact_matches(model, pairs, STEPS).mean())
    model.attention = kept
    return {
        "rank correlation": float(np.mean(correlations)),
        "same top position": float(np.mean(same_top)),
        "exact match, weights permuted": permuted_score,
    }


def plain(
    dates: Dates, attention: bool, epochs: int, seed: int, teacher: float = 1.0
) -> dict[str, Any]:
    """Train one model and score it."""
    torch.manual_seed(seed)
    model = dates.model(attention)
    model.teacher = teacher
    started = time.process_time()
    scores = train(model, dates, epochs, seed)
    result = {
        "exact match by epoch": scores,
        "CPU seconds": round(time.process_time() - started, 1),
        "after the first mistake": after_first_error(model, dates.test),
    }
    if attention:
        result["exact match by extra padding"] = extra_padding(
            model, dates.test
        )
        result["explanation"] = explanation(
            model, dates.test.rows(slice(0, 300))
        )
    return result


def extra_padding(model: Seq2Seq, pairs: Pairs) -> dict[int, float]:
    """Return the exact matches with so many more columns of padding behind
    every source.

    All rows stand in one array, so that no extra column means padding to the
    longest date.
    """
    scores = {}
    for columns in EXTRA_PADDING:
        wider = np.pad(
            pairs.source, ((0, 0), (0, columns)), constant_values=PAD
        )
        source, lengths, _, after = map(
            torch.from_numpy, pairs._replace(source=wider)
        )
        written = greedy_decode(
            model, model.encode(source, lengths), STEPS
        ).symbols
        written = torch.nn.functional.pad(
            written, (0, STEPS - written.shape[1]), value=PAD
        )
        scores[columns] = float((written == after).all(dim=1).float().mean())
    return scores


def unmasked(dates: Dates, seed: int = 0) -> dict[str, Any]:
    """Train and use a model that takes padding for a symbol."""
    torch.manual_seed(seed)
    model = dates.model(attention=True, kind=Unmasked)
    scores = train(model, dates, epochs=2, seed=seed)
    return {
        "exact match by epoch": scores,
        "exact match by extra padding": extra_padding(model, dates.test),
    }


def keras_twin(dates: Dates, epochs: int = 2) -> dict[str, Any]:
    """Train the Keras model from its own initial weights, on whole-width
    batches."""
    import keras

    from utils.attention import keras as keras_attention

    keras.utils.set_random_seed(0)
    model = keras_attention.Seq2Seq(
        len(dates.source_symbols), len(dates.target_symbols)
    )
    steps = epochs * -(-len(dates.train.source) // BATCH_SIZE)
    rate = keras.optimizers.schedules.CosineDecay(
        PEAK_RATE / 25,
        steps,
        warmup_target=PEAK_RATE,
        warmup_steps=int(0.3 * steps),
    )
    optimizer = keras.optimizers.Adam(rate, clipnorm=1.0)
    model.compile(optimizer, keras_attention.sequence_loss)
    started = time.process_time()
    train_rows, test_rows = dates.train, dates.test
    history = model.fit(
        (train_rows.source, train_rows.before),
        train_rows.after,
        batch_size=BATCH_SIZE,
        epochs=epochs,
        verbose=0,
    )
    seconds = time.process_time() - started
    written, _ = model.write(test_rows.source, STEPS)
    written = np.pad(written, ((0, 0), (0, STEPS - written.shape[1])))
    return {
        "exact match": float((written == test_rows.after).all(axis=1).mean()),
        "training loss by epoch": [
            round(loss, 4) for loss in history.history["loss"]
        ],
        "CPU seconds": round(seconds, 1),
    }


def main() -> None:
    """Make every run that is not recorded yet."""
    torch.set_flush_denormal(True)
    dates = Dates()
    runs: dict[str, Callable[[], Any]] = {}
    for seed in range(3):
        runs[f"attention, seed {seed}"] = lambda seed=seed: plain(
            dates, True, 2, seed
        )
        for teacher in (1.0, 0.5):
            runs[f"no attention, teacher {teacher}, seed {seed}"] = (
                lambda seed=seed, teacher=teacher: plain(
                    dates, False, 2, seed, teacher
                )
            )
        if seed == 0:
            runs["unmasked"] = lambda: unmasked(dates)
            runs["Keras"] = lambda: keras_twin(dates)
            runs["no attention, 5 epochs"] = lambda: plain(dates, False, 5, 0)
    run_missing("attention_dates", runs)


if __name__ == "__main__":
    main()
