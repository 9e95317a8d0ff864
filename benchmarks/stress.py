"""Stress marks of English words: what the rest of a word is worth.

    python -m benchmarks.stress [--tune] [--runs N]

Words of the CMU Pronouncing Dictionary as phones without stress; every vowel is
to be tagged 0 (none), 1 (primary) or 2 (secondary). An LSTM that reads in one
direction, at once or 1 to 4 phones late, stands against one in both directions
with about as many parameters, and against rules that count. Each network's
learning rate is chosen on validation words with three seeds of its own, in one
pass over the training words, each rule's setting too (`--tune` does no more
than that); then five fresh seeds are trained for two passes and scored on
test words. At once, 4 phones late and in both directions stand against each
other a second time after six passes, with rates that are tuned in six passes.
Every run is saved as it ends and not repeated. It takes about half an hour of
one core. Chapter 07 shows the results.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

from benchmarks.bidirectional import IGNORE, every_step
from benchmarks.trial import RATES, key, missing, record_runs, rounded
from utils.data.batches import bucket_batches, pad
from utils.data.pronunciations import (
    Phones,
    load_pronunciations,
    split_words,
)
from utils.models.pytorch import SymbolReader
from utils.training import evaluate, fit

DELAYS = (1, 2, 3, 4)
AT_ONCE, BOTH = "one direction", "both directions"
SHORT = (AT_ONCE, *(f"delay {k}" for k in DELAYS), BOTH)
LONGER = "6 passes"
CONTENDERS = (
    *SHORT,
    *(key(LONGER, contender) for contender in (AT_ONCE, "delay 4", BOTH)),
)
HIDDEN = {True: 64, False: 93}
TRAINED, VALIDATED, TESTED = 40_000, 3_000, 6_000
BATCH_SIZE = 128
# Passes over the training words, of a tuning seed and of a fresh one.
PASSES = {"valid": 1, "test": 2}
LONGER_PASSES = 6
FIRST_RATES = RATES[3:6]
PAD, STRESSES = 0, 3
PARTS = ("train", "valid", "test")
# A vowel's place: how many vowels follow it in its word.
PLACES = ("last", "second to last", "third to last", "earlier")
WINDOW = 6
WEIGHTS = (0.5, 1.0, 2.0, 4.0, 8.0)
FEWEST = (1, 2, 3, 5)

Tagged = tuple[Int[np.ndarray, " time"], Int[np.ndarray, " time"]]


# The words


class Words:
    """Words of two vowels and more of the dictionary, in three parts.

    A word is its first listed pronunciation, as numbers of phones, and the
    stress of each, `IGNORE` for consonants. The parts are split by stem, no
    word that is tested sounds like one that is trained on, and of the words
    for training `TRAINED` are drawn.
    """

    def __init__(self, limit: int | None = None):
        listed = {
            word: found[0]
            for word, found in load_pronunciations(stress=True).items()
            if sum(phone[-1].isdigit() for phone in found[0]) >= 2
        }
        words = sorted(listed)[:: 1 if limit is None else 97][:limit]
        sizes = (limit // 5, limit // 5) if limit else (VALIDATED, TESTED)
        train, *rest = split_words(words, "stem", *sizes)
        rng = np.random.default_rng(0)
        drawn = sorted(rng.permutation(train)[:TRAINED].tolist())
        sounds = {bare(listed[word]) for word in words}
        self.phones = ["", *sorted({p for sound in sounds for p in sound})]
        known = {bare(listed[word]) for word in drawn}
        new = [
            [w for w in part if bare(listed[w]) not in known] for part in rest
        ]
        self.words = dict(zip(PARTS, (drawn, *new), strict=True))
        number = {phone: i for i, phone in enumerate(self.phones)}
        self.tagged: dict[str, list[Tagged]] = {
            part: [
                (
                    np.array([number[phone] for phone in bare(listed[word])]),
                    np.array([stress(phone) for phone in listed[word]]),
                )
                for word in chosen
            ]
            for part, chosen in self.words.items()
        }


def bare(phones: Phones) -> Phones:
    """Take the stress from a pronunciation."""
    return tuple(phone.rstrip("012") for phone in phones)


def stress(phone: str) -> int:
    """Return a vowel's stress, `IGNORE` for a consonant."""
    return int(phone[-1]) if phone[-1].isdigit() else IGNORE


