"""Attention in NumPy against central differences, PyTorch and Keras."""

import keras
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from utils.attention import keras as keras_attention
from utils.attention import pytorch as torch_attention
from utils.data.batches import mask_from_lengths
from utils.scratch import (
    AdditiveAttention,
    AttentionPooling,
    DotProductAttention,
    numerical_gradient,
    relative_error,
)
from utils.scratch.attention import masked_softmax

EXACT = 1e-12


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def example(rng, batch=3, time=5, query_size=4, key_size=6):
    query = rng.normal(size=(batch, query_size))
    keys = rng.normal(size=(batch, time, key_size))
    lengths = rng.integers(1, time + 1, batch)
    return (
        query,
        keys,
        mask_from_lengths(lengths, time),
        rng.normal(size=(batch, key_size)),
    )


def torch_twin(attention):
    """Build the PyTorch module with a NumPy attention's weights."""
    (query_size, units), (key_size, _) = (
        attention.params["query"].shape,
        attention.params["key"].shape,
    )
    twin = torch_attention.AdditiveAttention(
        query_size, key_size, units
    ).double()
    with torch.no_grad():
        for name in ("query", "key"):
            getattr(twin, name).weight.copy_(
                torch.from_numpy(attention.params[name].T)
            )
        twin.score.weight.copy_(
            torch.from_numpy(attention.params["score"][None])
        )
    return twin


def keras_twin(attention, query, keys):
    """Build the Keras layer with a NumPy attention's weights."""
    twin = keras_attention.AdditiveAttention(
        len(attention.params["score"]), dtype="float64"
    )
    twin.build(query.shape, keys.shape)
    twin.query.set_weights([attention.params["query"]])
    twin.key.set_weights([attention.params["key"]])
    twin.score.set_weights([attention.params["score"][:, None]])
    return twin


@settings(deadline=None, max_examples=10)
@given(
    seed=st.integers(0, 10_000), batch=st.integers(1, 4), time=st.integers(1, 7)
)
@pytest.mark.parametrize("kind", ["additive", "dot product", "pooling"])
def test_backward_matches_central_differences(kind, seed, batch, time):
    rng = np.random.default_rng(seed)
    query, keys, mask, d_context = example(rng, batch, time, query_size=6)
    if kind == "pooling":
        layer = AttentionPooling(6, 3, rng=seed)
        forward, inputs = (lambda: layer.forward(keys, mask)), {"keys": keys}
    else:
        layer = (
            AdditiveAttention(6, 6, 3, rng=seed)
            if kind == "additive"
            else DotProductAttention()
        )
        forward, inputs = (
            lambda: layer.forward(query, keys, mask),
            {"query": query, "keys": keys},
        )
    forward()
    grads = layer.backward(d_context)

    def loss():
        return float((forward()[0] * d_context).sum())

    for name, array in inputs.items():
        assert np.allclose(
            getattr(grads, name), numerical_gradient(loss, array), atol=1e-8
        )
    for name, array in layer.params.items():
        assert np.allclose(
            grads.params[name], numerical_gradient(loss, array), atol=1e-8
        )


def test_additive_attention_equals_pytorch_forward_and_backward(rng):
    query, keys, mask, d_context = example(rng)
    attention = AdditiveAttention(4, 6, 5, rng=1)
    context, weights = attention.forward(query, keys, mask)
    grads = attention.backward(d_context)

    twin = torch_twin(attention)
    tensors = [
        torch.from_numpy(each).requires_grad_() for each in (query, keys)
    ]
    torch_context, torch_weights = twin(*tensors, torch.from_numpy(mask))
    torch_context.backward(torch.from_numpy(d_context))

    assert relative_error(torch_context.detach().numpy(), context) < EXACT
    assert relative_error(torch_weights.detach().numpy(), weights) < EXACT
    assert relative_error(tensors[0].grad.numpy(), grads.query) < EXACT
    assert relative_error(tensors[1].grad.numpy(), grads.keys) < EXACT
    for name in ("query", "key"):
        assert (
            relative_error(
                getattr(twin, name).weight.grad.numpy().T, grads.params[name]
            )
            < EXACT
        )
    assert (
        relative_error(twin.score.weight.grad.numpy()[0], grads.params["score"])
        < EXACT
    )


def test_additive_attention_equals_keras_forward_and_backward(rng):
    import tensorflow as tf

    query, keys, mask, d_context = example(rng)
    attention = AdditiveAttention(4, 6, 5, rng=1)
    context, weights = attention.forward(query, keys, mask)
    grads = attention.backward(d_context)

    twin = keras_twin(attention, query, keys)
    variables = [tf.Variable(query), tf.Variable(keys)]
    with tf.GradientTape() as tape:
        keras_context, keras_weights = twin(*variables, mask=tf.constant(mask))
        loss = tf.reduce_sum(keras_context * d_context)
    expected = [
        grads.query,
        grads.keys,
        *(grads.params[name] for name in ("query", "key")),
    ]
    matrices = [
        layer.kernel.value for layer in (twin.query, twin.key, twin.score)
    ]
    found = tape.gradient(loss, [*variables, *matrices])

    assert relative_error(keras_context.numpy(), context) < EXACT
    assert relative_error(keras_weights.numpy(), weights) < EXACT
    for gradient, reference in zip(found, expected, strict=False):
        assert (
            relative_error(tf.convert_to_tensor(gradient).numpy(), reference)
            < EXACT
        )
    assert (
        relative_error(found[-1].numpy()[:, 0], grads.params["score"]) < EXACT
    )


