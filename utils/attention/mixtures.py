"""Several models of one task mixed into one: an ensemble. Chapter 09.

Each model names the outputs that it finds likely for an input, and how likely
each is. A model may be a network or a joint n-gram; what is mixed is the
probability of a whole output.
"""

from collections.abc import Sequence

import numpy as np

from utils.attention.pytorch import Memory, Seq2Seq, beam_search
from utils.data.pairs import END, Symbols

Output = tuple[str, ...]
Found = dict[Output, float]


def likely_outputs(
    model: Seq2Seq,
    memory: Memory,
    symbols: Symbols,
    max_length: int,
    width: int,
) -> Found:
    """Return the outputs that a beam finds for one source, the likeliest first.

    The probability of an output is that among those found, as
    `JointNGrams.pronounce` gives it. What has not ended within `max_length`
    symbols is no output; where nothing ends, none is found.
    """
    beams = [
        (written, mean * len(written))
        for written, mean in beam_search(model, memory, max_length, width)
        if written[-1] == END
    ]
    if not beams:
        return {}
    totals = np.array([total for _, total in beams])
    chances = np.exp(totals - totals.max())
    chances /= chances.sum()
    return {
        tuple(symbols.decode(beams[place][0])): float(chances[place])
        for place in np.argsort(-totals)
    }


def mix(found: Sequence[Found], shares: Sequence[float]) -> Found:
    r"""Mix models' probabilities of whole outputs, the likeliest first.

    $p(y) = \sum_k \lambda_k\, p_k(y)$, where a model that did not find an
    output gives it nothing.

    Args:
        found: what each model found for one input.
        shares: the share $\lambda_k$ of each model.

    Raises:
        ValueError: there are not as many shares as models, or one is negative,
            or they do not sum to one.
    """
    if len(found) != len(shares):
        raise ValueError(f"{len(shares)} shares for {len(found)} models")
    if min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
        raise ValueError(f"shares are parts of one; got {list(shares)}")
    mixed: Found = {}
    for outputs, share in zip(found, shares, strict=True):
        for output, chance in outputs.items():
            mixed[output] = mixed.get(output, 0.0) + share * chance
    return dict(sorted(mixed.items(), key=lambda item: -item[1]))


def ensemble(found: Sequence[Found]) -> Found:
    """Mix models in equal shares."""
    return mix(found, [1 / len(found)] * len(found))


def best_share(
    ours: Sequence[Found],
    theirs: Sequence[Found],
    right: Sequence[Sequence[Output]],
    steps: int = 20,
) -> float:
    """Return the share of `ours` in a mixture with `theirs` that makes most
    likeliest outputs right; of equals the one nearest to a half.

    Args:
        ours, theirs: what either model found for each input, to choose on:
            validation data.
        right: the outputs that count as right, for each input.
        steps: so many steps are tried from 0 to 1.
    """

    def score(share: float) -> tuple[int, float]:
        count = sum(
            likeliest(mix(pair, (share, 1 - share))) in answers
            for *pair, answers in zip(ours, theirs, right, strict=True)
        )
        return count, -abs(share - 0.5)

    return max((step / steps for step in range(steps + 1)), key=score)


def likeliest(found: Found) -> Output:
    """Return the likeliest output; nothing if none was found."""
    return next(iter(found), ())
