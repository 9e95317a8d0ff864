"""Which of two classifiers is better, and can a set of texts tell?
Chapter 11."""

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy import stats

from utils.forecasting.significance import mcnemar

SHARES = 21


def right_together(
    first: Bool[np.ndarray, " text"], second: Bool[np.ndarray, " text"]
) -> pd.DataFrame:
    """Count the texts that both, one or neither of two classifiers gets
    right."""
    counts = [
        [int(np.sum((first == a) & (second == b))) for b in (True, False)]
        for a in (True, False)
    ]
    return pd.DataFrame(
        counts,
        index=["first right", "first wrong"],
        columns=["second right", "second wrong"],
    )


def mcnemar_test(
    first: Bool[np.ndarray, " text"], second: Bool[np.ndarray, " text"]
) -> float:
    r"""Return the p-value of McNemar's exact test that two classifiers are
    equally often right, against either side.

    Only the $n$ texts on which one alone is right can tell; if both are equally
    good, the first is right on a number of them that is binomial with
    $\tfrac12$. That is symmetric, so this is twice the smaller of the two
    one-sided p-values. McNemar (1947), https://doi.org/10.1007/BF02295996.
    """
    sides = mcnemar(first, second), mcnemar(second, first)
    return min(1.0, 2 * min(side.p_value for side in sides))


def share_interval(
    count: int, of: int, level: float = 0.95
) -> tuple[float, float]:
    """Return Wilson's interval for a share of which `count` of `of` cases
    were seen.

    Wilson (1927), https://doi.org/10.1080/01621459.1927.10502953. It stays
    between 0 and 1, and has a width where `count` is 0.
    """
    found = stats.binomtest(count, of).proportion_ci(level, method="wilson")
    return float(found.low), float(found.high)


def fold_difference(
    values: Float[np.ndarray, " fold"],
) -> dict[str, float]:
    r"""Return a mean difference over folds, its 95 % interval and p-value.

    Folds share training rows, so their differences are no independent ones:
    the variance of the mean is taken as
    $(\tfrac1k + \tfrac1{k - 1}) s^2$, where $\tfrac1{k - 1}$ is the share
    tested on over the share trained on. Nadeau and Bengio (2003),
    https://doi.org/10.1023/A:1024068626366.
    """
    count = len(values)
    mean = float(values.mean())
    error = float(np.sqrt((1 / count + 1 / (count - 1)) * values.var(ddof=1)))
    half = float(stats.t.ppf(0.975, count - 1)) * error
    return {
        "mean": mean,
        "low": mean - half,
        "high": mean + half,
        "p": float(2 * stats.t.sf(abs(mean) / error, count - 1)),
    }


def best_share(
    first: Float[np.ndarray, " text"],
    second: Float[np.ndarray, " text"],
    labels: Int[np.ndarray, " text"],
) -> float:
    r"""Return the share $w$ of the first classifier in the mixture
    $w z_1 + (1 - w) z_2$ of log odds that loses least.

    Among 0, 0.05, ..., 1; choose it on validation texts.
    """
    signs = np.where(labels == 1, 1, -1)

    def loss(share: float) -> float:
        mixed = share * first + (1 - share) * second
        return float(np.logaddexp(0, -signs * mixed).mean())

    return min(np.linspace(0, 1, SHARES).tolist(), key=loss)
