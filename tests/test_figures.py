import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb

from utils.figures.charts import heat_map, plot_with_interval
from utils.figures.style import COLORS, DIVERGING, SEQUENTIAL, use_book_style


@pytest.fixture(autouse=True)
def _plain_backend():
    matplotlib.use("agg")
    with plt.rc_context():
        yield
    plt.close("all")


def contrast_on_white(color: str) -> float:
    """Compute the contrast ratio of WCAG 2.2, which asks 3 of graphical
    objects."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in to_rgb(color)
    ]
    return 1.05 / (np.dot([0.2126, 0.7152, 0.0722], linear) + 0.05)


def test_the_first_three_line_colours_stand_out_on_white():
    first = list(COLORS.values())[:3]
    assert all(contrast_on_white(color) > 3 for color in first)


def test_contrast_of_pale_yellow_would_be_too_low():
    assert contrast_on_white("#F0E442") < 3


def test_style_sets_the_colours_of_lines_and_images():
    use_book_style()
    _, ax = plt.subplots()
    assert ax.plot([0, 1])[0].get_color() == COLORS["blue"]
    assert ax.plot([0, 1])[0].get_color() == COLORS["vermilion"]
    assert ax.imshow(np.eye(2)).cmap == SEQUENTIAL


def test_style_can_be_set_twice_without_a_warning(recwarn):
    use_book_style()
    use_book_style()
    assert not recwarn.list


def test_style_outside_a_notebook_starts_no_shell():
    from IPython.core.interactiveshell import InteractiveShell

    use_book_style()
    assert not InteractiveShell.initialized()


def test_interval_has_the_colour_of_its_line_and_spans_low_to_high():
    _, ax = plt.subplots()
    x = np.arange(4.0)
    line = plot_with_interval(ax, x, x, x - 1, x + 2, "mean")
    (band,) = ax.collections
    assert to_rgb(band.get_facecolor()[0]) == to_rgb(line.get_color())
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (-1, 5)
    assert ax.get_legend_handles_labels()[1] == ["mean"]


def test_diverging_heat_map_is_centred_on_zero():
    figure, ax = plt.subplots()
    image = heat_map(
        ax, np.array([[-1.0, 4.0]]), label="weight", diverging=True
    )
    assert image.get_clim() == (-4, 4)
    assert image.cmap == DIVERGING
    assert DIVERGING(0.5)[:3] == pytest.approx((1, 1, 1), abs=0.01)
    assert figure.axes[1].get_ylabel() == "weight"


def test_heat_map_labels_rows_and_columns():
    _, ax = plt.subplots()
    heat_map(ax, np.eye(2), rows=["a", "b"], columns=["c", "d"], label="weight")
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a", "b"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["c", "d"]


def test_heat_map_names_must_match_the_matrix():
    _, ax = plt.subplots()
    with pytest.raises(
        ValueError, match=r"3 names for 2 y-positions: \['a', 'b', 'c'\]"
    ):
        heat_map(ax, np.eye(2), rows=["a", "b", "c"], label="weight")
