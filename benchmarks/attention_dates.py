"""Dates into ISO 8601, with and without attention, with and without a mask.

    python -m benchmarks.attention_dates [--tune] [--runs N]

Each model's learning rate is the best of at least three, a factor of three
apart, by validation loss after one pass, with three seeds of their own
(`--tune` does no more than that). Then three fresh seeds are trained for one
to eight passes over the dates, each number of passes under a learning-rate
cycle of its own. Every run is saved as it ends and not repeated. All take about
half an hour of one core. Chapter 09 shows the results.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from scipy.stats import kendalltau
from torch import Tensor
from torch.optim.lr_scheduler import OneCycleLR

from benchmarks.trial import (
    chosen_rate,
    each_budget,
    key,
    missing,
    not_recorded,
    record_runs,
    rounded,
)
from utils.attention.pytorch import (
    AdditiveAttention,
    Memory,
    PairBatches,
    Seq2Seq,
    beam_search,
    exact_matches,
    greedy_decode,
    input_gradients,
    sequence_loss,
)
from utils.data.dates import make_dates
from utils.data.pairs import PAD, Pairs, Symbols, encode_pairs
from utils.training import evaluate, fit

TRAIN_ROWS, TEST_ROWS = 20_000, 2_000
BATCH_SIZE = 128
STEPS = 11
EXTRA_PADDING = (0, 5, 10, 20, 40)
SEEDS = range(3)
PASSES = {"attention": (1, 2, 4), "no attention": (2, 4, 8)}
# Teacher forcing and beams are asked about a model that does make mistakes.
UNSURE = ("no attention", 2)
WIDTHS = (1, 2, 4, 10)
SEARCHED, EXPLAINED = 300, 300


class Dates:
    """The book's dates, numbered and split; as no day comes twice, the split
    is by date."""

    def __init__(
        self, train_rows: int = TRAIN_ROWS, test_rows: int = TEST_ROWS
    ):
        pairs = make_dates(train_rows + 2 * test_rows, rng=0)
        self.source_symbols = Symbols(pair.text for pair in pairs[:train_rows])
        self.target_symbols = Symbols(pair.iso for pair in pairs[:train_rows])
        encoded = encode_pairs(
            [pair.text for pair in pairs],
            [pair.iso for pair in pairs],
            self.source_symbols,
            self.target_symbols,
        )
        self.train = encoded.rows(slice(0, train_rows))
        self.valid = encoded.rows(slice(train_rows, train_rows + test_rows))
        self.test = encoded.rows(slice(train_rows + test_rows, None))

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


def train(
    model: Seq2Seq,
    pairs: Pairs,
    passes: int,
    rate: float,
    seed: int,
    buckets: bool = True,
) -> float:
    """Train under one learning-rate cycle with peak `rate`; return the CPU
    seconds."""
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    batches = PairBatches(pairs, BATCH_SIZE, seed, buckets)
    schedule = OneCycleLR(
        optimizer, rate, total_steps=passes * len(batches) + 1
    )
    started = time.process_time()
    fit(
        model,
        batches,
        loss=sequence_loss,
        optimizer=optimizer,
        epochs=passes,
        clip=1.0,
        schedule=schedule,
    )
    return round(time.process_time() - started, 1)


def tuning_run(
    dates: Dates, contender: str, rate: float, seed: int
) -> dict[str, float]:
    """Train for one pass; `error` is the loss on the validation dates."""
    torch.manual_seed(seed)
    model = dates.model(contender == "attention")
    seconds = train(model, dates.train, 1, rate, seed)
    batches = PairBatches(dates.valid, 500)
    error = evaluate(model, batches, loss=sequence_loss)["loss"]
    return {"error": rounded(error), "seconds": seconds}


def trained(
    dates: Dates, contender: str, passes: int, rate: float, seed: int
) -> tuple[Seq2Seq, dict[str, Any]]:
    """Train one contender; return it with its score on the test dates."""
    torch.manual_seed(seed)
    model = dates.model(contender == "attention")
    seconds = train(model, dates.train, passes, rate, seed)
    return model, {
        "rate": rate,
        "seconds": seconds,
        "parameters": sum(p.numel() for p in model.parameters()),
        "exact": exact(model, dates.test),
    }


def exact(model: Seq2Seq, pairs: Pairs) -> float:
    """Return the share of the dates that are written right as a whole."""
    return float(exact_matches(model, pairs, STEPS).mean())


def measure(
    dates: Dates, contender: str, passes: int, rate: float, seed: int
) -> dict[str, Any]:
    """Train and score one contender, and ask it what it can be asked."""
    model, result = trained(dates, contender, passes, rate, seed)
    if (contender, passes) == ("attention", 2):
        few = dates.test.rows(slice(0, EXPLAINED))
        result["explanation"] = explanation(model, few)
    if (contender, passes) == UNSURE:
        few = dates.test.rows(slice(0, SEARCHED))
        result["exact by beam width"] = searched(model, few)
    return result


# What a mistake costs


def corrupted(model: Seq2Seq, pairs: Pairs) -> tuple[Tensor, Tensor, Tensor]:
    """Return what is wrong under teacher forcing, and what is right after a
    row's first mistake under either feeding.

    Up to and including that mistake teacher forcing and free running agree,
    because both have fed the model the same symbols; after it, one feeds the
    truth and the other what the model wrote.

    Shapes: all (rows, steps): wrong, right with the truth fed, right with its
    own symbols fed.
    """
    source, lengths, before, after = map(torch.from_numpy, pairs)
    with torch.no_grad():
        forced = model(source, lengths, before).argmax(dim=2)
    free = written(model, pairs, after.shape[1])
    wrong = (forced != after) & (after != PAD)
    return wrong, forced == after, free == after


def written(model: Seq2Seq, pairs: Pairs, steps: int) -> Tensor:
    """Write greedily, padded to so many steps."""
    source, lengths = map(torch.from_numpy, pairs[:2])
    symbols = greedy_decode(model, model.encode(source, lengths), steps).symbols
    return torch.nn.functional.pad(
        symbols, (0, steps - symbols.shape[1]), value=PAD
    )


def price_of_a_mistake(
    models: dict[str, Seq2Seq], pairs: Pairs
) -> dict[str, dict[str, float]]:
    """Compare feedings after the first mistake, on symbols that come after the
    first mistake of every model, so that all are asked the same."""
    found = {name: corrupted(model, pairs) for name, model in models.items()}
    after = torch.from_numpy(pairs.after)
    common = after != PAD
    for wrong, _, _ in found.values():
        common &= wrong.cumsum(dim=1) - wrong.int() > 0
    return {
        name: {
            "rows with a mistake": float(wrong.any(dim=1).float().mean()),
            "symbols compared": int(common.sum()),
            "right, truth fed": float(forced[common].float().mean()),
            "right, own fed": float(free[common].float().mean()),
        }
        for name, (wrong, forced, free) in found.items()
    }


def exposure(dates: Dates, rate: float, seed: int) -> dict[str, Any]:
    """Train with true symbols, and with ever more of the model's own."""
    passes = UNSURE[1]
    models, scores = {}, {}
    for name in ("true symbols", "own symbols, rising to half"):
        torch.manual_seed(seed)
        model = dates.model(attention=False)
        if name == "true symbols":
            train(model, dates.train, passes, rate, seed)
        else:
            train_scheduled(model, dates.train, passes, rate, seed)
        models[name], scores[name] = model, exact(model, dates.test)
    prices = price_of_a_mistake(models, dates.test)
    return {name: prices[name] | {"exact": scores[name]} for name in models}


