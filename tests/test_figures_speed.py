"""The table and the figure of speed show what the benchmark measured."""

import pytest
from matplotlib.figure import Figure

from benchmarks.cells import compare_layers
from utils.figures.charts import SHARE, layer_speed, plot_layer_speed


@pytest.fixture(scope="module")
def results():
    size = (2, 3, 4, 5)
    run = compare_layers("GRU", "float64", size, rounds=1, seconds=0)
    return {f"GRU, float64, {size}": run, "tutorial, x": {"size": size}}


def test_the_table_holds_the_recorded_ratios(results):
    table = layer_speed(results, "GRU")
    (run,) = (run for run in results.values() if "layer" in run)
    assert table.index.to_list() == [("float64", "2 × 3 × 4 × 5")]
    assert (
        table["PyTorch"].item()
        == run["forward and backward"]["ratio"]["PyTorch"]
    )
    assert table[SHARE].item() == run["share of peak"]


def test_the_figure_has_a_dot_for_each_ratio(results):
    axes, table = Figure().subplots(), layer_speed(results, "GRU")
    plot_layer_speed(axes, table)
    dots = {line.get_label(): line.get_xdata()[0] for line in axes.lines[:-1]}
    assert dots == {way: table[way].item() for way in table.columns.drop(SHARE)}
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [
        "2 × 3 × 4 × 5, float64"
    ]


def test_a_layer_without_runs_is_refused(results):
    with pytest.raises(ValueError, match="no run of 'LSTM'"):
        layer_speed(results, "LSTM")
