"""The checkers of chapter 11 name the mistake that a function makes."""

import itertools

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.sparse import csr_matrix
from sklearn.metrics import f1_score, precision_score, recall_score

from utils.exercises import (
    check_calibration_error,
    check_macro_f1,
    check_masked_max,
    check_mcnemar,
    check_nb_ratio,
)
from utils.sentiment.bag_of_words import NaiveBayesWeights
from utils.sentiment.calibration import expected_calibration_error
from utils.sentiment.comparison import mcnemar_test

WRONG = {
    "sets the padding to 0": lambda o, m: (o * m[:, :, None]).max(axis=1),
    "over the padding too": lambda o, m: o.max(axis=1),
    "upside down": lambda o, m: np.where(m[:, :, None], -np.inf, o).max(axis=1),
    "averages": lambda o, m: np.stack(
        [row[valid].mean(axis=0) for row, valid in zip(o, m, strict=True)]
    ),
    "last valid step": lambda o, m: o[np.arange(3), m.sum(axis=1) - 1],
    "absolute": lambda o, m: np.where(m[:, :, None], abs(o), 0).max(axis=1),
    "fails with IndexError": lambda o, m: o[99],
    "shape (3, 6)": lambda o, m: np.where(m[:, :, None], o, -np.inf).max(
        axis=2
    ),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_mistakes_are_named(mistake, capsys):
    assert check_masked_max(WRONG[mistake]) is False
    printed = " ".join(capsys.readouterr().out.split())
    assert printed.startswith("Not yet. ")
    assert mistake in printed


@pytest.mark.parametrize(
    "right",
    [
        lambda o, m: np.where(m[:, :, None], o, -np.inf).max(axis=1),
        lambda o, m: o.masked_fill(~m[:, :, None], -torch.inf).amax(dim=1),
    ],
)
def test_right_functions_pass(right, capsys):
    assert check_masked_max(right) is True
    assert capsys.readouterr().out.startswith("Right. ")


def ratios(counts, labels, smooth=1.0):
    p = smooth + counts[labels == 1].sum(axis=0)
    q = smooth + counts[labels == 0].sum(axis=0)
    return p, q


def discordant(first, second):
    return int((first & ~second).sum()), int((~first & second).sum())


def binned(confidence, right):
    """Return each bin's gap and number of texts, by a loop over the edges."""
    edges = np.linspace(0.5, 1, 11)
    found = []
    for low, high in itertools.pairwise(edges):
        inside = (confidence >= low) & (confidence < high)
        if inside.any():
            gap = confidence[inside].mean() - right[inside].mean()
            found.append((gap, inside.sum()))
    return np.array(found).T


WRONG_BY_CHECKER = {
    check_nb_ratio: {
        "raise the counts by one": lambda x, y: np.log(
            np.divide(*(each / each.sum() for each in ratios(x, y, 0)))
        ),
        "the counts themselves": lambda x, y: np.log(np.divide(*ratios(x, y))),
        "turned round": lambda x, y: (
            -np.log(np.divide(*(each / each.sum() for each in ratios(x, y))))
        ),
        "lacks the logarithm": lambda x, y: np.divide(
            *(each / each.sum() for each in ratios(x, y))
        ),
        "base 2": lambda x, y: np.log2(
            np.divide(*(each / each.sum() for each in ratios(x, y)))
        ),
        "number of texts": lambda x, y: np.log(
            (ratios(x, y)[0] / (y == 1).sum())
            / (ratios(x, y)[1] / (y == 0).sum())
        ),
        "occurrences": lambda x, y: ratios(x, y)[0] / sum(ratios(x, y)),
    },
    check_mcnemar: {
        "boolean": lambda a, b: (
            stats.binomtest(int(a @ ~b), int(a @ ~b) + int(~a @ b)).pvalue
        ),
        "one-sided": lambda a, b: (
            stats.binomtest(
                discordant(a, b)[0],
                sum(discordant(a, b)),
                alternative="greater",
            ).pvalue
        ),
        "every right answer": lambda a, b: (
            stats.binomtest(int(a.sum()), int(a.sum() + b.sum())).pvalue
        ),
        "divides by all texts": lambda a, b: (
            stats.binomtest(discordant(a, b)[0], len(a)).pvalue
        ),
        "on which the two agree": lambda a, b: (
            stats.binomtest(int((a & b).sum()), int((a == b).sum())).pvalue
        ),
        "without continuity": lambda a, b: stats.chi2.sf(
            np.subtract(*discordant(a, b)) ** 2 / sum(discordant(a, b)), 1
        ),
        "approximation; with": lambda a, b: stats.chi2.sf(
            (abs(np.subtract(*discordant(a, b))) - 1) ** 2
            / sum(discordant(a, b)),
            1,
        ),
        "different texts": lambda a, b: (
            stats.ttest_ind(a.astype(float), b.astype(float)).pvalue
        ),
    },
    check_calibration_error: {
        "weighs the same": lambda c, r: np.abs(binned(c, r)[0]).mean(),
        "from 0 to 1": lambda c, r: (
            sum(
                abs((c - r)[np.minimum((c * 10).astype(int), 9) == b].sum())
                for b in range(10)
            )
            / len(c)
        ),
        "value of the sum": lambda c, r: abs(c.mean() - r.mean()),
        "with their signs": lambda c, r: np.average(
            binned(c, r)[0], weights=binned(c, r)[1]
        ),
        "largest gap": lambda c, r: np.abs(binned(c, r)[0]).max(),
        "squares": lambda c, r: np.sqrt(
            np.average(binned(c, r)[0] ** 2, weights=binned(c, r)[1])
        ),
        "text by text": lambda c, r: np.abs(c - r).mean(),
    },
    check_macro_f1: {
        "That is the accuracy": lambda p, t: f1_score(t, p, average="micro"),
        "by its texts": lambda p, t: f1_score(t, p, average="weighted"),
        "never named": lambda p, t: f1_score(
            t, p, labels=np.unique(p), average="macro"
        ),
        "precision and recall first": lambda p, t: stats.hmean(
            [
                precision_score(t, p, average="macro", zero_division=0),
                recall_score(t, p, average="macro"),
            ]
        ),
        "precisions alone": lambda p, t: precision_score(
            t, p, average="macro", zero_division=0
        ),
        "recalls alone": lambda p, t: recall_score(t, p, average="macro"),
        "class 2 alone": lambda p, t: f1_score(t == 2, p == 2),
        "expected": lambda p, t: f1_score(t, p, average=None),
        "NaN": lambda p, t: np.mean(
            [
                stats.hmean([np.mean(t[p == k] == k), np.mean(p[t == k] == k)])
                if (p == k).any()
                else np.nan
                for k in range(3)
            ]
        ),
    },
}


@pytest.mark.parametrize(
    ("checker", "mistake"),
    [
        (check, name)
        for check, wrong in WRONG_BY_CHECKER.items()
        for name in wrong
    ],
)
def test_further_mistakes_are_named(checker, mistake, capsys):
    assert checker(WRONG_BY_CHECKER[checker][mistake]) is False
    printed = " ".join(capsys.readouterr().out.split())
    assert printed.startswith("Not yet. ")
    assert mistake in printed


def logit(confidence):
    return np.log(confidence / (1 - confidence))


RIGHT_BY_CHECKER = {
    check_nb_ratio: lambda x, y: (
        NaiveBayesWeights().fit(csr_matrix(x), y).ratios_
    ),
    check_mcnemar: mcnemar_test,
    check_calibration_error: lambda c, r: expected_calibration_error(
        logit(c), r.astype(int)
    ),
    check_macro_f1: lambda p, t: f1_score(t, p, average="macro"),
}


@pytest.mark.parametrize("checker", RIGHT_BY_CHECKER)
def test_the_book_s_own_functions_pass(checker, capsys):
    assert checker(RIGHT_BY_CHECKER[checker]) is True
    assert capsys.readouterr().out.startswith("Right. ")


def test_a_forgotten_return_is_named(capsys):
    assert check_mcnemar(lambda first, second: None) is False
    assert "return" in capsys.readouterr().out.lower()
