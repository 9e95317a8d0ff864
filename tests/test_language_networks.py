"""One character model in NumPy, PyTorch and Keras; its streams; its
training."""

import numpy as np
import pytest
import torch

from utils.language import CharacterModel, bits_per_character, reader, scratch
from utils.language import keras as in_keras
from utils.language.alphabet import BOUNDARY, Alphabet
from utils.language.pytorch import Carried, TensorStreams, next_symbol_loss
from utils.language.streams import IGNORED, Streams
from utils.scratch import (
    clip_global_norm,
    numerical_gradient,
    relative_error,
    softmax_cross_entropy,
)
from utils.scratch.embedding import Embedding
from utils.scratch.layer_norm import LayerNorm
from utils.scratch.optim import Adam
from utils.training import fit

RNG = np.random.default_rng(0)
CASES = [("RNN", False), ("LSTM", True), ("GRU", False), ("GRU", True)]
DOCUMENTS = [RNG.integers(2, 9, 200), RNG.integers(2, 9, 40)]


def small(cell="GRU", layer_norm=False):
    model = scratch.CharacterModel(9, cell, 6, 4, layer_norm, rng=1)
    for params in model.params:
        for array in params.values():
            array += 0.3 * RNG.normal(size=array.shape)
    return model


@pytest.mark.parametrize(("cell", "layer_norm"), CASES)
def test_the_same_weights_give_the_same_bits(cell, layer_norm, monkeypatch):
    model = small(cell, layer_norm)
    whole = bits_per_character(model, DOCUMENTS)
    # In several pieces, so that a state lost between them shows.
    monkeypatch.setattr(reader, "PIECE", 64)
    torch_model = CharacterModel.from_scratch(model)
    twins = [
        torch_model,
        in_keras.CharacterModel.from_scratch(model),
        torch_model.to_scratch(),
    ]
    bits = bits_per_character(model, DOCUMENTS)
    assert bits == pytest.approx(whole, abs=1e-12)
    for twin in twins:
        assert bits_per_character(twin, DOCUMENTS) == pytest.approx(
            bits, abs=1e-10
        )
    whole = model.log_probabilities(DOCUMENTS[1])
    logs, state = model.following(DOCUMENTS[1][:5])
    assert logs[DOCUMENTS[1][5]] == pytest.approx(whole[5], abs=1e-12)
    logs, _ = model.following(DOCUMENTS[1][5:], state)
    assert logs[BOUNDARY] == pytest.approx(whole[-1], abs=1e-12)


@pytest.mark.parametrize(("cell", "layer_norm"), CASES)
def test_gradients_are_pytorchs(cell, layer_norm):
    model = small(cell, layer_norm)
    twin = CharacterModel.from_scratch(model)
    symbols, targets = DOCUMENTS[0][:24], DOCUMENTS[0][1:25]
    symbols, targets = symbols.reshape(3, 8), targets.reshape(3, 8)
    loss, d_logits = softmax_cross_entropy(model.forward(symbols)[0], targets)
    gradients = model.backward(d_logits)
    expected = next_symbol_loss(
        twin(torch.from_numpy(symbols))[0], torch.from_numpy(targets)
    )
    expected.backward()
    assert loss == pytest.approx(expected.item(), abs=1e-12)
    found = [gradients[0]["E"], gradients[-1]["W"].T, gradients[-1]["b"]]
    found.append(gradients[1]["W_h"].T)
    tensors = [twin.embedding.weight, twin.head.weight, twin.head.bias]
    tensors.append(twin.layer.weight_hh_l0)
    if layer_norm:
        found += [gradients[2]["gain"], gradients[2]["bias"]]
        tensors += [twin.norm.weight, twin.norm.bias]
    for array, tensor in zip(found, tensors, strict=True):
        np.testing.assert_allclose(array, tensor.grad.numpy(), atol=1e-12)


def test_layer_norm_has_the_gradient_of_its_formula():
    norm, x = LayerNorm(5), RNG.normal(size=(2, 3, 5))
    norm.params["gain"][:] = RNG.normal(size=5)
    d = RNG.normal(size=x.shape)
    norm.forward(x)
    found = norm.backward(d).x
    expected = numerical_gradient(lambda: float((norm.forward(x) * d).sum()), x)
    assert relative_error(found, expected) < 1e-6


def test_backward_before_forward_is_refused():
    d = np.zeros((1, 2))
    for part in (LayerNorm(2), Embedding(3, 2)):
        with pytest.raises(RuntimeError, match="call forward first"):
            part.backward(d)
    with pytest.raises(ValueError, match="cell is 'TCN'; use RNN, LSTM, GRU"):
        CharacterModel(5, "TCN")


