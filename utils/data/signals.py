"""Synthetic sequences whose best possible answer is known in advance.

Chapter 4 puts the recurrent layers on trial with them; other chapters borrow
the sines.
"""

import numpy as np
from jaxtyping import Float, Int


def make_adding(
    n: int, length: int, rng: np.random.Generator | int
) -> tuple[Float[np.ndarray, "n length 2"], Float[np.ndarray, "n 1"]]:
    """Draw the adding problem: the sum of the two marked numbers in a long row
    of noise.

    Feature 0 holds numbers uniform on [0, 1); feature 1 is 1 at two steps, one
    in each half of the row, and 0 elsewhere. The target is the sum of the two
    marked numbers. It has mean 1 and variance 2/12, so always answering 1 has
    the mean squared error 1/6.

    Source: Hochreiter and Schmidhuber (1997),
    https://doi.org/10.1162/neco.1997.9.8.1735, experiment 4, with numbers in
    [0, 1) as Le et al. (2015), https://arxiv.org/abs/1504.00941, section 4.1,
    and one mark in each half as Arjovsky et al. (2016),
    https://arxiv.org/abs/1511.06464, section 5.

    Raises:
        ValueError: fewer than two steps.
    """
    if length < 2:
        raise ValueError(
            f"length is {length}: two marks need at least two steps"
        )
    rng = np.random.default_rng(rng)
    numbers = rng.random((n, length))
    half = length // 2
    marked = np.stack(
        [rng.integers(0, half, n), rng.integers(half, length, n)], axis=1
    )
    marks = np.zeros((n, length))
    np.put_along_axis(marks, marked, 1.0, axis=1)
    targets = np.take_along_axis(numbers, marked, axis=1).sum(
        axis=1, keepdims=True
    )
    return np.stack([numbers, marks], axis=2), targets


def make_copy(
    n: int,
    lag: int,
    rng: np.random.Generator | int,
    *,
    symbols: int = 8,
    length: int = 10,
) -> tuple[Int[np.ndarray, "n time"], Int[np.ndarray, "n time"]]:
    """Draw the copy task: read a word, wait, and write the word down when told
    to.

    Each row of inputs is a word of `length` letters from 0..symbols-1, then
    `lag` steps of which the last is the signal to write (`symbols + 1`) and the
    others are blank (`symbols`), then `length` blanks. The targets are blank
    until the last `length` steps, which are the word; time = lag + 2 * length.
    Between a letter and its copy lie `lag + length` steps.

    Without memory the best answer is blank, then every letter with equal
    probability; its mean cross-entropy per step is
    length * ln(symbols) / (lag + 2 * length).

    Source: Arjovsky, Shah and Bengio (2016), https://arxiv.org/abs/1511.06464,
    section 5.1, after Hochreiter and Schmidhuber (1997).

    Raises:
        ValueError: no lag, letter or symbol to draw.
    """
    if min(lag, symbols, length) < 1:
        raise ValueError(
            f"lag is {lag}, symbols {symbols}, length {length}: each must be "
            "at least 1"
        )
    rng = np.random.default_rng(rng)
    words = rng.integers(0, symbols, (n, length))
    inputs = np.full((n, lag + 2 * length), symbols)
    inputs[:, :length] = words
    inputs[:, length + lag - 1] = symbols + 1
    targets = np.full_like(inputs, symbols)
    targets[:, -length:] = words
    return inputs, targets


def make_sines(
    n: int,
    length: int,
    rng: np.random.Generator | int,
    *,
    waves: int = 1,
    periods: tuple[float, float] = (10.0, 50.0),
    noise: float = 0.0,
) -> Float[np.ndarray, "n length"]:
    """Draw rows that each add up `waves` sines of random period and phase, and
    white noise.

    x_t = sum_k sin(2 pi t / p_k + phi_k) + noise * e_t, with the period p_k (in
    steps) uniform on `periods`, the phase phi_k uniform on the circle and e_t
    standard normal. Equal ends of `periods` fix the period. No forecast from
    the past of a row can have a mean squared error below noise ** 2.

    Raises:
        ValueError: a period of two steps or less, which sampling cannot tell
            from a longer one.
    """
    if min(periods) <= 2:
        raise ValueError(
            f"periods are {periods}: each must be longer than 2 steps"
        )
    rng = np.random.default_rng(rng)
    period = rng.uniform(*periods, (n, waves, 1))
    phase = rng.uniform(0, 2 * np.pi, (n, waves, 1))
    clean = np.sin(2 * np.pi * np.arange(length) / period + phase).sum(axis=1)
    return clean + noise * rng.standard_normal((n, length))


def make_binary_sums(
    n: int, length: int, rng: np.random.Generator | int
) -> tuple[Float[np.ndarray, "n length 2"], Int[np.ndarray, "n length"]]:
    """Draw pairs of random binary numbers, digit by digit, and the digits of
    their sums.

    Step t shows the two digits worth 2^t, the lowest first; the target is the
    sum's digit worth 2^t. The carry out of the last step is dropped. To answer,
    a model must remember the carry: 1 bit, which the digits of the step itself
    do not show. Used in chapter 01.

    Raises:
        ValueError: no digit to add.
    """
    if length < 1:
        raise ValueError(f"length is {length}: a number needs at least 1 digit")
    digits = np.random.default_rng(rng).integers(0, 2, (n, length, 2))
    totals = np.empty((n, length), dtype=digits.dtype)
    carry = np.zeros(n, dtype=digits.dtype)
    for step in range(length):
        carry, totals[:, step] = np.divmod(
            digits[:, step].sum(axis=1) + carry, 2
        )
    return digits.astype(float), totals


def make_markers(
    n: int, time: int, rng: np.random.Generator | int
) -> tuple[Float[np.ndarray, "n time 1"], Float[np.ndarray, "n time 1"]]:
    """Draw streams of markers, one in ten steps at random, and at each step how
    long ago the last one was, in tens of steps.

    The start of a stream counts as a marker. To answer, a model must count, and
    begin anew at every marker. Used in chapter 02.
    """
    rng = np.random.default_rng(rng)
    marked, steps = rng.random((n, time)) < 0.1, np.arange(time)
    last = np.maximum.accumulate(np.where(marked, steps, 0), axis=1)
    return marked[..., None].astype(float), (steps - last)[..., None] / 10


def make_running_sums(
    n: int, time: int, rng: np.random.Generator | int
) -> tuple[Float[np.ndarray, "n time 2"], Float[np.ndarray, "n time 1"]]:
    """Draw numbers uniform on [-1, 1), markers on one step in ten, and at each
    step the sum since the last marker, with the marked number itself.

    Feature 0 holds the numbers, feature 1 is 1 at a marker. To answer, a model
    must build on its state at most steps and drop it at the others. Used in
    chapter 03.
    """
    rng = np.random.default_rng(rng)
    numbers, marked = rng.uniform(-1, 1, (n, time)), rng.random((n, time)) < 0.1
    sums = numbers.copy()
    for t in range(1, time):
        sums[:, t] += np.where(marked[:, t], 0, sums[:, t - 1])
    return np.stack([numbers, marked], axis=2), sums[..., None]
