"""N-grams sum to one and match a count by hand; measures add up."""

import math
import zlib

import numpy as np
import pytest

from utils.language.alphabet import UNKNOWN, Alphabet
from utils.language.compressors import compressed_bits
from utils.language.measure import (
    bits_per_byte,
    bits_per_character,
    perplexity,
    surprisals,
)
from utils.language.ngrams import NGrams, longest_order

TEXT = "the cat sat on the mat and the rat ate the oat that the cat had. "
ALPHABET = Alphabet(TEXT)
SYMBOLS = ALPHABET.encode(TEXT * 3)


@pytest.fixture(params=["kneser-ney", "witten-bell"])
def smoothing(request):
    return request.param


@pytest.mark.parametrize("order", range(9))
def test_probabilities_sum_to_one(order, smoothing):
    model = NGrams(len(ALPHABET), order, smoothing).fit([SYMBOLS])
    for context in ("", "t", "the c", "zzz the", "xqxqxqxqxq"):
        logs, _ = model.following(ALPHABET.encode(context))
        assert np.exp(logs).sum() == pytest.approx(1, abs=1e-12)
        assert np.isfinite(logs).all()


@pytest.mark.parametrize("order", [0, 2, 5])
def test_a_document_costs_what_its_symbols_cost_one_by_one(order, smoothing):
    model = NGrams(len(ALPHABET), order, smoothing).fit([SYMBOLS])
    document = ALPHABET.encode("the hat.")
    whole = model.log_probabilities(document)
    state, previous, one_by_one = None, document[:0], []
    for symbol in [*document, 0]:
        logs, state = model.following(previous, state)
        one_by_one.append(logs[symbol])
        previous = np.array([symbol])
    np.testing.assert_allclose(whole, one_by_one, rtol=1e-12)


def test_witten_bell_by_hand():
    # "abab" and its end: N = 2 a, 2 b, 1 end; T = 3; V = 4.
    model = NGrams(4, 0, "witten-bell").fit([np.array([2, 3, 2, 3])])
    logs, _ = model.following(np.array([], dtype=np.int64))
    shares = np.array([1, 0, 2, 2]) / 8 + 3 / 8 / 4
    np.testing.assert_allclose(np.exp(logs), shares)


def test_kneser_ney_counts_contexts_below_the_highest_order():
    # c follows only b, and often; d follows a, b and c, once each.
    document = np.array([2, 3, 4, 3, 4, 3, 4, 3, 4, 5, 2, 5, 3, 5])
    model = NGrams(6, 1).fit([document])
    unseen = np.array([UNKNOWN])
    logs, _ = model.following(unseen)
    assert logs[5] > logs[4]
    plain = NGrams(6, 0).fit([document]).following(unseen)[0]
    assert plain[4] > plain[5]


def test_kneser_ney_discounts_are_chen_and_goodmans():
    # Counts of single symbols, the end included: n_1 = 3, n_2 = 2, n_3 = 1,
    # n_4 = 1; the sum is 14 and Y = 3 / 7.
    document = np.array([2, 3, 4, 4, 5, 5, 6, 6, 6, 7, 7, 7, 7])
    y = 3 / 7
    d = [0, 1 - 2 * y * 2 / 3, 2 - 3 * y * 1 / 2, 3 - 4 * y * 1 / 1]
    counts = np.array([1, 0, 1, 1, 2, 2, 3, 4])
    taken = np.array(d)[np.minimum(counts, 3)]
    expected = (counts - taken) / 14 + taken.sum() / 14 / 8
    logs, _ = NGrams(8, 0).fit([document]).following(document)
    np.testing.assert_allclose(np.exp(logs), expected)


def test_an_unseen_symbol_keeps_some_probability_in_an_odd_text():
    # Of the pairs, n_1 = 6, n_2 = 3, n_3 = 18 and n_4 = 60: the estimates of
    # D(2) and of D(3 and more) are negative.
    times = [1, 1, 2, *6 * [3], *20 * [4]]
    pairs = np.arange(2, 2 + 2 * len(times)).reshape(-1, 2)
    documents = [
        pair for pair, n in zip(pairs, times, strict=True) for _ in range(n)
    ]
    logs, _ = (
        NGrams(2 + 2 * len(times), 1).fit(documents).following(pairs[-1, :1])
    )
    assert np.isfinite(logs).all()
    np.testing.assert_allclose(np.exp(logs).sum(), 1)


def test_more_context_helps_on_a_text_that_repeats(smoothing):
    test = [ALPHABET.encode(TEXT)]
    bits = [
        bits_per_character(
            NGrams(len(ALPHABET), order, smoothing).fit([SYMBOLS]), test
        )
        for order in (0, 1, 3)
    ]
    assert bits[0] > bits[1] + 0.5 > bits[2] + 1.0


def test_orders_that_do_not_fit_are_refused(unannotated):
    assert longest_order(83) == 8
    assert longest_order(5000) == 4
    with pytest.raises(ValueError, match="with 5000 symbols it may be 0 to 4"):
        NGrams(5000, 5)
    with pytest.raises(ValueError, match="smoothing is 'laplace'"):
        NGrams(5, 1, "laplace")
    with pytest.raises(RuntimeError, match="call fit"):
        NGrams(5, 1).following(np.array([2]))


class Uniform:
    """Every symbol is as likely as the others."""

    def __init__(self, alphabet_size):
        self.alphabet_size = alphabet_size

    def log_probabilities(self, document):
        return np.full(len(document) + 1, -math.log(self.alphabet_size))

    def following(self, symbols, state=None):
        return np.full(self.alphabet_size, -math.log(self.alphabet_size)), None


def test_bits_are_a_sum_over_the_whole_and_ends_are_paid():
    model = Uniform(8)
    documents = [np.full(3, 2), np.full(7, 3)]
    assert bits_per_character(model, documents) == pytest.approx(3 * 12 / 10)
    assert perplexity(3.0) == 8
    assert bits_per_byte(24.0, "äöü") == 4
    with pytest.raises(ValueError, match="no character"):
        bits_per_character(model, [])


def test_an_unknown_character_is_paid_for_in_full():
    bits = surprisals(Uniform(8), np.array([2, UNKNOWN]))
    assert bits[[0, 2]] == pytest.approx(3)
    assert bits[1] == pytest.approx(3 + math.log2(0x110000 - 6))


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz"])
def test_a_compressor_remembers_what_its_window_holds(name):
    rng = np.random.default_rng(0)
    text = "".join(rng.choice(list("abcdefgh"), 10_000))
    alone = compressed_bits(name, "", text)
    after = compressed_bits(name, text, text)
    assert alone > 2.9 * len(text)
    assert after < 0.75 * alone
    far = compressed_bits("gzip", text + "xyz " * 10_000, text)
    assert far > 0.99 * compressed_bits("gzip", "", text)
    expected = 8 * (
        len(zlib.compress(b"abcabc", 9)) - len(zlib.compress(b"abc", 9))
    )
    assert compressed_bits("gzip", "abc", "abc") == expected
    with pytest.raises(ValueError, match="use gzip, bzip2, xz"):
        compressed_bits("zip", "a", "b")
