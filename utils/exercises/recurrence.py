"""The checkers of scans and linear recurrences. Chapter 12."""

from collections.abc import Callable
from typing import Any

import numpy as np

from utils.exercises.judge import Arguments, Array, Variant, draw, judge
from utils.recurrences.minimal import log_positive, log_sigmoid, positive
from utils.scratch.scan import linear_scan


def check_join(join: Callable[..., Any]) -> bool:
    """Say whether `join(a_1, b_1, a_2, b_2)` returns the one step (a, b) that
    the step (a_1, b_1) and then (a_2, b_2) amount to, and if not, why.

    All arrays have one shape. Chapter 12.
    """
    variants = [
        Variant(
            "Two steps in a row are one step with a = a_2 a_1 and "
            "b = a_2 b_1 + b_2.",
            lambda a_1, b_1, a_2, b_2: (a_2 * a_1, a_2 * b_1 + b_2),
            right=True,
        ),
        Variant(
            "The steps are exchanged: what step 1 wrote, b_1, passes through "
            "step 2.",
            lambda a_1, b_1, a_2, b_2: (a_2 * a_1, a_1 * b_2 + b_1),
        ),
        Variant(
            "b_1 passes through a_1; it was added after a_1 had acted, and "
            "only a_2 is still to come.",
            lambda a_1, b_1, a_2, b_2: (a_2 * a_1, a_1 * b_1 + b_2),
        ),
        Variant(
            "b_1 does not pass through the second step, which multiplies it "
            "by a_2.",
            lambda a_1, b_1, a_2, b_2: (a_2 * a_1, b_1 + b_2),
        ),
        Variant(
            "b_2 is missing: the second step writes too.",
            lambda a_1, b_1, a_2, b_2: (a_2 * a_1, a_2 * b_1),
        ),
        Variant(
            "The transitions are added; two of them in a row multiply.",
            lambda a_1, b_1, a_2, b_2: (a_2 + a_1, a_2 * b_1 + b_2),
        ),
        Variant(
            "The transition is that of the second step alone: this operator "
            "is not associative.",
            lambda a_1, b_1, a_2, b_2: (a_2, a_2 * b_1 + b_2),
        ),
        Variant(
            "The two results are exchanged: return (a, b).",
            lambda a_1, b_1, a_2, b_2: (a_2 * b_1 + b_2, a_2 * a_1),
        ),
    ]
    names = ("a_1", "b_1", "a_2", "b_2")
    return judge(join, [draw(0, **dict.fromkeys(names, (3, 4)))], variants)


def check_scan(scan: Callable[..., Any]) -> bool:
    """Say whether `scan(a, b, h0)` returns h_t = a_t h_{t-1} + b_t at every
    step, and if not, why.

    Shapes: a and b (batch, time, hidden), h0 (batch, hidden), positive.
    Chapter 12.
    """

    def without_first(a: Array, b: Array, h0: Array) -> Array:
        b = b.copy()
        b[:, 0] += h0
        return linear_scan(a, b)

    def one_early(a: Array, b: Array, h0: Array) -> Array:
        return np.concatenate([h0[:, None], linear_scan(a, b, h0)[:, :-1]], 1)

    variants = [
        Variant("It starts from h0 and steps on.", linear_scan, right=True),
        Variant(
            "The initial state is dropped: it starts from 0, whatever h0 is.",
            lambda a, b, h0: linear_scan(a, b),
        ),
        Variant(
            "The first step does not multiply h0 by a_1: h_1 = a_1 h0 + b_1.",
            without_first,
        ),
        Variant(
            "h0 passes through g before it starts; it is a state already.",
            lambda a, b, h0: linear_scan(a, b, positive(h0)),
        ),
        Variant(
            "It takes the logarithm of h0 for h0.",
            lambda a, b, h0: linear_scan(a, b, np.log(h0)),
        ),
        Variant(
            "It is one step early: h0 stands first and h_T is missing.",
            one_early,
        ),
        Variant(
            "The first step's b is lost where h0 takes its place: "
            "h_1 = a_1 h0 + b_1.",
            lambda a, b, h0: linear_scan(
                a, np.concatenate([0 * b[:, :1], b[:, 1:]], 1), h0
            ),
        ),
        Variant(
            "It runs from the last step to the first.",
            lambda a, b, h0: linear_scan(a[:, ::-1], b[:, ::-1], h0)[:, ::-1],
        ),
    ]
    cases = [_coefficients(0, 7), _coefficients(1, 8)]
    return judge(scan, cases, variants)


