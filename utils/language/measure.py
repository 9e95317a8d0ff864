"""How surprised a model is: bits per character, per byte, and perplexity."""

import math
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from utils.language.alphabet import SPECIAL, UNKNOWN, Documents, Symbols

CODE_POINTS = 0x110000


@runtime_checkable
class LanguageModel(Protocol):
    """What n-grams and networks have in common, in whatever framework."""

    alphabet_size: int

    def log_probabilities(
        self, document: Symbols
    ) -> Float[np.ndarray, " symbols"]:
        """Return ln p of each symbol of a document, and of its end."""

    def following(
        self, symbols: Symbols, state: Any = None
    ) -> tuple[Float[np.ndarray, " alphabet"], Any]:
        """Read symbols after a state; return ln p of what may follow, and the
        new state."""


def surprisals(
    model: LanguageModel, document: Symbols
) -> Float[np.ndarray, " symbols"]:
    """Return -log2 p, in bits, of each symbol of a document and of its end.

    An UNKNOWN costs its own surprise and then a code point, one of all those
    of Unicode that the alphabet lacks: without that, a model would gain by
    knowing no characters at all.

    Shapes: document (time,), result (time + 1,).
    """
    bits = -model.log_probabilities(document) / math.log(2)
    spelled = math.log2(CODE_POINTS - (model.alphabet_size - SPECIAL))
    bits[:-1] += spelled * (document == UNKNOWN)
    return bits


def bits_per_character(model: LanguageModel, documents: Documents) -> float:
    """Return the bits that a model needs for documents, over their characters.

    -1/N sum_t log2 p(x_t | x_1 ... x_{t-1}): the state is carried through each
    document whole, the sum runs over everything before it is divided, and the
    documents' ends are paid for. Chapter 08.

    Raises:
        ValueError: there is no character.
    """
    characters = sum(len(document) for document in documents)
    if not characters:
        raise ValueError("the documents hold no character to measure on")
    total = sum(surprisals(model, each).sum() for each in documents)
    return float(total) / characters


def bits_per_byte(bits: float, text: str) -> float:
    """Return a text's whole cost in bits over its bytes in UTF-8.

    The one measure that models with different tokens have in common: the bytes
    of a text are the same whoever cuts it into pieces.
    """
    return bits / len(text.encode())


def perplexity(bits_per_token: float) -> float:
    """Return 2 ** bits: among how many equally likely tokens the model
    hesitates.

    It belongs to the tokens: the same model of the same text, 2 bits a
    character, has perplexity 4 by character and 1024 by pieces of five
    characters. So perplexities compare within one tokenisation only.
    """
    return 2.0**bits_per_token