def read_back(streams):
    """Put each row's counted targets behind one another."""
    batches = list(streams)
    rows = [np.concatenate([b[2][r] for b in batches]) for r in range(2)]
    return np.concatenate(rows)


def test_streams_read_every_symbol_once_and_in_order():
    documents = [np.arange(2, 15), np.arange(20, 23), np.arange(30, 41)]
    streams = Streams(documents, 2, 4)
    targets = read_back(streams)
    expected = np.concatenate([[*each, BOUNDARY] for each in documents])
    np.testing.assert_array_equal(targets[targets != IGNORED], expected)
    batches = list(streams)
    assert len(batches) == len(streams) == 4
    before = np.full(2, BOUNDARY)
    for symbols, fresh, targets in batches:
        begins = symbols[:, 0] == BOUNDARY
        assert (fresh | ~begins).all()
        goes_on = ~fresh
        assert (symbols[goes_on, 0] == before[goes_on]).all()
        counted = targets[:, :-1] != IGNORED
        assert (symbols[:, 1:] == targets[:, :-1])[counted].all()
        before = targets[:, -1]
    assert [batch[1].tolist() for batch in batches] == [
        [True, True],
        [False, True],
        [False, False],
        [False, False],
    ]


def test_a_short_epoch_begins_where_the_generator_says():
    streams = Streams([np.arange(2, 41)], 1, 4, batches=3, rng=0)
    epochs = [list(streams) for _ in range(6)]
    assert {len(epoch) for epoch in epochs} == {3}
    assert all(epoch[0][1].all() for epoch in epochs)
    assert len({int(epoch[0][0][0, 0]) for epoch in epochs}) > 2
    with pytest.raises(ValueError, match="documents is 0"):
        Streams([], 1, 4)


@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
def test_the_carried_state_makes_batches_one_text(cell):
    model = CharacterModel.from_scratch(small(cell))
    documents = [DOCUMENTS[1], DOCUMENTS[1][:9]]
    carried, nats = Carried(model, 1), 0.0
    for symbols, fresh, targets in TensorStreams(Streams(documents, 1, 4)):
        loss = next_symbol_loss(carried(symbols, fresh), targets)
        nats += loss.item() * int((targets != IGNORED).sum())
    expected = sum(-model.log_probabilities(d).sum() for d in documents)
    assert nats == pytest.approx(expected, abs=1e-9)


class StopError(Exception):
    """Stands for a killed process."""


def test_a_run_cut_in_a_text_resumes_bit_for_bit(tmp_path, monkeypatch):
    monkeypatch.setenv("UNROLLED_PROGRESS", "0")
    monkeypatch.setenv("UNROLLED_DEVICE", "cpu")

    def run(folder, stop_at=None):
        torch.manual_seed(0)
        model = CharacterModel(9, "LSTM", 5, 3, dropout=0.2)
        train = TensorStreams(Streams([DOCUMENTS[0]], 4, 8, batches=6, rng=0))
        steps = 0

        def loss(logits, targets):
            nonlocal steps
            steps += 1
            if steps == stop_at:
                raise StopError
            return next_symbol_loss(logits, targets)

        carried = Carried(model, 4)
        fit(
            carried,
            train,
            loss=loss,
            optimizer=torch.optim.Adam(model.parameters()),
            epochs=3,
            checkpoint=folder,
            checkpoint_every=2,
        )
        return carried.state_dict()

    whole = run(tmp_path / "whole")
    with pytest.raises(StopError):
        run(tmp_path / "cut", stop_at=10)
    resumed = run(tmp_path / "cut")
    assert whole.keys() == resumed.keys()
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name


def test_numpy_alone_learns_to_spell():
    text = "to be or not to be, that is the question. " * 20
    alphabet = Alphabet(text)
    document = alphabet.encode(text)
    model = scratch.CharacterModel(
        len(alphabet), "GRU", 24, 12, dtype=np.float32
    )
    optimizer, before = Adam(model.params, 0.01), None
    before = bits_per_character(model, [document])
    streams = Streams([document], 4, 16)
    for _ in range(8):
        state = None
        for symbols, fresh, targets in streams:
            if state is not None:
                state = state * ~fresh[:, None]
            logits, state = model.forward(symbols, state)
            counted = targets != IGNORED
            _, d = softmax_cross_entropy(logits, targets, counted)
            gradients = model.backward(d)
            clip_global_norm(gradients, 1.0)
            optimizer.step(gradients)
    assert before > 4
    assert bits_per_character(model, [document]) < 1.5
