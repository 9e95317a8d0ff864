"""Documents as parallel streams, cut into batches for truncated
backpropagation through time."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Int

from utils.language.alphabet import BOUNDARY, Documents, Symbols

# The target of a step that stands after a document's end: it is not counted.
IGNORED = -100

Batch = tuple[
    Int[np.ndarray, "streams time"],
    Bool[np.ndarray, " streams"],
    Int[np.ndarray, "streams time"],
]


class Streams:
    """Batches whose row r goes on where row r of the batch before ended.

    Every document, a BOUNDARY before it and one after it, is cut into pieces of
    `time` symbols; the last is filled up, so that a document begins where a
    batch begins. All pieces in a row are then dealt to `streams` readers, a run
    of neighbours each. A batch is `(symbols, fresh, targets)`: `targets` are
    the symbols one step later, IGNORED in the filling, and `fresh` marks the
    rows that begin a document, or begin reading in the middle of one; there the
    carried state must become zero. Chapter 08.

    Args:
        documents: the encoded texts.
        streams: rows of a batch.
        time: steps of a batch, through which gradients flow.
        batches: batches of an epoch; without it, all. With it, an epoch begins
            at a place that `rng` draws and goes round.
        rng: the generator that draws it, or its seed.

    Raises:
        ValueError: there is no document, or a size below 1.
    """

    def __init__(
        self,
        documents: Documents,
        streams: int,
        time: int,
        batches: int | None = None,
        rng: int | np.random.Generator = 0,
    ) -> None:
        for name, size in (
            ("streams", streams),
            ("time", time),
            ("batches", 1 if batches is None else batches),
            ("documents", len(documents)),
        ):
            if size < 1:
                raise ValueError(f"{name} is {size}; it must be at least 1")
        pieces = [_pieces(document, time) for document in documents]
        symbols = np.concatenate([each for each, _ in pieces])
        targets = np.concatenate([each for _, each in pieces])
        begins = np.zeros(len(symbols), bool)
        begins[np.cumsum([0, *(len(each) for each, _ in pieces[:-1])])] = True
        self.length = -(-len(symbols) // streams)
        self.batches = self.length if batches is None else batches
        self.rng = np.random.default_rng(rng)
        self._rotates = batches is not None
        filling = self.length * streams - len(symbols)
        shape = streams, self.length, time
        self._symbols = _filled(symbols, filling, BOUNDARY).reshape(shape)
        self._targets = _filled(targets, filling, IGNORED).reshape(shape)
        self._fresh = _filled(begins, filling, True).reshape(shape[:2])
        self._fresh[:, 0] = True

    def __len__(self) -> int:
        """Count the batches of an epoch."""
        return self.batches

    def __iter__(self) -> Iterator[Batch]:
        """Yield an epoch's batches."""
        first = int(self.rng.integers(self.length)) if self._rotates else 0
        for number in range(first, first + self.batches):
            place = number % self.length
            fresh = self._fresh[:, place] | (number == first)
            yield self._symbols[:, place], fresh, self._targets[:, place]


def _pieces(
    document: Symbols, steps: int
) -> tuple[Int[np.ndarray, "pieces steps"], Int[np.ndarray, "pieces steps"]]:
    """Cut a document's inputs and targets into pieces, the last one filled."""
    count = -(-(len(document) + 1) // steps)
    inputs = np.full(count * steps, BOUNDARY, np.int64)
    targets = np.full(count * steps, IGNORED, np.int64)
    inputs[1 : len(document) + 1] = document
    targets[: len(document)] = document
    targets[len(document)] = BOUNDARY
    return inputs.reshape(count, steps), targets.reshape(count, steps)


def _filled(array: np.ndarray, count: int, value: int) -> np.ndarray:
    """Append `count` rows of one value."""
    return np.concatenate(
        [array, np.full((count, *array.shape[1:]), value, array.dtype)]
    )
