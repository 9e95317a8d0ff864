"""Prediction intervals from a forecast's own past errors."""

import numpy as np
from jaxtyping import Float


def conformal_interval(
    log_errors: Float[np.ndarray, "time"],
    coverage: float = 0.9,
    window: int = 504,
    horizon: int = 1,
) -> tuple[Float[np.ndarray, "time"], Float[np.ndarray, "time"]]:
    """Lower and upper error to expect at each origin, from the last
    out-of-sample errors.

    With n = window errors known by then, the bounds are the ⌊(n + 1) a / 2⌋-th
    and the ⌈(n + 1)(1 − a / 2)⌉-th smallest, a = 1 − coverage. That covers with
    probability `coverage` or more if errors are exchangeable; prices only come
    near it, so measure the coverage. Source: Lei, G'Sell, Rinaldo, Tibshirani
    and Wasserman (2018), doi:10.1080/01621459.2017.1307116. Chapter 10.

    Args:
        log_errors: log truth − log forecast at each origin; NaN where not known
            yet.
        coverage: share of truths that the interval should hold, between 0 and
            1.
        window: number of past errors that the bounds come from.
        horizon: an error made at an origin is known this many steps later.

    Returns:
        Bounds to add to the log forecast; NaN at origins with fewer than
        `window` known errors.

    Raises:
        ValueError: the coverage is not between 0 and 1, or the window too short
            for it.
    """
    low_rank = _rank(coverage, window)
    lower = np.full(len(log_errors), np.nan)
    upper = np.full(len(log_errors), np.nan)
    for origin in range(window + horizon - 1, len(log_errors)):
        end = origin - horizon + 1
        known = np.sort(log_errors[end - window : end])
        # Sorting puts NaN last: one in the window means that it is not full.
        if not np.isnan(known[-1]):
            lower[origin], upper[origin] = (
                known[low_rank - 1],
                known[window - low_rank],
            )
    return lower, upper


def adaptive_interval(
    log_errors: Float[np.ndarray, "time"],
    coverage: float = 0.9,
    window: int = 504,
    horizon: int = 1,
    rate: float = 0.01,
) -> tuple[Float[np.ndarray, "time"], Float[np.ndarray, "time"]]:
    """Return `conformal_interval` with a coverage that answers misses.

    What is asked for at the next origin is a ← a + rate (1 − coverage − miss),
    a = 1 − coverage at first, with miss 1 if the newest known error fell
    outside and 0 if not: after a miss the interval widens, after a hit it
    narrows a little. Then misses average 1 − coverage in the long run whatever
    the errors do, as long as a stays above 2 / (window + 1); below, the bounds
    are the window's extremes. Source: Gibbs and Candès (2021),
    arXiv:2106.00170. Chapter 10.

    Args:
        log_errors: as for `conformal_interval`.
        coverage: share of truths that the interval should hold.
        window: number of past errors that the bounds come from.
        horizon: an error made at an origin is known this many steps later.
        rate: how fast the coverage answers.

    Returns:
        Bounds to add to the log forecast, NaN before the window is full.

    Raises:
        ValueError: as `conformal_interval`.
    """
    _rank(coverage, window)
    lower = np.full(len(log_errors), np.nan)
    upper = np.full(len(log_errors), np.nan)
    tails = 1 - coverage
    for origin in range(window + horizon - 1, len(log_errors)):
        end = origin - horizon + 1
        known = np.sort(log_errors[end - window : end])
        if np.isnan(known[-1]):
            continue
        newest = end - 1
        if not np.isnan(lower[newest]):
            error = log_errors[newest]
            miss = not lower[newest] <= error <= upper[newest]
            tails += rate * (1 - coverage - miss)
        rank = int((window + 1) * tails / 2 + 1e-9)
        rank = min(max(rank, 1), (window + 1) // 2)
        lower[origin], upper[origin] = known[rank - 1], known[window - rank]
    return lower, upper


def _rank(coverage: float, window: int) -> int:
    """Return how far from either end of the sorted errors the bounds lie."""
    if not 0 < coverage < 1:
        raise ValueError(f"coverage is {coverage}; it must lie between 0 and 1")
    tail = (1 - coverage) / 2
    rank = int((window + 1) * tail + 1e-9)
    if rank < 1:
        needed = int(np.ceil(1 / tail - 1e-9)) - 1
        raise ValueError(
            f"window is {window}; a coverage of {coverage} needs {needed} "
            "errors"
        )
    return rank
