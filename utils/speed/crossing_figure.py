"""What `benchmarks/gpu.py` records, as a table and as a figure."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display
from matplotlib.axes import Axes

from utils.figures.style import COLORS
from utils.speed.crossing import crossing

GPU = "nn.LSTM, float32"
ON_CPU = " on the CPU"
OVER = {"batch": "rows of the batch", "units": "hidden units"}


def gpu_table(results: dict[str, Any]) -> pd.DataFrame:
    """Return median milliseconds, a row for each run, a column for each way."""
    return pd.DataFrame(
        {
            name: {
                way: float(np.median(taken))
                for way, taken in run["milliseconds"].items()
            }
            for name, run in results["runs"].items()
        }
    ).T


def plot_crossing(ax: Axes, results: dict[str, Any], over: str) -> float:
    """Draw `nn.LSTM` on the GPU and on the CPU beside it, against a size.

    Lines are medians, bands the range of the rounds; a dashed line marks the
    size beyond which the GPU is faster than the faster of the CPU's ways, and
    that size is returned.

    Args:
        ax: where to draw.
        results: `load_results("gpu")["results"]`.
        over: "batch" or "units".
    """
    runs = {
        int(name.split(", ")[1]): run["milliseconds"]
        for name, run in results["runs"].items()
        if name.startswith(f"{over}, ")
    }
    sizes = np.array(sorted(runs), float)
    medians = {}
    ways = [w for w in runs[sizes[0]] if w == GPU or ON_CPU in w]
    for way, color in zip(ways, COLORS.values(), strict=False):
        taken = np.array([runs[size][way] for size in sizes])
        medians[way] = np.median(taken, axis=1)
        ax.loglog(sizes, medians[way], "o-", color=color, label=way)
        low, high = taken.min(1), taken.max(1)
        ax.fill_between(sizes, low, high, color=color, alpha=0.2)
    on_cpu = np.min([medians[way] for way in ways if way != GPU], axis=0)
    at = crossing(sizes, on_cpu, medians[GPU])
    if sizes[0] <= at <= sizes[-1]:
        ax.axvline(at, color="black", linestyle="--", linewidth=1)
    ax.set(xlabel=OVER[over])
    return at


def verdict(at: float, over: str) -> str:
    """Say in words from which size on the GPU is faster."""
    if at == 0:
        return f"{over}: the GPU is faster at every size"
    if at == float("inf"):
        return f"{over}: the CPU is faster still at the largest size"
    return f"{over}: the GPU is faster beyond {at:.3g}"


def show_gpu(results: dict[str, Any]) -> None:
    """Show the device, the table, and where it overtakes the CPU beside it."""
    print(results["device"])
    display(gpu_table(results).round(2))
    fig, axes = plt.subplots(1, 2, sharey=True, figsize=(8, 3.6))
    for ax, over in zip(axes, OVER, strict=True):
        print(verdict(plot_crossing(ax, results, over), OVER[over]))
    axes[0].set(ylabel="milliseconds")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left")
    plt.show()
