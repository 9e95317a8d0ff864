"""Strings of random digits, two questions about them, and the best answers.

A label may depend on what came before a digit, on what comes after it, or on
both. Since the digits are drawn, the best that any rule can do that sees only
part of a string is known exactly. Chapter 07.
"""

import numpy as np
from jaxtyping import Int

DIGITS = 10
PAD = 10


def draw_digit_strings(
    n: int, shortest: int, longest: int, rng: np.random.Generator | int
) -> list[Int[np.ndarray, " time"]]:
    """Draw `n` strings: a length uniform on shortest..longest, then digits."""
    rng = np.random.default_rng(rng)
    lengths = rng.integers(shortest, longest + 1, n)
    digits = rng.integers(0, DIGITS, (n, longest))
    return [row[:length] for row, length in zip(digits, lengths, strict=True)]


def both_ends(digits: Int[np.ndarray, " time"]) -> int:
    """Return 2 if the first digit is below 5, plus 1 if the last one is."""
    return 2 * int(digits[0] < 5) + int(digits[-1] < 5)


def occurs_once(
    digits: Int[np.ndarray, "*batch time"],
) -> Int[np.ndarray, "*batch time"]:
    """Mark every digit that occurs exactly once in its string with 1."""
    same = digits[..., :, None] == digits[..., None, :]
    return (same.sum(axis=-1) == 1).astype(int)


def chance_alone(
    step: int, look_ahead: int, shortest: int, longest: int
) -> float:
    """Return how likely a digit is to stay alone, given it is so far.

    The digit stands at `step` (from 1), has not occurred before nor in the
    `look_ahead` digits after it, and the string has not ended with those. What
    is left of the string has an unknown length r, so the chance is the mean of
    0.9^r over the lengths that are still possible, all equally likely.

    Raises:
        ValueError: no string is that long.
    """
    read = step + look_ahead
    possible = np.arange(max(shortest, read), longest + 1)
    if not possible.size:
        raise ValueError(
            f"step {step} and {look_ahead} more make {read} digits, and the "
            f"longest string has {longest}"
        )
    return float(np.mean((1 - 1 / DIGITS) ** (possible - read)))


def best_marks(
    digits: Int[np.ndarray, " time"],
    look_ahead: int,
    shortest: int,
    longest: int,
) -> Int[np.ndarray, " time"]:
    """Guess `occurs_once` as well as anything can that sees so far ahead.

    A digit that is seen twice is marked 0, one that is alone when the string
    ends within `look_ahead` 1, any other by the likelier answer: Bayes's rule
    for strings from `draw_digit_strings(_, shortest, longest, _)`.
    """
    marks = np.zeros(len(digits), int)
    for t, digit in enumerate(digits):
        seen = digits[: t + look_ahead + 1]
        if (seen == digit).sum() > 1:
            continue
        ended = len(digits) < t + look_ahead + 1
        marks[t] = ended or (
            chance_alone(t + 1, look_ahead, shortest, longest) > 0.5
        )
    return marks


def best_accuracy(look_ahead: int, shortest: int, longest: int) -> float:
    """Return the expected accuracy of `best_marks` over all digits, exactly.

    For each step t and length n, a digit is so far alone with probability
    0.9^(digits seen beside it). If it is not, or the string has ended, the
    answer is certain; else it is right with probability max(p, 1 - p), where p
    is `chance_alone`.
    """
    right = steps = 0.0
    for t in range(1, longest + 1):
        for n in range(max(shortest, t), longest + 1):
            steps += 1
            if n < t + look_ahead:
                right += 1
                continue
            alone = (1 - 1 / DIGITS) ** (t - 1 + look_ahead)
            p = chance_alone(t, look_ahead, shortest, longest)
            right += 1 - alone * min(p, 1 - p)
    return right / steps
