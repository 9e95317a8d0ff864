"""Claims about classifiers of reviews."""

from typing import Any

import numpy as np

from utils.sentiment.calibration import (
    calibration_floor,
    expected_calibration_error,
    fit_temperature,
)
from utils.sentiment.comparison import fold_difference, share_interval

from .claim import Effect

REVIEWS = "rotten_tomatoes"
LAST = ("BiLSTM, last", "LSTM, last", "GRU, last")
TAIL = "tail 400"


def learned(results: dict[str, Any], name: str, what: str) -> list[float]:
    """Return a number of each fresh seed of a contender on the twins."""
    return [run[what] for run in results["learned"][name].values()]


def epochs(results: dict[str, Any], name: str) -> list[float]:
    """Return how many epochs each fresh seed trained."""
    curves = results["learned"][name].values()
    return [float(len(run["accuracy"])) for run in curves]


def maximum_learns_the_twins(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """A small BiLSTM with a maximum over time learns the twins, held-out
    combinations and 400 neutral words behind the verdict among them.
    """
    effects = []
    for part in ("test", "held out", TAIL):
        found = learned(results, "BiLSTM, max", part)
        assert np.median(found) > 0.99
        assert min(found) > 0.95
        effects.append(Effect.over_seeds(f"right, {part}", found))
    return tuple(effects)


def last_states_learn_later(results: dict[str, Any]) -> tuple[Effect, ...]:
    """Networks that answer from their last state learn the twins too, but take
    more epochs than the maximum, at one learning rate.
    """
    soon = np.median(epochs(results, "BiLSTM, max"))
    effects = []
    for name in ("BiLSTM, max", *LAST):
        assert np.median(learned(results, name, "test")) > 0.99
        taken = epochs(results, name)
        assert name == "BiLSTM, max" or np.median(taken) > 1.2 * soon
        effects.append(Effect.over_seeds(f"epochs, {name}", taken))
    return tuple(effects)


def plain_rnn_stays_at_chance(results: dict[str, Any]) -> Effect:
    """The plain RNN did not learn the twins within 40 epochs."""
    found = learned(results, "RNN, last", "test")
    assert max(found) < 0.65
    return Effect.over_seeds("right on the test, RNN", found)


def learned_sentences_can_be_lost_behind_words(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """A one-way LSTM that is right on the test sentences is wrong on many with
    400 neutral words behind the verdict.
    """
    name = "LSTM, last"
    assert np.median(learned(results, name, "test")) > 0.99
    assert np.median(learned(results, name, TAIL)) < 0.9
    return tuple(
        Effect.over_seeds(f"one-way LSTM, {part}", learned(results, name, part))
        for part in ("test", "tail 50", "tail 100", TAIL)
    )


def longer_tails_in_training_help(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """Training on tails of up to 60 words lets the one-way LSTM hold its
    verdict longer.
    """
    name = "LSTM, last, long tails"
    plain = learned(results, "LSTM, last", "tail 100")
    longer = learned(results, name, "tail 100")
    assert np.median(longer) > 0.95
    assert np.median(longer) - np.median(plain) > 0.05
    return tuple(
        Effect.over_seeds(f"{name}, {part}", learned(results, name, part))
        for part in ("tail 50", "tail 100", TAIL)
    )


def labels(results: dict[str, Any], part: str = "test") -> np.ndarray:
    """Return the labels of a part's rows."""
    return np.array([int(each) for each in results[REVIEWS][part]["labels"]])


def rows(
    results: dict[str, Any], name: str, part: str = "test"
) -> list[np.ndarray]:
    """Return a classifier's log odds of every row, for each of its seeds."""
    found = results[REVIEWS]["counting"] | results[REVIEWS]["runs"]
    runs = found[name]
    runs = [runs] if part in runs else runs.values()
    return [np.array(run[part].split(), dtype=float) for run in runs]


def accuracies(results: dict[str, Any], name: str) -> list[float]:
    """Return the share of test rows right, for each seed."""
    truth = labels(results) == 1
    return [
        float(((found > 0) == truth).mean()) for found in rows(results, name)
    ]


def ensemble(
    results: dict[str, Any], name: str, part: str = "test"
) -> np.ndarray:
    """Return the log odds of the seeds' mean probability."""
    every = [1 / (1 + np.exp(-found)) for found in rows(results, name, part)]
    mean = np.clip(np.mean(every, axis=0), 1e-6, 1 - 1e-6)
    return np.log(mean / (1 - mean))


def single_networks_are_behind(results: dict[str, Any]) -> Effect:
    """A single BiLSTM that starts from random embeddings is right less often
    than NB-weighted logistic regression.
    """
    (baseline,) = accuracies(results, "NB-weighted")
    gaps = [baseline - found for found in accuracies(results, "BiLSTM")]
    assert min(gaps) > 0
    assert np.median(gaps) > 0.015
    return Effect.over_seeds("share right, baseline less BiLSTM", gaps)


def knowing_the_counts_helps(results: dict[str, Any]) -> Effect:
    """Given what the baseline knows, in its embeddings and its logits, a single
    BiLSTM is right more often.
    """
    plain = accuracies(results, "BiLSTM")
    informed = accuracies(results, "BiLSTM, NB in both")
    gains = [a - b for a, b in zip(informed, plain, strict=True)]
    assert np.median(gains) > 0.005
    return Effect.over_seeds("share right gained", gains)


def recurrence_is_worth_little(results: dict[str, Any]) -> Effect:
    """With and without recurrent layers, networks that know what the baseline
    knows differ by less than a point and a half on the test reviews.
    """
    pairs = zip(
        accuracies(results, "BiLSTM, NB in both"),
        accuracies(results, "no recurrence, NB in both"),
        strict=True,
    )
    gains = [a - b for a, b in pairs]
    assert abs(np.median(gains)) < 0.015
    return Effect.over_seeds("share right, with recurrence less without", gains)


def one_temperature_calibrates(results: dict[str, Any]) -> tuple[Effect, ...]:
    """One temperature, fitted on validation reviews, takes the calibration
    error of TF-IDF at its default penalty from above what chance explains to
    within it.
    """
    name = "TF-IDF, 1-grams, C = 1"
    found = ensemble(results, name)
    temperature = fit_temperature(
        ensemble(results, name, "validation"), labels(results, "validation")
    )
    effects = []
    for what, scale in (("as it is", 1.0), ("scaled", temperature)):
        odds = found / scale
        error = expected_calibration_error(odds, labels(results))
        floor = calibration_floor(odds, 0, 300)
        low, high = np.quantile(floor, [0.025, 0.975])
        assert error > high if what == "as it is" else error < high
        effects.append(
            Effect(
                f"calibration error less its floor, {what}",
                error - float(np.mean(floor)),
                error - float(high),
                error - float(low),
                "95 % of the floor's draws",
            )
        )
    return tuple(effects)


def contrast_costs_everybody(results: dict[str, Any]) -> tuple[Effect, ...]:
    """Sentences with a word of contrast are judged wrong more often than those
    that neither negate nor contrast, by the baseline and by the networks.
    """
    slices = results[REVIEWS]["test"]["slices"]
    inside = {
        name: np.array([each == "1" for each in slices[name]])
        for name in ("contrast", "neither")
    }
    effects = []
    for name in ("NB-weighted", "BiLSTM", "BiLSTM, NB in both"):
        right = (ensemble(results, name) > 0) == (labels(results) == 1)
        shares = {each: right[rows].mean() for each, rows in inside.items()}
        gap = shares["neither"] - shares["contrast"]
        error = np.sqrt(
            sum(
                shares[each] * (1 - shares[each]) / rows.sum()
                for each, rows in inside.items()
            )
        )
        assert gap > 0.05
        assert gap - 1.96 * error > 0
        effects.append(
            Effect(
                f"share right, neither less contrast, {name}",
                float(gap),
                float(gap - 1.96 * error),
                float(gap + 1.96 * error),
                "95 % interval",
            )
        )
    return tuple(effects)


def failure(results: dict[str, Any], name: str, test: str) -> list[float]:
    """Return how often a behaviour test is failed, for each seed."""
    found = results[REVIEWS]["counting"] | results[REVIEWS]["runs"]
    runs = found[name]
    runs = [runs] if "behaviour" in runs else runs.values()
    return [run["behaviour"][test] for run in runs]


def most_negations_fail(results: dict[str, Any]) -> tuple[Effect, ...]:
    """On sentences made of a subject, "not" and an adjective, the baseline and
    the networks trained on real reviews are wrong more often than right.
    """
    effects = []
    for name in ("NB-weighted", "BiLSTM", "BiLSTM, NB in both"):
        found = failure(results, name, "negation")
        assert np.median(found) > 0.5
        low, high = share_interval(round(100 * float(np.median(found))), 100)
        effects.append(
            Effect(
                f"negations failed, {name}, median of its seeds",
                float(np.median(found)),
                low,
                high,
                "95 % interval, 100 sentences",
            )
        )
    return tuple(effects)


def over_folds(
    results: dict[str, Any], first: str, second: str
) -> dict[str, float]:
    """Compare two contenders over the folds."""
    folds = results[REVIEWS]["folds"]
    return fold_difference(
        np.array([fold[first] - fold[second] for fold in folds])
    )


def effect(what: str, found: dict[str, float]) -> Effect:
    """Write a difference over folds as an effect."""
    how = "95 % interval, ten folds, Nadeau–Bengio"
    return Effect(what, found["mean"], found["low"], found["high"], how)


def recurrence_adds_less_than_a_point(results: dict[str, Any]) -> Effect:
    """Among single networks that know what the baseline knows, recurrent layers
    are worth less than one point over ten folds.
    """
    found = over_folds(
        results, "BiLSTM, NB in both", "no recurrence, NB in both"
    )
    assert abs(found["mean"]) < 0.01
    assert found["high"] < 0.02
    return effect("share right, with recurrence less without", found)


def second_count_is_no_network(results: dict[str, Any]) -> tuple[Effect, ...]:
    """What a second model that counts adds to the baseline differs by less than
    one point from what an ensemble of BiLSTMs adds.
    """
    nb = "NB-weighted logistic regression"
    for name in ("NB and TF-IDF", "NB and characters"):
        found = over_folds(results, "combination", name)
        assert abs(found["mean"]) < 0.01
    return tuple(
        effect(f"share right gained, {name}", over_folds(results, name, nb))
        for name in ("NB and TF-IDF", "NB and characters", "combination")
    )
