"""utils.data.pairs and utils.data.translation: numbered pairs, and a corpus
whose French agrees."""

import numpy as np
import pytest

from utils.data.pairs import END, PAD, START, Symbols, encode_pairs
from utils.data.translation import (
    ADJECTIVES,
    NOUNS,
    VERBS,
    elide,
    join_words,
    make_sentences,
)


def test_symbols_go_there_and_back():
    symbols = Symbols(["cab", "bad"])
    assert len(symbols) == 3 + 4
    numbers = symbols.encode("abba")
    assert min(numbers) > END
    assert symbols.decode([*numbers, END, 5, 5]) == list("abba")
    with pytest.raises(
        ValueError, match="'x' in 'bax' is not among the 4 known symbols"
    ):
        symbols.encode("bax")


def test_pairs_are_framed_padded_and_cut():
    symbols = Symbols(["abc"])
    a, b, c = symbols.encode("abc")
    pairs = encode_pairs(
        ["abc", "a", "ab"], ["a", "ab", "abc"], symbols, symbols
    )
    assert pairs.source.tolist() == [[a, b, c], [a, PAD, PAD], [a, b, PAD]]
    assert pairs.lengths.tolist() == [3, 1, 2]
    assert pairs.before.tolist() == [
        [START, a, 0, 0],
        [START, a, b, 0],
        [START, a, b, c],
    ]
    assert pairs.after.tolist() == [
        [a, END, 0, 0],
        [a, b, END, 0],
        [a, b, c, END],
    ]
    part = pairs.rows(np.array([1]))
    assert part.source.tolist() == [[a]]
    assert part.before.tolist() == [[START, a, b]]


def test_pairs_name_what_is_wrong():
    symbols = Symbols(["abc"])
    with pytest.raises(ValueError, match="2 sources stand against 1 targets"):
        encode_pairs(["a", "b"], ["a"], symbols, symbols)
    with pytest.raises(ValueError, match="sequence 1 is empty"):
        encode_pairs(["a", ""], ["a", "b"], symbols, symbols)


@pytest.fixture(scope="module")
def sentences():
    return make_sentences(4000, rng=1)


def test_sentences_are_different_and_the_seed_decides(sentences):
    assert len({tuple(pair.english) for pair in sentences}) == 4000
    assert make_sentences(50, rng=1) == sentences[:50]
    lengths = [len(pair.english) for pair in sentences]
    assert min(lengths) <= 6
    assert max(lengths) >= 45


def test_negation_stands_around_the_verb(sentences):
    for pair in sentences:
        french = pair.french
        ne = [
            place for place, word in enumerate(french) if word in ("ne", "n'")
        ]
        assert len(ne) == pair.english.count("not")
        assert all(french[place + 2] == "pas" for place in ne)


def test_french_agrees_in_gender_and_number(sentences):
    nouns = {n.french: (n.gender, "") for n in NOUNS} | {
        n.french_plural: (n.gender, "p")
        for n in NOUNS
        if n.french_plural != n.french
    }
    allowed = {
        ("m", ""): {"le", "l'", "un", "ce", "cet", "mon", "de", "d'"},
        ("f", ""): {"la", "l'", "une", "cette", "ma", "mon", "de", "d'"},
        ("m", "p"): {"les", "des", "ces", "mes", "de", "d'"},
        ("f", "p"): {"les", "des", "ces", "mes", "de", "d'"},
    }
    before = {
        (form, a): a
        for a in ADJECTIVES
        for form in (a.m, a.f, a.mp, a.fp)
        if a.before
    }
    forms = {form for form, _ in before}
    checked = 0
    for pair in sentences:
        for position, word in enumerate(pair.french):
            if word not in nouns or word == "souris":
                continue
            place = position - 1
            if pair.french[place] in forms:
                gender, number = nouns[word]
                right = {
                    getattr(a, gender + number) for a in ADJECTIVES if a.before
                }
                assert pair.french[place] in right, pair
                place -= 1
            assert pair.french[place] in allowed[nouns[word]], pair
            checked += 1
    assert checked > 5000


def test_known_sentences_are_translated_as_a_person_would():
    written = {
        " ".join(p.english): join_words(p.french)
        for p in make_sentences(14, rng=0)
    }
    known = {
        "a quiet dog followed the clever neighbour": (
            "un chien tranquille a suivi le voisin malin."
        ),
        "my aunt does not hear the clever girl in the garden": (
            "ma tante n'entend pas la fille maligne dans le jardin."
        ),
        "the goat waits-for this teacher that the man hears": (
            "la chèvre attend cette maîtresse que l'homme entend."
        ),
    }
    assert known.items() <= written.items()


def test_elision_and_punctuation():
    words = (
        "le oiseau ne aime pas la amie que un homme voit "
        "derrière l' école".split()
    )
    text = join_words(elide(words))
    assert (
        text == "l'oiseau n'aime pas l'amie qu'un homme voit derrière l'école."
    )
    assert join_words(["les", "chats", "look-for"]) == "les chats look for."


def test_lexicon_is_complete():
    for entry in (*NOUNS, *ADJECTIVES, *VERBS):
        assert all(str(field) for field in entry)
    assert len({noun.french for noun in NOUNS}) == len(NOUNS) == 20
    assert {noun.gender for noun in NOUNS} == {"m", "f"}
