"""The moving ball: positions at constant velocity, in rows of unequal length.

The task comes from part 5 of a machine-learning series for programmers
(https://github.com/303248153/303248153.github.io, post 2021-03-26-ml-05): given
the first positions of a row, predict its last. Chapter 06 derives and measures
everything here.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from utils.data.batches import mask_from_lengths, pad

SCALE = 50  # the source divides positions by this before they reach the network


def make_balls(
    n: int, rng: np.random.Generator | int
) -> list[Int[np.ndarray, " _"]]:
    """Draw `n` rows `start + velocity * (0, 1, 2, ...)` from the source's
    distribution.

    The start is uniform on -10..10, the velocity on -5..-1 and 1..5, the number
    of positions on 5..10, all in whole units: 21 * 10 * 6 = 1,260 rows are
    possible.

    Raises:
        ValueError: `n` is not positive.
    """
    if n < 1:
        raise ValueError(f"n is {n}: ask for at least one row")
    rng = np.random.default_rng(rng)
    starts = rng.integers(-10, 11, n)
    velocities = rng.integers(1, 6, n) * rng.choice([-1, 1], n)
    counts = rng.integers(5, 11, n)
    return [
        start + velocity * np.arange(count)
        for start, velocity, count in zip(
            starts, velocities, counts, strict=True
        )
    ]


def read_balls(path: str | Path) -> list[Int[np.ndarray, " _"]]:
    """Read rows of comma-separated whole numbers, each of its own length; blank
    lines are skipped.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file holds no row, or a row holds something that is no
            whole number or has fewer than three positions (two to see the
            velocity, one to predict); the message names the file and the line.
    """
    rows = []
    with open(path, encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                rows.append(
                    _parse_row(line, f"{Path(path).name}, line {number}")
                )
    if not rows:
        raise ValueError(
            f"{Path(path).name} holds no row: write positions such as 1,3,5,7"
        )
    return rows


def _parse_row(line: str, place: str) -> Int[np.ndarray, " _"]:
    cells = line.strip().split(",")
    row = []
    for column, cell in enumerate(cells, start=1):
        try:
            row.append(int(cell))
        except ValueError:
            raise ValueError(
                f"{place}, column {column}: {cell.strip()!r} is not a whole "
                "number; "
                "separate whole positions by single commas"
            ) from None
    if len(row) < 3:
        raise ValueError(
            f"{place}: {len(row)} position(s); a row needs two to see the "
            "velocity "
            "and one more to predict"
        )
    return np.array(row)


def inputs_and_targets(
    rows: Sequence[Int[np.ndarray, " _"]],
) -> tuple[
    Float[np.ndarray, "batch time"],
    Int[np.ndarray, " batch"],
    Float[np.ndarray, " batch"],
]:
    """Cut each row's last position off as its target and right-pad the rest
    with zeros.

    Returns:
        Inputs in positions, the number of valid inputs of each row, and the
        targets in positions.
    """
    inputs, lengths = pad([row[:-1].astype(float) for row in rows])
    return inputs, lengths, np.array([row[-1] for row in rows], dtype=float)


def as_differences(
    rows: Sequence[Int[np.ndarray, " _"]],
) -> tuple[
    Float[np.ndarray, "batch time"],
    Int[np.ndarray, " batch"],
    Float[np.ndarray, " batch"],
]:
    """Return what does not depend on the origin: steps, and the step to come.

    Steps $x_t - x_{t-1}$, right-padded with zeros, their number in each row,
    and the target minus the last input.
    """
    inputs, lengths, targets = inputs_and_targets(rows)
    steps = np.diff(inputs)
    valid = mask_from_lengths(lengths - 1, steps.shape[1])
    last = inputs[np.arange(len(inputs)), lengths - 1]
    return steps * valid, lengths - 1, targets - last


NEAR, SLOW, SHORT = range(-10, 11), range(1, 6), range(5, 11)
# Starts, speeds and numbers of positions, the last of which is the target.
PLACES: dict[str, dict[str, Any]] = {
    "as in training": {"starts": NEAR, "speeds": SLOW, "counts": SHORT},
    "starts at 200 to 220": {
        "starts": range(200, 221),
        "speeds": SLOW,
        "counts": SHORT,
    },
    "speeds of 40 to 50": {
        "starts": NEAR,
        "speeds": range(40, 51),
        "counts": SHORT,
    },
    "2 inputs": {"starts": NEAR, "speeds": SLOW, "counts": [3]},
    "3 inputs": {"starts": NEAR, "speeds": SLOW, "counts": [4]},
    "29 to 49 inputs": {
        "starts": NEAR,
        "speeds": SLOW,
        "counts": range(30, 51),
    },
}


def moved_balls(
    n: int,
    rng: np.random.Generator | int,
    starts: Iterable[int],
    speeds: Iterable[int],
    counts: Iterable[int],
) -> list[Int[np.ndarray, " _"]]:
    """Draw `n` rows like `make_balls`, with other starts, speeds or counts of
    positions."""
    rng = np.random.default_rng(rng)
    columns = (rng.choice(list(each), n) for each in (starts, speeds, counts))
    signs = rng.choice([-1, 1], n)
    return [
        start + sign * speed * np.arange(count)
        for start, speed, count, sign in zip(*columns, signs, strict=True)
    ]


def extrapolate_line(
    inputs: Float[np.ndarray, "batch time"], lengths: Int[np.ndarray, " batch"]
) -> Float[np.ndarray, " batch"]:
    """Continue each row by its last step, $2 x_n - x_{n-1}$: exact at
    constant velocity."""
    rows = np.arange(len(inputs))
    return 2 * inputs[rows, lengths - 1] - inputs[rows, lengths - 2]


def ratio_accuracy(
    actual: Float[np.ndarray, " batch"], predicted: Float[np.ndarray, " batch"]
) -> float:
    r"""Score predictions as the source does:
    $1 - \mathrm{mean}(|a - p| / (|a| + 10^{-4}))$.

    Both in positions; the source computes the ratio on positions / 50, and so
    does this. The score has no lower bound: where `a` is 0, an error of one
    position costs 200 on that row.
    """
    error = np.abs(actual - predicted) / SCALE
    return float(1 - np.mean(error / (np.abs(actual) / SCALE + 1e-4)))


def start_and_velocity(
    rows: Sequence[Int[np.ndarray, " _"]],
) -> Int[np.ndarray, "batch 2"]:
    """Name the line that each row lies on: rows that share both differ in
    length alone."""
    return np.array([(row[0], row[1] - row[0]) for row in rows])


def split_by_group(
    groups: Int[np.ndarray, "row *key"],
    rng: np.random.Generator | int,
    fractions: tuple[float, float] = (0.6, 0.2),
) -> tuple[
    Int[np.ndarray, " train"],
    Int[np.ndarray, " valid"],
    Int[np.ndarray, " test"],
]:
    """Share rows out so that rows of equal key stay together: training,
    validation and test.

    `fractions` are the shares of distinct keys for training and validation; the
    test part is the rest. With a different key for every row this is the
    ordinary random split.

    Raises:
        ValueError: the fractions do not leave something for each part.
    """
    train_share, valid_share = fractions
    if min(train_share, valid_share) <= 0 or train_share + valid_share >= 1:
        raise ValueError(
            f"fractions are {fractions}: both positive, their sum below 1"
        )
    rng = np.random.default_rng(rng)
    distinct, member = np.unique(groups, axis=0, return_inverse=True)
    order = rng.permutation(len(distinct))
    first, second = (
        round(share * len(distinct)) for share in np.cumsum(fractions)
    )
    parts = np.split(order, [first, second])
    train, valid, test = (
        np.flatnonzero(np.isin(member, part)) for part in parts
    )
    return train, valid, test
