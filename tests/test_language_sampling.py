"""Temperature, top-k, top-p, beam and byte pairs do what their formulas say."""

import math

import numpy as np
import pytest

from utils.language import NGrams, sample
from utils.language.alphabet import BOUNDARY, UNKNOWN, Alphabet
from utils.language.pieces import apply_merges, learn_merges
from utils.language.sampling import beam, reshaped

TEXT = "she sells sea shells by the sea shore; the shells she sells are sea "
ALPHABET = Alphabet(TEXT)
MODEL = NGrams(len(ALPHABET), 3).fit([ALPHABET.encode(TEXT * 4)])
LOGS = np.log(np.array([0.1, 0.0001, 0.4, 0.2, 0.2999]))
# Without UNKNOWN.
P = np.array([0.1, 0, 0.4, 0.2, 0.2999]) / 0.9999


def test_temperature_divides_the_logits_before_the_softmax():
    np.testing.assert_allclose(reshaped(LOGS), P)
    np.testing.assert_allclose(
        reshaped(LOGS + 7.0, temperature=0.5), P**2 / (P**2).sum()
    )
    assert reshaped(LOGS, temperature=0.0).tolist() == [0, 0, 1, 0, 0]
    assert reshaped(LOGS, temperature=1e-4).tolist() == [0, 0, 1, 0, 0]
    high = reshaped(LOGS, temperature=1e6)
    np.testing.assert_allclose(high[[0, 2, 3, 4]], 0.25, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"top_k": 1}, [2]),
        ({"top_k": 2}, [2, 4]),
        ({"top_k": 99}, [0, 2, 3, 4]),
        ({"top_p": 0.4}, [2]),
        ({"top_p": 0.5}, [2, 4]),
        ({"top_p": 0.75}, [2, 3, 4]),
        ({"top_p": 1.0}, [0, 2, 3, 4]),
        ({"top_k": 3, "top_p": 0.95}, [2, 3, 4]),
        ({"top_k": 3, "top_p": 0.5}, [2, 4]),
    ],
)
def test_the_smallest_set_that_reaches_the_mass_is_kept(options, kept):
    found = reshaped(LOGS, **options)
    assert np.flatnonzero(found).tolist() == kept
    np.testing.assert_allclose(found[kept], P[kept] / P[kept].sum())


def test_a_mass_reached_exactly_keeps_no_symbol_more():
    logs = np.log(np.array([0.3, 1e-300, 0.4, 0.2, 0.1]))
    assert np.flatnonzero(reshaped(logs, top_p=0.7)).tolist() == [0, 2]
    uniform = np.zeros(12)
    assert np.count_nonzero(reshaped(uniform, top_p=3 / 11)) == 3


@pytest.mark.parametrize(
    "options", [{"temperature": -1.0}, {"top_k": 0}, {"top_p": 0.0}]
)
def test_settings_without_a_sense_are_refused(options):
    (name,) = options
    with pytest.raises(ValueError, match=f"{name} is "):
        reshaped(LOGS, **options)


def test_the_same_seed_writes_the_same_text():
    prompt = ALPHABET.encode("the ")
    first, second, other = (
        sample(MODEL, prompt, 60, rng=seed) for seed in (1, 1, 2)
    )
    assert first.tolist() == second.tolist() != other.tolist()
    bold = sample(MODEL, prompt, 30, temperature=0.0)
    assert ALPHABET.decode(bold).startswith("sea ")
    assert UNKNOWN not in first


class Coin:
    """Ends with probability one half, after any symbol."""

    alphabet_size = 3

    def log_probabilities(self, document):
        return np.full(len(document) + 1, math.log(0.5))

    def following(self, symbols, state=None):
        return np.log(np.array([0.5, 1e-300, 0.5])), None


def test_a_text_ends_where_its_end_is_drawn():
    rng = np.random.default_rng(0)
    lengths = [
        len(sample(Coin(), np.array([2]), 50, rng=rng)) for _ in range(400)
    ]
    assert np.mean(lengths) == pytest.approx(1, abs=0.2)
    assert BOUNDARY not in sample(Coin(), np.array([2]), 50, rng=5)
    text, score = beam(Coin(), np.array([2]), 20)
    assert (len(text), score) == (0, pytest.approx(math.log(0.5)))


def cost(text, prompt):
    """Return ln p of a text after a prompt, without its end."""
    whole = np.concatenate([prompt, text])
    return MODEL.log_probabilities(whole)[len(prompt) : len(whole)].sum()


def test_a_wider_beam_finds_a_likelier_text():
    prompt = ALPHABET.encode("s")
    greedy = sample(MODEL, prompt, 12, temperature=0.0)
    narrow, score = beam(MODEL, prompt, 12, width=1)
    assert narrow.tolist() == greedy.tolist()
    assert score == pytest.approx(cost(narrow, prompt))
    wide, wide_score = beam(MODEL, prompt, 12, width=8)
    assert wide_score == pytest.approx(cost(wide, prompt))
    assert wide_score > score + 0.01
    with pytest.raises(ValueError, match="width is 0"):
        beam(MODEL, prompt, 5, width=0)


def test_a_beam_as_wide_as_the_choice_finds_the_best_of_all():
    prompt, signs = ALPHABET.encode("th"), range(2, len(ALPHABET))
    best = max(cost(np.array([a, b]), prompt) for a in signs for b in signs)
    _, score = beam(MODEL, prompt, 2, width=len(ALPHABET))
    assert score == pytest.approx(best)


def test_byte_pairs_are_learned_most_frequent_first():
    merges = learn_merges("abababcabc", 3)
    assert merges[:2] == [(b"a", b"b"), (b"ab", b"ab")]
    tokens = apply_merges("abababcabc", merges)
    assert b"".join(tokens) == b"abababcabc"
    assert apply_merges("aaa", [(b"a", b"a")]) == [b"aa", b"a"]
    assert learn_merges("abcdef", 9) == []
    text = "Ähre, Öl und Ähre — 但是"
    pieces = apply_merges(text, learn_merges(TEXT + text, 40))
    assert b"".join(pieces).decode() == text
    assert len(apply_merges(TEXT, learn_merges(TEXT, 30))) < len(TEXT) / 2
