"""Text to token numbers and back: a tokeniser and a vocabulary."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int

TOKEN = re.compile(
    r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+(?:['’][^\W_]+)*|[^\w\s]|_"
)


def tokenize(text: str) -> list[str]:
    """Split text into lower-case words, single Chinese characters and
    punctuation marks.

    >>> tokenize("It isn't dull, 但是")
    ['it', "isn't", 'dull', ',', '但', '是']
    """
    return TOKEN.findall(text.lower())


class Vocabulary:
    """A two-way table of tokens and their numbers (chapter 11).

    Number 0 is padding and number 1 stands for every unknown token. They
    differ, because padding must be masked and an unknown word must not.
    """

    PAD, UNK = 0, 1
    SPECIAL = ("<pad>", "<unk>")

    def __init__(self, tokens: Sequence[str]) -> None:
        """Number the tokens from 2 on, in the order given.

        Raises:
            ValueError: a token is repeated, or is one of the two special ones.
        """
        self.tokens = (*self.SPECIAL, *tokens)
        self.numbers = {
            token: number for number, token in enumerate(self.tokens)
        }
        if len(self.numbers) < len(self.tokens):
            repeated, count = Counter(self.tokens).most_common(1)[0]
            raise ValueError(
                f"token {repeated!r} stands {count} times in the vocabulary"
            )

    @classmethod
    def from_texts(
        cls, texts: Iterable[str], minimum_frequency: int = 1
    ) -> "Vocabulary":
        """Number the tokens that occur often enough, the most frequent first,
        ties by spelling.

        Build it from training texts alone: a token that only the test set holds
            is unknown.
        """
        counts = Counter(token for text in texts for token in tokenize(text))
        kept = [
            token
            for token, count in counts.items()
            if count >= minimum_frequency
        ]
        return cls(sorted(kept, key=lambda token: (-counts[token], token)))

    def __len__(self) -> int:
        """Count the tokens, padding and unknown included."""
        return len(self.tokens)

    def encode(self, text: str) -> Int[np.ndarray, " time"]:
        """Turn text into token numbers."""
        numbers = [
            self.numbers.get(token, self.UNK) for token in tokenize(text)
        ]
        return np.array(numbers, dtype=np.int64)

    def decode(self, numbers: Int[np.ndarray, " time"]) -> list[str]:
        """Turn token numbers into tokens, leaving padding out."""
        return [self.tokens[number] for number in numbers if number != self.PAD]

    def save(self, path: str | Path) -> None:
        """Write the vocabulary as JSON, whole or not at all."""
        path = Path(path)
        partial = path.with_name(path.name + ".partial")
        tokens = list(self.tokens[len(self.SPECIAL) :])
        partial.write_text(
            json.dumps(tokens, ensure_ascii=False), encoding="utf-8"
        )
        os.replace(partial, path)

    @classmethod
    def load(cls, path: str | Path) -> "Vocabulary":
        """Read a vocabulary that `save` wrote.

        Raises:
            ValueError: the file is not a JSON list of tokens.
        """
        try:
            tokens = json.loads(Path(path).read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise ValueError(
                f"{path}, line {error.lineno}: not JSON ({error.msg})"
            ) from error
        if not isinstance(tokens, list) or not all(
            isinstance(token, str) for token in tokens
        ):
            raise ValueError(
                f"{path} holds no list of tokens; Vocabulary.save writes one"
            )
        return cls(tokens)
