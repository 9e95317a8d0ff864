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
    if not 0 < coverage < 1:
        raise ValueError(f"coverage is {coverage}; it must lie between 0 and 1")
    tail = (1 - coverage) / 2
    low_rank = int((window + 1) * tail + 1e-9)
    if low_rank < 1:
        needed = int(np.ceil(1 / tail - 1e-9)) - 1
        raise ValueError(
            f"window is {window}; a coverage of {coverage} needs {needed} "
            "errors"
        )
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
