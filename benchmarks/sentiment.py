"""Recurrent classifiers on real labelled texts, beside the baselines that
usually beat them.

    python -m benchmarks.sentiment --data PATH_OR_NAME

Everything is chosen on the validation split; ten folds over all rows, those of
both splits among them, say how far a difference can be trusted. Results go to
`benchmarks/results/sentiment.json` with the data's name and hash, never with
its texts or its path. A single file is split by chance, 80 : 10 : 10, each part
with the file's shares of labels.

    python -m benchmarks.sentiment --data PATH_OR_NAME --rows

trains five fresh seeds of a plain BiLSTM, of the best variant and of the same
without recurrence, and records their log odds of every validation and test row
in `benchmarks/results/sentiment_rows.json`, beside those of what counts words:
accuracy, calibration and every paired test can be computed from these.
"""

import argparse
import functools
import hashlib
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.special import expit, logit
from sklearn.base import BaseEstimator
from sklearn.model_selection import KFold, cross_val_predict, train_test_split
from torch import nn

from benchmarks.record import record, recorded
from utils.data.reviews import SPLITS, load_reviews, warn_of_repeats
from utils.data.text import Vocabulary, tokenize
from utils.data.twins import ENGLISH
from utils.labs import mistakes_lab
from utils.sentiment.bag_of_words import (
    character_regression,
    majority,
    naive_bayes_regression,
    tfidf_regression,
)
from utils.sentiment.behaviour import behaviour_tests, failure_rates
from utils.sentiment.calibration import expected_calibration_error
from utils.sentiment.comparison import (
    best_share,
    fold_difference,
    mcnemar_test,
    right_together,
)
from utils.sentiment.mistakes import (
    accuracy_by_slice,
    confident_mistakes,
    slice_texts,
)
from utils.sentiment.pytorch import (
    ReviewBatches,
    SentimentClassifier,
    positive_probabilities,
)
from utils.training import fit

EPOCHS, PATIENCE, RATE = 12, 2, 2e-3
FRESH_SEEDS = range(10, 15)
PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
CHOICE_SEEDS, FINAL_SEEDS, FOLDS, INNER_FOLDS = 3, 5, 10, 10
NGRAM_BUCKETS = 20_000
RATIO_NUMBERS, RATIO_SCALE = 5, 0.3
COUNTING: dict[str, Callable[..., BaseEstimator]] = {
    "TF-IDF, 1-grams": functools.partial(tfidf_regression, 1),
    "TF-IDF, characters": character_regression,
    "NB-weighted": functools.partial(naive_bayes_regression, 2),
}
BASELINES = {
    "majority": majority,
    "TF-IDF + logistic regression, 1-grams": functools.partial(
        tfidf_regression, 1
    ),
    "TF-IDF + logistic regression, 1–2-grams": functools.partial(
        tfidf_regression, 2
    ),
    "NB-weighted logistic regression": naive_bayes_regression,
}
NB = "NB-weighted logistic regression"
INSIDE = "NB log odds inside, ensemble"
TEN_FITS = "NB-weighted, ten fits"
SINGLE = ("BiLSTM, NB in both", "no recurrence, NB in both")
VARIANTS: dict[str, dict[str, Any]] = {
    "BiLSTM, max": {},
    "BiLSTM, last": {"pooling": "last"},
    "BiLSTM, mean": {"pooling": "mean"},
    "BiLSTM, attention": {"pooling": "attention"},
    "BiGRU, max": {"cell": "GRU"},
    "no word dropout": {"word_dropout": 0.0},
    "word dropout 0.3": {"word_dropout": 0.3},
    "weight decay 0.3": {"weight_decay": 0.3},
    "NB in embeddings": {"weighted": True},
    "character n-grams": {"characters": True},
    "NB in embeddings, more dropout": {"weighted": True, "dropout": (0.7, 0.5)},
    "NB log odds inside": {"inside": True},
    "NB in both, more dropout": {
        "inside": True,
        "weighted": True,
        "dropout": (0.7, 0.5),
    },
}
# Blind to order: what these reach, recurrence did not do. They need more
# epochs.
BLIND: dict[str, dict[str, Any]] = {
    f"no recurrence, {pooling}{name}": {
        "recurrent": False,
        "pooling": pooling,
        "epochs": 40,
        **options,
    }
    for name, options in {
        "": {},
        ", NB in embeddings": {"weighted": True},
        ", NB in embeddings, more dropout": {
            "weighted": True,
            "dropout": (0.7, 0.5),
        },
    }.items()
    for pooling in ("mean", "max")
}
# The control of "NB in both": the same without recurrence.
ROWS: dict[str, dict[str, Any]] = {
    "BiLSTM": VARIANTS["BiLSTM, max"],
    "BiLSTM, NB in both": VARIANTS["NB in both, more dropout"],
    "no recurrence, NB in both": VARIANTS["NB in both, more dropout"]
    | {"recurrent": False, "pooling": "mean", "epochs": 40},
}
# What goes to the test split whatever validation says, so that the poolings can
# be compared.
POOLINGS = ("BiLSTM, max", "BiLSTM, last", "BiLSTM, mean", "BiLSTM, attention")


