import numpy as np
import pytest

from utils.sentiment.mistakes import (
    accuracy_by_slice,
    confident_mistakes,
    slice_texts,
)

TEXTS = [
    "It isn't good",
    "long , but fine " + "and on " * 12,
    "a fine film",
    "never dull although slow " + "word " * 12,
]
LABELS = np.array([0, 1, 1, 1])


def test_slices_follow_words_and_lengths():
    found = slice_texts(TEXTS)
    assert found["negation"].tolist() == [True, False, False, True]
    assert found["contrast"].tolist() == [False, True, False, True]
    assert found["neither"].tolist() == [False, False, True, False]
    assert found["short"].tolist() == [True, False, True, False]
    assert found["medium"].tolist() == [False, False, False, True]
    assert found["long"].tolist() == [False, True, False, False]
    assert (found[["short", "medium", "long"]].sum(axis=1) == 1).all()


def test_a_word_that_only_contains_a_negation_does_not_negate():
    assert not slice_texts(["a notable knot", "another nod"])["negation"].any()


def test_accuracy_by_slice():
    found = accuracy_by_slice(TEXTS, LABELS, np.array([0.1, 0.2, 0.9, 0.8]))
    assert found.loc["all"].tolist() == [
        4,
        0.75,
        pytest.approx(np.sqrt(0.75 * 0.25 / 4)),
    ]
    assert found.loc["contrast", "accuracy"] == 0.5
    assert found.loc["long", "accuracy"] == 0
    assert found.loc["negation", "accuracy"] == 1


def test_an_empty_slice_has_no_accuracy():
    found = accuracy_by_slice(TEXTS[:1], LABELS[:1], np.array([0.1]))
    assert found.loc["long", "texts"] == 0
    assert np.isnan(found.loc["long", "accuracy"])


def test_the_most_confident_mistake_comes_first_and_right_answers_do_not_come():
    found = confident_mistakes(TEXTS, LABELS, np.array([0.6, 0.05, 0.9, 0.3]))
    assert found["text"].tolist() == [TEXTS[1], TEXTS[3], TEXTS[0]]
    assert found["probability"].tolist() == [0.05, 0.3, 0.6]
    assert found["contrast"].tolist() == [True, True, False]
