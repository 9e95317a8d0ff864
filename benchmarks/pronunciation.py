"""Spelling to pronunciation: a network with and without attention, and counts.

    python -m benchmarks.pronunciation [--tune] [--runs N]

The words of the CMU Pronouncing Dictionary, split by word and, stricter, by
stem. Rate and dropout of each network are chosen on validation words, with a
seed of their own (`--tune` does no more than that): the learning rate at first
at half the longer budget, one rate further out as long as the best lies at the
edge. The longer budget decides on the dropout, and then on the rate once more:
since short runs like high ones, a third of it takes its place as long as it is
better. (The record also holds two runs of dropout at half of that budget, which
chose none, as the rule was at first.) Then three fresh seeds are trained for
about the same CPU time with attention and without, by stem for the longer
budget alone. By word both go on for twice that, at the same rate and the
dropout that is better there, the one before or the next larger. (Here, too, the
record holds what the rule was at first: three seeds that went on with attention
and without dropout, as "attention, no dropout".) A run trains at a constant
rate, from which each budget branches off and lets the rate fall to zero. It is
saved after every pass in `checkpoints/`, so that it can be interrupted. Its
network writes greedily; after all of them, each writes once more, with a beam
of five. At last the three networks with attention and the longer budget are
mixed, in equal shares, and their mixture with the joint 7-gram, in the share
that is best on the validation words. All take ten hours of one core, the joint
n-grams, which come first, two minutes.
Chapter 09 shows the results.
"""

import copy
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim.lr_scheduler import LambdaLR

from benchmarks.trial import (
    key,
    not_recorded,
    record_runs,
    rounded,
)
from utils.attention.joint_ngrams import JointNGrams, align, train_pairs
from utils.attention.mixtures import (
    Found,
    best_share,
    ensemble,
    likeliest,
    likely_outputs,
    mix,
)
from utils.attention.pytorch import (
    PairBatches,
    Seq2Seq,
    greedy_decode,
    sequence_loss,
)
from utils.data.pairs import Pairs, Symbols, encode_pairs
from utils.data.pronunciations import (
    Phones,
    load_pronunciations,
    phone_errors,
    split_words,
)
from utils.training import evaluate, fit

SPLITS = ("word", "stem")
SEEDS, TUNING_SEED = range(3), 100
EMBEDDING, HIDDEN, BATCH_SIZE = 64, 128, 128
LONGEST, WIDTH = 30, 5
WARM_UP = 200
RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
FIRST_RATES, DROPOUTS = RATES[2:5], (0.0, 0.15, 0.3)
# Passes at a constant rate and while it falls; a pass without attention takes
# three quarters of the time, so that half as many more cost a little more.
SHORTER, LONGER, FURTHER = 1, 2, 3
BUDGETS = {
    "attention": {SHORTER: (4, 2), LONGER: (8, 4), FURTHER: (16, 8)},
    "no attention": {SHORTER: (6, 3), LONGER: (12, 6), FURTHER: (24, 12)},
}
LENGTHS = ((1, 4), (5, 6), (7, 8), (9, 10), (11, 13), (14, 40))
SHOWN = ("xylophone", "harkness", "ramaphosa", "brackney", "lightest")
CHECKPOINTS = Path("checkpoints/pronunciation")


class Words:
    """One split of the dictionary, as words and as padded rows."""

    def __init__(self, by: str = "word", limit: int | None = None):
        self.listed = load_pronunciations()
        words = sorted(self.listed)[:: 1 if limit is None else 97][:limit]
        sizes = {} if limit is None else {"valid": 20, "test": 40}
        parts = split_words(words, by, **sizes)
        self.train, self.valid, self.test = parts
        self.letters = Symbols(words)
        self.phones = Symbols([p for word in words for p in self.listed[word]])

    def rows(self, words: Sequence[str]) -> Pairs:
        """Return every pronunciation of the words as a pair."""
        pairs = train_pairs(words, self.listed)
        sources, targets = zip(*pairs, strict=True)
        return encode_pairs(sources, targets, self.letters, self.phones)

    def score(
        self, words: Sequence[str], guesses: Sequence[Sequence[str]]
    ) -> dict[str, Any]:
        """Return word and phone error rates, and which words are wrong."""
        edits, lengths = phone_errors(words, guesses, self.listed)
        wrong = np.array(edits) > 0
        letters = np.array([len(word) for word in words])
        by_length = {}
        for low, high in LENGTHS:
            chosen = (letters >= low) & (letters <= high)
            if chosen.any():
                by_length[f"{low}–{high}"] = {
                    "words": int(chosen.sum()),
                    "word errors": rounded(float(wrong[chosen].mean())),
                }
        return {
            "word errors": rounded(float(wrong.mean())),
            "phone errors": rounded(sum(edits) / sum(lengths)),
            "by letters": by_length,
            # A bit a word, in alphabetical order, for paired comparisons.
            "wrong": np.packbits(wrong).tobytes().hex(),
        }