def score(
    tagged: Sequence[Tagged], guesses: Sequence[Int[np.ndarray, " vowel"]]
) -> dict[str, Any]:
    """Return the share of vowels and of words tagged right, and the vowels'
    by how many of them follow in the word."""
    right: list[list[bool]] = [[] for _ in PLACES]
    words = []
    for (_, answers), guess in zip(tagged, guesses, strict=True):
        hits = guess == answers[answers != IGNORE]
        words.append(bool(hits.all()))
        for after, hit in enumerate(hits[::-1]):
            right[min(after, len(PLACES) - 1)].append(bool(hit))
    return {
        "vowels": rounded(float(np.mean(np.concatenate(right)))),
        "words": rounded(float(np.mean(words))),
        "by place": {
            place: rounded(float(np.mean(hits)))
            for place, hits in zip(PLACES, right, strict=True)
            if hits
        },
    }


# The networks


class Batches:
    """Words of like length in batches, in another order each time.

    The answer to phone t stands `delay` steps late, at step t + delay, and
    every row is as much longer.
    """

    def __init__(
        self,
        tagged: Sequence[Tagged],
        delay: int,
        batch_size: int = BATCH_SIZE,
        seed: int = 0,
    ):
        phones, answers = zip(*tagged, strict=True)
        time = max(map(len, phones)) + delay
        self.phones, lengths = pad(phones, value=PAD, to_length=time)
        late, _ = pad(answers, value=IGNORE, to_length=time)
        self.answers = np.roll(late, delay, axis=1)
        self.lengths = lengths + delay
        self.batch_size, self.rng = batch_size, np.random.default_rng(seed)

    def __len__(self) -> int:
        """Count the batches."""
        return -(-len(self.lengths) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        """Yield (phones, lengths, answers) of every batch."""
        for rows in bucket_batches(self.lengths, self.batch_size, self.rng):
            yield self.batch(rows)

    def batch(self, rows: Int[np.ndarray, " batch"]) -> tuple[Tensor, ...]:
        """Return (phones, lengths, answers) of some words."""
        lengths = self.lengths[rows]
        time = lengths.max()
        return (
            torch.tensor(self.phones[rows, :time]),
            torch.tensor(lengths),
            torch.tensor(self.answers[rows, :time]),
        )


def reader_of(contender: str) -> str:
    """Return how a contender reads, whatever its budget."""
    return contender.removeprefix(f"{LONGER} / ")


def passes_of(contender: str, part: str) -> int:
    """Return how often a run that is scored on `part` reads the training
    words."""
    return PASSES[part] if contender in SHORT else LONGER_PASSES


def delay_of(contender: str) -> int:
    """Return by how many phones a contender answers late."""
    reader = reader_of(contender)
    return int(reader.split()[1]) if reader.startswith("delay") else 0


def network(symbols: int, contender: str) -> SymbolReader:
    """Make an untrained network of the trial's sizes."""
    both_ways = reader_of(contender) == BOTH
    return SymbolReader(
        symbols, STRESSES, HIDDEN[both_ways], bidirectional=both_ways
    )


def tag(
    model: SymbolReader, tagged: Sequence[Tagged], delay: int
) -> list[Int[np.ndarray, " vowel"]]:
    """Return a network's tags of every word's vowels."""
    batches = Batches(tagged, delay, batch_size=1000)
    model.eval()
    tags = []
    for first in range(0, len(tagged), 1000):
        rows = np.arange(first, min(first + 1000, len(tagged)))
        phones, lengths, answers = batches.batch(rows)
        with torch.no_grad():
            guesses = model(phones, lengths).argmax(2)
        for guess, answer in zip(guesses, answers, strict=True):
            tags.append(guess[answer != IGNORE].numpy())
    return tags


def measure(
    words: Words,
    contender: str,
    rate: float,
    seed: int,
    part: str,
) -> dict[str, Any]:
    """Train one network, its rate falling to zero, and score it on `part`."""
    torch.manual_seed(seed)
    model = network(len(words.phones), contender)
    optimizer = torch.optim.Adam(model.parameters(), rate)
    delay = delay_of(contender)
    batches = Batches(words.tagged["train"], delay, seed=seed)
    passes = passes_of(contender, part)
    steps = passes * len(batches)
    falling = LambdaLR(optimizer, lambda step: max(0.0, 1 - step / steps))
    valid = Batches(words.tagged["valid"], delay, batch_size=1000)
    seconds, trained, validated = 0.0, [], []
    for _ in range(passes):
        before = time.process_time()
        history = fit(
            model,
            batches,
            loss=every_step,
            optimizer=optimizer,
            epochs=1,
            clip=1.0,
            schedule=falling,
        )
        seconds += time.process_time() - before
        trained.append(rounded(history.rows[0]["train_loss"]))
        found = evaluate(model, valid, loss=every_step)
        validated.append(rounded(found["loss"]))
    tagged = words.tagged[part]
    scores = score(tagged, tag(model, tagged, delay))
    return {
        "rate": rate,
        "parameters": sum(p.numel() for p in model.parameters()),
        "steps": steps,
        "seconds": round(seconds, 1),
        "train loss": trained,
        "valid loss": validated,
        "error": rounded(1 - scores["vowels"]),
        **scores,
    }


# The rules


class Vowels:
    """Every vowel of the three parts with what stands around it.

    `steps` names what a rule may look at, from the most general: the vowel
    itself, how many vowels come before it and after it, the phones behind
    ("-1" is the nearest) and ahead ("+1").
    """

    def __init__(self, words: Words):
        rows: dict[str, list[int]] = {"vowel": [], "before": [], "after": []}
        around = [f"{sign}{i}" for i in range(1, WINDOW + 1) for sign in "+-"]
        rows |= {name: [] for name in around}
        self.answers: Any = []
        self.part: Any = []
        for part, tagged in words.tagged.items():
            for phones, answers in tagged:
                wide = np.pad(phones, WINDOW, constant_values=PAD)
                places = np.flatnonzero(answers != IGNORE)
                for before, place in enumerate(places):
                    rows["vowel"].append(phones[place])
                    rows["before"].append(before)
                    rows["after"].append(len(places) - before - 1)
                    for name in around:
                        rows[name].append(wide[place + WINDOW + int(name)])
                    self.answers.append(answers[place])
                    self.part.append(part)
        self.rows = {name: np.array(values) for name, values in rows.items()}
        self.answers = np.array(self.answers)
        self.part = np.array(self.part)

    def chances(
        self, steps: Sequence[str], weight: float
    ) -> Float[np.ndarray, "vowel stress"]:
        """Return each stress's chance from counts over the training words.

        Every step narrows the context c by one more thing to look at. With
        n(c) training vowels in it, n(s, c) of them with stress s:

            P(s | c) = (n(s, c) + weight P(s | wider c)) / (n(c) + weight)
        """
        trained = self.part == "train"
        chances = np.full((len(self.answers), STRESSES), 1 / STRESSES)
        context = np.zeros(len(self.answers), int)
        for name in steps:
            values = self.rows[name]
            _, context = np.unique(
                context * (values.max() + 1) + values, return_inverse=True
            )
            counts = np.zeros((context.max() + 1, STRESSES))
            np.add.at(counts, (context[trained], self.answers[trained]), 1)
            found = counts[context]
            total = found.sum(axis=1, keepdims=True)
            chances = (found + weight * chances) / (total + weight)
        return chances


def looking_steps(ahead: int | None, order: str) -> list[str]:
    """Say what a rule looks at that sees `ahead` phones ahead, or the whole
    word if None.

    `order` is "outwards", the nearest phones of both sides first, or "ahead
    first".
    """
    seen = range(1, WINDOW + 1)
    known = [i for i in seen if ahead is None or i <= ahead]
    steps = ["vowel", "before"] + (["after"] if ahead is None else [])
    if order == "outwards":
        for i in seen:
            steps += [f"+{i}"] if i in known else []
            steps += [f"-{i}"]
        return steps
    return steps + [f"+{i}" for i in known] + [f"-{i}" for i in seen]


def by_words(
    tagged: Sequence[Tagged], guesses: Int[np.ndarray, " vowel"]
) -> list[Int[np.ndarray, " vowel"]]:
    """Cut tags of all vowels into those of each word."""
    counts = [int((answers != IGNORE).sum()) for _, answers in tagged]
    return np.split(guesses, np.cumsum(counts)[:-1])


def counted(words: Words, vowels: Vowels, ahead: int | None) -> dict[str, Any]:
    """Score smoothed counts that see so far ahead, tuned on validation
    words."""

    def right(settings: tuple[str, float]) -> Bool[np.ndarray, " vowel"]:
        guesses = vowels.chances(
            looking_steps(ahead, settings[0]), settings[1]
        ).argmax(1)
        return (guesses == vowels.answers)[vowels.part == "valid"]

    tried = [
        (order, weight)
        for order in ("outwards", "ahead first")
        for weight in WEIGHTS
    ]
    valid = {each: float(right(each).mean()) for each in tried}
    order, weight = max(valid, key=valid.__getitem__)
    steps = looking_steps(ahead, order)
    guesses = vowels.chances(steps, weight).argmax(1)[vowels.part == "test"]
    tagged = words.tagged["test"]
    return {
        "order": order,
        "weight": weight,
        "valid": rounded(valid[order, weight]),
        **score(tagged, by_words(tagged, guesses)),
    }


def vowel_alone(words: Words, vowels: Vowels) -> dict[str, Any]:
    """Score each vowel's most frequent stress."""
    guesses = vowels.chances(["vowel"], 0.0).argmax(1)
    tagged = words.tagged["test"]
    return score(tagged, by_words(tagged, guesses[vowels.part == "test"]))


def pattern_of_ending(words: Words) -> dict[str, Any]:
    """Score the most frequent pattern of words with as many vowels and the
    same ending: the longest that enough training words share."""
    patterns: dict[tuple[int, ...], Counter[bytes]] = {}

    def endings(phones: Int[np.ndarray, " time"], n: int) -> Iterator[Any]:
        for m in range(min(len(phones), 2 * WINDOW), -1, -1):
            yield n, *phones[len(phones) - m :].tolist()

    for phones, answers in words.tagged["train"]:
        pattern = answers[answers != IGNORE].astype(np.int64)
        for ending in endings(phones, len(pattern)):
            patterns.setdefault(ending, Counter())[pattern.tobytes()] += 1
    totals = {ending: found.total() for ending, found in patterns.items()}

    def guess(tagged: Tagged, fewest: int) -> Int[np.ndarray, " vowel"]:
        phones, answers = tagged
        n = int((answers != IGNORE).sum())
        for ending in endings(phones, n):
            if totals.get(ending, 0) >= fewest:
                likeliest = patterns[ending].most_common(1)[0][0]
                return np.frombuffer(likeliest, np.int64)
        return np.eye(n, dtype=int)[0]

    def scored(part: str, fewest: int) -> dict[str, Any]:
        tagged = words.tagged[part]
        return score(tagged, [guess(each, fewest) for each in tagged])

    valid = {fewest: scored("valid", fewest)["vowels"] for fewest in FEWEST}
    best = max(valid, key=valid.__getitem__)
    return {"fewest": best, "valid": valid[best], **scored("test", best)}


def rules(words: Words) -> dict[str, Any]:
    """Score every rule, and say how many words and vowels there are."""
    vowels = Vowels(words)
    before = time.process_time()
    scores = {
        "the vowel alone": vowel_alone(words, vowels),
        "pattern of the ending": pattern_of_ending(words),
    }
    for ahead in (0, *DELAYS, None):
        name = "the whole word" if ahead is None else f"{ahead} ahead"
        scores[f"counts, {name}"] = counted(words, vowels, ahead)
    after = vowels.rows["after"][vowels.part == "test"]
    return {
        "seconds": round(time.process_time() - before, 1),
        "words": {part: len(chosen) for part, chosen in words.words.items()},
        "test vowels by place": {
            place: int((np.minimum(after, len(PLACES) - 1) == i).sum())
            for i, place in enumerate(PLACES)
        },
        "scores": scores,
    }


# What is run, and in which order


@cache
def all_words() -> Words:
    """Load the words once."""
    return Words()


def next_run(
    results: dict[str, Any], fresh: bool
) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """Yield (part, name, run) of what is missing: the rules, the tuning, the
    fresh seeds."""
    if "rules" not in results["runs"]:
        yield "runs", "rules", lambda: rules(all_words())
    for part, name, (contender, rate, seed) in missing(
        results, CONTENDERS, fresh, FIRST_RATES
    ):
        judged = "valid" if part == "tuning" else "test"

        def run(
            means: tuple[Any, ...] = (contender, rate, seed, judged),
        ) -> dict[str, Any]:
            return measure(all_words(), *means)

        yield part, name, run


def main() -> None:
    """Make every run that is not recorded yet."""
    torch.set_flush_denormal(True)
    record_runs("stress", next_run)


if __name__ == "__main__":
    main()
