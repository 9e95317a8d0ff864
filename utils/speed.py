"""What `benchmarks/cells.py` recorded, as a table and as a figure."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from utils.plotting import COLORS

SHARE = "share of peak"


def layer_speed(results: dict[str, Any], layer: str) -> pd.DataFrame:
    """Tabulate how many times longer than the NumPy layer others take, forward and backward.

    One row for each element type and size (batch, time, input, hidden), one column for each other
    way, and the share that the NumPy layer reaches of the processor's speed in a matrix product.

    Args:
        results: `load_results("cells")["results"]`.
        layer: "RNN", "LSTM" or "GRU".

    Raises:
        ValueError: nothing was recorded for the layer.
    """
    runs = [run for run in results.values() if run.get("layer") == layer]
    if not runs:
        raise ValueError(f"the results hold no run of {layer!r}; run `python -m benchmarks.cells`")
    names = [(run["dtype"], " × ".join(map(str, run["size"]))) for run in runs]
    index = pd.MultiIndex.from_tuples(names, names=["type", "batch × time × input × hidden"])
    rows = [run["forward and backward"]["ratio"] | {SHARE: run[SHARE]} for run in runs]
    return pd.DataFrame(rows, index=index)


def plot_layer_speed(ax: Axes, table: pd.DataFrame) -> None:
    """Draw each way's time over NumPy's on a logarithmic axis, one line of dots for each size."""
    heights = np.arange(len(table))[::-1]
    for way, color in zip(table.columns.drop(SHARE), COLORS.values(), strict=False):
        ax.semilogx(table[way], heights, "o", color=color, label=way)
    ax.axvline(1, color="black", linewidth=1)
    ax.set_yticks(heights, labels=[f"{size}, {dtype}" for dtype, size in table.index])
    ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20]
    ax.set_xticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set(xlabel="time over NumPy's", xlim=(0.1, 25))
