"""Models of the next character: counted, learned, measured, and made to write.
Chapter 08."""

from utils.language.measure import bits_per_character
from utils.language.ngrams import NGrams
from utils.language.pytorch import CharacterModel
from utils.language.sampling import sample

__all__ = ["CharacterModel", "NGrams", "bits_per_character", "sample"]
