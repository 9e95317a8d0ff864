"""Pairs of symbol sequences, a source and its target, as padded rows of
integers."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from utils.data.batches import pad

PAD, START, END = 0, 1, 2
SPECIAL = ("<pad>", "<start>", "<end>")


class Symbols:
    """Number the symbols of a corpus; 0, 1 and 2 are padding, start and end.

    A sequence is a string, whose symbols are characters, or a list of words.
    """

    def __init__(self, sequences: Iterable[Sequence[str]]):
        seen = {symbol for sequence in sequences for symbol in sequence}
        self.symbols = [*SPECIAL, *sorted(seen)]
        self._number = {
            symbol: number for number, symbol in enumerate(self.symbols)
        }

    def __len__(self) -> int:
        """Count the symbols, the three special ones included."""
        return len(self.symbols)

    def encode(self, sequence: Sequence[str]) -> list[int]:
        """Return the symbols' numbers.

        Raises:
            ValueError: a symbol that the corpus did not contain; the message
                names it.
        """
        try:
            return [self._number[symbol] for symbol in sequence]
        except KeyError as error:
            raise ValueError(
                f"{error.args[0]!r} in {sequence!r} is not among the "
                f"{len(self) - len(SPECIAL)} "
                "known symbols: a model cannot read what its training set "
                "never held"
            ) from None

    def decode(self, numbers: Iterable[int]) -> list[str]:
        """Return the symbols up to, and without, the first end or padding."""
        symbols = []
        for number in numbers:
            if number in (END, PAD):
                break
            symbols.append(self.symbols[number])
        return symbols


class Pairs(NamedTuple):
    """Encoded pairs, one per row, padded with 0 on the right.

    `lengths` counts the valid symbols of each source. `after` is the target
    with its end; `before` is what a decoder is given at the same steps: the
    start, then the target.
    """

    source: Int[np.ndarray, "rows source"]
    lengths: Int[np.ndarray, " rows"]
    before: Int[np.ndarray, "rows target"]
    after: Int[np.ndarray, "rows target"]

    def rows(self, index: slice | Int[np.ndarray, " some"]) -> "Pairs":
        """Select rows, cut to the longest source and the longest target
        among them."""
        source, lengths, before, after = (part[index] for part in self)
        steps = int((after != PAD).sum(axis=1).max())
        return Pairs(
            source[:, : lengths.max()],
            lengths,
            before[:, :steps],
            after[:, :steps],
        )


def encode_pairs(
    sources: Sequence[Sequence[str]],
    targets: Sequence[Sequence[str]],
    source_symbols: Symbols,
    target_symbols: Symbols,
) -> Pairs:
    """Number and pad the two sides of a corpus.

    Raises:
        ValueError: the sides differ in length, a source is empty, or a symbol
            is unknown.
    """
    if len(sources) != len(targets):
        raise ValueError(
            f"{len(sources)} sources stand against {len(targets)} targets"
        )
    source, lengths = pad(
        [np.array(source_symbols.encode(each)) for each in sources]
    )
    written = [target_symbols.encode(each) for each in targets]
    before, _ = pad([np.array([START, *numbers]) for numbers in written])
    after, _ = pad([np.array([*numbers, END]) for numbers in written])
    return Pairs(source, lengths, before, after)