def joint_ngrams(words: Words) -> JointNGrams:
    """Count the joint 7-grams of the training words."""
    alignments = align(train_pairs(words.train, words.listed))
    return JointNGrams(order=6).learn(alignments)


def counted(by: str, limit: int | None = None) -> dict[str, Any]:
    """Score the joint 7-gram, which has six symbols of context."""
    words, started = Words(by, limit), time.process_time()
    model = joint_ngrams(words)
    fitted = time.process_time() - started
    valid, test = (
        [likeliest(found) for found in model.pronounce(part)]
        for part in (words.valid, words.test)
    )
    return {
        "seconds of fitting": round(fitted, 1),
        "seconds": round(time.process_time() - started, 1),
        "valid": words.score(words.valid, valid)["word errors"],
        "test": words.score(words.test, test),
    }


# The networks


def network(words: Words, contender: str, dropout: float) -> Seq2Seq:
    """Make an untrained network of the trial's sizes."""
    return Seq2Seq(
        len(words.letters),
        len(words.phones),
        contender == "attention",
        EMBEDDING,
        HIDDEN,
        dropout,
    )


def spell_out(
    model: Seq2Seq, words: Words, chosen: Sequence[str]
) -> list[Phones]:
    """Pronounce words greedily."""
    written: list[Phones] = []
    model.eval()
    for first in range(0, len(chosen), 1000):
        part = chosen[first : first + 1000]
        source, lengths, _, _ = map(
            torch.from_numpy,
            encode_pairs(
                part, [["AA"]] * len(part), words.letters, words.phones
            ),
        )
        with torch.no_grad():
            memory = model.encode(source, lengths)
        symbols = greedy_decode(model, memory, LONGEST).symbols
        written += [tuple(words.phones.decode(row)) for row in symbols.tolist()]
    return written


def file_name(*parts: object) -> str:
    """Name a run as files are named."""
    return key(*parts).replace(" / ", "-").replace(" ", "-")


def weights_file(by: str, contender: str, budget: int, seed: int) -> Path:
    """Say where a trained network's weights are kept."""
    return CHECKPOINTS / f"{file_name(by, contender, budget, seed)}.pt"


def timed_passes(
    model: Seq2Seq,
    batches: PairBatches,
    optimizer: torch.optim.Optimizer,
    schedule: LambdaLR,
    passes: int,
    folder: Path,
) -> float:
    """Train pass after pass, going on from the last checkpoint in `folder`;
    return the CPU seconds, those before an interruption included."""
    folder.mkdir(parents=True, exist_ok=True)
    clock = folder / "seconds.txt"
    before = float(clock.read_text("utf-8")) if clock.exists() else 0.0
    started = time.process_time()
    for done in range(1, passes + 1):
        fit(
            model,
            batches,
            loss=sequence_loss,
            optimizer=optimizer,
            epochs=done,
            clip=1.0,
            schedule=schedule,
            checkpoint=folder,
        )
        seconds = before + time.process_time() - started
        clock.write_text(str(seconds), "utf-8")
    return seconds


def trunk(
    words: Words,
    contender: str,
    rate: float,
    dropout: float,
    seed: int,
    passes: int,
    by: str,
) -> tuple[Seq2Seq, torch.optim.Optimizer, float]:
    """Train at a constant rate; go on from the last checkpoint, if there is
    one. Returns model, optimizer and CPU seconds, those before an interruption
    included."""
    torch.manual_seed(seed)
    model = network(words, contender, dropout)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    warm = LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / WARM_UP))
    folder = CHECKPOINTS / file_name(by, contender, rate, dropout, seed)
    batches = PairBatches(words.rows(words.train), BATCH_SIZE, seed)
    seconds = timed_passes(model, batches, optimizer, warm, passes, folder)
    return model, optimizer, seconds


def branch(
    model: Seq2Seq,
    optimizer: torch.optim.Optimizer,
    pairs: Pairs,
    passes: int,
    rate: float,
    seed: int,
) -> float:
    """Let the rate fall to zero over so many passes; return the CPU seconds."""
    batches = PairBatches(pairs, BATCH_SIZE, seed + 1000)
    steps = passes * len(batches)
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] = rate
    falling = LambdaLR(optimizer, lambda step: max(0.0, 1 - step / steps))
    started = time.process_time()
    fit(
        model,
        batches,
        loss=sequence_loss,
        optimizer=optimizer,
        epochs=passes,
        clip=1.0,
        schedule=falling,
    )
    return time.process_time() - started


