"""One look for all figures."""

from matplotlib import colormaps
from matplotlib import pyplot as plt
from matplotlib.colors import LinearSegmentedColormap

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


# Both maps are white where nothing happens: the site's dark theme turns
# lightness over, so that nothing stays in the background there as well.
SEQUENTIAL = LinearSegmentedColormap.from_list(
    "book_sequential", ["#FFFFFF", "#9CCBE6", COLORS["blue"], "#00324F"]
)


DIVERGING = LinearSegmentedColormap.from_list(
    "book_diverging",
    ["#7A3300", COLORS["vermilion"], "#FFFFFF", COLORS["blue"], "#00324F"],
)


def use_book_style() -> None:
    """Give every following figure the book's colours, sizes and quiet axes.

    In a notebook, figures hold two pixels per CSS pixel and stay sharp on dense
    screens.
    """
    if SEQUENTIAL.name not in colormaps:
        colormaps.register(SEQUENTIAL)
    plt.rcParams.update(
        {
            "axes.prop_cycle": plt.cycler(color=list(COLORS.values())),
            "figure.figsize": (6.2, 3.5),
            "figure.dpi": 110,
            "figure.constrained_layout.use": True,
            "font.size": 12,
            "image.cmap": SEQUENTIAL.name,
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
    _use_dense_pixels()


def _use_dense_pixels() -> None:
    """Ask the notebook, where there is one, for twice the pixels."""
    from IPython import get_ipython

    if get_ipython() is not None:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("retina")
