"""One look for all figures."""

from matplotlib import pyplot as plt

# Okabe and Ito's palette, whose colours stay apart for colour-blind readers,
# without its yellow, which is too pale for lines on white.
COLORS = {
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "black": "#000000",
}


def use_book_style() -> None:
    """Give every following figure the book's colours, sizes and quiet axes."""
    plt.rcParams.update(
        {
            "axes.prop_cycle": plt.cycler(color=list(COLORS.values())),
            "figure.figsize": (7.0, 3.6),
            "figure.dpi": 110,
            "figure.constrained_layout.use": True,
            "font.size": 12,
            "axes.titlesize": 13,
            "axes.titlelocation": "left",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.25,
            "legend.frameon": False,
            "lines.linewidth": 2.0,
        }
    )
