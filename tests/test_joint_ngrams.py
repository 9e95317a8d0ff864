"""Letters joined with phones: the alignment, the search, the probabilities."""

import numpy as np
import pytest

from utils.attention.joint_ngrams import JointNGrams, align, train_pairs
from utils.data.pronunciations import load_pronunciations

SPOKEN = {
    "cat": [("K", "AE", "T")],
    "cats": [("K", "AE", "T", "S")],
    "tact": [("T", "AE", "K", "T")],
    "sat": [("S", "AE", "T")],
    "tax": [("T", "AE", "K", "S")],
    "sax": [("S", "AE", "K", "S")],
    "act": [("AE", "K", "T")],
}


@pytest.fixture(scope="module")
def aligned():
    return align(train_pairs(list(SPOKEN), SPOKEN))


def test_every_alignment_spells_and_pronounces_its_word(aligned):
    for alignment, word in zip(aligned, SPOKEN, strict=True):
        assert "".join(joint.letter for joint in alignment) == word
        phones = sum((joint.phones for joint in alignment), ())
        assert phones == SPOKEN[word][0]


def test_the_alignment_finds_what_letters_stand_for(aligned):
    joints = {joint for alignment in aligned for joint in alignment}
    assert ("x", ("K", "S")) in joints
    assert ("a", ("AE",)) in joints


def test_more_than_two_phones_a_letter_are_left_out():
    assert align([("a", ("AE", "B", "K"))]) == []


def test_what_was_learnt_is_pronounced_and_ranked(aligned):
    model = JointNGrams(order=2).learn(aligned)
    for word, found in zip(SPOKEN, model.pronounce(list(SPOKEN)), strict=True):
        assert next(iter(found)) == SPOKEN[word][0]
        chances = list(found.values())
        assert chances == sorted(chances, reverse=True)
        assert sum(chances) <= 1 + 1e-12
    [found] = model.pronounce(["tats"])
    assert next(iter(found)) == ("T", "AE", "T", "S")


def test_the_search_gives_the_model_s_own_probabilities(aligned):
    model = JointNGrams(order=2, width=50).learn(aligned)
    [found] = model.pronounce(["at"])
    spelt = {}
    for first in model._spelling["a"]:
        for second in model._spelling["t"]:
            phones = tuple(
                phone
                for number in (first, second)
                for phone in model.joints[number - 2].phones
            )
            logs = model.log_probabilities(np.array([first, second]))
            spelt[phones] = spelt.get(phones, 0) + np.exp(logs.sum())
    whole = sum(spelt.values())
    for phones, chance in found.items():
        assert chance == pytest.approx(spelt[phones] / whole)


def test_real_words_are_learnt():
    listed = load_pronunciations()
    words = sorted(listed)[::60]
    model = JointNGrams(order=3).learn(align(train_pairs(words, listed)))
    found = model.pronounce(words[:100])
    right = [
        next(iter(each)) in listed[word]
        for word, each in zip(words, found, strict=False)
    ]
    assert np.mean(right) > 0.8
