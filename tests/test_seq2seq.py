"""The encoder–decoder of both frameworks: padding, teacher forcing,
decoding, equal weights."""

from itertools import product

import numpy as np
import pytest
import torch

from utils.attention import keras as keras_attention
from utils.attention.pytorch import (
    Memory,
    PairBatches,
    Seq2Seq,
    beam_search,
    exact_matches,
    greedy_decode,
    input_gradients,
    sequence_loss,
)
from utils.data.pairs import END, PAD, START, Symbols, encode_pairs
from utils.scratch import relative_error

LETTERS = Symbols(["abcd"])
SOURCES = ["abcd", "ba", "d", "cab"]
PAIRS = encode_pairs(
    SOURCES, [source[::-1] for source in SOURCES], LETTERS, LETTERS
)


@pytest.fixture(params=[True, False], ids=["attention", "no attention"])
def model(request):
    torch.manual_seed(1)
    sizes = {"embedding_size": 5, "hidden_size": 6}
    return (
        Seq2Seq(len(LETTERS), len(LETTERS), attention=request.param, **sizes)
        .double()
        .eval()
    )


def tensors(pairs=PAIRS):
    return tuple(map(torch.from_numpy, pairs))


def one(model, row):
    source, lengths, _, _ = tensors(PAIRS.rows(np.array([row])))
    with torch.no_grad():
        return model.encode(source, lengths)


def test_padding_changes_nothing(model):
    source, lengths, before, _ = tensors()
    wide = torch.nn.functional.pad(source, (0, 7))
    with torch.no_grad():
        logits = model(source, lengths, before)
        assert torch.allclose(model(wide, lengths, before), logits, atol=1e-14)
        for row, length in enumerate(lengths):
            alone = model(
                source[row : row + 1, :length],
                length[None],
                before[row : row + 1],
            )
            assert torch.allclose(alone[0], logits[row], atol=1e-14)


def test_the_summary_is_the_state_at_each_last_valid_step(model):
    source, lengths, _, _ = tensors()
    with torch.no_grad():
        memory = model.encode(source, lengths)
        for row, length in enumerate(lengths):
            _, final = model.encoder(
                model.source_embedding(source[row : row + 1, :length])
            )
            assert torch.allclose(
                memory.summary[row], final[:, 0].flatten(), atol=1e-14
            )


def test_gradients_do_not_reach_padding(model):
    source, lengths, before, after = tensors()
    gradients = input_gradients(model, source, lengths, before, after)
    assert gradients.shape == (4, after.shape[1], 4)
    valid = (source != PAD)[:, None].expand_as(gradients)
    assert not gradients[~valid].any()
    assert (gradients[valid & (after != PAD)[:, :, None]] > 0).all()
    assert model(source, lengths, before).requires_grad


def test_input_gradients_are_derivatives_of_the_log_probability(model):
    source, lengths, before, after = tensors()
    gradients = input_gradients(model, source, lengths, before, after)
    embedded = model.source_embedding(source).detach()
    row, step, position, direction = 0, 2, 1, torch.eye(5, dtype=torch.float64)

    def log_probability(shift):
        moved = embedded.clone()
        moved[row, position] += shift
        handle = model.source_embedding.register_forward_hook(lambda *_: moved)
        with torch.no_grad():
            logits = model(source, lengths, before)
        handle.remove()
        return logits.log_softmax(dim=2)[row, step, after[row, step]]

    slopes = [
        (log_probability(1e-6 * e) - log_probability(-1e-6 * e)) / 2e-6
        for e in direction
    ]
    assert torch.stack(slopes).norm() == pytest.approx(
        gradients[row, step, position].item(), 1e-6
    )


def test_greedy_takes_the_likeliest_symbol_and_feeds_it_back(model):
    source, lengths, _, _ = tensors()
    with torch.no_grad():
        symbols, weights = greedy_decode(
            model, model.encode(source, lengths), max_length=6
        )
        fed = torch.cat([torch.full((4, 1), START), symbols[:, :-1]], dim=1)
        expected = model(source, lengths, fed).argmax(dim=2)
    running = (symbols == END).int().cumsum(dim=1) - (symbols == END).int() == 0
    assert torch.equal(symbols[running], expected[running])
    assert (symbols[~running] == PAD).all()
    if weights is not None:
        assert torch.allclose(weights.sum(dim=2), torch.ones(()).double())
        assert not weights.transpose(1, 2)[source == PAD].any()


def test_beam_search_finds_what_trying_everything_finds(model):
    memory, steps = one(model, 3), 3
    source, lengths, _, _ = tensors(PAIRS.rows(np.array([3])))

    def mean_log_probability(symbols):
        before = torch.tensor([[START, *symbols[:-1]]])
        with torch.no_grad():
            logs = model(source, lengths, before).log_softmax(dim=2)[0]
        return sum(
            logs[i, symbol].item() for i, symbol in enumerate(symbols)
        ) / len(symbols)

    open_symbols = [symbol for symbol in range(len(LETTERS)) if symbol != END]
    full = [
        [*beginning, END]
        for length in range(steps)
        for beginning in product(open_symbols, repeat=length)
    ]
    best = max(full, key=mean_log_probability)
    everything = len(LETTERS) ** steps
    symbols, score = beam_search(model, memory, steps, width=everything)[0]
    assert symbols == best
    assert score == pytest.approx(mean_log_probability(best))


