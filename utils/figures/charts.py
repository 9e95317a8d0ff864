"""The charts that more than one chapter needs."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D

from utils.figures.style import DIVERGING, SEQUENTIAL


def plot_with_interval(
    ax: Axes,
    x: Float[np.ndarray, " point"],
    mean: Float[np.ndarray, " point"],
    low: Float[np.ndarray, " point"],
    high: Float[np.ndarray, " point"],
    label: str,
    color: str | None = None,
) -> Line2D:
    """Draw a line over the band from `low` to `high`, both in one colour.

    What the band means (a confidence interval, the seeds' range) belongs in the
    figure's title or legend. Without `color` the axes' next one is taken.
    """
    (line,) = ax.plot(x, mean, label=label, color=color)
    ax.fill_between(
        x, low, high, color=line.get_color(), alpha=0.18, linewidth=0
    )
    return line


def heat_map(
    ax: Axes,
    values: Float[np.ndarray, "row column"],
    *,
    rows: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    label: str,
    diverging: bool = False,
) -> AxesImage:
    """Draw a matrix as colours beside their scale; row 0 is at the top.

    Args:
        rows, columns: the names of the matrix's rows and columns, one each; the
            indices if None.
        label: what the colour measures, with its unit.
        diverging: centre the scale on 0, for values of either sign; else it
            starts at the least.

    Raises:
        ValueError: there are more or fewer names than rows or columns.
    """
    limit = float(np.abs(values).max()) if diverging else None
    image = ax.imshow(
        values,
        aspect="auto",
        cmap=DIVERGING if diverging else SEQUENTIAL,
        vmin=-limit if limit else None,
        vmax=limit,
    )
    for names, axis, size in (
        (rows, ax.yaxis, len(values)),
        (columns, ax.xaxis, len(values[0])),
    ):
        if names is None:
            continue
        if len(names) != size:
            raise ValueError(
                f"{len(names)} names for {size} {axis.axis_name}-positions: "
                f"{names}"
            )
        axis.set_ticks(range(size), labels=names)
    ax.grid(visible=False)
    ax.figure.colorbar(image, ax=ax, label=label)
    return image
