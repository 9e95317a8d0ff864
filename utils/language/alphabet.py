"""Characters to numbers and back, with a sign for a document's two ends."""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Int

Symbols = Int[np.ndarray, " time"]
# Of any lengths.
Documents = Sequence[Int[np.ndarray, "_"]]

# The sign before the first character, which is also the one after the last:
# a model that reads it begins a document, one that writes it ends it.
BOUNDARY = 0
# Every character that the training text lacks.
UNKNOWN = 1
SPECIAL = 2


class Alphabet:
    """The characters of the training text, numbered by code point from 2 on.

    Build it from the training text alone: a character that only the test holds
    is UNKNOWN, and `bits_per_character` makes a model pay for it. Chapter 08.
    """

    def __init__(self, characters: Iterable[str]) -> None:
        self.characters = sorted(set(characters))
        self.numbers = {
            character: number
            for number, character in enumerate(self.characters, SPECIAL)
        }

    def __len__(self) -> int:
        """Count the symbols, BOUNDARY and UNKNOWN included."""
        return SPECIAL + len(self.characters)

    def encode(self, text: str) -> Symbols:
        """Return the number of every character."""
        numbers = [self.numbers.get(each, UNKNOWN) for each in text]
        return np.array(numbers, dtype=np.int64)

    def decode(self, symbols: Symbols) -> str:
        """Return the text; an UNKNOWN shows as U+FFFD, a BOUNDARY not at
        all."""
        signs = ["", "\ufffd", *self.characters]
        return "".join(signs[number] for number in symbols)