class CharacterClassifier(SentimentClassifier):
    """Adds to each token's vector the mean vector of its character 3- to
    5-grams.

    Tokens from number `known` on have no vector of their own, only their
    n-grams': rare words, and those that no training text holds. Bojanowski et
    al. (2017), Enriching Word Vectors with Subword Information.
    """

    def __init__(self, vocabulary: Vocabulary, known: int, **options: Any):
        super().__init__(known, **options)
        self.known = known
        parts = [self.buckets(token) for token in vocabulary.tokens]
        parts[Vocabulary.PAD] = parts[Vocabulary.UNK] = []
        longest = max(map(len, parts))
        table = [part + [0] * (longest - len(part)) for part in parts]
        self.register_buffer("table", torch.tensor(table))
        size = self.embedding.embedding_dim
        self.ngrams = nn.EmbeddingBag(
            NGRAM_BUCKETS, size, mode="mean", padding_idx=0
        )

    @staticmethod
    def buckets(token: str) -> list[int]:
        """Number a token's n-grams from 1 on by a hash that is the same in
        every process."""
        marked = f"<{token}>"
        grams = {
            marked[i : i + n]
            for n in (3, 4, 5)
            for i in range(len(marked) - n + 1)
        }
        hashes = (hashlib.md5(gram.encode()).digest() for gram in sorted(grams))
        return [
            1 + int.from_bytes(each[:4], "big") % (NGRAM_BUCKETS - 1)
            for each in hashes
        ]

    def embed(self, tokens: torch.Tensor) -> torch.Tensor:
        """Add the n-grams' mean to the tokens' own vectors; padding and
        unknown have none."""
        kinds, where = tokens.unique(return_inverse=True)
        own = tokens.where(tokens < self.known, Vocabulary.UNK)
        return super().embed(own) + self.ngrams(self.table[kinds])[where]


