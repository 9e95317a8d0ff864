"""Results over seeds: the median and the range in words, a dot for each."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes


def median_and_range(values: Sequence[float], digits: int = 2) -> str:
    """Write the median of a few runs, then the lowest and the highest.

    Raises:
        ValueError: there is no value.
    """
    if not len(values):
        raise ValueError("no value to take the median of")
    middle, low, high = (
        f"{function(values):.{digits}f}" for function in (np.median, min, max)
    )
    return f"{middle} ({low} to {high})"


def seed_dots(
    ax: Axes,
    position: float,
    values: Sequence[float],
    *,
    color: str,
    spread: float = 0.3,
    label: str | None = None,
) -> None:
    """Draw one dot for each seed beside each other, a line at their median.

    Args:
        position: where on the x-axis their middle stands.
        spread: from the first dot to the last, in units of the x-axis.
    """
    offsets = np.linspace(-spread / 2, spread / 2, len(values))
    middle = float(np.median(values))
    ends = [position - 0.7 * spread, position + 0.7 * spread]
    ax.plot(ends, [middle] * 2, color=color, linewidth=1.5)
    ax.plot(
        position + offsets, values, "o", color=color, markersize=5, label=label
    )
