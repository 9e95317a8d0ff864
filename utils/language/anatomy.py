"""What a text is made of, and what a written one took from its source."""

import re
from collections.abc import Collection

import numpy as np
from jaxtyping import Int

from utils.language.alphabet import SPECIAL
from utils.language.measure import LanguageModel

KINDS = (
    "closing bracket",
    "line end",
    "space",
    "speaker's name",
    "first letter",
    "inside a word",
    "other",
)
SHORTEST_WORD = 4


def kinds(text: str) -> Int[np.ndarray, " time"]:
    """Say of every character which of `KINDS` it is, by its index there.

    A speaker's name stands on a line of its own, under an empty one, and ends
    in a colon. A word goes on through letters and apostrophes. Chapter 08.
    """
    found = np.full(len(text), KINDS.index("other"))
    for name, pattern in (
        ("inside a word", r"[A-Za-z']"),
        ("first letter", r"(?<![A-Za-z'])[A-Za-z]"),
        ("space", " "),
        ("line end", "\n"),
        ("closing bracket", r"\]"),
        ("speaker's name", r"(?:(?<=\n\n)|\A)[^\n]{1,40}:(?=\n)"),
    ):
        for match in re.finditer(pattern, text):
            found[match.start() : match.end()] = KINDS.index(name)
    return found


def longest_copy(text: str, source: str) -> str:
    """Return the longest piece of a text that stands in the source too, the
    first of equals."""
    best, start = "", 0
    while start + len(best) < len(text):
        longer = text[start : start + len(best) + 1]
        if longer in source:
            best = longer
        else:
            start += 1
    return best


def words(text: str) -> list[str]:
    """Return a text's words of four letters or more, in lower case."""
    found = re.findall(r"[a-z']+", text.lower())
    return [word for word in found if len(word) >= SHORTEST_WORD]


def known_words(text: str, vocabulary: Collection[str]) -> float:
    """Return the share of a text's words that stand in a vocabulary.

    Raises:
        ValueError: the text has no word of four letters.
    """
    found = words(text)
    if not found:
        raise ValueError("the text has no word of four letters or more")
    return sum(word in vocabulary for word in found) / len(found)


def closing_distances(
    text: str, opening: str = "[", closing: str = "]"
) -> list[int | None]:
    """Say of every opening sign after how many characters it is closed; None
    where another one opens first, or the text ends."""
    distances: list[int | None] = []
    for match in re.finditer(re.escape(opening), text):
        rest = text[match.end() :]
        shut, again = rest.find(closing), rest.find(opening)
        open_still = shut < 0 or 0 <= again < shut
        distances.append(None if open_still else shut + 1)
    return distances


def line_places(text: str) -> Int[np.ndarray, " time"]:
    """Count, at every character, how many its line holds up to it; a line end
    counts 0."""
    places = np.arange(len(text))
    ends = np.array([sign == "\n" for sign in text], dtype=bool)
    last = np.maximum.accumulate(np.where(ends, places, -1))
    return places - last


def guess_ranks(
    model: LanguageModel,
    prompt: Int[np.ndarray, " read"],
    symbols: Int[np.ndarray, " time"],
) -> Int[np.ndarray, " time"]:
    """Say at which guess a model that names the likeliest first is right.

    A document's end and an UNKNOWN are no guesses; of equals each counts as
    named first. Chapter 08.
    """
    logs, state = model.following(prompt)
    ranks = []
    for symbol in symbols:
        likelier = logs[SPECIAL:] > logs[symbol]
        ranks.append(1 + int(likelier.sum()))
        logs, state = model.following(np.array([symbol]), state)
    return np.array(ranks)