def measure(
    words: Words,
    by: str,
    contender: str,
    budget: int,
    rate: float,
    dropout: float,
    seed: int,
    tuning: bool = False,
) -> dict[str, Any]:
    """Train one network for a budget and score it, on validation words alone
    where it is tuned."""
    constant, falling = BUDGETS[contender][budget]
    kept, old, seconds = trunk(
        words, contender, rate, dropout, seed, constant, by
    )
    model = copy.deepcopy(kept)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    optimizer.load_state_dict(copy.deepcopy(old.state_dict()))
    seconds += branch(
        model, optimizer, words.rows(words.train), falling, rate, seed
    )
    valid = PairBatches(words.rows(words.valid), 500)
    loss = evaluate(model, valid, loss=sequence_loss)["loss"]
    result: dict[str, Any] = {
        "rate": rate,
        "dropout": dropout,
        "passes": constant + falling,
        "seconds": round(seconds, 1),
        "parameters": sum(p.numel() for p in model.parameters()),
        "valid loss": rounded(loss),
    }
    if tuning:
        return result
    torch.save(model.state_dict(), weights_file(by, contender, budget, seed))
    written = spell_out(model, words, words.test)
    result["test"] = words.score(words.test, written)
    if contender == "attention" and by == "word":
        result["maps"] = maps(model, words)
    return result


def maps(model: Seq2Seq, words: Words) -> list[dict[str, Any]]:
    """Return what is written for some words, and where the weights lie."""
    drawn = []
    for word in [word for word in SHOWN if word in words.listed]:
        source = torch.tensor([words.letters.encode(word)])
        memory = model.encode(source, torch.tensor([len(word)]))
        symbols, weights = greedy_decode(model, memory, LONGEST)
        phones = words.phones.decode(symbols[0].tolist())
        assert weights is not None
        drawn.append(
            {
                "word": word,
                "written": phones,
                "listed": [list(each) for each in words.listed[word]],
                "trained on": word in words.train,
                "weights": weights[0, : len(phones)].numpy().round(3).tolist(),
            }
        )
    return drawn


# With a beam, alone and as one


def trained(
    words: Words, by: str, contender: str, budget: int, seed: int
) -> Seq2Seq:
    """Load a trained network.

    Raises:
        FileNotFoundError: its weights are gone from `checkpoints/`; take its
            run out of the record to train it again.
    """
    path = weights_file(by, contender, budget, seed)
    model = network(words, contender, 0.0)
    model.load_state_dict(torch.load(path, weights_only=True))
    return model


def likely_pronunciations(
    model: Seq2Seq, words: Words, chosen: Sequence[str]
) -> list[Found]:
    """Return what a beam finds for every word."""
    model.eval()
    found = []
    for word in chosen:
        source = torch.tensor([words.letters.encode(word)])
        with torch.no_grad():
            memory = model.encode(source, torch.tensor([len(word)]))
        found.append(
            likely_outputs(model, memory, words.phones, LONGEST, WIDTH)
        )
    return found


def searched(
    words: Words, by: str, contender: str, budget: int, seed: int
) -> dict[str, Any]:
    """Score a trained network that writes with a beam."""
    started = time.process_time()
    model = trained(words, by, contender, budget, seed)
    found = likely_pronunciations(model, words, words.test)
    return {
        "width": WIDTH,
        "seconds": round(time.process_time() - started, 1),
        "test": words.score(words.test, [likeliest(each) for each in found]),
    }


def mixed(words: Words, by: str, budget: int = LONGER) -> dict[str, Any]:
    """Score the networks with attention as one, and mixed with the counts."""
    started = time.process_time()
    counts = joint_ngrams(words)
    networks = [trained(words, by, "attention", budget, seed) for seed in SEEDS]

    def found_in(part: Sequence[str]) -> tuple[list[Found], list[Found]]:
        each = [likely_pronunciations(one, words, part) for one in networks]
        together = [ensemble(found) for found in zip(*each, strict=True)]
        return together, counts.pronounce(part)

    share = best_share(
        *found_in(words.valid), [words.listed[word] for word in words.valid]
    )
    ours, theirs = found_in(words.test)
    mixture = [
        mix(pair, (share, 1 - share)) for pair in zip(ours, theirs, strict=True)
    ]
    return {
        "networks' share": share,
        "seconds": round(time.process_time() - started, 1),
        "ensemble": words.score(words.test, [likeliest(o) for o in ours]),
        "mixture": words.score(words.test, [likeliest(m) for m in mixture]),
    }


# What is run, and in which order


def best(tuning: dict[str, Any], wanted: Sequence[str]) -> str | None:
    """Return the run with the lowest validation loss once all are there."""
    if not all(name in tuning for name in wanted):
        return None
    return min(wanted, key=lambda name: tuning[name]["valid loss"])


