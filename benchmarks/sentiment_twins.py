"""What order asks of a model: architectures on the twins corpus.

    python -m benchmarks.sentiment_twins [--tune]

How long does each take to learn the twins, and how far behind the verdict may
words stand that it must ignore? Five fresh seeds train, with Adam at 0.005,
until the validation sentences are learned, or for 40 epochs. One contender
trains on longer tails instead. The plain RNN, which does not learn at that
rate, has the best of at least three rates, a factor of three apart, on
validation sentences with three seeds of their own (`--tune` does no more).

Beside these stand runs at one learning rate, five seeds each.

Every network has embeddings and states of 32, and trains 10 epochs (some also
30) of Adam at 0.005 on the same sentences without held-out combinations, one of
them also on Chinese ones; the epoch with the lowest validation loss counts. For
the first seed of four of them the verdict is recorded word by word, and for the
one-way LSTM where it goes wrong.
"""

import argparse
import functools
import os
import time
from collections.abc import Callable
from typing import Any

import pandas as pd
import torch
from torch import nn

from benchmarks.bidirectional import best_rate
from benchmarks.record import record, recorded
from utils.data.text import Vocabulary, tokenize
from utils.data.twins import make_twins, split_pairs
from utils.sentiment.bag_of_words import (
    naive_bayes_regression,
    tfidf_regression,
)
from utils.sentiment.behaviour import behaviour_tests, failure_rates
from utils.sentiment.mistakes import accuracy_by_slice, confident_mistakes
from utils.sentiment.pytorch import (
    ReviewBatches,
    SentimentClassifier,
    positive_probabilities,
    probabilities_along,
)
from utils.training import evaluate, fit
from utils.training.loop import accuracy

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "BiLSTM, max": {"pooling": "max"},
    "BiLSTM, attention": {"pooling": "attention"},
    "BiLSTM, last": {"pooling": "last"},
    "LSTM, last": {"pooling": "last", "two_way": False},
    "GRU, last": {"pooling": "last", "two_way": False, "cell": "GRU"},
    "RNN, last": {"pooling": "last", "two_way": False, "cell": "RNN"},
}
# Is a network that stays at chance unable, or only slow?
LONGER = {
    f"{name}, 30 epochs": ARCHITECTURES[name]
    for name in ("BiLSTM, last", "LSTM, last")
}
READERS = ("RNN, last", "LSTM, last", "BiLSTM, max", "BiLSTM, attention")
READ = (
    "the whole cast was brilliant in most of the scenes , although the main "
    "plot was dull from the "
    "first minute on . we saw it on a tuesday after work with two friends",
    "the main plot was dull from the first minute on , although the whole "
    "cast was brilliant in "
    "most of the scenes . we saw it on a tuesday after work with two friends",
    "although the new score was not tedious for nearly the whole evening , "
    "the final act was "
    "hardly gripping in the version that we saw . then took the late bus home",
    "the camera work was by no means clumsy in the second half of it",
)
SEEDS, EPOCHS, SENTENCES = 5, 10, 9500
RATE, RATES = 5e-3, (2e-4, 6e-4, 1.7e-3, 5e-3, 1.5e-2, 4.5e-2)
FIRST_RATES = RATES[2:5]
TUNING_SEEDS, FRESH_SEEDS = range(100, 103), range(10, 15)
BUDGET, LEARNED, IN_A_ROW = 40, 0.999, 3
LONG_TAILS = "LSTM, last, long tails"
# What `learn` trains, and the words that follow its verdicts in training.
LEARNERS = {
    "LSTM, last": (0, 12),
    LONG_TAILS: (0, 60),
    "BiLSTM, max": (0, 12),
    "BiLSTM, last": (0, 12),
    "GRU, last": (0, 12),
    "RNN, last": (0, 12),
}
# The one that does not learn at the rate at which the others do.
TUNED = ("RNN, last",)
MISTAKES, LENGTHS = 60, (0, 20, 30, 40, 50, 60, 80)


@functools.cache
def corpus(
    sentences: int = SENTENCES, language: str = "en"
) -> dict[str, pd.DataFrame]:
    """Generate the parts: train, validation, test, held-out combinations,
    and long tails."""
    frame = make_twins(sentences, rng=0, language=language)
    seen = frame[~frame["held_out"]]
    parts = dict(
        zip(
            ("train", "validation", "test"),
            split_pairs(seen, (0.8, 0.1, 0.1), 0),
            strict=True,
        )
    )
    parts["held out"] = frame[frame["held_out"]]
    for length in (50, 100, 400):
        parts[f"tail {length}"] = make_twins(
            400, length, language, tail=(length, length)
        )
    return parts


