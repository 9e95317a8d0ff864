"""Check a gradient against central differences."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float


def numerical_gradient(
    loss: Callable[[], float],
    array: Float[np.ndarray, "*shape"],
    step: float = 1e-6,
) -> Float[np.ndarray, "*shape"]:
    """Return (loss(a + step) - loss(a - step)) / (2 step) for every element a
    of `array`.

    `loss` takes nothing and reads `array`, which is changed in place and put
    back. In float64 the error is about step^2 from the cut-off Taylor series
    and 1e-16 * loss / step from rounding.

    Raises:
        ValueError: `array` is not float64, where a step of 1e-6 would drown in
            rounding.
    """
    if array.dtype != np.float64:
        raise ValueError(
            f"array is {array.dtype}; central differences need float64"
        )
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + step
        above = loss()
        array[index] = kept - step
        below = loss()
        array[index] = kept
        gradient[index] = (above - below) / (2 * step)
    return gradient


def relative_error(
    values: Float[np.ndarray, "*shape"], reference: Float[np.ndarray, "*shape"]
) -> float:
    """Return max |value - reference| / max |reference|; the plain difference if
    that is 0.

    Raises:
        ValueError: the shapes differ.
    """
    if values.shape != reference.shape:
        raise ValueError(
            f"values have shape {values.shape} and the reference "
            f"{reference.shape}"
        )
    if reference.size == 0:
        return 0.0
    scale = np.abs(reference).max()
    return float(np.abs(values - reference).max() / (scale or 1))
