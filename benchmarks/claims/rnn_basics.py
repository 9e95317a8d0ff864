"""Claims about the plain recurrent network."""

from typing import Any

import numpy as np
from scipy import stats

from utils.forecasting.significance import diebold_mariano

from .claim import Effect

TESTED_FORMS = (0, 1, *range(4, 14))


def by_form(results: dict[str, Any], name: str) -> np.ndarray:
    """Return a model's accuracy on each tested form, the mean of its seeds."""
    scores: dict[int, list[float]] = {form: [] for form in TESTED_FORMS}
    for pair, runs in results["runs"][name].items():
        if " and " in pair:
            for run in runs.values():
                for form, score in run["test"].items():
                    scores[int(form)].append(score)
    return np.array([np.mean(scores[form]) for form in TESTED_FORMS])


def wrong_digits(results: dict[str, Any], length: str) -> list[int]:
    """Return how many digits of the longer sums are wrong, for each seed."""
    return [run[length]["wrong"] for run in results["runs"]["tanh"].values()]


def adder_goes_on(results: dict[str, Any]) -> Effect:
    """An RNN of 16 units that has learnt from sums of 8 digits names every
    digit right in sums of 2,000.
    """
    wrong = wrong_digits(results, "2,000 digits")
    assert len(wrong) == 5
    assert max(wrong_digits(results, "64 digits")) == 0
    assert max(wrong) == 0
    return Effect.over_seeds("wrong of 100,000 digits", wrong)


def clipping_saves_the_relu_adder(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """Trained by plain gradient descent on 32 digits, each at its own best
    learning rate, a ReLU adder that starts from the identity gets further with
    the gradient clipped than without.
    """
    right = {
        name: [
            run["right"] for run in results["runs"][f"ReLU / {name}"].values()
        ]
        for name in ("clipped", "not clipped")
    }
    assert len(right["clipped"]) == 5
    assert np.median(right["clipped"]) - np.median(right["not clipped"]) > 0.05
    return tuple(
        Effect.over_seeds(f"digits right, {name}", scores)
        for name, scores in right.items()
    )


def dense_network_reads_digits_better(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """On digits by unseen hands the RNN that reads row by row is tied with
    logistic regression, and a dense network of as many parameters is better.
    """
    rnn = by_form(results, "RNN")
    linear = Effect.paired(
        "accuracy, RNN minus logistic regression",
        rnn - by_form(results, "logistic regression"),
        "form",
    )
    dense = Effect.paired(
        "accuracy, dense network minus RNN",
        by_form(results, "dense network") - rnn,
        "form",
    )
    assert linear.tied
    assert dense.low > 0
    return linear, dense


def regression_forecasts_sunspots(results: dict[str, Any]) -> Effect:
    """One year ahead, a linear regression forecasts the sunspots better than a
    stack of two plain RNNs.
    """
    actual = np.array(results["sunspots"])
    losses = {
        name: np.mean((np.array(list(runs.values())) - actual) ** 2, axis=0)
        for name, runs in results["forecasts"].items()
    }
    rnn, line = losses["RNN"], losses["linear regression"]
    saved = float(np.mean(rnn - line))
    error = saved / diebold_mariano(rnn, line).statistic
    half = float(stats.t.ppf(0.975, len(actual) - 1)) * error
    assert len(results["forecasts"]["RNN"]) == 5
    assert saved - half > 0
    return Effect(
        "squared error, RNN minus linear regression",
        saved,
        saved - half,
        saved + half,
        "95 % interval, Diebold–Mariano",
    )
