"""What chapter 11 measures, against sums by hand and against other libraries;
and vectors from a file."""

import numpy as np
import pytest
import torch
from statsmodels.stats.contingency_tables import mcnemar

from utils.data.text import Vocabulary
from utils.sentiment.bag_of_words import character_regression
from utils.sentiment.calibration import (
    calibration_floor,
    expected_calibration_error,
    fit_temperature,
    reliability,
)
from utils.sentiment.comparison import (
    best_share,
    fold_difference,
    mcnemar_test,
    right_together,
    share_interval,
)
from utils.sentiment.pytorch import EMBEDDING_SCALE, SentimentClassifier
from utils.sentiment.vectors import load_vectors, start_from


def logit(p):
    return np.log(p / (1 - p))


def test_calibration_error_of_two_bins_by_hand():
    # Confidence 0.82, one of two right; confidence 0.62, both right.
    odds = logit(np.array([0.82, 0.62, 0.82, 0.38]))
    labels = np.array([1, 1, 0, 0])
    table = reliability(odds, labels)
    assert table["texts"].tolist() == [2, 2]
    assert table["accuracy"].tolist() == [1, 0.5]
    found = expected_calibration_error(odds, labels)
    assert found == pytest.approx((2 * 0.38 + 2 * 0.32) / 4)


def test_a_perfect_classifier_has_an_error_and_the_floor_says_which():
    rng = np.random.default_rng(0)
    odds = rng.normal(0, 2, 1000)
    floor = calibration_floor(odds, 1, 200)
    labels = (rng.random(1000) < 1 / (1 + np.exp(-odds))).astype(int)
    first = np.random.default_rng(1).random(1000) < 1 / (1 + np.exp(-odds))
    by_bins = expected_calibration_error(odds, first.astype(int))
    assert floor[0] == pytest.approx(by_bins)
    assert 0.01 < floor.mean() < 0.04
    error = expected_calibration_error(odds, labels)
    assert error < np.quantile(floor, 0.99)
    assert expected_calibration_error(4 * odds, labels) > floor.max()


def test_the_temperature_undoes_what_was_multiplied():
    rng = np.random.default_rng(0)
    odds = rng.normal(0, 2, 20000)
    labels = (rng.random(20000) < 1 / (1 + np.exp(-odds))).astype(int)
    assert fit_temperature(3 * odds, labels) == pytest.approx(3, rel=0.05)
    assert fit_temperature(odds / 2, labels) == pytest.approx(0.5, rel=0.05)


def test_mcnemar_counts_the_rows_on_which_one_alone_is_right():
    rng = np.random.default_rng(0)
    first, second = rng.random(200) < 0.8, rng.random(200) < 0.7
    table = right_together(first, second)
    assert table.to_numpy().sum() == 200
    assert table.loc["first right", "second wrong"] == (first & ~second).sum()
    other = mcnemar(table.to_numpy(), exact=True).pvalue
    assert mcnemar_test(first, second) == pytest.approx(other)
    assert mcnemar_test(first, first) == 1


def test_wilson_s_interval_by_its_formula():
    z, p, n = 1.959964, 0.3, 100
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    assert share_interval(30, 100) == pytest.approx(
        (middle - half, middle + half), abs=1e-6
    )
    low, high = share_interval(0, 100)
    assert low == pytest.approx(0, abs=1e-12)
    assert 0.03 < high < 0.05


def test_the_interval_over_folds_is_wider_than_that_of_independent_ones():
    values = np.random.default_rng(0).normal(0.01, 0.02, 10)
    found = fold_difference(values)
    assert found["mean"] == pytest.approx(values.mean())
    naive = 2 * 2.262157 * values.std(ddof=1) / np.sqrt(10)
    ratio = (found["high"] - found["low"]) / naive
    assert ratio == pytest.approx(np.sqrt(1 + 10 / 9), rel=1e-5)
    # The interval touches 0 where p is one in twenty.
    shifted = fold_difference(values - found["low"])
    assert shifted["p"] == pytest.approx(0.05)


def test_the_better_classifier_gets_the_share():
    labels = np.array([1, 0] * 20)
    good, coin = np.where(labels == 1, 2.0, -2.0), np.zeros(40)
    assert best_share(good, coin, labels) == 1
    assert best_share(coin, good, labels) == 0


def test_characters_know_a_word_by_its_parts():
    texts = ["wonderful", "wonderfully", "awfully", "awful"] * 5
    model = character_regression(10.0).fit(texts, [1, 1, 0, 0] * 5)
    assert model.predict(["wonder", "awfulness"]).tolist() == [1, 0]


def test_vectors_of_known_tokens_are_read(tmp_path):
    path = tmp_path / "mine.vec"
    path.write_text(
        "3 2\nthe 1 2\n. . . 9 9\nplot 3 4\nelse 5 6\n", encoding="utf-8"
    )
    vocabulary = Vocabulary.from_texts(["the plot thickens"])
    vectors, known = load_vectors(path, vocabulary)
    assert vectors.shape == (len(vocabulary), 2)
    assert vectors[vocabulary.numbers["plot"]].tolist() == [3, 4]
    assert known.sum() == 2
    assert not vectors[~known].any()

    torch.manual_seed(0)
    model = SentimentClassifier(len(vocabulary), 2, 3)
    before = model.embedding.weight.detach().clone()
    start_from(model, vectors)
    after = model.embedding.weight.detach()
    assert (after[~known] == before[~known]).all()
    assert after[known].std() == pytest.approx(EMBEDDING_SCALE)
    ratio = after[known] / torch.from_numpy(vectors[known])
    assert (ratio - ratio[0, 0]).abs().max() < 1e-6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("the 1 2\nplot 3\n", "mine.txt, line 2: 1 numbers; the first line"),
        ("the 1 x\n", "mine.txt, line 1: could not convert"),
        ("else 1 2\n", "mine.txt has no token"),
    ],
)
def test_a_file_that_is_none_of_vectors_is_named(tmp_path, text, message):
    path = tmp_path / "mine.txt"
    path.write_text(text, encoding="utf-8")
    vocabulary = Vocabulary.from_texts(["the plot thickens"])
    with pytest.raises(ValueError, match=message):
        load_vectors(path, vocabulary)
