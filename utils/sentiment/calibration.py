"""Does a classifier that says 80 % come true in 80 of 100 texts? Chapter 11.

Guo, Pleiss, Sun and Weinberger (2017), On Calibration of Modern Neural
Networks, https://arxiv.org/abs/1706.04599.
"""

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy.optimize import minimize_scalar

BINS = 10
# Temperatures outside this range say that something else is wrong.
COLDEST, HOTTEST = 0.05, 20.0


def reliability(
    log_odds: Float[np.ndarray, " text"], labels: Int[np.ndarray, " text"]
) -> pd.DataFrame:
    """Sort texts by how sure the answer is, and compare with how often it is
    right.

    Confidence is the probability of the class that is named, between one half
    and one; each of the ten bins of equal width that holds a text has its
    number of `texts`, their mean `confidence` and their `accuracy`.
    """
    confidence = _confidence(log_odds)
    right = (log_odds > 0) == (labels == 1)
    found = pd.DataFrame({"confidence": confidence, "accuracy": right})
    bins = found.groupby(_bins(confidence))
    return bins.mean().assign(texts=bins.size())


def expected_calibration_error(
    log_odds: Float[np.ndarray, " text"], labels: Int[np.ndarray, " text"]
) -> float:
    r"""Return the mean gap between confidence and accuracy over the bins.

    $\sum_b \frac{n_b}{n} |\text{accuracy}_b - \text{confidence}_b|$, which is
    above 0 for a perfect classifier too: see `calibration_floor`.
    """
    table = reliability(log_odds, labels)
    gaps = (table["accuracy"] - table["confidence"]).abs()
    return float((gaps * table["texts"]).sum() / table["texts"].sum())


def calibration_floor(
    log_odds: Float[np.ndarray, " text"],
    rng: np.random.Generator | int = 0,
    draws: int = 1000,
) -> Float[np.ndarray, " draws"]:
    """Draw the calibration errors that a perfectly calibrated classifier has.

    Labels are drawn as often right as the answers say; what error is left is
    that of counting finitely many texts.
    """
    rng = np.random.default_rng(rng)
    probabilities = 1 / (1 + np.exp(-log_odds))
    positive = rng.random((draws, len(log_odds))) < probabilities
    confidence = _confidence(log_odds)
    off = confidence - (positive == (log_odds > 0))
    of_bin = _bins(confidence)[:, None] == np.arange(BINS)
    return np.abs(off @ of_bin).sum(axis=1) / len(log_odds)


def fit_temperature(
    log_odds: Float[np.ndarray, " text"], labels: Int[np.ndarray, " text"]
) -> float:
    r"""Return the temperature $T$ whose log odds $z / T$ lose least.

    The loss is the mean of $\log(1 + e^{-s z / T})$, with $s = 1$ for positive
    texts and $-1$ for negative ones. Above 1 the classifier was too sure. Fit
    it on texts that it was not trained on; no answer changes, only how sure it
    is.
    """
    signed = np.where(labels == 1, log_odds, -log_odds)

    def loss(log_temperature: float) -> float:
        return float(np.logaddexp(0, -signed / np.exp(log_temperature)).mean())

    bounds = (np.log(COLDEST), np.log(HOTTEST))
    return float(np.exp(minimize_scalar(loss, bounds=bounds).x))


def _confidence(
    log_odds: Float[np.ndarray, " text"],
) -> Float[np.ndarray, " text"]:
    return 1 / (1 + np.exp(-np.abs(log_odds)))


def _bins(
    confidence: Float[np.ndarray, " text"],
) -> Int[np.ndarray, " text"]:
    return np.minimum(((confidence - 0.5) * 2 * BINS).astype(int), BINS - 1)
