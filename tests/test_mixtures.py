"""Models mixed: what a beam finds, sums of probabilities, the share chosen."""

import pytest
import torch

from utils.attention.joint_ngrams import JointNGrams, align, train_pairs
from utils.attention.mixtures import (
    best_share,
    ensemble,
    likeliest,
    likely_outputs,
    mix,
)
from utils.attention.pytorch import (
    PairBatches,
    Seq2Seq,
    beam_search,
    sequence_loss,
)
from utils.data.pairs import Symbols, encode_pairs

ONE = {("A",): 0.7, ("B",): 0.3}
TWO = {("B",): 0.6, ("C",): 0.4}
SPOKEN = {
    "cat": [("K", "AE", "T")],
    "tact": [("T", "AE", "K", "T")],
    "sat": [("S", "AE", "T")],
    "tax": [("T", "AE", "K", "S")],
    "sax": [("S", "AE", "K", "S")],
    "act": [("AE", "K", "T")],
}
LETTERS = Symbols(SPOKEN)
PHONES = Symbols([phones for [phones] in SPOKEN.values()])


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    model = Seq2Seq(len(LETTERS), len(PHONES), True, 8, 16)
    words, phones = zip(*train_pairs(list(SPOKEN), SPOKEN), strict=True)
    batches = PairBatches(encode_pairs(words, phones, LETTERS, PHONES), 6)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(150):
        for source, lengths, before, after in batches:
            optimizer.zero_grad()
            sequence_loss(model(source, lengths, before), after).backward()
            optimizer.step()
    return model


def read(model, word):
    source = torch.tensor([LETTERS.encode(word)])
    with torch.no_grad():
        return model.encode(source, torch.tensor([len(word)]))


def test_probabilities_are_mixed_by_their_shares():
    mixed = mix([ONE, TWO], [0.5, 0.5])
    assert list(mixed) == [("B",), ("A",), ("C",)]
    assert mixed[("B",)] == pytest.approx(0.45)
    assert sum(mixed.values()) == pytest.approx(1)
    assert likeliest(mix([ONE, TWO], [0.9, 0.1])) == ("A",)
    assert ensemble([ONE, TWO]) == mixed


@pytest.mark.parametrize("shares", [[1.0], [0.5, 0.6], [1.5, -0.5]])
def test_shares_that_are_no_parts_of_one_are_refused(shares):
    with pytest.raises(ValueError, match="share"):
        mix([ONE, TWO], shares)


def test_a_beam_finds_outputs_and_their_probabilities(network):
    for word, [phones] in SPOKEN.items():
        found = likely_outputs(network, read(network, word), PHONES, 8, 4)
        assert likeliest(found) == phones
        assert sum(found.values()) == pytest.approx(1)
        assert list(found.values()) == sorted(found.values(), reverse=True)
    [*beams] = beam_search(network, read(network, "act"), 8, 4)
    likely = max(beams, key=lambda beam: beam[1] * len(beam[0]))
    found = likely_outputs(network, read(network, "act"), PHONES, 8, 4)
    assert likeliest(found) == tuple(PHONES.decode(likely[0]))


def test_what_does_not_end_is_no_output(network):
    found = likely_outputs(network, read(network, "tact"), PHONES, 1, 4)
    assert found == {}
    assert likeliest(mix([found, ONE], [0.9, 0.1])) == ("A",)
    assert likeliest({}) == ()


def test_the_share_is_chosen_where_most_are_right():
    ours = [{("A",): 0.9, ("B",): 0.1}, {("A",): 0.6, ("B",): 0.4}]
    theirs = [{("B",): 1.0}, {("B",): 1.0}]
    share = best_share(ours, theirs, [[("A",)], [("B",)]])
    assert share == pytest.approx(0.6)
    assert likeliest(mix([ours[0], theirs[0]], [share, 1 - share])) == ("A",)
    assert likeliest(mix([ours[1], theirs[1]], [share, 1 - share])) == ("B",)
    assert best_share(ours, ours, [[("A",)], [("A",)]]) == 0.5


def test_a_network_and_counts_are_mixed(network):
    """A word that either reads wrongly alone may be right together."""
    counts = JointNGrams(order=2).learn(
        align(train_pairs(list(SPOKEN), SPOKEN))
    )
    words = [*SPOKEN, "tats"]
    ours = [
        likely_outputs(network, read(network, word), PHONES, 8, 4)
        for word in words
    ]
    theirs = counts.pronounce(words)
    right = [*SPOKEN.values(), [("T", "AE", "T", "S")]]
    share = best_share(ours, theirs, right)
    together = [
        likeliest(mix(pair, (share, 1 - share)))
        for pair in zip(ours, theirs, strict=True)
    ]
    alone = [[likeliest(each) for each in found] for found in (ours, theirs)]

    def score(guesses):
        return sum(
            guess in answers
            for guess, answers in zip(guesses, right, strict=True)
        )

    assert score(together) >= max(map(score, alone)) == len(words)