def train_scheduled(
    model: Seq2Seq, pairs: Pairs, passes: int, rate: float, seed: int
) -> None:
    """Train by scheduled sampling: the share of true symbols falls from one to
    a half, step by step (Bengio et al., 2015, linear decay)."""
    steps = passes * -(-len(pairs.source) // BATCH_SIZE)

    def falling(logits: Tensor, after: Tensor) -> Tensor:
        model.teacher = max(0.5, model.teacher - 0.5 / steps)
        return sequence_loss(logits, after)

    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    schedule = OneCycleLR(optimizer, rate, total_steps=steps + 1)
    fit(
        model,
        PairBatches(pairs, BATCH_SIZE, seed),
        loss=falling,
        optimizer=optimizer,
        epochs=passes,
        clip=1.0,
        schedule=schedule,
    )


def searched(model: Seq2Seq, pairs: Pairs) -> dict[str, dict[str, float]]:
    """Decode with beams of several widths; all dates are of one length, so
    that no length needs a correction."""
    scores: dict[str, dict[str, float]] = {}
    for width in WIDTHS:
        right, likelihoods = [], []
        for row in range(len(pairs.source)):
            source, lengths, _, after = map(
                torch.from_numpy, pairs.rows(slice(row, row + 1))
            )
            memory = model.encode(source, lengths)
            best, mean = beam_search(model, memory, STEPS, width)[0]
            right.append(best == after[0].tolist())
            likelihoods.append(mean * len(best))
        scores[str(width)] = {
            "exact": float(np.mean(right)),
            "log probability": rounded(float(np.mean(likelihoods))),
        }
    return scores


# The weights held against gradients


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
    permuted_score = exact(model, pairs)
    model.attention = kept
    return {
        "rank correlation": float(np.mean(correlations)),
        "same top position": float(np.mean(same_top)),
        "exact match, weights permuted": permuted_score,
    }


# The mask


MASKED = {"mask": Seq2Seq, "no mask": Unmasked}
BATCHED = {"buckets": True, "random batches": False}


def mask_run(
    dates: Dates, mask: str, batches: str, rate: float, seed: int
) -> dict[str, Any]:
    """Train for two passes with attention; score among more and more
    padding."""
    torch.manual_seed(seed)
    model = dates.model(attention=True, kind=MASKED[mask])
    seconds = train(model, dates.train, 2, rate, seed, BATCHED[batches])
    return {
        "seconds": seconds,
        "exact by extra padding": extra_padding(model, dates.test),
    }


def extra_padding(model: Seq2Seq, pairs: Pairs) -> dict[str, float]:
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
        own = written(model, pairs._replace(source=wider), STEPS)
        right = (own == torch.from_numpy(pairs.after)).all(dim=1)
        scores[str(columns)] = float(right.float().mean())
    return scores


def keras_twin(dates: Dates, rate: float, epochs: int = 2) -> dict[str, Any]:
    """Train the Keras model from its own initial weights, on whole-width
    batches."""
    import keras

    from utils.attention import keras as keras_attention

    keras.utils.set_random_seed(0)
    model = keras_attention.Seq2Seq(
        len(dates.source_symbols), len(dates.target_symbols)
    )
    steps = epochs * -(-len(dates.train.source) // BATCH_SIZE)
    schedule = keras.optimizers.schedules.CosineDecay(
        rate / 25,
        steps,
        warmup_target=rate,
        warmup_steps=int(0.3 * steps),
    )
    optimizer = keras.optimizers.Adam(schedule, clipnorm=1.0)
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
    symbols, _ = model.write(test_rows.source, STEPS)
    symbols = np.pad(symbols, ((0, 0), (0, STEPS - symbols.shape[1])))
    return {
        "exact": float((symbols == test_rows.after).all(axis=1).mean()),
        "training loss": [rounded(x) for x in history.history["loss"]],
        "seconds": round(seconds, 1),
    }


# What is run, and in which order


def next_run(
    results: dict[str, Any], dates: Dates, fresh: bool
) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """Yield (part of the record, name, run) of what is missing: tuning, then
    the passes, then the rest, each for one seed after the other."""
    for part, name, means in missing(results, PASSES, fresh=False):
        yield part, name, lambda means=means: tuning_run(dates, *means)
    if not fresh:
        return
    rates = {name: chosen_rate(results["tuning"], name)[0] for name in PASSES}
    wanted = each_budget(
        PASSES,
        SEEDS,
        lambda name, passes, seed: measure(
            dates, name, passes, rates[name], seed
        ),
    )
    rate, unsure = rates["attention"], rates["no attention"]
    for seed in SEEDS:
        for mask in MASKED:
            for batches in BATCHED:
                wanted[key(mask, batches, seed)] = (
                    lambda means=(mask, batches, rate, seed): mask_run(
                        dates, *means
                    )
                )
        wanted[key("fed", seed)] = lambda seed=seed: exposure(
            dates, unsure, seed
        )
    wanted["Keras"] = lambda: keras_twin(dates, rate)
    yield from not_recorded(results, wanted)


def main() -> None:
    """Make every run that is not recorded yet."""
    torch.set_flush_denormal(True)
    dates = Dates()
    record_runs(
        "attention_dates",
        lambda results, fresh: next_run(results, dates, fresh),
    )


if __name__ == "__main__":
    main()
