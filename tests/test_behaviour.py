import numpy as np
import pytest

from utils.data.text import tokenize
from utils.data.twins import ENGLISH
from utils.sentiment.behaviour import (
    BehaviourTest,
    behaviour_tests,
    failure_rates,
)

TESTS = {test.name: test for test in behaviour_tests()}


def constant(probability):
    return lambda texts: np.full(len(texts), probability)


def last_adjective(texts):
    """Answer by the last adjective: right on every contrast, wrong on every
    negation."""
    signs = {word: 0.9 for word in ENGLISH.good} | {
        word: 0.1 for word in ENGLISH.bad
    }
    return np.array(
        [[signs[t] for t in tokenize(text) if t in signs][-1] for text in texts]
    )


def first_word(texts):
    return np.array([0.9 if text.startswith("we") else 0.1 for text in texts])


def test_every_test_has_a_hundred_sentences_of_both_labels():
    for test in TESTS.values():
        assert len(test.texts) == 100
        assert len(set(test.expected)) == (
            0 if test.kind == "invariance" else 2
        )
        assert len(test.changed) == (0 if test.kind == "label" else 100)


def test_a_constant_answer_fails_half_the_labels_and_no_change():
    rates = failure_rates(list(TESTS.values()), constant(0.9))
    for name, test in TESTS.items():
        expected = 1 - np.mean(test.expected) if test.kind == "label" else 0
        assert rates[name] == pytest.approx(expected)


def test_the_last_adjective_solves_contrast_and_fails_every_negation():
    rates = failure_rates(list(TESTS.values()), last_adjective)
    assert rates["negation"] == 1
    assert rates.drop("negation").sum() == 0


def test_an_answer_from_the_first_word_fails_the_invariance_to_words_in_front():
    rates = failure_rates(list(TESTS.values()), first_word)
    assert rates["neutral words in front"] == 1
    assert rates["neutral words behind"] == 0


def test_a_small_move_in_the_wrong_direction_is_no_failure():
    test = BehaviourTest("d", "direction", ["a", "b"], ["a!", "b!"], [1, 0])
    moves = {"a": 0.5, "a!": 0.45, "b": 0.5, "b!": 0.7}
    assert test.failures(
        lambda texts: np.array([moves[t] for t in texts])
    ).tolist() == [
        False,
        True,
    ]


def test_the_same_seed_gives_the_same_sentences():
    assert behaviour_tests(3) == behaviour_tests(3) != behaviour_tests(4)