def check_log_min_gru(coefficients: Callable[..., Any]) -> bool:
    """Say whether `coefficients(z, n)` returns log a and log b of a minGRU with
    positive candidates, and if not, why.

    a = sigmoid(z) and b = (1 - sigmoid(z)) g(n), with `positive` for g. Shapes:
    z, n and both results (batch, time, hidden); z and n may exceed 1000.
    Chapter 12.
    """
    keep, enter, log_g = log_sigmoid, lambda z: log_sigmoid(-z), log_positive
    variants = [
        Variant(
            "log a = log sigmoid(z), log b = log sigmoid(-z) + log g(n).",
            lambda z, n: (keep(z), enter(z) + log_g(n)),
            right=True,
        ),
        Variant(
            "z is the share that enters, as in the paper; in this book it is "
            "the share that stays.",
            lambda z, n: (enter(z), keep(z) + log_g(n)),
        ),
        Variant(
            "log b lacks log(1 - z): only this share of the candidate enters.",
            lambda z, n: (keep(z), log_g(n)),
        ),
        Variant(
            "log b has the logarithm of z where 1 - z belongs.",
            lambda z, n: (keep(z), keep(z) + log_g(n)),
        ),
        Variant(
            "The candidate is taken for its own logarithm: log g(n), not n.",
            lambda z, n: (keep(z), enter(z) + n),
        ),
        Variant(
            "g(n) stands where its logarithm belongs.",
            lambda z, n: (keep(z), enter(z) + positive(n)),
        ),
        Variant(
            "It returns a and b themselves, not their logarithms.",
            lambda z, n: (np.exp(keep(z)), np.exp(enter(z)) * positive(n)),
        ),
    ]
    moderate = draw(0, z=(2, 5, 3), n=(2, 5, 3))
    case = {
        name: np.concatenate([array, 900 * array], axis=1)
        for name, array in moderate.items()
    }
    return judge(coefficients, [case], variants)


def check_delta_step(step: Callable[..., Any]) -> bool:
    """Say whether `step(S, k, v, beta)` returns the delta rule's next state,
    S + beta k^T (v - k S), and if not, why.

    Shapes: S (key, value), k (key,), v (value,), beta a number. Chapter 12.
    """

    def written(value: Callable[..., Array]) -> Callable[..., Array]:
        return lambda S, k, v, beta: S + np.outer(k, value(S, k, v, beta))

    variants = [
        Variant(
            "It writes the error at the key: S + beta k^T (v - k S).",
            written(lambda S, k, v, beta: beta * (v - k @ S)),
            right=True,
        ),
        Variant(
            "It adds v without asking what the state says of the key already: "
            "that is linear attention.",
            written(lambda S, k, v, beta: v),
        ),
        Variant(
            "It adds beta v without asking what the state says of the key "
            "already.",
            written(lambda S, k, v, beta: beta * v),
        ),
        Variant(
            "The step size beta is missing.",
            written(lambda S, k, v, beta: v - k @ S),
        ),
        Variant(
            "beta scales the value but not what is taken away.",
            written(lambda S, k, v, beta: beta * v - k @ S),
        ),
        Variant(
            "The error has the wrong sign: it is v - k S.",
            written(lambda S, k, v, beta: beta * (k @ S - v)),
        ),
        Variant(
            "It erases at the key and writes nothing.",
            written(lambda S, k, v, beta: -beta * (k @ S)),
        ),
        Variant(
            "Key and value are exchanged in the outer product: rows of S "
            "belong to keys.",
            lambda S, k, v, beta: S + np.outer(beta * (v - k @ S), k),
        ),
        Variant(
            "It reads with S transposed: with rows as vectors it is k @ S.",
            written(lambda S, k, v, beta: beta * (v - S @ k)),
        ),
    ]
    return judge(step, [_written(0, 3, 4), _written(1, 3, 3)], variants)


def check_parity(coefficients: Callable[..., Any]) -> bool:
    """Say whether `coefficients(x)` returns a and b with which h_t = a_t
    h_{t-1} + b_t, from h_0 = 0, is the parity of the bits so far, and if not,
    why.

    Shapes: x, a and b (batch, time, 1); x holds 0 and 1, as floats. Chapter 12.
    """

    def states(x: Array) -> Array:
        a, b = (np.asarray(part, float) for part in coefficients(x))
        return linear_scan(a, b)

    variants = [
        Variant(
            "A one flips the state: a = 1 - 2x is its negative eigenvalue.",
            lambda x: np.cumsum(x, axis=1) % 2,
            right=True,
        ),
        Variant(
            "It counts the ones and never returns to 0: a one must take the "
            "state from 1 back to 0.",
            lambda x: np.cumsum(x, axis=1),
        ),
        Variant("It shows the last bit and forgets the others.", lambda x: x),
        Variant(
            "It stays at 0: nothing is ever added to h_0 = 0.",
            lambda x: 0 * x,
        ),
        Variant(
            "It is the parity of the zeros.",
            lambda x: np.cumsum(1 - x, axis=1) % 2,
        ),
        Variant(
            "It turns 1 into -1 and back: a one must take 0 to 1, and 1 to 0.",
            lambda x: linear_scan(
                1 - 2 * x, np.eye(x.shape[1], 1)[None] + 0 * x
            ),
        ),
        Variant(
            "Once a one has come it stays at 1: a must be negative where x is "
            "1, to lead back.",
            lambda x: np.maximum.accumulate(x, axis=1),
        ),
    ]
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (3, 40, 1)).astype(float)
    return judge(states, [{"x": x}], variants)


def _coefficients(seed: int, time: int) -> Arguments:
    """Draw a scan's arguments, all positive."""
    arrays = draw(seed, a=(2, time, 3), b=(2, time, 3), h0=(2, 3))
    return {name: np.abs(array) for name, array in arrays.items()}


def _written(seed: int, key: int, value: int) -> Arguments:
    """Draw a matrix state and what is to be written into it."""
    arrays = draw(seed, S=(key, value), k=(key,), v=(value,))
    return arrays | {"beta": np.array(0.7)}
