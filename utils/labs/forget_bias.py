"""How long a gradient survives behind an LSTM's forget gate. Chapter 02."""

import numpy as np
from matplotlib.figure import Figure

from utils.figures.style import COLORS
from utils.labs.lab import CHART, Lab, make_lab, read, slider

SCRIPT = read("js/forget_bias.js")


def forget_bias_lab(bias: float = 1.0) -> Lab:
    """Show how long a gradient survives on an LSTM's cell path.

    With its forget gate held at f = σ(b), ∂c_t/∂c_{t−k} = f^k, so the
    gradient's half-life is ln 2 / −ln σ(b) steps. Derived in chapter 02.

    Args:
        bias: where the slider starts, between −2 and 7.
    """
    return make_lab(
        "Forget bias and the half-life of the gradient",
        task="Move the bias: how far back does a gradient reach through the "
        "cell, as a share of what it was?",
        controls=slider("bias", "Forget bias", -2.0, 7.0, 0.1, bias),
        picture="""<svg data-part="chart" role="img"
aria-label="Share of the gradient left against the lag"></svg>""",
        sentence="""Forget gate <b data-part="gate"></b>; half-life
<b data-part="half-life"></b> steps; left after 10 steps
<b data-part="left-10"></b>, after 100 steps
<b data-part="left-100"></b>.""",
        script=SCRIPT,
        twin=_twin(bias),
        modules=CHART,
    )


def _twin(bias: float) -> Figure:
    """Plot the share of the gradient left, and mark its half-life."""
    lag = np.logspace(0, 3, 151)
    half_life = np.log(2) / np.log1p(np.exp(-bias))
    twin = Figure(figsize=(6, 3), layout="constrained")
    axes = twin.subplots()
    axes.semilogx(lag, (1 / (1 + np.exp(-bias))) ** lag, color=COLORS["blue"])
    axes.plot(half_life, 0.5, "o", color=COLORS["vermilion"])
    axes.annotate(
        "half-life", (half_life, 0.5), (8, 4), textcoords="offset points"
    )
    axes.set(
        xlabel="lag k, in steps",
        ylabel="share of the gradient left",
        ylim=(0, 1.02),
    )
    axes.set_title(f"Forget bias {bias:g}: half-life {half_life:.1f} steps")
    return twin
