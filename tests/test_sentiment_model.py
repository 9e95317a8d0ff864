import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from utils.data.text import Vocabulary
from utils.data.twins import make_twins
from utils.sentiment.bag_of_words import (
    NaiveBayesWeights,
    naive_bayes_regression,
)
from utils.sentiment.pytorch import (
    ReviewBatches,
    SentimentClassifier,
    positive_probabilities,
    probabilities_along,
    reverse_rows,
)

TEXTS = ["good", "a very good film", "dull", "a film that is not good at all"]
VOCABULARY = Vocabulary.from_texts(TEXTS)


def classifier(**options) -> SentimentClassifier:
    torch.manual_seed(0)
    return SentimentClassifier(len(VOCABULARY), 8, 6, **options).double().eval()


def batch(texts):
    return next(iter(ReviewBatches(texts, [0] * len(texts), VOCABULARY)))[:-1]


def test_rows_are_reversed_within_their_length():
    x = torch.arange(8.0).reshape(2, 4, 1)
    reversed_rows = reverse_rows(x, torch.tensor([3, 4]))[..., 0]
    assert reversed_rows.tolist() == [[2, 1, 0, 3], [7, 6, 5, 4]]


@pytest.mark.parametrize("cell", ["RNN", "LSTM", "GRU"])
def test_two_ways_equal_pytorch_s_packed_bidirectional_layer(cell):
    model = classifier(cell=cell)
    packed_layer = getattr(torch.nn, cell)(
        8, 6, batch_first=True, bidirectional=True
    ).double()
    state = dict(model.forward_layer.state_dict())
    state |= {
        f"{k}_reverse": v for k, v in model.backward_layer.state_dict().items()
    }
    packed_layer.load_state_dict(state)
    tokens, lengths = batch(TEXTS)
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        model.embedding(tokens), lengths, batch_first=True, enforce_sorted=False
    )
    expected, _ = torch.nn.utils.rnn.pad_packed_sequence(
        packed_layer(packed)[0], batch_first=True
    )
    found = model.read(tokens, lengths)
    for row, length in enumerate(lengths):
        torch.testing.assert_close(found[row, :length], expected[row, :length])


@pytest.mark.parametrize("two_way", [True, False])
@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
def test_padding_never_changes_an_answer(pooling, two_way):
    model = classifier(pooling=pooling, two_way=two_way)
    together = positive_probabilities(model, TEXTS, VOCABULARY)
    alone = [
        positive_probabilities(model, [text], VOCABULARY)[0] for text in TEXTS
    ]
    np.testing.assert_allclose(together, alone, atol=1e-6)
    assert len(set(together.round(5))) == len(TEXTS)


def test_a_head_may_have_more_than_two_classes():
    model = classifier(classes=3, pooling="mean")
    assert model(*batch(TEXTS)).shape == (4, 3)


def test_a_prior_moves_the_answer_by_its_log_odds():
    model = classifier()
    prior = np.array([-2.0, 0.0, 1.0, 3.0])
    plain = positive_probabilities(model, TEXTS, VOCABULARY).astype(float)
    moved = positive_probabilities(model, TEXTS, VOCABULARY, prior).astype(
        float
    )
    odds = [np.log(p / (1 - p)) for p in (plain, moved)]
    np.testing.assert_allclose(odds[1] - odds[0], prior, atol=1e-5)


def test_words_are_dropped_in_training_alone():
    model = classifier(word_dropout=1.0, dropout=(0.0, 0.0))
    tokens, lengths = batch(TEXTS[:1])
    unknown = model(torch.full_like(tokens, Vocabulary.UNK), lengths)
    assert not torch.allclose(model(tokens, lengths), unknown)
    model.train()
    torch.testing.assert_close(model(tokens, lengths), unknown)


def test_batches_pad_to_their_own_longest_text():
    data = ReviewBatches(TEXTS, [0, 1, 0, 1], VOCABULARY, batch_size=2)
    seen = list(data)
    assert len(seen) == len(data) == 2
    for tokens, lengths, labels in seen:
        assert tokens.shape == (2, int(lengths.max()))
        assert labels.shape == (2,)
    assert (
        ReviewBatches(TEXTS, [0] * 4, VOCABULARY, longest=3).lengths.max() == 3
    )


def test_log_count_ratios_of_a_small_case():
    counts = csr_matrix([[1, 0], [1, 1], [0, 1], [0, 1]])
    ratios = NaiveBayesWeights().fit(counts, [1, 1, 0, 0]).ratios_
    # p = (3, 2), q = (1, 3)
    np.testing.assert_allclose(
        ratios, np.log([(3 / 5) / (1 / 4), (2 / 5) / (3 / 4)])
    )


def test_counting_words_is_right_on_exactly_half_of_the_twins():
    frame = make_twins(600, 0)
    twins = frame[frame.duplicated("pair", keep=False)]
    model = naive_bayes_regression(1).fit(frame["text"], frame["label"])
    assert model.score(twins["text"], twins["label"]) == 0.5


@pytest.mark.parametrize("two_way", [True, False])
def test_the_verdict_along_a_text_is_that_of_its_beginnings(two_way):
    model = classifier(two_way=two_way, pooling="last")
    tokens, found = probabilities_along(model, "A film, not good", VOCABULARY)
    assert tokens == ["a", "film", ",", "not", "good"]
    whole = positive_probabilities(
        model, ["a film", "A film, not good"], VOCABULARY
    )
    np.testing.assert_allclose(found[[1, 4]], whole, atol=1e-6)


def test_one_way_the_verdict_along_a_text_is_read_off_its_states():
    model = classifier(two_way=False, pooling="last")
    _, found = probabilities_along(model, TEXTS[3], VOCABULARY)
    tokens, _ = batch(TEXTS[3:])
    with torch.no_grad():
        states, _ = model.forward_layer(model.embedding(tokens))
        expected = model.head(states[0]).softmax(dim=1)[:, 1]
    np.testing.assert_allclose(found, expected, atol=1e-6)