def first_rate_names(contender: str, tuning: dict[str, Any]) -> list[str]:
    """Name the shorter runs that a learning rate is chosen among, as far as can
    be told from those that are done."""
    low, high = (RATES.index(FIRST_RATES[end]) for end in (0, -1))
    while True:
        names = [
            key(contender, SHORTER, rate, DROPOUTS[0])
            for rate in RATES[low : high + 1]
        ]
        lowest = best(tuning, names)
        if lowest == names[0] and low > 0:
            low -= 1
        elif lowest == names[-1] and high < len(RATES) - 1:
            high += 1
        else:
            return names


def dropout_names(contender: str, tuning: dict[str, Any]) -> list[str]:
    """Name the runs that the dropout is chosen among."""
    first = rate_of(best(tuning, first_rate_names(contender, tuning)))
    return [key(contender, LONGER, first, dropout) for dropout in DROPOUTS]


def rate_names(contender: str, tuning: dict[str, Any]) -> list[str]:
    """Name the runs over the longer budget that the learning rate is chosen
    among, as far as can be told from those that are done."""
    chosen = best(tuning, dropout_names(contender, tuning))
    first, dropout = rate_of(chosen), str(chosen).split(" / ")[3]
    names: list[str] = []
    for rate in reversed(RATES[: RATES.index(first) + 1]):
        names.append(key(contender, LONGER, rate, dropout))
        if best(tuning, names) != names[-1]:
            break
    return names


def further_names(contender: str, tuning: dict[str, Any]) -> list[str]:
    """Name the runs over the furthest budget that the dropout is chosen among
    once more: the one before and the next larger."""
    kept = tuning[str(best(tuning, rate_names(contender, tuning)))]
    larger = DROPOUTS[DROPOUTS.index(kept["dropout"]) :][:2]
    return [
        key(contender, FURTHER, kept["rate"], dropout) for dropout in larger
    ]


def rate_of(name: str | None) -> float:
    """Return the learning rate of a run of the tuning."""
    return float(str(name).split(" / ")[2])


def next_run(
    results: dict[str, Any], fresh: bool
) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """Yield (part, name, run) of what is missing: the counts, the tuning, then
    budget after budget, seed after seed, by word before by stem."""
    yield from not_recorded(
        results,
        {key("joint 7-gram", by): lambda by=by: counted(by) for by in SPLITS},
    )
    chosen: dict[tuple[str, int], tuple[float, float]] = {}
    tuning, cache = results["tuning"], {}

    def words(by: str) -> Words:
        if by not in cache:
            cache[by] = Words(by)
        return cache[by]

    def tuned(name: str) -> Callable[[], Any]:
        contender, budget, rate, dropout = name.split(" / ")
        means = contender, int(budget), float(rate), float(dropout)
        return lambda: measure(
            words("word"), "word", *means, TUNING_SEED, tuning=True
        )

    for contender in BUDGETS:
        for names in (
            first_rate_names,
            dropout_names,
            rate_names,
            further_names,
        ):
            while missing := [
                name for name in names(contender, tuning) if name not in tuning
            ]:
                yield "tuning", missing[0], tuned(missing[0])
        for budget, names in (
            (SHORTER, rate_names),
            (LONGER, rate_names),
            (FURTHER, further_names),
        ):
            kept = tuning[str(best(tuning, names(contender, tuning)))]
            chosen[contender, budget] = kept["rate"], kept["dropout"]
    wanted: dict[str, Callable[[], Any]] = {}
    for by in SPLITS if fresh else ():
        for run in fresh_runs(by, chosen):
            wanted[key(run[0], by, run[1], run[-1])] = lambda by=by, run=run: (
                measure(words(by), by, *run)
            )
    for by in SPLITS if fresh else ():
        for contender, budget, _, _, seed in fresh_runs(by, chosen):
            means = by, contender, budget, seed
            wanted[key(f"{contender}, beam", by, budget, seed)] = (
                lambda means=means: searched(words(means[0]), *means)
            )
    for by in SPLITS if fresh else ():
        wanted[key("mixed", by)] = lambda by=by: mixed(words(by), by)
    yield from not_recorded(results, wanted)


def fresh_runs(
    by: str, chosen: dict[tuple[str, int], tuple[float, float]]
) -> Iterator[tuple[str, int, float, float, int]]:
    """Yield contender, budget, rate, dropout and seed, small budgets first."""
    budgets = (SHORTER, LONGER, FURTHER) if by == "word" else (LONGER,)
    for budget, seed, contender in itertools.product(budgets, SEEDS, BUDGETS):
        yield contender, budget, *chosen[contender, budget], seed


def main() -> None:
    """Make every run that is not recorded yet."""
    torch.set_flush_denormal(True)
    record_runs("pronunciation", next_run)


if __name__ == "__main__":
    main()