def test_keras_own_additive_attention_is_ours_with_identity_matrices(rng):
    query, keys, mask, _ = example(rng, query_size=6)
    attention = AdditiveAttention(6, 6, 6, rng=2)
    attention.params["query"][...] = attention.params["key"][...] = np.eye(6)
    context, weights = attention.forward(query, keys, mask)

    own = keras.layers.AdditiveAttention(dtype="float64")
    own.build([(3, 1, 6), keys.shape])
    own.set_weights([attention.params["score"]])
    keras_context, keras_weights = own(
        [query[:, None], keys], mask=[None, mask], return_attention_scores=True
    )
    assert relative_error(keras_context.numpy()[:, 0], context) < EXACT
    assert relative_error(keras_weights.numpy()[:, 0], weights) < EXACT


def test_dot_product_attention_equals_both_frameworks(rng):
    query, keys, mask, d_context = example(rng, query_size=6)
    attention = DotProductAttention()
    context, weights = attention.forward(query, keys, mask)
    grads = attention.backward(d_context)

    tensors = [
        torch.from_numpy(each).requires_grad_()
        for each in (query[:, None], keys)
    ]
    found = nn.functional.scaled_dot_product_attention(
        *tensors, tensors[1], attn_mask=torch.from_numpy(mask[:, None])
    )
    found[:, 0].backward(torch.from_numpy(d_context))
    assert relative_error(found[:, 0].detach().numpy(), context) < EXACT
    assert relative_error(tensors[0].grad.numpy()[:, 0], grads.query) < EXACT
    assert relative_error(tensors[1].grad.numpy(), grads.keys) < EXACT

    # Keras's layer does not scale by the size, so its queries must be scaled
    # beforehand.
    _, keras_weights = keras.layers.Attention(dtype="float64")(
        [query[:, None] / np.sqrt(6), keys],
        mask=[None, mask],
        return_attention_scores=True,
    )
    assert relative_error(keras_weights.numpy()[:, 0], weights) < EXACT


def test_pooling_equals_both_frameworks_and_ignores_padding(rng):
    _, keys, mask, _ = example(rng)
    pooling = AttentionPooling(6, 5, rng=3)
    pooled, weights = pooling.forward(keys, mask)

    twin = torch_attention.AttentionPooling(6, 5).double()
    twin.attention = torch_twin(pooling.attention)
    found, _ = twin(torch.from_numpy(keys), torch.from_numpy(mask))
    assert relative_error(found.detach().numpy(), pooled) < EXACT

    keras_layer = keras_attention.AttentionPooling(5, dtype="float64")
    keras_layer.attention = keras_twin(pooling.attention, np.ones((3, 1)), keys)
    keras_layer.built = True
    assert (
        relative_error(keras_layer(keys, mask=mask)[0].numpy(), pooled) < EXACT
    )

    longer = np.pad(keys, ((0, 0), (0, 4), (0, 0)), constant_values=99.0)
    wider = np.pad(mask, ((0, 0), (0, 4)))
    assert np.array_equal(pooling.forward(longer, wider)[0], pooled)
    assert not weights[~mask].any()


def test_masked_positions_get_no_weight_and_no_gradient(rng):
    query, keys, _, d_context = example(rng)
    mask = mask_from_lengths(np.array([5, 2, 1]), 5)
    attention = AdditiveAttention(4, 6, 5)
    _, weights = attention.forward(query, keys, mask)
    grads = attention.backward(d_context)
    assert not weights[~mask].any()
    assert np.allclose(weights.sum(axis=1), 1)
    assert not grads.keys[~mask].any()
    assert weights[2, 0] == 1


def test_softmax_survives_scores_that_overflow_exp():
    weights = masked_softmax(
        np.array([[1000.0, 1001.0, 5000.0]]), np.array([[True, True, False]])
    )
    assert np.allclose(weights, [[1 / (1 + np.e), np.e / (1 + np.e), 0]])


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (
            np.array([[True, True, False], [False, False, False]]),
            "row 1 no valid position",
        ),
        (
            np.ones((2, 4), dtype=bool),
            r"mask has shape \(2, 4\); the scores need \(2, 3\)",
        ),
    ],
)
@pytest.mark.usefixtures("unannotated")
def test_a_mask_that_cannot_work_is_refused(mask, message):
    with pytest.raises(ValueError, match=message):
        masked_softmax(np.zeros((2, 3)), mask)


@pytest.mark.usefixtures("unannotated")
def test_sizes_that_do_not_fit_are_named(rng):
    query, keys, _, _ = example(rng)
    with pytest.raises(
        ValueError, match="query has size 4 and keys have size 6"
    ):
        DotProductAttention().forward(query, keys)
    with pytest.raises(
        ValueError, match=r"query has shape \(3, 4\); its last axis must be 5"
    ):
        AdditiveAttention(5, 6, 3).forward(query, keys)