def train_classifier(
    options: dict,
    seed: int,
    parts: dict[str, pd.DataFrame],
    epochs: int = EPOCHS,
) -> tuple[SentimentClassifier, Vocabulary]:
    """Train one network on the corpus and return it with its vocabulary."""
    train, valid = parts["train"], parts["validation"]
    vocabulary = Vocabulary.from_texts(train["text"])
    torch.manual_seed(seed)
    model = SentimentClassifier(
        len(vocabulary), 32, 32, dropout=(0.1, 0.1), word_dropout=0.0, **options
    )
    fit(
        model,
        ReviewBatches(train["text"], train["label"], vocabulary, rng=seed),
        ReviewBatches(valid["text"], valid["label"], vocabulary, 256),
        loss=nn.functional.cross_entropy,
        optimizer=torch.optim.Adam(model.parameters(), RATE),
        epochs=epochs,
        clip=1.0,
    )
    return model, vocabulary


def build(name: str, vocabulary: Vocabulary, seed: int) -> SentimentClassifier:
    """Draw the network of one contender."""
    torch.manual_seed(seed)
    options = ARCHITECTURES[name.removesuffix(", long tails")]
    return SentimentClassifier(
        len(vocabulary), 32, 32, dropout=(0.1, 0.1), word_dropout=0.0, **options
    )