class AveragingClassifier(SentimentClassifier):
    """Pools the tokens' vectors themselves: the same classifier without its
    recurrent layers.

    Iyyer et al. (2015), Deep Unordered Composition Rivals Syntactic Methods,
    with one layer.
    """

    def __init__(
        self, vocabulary_size: int, embedding_size: int = 100, **options: Any
    ):
        super().__init__(
            vocabulary_size, embedding_size, embedding_size // 2, **options
        )
        del self.forward_layer, self.backward_layer

    def read(self, tokens: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Return the vectors as they are."""
        return self.embedding_dropout(self.embed(tokens))


def log_odds(
    train: pd.DataFrame, others: list[pd.DataFrame]
) -> list[np.ndarray]:
    """Return NB-weighted logistic regression's log odds of the training rows
    and of others.

    Those of training rows come from fits that did not see them: a fit that did
    is nearly always right there, and would leave a network nothing to learn.
    """
    texts = (tuple(part["text"]) for part in (train, *others))
    return _log_odds(tuple(train["label"]), *texts)


@functools.lru_cache(maxsize=1)
def _log_odds(
    labels: tuple[int, ...], train: tuple[str, ...], *others: tuple[str, ...]
) -> list[np.ndarray]:
    model, truth = naive_bayes_regression(), np.array(labels)
    # What is counted is counted once for all fits. A pair of words that only
    # left-out rows have gets weight 0.
    present = model[0].fit_transform(train)
    inside = cross_val_predict(
        model[1:], present, truth, cv=INNER_FOLDS, method="decision_function"
    )
    model[1:].fit(present, truth)
    return [inside, *(model.decision_function(part) for part in others)]


def train_and_score(
    parts: list[pd.DataFrame],
    seed: int,
    inside: bool = False,
    weighted: bool = False,
    characters: bool = False,
    recurrent: bool = True,
    weight_decay: float = 0.0,
    epochs: int = EPOCHS,
    **options: Any,
) -> tuple[list[np.ndarray], float]:
    """Train on the first part, stop by the second; return probabilities of all
    parts but the first.

    The second value is the CPU seconds of training, without those of the
    baseline whose log odds it may be given.
    """
    train, valid, *others = parts
    priors = (
        log_odds(train, [valid, *others]) if inside else [None] * len(parts)
    )
    started = time.process_time()
    vocabulary = Vocabulary.from_texts(train["text"], minimum_frequency=2)
    torch.manual_seed(seed)
    model: SentimentClassifier
    if characters:
        known = len(vocabulary)
        every = Vocabulary.from_texts(pd.concat(parts)["text"])
        rare = [
            token for token in every.tokens if token not in vocabulary.numbers
        ]
        vocabulary = Vocabulary(
            [*vocabulary.tokens[len(Vocabulary.SPECIAL) :], *rare]
        )
        model = CharacterClassifier(vocabulary, known, **options)
    else:
        kind = SentimentClassifier if recurrent else AveragingClassifier
        model = kind(len(vocabulary), **options)
    if weighted:
        start_from_ratios(model, vocabulary, train)
    batches = [
        ReviewBatches(
            part["text"], part["label"], vocabulary, size, rng=seed, prior=prior
        )
        for part, size, prior in zip(
            (train, valid), (64, 256), priors[:2], strict=True
        )
    ]
    optimizer = torch.optim.AdamW(
        model.parameters(), RATE, weight_decay=weight_decay
    )
    fit(
        model,
        *batches,
        loss=nn.functional.cross_entropy,
        optimizer=optimizer,
        epochs=epochs,
        patience=PATIENCE,
        clip=1.0,
    )
    seconds = time.process_time() - started
    found = [
        positive_probabilities(model, part["text"], vocabulary, prior)
        for part, prior in zip((valid, *others), priors[1:], strict=True)
    ]
    return found, seconds


def start_from_ratios(
    model: SentimentClassifier, vocabulary: Vocabulary, train: pd.DataFrame
) -> None:
    """Set the first five numbers of each known token's vector to its log-count
    ratio.

    The ratios are those of single words, scaled to a standard deviation of 0.3.
    """
    counts, weights, _ = (step for _, step in naive_bayes_regression(1).steps)
    weights.fit(counts.fit_transform(train["text"]), train["label"])
    ratios = weights.ratios_ / weights.ratios_.std() * RATIO_SCALE
    with torch.no_grad():
        for token, column in counts.vocabulary_.items():
            if token in vocabulary.numbers:
                number = vocabulary.numbers[token]
                model.embedding.weight[number, :RATIO_NUMBERS] = float(
                    ratios[column]
                )


def accuracy(probabilities: np.ndarray, part: pd.DataFrame) -> float:
    """Return the share of right answers."""
    return float(((probabilities > 0.5) == part["label"].to_numpy()).mean())


def paired_test(
    first: np.ndarray, second: np.ndarray, part: pd.DataFrame
) -> dict[str, float]:
    """Compare two classifiers on the same rows by McNemar's exact test."""
    labels = part["label"].to_numpy()
    right = [(found > 0.5) == labels for found in (first, second)]
    table = right_together(*right)
    return {
        "only_first_right": int(table.iloc[0, 1]),
        "only_second_right": int(table.iloc[1, 0]),
        "p": mcnemar_test(*right),
    }


def calibration_error(probabilities: np.ndarray, part: pd.DataFrame) -> float:
    """Return the gap between confidence and accuracy on a part."""
    return expected_calibration_error(
        to_log_odds(probabilities), part["label"].to_numpy()
    )


def to_log_odds(probabilities: np.ndarray) -> np.ndarray:
    """Turn probabilities of positive into log odds that are finite."""
    inside = np.clip(probabilities.astype(float), 1e-6, 1 - 1e-6)
    return logit(inside)


def combine(first: np.ndarray, second: np.ndarray, weight: float) -> np.ndarray:
    """Mix two classifiers' log odds; `weight` is the first one's share."""
    odds = [to_log_odds(each) for each in (first, second)]
    return expit(weight * odds[0] + (1 - weight) * odds[1])


def best_weight(
    first: np.ndarray, second: np.ndarray, valid: pd.DataFrame
) -> float:
    """Choose the mixture with the lowest log loss on the validation split."""
    odds = [to_log_odds(each) for each in (first, second)]
    return best_share(*odds, valid["label"].to_numpy())


def choose(
    results: dict, parts: list[pd.DataFrame], save: Any, variants: dict
) -> None:
    """Train every variant on three seeds and record its validation accuracy."""
    chosen = results.setdefault("validation", {})
    for seed in range(CHOICE_SEEDS):
        for name, options in variants.items():
            row = chosen.setdefault(name, {"accuracy": [], "cpu_seconds": []})
            if len(row["accuracy"]) > seed:
                continue
            (found,), seconds = train_and_score(parts[:2], seed, **options)
            row["accuracy"].append(accuracy(found, parts[1]))
            row["cpu_seconds"].append(round(seconds, 1))
            save()
            print(
                f"{name}, seed {seed}: validation {row['accuracy'][-1]:.4f}",
                flush=True,
            )


def best_on_validation(results: dict, names: Iterable[str]) -> str:
    """Return the variant with the highest mean validation accuracy over its
    seeds."""
    return max(
        names, key=lambda name: np.mean(results["validation"][name]["accuracy"])
    )


def score_test(results: dict, parts: list[pd.DataFrame], save: Any) -> None:
    """Score the baselines, the poolings and the best variants on the test
    split, once.

    The best variant is chosen twice: among the networks that read alone, and
    among those that are given the baseline's log odds.
    """
    for key, inside in (("chosen", False), ("chosen_inside", True)):
        candidates = [
            name
            for name in VARIANTS
            if VARIANTS[name].get("inside", False) == inside
        ]
        results[key] = best_on_validation(results, candidates)
    parts = [*parts, behaviour_texts()]
    found = score_baselines(results, parts)
    found |= score_models(results, parts, found[NB])
    score_combination(results, parts, found[results["chosen"]], found[NB])
    save()


def score_baselines(
    results: dict, parts: list[pd.DataFrame]
) -> dict[str, list[np.ndarray]]:
    """Record the baselines' scores; return their probabilities of every part
    but the first."""
    train, valid, test, probes = parts
    probabilities, results["baselines"] = {}, {}
    for name, build in BASELINES.items():
        model: BaseEstimator = build().fit(train["text"], train["label"])
        found = [
            model.predict_proba(part["text"])[:, 1]
            for part in (valid, test, probes)
        ]
        probabilities[name] = found
        results["baselines"][name] = {
            "validation": accuracy(found[0], valid),
            "test": accuracy(found[1], test),
            "calibration_error": calibration_error(found[1], test),
        }
    return probabilities


def score_models(
    results: dict, parts: list[pd.DataFrame], baseline: list[np.ndarray]
) -> dict[str, list[np.ndarray]]:
    """Record five seeds of each model; return the ensembles' probabilities."""
    test = parts[2]
    probabilities, results["models"] = {}, {}
    for name in dict.fromkeys(
        [*POOLINGS, results["chosen"], results["chosen_inside"]]
    ):
        runs, seconds = [], []
        for seed in range(FINAL_SEEDS):
            found, each = train_and_score(parts, seed, **VARIANTS[name])
            runs.append(found)
            seconds.append(round(each, 1))
            print(
                f"{name}, seed {seed}: {accuracy(found[1], test):.4f}",
                flush=True,
            )
        ensemble = [np.mean(part, axis=0) for part in zip(*runs, strict=True)]
        probabilities[name] = ensemble
        results["models"][name] = {
            "test": [accuracy(run[1], test) for run in runs],
            "calibration_error": [
                calibration_error(run[1], test) for run in runs
            ],
            "cpu_seconds": seconds,
            "ensemble": accuracy(ensemble[1], test),
            "ensemble_calibration_error": calibration_error(ensemble[1], test),
            "against_nb": paired_test(ensemble[1], baseline[1], test),
        }
    return probabilities


def score_combination(
    results: dict,
    parts: list[pd.DataFrame],
    recurrent: list[np.ndarray],
    baseline: list[np.ndarray],
) -> None:
    """Record the mixture of ensemble and baseline, and where each of the
    three goes wrong."""
    _, valid, test, probes = parts
    weight = best_weight(recurrent[0], baseline[0], valid)
    mixed = [
        combine(a, b, weight) for a, b in zip(recurrent, baseline, strict=True)
    ]
    results["combination"] = {
        "of": [results["chosen"], NB],
        "weight": weight,
        "test": accuracy(mixed[1], test),
        "calibration_error": calibration_error(mixed[1], test),
        "against_nb": paired_test(mixed[1], baseline[1], test),
    }
    results["slices"], results["behaviour"] = {}, {}
    for name, found in (
        (NB, baseline),
        ("recurrent ensemble", recurrent),
        ("combination", mixed),
    ):
        table = accuracy_by_slice(
            test["text"], test["label"].to_numpy(), found[1]
        )
        results["slices"][name] = table.dropna().to_dict("index")
        results["behaviour"][name] = behaviour(probes, found[2])


def behaviour_texts() -> pd.DataFrame:
    """Return every sentence of the behaviour tests as rows to classify;
    their label is unused."""
    texts = {
        text
        for test in behaviour_tests()
        for text in (*test.texts, *test.changed)
    }
    return pd.DataFrame({"text": sorted(texts), "label": 0})


def behaviour(
    probes: pd.DataFrame, probabilities: np.ndarray
) -> dict[str, float]:
    """Return the failure rate on each behaviour test from the answers to
    `behaviour_texts`."""
    known = dict(zip(probes["text"], probabilities, strict=True))
    rates = failure_rates(
        behaviour_tests(), lambda texts: np.array([known[t] for t in texts])
    )
    return {str(name): float(rate) for name, rate in rates.items()}


def write_mistakes(
    results: dict, parts: list[pd.DataFrame], path: Path
) -> None:
    """Write a page to browse the chosen model's mistakes on the validation
    split.

    Not on the test split: who reads its texts and mends what is wrong there has
        trained on it.
    """
    train, valid, _ = parts
    (found,), _ = train_and_score(
        [train, valid], 0, **VARIANTS[results["chosen"]]
    )
    mistakes = confident_mistakes(
        valid["text"], valid["label"].to_numpy(), found
    )
    page = mistakes_lab(
        mistakes, title=f"{results['chosen']}: confident mistakes"
    ).html
    path.write_text(
        f"<!doctype html><meta charset=utf-8>{page}\n", encoding="utf-8"
    )


def compare_folds(results: dict, rows: pd.DataFrame, save: Any) -> None:
    """Compare over ten folds of all rows: what counts words, ensembles of
    networks, and their combinations.

    Within a fold each network of an ensemble stops on another tenth of the
    training rows, so that the ensemble, like the baseline, learns from all of
    them. The mixture is chosen on each network's answers to the tenth by which
    it stopped.
    """
    folds = results.setdefault("folds", [{} for _ in range(FOLDS)])
    results["chosen_blind"] = best_on_validation(results, BLIND)
    splitter = KFold(FOLDS, shuffle=True, random_state=0)
    splits = [
        (rows.iloc[inside], rows.iloc[outside])
        for inside, outside in splitter.split(rows)
    ]
    hashed = character_regression()[0].transform(rows["text"])
    for compare in (
        functools.partial(count_words, hashed=hashed),
        train_singles,
        train_ensembles,
    ):
        for fold, (rest, test) in zip(folds, splits, strict=True):
            known = len(fold)
            compare(fold, results, rest, test)
            if len(fold) > known:
                save()
                print(fold, flush=True)
    results["fold_differences"] = {
        name: fold_difference(
            np.array([fold[name] - fold[NB] for fold in folds])
        )
        for name in folds[0]
        if name != NB
    }
    results["recurrence"] = {
        with_it: fold_difference(
            np.array([fold[with_it] - fold[without] for fold in folds])
        )
        for with_it, without in (
            ("recurrent ensemble", "ensemble without recurrence"),
            ("combination", "combination without recurrence"),
            SINGLE,
        )
    }
    save()


def count_words(
    fold: dict[str, float],
    results: dict,
    rest: pd.DataFrame,
    test: pd.DataFrame,
    hashed: Any,
) -> None:
    """Score the baseline, ten fits of it, and its mixtures with another model
    that counts.

    `hashed` holds the characters' n-grams of all rows; words are counted once
    for the ten fits, which learn the weights alone.
    """
    if "NB and characters" in fold:
        return
    every = pd.concat([rest, test])["text"]
    held, ten, found = {}, {}, {}
    for name, kind, inverse in (
        (NB, "NB-weighted", 1.0),
        ("TF-IDF", "TF-IDF, 1-grams", None),
        ("characters", "TF-IDF, characters", None),
    ):
        penalty = inverse or best_penalty(results, kind)
        model = COUNTING[kind](inverse_penalty=penalty)
        if name == "characters":
            model, features = model[1:], hashed
            places = pd.Series(range(features.shape[0]))
        else:
            model[0].fit(rest["text"])
            features = model[0].transform(every)
            model = model[1:]
            places = pd.Series(range(len(every)), index=every.index)
        train = functools.partial(train_counting, model, features, places)
        held[name], ten[name] = stacked(train, rest, test)
        (found[name],), _ = train([rest, test], 0)
        fold[name] = accuracy(found[name], test)
    fold["NB, ten fits"] = accuracy(ten[NB], test)
    for name in ("TF-IDF", "characters"):
        weight = best_weight(held[name], held[NB], rest)
        mixed = combine(found[name], found[NB], weight)
        fold[f"NB and {name}"] = accuracy(mixed, test)


def train_singles(
    fold: dict[str, float],
    results: dict,
    rest: pd.DataFrame,
    test: pd.DataFrame,
) -> None:
    """Score one network with recurrence and one without, stopped by the same
    tenth of the training rows."""
    for name in SINGLE:
        if name not in fold:
            train, stop = train_test_split(rest, test_size=0.1, random_state=0)
            (_, found), _ = train_and_score(
                [train, stop, test], 0, **ROWS[name]
            )
            fold[name] = accuracy(found, test)


def train_ensembles(
    fold: dict[str, float],
    results: dict,
    rest: pd.DataFrame,
    test: pd.DataFrame,
) -> None:
    """Score ensembles of ten networks, and their mixtures with the baseline."""
    for name, (options, mixture) in {
        "recurrent ensemble": (VARIANTS[results["chosen"]], "combination"),
        INSIDE: (VARIANTS[results["chosen_inside"]], None),
        "ensemble without recurrence": (
            BLIND[results["chosen_blind"]],
            "combination without recurrence",
        ),
    }.items():
        if name in fold:
            continue
        train = functools.partial(train_and_score, **options)
        held, found = stacked(train, rest, test)
        fold[name] = accuracy(found, test)
        if mixture:
            held_nb, _ = stacked(train_baseline, rest, test)
            (found_nb,) = predict(naive_bayes_regression(), [rest, test])
            weight = best_weight(held, held_nb, rest)
            fold[mixture] = accuracy(combine(found, found_nb, weight), test)


def stacked(
    train: Callable[..., tuple[list[np.ndarray], float]],
    rest: pd.DataFrame,
    test: pd.DataFrame,
) -> tuple[np.ndarray, np.ndarray]:
    """Train once for each held-out tenth; return the answers to those tenths
    and to the test.

    The answers to the test rows are the mean of all networks'.
    """
    held, outside = np.empty(len(rest)), np.zeros(len(test))
    splitter = KFold(INNER_FOLDS, shuffle=True, random_state=0)
    for seed, (inside, stop) in enumerate(splitter.split(rest)):
        (held[stop], found), _ = train(
            [rest.iloc[inside], rest.iloc[stop], test], seed
        )
        outside += found / INNER_FOLDS
    return held, outside


def train_counting(
    model: Any,
    features: Any,
    places: pd.Series,
    parts: list[pd.DataFrame],
    seed: int,
) -> tuple[list[np.ndarray], float]:
    """Fit what follows the counting, as `train_and_score` trains a network.

    `features` holds every row's counts, a row's place in it stands in `places`.
    """
    rows = [features[places[part.index].to_numpy()] for part in parts]
    model.fit(rows[0], parts[0]["label"])
    return [model.predict_proba(each)[:, 1] for each in rows[1:]], 0.0


def train_baseline(
    parts: list[pd.DataFrame], seed: int
) -> tuple[list[np.ndarray], float]:
    """Fit NB-weighted logistic regression as `train_and_score` trains a
    network."""
    return predict(naive_bayes_regression(), parts), 0.0


def predict(model: Any, parts: list[pd.DataFrame]) -> list[np.ndarray]:
    """Fit a model to the first part; return its probabilities of the others."""
    model.fit(parts[0]["text"], parts[0]["label"])
    return [model.predict_proba(part["text"])[:, 1] for part in parts[1:]]


def tune_penalties(results: dict, parts: list[pd.DataFrame], save: Any) -> None:
    """Record the validation accuracy of what counts, at seven penalties."""
    train, valid = parts[:2]
    for name, build in COUNTING.items():
        row = results.setdefault("penalties", {}).setdefault(name, {})
        if len(row) == len(PENALTIES):
            continue
        *features, regression = (step for _, step in build().steps)
        rows = [train["text"], valid["text"]]
        for step in features:
            rows = [step.fit_transform(rows[0], train["label"]), rows[1]]
            rows[1] = step.transform(rows[1])
        for inverse in PENALTIES:
            regression.set_params(C=inverse).fit(rows[0], train["label"])
            found = regression.predict_proba(rows[1])[:, 1]
            row[str(inverse)] = accuracy(found, valid)
        save()
        print(name, row, flush=True)


def best_penalty(results: dict, name: str) -> float:
    """Return the inverse penalty with the highest validation accuracy."""
    row = results["penalties"][name]
    return float(max(row, key=lambda inverse: row[inverse]))


def written(log_odds: np.ndarray) -> str:
    """Write log odds to the hundredth, a space between two."""
    return " ".join(f"{each:.2f}" for each in log_odds)


def record_rows(
    results: dict,
    parts: list[pd.DataFrame],
    save: Any,
) -> None:
    """Record the log odds of every validation and test row, and what fails the
    behaviour tests."""
    train, valid, test = parts
    probes = behaviour_texts()
    for name, part in {"validation": valid, "test": test}.items():
        rows = results.setdefault(name, {})
        rows["labels"] = "".join(map(str, part["label"]))
        rows["slices"] = {
            each: "".join("01"[inside] for inside in marks)
            for each, marks in slice_texts(part["text"]).items()
        }
    counting = results.setdefault("counting", {})
    # At scikit-learn's own penalty as well.
    models = {
        name: (name, best_penalty(results, name)) for name in COUNTING
    } | {f"{name}, C = 1": (name, 1.0) for name in COUNTING}
    for name, (kind, inverse_penalty) in models.items():
        if name in counting:
            continue
        model = COUNTING[kind](inverse_penalty=inverse_penalty)
        found = predict(model, [train, valid, test, probes])
        counting[name] = answers(found, probes)
        print(name, accuracy(found[1], test), flush=True)
        save()
    if TEN_FITS not in counting:
        counting[TEN_FITS] = answers(fit_ten_times(parts, probes), probes)
        save()
    runs = results.setdefault("runs", {})
    for seed in FRESH_SEEDS:
        for name, options in ROWS.items():
            done = runs.setdefault(name, {})
            if str(seed) in done:
                continue
            found, seconds = train_and_score([*parts, probes], seed, **options)
            done[str(seed)] = {
                "cpu_seconds": round(seconds, 1),
                **answers(found, probes),
            }
            print(name, seed, accuracy(found[1], test), flush=True)
            save()


def fit_ten_times(
    parts: list[pd.DataFrame], probes: pd.DataFrame
) -> list[np.ndarray]:
    """Average the baseline's probabilities over ten fits, each without another
    tenth of the training rows: an ensemble of what counts."""
    train, *others = parts
    splitter = KFold(INNER_FOLDS, shuffle=True, random_state=0)
    every = [
        predict(naive_bayes_regression(), [train.iloc[inside], *others, probes])
        for inside, _ in splitter.split(train)
    ]
    return [np.mean(found, axis=0) for found in zip(*every, strict=True)]


def answers(found: list[np.ndarray], probes: pd.DataFrame) -> dict[str, Any]:
    """Write one classifier's answers to validation, test and behaviour."""
    return {
        "validation": written(to_log_odds(found[0])),
        "test": written(to_log_odds(found[1])),
        "behaviour": behaviour(probes, found[2]),
    }


def describe(train: pd.DataFrame) -> dict[str, Any]:
    """Say what training texts are like, and which words tell the classes
    apart.

    Of words in at least 20 texts: those with the highest and the lowest
    log-count ratio, with the number of texts of either class.
    """
    tokens = [tokenize(text) for text in train["text"]]
    lengths = np.array([len(each) for each in tokens])
    counts, weights, _ = (step for _, step in naive_bayes_regression(1).steps)
    present = counts.fit_transform(train["text"])
    weights.fit(present, train["label"])
    words = pd.DataFrame(
        {
            "positive": present[(train["label"] == 1).to_numpy()]
            .sum(axis=0)
            .A1,
            "negative": present[(train["label"] == 0).to_numpy()]
            .sum(axis=0)
            .A1,
            "ratio": weights.ratios_,
        },
        index=counts.get_feature_names_out(),
    )
    texts = words["positive"] + words["negative"]
    frequent = words[texts >= 20].sort_values("ratio", ascending=False)
    adjectives = [*ENGLISH.good, *ENGLISH.bad]
    return {
        "words": len(words),
        "words in one text": int((texts == 1).sum()),
        "tokens": {
            "median": float(np.median(lengths)),
            "5 %": float(np.quantile(lengths, 0.05)),
            "95 %": float(np.quantile(lengths, 0.95)),
        },
        "slices": slice_texts(train["text"]).mean().to_dict(),
        "ratios": pd.concat([frequent[:10], frequent[-10:]]).to_dict("index"),
        "adjectives of the behaviour tests": {
            word: int(texts.get(word, 0)) for word in adjectives
        },
    }


def data_hash(parts: list[pd.DataFrame]) -> str:
    """Hash texts and labels, so that another run can tell whether it saw the
    same data."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part[["text", "label"]].to_csv(index=False).encode())
    return digest.hexdigest()


def main() -> None:
    """Measure what is not recorded yet for these data."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data",
        required=True,
        help="a folder, or a data set's name on the hub",
    )
    parser.add_argument("--text", default="text", help="the column of texts")
    parser.add_argument("--label", default="label", help="the column of labels")
    parser.add_argument(
        "--mistakes",
        type=Path,
        help="also write a page to browse validation mistakes, e.g. m.html",
    )
    parser.add_argument(
        "--rows", action="store_true", help="record fresh seeds row by row"
    )
    options = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    try:
        parts = load_parts(options.data, text=options.text, label=options.label)
    except (ConnectionError, FileNotFoundError, ValueError) as error:
        parser.error(str(error))
    record_name = "sentiment_rows" if options.rows else "sentiment"
    name, print_of_data = Path(options.data).name, data_hash(parts)
    every = recorded(record_name)
    if every.get(name, {}).get("sha256") != print_of_data:
        every[name] = {
            "sha256": print_of_data,
            "rows": [len(part) for part in parts],
        }
    save = functools.partial(record, record_name, every)
    tune_penalties(every[name], parts, save)
    if options.rows:
        every[name]["train"] = describe(parts[0])
        record_rows(every[name], parts, save)
        return
    choose(every[name], parts, save, VARIANTS | BLIND)
    if "combination" not in every[name]:
        score_test(every[name], parts, save)
    if options.mistakes:
        write_mistakes(every[name], parts, options.mistakes)
    compare_folds(every[name], pd.concat(parts, ignore_index=True), save)


def load_parts(source: str, **columns: str) -> list[pd.DataFrame]:
    """Load the three splits, or split a single file; warn of texts that stand
    in two of them."""
    if Path(source).is_file():
        rows = load_reviews(source, **columns)
        shares = {"random_state": 0, "shuffle": True}
        rest, test = train_test_split(
            rows, test_size=0.1, stratify=rows["label"], **shares
        )
        train, valid = train_test_split(
            rest, test_size=1 / 9, stratify=rest["label"], **shares
        )
        parts = [train, valid, test]
    else:
        parts = [load_reviews(source, split, **columns) for split in SPLITS]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        warn_of_repeats(parts[first], parts[second])
    return parts


if __name__ == "__main__":
    main()
