"""Recurrent classifiers on real labelled texts, beside the baselines that
usually beat them.

    python -m benchmarks.sentiment --data PATH_OR_NAME

Everything is chosen on the validation split; the test split is scored once, at
the end; ten folds over all rows, those of both splits among them, then say how
far a difference can be trusted. Results go to
`benchmarks/results/sentiment.json` with the data's name and hash, never with
its texts or its path.
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
from scipy import stats
from sklearn.base import BaseEstimator
from sklearn.model_selection import KFold, cross_val_predict
from statsmodels.stats.contingency_tables import mcnemar
from torch import nn

from benchmarks.record import record, recorded
from utils.data.reviews import SPLITS, load_reviews, warn_of_repeats
from utils.data.text import Vocabulary
from utils.labs import mistakes_lab
from utils.sentiment.bag_of_words import (
    majority,
    naive_bayes_regression,
    tfidf_regression,
)
from utils.sentiment.behaviour import behaviour_tests, failure_rates
from utils.sentiment.mistakes import accuracy_by_slice, confident_mistakes
from utils.sentiment.pytorch import (
    ReviewBatches,
    SentimentClassifier,
    positive_probabilities,
)
from utils.training import fit

EPOCHS, PATIENCE, RATE = 12, 2, 2e-3
CHOICE_SEEDS, FINAL_SEEDS, FOLDS, INNER_FOLDS = 3, 5, 10, 10
NGRAM_BUCKETS = 20_000
RATIO_NUMBERS, RATIO_SCALE = 5, 0.3
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
    model = naive_bayes_regression()
    method = "decision_function"
    inside = cross_val_predict(
        model, train["text"], train["label"], cv=10, method=method
    )
    model.fit(train["text"], train["label"])
    return [inside, *(model.decision_function(part["text"]) for part in others)]


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

    The second value is the CPU seconds of training.
    """
    train, valid, *others = parts
    started = time.process_time()
    priors = (
        log_odds(train, [valid, *others]) if inside else [None] * len(parts)
    )
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


def expected_calibration_error(
    probabilities: np.ndarray, part: pd.DataFrame
) -> float:
    """Return the mean gap between confidence and accuracy over ten bins,
    weighted by their rows.

    Guo et al. (2017), On Calibration of Modern Neural Networks.
    """
    confidence = np.maximum(probabilities, 1 - probabilities)
    right = (probabilities > 0.5) == part["label"].to_numpy()
    bins = np.minimum(((confidence - 0.5) * 20).astype(int), 9)
    return float(
        sum(abs((confidence - right)[bins == each].sum()) for each in range(10))
        / len(part)
    )


def paired_test(
    first: np.ndarray, second: np.ndarray, part: pd.DataFrame
) -> dict[str, float]:
    """Compare two classifiers on the same rows by McNemar's exact test."""
    labels = part["label"].to_numpy()
    right = [
        (probabilities > 0.5) == labels for probabilities in (first, second)
    ]
    table = [
        [int(np.sum((right[0] == a) & (right[1] == b))) for b in (True, False)]
        for a in (True, False)
    ]
    return {
        "only_first_right": table[0][1],
        "only_second_right": table[1][0],
        "p": float(mcnemar(table, exact=True).pvalue),
    }


def combine(first: np.ndarray, second: np.ndarray, weight: float) -> np.ndarray:
    """Mix two classifiers' log odds; `weight` is the first one's share."""
    odds = [
        np.log(np.clip(p, 1e-6, 1 - 1e-6) / np.clip(1 - p, 1e-6, 1))
        for p in (first, second)
    ]
    return 1 / (1 + np.exp(-(weight * odds[0] + (1 - weight) * odds[1])))


