import keras
import numpy as np
import pytest
import torch

from utils.data.batches import pad
from utils.data.text import Vocabulary
from utils.scratch import Bidirectional
from utils.sentiment.keras import MaskedMax, sentiment_classifier
from utils.sentiment.pytorch import SentimentClassifier, positive_probabilities
from utils.weights import from_torch, to_keras

TEXTS = ["good", "a very good film", "dull", "a film that is not good at all"]
VOCABULARY = Vocabulary.from_texts(TEXTS)
TOKENS = pad([VOCABULARY.encode(text) for text in TEXTS], value=Vocabulary.PAD)[
    0
]


def take_weights(twin, model):
    """Copy a PyTorch classifier's weights into its Keras twin."""
    layers = Bidirectional(
        from_torch(model.forward_layer), from_torch(model.backward_layer)
    )
    twin.get_layer("embedding").set_weights(
        [model.embedding.weight.detach().numpy()]
    )
    twin.get_layer("recurrent").set_weights(to_keras(layers).get_weights())
    if model.attention is not None:
        arrays = model.attention.attention
        parts = (arrays.query, arrays.key, arrays.score)
        twin.get_layer("attention").set_weights(
            [p.weight.detach().numpy().T for p in parts]
        )
    head = model.head
    twin.get_layer("head").set_weights(
        [head.weight.detach().numpy().T, head.bias.detach().numpy()]
    )


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
def test_the_same_weights_give_the_same_answers(pooling):
    torch.manual_seed(0)
    model = SentimentClassifier(len(VOCABULARY), 8, 6, pooling=pooling)
    with torch.no_grad():
        model.embedding.weight.mul_(10)
    twin = sentiment_classifier(len(VOCABULARY), 8, 6, pooling)
    take_weights(twin, model)
    found = keras.ops.softmax(twin(TOKENS, training=False)).numpy()[:, 1]
    np.testing.assert_allclose(
        found, positive_probabilities(model, TEXTS, VOCABULARY), atol=1e-6
    )
    assert len(set(found.round(5))) == len(TEXTS)


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
def test_padding_never_changes_an_answer(pooling):
    model = sentiment_classifier(len(VOCABULARY), 8, 6, pooling)
    model.get_layer("embedding").set_weights(
        [np.random.default_rng(0).normal(size=(len(VOCABULARY), 8))]
    )
    padded = np.pad(TOKENS, ((0, 0), (0, 5)))
    np.testing.assert_allclose(model(padded), model(TOKENS), atol=1e-6)


def test_masked_max_takes_no_zero_from_the_padding():
    outputs = np.array([[[-0.5], [-0.2], [0.0]]])
    mask = np.array([[True, True, False]])
    assert MaskedMax()(outputs, mask=mask).numpy().tolist() == [
        [pytest.approx(-0.2)]
    ]
    assert keras.layers.GlobalMaxPooling1D()(outputs).numpy().tolist() == [
        [0.0]
    ]
