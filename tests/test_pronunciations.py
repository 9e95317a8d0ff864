"""The pronouncing dictionary: what it lists, how it is split and scored."""

import pytest

from utils.data.pronunciations import (
    edit_distance,
    families,
    load_pronunciations,
    phone_errors,
    split_words,
)


@pytest.fixture(scope="module")
def listed():
    return load_pronunciations()


def test_words_have_all_their_pronunciations(listed):
    assert len(listed) == 124_926
    assert sum(len(each) for each in listed.values()) == 133_667
    assert listed["lead"] == [("L", "EH", "D"), ("L", "IY", "D")]
    assert all(len(set(each)) == len(each) for each in listed.values())
    assert all(each for word in listed.values() for each in word)
    phones = {p for each in listed.values() for row in each for p in row}
    assert len(phones) == 39


def test_stress_can_be_kept(listed):
    stressed = load_pronunciations(stress=True)
    assert stressed["rhythm"] == [("R", "IH1", "DH", "AH0", "M")]
    assert stressed.keys() == listed.keys()


def test_endings_join_families():
    words = "make makes making maker stop stopped try tries the them".split()
    heads = families(words)
    assert {heads[w] for w in words[:4]} == {"make"}
    assert heads["stopped"] == heads["stop"]
    assert heads["tries"] == heads["try"]
    assert heads["them"] == "them"


@pytest.mark.parametrize("by", ["word", "stem"])
def test_a_split_deals_every_word_once(listed, by):
    words = sorted(listed)[:3000]
    train, valid, test = split_words(words, by, valid=100, test=300)
    assert sorted(train + valid + test) == words
    assert 300 <= len(test) < 330
    assert 100 <= len(valid) < 130
    heads = families(words)
    shared = {heads[w] for w in train} & {heads[w] for w in test}
    assert bool(shared) == (by == "word")


def test_a_split_refuses_what_it_cannot_do():
    with pytest.raises(ValueError, match="by is 'letter'"):
        split_words(["a", "b", "c"], "letter", 1, 1)
    with pytest.raises(ValueError, match="too few"):
        split_words(["a", "b"], "word", 1, 1)


def test_edits_are_counted_to_the_nearest_pronunciation():
    assert edit_distance("kitten", "sitting") == 3
    assert edit_distance("", "ab") == 2
    several = {"lead": [("L", "EH", "D"), ("L", "IY", "D", "Z")]}
    assert phone_errors(["lead"], [("L", "EH", "D")], several) == ([0], [3])
    assert phone_errors(["lead"], [("IY", "D", "Z")], several) == ([1], [4])
