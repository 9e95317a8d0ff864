"""The checkers of backpropagation through time and clipping. Chapter 01."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from utils.exercises.judge import Arguments, Array, Variant, draw, judge


def _relu_states(x: Array, W_x: Array, W_h: Array, b: Array) -> Array:
    """Run h_t = max(0, x_t W_x + h_{t-1} W_h + b) from zero; keep h_0 too."""
    states = [np.zeros((len(x), len(b)))]
    for t in range(x.shape[1]):
        states.append(np.maximum(x[:, t] @ W_x + states[-1] @ W_h + b, 0))
    return np.stack(states, axis=1)


def _bptt(
    d_outputs: Array,
    x: Array,
    states: Array,
    W_x: Array,
    W_h: Array,
    slope: Callable[[Array], Array] = lambda h: (h > 0).astype(float),
    after: int = 1,
    before: int = 0,
    own: str = "every",
    transposed: bool = True,
    last_only: bool = False,
    mean: bool = False,
) -> tuple[Array, Array, Array]:
    """Walk back through a ReLU layer, right by default, wrong if asked."""
    d_W_x, d_W_h = np.zeros_like(W_x), np.zeros_like(W_h)
    d_b, d_h = np.zeros(W_h.shape[1]), np.zeros_like(states[:, 0])
    steps = x.shape[1]
    for t in reversed(range(steps)):
        if own == "every" or t == steps - 1:
            d_h = d_h + d_outputs[:, t]
        if own == "alone":
            d_h = d_outputs[:, t]
        d_z = d_h * slope(states[:, t + after])
        if last_only:
            d_W_x, d_W_h, d_b = np.zeros_like(W_x), np.zeros_like(W_h), 0 * d_b
        d_W_x += x[:, t].T @ d_z
        d_W_h += states[:, t + before].T @ d_z
        d_b += d_z.mean(axis=0) if mean else d_z.sum(axis=0)
        d_h = d_z @ (W_h.T if transposed else W_h)
    return d_W_x, d_W_h, d_b


def check_bptt(backward: Callable[..., Any]) -> bool:
    """Say whether `backward(d_outputs, x, states, W_x, W_h)` returns the
    gradients of W_x, W_h and b of a ReLU layer, and if not, why.

    δh_t = ∂L/∂o_t + δz_{t+1} W_hᵀ and δz_t = δh_t ⊙ (h_t > 0); the gradients
    are sums over rows and steps. Shapes: d_outputs (batch, time, hidden), x
    (batch, time, input), states (batch, time + 1, hidden), which begin with
    h_0. Chapter 01.
    """
    cases: list[Arguments] = []
    for seed, size, hidden in ((0, 3, 4), (1, 4, 4)):
        given = draw(
            seed,
            d_outputs=(2, 6, hidden),
            x=(2, 6, size),
            W_x=(size, hidden),
            W_h=(hidden, hidden),
        )
        bias = np.full(hidden, 0.2)
        states = _relu_states(given["x"], given["W_x"], given["W_h"], bias)
        cases.append(
            {
                "d_outputs": given["d_outputs"],
                "x": given["x"],
                "states": states,
                "W_x": given["W_x"],
                "W_h": given["W_h"],
            }
        )

    def wrong(verdict: str, **choice: Any) -> Variant:
        return Variant(verdict, partial(_bptt, **choice))

    early = "The slope is taken at the state before the step: z_t belongs to "
    early += "states[:, t + 1], whose sign it has."
    untransposed = "The way back goes through W_h: forward it is h @ W_h, so "
    untransposed += "backward it is d_z @ W_h.T."
    variants = [
        Variant("It walks back as the equations do.", _bptt, right=True),
        wrong(early, after=0),
        wrong(untransposed, transposed=False),
        wrong(
            f"Two mistakes. {early} {untransposed}", after=0, transposed=False
        ),
        wrong(
            "The slope of ReLU is missing: where the state is 0, no gradient "
            "gets through.",
            slope=lambda h: np.ones_like(h),
        ),
        wrong(
            "That is the slope of tanh, 1 - h²; ReLU's is 1 where the state "
            "is positive and 0 elsewhere.",
            slope=lambda h: 1 - h**2,
        ),
        wrong(
            "Only the last step's output sends a gradient: add d_outputs[:, t] "
            "at every step.",
            own="last",
        ),
        wrong(
            "Nothing comes from the next step: d_h is replaced by "
            "d_outputs[:, t] where both are to be added.",
            own="alone",
        ),
        wrong(
            "W_h is multiplied by the state before the step, so its gradient "
            "takes states[:, t], not states[:, t + 1].",
            before=1,
        ),
        wrong(
            "The gradients of one step alone come back: add them up over the "
            "steps, += instead of =.",
            last_only=True,
        ),
        wrong(
            "The gradient of b is a sum over the rows, not a mean.", mean=True
        ),
    ]
    return judge(backward, cases, variants)


def _clip(a: Array, b: Array, limit: float) -> tuple[Array, Array]:
    factor = np.minimum(1, limit / np.sqrt((a**2).sum() + (b**2).sum()))
    return a * factor, b * factor


def _by_itself(a: Array, limit: float) -> Array:
    return a * np.minimum(1, limit / np.sqrt((a**2).sum()))


def check_clipping(clip: Callable[..., Any]) -> bool:
    """Say whether `clip(a, b, limit)` shortens two gradients by their length
    together, g min(1, limit / |g|), and if not, why. Chapter 01.
    """

    def both(a: Array, b: Array) -> float:
        return float(np.sqrt((a**2).sum() + (b**2).sum()))

    variants = [
        Variant("It shortens both by the same factor.", _clip, right=True),
        Variant(
            "Each array is clipped by its own length: their proportion, and "
            "so the direction of the step, changes.",
            lambda a, b, limit: (_by_itself(a, limit), _by_itself(b, limit)),
        ),
        Variant(
            "Each number is clipped by itself: the direction of the step "
            "changes.",
            lambda a, b, limit: (a.clip(-limit, limit), b.clip(-limit, limit)),
        ),
        Variant(
            "Short gradients are made longer: the factor is at most 1.",
            lambda a, b, limit: (
                a * limit / both(a, b),
                b * limit / both(a, b),
            ),
        ),
        Variant(
            "The gradients come back as they were.", lambda a, b, limit: (a, b)
        ),
        Variant(
            "The length lacks its square root.",
            lambda a, b, limit: (
                a * np.minimum(1, limit / both(a, b) ** 2),
                b * np.minimum(1, limit / both(a, b) ** 2),
            ),
        ),
    ]
    # Once where the limit bites and once where it does not, in one call.
    twice = [
        Variant(each.verdict, _with_both_limits(each.compute), each.right)
        for each in variants
    ]
    cases = [draw(0, a=(3, 4), b=(5,))]
    return judge(_with_both_limits(clip), cases, twice)


def _with_both_limits(clip: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, b: (clip(a, b, 1.5), clip(a, b, 100.0))