def best_weight(
    first: np.ndarray, second: np.ndarray, valid: pd.DataFrame
) -> float:
    """Choose the mixture with the lowest log loss on the validation split."""
    labels = valid["label"].to_numpy()

    def loss(weight: float) -> float:
        mixed = combine(first, second, weight)
        return -float(np.log(np.where(labels == 1, mixed, 1 - mixed)).mean())

    return min(np.linspace(0, 1, 21).tolist(), key=loss)


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
            "calibration_error": expected_calibration_error(found[1], test),
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
                expected_calibration_error(run[1], test) for run in runs
            ],
            "cpu_seconds": seconds,
            "ensemble": accuracy(ensemble[1], test),
            "ensemble_calibration_error": expected_calibration_error(
                ensemble[1], test
            ),
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
        "calibration_error": expected_calibration_error(mixed[1], test),
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
    """Compare over ten folds of all rows: baseline, ensembles, and their
    combinations.

    Within a fold each network of an ensemble stops on another tenth of the
    training rows, so that the ensemble, like the baseline, learns from all of
    them. The mixture is chosen on each network's answers to the tenth by which
    it stopped.
    """
    folds = results.setdefault("folds", [{} for _ in range(FOLDS)])
    results["chosen_blind"] = blind = best_on_validation(results, BLIND)
    ensembles = {
        "recurrent ensemble": (VARIANTS[results["chosen"]], "combination"),
        "NB log odds inside, ensemble": (
            VARIANTS[results["chosen_inside"]],
            None,
        ),
        "ensemble without recurrence": (
            BLIND[blind],
            "combination without recurrence",
        ),
    }
    splitter = KFold(FOLDS, shuffle=True, random_state=0)
    for fold, (inside, outside) in zip(
        folds, splitter.split(rows), strict=True
    ):
        if fold.keys() >= ensembles.keys():
            continue
        rest, test = rows.iloc[inside], rows.iloc[outside]
        held_nb, _ = stacked(train_baseline, rest, test)
        full = naive_bayes_regression().fit(rest["text"], rest["label"])
        nb = full.predict_proba(test["text"])[:, 1]
        fold[NB] = accuracy(nb, test)
        for name, (options, mixture) in ensembles.items():
            if name not in fold:
                held, found = stacked(
                    functools.partial(train_and_score, **options), rest, test
                )
                fold[name] = accuracy(found, test)
                if mixture:
                    weight = best_weight(held, held_nb, rest)
                    fold[mixture] = accuracy(combine(found, nb, weight), test)
        save()
        print(fold, flush=True)
    names = [name for name in folds[0] if name != NB]
    results["fold_differences"] = {
        name: difference(np.array([fold[name] - fold[NB] for fold in folds]))
        for name in names
    }
    results["recurrence"] = {
        with_it: difference(
            np.array([fold[with_it] - fold[without] for fold in folds])
        )
        for with_it, without in (
            ("recurrent ensemble", "ensemble without recurrence"),
            ("combination", "combination without recurrence"),
        )
    }
    save()


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


def train_baseline(
    parts: list[pd.DataFrame], seed: int
) -> tuple[list[np.ndarray], float]:
    """Fit NB-weighted logistic regression as `train_and_score` trains a
    network."""
    model = naive_bayes_regression().fit(parts[0]["text"], parts[0]["label"])
    return [model.predict_proba(part["text"])[:, 1] for part in parts[1:]], 0.0


def difference(values: np.ndarray) -> dict[str, float]:
    """Return a mean over folds with its 95 % interval.

    Folds share training rows, so the variance is corrected by the share tested
    over the share trained on: Nadeau and Bengio (2003), Inference for the
    Generalization Error.
    """
    count = len(values)
    spread = np.sqrt((1 / count + 1 / (count - 1)) * values.var(ddof=1))
    half = stats.t.ppf(0.975, count - 1) * spread
    mean = values.mean()
    return {
        "mean": float(mean),
        "low": float(mean - half),
        "high": float(mean + half),
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
    options = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    parts = [
        load_reviews(
            options.data, split, text=options.text, label=options.label
        )
        for split in SPLITS
    ]
    warn_of_repeats(parts[0], parts[2])
    name, print_of_data = Path(options.data).name, data_hash(parts)
    every = recorded("sentiment")
    if every.get(name, {}).get("sha256") != print_of_data:
        every[name] = {
            "sha256": print_of_data,
            "rows": [len(part) for part in parts],
        }
    save = functools.partial(record, "sentiment", every)
    choose(every[name], parts, save, VARIANTS | BLIND)
    if "combination" not in every[name]:
        score_test(every[name], parts, save)
    if options.mistakes:
        write_mistakes(every[name], parts, options.mistakes)
    compare_folds(every[name], pd.concat(parts, ignore_index=True), save)


if __name__ == "__main__":
    main()
