"""The scan of linear recurrences in Keras, on whichever backend it runs."""

import utils.pytorch_first  # noqa: F401

from typing import Any

from keras import ops


def linear_scan(a: Any, b: Any, h0: Any = None) -> Any:
    """Return h_t = a_t * h_{t-1} + b_t for every step t, with h_0 = `h0` or 0.

    a and b are (batch, time, ...) of one shape, h0 is (batch, ...). Keras has a
    scan for any associative operation; ours joins two steps into one, and the
    backend derives the gradient. Chapter 12.
    """
    if h0 is not None:
        first = a[:, :1] * ops.expand_dims(h0, 1) + b[:, :1]
        b = ops.concatenate([first, b[:, 1:]], axis=1)
    return ops.associative_scan(_join, (a, b), axis=1)[1]


def _join(first: tuple[Any, Any], second: tuple[Any, Any]) -> tuple[Any, Any]:
    """Return the one step that two steps in a row amount to."""
    (a_1, b_1), (a_2, b_2) = first, second
    return a_2 * a_1, a_2 * b_1 + b_2
