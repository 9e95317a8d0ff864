"""The PyTorch and Keras models of chapters 05 and 07."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from utils.data.batches import mask_from_lengths, pad
from utils.length.padding import POOLINGS
from utils.models.pytorch import (
    FinalStatesReader,
    StepForecaster,
    SymbolReader,
    pool_outputs,
)


@pytest.mark.parametrize("how", POOLINGS)
def test_poolings_equal_numpys(how):
    outputs = torch.randn(
        4, 6, 8, dtype=torch.float64, generator=torch.manual_seed(0)
    )
    lengths = torch.tensor([6, 1, 3, 4])
    mask = mask_from_lengths(lengths.numpy(), 6)
    ours = POOLINGS[how](outputs.numpy(), mask)
    assert np.allclose(pool_outputs(outputs, lengths, how).numpy(), ours)


def test_an_unknown_pooling_is_refused():
    with pytest.raises(ValueError, match="'median'"):
        pool_outputs(torch.zeros(1, 2, 4), torch.tensor([2]), "median")


@pytest.mark.parametrize("pooling", [None, *POOLINGS])
def test_padding_does_not_change_a_symbol_reader(pooling):
    torch.manual_seed(0)
    model = SymbolReader(11, 3, pooling=pooling)
    rows, lengths = pad(
        [np.array([1, 2, 3]), np.array([4]), np.array([5, 6, 7, 8])], value=10
    )
    wide = np.pad(rows, ((0, 0), (0, 5)), constant_values=9)
    with torch.no_grad():
        narrow = model(torch.tensor(rows), torch.tensor(lengths))
        wider = model(torch.tensor(wide), torch.tensor(lengths))
    if pooling is None:
        assert narrow.shape == (3, 4, 3)
        wider = wider[:, :4]
    assert torch.allclose(narrow, wider, atol=1e-6)


def test_reading_turned_rows_is_reading_packed_ones():
    torch.manual_seed(0)
    model = SymbolReader(11, 3, hidden_size=4)
    packed_layer = nn.LSTM(8, 4, batch_first=True, bidirectional=True)
    with torch.no_grad():
        for name, weight in model.ahead.named_parameters():
            getattr(packed_layer, name).copy_(weight)
        for name, weight in model.back.named_parameters():
            getattr(packed_layer, f"{name}_reverse").copy_(weight)
        rows, lengths = torch.randint(0, 10, (3, 6)), torch.tensor([6, 1, 4])
        packed = pack_padded_sequence(
            model.embedding(rows), lengths, True, enforce_sorted=False
        )
        theirs, _ = pad_packed_sequence(packed_layer(packed)[0], True)
        valid = torch.arange(6) < lengths[:, None]
        ours = model.outputs(rows, lengths)
    assert torch.allclose(ours[valid], theirs[valid], atol=1e-6)


def test_one_direction_cannot_see_ahead_and_two_can():
    torch.manual_seed(0)
    x = torch.randn(1, 6, 1)
    changed = x.clone()
    changed[:, 4] += 1
    for bidirectional in (False, True):
        model = StepForecaster(1, 4, bidirectional)
        with torch.no_grad():
            moved = (model(changed) - model(x)).abs()[0, :4].max()
        assert (moved > 0) == bidirectional


@pytest.mark.parametrize("bidirectional", [False, True])
def test_final_states_reader_reads_the_ends(bidirectional):
    torch.manual_seed(0)
    model = FinalStatesReader(3, 4, 2, bidirectional)
    x = torch.randn(2, 5, 3)
    with torch.no_grad():
        outputs, _ = model.layer(x)
        ends = torch.cat([outputs[:, -1, :4], outputs[:, 0, 4:]], dim=1)
        assert torch.allclose(model(x), model.head(ends), atol=1e-6)
