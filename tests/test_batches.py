import itertools

import numpy as np
import pytest

from utils.data import make_windows
from utils.data.batches import (
    bucket_batches,
    budget_batches,
    collate,
    mask_from_lengths,
    pad,
)


def test_windows_end_a_horizon_before_their_target():
    series = np.arange(10)
    windows, targets = make_windows(series, 3, horizon=2)
    assert windows.shape == (6, 3)
    assert (windows[0] == [0, 1, 2]).all()
    assert (targets == windows[:, -1] + 2).all()
    assert targets[-1] == 9


def test_windows_of_several_features_keep_batch_time_feature_order():
    series = np.arange(20).reshape(10, 2)
    windows, targets = make_windows(series, 4)
    assert windows.shape == (6, 4, 2)
    assert targets.shape == (6, 2)
    assert (windows[1] == series[1:5]).all()
    assert (targets[1] == series[5]).all()


@pytest.mark.parametrize(("length", "horizon"), [(0, 1), (3, 0), (9, 2)])
def test_windows_refuse_what_cannot_be(length, horizon):
    with pytest.raises(ValueError, match=r"at least 1|too short"):
        make_windows(np.arange(10), length, horizon)


@pytest.mark.parametrize("side", ["right", "left"])
def test_pad_and_mask_agree(side):
    sequences = [np.array([1, 2, 3]), np.array([4]), np.array([5, 6])]
    padded, lengths = pad(sequences, side, value=-1, to_length=4)
    assert padded.shape == (3, 4)
    mask = mask_from_lengths(lengths, 4, side)
    assert (padded[mask] == [1, 2, 3, 4, 5, 6]).all()
    assert (padded[~mask] == -1).all()
    assert mask[1].tolist() == [side == "right", False, False, side == "left"]


def test_pad_keeps_features():
    padded, _ = pad([np.ones((2, 5)), np.ones((3, 5))])
    assert padded.shape == (2, 3, 5)
    assert (padded[0, 2] == 0).all()


@pytest.mark.parametrize(
    ("sequences", "options", "message"),
    [
        ([], {}, "no sequence"),
        ([np.ones(2), np.ones(0)], {}, "sequence 1 is empty"),
        ([np.ones(2), np.ones(5)], {"to_length": 4}, "sequence 1 has 5 steps"),
    ],
)
def test_pad_refuses_what_cannot_be(sequences, options, message):
    with pytest.raises(ValueError, match=message):
        pad(sequences, **options)


def test_pad_refuses_an_unknown_side(unannotated):
    with pytest.raises(ValueError, match="side is 'middle'"):
        pad([np.ones(2)], "middle")


def test_pad_takes_the_wider_type():
    padded, _ = pad([np.array([1, 2]), np.array([0.5])])
    assert padded[1, 0] == 0.5


def test_buckets_hold_every_row_once_and_waste_little():
    lengths = np.random.default_rng(0).integers(1, 101, 1000)
    batches = bucket_batches(lengths, 32, 0)
    assert sorted(np.concatenate(batches)) == list(range(1000))
    assert sorted(len(batch) for batch in batches) == [8] + [32] * 31
    spread = [np.ptp(lengths[batch]) for batch in batches]
    assert max(spread) <= 8
    means = [lengths[batch].mean() for batch in batches]
    assert means != sorted(means)
    with pytest.raises(ValueError, match="batch_size is 0"):
        bucket_batches(lengths, 0, 0)


def test_collate_pads_to_the_longest_of_its_own_batch():
    inputs, lengths, labels = collate([(np.ones(3), 1), (np.ones(5), 0)])
    assert inputs.shape == (2, 5)
    assert lengths.tolist() == [3, 5]
    assert labels.tolist() == [1, 0]


def test_a_budget_holds_rows_times_the_longest():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 41, 300)
    batches = budget_batches(lengths, 160, 0)
    assert sorted(np.concatenate(batches)) == list(range(300))
    cells = [len(batch) * lengths[batch].max() for batch in batches]
    assert max(cells) <= 160
    spans = sorted((lengths[b].min(), lengths[b].max()) for b in batches)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))
    sizes = {lengths[batch].max(): len(batch) for batch in batches}
    assert sizes[min(sizes)] > 4 * sizes[40]
    assert max(len(batch) for batch in budget_batches(lengths, 40, 0)) > 1
    with pytest.raises(ValueError, match="it must hold the longest"):
        budget_batches(lengths, 39, 0)
    with pytest.raises(ValueError, match="for 0 rows"):
        budget_batches(np.array([], int), 39, 0)