@functools.cache
def lessons(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Generate what a contender trains on, and its validation sentences."""
    frame = make_twins(SENTENCES, rng=0, tail=LEARNERS[name])
    seen = frame[~frame["held_out"]]
    train, valid, _ = split_pairs(seen, (0.8, 0.1, 0.1), 0)
    return train, valid


def learn(name: str, rate: float, seed: int, epochs: int) -> dict[str, Any]:
    """Train until the validation sentences are learned, or `epochs` long.

    Learned is 99.9 % of them right, three epochs in a row. Returns the model,
    its vocabulary and its validation curves.
    """
    train, valid = lessons(name)
    vocabulary = Vocabulary.from_texts(train["text"])
    model = build(name, vocabulary, seed)
    optimizer = torch.optim.Adam(model.parameters(), rate)
    batches = ReviewBatches(train["text"], train["label"], vocabulary, rng=seed)
    held = ReviewBatches(valid["text"], valid["label"], vocabulary, 256)
    loss = nn.functional.cross_entropy
    curves: dict[str, list[float]] = {"loss": [], "accuracy": []}
    for _ in range(epochs):
        fit(model, batches, loss=loss, optimizer=optimizer, epochs=1, clip=1.0)
        scores = evaluate(
            model, held, loss=loss, metrics={"accuracy": accuracy}
        )
        for each, curve in curves.items():
            curve.append(float(f"{scores[each]:.4g}"))
        if min([0, *curves["accuracy"]][-IN_A_ROW:]) >= LEARNED:
            break
    return {"model": model, "vocabulary": vocabulary, "curves": curves}


def tune(name: str, done: dict[str, float], save: Callable[[], None]) -> float:
    """Return the rate whose mean validation loss after ten epochs is lowest.

    Tries three; while the best is the lowest or highest of those tried, one
    further out. `done` keeps each loss by "rate / seed".
    """
    tried = list(FIRST_RATES)
    while True:
        for rate in tried:
            for seed in TUNING_SEEDS:
                if f"{rate:g} / {seed}" not in done:
                    found = learn(name, rate, seed, EPOCHS)["curves"]
                    done[f"{rate:g} / {seed}"] = found["loss"][-1]
                    print(name, rate, seed, found["loss"][-1], flush=True)
                    save()
        best = best_rate(done)
        beyond = {min(tried): -1, max(tried): 1}.get(best, 0)
        neighbour = RATES.index(best) + beyond
        if not beyond or not 0 <= neighbour < len(RATES):
            return best
        tried.append(RATES[neighbour])


def learn_and_judge(name: str, rate: float, seed: int) -> dict[str, Any]:
    """Train one contender and return its curves and its accuracy on every
    part, the one time that it is judged."""
    started = time.process_time()
    found = learn(name, rate, seed, BUDGET)
    seconds = round(time.process_time() - started, 1)
    scores = {
        part: float(
            (
                (
                    positive_probabilities(
                        found["model"], frame["text"], found["vocabulary"]
                    )
                    > 0.5
                )
                == frame["label"]
            ).mean()
        )
        for part, frame in corpus().items()
        if part not in ("train", "validation")
    }
    return {"rate": rate, "cpu_seconds": seconds, **found["curves"], **scores}


def measure(
    options: dict, seed: int, epochs: int = EPOCHS, language: str = "en"
) -> dict[str, float]:
    """Train one network and return its accuracy on every part, and its CPU
    seconds."""
    started = time.process_time()
    parts = corpus(language=language)
    model, vocabulary = train_classifier(options, seed, parts, epochs)
    scores = {"cpu_seconds": time.process_time() - started}
    for name, part in parts.items():
        if name not in ("train", "validation"):
            right = (
                positive_probabilities(model, part["text"], vocabulary) > 0.5
            )
            scores[name] = float((right == part["label"]).mean())
    return scores


def read_sentences() -> dict[str, Any]:
    """Return the tokens of each sentence and each reader's verdict after
    every one of them."""
    trained = {
        name: train_classifier(ARCHITECTURES[name], 0, corpus())
        for name in READERS
    }
    readings = []
    for text in READ:
        along = {
            name: probabilities_along(m, text, v)
            for name, (m, v) in trained.items()
        }
        readings.append(
            {
                "tokens": along[READERS[0]][0],
                "verdicts": {
                    name: [round(float(each), 3) for each in found]
                    for name, (_, found) in along.items()
                },
            }
        )
    return {"readings": readings}


def find_mistakes() -> dict[str, Any]:
    """Return the one-way LSTM's accuracy by slice and length, and its most
    confident mistakes.

    It read new sentences, held-out combinations among them, with tails of up to
    40 words.
    """
    model, vocabulary = train_classifier(
        ARCHITECTURES["LSTM, last"], 0, corpus()
    )
    frame = make_twins(1000, rng=1, tail=(0, 40))
    found = (
        positive_probabilities(model, frame["text"], vocabulary)
        .astype(float)
        .round(4)
    )
    answers = (frame["text"], frame["label"].to_numpy(), found)
    lengths = pd.cut(
        frame["text"].map(lambda text: len(tokenize(text))), LENGTHS
    )
    right = (found > 0.5) == frame["label"]
    by_length = right.groupby(lengths, observed=True).agg(["size", "mean"])
    return {
        "slices": accuracy_by_slice(*answers).dropna().to_dict("index"),
        "by length": {
            f"{bounds.left + 1}–{bounds.right}": {
                "texts": int(size),
                "accuracy": float(mean),
            }
            for bounds, size, mean in by_length.itertuples()
        },
        "mistakes": confident_mistakes(*answers)[:MISTAKES].to_dict("records"),
    }


def behave(seed: int) -> dict[str, float]:
    """Return the failure rate of one BiLSTM with max pooling on every
    behaviour test."""
    model, vocabulary = train_classifier(
        ARCHITECTURES["BiLSTM, max"], seed, corpus()
    )
    rates = failure_rates(
        behaviour_tests(),
        lambda texts: positive_probabilities(model, texts, vocabulary),
    )
    return {str(name): float(rate) for name, rate in rates.items()}


def measure_counts(longest: int, weighted: bool) -> dict[str, float]:
    """Train a bag of n-grams and return its accuracy on every part, and on
    twins alone."""
    parts = corpus()
    model = (
        naive_bayes_regression(longest)
        if weighted
        else tfidf_regression(longest)
    )
    model.fit(parts["train"]["text"], parts["train"]["label"])
    scores = {
        name: float(model.score(part["text"], part["label"]))
        for name, part in parts.items()
        if name not in ("train", "validation")
    }
    twins = parts["test"][parts["test"].duplicated("pair", keep=False)]
    return {
        **scores,
        "test twins": float(model.score(twins["text"], twins["label"])),
    }


def learn_all(only_tune: bool) -> None:
    """Tune each contender, then train its fresh seeds."""
    results = recorded("sentiment_twins")
    save = functools.partial(record, "sentiment_twins", results)
    tuning = results.setdefault("tuning", {})
    learned = results.setdefault("learned", {})
    for name in LEARNERS:
        rate = RATE
        if name in TUNED:
            rate = tune(name, tuning.setdefault(name, {}), save)
        for seed in [] if only_tune else FRESH_SEEDS:
            runs = learned.setdefault(name, {})
            if str(seed) not in runs:
                runs[str(seed)] = learn_and_judge(name, rate, seed)
                print(name, seed, runs[str(seed)]["accuracy"], flush=True)
                save()


def main() -> None:
    """Measure what is not recorded yet."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--tune", action="store_true", help="only tune")
    wanted = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    runs: dict[str, Callable[[], Any]] = {
        f"TF-IDF, up to {longest}-grams": functools.partial(
            measure_counts, longest, False
        )
        for longest in (1, 2, 3)
    }
    runs["NB-weighted, up to 2-grams"] = functools.partial(
        measure_counts, 2, True
    )
    for seed in range(SEEDS):
        for name, options in ARCHITECTURES.items():
            runs[f"{name}, seed {seed}"] = functools.partial(
                measure, options, seed
            )
        for name, options in LONGER.items():
            runs[f"{name}, seed {seed}"] = functools.partial(
                measure, options, seed, 30
            )
        chinese = functools.partial(
            measure, ARCHITECTURES["BiLSTM, max"], seed, language="zh"
        )
        runs[f"Chinese, BiLSTM, max, seed {seed}"] = chinese
        runs[f"behaviour of BiLSTM, max, seed {seed}"] = functools.partial(
            behave, seed
        )
    runs["word by word"] = read_sentences
    runs["mistakes of LSTM, last"] = find_mistakes
    results = recorded("sentiment_twins")
    for run in [run for run in runs if run not in results]:
        print(f"sentiment_twins: {run}", flush=True)
        results[run] = runs[run]()
        record("sentiment_twins", results)
    learn_all(wanted.tune)


if __name__ == "__main__":
    main()
