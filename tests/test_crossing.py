"""Where a GPU overtakes the CPU: the size, and the figure that marks it."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest

from utils.speed.crossing import crossing
from utils.speed.crossing_figure import GPU, ON_CPU, plot_crossing, verdict

SIZES = np.array([1.0, 10.0, 100.0, 1000.0])
# The CPU's time grows with the size, the GPU's stands still.
CPU = SIZES


def test_straight_lines_cross_where_they_are_equal():
    assert crossing(SIZES, CPU, np.full(4, 40.0)) == pytest.approx(40)
    steeper = SIZES**2 / 7
    assert crossing(SIZES, steeper, SIZES) == pytest.approx(7)


def test_the_ends_are_named():
    assert crossing(SIZES, CPU, np.full(4, 0.5)) == 0
    assert crossing(SIZES, CPU, np.full(4, 2000.0)) == math.inf


def test_the_last_of_several_crossings_counts():
    gpu = np.array([0.5, 20.0, 50.0, 100.0])
    # Slower at 10 alone: faster again between 10 and 100.
    at = crossing(SIZES, CPU, gpu)
    assert 10 < at < 100


def record():
    """Return runs in an order that is not that of the sizes."""
    return {
        "runs": {
            f"batch, {int(size)}": {
                "milliseconds": {
                    GPU: [40.0, 39.0, 41.0],
                    "nn.LSTM, TF32": [1.0, 1.0, 1.0],
                    f"nn.LSTM{ON_CPU}, one thread": [size, size, size],
                    f"nn.LSTM{ON_CPU}, all threads": [2 * size] * 3,
                }
            }
            for size in SIZES[::-1]
        }
    }


def test_the_figure_marks_where_the_gpu_overtakes_the_faster_cpu():
    _, ax = plt.subplots()
    at = plot_crossing(ax, record(), "batch")
    assert at == pytest.approx(40)
    drawn = {line.get_label(): line for line in ax.lines}
    # The GPU, the CPU's two ways, and the mark; TF32 is in the table.
    assert len(ax.lines) == 4
    assert drawn[GPU].get_ydata().tolist() == [40] * 4
    assert ax.lines[-1].get_xdata() == pytest.approx([40, 40])


def test_where_nothing_crosses_nothing_is_marked():
    results = record()
    for run in results["runs"].values():
        run["milliseconds"][GPU] = [5000.0]
        for way in run["milliseconds"]:
            run["milliseconds"][way] = run["milliseconds"][way][:1]
    _, ax = plt.subplots()
    assert plot_crossing(ax, results, "batch") == math.inf
    assert len(ax.lines) == 3


def test_the_verdict_names_the_size_or_the_end():
    assert verdict(25.31, "rows") == "rows: the GPU is faster beyond 25.3"
    assert "at every size" in verdict(0.0, "rows")
    assert "the CPU is faster" in verdict(math.inf, "rows")
