"""Word vectors that somebody else has trained, from a file. Chapter 11."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float

from utils.data.text import Vocabulary
from utils.sentiment.pytorch import EMBEDDING_SCALE, SentimentClassifier


def load_vectors(
    path: str | Path, vocabulary: Vocabulary
) -> tuple[Float[np.ndarray, "token size"], Bool[np.ndarray, " token"]]:
    """Read the vectors of a vocabulary's tokens from a text file.

    A line holds a token and its numbers, separated by spaces, as GloVe,
    word2vec (text format) and fastText (.vec) write them; a first line with two
    numbers, the file's size, is skipped; a token may hold spaces, as some of
    GloVe's do. The file is read line by line, and only what the vocabulary has
    is kept.

    Returns:
        The vectors, a row of zeros for each token that the file lacks, and
        which tokens it has.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a line has fewer numbers than the first, or something that
            is no number; or no token of the vocabulary was found.
    """
    path = Path(path)
    found: dict[int, np.ndarray] = {}
    size = 0
    with path.open(encoding="utf-8", errors="replace") as lines:
        for place, line in enumerate(lines, start=1):
            token, *numbers = line.rstrip().split(" ")
            if place == 1 and len(numbers) == 1:
                continue
            size = size or len(numbers)
            if len(numbers) < size:
                raise ValueError(
                    f"{path.name}, line {place}: {len(numbers)} numbers; the "
                    f"first line has {size}"
                )
            spaces = len(numbers) - size
            token = " ".join([token, *numbers[:spaces]])
            numbers = numbers[spaces:]
            number = vocabulary.numbers.get(token)
            if number is not None:
                found[number] = _numbers(numbers, f"{path.name}, line {place}")
    if not found:
        raise ValueError(
            f"{path.name} has no token of the vocabulary; a line of it must "
            "hold a token and its numbers, separated by spaces"
        )
    vectors = np.zeros((len(vocabulary), size), dtype=np.float32)
    known = np.zeros(len(vocabulary), dtype=bool)
    for number, vector in found.items():
        vectors[number], known[number] = vector, True
    return vectors, known


def start_from(
    model: SentimentClassifier, vectors: Float[np.ndarray, "token size"]
) -> None:
    """Let a model's embeddings start at the vectors of `load_vectors`.

    They are scaled to the spread that the model's own random ones have; the
    tokens that the file lacks, whose rows are zero, keep theirs.
    """
    found = torch.from_numpy(vectors)
    known = found.any(dim=1)
    with torch.no_grad():
        scale = EMBEDDING_SCALE / found[known].std()
        model.embedding.weight[known] = scale * found[known]


def _numbers(numbers: list[str], place: str) -> Float[np.ndarray, " size"]:
    try:
        return np.array(numbers, dtype=np.float32)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error
