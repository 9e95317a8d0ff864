"""Spelling to pronunciation by counting: joint n-grams.

Every letter of a training word is aligned with the none, one or two phones that
it stands for. A letter with its phones is one symbol, a word a sequence of such
symbols, and an n-gram model predicts each from those before it; to pronounce a
word is to search for the likeliest sequence that spells it.

Source: Bisani and Ney (2008), Joint-sequence models for grapheme-to-phoneme
conversion, Speech Communication 50(5), whose symbols may hold several letters.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from utils.data.pronunciations import Phones, Pronunciations
from utils.language.alphabet import BOUNDARY
from utils.language.ngrams import NGrams

MOST_PHONES = 2
# With this many symbols the n-grams of order 6 still fit into 63 bits.
MOST_SYMBOLS = 508
LEAST = 1e-6


class Joint(NamedTuple):
    """A letter with the phones that it stands for."""

    letter: str
    phones: Phones


Alignment = list[Joint]
Costs = dict[Joint, float]


def align(
    pairs: Sequence[tuple[str, Phones]], rounds: int = 3
) -> list[Alignment]:
    """Deal each pronunciation's phones out among its word's letters.

    A first guess counts what stands at about the same place; then the
    likeliest alignment of a quarter of the pairs is counted anew, `rounds`
    times, and at last that of all (Viterbi training). A pair with more than two
    phones a letter is left out.
    """
    costs = _costs(_by_place(pairs))
    for turn in range(rounds):
        found = (_likeliest(*pair, costs) for pair in pairs[turn::4])
        costs = _costs(Counter(joint for each in found for joint in each))
    aligned = (_likeliest(*pair, costs) for pair in pairs)
    return [alignment for alignment in aligned if alignment]


def _by_place(pairs: Sequence[tuple[str, Phones]]) -> Counter[Joint]:
    """Count letters with the phones about where they stand."""
    counts: Counter[Joint] = Counter()
    for word, phones in pairs:
        for place, letter in enumerate(word):
            middle = place * len(phones) // len(word)
            for first in range(max(0, middle - 1), middle + 2):
                if first < len(phones):
                    counts[Joint(letter, phones[first : first + 1])] += 20
                if first + 1 < len(phones):
                    counts[Joint(letter, phones[first : first + 2])] += 1
            counts[Joint(letter, ())] += 14
    return counts


def _costs(counts: Counter[Joint]) -> Costs:
    """Return - ln p(phones | letter)."""
    letters: Counter[str] = Counter()
    for joint, count in counts.items():
        letters[joint.letter] += count
    return {
        joint: math.log(letters[joint.letter] / count)
        for joint, count in counts.items()
    }


def _likeliest(word: str, phones: Phones, costs: Costs) -> Alignment:
    """Return the alignment of least cost; none where there is none.

    cheapest[j] is the least cost of the letters so far with the first j phones.
    """
    cheapest = {0: 0.0}
    taken: list[dict[int, int]] = []
    for place, letter in enumerate(word):
        reached: dict[int, float] = {}
        steps: dict[int, int] = {}
        left = MOST_PHONES * (len(word) - place - 1)
        for start, cost in cheapest.items():
            for count in range(MOST_PHONES + 1):
                end = start + count
                if end > len(phones) or len(phones) - end > left:
                    continue
                joint = (letter, phones[start:end])
                total = cost + costs.get(joint, 14.0 + count)  # type: ignore[call-overload]
                if total < reached.get(end, math.inf):
                    reached[end], steps[end] = total, count
        cheapest = reached
        taken.append(steps)
    if len(phones) not in cheapest:
        return []
    alignment, end = [], len(phones)
    for letter, steps in zip(reversed(word), reversed(taken), strict=True):
        start = end - steps[end]
        alignment.append(Joint(letter, phones[start:end]))
        end = start
    return alignment[::-1]


class JointNGrams(NGrams):
    """Pronounce words by an n-gram model of letters joined with their phones.

    Interpolated modified Kneser-Ney, as in `utils.language.NGrams`, searched
    with a beam. Used in chapter 9.

    Args:
        order: symbols of context, from 0 to 6.
        width: how many beginnings of a word the search keeps.
    """

    def __init__(self, order: int = 6, width: int = 10) -> None:
        super().__init__(MOST_SYMBOLS + 2, order)
        self.width = width
        self.joints: list[Joint] = []
        self._spelling: dict[str, list[int]] = {}

    def learn(self, alignments: Sequence[Alignment]) -> "JointNGrams":
        """Count the alignments' n-grams; those with a rare symbol stay out."""
        counts = Counter(joint for each in alignments for joint in each)
        self.joints = [joint for joint, _ in counts.most_common(MOST_SYMBOLS)]
        number = {joint: place + 2 for place, joint in enumerate(self.joints)}
        self._spelling = defaultdict(list)
        for joint in self.joints:
            self._spelling[joint.letter].append(number[joint])
        kept = [
            np.array([number[joint] for joint in each])
            for each in alignments
            if all(joint in number for joint in each)
        ]
        self.fit(kept)
        return self

    def pronounce(self, words: Sequence[str]) -> list[dict[Phones, float]]:
        """Return each word's likeliest pronunciations and their probabilities,
        the likeliest first.

        A probability is that among those found; alignments that leave the same
        phones are added up. A letter never learnt is silent.
        """
        by_length: dict[int, list[int]] = defaultdict(list)
        for place, word in enumerate(words):
            by_length[len(word)].append(place)
        found: list[dict[Phones, float]] = [{} for _ in words]
        for places in by_length.values():
            for first in range(0, len(places), 500):
                part = places[first : first + 500]
                results = self._search([words[place] for place in part])
                for place, result in zip(part, results, strict=True):
                    found[place] = result
        return found

    def _search(self, words: Sequence[str]) -> list[dict[Phones, float]]:
        """Search for words of one length together."""
        rows = np.arange(len(words))[:, None]
        paths = np.full((len(words), 1, self.order), BOUNDARY, np.int64)
        totals = np.zeros((len(words), 1))
        for place in range(len(words[0]) + 1):
            nexts = self._nexts([word[place : place + 1] for word in words])
            grown, scores = self._grow(paths, totals, nexts)
            width = min(self.width, scores.shape[1])
            best = np.argpartition(-scores, width - 1, axis=1)[:, :width]
            paths, totals = grown[rows, best], scores[rows, best]
        return [
            self._read(path[:, self.order :], total)
            for path, total in zip(paths, totals, strict=True)
        ]

    def _nexts(self, letters: Sequence[str]) -> Int[np.ndarray, "words nexts"]:
        """Return what may come next: the letter's symbols, the end after the
        last; padded with -1."""
        lists = [
            self._spelling.get(each, [1]) if each else [0] for each in letters
        ]
        nexts = np.full((len(lists), max(map(len, lists))), -1)
        for row, symbols in zip(nexts, lists, strict=True):
            row[: len(symbols)] = symbols
        return nexts

    def _grow(
        self,
        paths: Int[np.ndarray, "words beams time"],
        totals: Float[np.ndarray, "words beams"],
        nexts: Int[np.ndarray, "words nexts"],
    ) -> tuple[
        Int[np.ndarray, "words grown time1"], Float[np.ndarray, "words grown"]
    ]:
        """Append every next symbol to every path, and score the result."""
        words, beams, time = paths.shape
        shape = (words, beams, nexts.shape[1])
        before = np.broadcast_to(paths[:, :, None], (*shape, time))
        last = np.broadcast_to(nexts[:, None, :, None], (*shape, 1))
        grown = np.concatenate([before, last], axis=3)
        windows = np.maximum(grown[..., -self.order - 1 :], 0)
        p = self._probabilities(windows.reshape(-1, self.order + 1))
        scores = totals[:, :, None] + np.log(p).reshape(shape)
        scores = np.where(nexts[:, None] < 0, -np.inf, scores)
        return grown.reshape(words, -1, time + 1), scores.reshape(words, -1)

    def _read(
        self,
        paths: Int[np.ndarray, "beams time"],
        totals: Float[np.ndarray, " beams"],
    ) -> dict[Phones, float]:
        """Add up the paths that leave the same phones."""
        found: dict[Phones, float] = defaultdict(float)
        for path, total in zip(paths, totals, strict=True):
            joints = [self.joints[number - 2] for number in path if number > 1]
            phones = tuple(phone for joint in joints for phone in joint.phones)
            found[phones] += math.exp(total - totals.max())
        whole = sum(found.values())
        ranked = sorted(found.items(), key=lambda item: -item[1])
        return {phones: p / whole for phones, p in ranked if p > LEAST * whole}


def train_pairs(
    words: Sequence[str], pronunciations: Pronunciations
) -> list[tuple[str, Phones]]:
    """Pair every word with each of its pronunciations."""
    return [(word, each) for word in words for each in pronunciations[word]]