def test_a_beam_of_one_is_greedy(model):
    for row in range(4):
        memory = one(model, row)
        greedy = greedy_decode(model, memory, 6).symbols[0].tolist()
        assert beam_search(model, memory, 6, width=1)[0][0] == greedy


def test_beam_search_takes_one_source(model):
    source, lengths, _, _ = tensors()
    with pytest.raises(
        ValueError, match="memory holds 4 sources and width is 2"
    ):
        beam_search(model, model.encode(source, lengths), 3, width=2)


def test_scheduled_sampling_feeds_own_symbols_in_training_alone(model):
    source, lengths, before, _ = tensors()
    forced = model(source, lengths, before)
    model.teacher = 0.0
    assert torch.equal(model(source, lengths, before), forced)
    model.train()
    free = model(source, lengths, before)
    assert torch.equal(free[:, 0], forced[:, 0])
    own = torch.cat([before[:, :1], free.argmax(dim=2)[:, :-1]], dim=1)
    model.eval()
    assert torch.allclose(model(source, lengths, own), free)
    assert not torch.equal(own, before)


def test_batches_hold_every_pair_once():
    batches = PairBatches(PAIRS, 3)
    drawn = list(batches)
    assert len(drawn) == len(batches) == 2
    rows = [
        LETTERS.decode(row) for source, *_ in drawn for row in source.tolist()
    ]
    assert sorted("".join(row) for row in rows) == sorted(SOURCES)


def test_the_loss_counts_valid_symbols_only():
    logits = torch.randn(
        4, PAIRS.after.shape[1], len(LETTERS), dtype=torch.float64
    )
    after = torch.from_numpy(PAIRS.after)
    logs = logits.log_softmax(dim=2).gather(2, after[..., None])[..., 0]
    expected = -logs[after != PAD].mean()
    assert torch.allclose(sequence_loss(logits, after), expected)
    keras_loss = keras_attention.sequence_loss(PAIRS.after, logits.numpy())
    assert float(keras_loss) == pytest.approx(expected.item())


def test_a_small_model_learns_to_reverse():
    torch.manual_seed(0)
    model = Seq2Seq(
        len(LETTERS), len(LETTERS), embedding_size=8, hidden_size=16
    )
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    assert not exact_matches(model, PAIRS, 6).all()
    for _ in range(60):
        for *inputs, after in PairBatches(PAIRS, 4):
            optimizer.zero_grad()
            sequence_loss(model(*inputs), after).backward()
            optimizer.step()
    assert exact_matches(model, PAIRS, 6).all()
    wrong = PAIRS._replace(after=np.roll(PAIRS.after, 1, axis=0))
    assert not exact_matches(model, wrong, 6).any()


def test_keras_computes_the_same_with_the_same_weights():
    torch.manual_seed(2)
    model = (
        Seq2Seq(len(LETTERS), len(LETTERS), embedding_size=5, hidden_size=6)
        .double()
        .eval()
    )
    twin = keras_attention.Seq2Seq(
        len(LETTERS), len(LETTERS), 5, 6, dtype="float64"
    )
    twin.take_weights(
        {name: value.numpy() for name, value in model.state_dict().items()}
    )

    source, lengths, before, after = tensors()
    logits = model(source, lengths, before)
    assert (
        relative_error(
            twin((PAIRS.source, PAIRS.before)).numpy(), logits.detach().numpy()
        )
        < 1e-12
    )
    # Two biases are one there
    assert len(twin.weights) == sum(1 for _ in model.parameters()) - 3

    import tensorflow as tf

    sequence_loss(logits, after).backward()
    with tf.GradientTape() as tape:
        loss = keras_attention.sequence_loss(
            PAIRS.after, twin((PAIRS.source, PAIRS.before))
        )
    variable = twin.attention.key.kernel
    (gradient,) = tape.gradient(loss, [variable.value])
    assert (
        relative_error(
            gradient.numpy(), model.attention.key.weight.grad.numpy().T
        )
        < 1e-10
    )

    symbols, weights = twin.write(PAIRS.source, 6)
    expected = greedy_decode(model, model.encode(source, lengths), 6)
    assert np.array_equal(symbols, expected.symbols.numpy())
    assert np.allclose(weights, expected.weights.detach().numpy(), atol=1e-12)


def test_memory_without_attention_projects_nothing():
    model = Seq2Seq(len(LETTERS), len(LETTERS), attention=False)
    memory = one(model, 0)
    assert isinstance(memory, Memory)
    assert memory.projected.shape == (1, 4, 0)
