"""What a text is made of, and what a written one took from its source."""

import numpy as np
import pytest

from utils.language import NGrams
from utils.language.alphabet import Alphabet
from utils.language.anatomy import (
    KINDS,
    closing_distances,
    guess_ranks,
    kinds,
    known_words,
    line_places,
    longest_copy,
    words,
)

SCENE = "ROMEO:\nO, 'tis I. [Exit]\n\nFirst Watchman:\nGo."


def test_every_character_has_its_kind():
    found = [KINDS[each] for each in kinds(SCENE)]
    named = list(zip(SCENE, found, strict=True))
    assert named[:7] == [*((c, "speaker's name") for c in "ROMEO:"), named[6]]
    assert named[6] == ("\n", "line end")
    assert named[7] == ("O", "first letter")
    assert named[8] == (",", "other")
    # An apostrophe goes on with a word, or begins one.
    assert [kind for _, kind in named[10:14]] == ["inside a word"] * 4
    assert found[SCENE.index("]")] == "closing bracket"
    assert found[SCENE.index("Watch") - 1] == "speaker's name"
    assert found[SCENE.index("Go")] == "first letter"
    assert found[SCENE.index("Go") + 1] == "inside a word"
    assert found.count("line end") == SCENE.count("\n")


def test_a_colon_within_a_speech_makes_no_speaker():
    text = "One line\nand then he said:\nAy."
    assert KINDS.index("speaker's name") not in kinds(text)


def test_the_longest_copy_is_found_wherever_it_stands():
    assert longest_copy("xxabcyy", "..abc..xx") == "abc"
    assert longest_copy("abab", "ba") == "ba"
    assert longest_copy("xyz", "abc") == ""
    assert longest_copy("abc", "abcd") == "abc"
    # Of equals the first.
    assert longest_copy("ab-cd", "cdab") == "ab"


def test_known_words_count_those_of_four_letters():
    assert words("The Queen's fool, a QUEEN") == ["queen's", "fool", "queen"]
    assert known_words("queen fool jest", {"queen", "fool"}) == pytest.approx(
        2 / 3
    )
    with pytest.raises(ValueError, match="no word of four"):
        known_words("a b c", {"a"})


def test_brackets_close_before_another_opens():
    assert closing_distances("[ab] [cd [e] [f") == [3, None, 2, None]
    assert closing_distances("(a)", "(", ")") == [2]
    assert closing_distances("no bracket") == []


def test_places_in_a_line_begin_after_its_end():
    assert line_places("ab\ncde\n\nf").tolist() == [1, 2, 0, 1, 2, 3, 0, 0, 1]


def test_ranks_are_those_of_the_probabilities():
    alphabet = Alphabet("abc")
    model = NGrams(len(alphabet), 1).fit([alphabet.encode("aabaabaacaabbcc")])
    prompt, symbols = alphabet.encode("a"), alphabet.encode("abc")
    ranks = guess_ranks(model, prompt, symbols)
    context = prompt
    for rank, symbol in zip(ranks, symbols, strict=True):
        logs, _ = model.following(context)
        ranked = np.argsort(-logs[2:], kind="stable") + 2
        assert ranked[rank - 1] == symbol
        context = np.append(context, symbol)
