"""What a forecast leaves once every trade costs something. Chapter 10."""

import html

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from utils.figures.style import COLORS
from utils.labs.lab import CHART, Lab, make_lab, read, slider

SCRIPT = read("js/trading_cost.js")


def trading_cost_lab(
    returns: Float[np.ndarray, "time"],
    invested: Bool[np.ndarray, "time"],
    name: str,
    cost: float = 0.0,
    dates: pd.DatetimeIndex | None = None,
) -> Lab:
    """Show what one unit grows to as trades come to cost up to 10 bp.

    Wealth w ← w (1 + r · held − cost · |change|), the `strategy_returns` of
    chapter 10.

    Args:
        returns: simple daily returns of the index, as fractions.
        invested: whether the strategy holds the index over each day.
        name: of the strategy.
        cost: where the slider starts, in basis points.
        dates: of the returns; without them the axis counts years of 252 days.
    """
    changes = np.abs(np.diff(invested.astype(int), prepend=0))
    held = returns * invested - changes * cost / 1e4
    if dates is None:
        years, time = (0.0, len(returns) / 252), "years of 252 trading days"
    else:
        first, last = dates[[0, -1]].year + dates[[0, -1]].dayofyear / 366
        years, time = (float(first), float(last)), "year"
    data = {
        "years": years,
        "time": time,
        "returns": returns.round(6).tolist(),
        "invested": "".join("1" if each else "0" for each in invested),
    }
    return make_lab(
        "What trading costs leave",
        task="Let a trade cost something: at which cost does the forecast "
        "stop paying for its trades?",
        controls=slider("cost", "Cost of a trade", 0.0, 10.0, 0.5, cost),
        picture="""<svg data-part="chart" role="img"
aria-label="Growth of one unit, logarithmic, against time"></svg>""",
        sentence=f"""{html.escape(name)} (orange) makes {changes.sum()} trades
and turns 1 into <b data-part="grown"></b>; the index (thin) turns it into
<b data-part="index-grown"></b>.""",
        script=SCRIPT,
        twin=_twin(
            returns,
            held,
            np.linspace(*years, len(returns)),
            time,
            name,
            cost,
        ),
        data=data,
        modules=CHART,
    )


def _twin(
    returns: Float[np.ndarray, "time"],
    held: Float[np.ndarray, "time"],
    years: Float[np.ndarray, "time"],
    time: str,
    name: str,
    cost: float,
) -> Figure:
    """Plot the growth of the index and of the strategy after its costs."""
    twin = Figure(figsize=(6, 3), dpi=160, layout="constrained")
    axes = twin.subplots()
    index, strategy = np.cumprod(1 + returns), np.cumprod(1 + held)
    axes.semilogy(
        years, index, color=COLORS["black"], linewidth=1, label="index"
    )
    axes.semilogy(years, strategy, color=COLORS["vermilion"], label=name)
    axes.set(
        xlabel=time,
        ylabel="growth of 1",
        title=f"{name} at {cost:g} bp a trade",
    )
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())
    axes.legend()
    return twin
