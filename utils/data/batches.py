"""From sequences to arrays: windows over a long series, padding and buckets
for short ones."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int, Shaped


def make_windows(
    series: Shaped[np.ndarray, "time *feature"], length: int, horizon: int = 1
) -> tuple[
    Shaped[np.ndarray, "window length *feature"],
    Shaped[np.ndarray, "window *feature"],
]:
    """Cut a series into windows of `length` steps, each with the value
    `horizon` steps after it.

    Window `i` holds `series[i : i + length]`, oldest first; its target is
    `series[i + length - 1 + horizon]`. Neighbouring windows share `length - 1`
    steps: split the series in time before cutting it, or the test windows hold
    training values.

    Returns:
        Windows (a read-only view of the series, no copy) and targets, time -
        length - horizon + 1 of each.

    Raises:
        ValueError: `length` or `horizon` is not positive, or the series is too
            short for a window.
    """
    if length < 1 or horizon < 1:
        raise ValueError(
            f"length is {length} and horizon {horizon}: both must be at least 1"
        )
    if len(series) < length + horizon:
        raise ValueError(
            f"a series of {len(series)} steps is too short for a window of "
            f"{length} "
            f"and a target {horizon} after it"
        )
    windows = np.lib.stride_tricks.sliding_window_view(series, length, axis=0)
    windows = np.moveaxis(windows, -1, 1)[: len(series) - length - horizon + 1]
    return windows, series[length - 1 + horizon :]


def pad(
    sequences: Sequence[Shaped[np.ndarray, "_ *feature"]],
    side: Literal["right", "left"] = "right",
    value: float | int = 0,
    to_length: int | None = None,
) -> tuple[
    Shaped[np.ndarray, "batch time *feature"], Int[np.ndarray, " batch"]
]:
    """Stack sequences of unequal length into one array, filling the rest of
    each row.

    `time` is the longest length, or `to_length` where that is given.

    Returns:
        The array and the length of each sequence before padding.

    Raises:
        ValueError: no sequence, an empty one, one longer than `to_length`, or
            an unknown side.
    """
    if side not in ("right", "left"):
        raise ValueError(f"side is {side!r}: 'right' or 'left'")
    lengths = np.array([len(sequence) for sequence in sequences])
    if lengths.size == 0:
        raise ValueError("no sequence to pad")
    if lengths.min() == 0:
        raise ValueError(
            f"sequence {int(lengths.argmin())} is empty: leave it out before "
            "padding"
        )
    time = int(lengths.max()) if to_length is None else to_length
    if lengths.max() > time:
        raise ValueError(
            f"sequence {int(lengths.argmax())} has {lengths.max()} steps, "
            "more than "
            f"to_length={time}: cut it first"
        )
    shape = (len(sequences), time, *np.shape(sequences[0])[1:])
    padded = np.full(shape, value, dtype=np.result_type(*sequences))
    for row, sequence, length in zip(padded, sequences, lengths, strict=True):
        row[
            slice(0, length) if side == "right" else slice(time - length, time)
        ] = sequence
    return padded, lengths


def mask_from_lengths(
    lengths: Int[np.ndarray, " batch"],
    time: int,
    side: Literal["right", "left"] = "right",
) -> Bool[np.ndarray, "batch time"]:
    """Mark the valid steps of a padded batch with True."""
    steps = np.arange(time)
    if side == "left":
        steps = steps[::-1]
    return steps < lengths[:, None]


def bucket_batches(
    lengths: Int[np.ndarray, " row"],
    batch_size: int,
    rng: np.random.Generator | int,
) -> list[Int[np.ndarray, " batch"]]:
    """Group rows of similar length into batches and shuffle the batches.

    Rows are sorted by length, ties in random order, and cut every `batch_size`
    rows, so that each batch pads to nearly its own mean length.

    Returns:
        Row numbers of each batch; the batch of the longest rows may be smaller.

    Raises:
        ValueError: `batch_size` is not positive.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}: at least 1")
    rng = np.random.default_rng(rng)
    shuffled = rng.permutation(len(lengths))
    by_length = shuffled[np.argsort(lengths[shuffled], kind="stable")]
    batches = np.split(by_length, range(batch_size, len(lengths), batch_size))
    return [batches[index] for index in rng.permutation(len(batches))]


def budget_batches(
    lengths: Int[np.ndarray, " row"],
    budget: int,
    rng: np.random.Generator | int,
) -> list[Int[np.ndarray, " batch"]]:
    """Group rows of similar length into batches of as many steps.

    Rows are sorted by length, ties in random order; a batch takes rows as long
    as it has at most `budget` steps when padded, rows times the longest of
    them. So short rows come in large batches, and memory and time for a batch
    hardly vary. The batches are shuffled.

    Returns:
        Row numbers of each batch.

    Raises:
        ValueError: there is no row, or one is longer than the budget.
    """
    if len(lengths) == 0 or lengths.max() > budget:
        raise ValueError(
            f"budget is {budget}, for {len(lengths)} rows of up to "
            f"{max(lengths, default=0)} steps: it must hold the longest"
        )
    rng = np.random.default_rng(rng)
    shuffled = rng.permutation(len(lengths))
    by_length = shuffled[np.argsort(lengths[shuffled], kind="stable")]
    batches: list[list[int]] = [[]]
    for row in by_length:
        if (len(batches[-1]) + 1) * lengths[row] > budget:
            batches.append([])
        batches[-1].append(row)
    return [np.array(batches[i]) for i in rng.permutation(len(batches))]


def collate(
    examples: Sequence[tuple[Shaped[np.ndarray, "_ *feature"], float | int]],
) -> tuple[
    Shaped[np.ndarray, "batch time *feature"],
    Int[np.ndarray, " batch"],
    Shaped[np.ndarray, " batch"],
]:
    """Turn examples (sequence, label) into one batch: padded inputs, lengths,
    labels.

    Padding happens here, batch by batch, and not in the data set: only here is
    it known how long the longest sequence of the batch is.
    """
    sequences, labels = zip(*examples, strict=True)
    inputs, lengths = pad(sequences)
    return inputs, lengths, np.array(labels)
