"""Models of the next character: counted, learned, measured, and made to write.
Chapter 08."""

from typing import TYPE_CHECKING, Any

from utils.language.measure import bits_per_character
from utils.language.ngrams import NGrams
from utils.language.sampling import sample

if TYPE_CHECKING:
    from utils.language.pytorch import CharacterModel

__all__ = ["CharacterModel", "NGrams", "bits_per_character", "sample"]


def __getattr__(name: str) -> Any:
    """Load PyTorch's part when it is asked for: the labs do without it."""
    if name != "CharacterModel":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from utils.language.pytorch import CharacterModel

    return CharacterModel
