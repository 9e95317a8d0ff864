"""Results over seeds, in words and as dots."""

import pytest
from matplotlib import pyplot as plt

from utils.figures.seeds import median_and_range, seed_dots


def test_median_and_range_by_hand():
    assert median_and_range([0.5, 0.1, 0.26]) == "0.26 (0.10 to 0.50)"
    assert median_and_range([1.0, 2.0], digits=1) == "1.5 (1.0 to 2.0)"


def test_no_value():
    with pytest.raises(ValueError, match="no value"):
        median_and_range([])


def test_every_seed_has_its_dot():
    ax = plt.figure().subplots()
    seed_dots(ax, 2.0, [3.0, 1.0, 5.0], color="black", spread=0.4)
    line, dots = ax.lines
    assert list(line.get_ydata()) == [3.0, 3.0]
    assert dots.get_xdata() == pytest.approx([1.8, 2.0, 2.2])
    assert list(dots.get_ydata()) == [3.0, 1.0, 5.0]
    plt.close()
