"""Walk-forward splits: train on the past, forecast what follows, move on."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


class Fold(NamedTuple):
    """Positions to train on and, strictly later, positions to forecast."""

    train: np.ndarray
    test: np.ndarray


def walk_forward(
    count: int,
    first_test: int,
    test_size: int,
    *,
    train_size: int | None = None,
    gap: int = 0,
) -> Iterator[Fold]:
    """Yield folds whose test blocks follow one another to the end of the data.

    Args:
        count: number of forecast origins, in time order.
        first_test: position of the first one to test on.
        test_size: origins per fold, which is how often models are fitted again.
        train_size: keep this many origins before each test block (a rolling
            window); None keeps all of them (an expanding window).
        gap: origins left out before each test block. A forecast h steps ahead
            needs h − 1, for the targets of the last h − 1 origins are not known
            yet when the test block begins.

    Raises:
        ValueError: nothing is left to train on or to test.
    """
    if not gap < first_test < count:
        raise ValueError(
            f"first_test is {first_test}; it must lie above the gap of {gap} "
            "and below the "
            f"{count} origins"
        )
    if test_size < 1:
        raise ValueError(
            f"test_size is {test_size}; a fold needs at least one origin"
        )
    for start in range(first_test, count, test_size):
        end = start - gap
        begin = 0 if train_size is None else max(0, end - train_size)
        yield Fold(
            np.arange(begin, end),
            np.arange(start, min(start + test_size, count)),
        )
