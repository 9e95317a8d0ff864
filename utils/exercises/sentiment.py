"""The checkers of chapter 11: a masked maximum, log-count ratios, McNemar's
test, the calibration error, macro F1."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from utils.exercises.judge import (
    AnyArray,
    Arguments,
    Array,
    Variant,
    draw,
    judge,
)


def check_masked_max(pool: Callable[..., Any]) -> bool:
    """Say whether `pool(outputs, mask)` is each unit's largest value over a
    row's valid steps.

    Shapes: outputs (batch, time, hidden), mask (batch, time), True on valid
    steps; the result (batch, hidden). Chapter 11.
    """
    mask = np.arange(6) < np.array([5, 3, 1])[:, None]
    case = draw(0, outputs=(3, 6, 4)) | {"mask": mask}
    # Negative throughout, so that a zero in the padding would be the largest.
    case["outputs"] = -np.abs(case["outputs"])

    def largest(outside: float, axis: int = 1) -> Callable[..., Array]:
        return lambda o, m: np.where(m[:, :, None], o, outside).max(axis=axis)

    variants = [
        Variant(
            "It takes the maximum over the valid steps.",
            largest(-np.inf),
            right=True,
        ),
        Variant(
            "It sets the padding to 0, and 0 is more than a unit that is "
            "negative throughout: set "
            "it to -inf.",
            largest(0.0),
        ),
        Variant(
            "It takes the maximum over the padding too.",
            lambda o, m: o.max(axis=1),
        ),
        Variant(
            "The mask is upside down: True marks a valid step.",
            lambda o, m: np.where(m[:, :, None], -np.inf, o).max(axis=1),
        ),
        Variant(
            "It averages over the valid steps; take the maximum.",
            lambda o, m: (
                (o * m[:, :, None]).sum(axis=1) / m.sum(axis=1, keepdims=True)
            ),
        ),
        Variant(
            "It takes the state at the last valid step; take each unit's "
            "maximum over all of them.",
            lambda o, m: o[np.arange(len(o)), m.sum(axis=1) - 1],
        ),
        Variant(
            "It takes the largest absolute value; keep the sign.",
            lambda o, m: np.where(m[:, :, None], np.abs(o), -np.inf).max(
                axis=1
            ),
        ),
    ]
    return judge(pool, [case], variants)


def check_nb_ratio(ratio: Callable[..., Any]) -> bool:
    """Say whether `ratio(counts, labels)` is each word's log-count ratio.

    Shapes: counts (text, word), labels (text,), 1 for positive and 0 for
    negative; the result (word,). Chapter 11.
    """
    rng = np.random.default_rng(0)
    case: Arguments = {
        "counts": rng.integers(0, 4, size=(9, 5)).astype(float),
        "labels": np.array([1, 0, 0, 1, 1, 0, 1, 0, 1]),
    }

    def totals(
        x: AnyArray, y: AnyArray, add: float = 1.0
    ) -> tuple[Array, Array]:
        return add + x[y == 1].sum(axis=0), add + x[y == 0].sum(axis=0)

    def shares(x: AnyArray, y: AnyArray, add: float = 1.0) -> Array:
        p, q = totals(x, y, add)
        return (p / p.sum()) / (q / q.sum())

    def per_text(x: AnyArray, y: AnyArray) -> Array:
        p, q = totals(x, y)
        return np.log((p / (y == 1).sum()) / (q / (y == 0).sum()))

    def share_of_all(x: AnyArray, y: AnyArray) -> Array:
        p, q = totals(x, y)
        return p / (p + q)

    variants = [
        Variant(
            "It is the log of the two classes' shares, each count raised by "
            "one.",
            lambda x, y: np.log(shares(x, y)),
            right=True,
        ),
        Variant(
            "It does not raise the counts by one: a word that one class lacks "
            "gets an infinite ratio.",
            lambda x, y: np.log(shares(x, y, 0.0)),
        ),
        Variant(
            "It compares the counts themselves: divide each class's counts by "
            "their sum first, or the class with more words wins everywhere.",
            lambda x, y: np.log(np.divide(*totals(x, y))),
        ),
        Variant(
            "It divides by the number of texts of each class; divide by the "
            "sum of its counts.",
            per_text,
        ),
        Variant(
            "The sign is turned round: positive words must be above 0.",
            lambda x, y: -np.log(shares(x, y)),
        ),
        Variant("It lacks the logarithm.", shares),
        Variant(
            "It takes the logarithm to base 2; take the natural one.",
            lambda x, y: np.log2(shares(x, y)),
        ),
        Variant(
            "It is the share of a word's occurrences that are positive; take "
            "the ratio of its shares in the two classes, and the logarithm.",
            share_of_all,
        ),
    ]
    return judge(ratio, [case], variants)


def check_mcnemar(test: Callable[..., Any]) -> bool:
    """Say whether `test(first, second)` is McNemar's exact p-value.

    Shapes: first and second (text,), True where that classifier is right; the
    result a number, two-sided. Chapter 11.
    """
    first = np.array([True] * 9 + [False] * 3 + [True] * 14 + [False] * 6)
    second = np.array([False] * 9 + [True] * 3 + [True] * 14 + [False] * 6)

    def counts(a: AnyArray, b: AnyArray) -> tuple[int, int]:
        return int(np.sum(a & ~b)), int(np.sum(~a & b))

    def binomial(successes: Any, trials: Any, side: str = "two-sided") -> Array:
        found = stats.binomtest(int(successes), int(trials), alternative=side)
        return np.asarray(found.pvalue)

    def squared(a: AnyArray, b: AnyArray, less: float) -> Array:
        only_a, only_b = counts(a, b)
        distance = abs(only_a - only_b) - less
        return np.asarray(stats.chi2.sf(distance**2 / (only_a + only_b), 1))

    variants = [
        Variant(
            "It asks how likely a fair coin splits so unevenly the texts on "
            "which one alone is right.",
            lambda a, b: binomial(counts(a, b)[0], sum(counts(a, b))),
            right=True,
        ),
        Variant(
            "Every count is one: `@` between boolean arrays answers with a "
            "boolean. Count with np.sum(first & ~second).",
            lambda a, b: binomial(a @ ~b, int(a @ ~b) + int(~a @ b)),
        ),
        Variant(
            "It is one-sided: either of the two may be the better one.",
            lambda a, b: binomial(
                max(counts(a, b)), sum(counts(a, b)), "greater"
            ),
        ),
        Variant(
            "It counts every right answer. Texts that both get right say "
            "nothing about which is better: leave them out.",
            lambda a, b: binomial(a.sum(), a.sum() + b.sum()),
        ),
        Variant(
            "It tests the texts on which the two agree; test those on which "
            "one alone is right.",
            lambda a, b: binomial((a & b).sum(), (a == b).sum()),
        ),
        Variant(
            "It divides by all texts; only those on which one alone is right "
            "can tell.",
            lambda a, b: binomial(counts(a, b)[0], len(a)),
        ),
        Variant(
            "That is the chi-squared approximation without continuity "
            "correction; with so few texts, take the binomial itself.",
            lambda a, b: squared(a, b, 0.0),
        ),
        Variant(
            "That is the chi-squared approximation; with so few texts, take "
            "the binomial itself.",
            lambda a, b: squared(a, b, 1.0),
        ),
        Variant(
            "It treats the two as different texts (a t-test of two samples); "
            "they answered the same ones.",
            lambda a, b: np.asarray(
                stats.ttest_ind(a.astype(float), b.astype(float)).pvalue
            ),
        ),
    ]
    return judge(test, [{"first": first, "second": second}], variants)


def check_calibration_error(error: Callable[..., Any]) -> bool:
    """Say whether `error(confidence, right)` is the expected calibration error.

    Shapes: confidence (text,), of the class named, from one half to one; right
    (text,), True where the answer is right. Ten bins of equal width from one
    half to one; the result a number. Chapter 11.
    """
    rng = np.random.default_rng(1)
    confidence = 1 - rng.beta(1, 2, size=80) / 2
    case: Arguments = {
        "confidence": confidence,
        # Too sure above 0.85, not sure enough below, and so on the whole.
        "right": rng.random(80)
        < np.where(confidence > 0.85, confidence - 0.1, 0.97),
    }

    def gaps(c: AnyArray, r: AnyArray, low: float) -> tuple[Array, Array]:
        bins = np.minimum(((c - low) * 10 / (1 - low)).astype(int), 9)
        used = np.unique(bins)
        means = [c[bins == b].mean() - r[bins == b].mean() for b in used]
        sizes = [(bins == b).sum() for b in used]
        return np.array(means), np.array(sizes, dtype=float)

    def mean(
        power: float = 1.0, low: float = 0.5, weighted: bool = True
    ) -> Callable[..., Array]:
        def found(c: AnyArray, r: AnyArray) -> Array:
            each, sizes = gaps(c, r, low)
            weights = sizes if weighted else np.ones_like(sizes)
            moment = np.average(np.abs(each) ** power, weights=weights)
            return np.asarray(moment ** (1 / power))

        return found

    variants = [
        Variant(
            "It averages the bins' gaps, each weighted by its texts.",
            mean(),
            right=True,
        ),
        Variant(
            "Every bin weighs the same; weight each by its number of texts.",
            mean(weighted=False),
        ),
        Variant(
            "It has ten bins from 0 to 1. Confidence is never below one half: "
            "half of them stay empty.",
            mean(low=0.0),
        ),
        Variant(
            "It adds the gaps with their signs, so that bins too sure and bins "
            "not sure enough cancel: take absolute values, bin by bin.",
            lambda c, r: np.asarray(c.mean() - r.mean()),
        ),
        Variant(
            "It takes the absolute value of the sum of the gaps, in which bins "
            "too sure and bins not sure enough cancel: take it bin by bin.",
            lambda c, r: np.asarray(abs(c.mean() - r.mean())),
        ),
        Variant(
            "It takes the largest gap; average them by their texts.",
            lambda c, r: np.asarray(np.abs(gaps(c, r, 0.5)[0]).max()),
        ),
        Variant("It squares the gaps; take absolute values.", mean(power=2.0)),
        Variant(
            "It compares text by text. A single answer is right or wrong: put "
            "texts of like confidence into a bin first.",
            lambda c, r: np.asarray(np.abs(c - r).mean()),
        ),
    ]
    return judge(error, [case], variants)


def check_macro_f1(macro_f1: Callable[..., Any]) -> bool:
    """Say whether `macro_f1(predicted, true)` is the mean of three classes' F1.

    Shapes: predicted and true (text,), whole numbers 0, 1, 2; a class that is
    never found has an F1 of 0; the result a number. Chapter 11.
    """
    # Rare and common classes, of which the rarest is never named.
    true = np.repeat([0, 1, 2], [9, 5, 26])
    predicted = np.r_[[0] * 6, [2] * 3, [2] * 3, [0] * 2, [2] * 21, [0] * 5]

    def counts(p: AnyArray, t: AnyArray) -> tuple[Array, Array, Array]:
        hits = [np.sum((p == k) & (t == k)) for k in range(3)]
        named = [np.sum(p == k) for k in range(3)]
        there = [np.sum(t == k) for k in range(3)]
        return (
            np.array(hits) * 1.0,
            np.array(named) * 1.0,
            np.array(there) * 1.0,
        )

    def each(p: AnyArray, t: AnyArray) -> Array:
        hits, named, there = counts(p, t)
        return 2 * hits / (named + there)

    def precisions(p: AnyArray, t: AnyArray) -> Array:
        hits, named, _ = counts(p, t)
        return hits / np.maximum(named, 1)

    def recalls(p: AnyArray, t: AnyArray) -> Array:
        hits, _, there = counts(p, t)
        return hits / there

    def of_means(p: AnyArray, t: AnyArray) -> Array:
        mean_p, mean_r = precisions(p, t).mean(), recalls(p, t).mean()
        return np.asarray(2 * mean_p * mean_r / (mean_p + mean_r))

    variants = [
        Variant(
            "It averages the three classes' F1, each weighing the same.",
            lambda p, t: np.asarray(each(p, t).mean()),
            right=True,
        ),
        Variant(
            "That is the accuracy, which is also what F1 of the pooled counts "
            "(micro F1) comes to: compute each class's F1, then average.",
            lambda p, t: np.asarray(np.mean(p == t)),
        ),
        Variant(
            "It weighs each class by its texts, so that the rare ones hardly "
            "count: take the plain mean.",
            lambda p, t: np.asarray(
                np.average(each(p, t), weights=counts(p, t)[2])
            ),
        ),
        Variant(
            "It leaves out the class that is never named; its F1 is 0, and "
            "counts.",
            lambda p, t: np.asarray(each(p, t)[[0, 2]].mean()),
        ),
        Variant(
            "It averages precision and recall first and takes the harmonic "
            "mean of those; take it class by class.",
            of_means,
        ),
        Variant(
            "It averages the precisions alone; F1 asks for recall, too.",
            lambda p, t: np.asarray(precisions(p, t).mean()),
        ),
        Variant(
            "It averages the recalls alone; F1 asks for precision, too.",
            lambda p, t: np.asarray(recalls(p, t).mean()),
        ),
        Variant(
            "It is the F1 of class 2 alone; average over all three.",
            lambda p, t: np.asarray(each(p, t)[2]),
        ),
    ]
    return judge(macro_f1, [{"predicted": predicted, "true": true}], variants)
