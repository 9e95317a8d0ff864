"""The charts that more than one chapter needs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D

from utils.figures.style import COLORS, DIVERGING, SEQUENTIAL


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


SHARE = "share of peak"


def layer_speed(results: dict[str, Any], layer: str) -> pd.DataFrame:
    """Tabulate how many times longer than the NumPy layer others take, forward
    and backward.

    One row for each element type and size (batch, time, input, hidden), one
    column for each other way, and the share that the NumPy layer reaches of the
    processor's speed in a matrix product.

    Args:
        results: `load_results("cells")["results"]`.
        layer: "RNN", "LSTM" or "GRU".

    Raises:
        ValueError: nothing was recorded for the layer.
    """
    runs = [run for run in results.values() if run.get("layer") == layer]
    if not runs:
        raise ValueError(
            f"the results hold no run of {layer!r}; run `python -m "
            "benchmarks.cells`"
        )
    names = [(run["dtype"], " × ".join(map(str, run["size"]))) for run in runs]
    index = pd.MultiIndex.from_tuples(
        names, names=["type", "batch × time × input × hidden"]
    )
    rows = [
        run["forward and backward"]["ratio"] | {SHARE: run[SHARE]}
        for run in runs
    ]
    return pd.DataFrame(rows, index=index)


def plot_layer_speed(ax: Axes, table: pd.DataFrame) -> None:
    """Draw each way's time over NumPy's on a logarithmic axis, one line of
    dots for each size."""
    heights = np.arange(len(table))[::-1]
    for way, color in zip(
        table.columns.drop(SHARE), COLORS.values(), strict=False
    ):
        ax.semilogx(table[way], heights, "o", color=color, label=way)
    ax.axvline(1, color="black", linewidth=1)
    ax.set_yticks(
        heights, labels=[f"{size}, {dtype}" for dtype, size in table.index]
    )
    ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20]
    ax.set_xticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set(xlabel="time over NumPy's", xlim=(0.1, 25))
