"""How far a gradient reaches, against the spectral radius. Chapter 01."""

import functools

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from scipy.stats import ortho_group

from utils.figures.style import COLORS
from utils.labs.lab import CHART, Lab, make_lab, module, read, slider
from utils.scratch import RNN

VANISHING = module("js/layers.js") + module("js/vanishing.js")
SCRIPT = read("js/vanishing_lab.js")

UNITS, COUNT, TIME = 16, 4, 41


@functools.cache
def setting() -> tuple[
    Float[np.ndarray, "unit unit"],
    Float[np.ndarray, " unit"],
    Float[np.ndarray, "count time unit"],
]:
    """Draw what every view shares: Q, orthogonal to four digits, the gradient v
    of the last state, and inputs of −1 and 1."""
    rng = np.random.default_rng(4)
    Q = ortho_group.rvs(UNITS, random_state=rng).round(4)
    v = rng.normal(size=UNITS).round(3)
    return Q, v, 2.0 * rng.integers(0, 2, (COUNT, TIME, UNITS)) - 1


def reach(
    radius: float, strength: float
) -> tuple[Float[np.ndarray, " time"], float]:
    """Return |∂L/∂x_{T−k}| by lag k as shares of lag 0, and χ.

    The layer is h_t = tanh(s x_t + h_{t−1} ρ Q) and the loss L = v · h_T;
    χ = ρ √mean[(1 − h²)²] is the factor of one step that the slopes predict.
    Norms are averaged over the sequences. Derived in chapter 01.

    Args:
        radius: the spectral radius ρ of the recurrent weights.
        strength: s, how strongly the inputs drive the units.
    """
    Q, v, x = setting()
    layer = RNN(UNITS, UNITS)
    layer.params |= {
        "W_x": strength * np.eye(UNITS),
        "W_h": radius * Q,
        "b": np.zeros(UNITS),
    }
    outputs, _ = layer.forward(x)
    d_outputs = np.zeros_like(outputs)
    d_outputs[:, -1] = v
    d_x = layer.backward(d_outputs).x
    norms = np.linalg.norm(d_x, axis=2).mean(axis=0)[::-1]
    slopes = 1 - outputs**2
    return norms / norms[0], float(radius * np.sqrt(np.mean(slopes**2)))


def vanishing_lab(radius: float = 1.0, strength: float = 0.5) -> Lab:
    """Let the reader set the spectral radius and see the gradient's reach.

    The page runs the layer forward and backward at every move of a slider.

    Args:
        radius: where the spectral radius starts, between 0.1 and 2.
        strength: where the inputs' strength starts, between 0.1 and 2.
    """
    Q, v, x = setting()
    return make_lab(
        "Spectral radius and the reach of the gradient",
        task="Move the radius of the recurrent weights, then the strength of "
        "the inputs, which flattens the tanh. Can you make the gradient keep "
        "its size over forty steps?",
        controls=slider("radius", "Spectral radius", 0.1, 2.0, 0.05, radius)
        + slider("strength", "Strength of the inputs", 0.1, 2.0, 0.1, strength),
        picture="""<svg data-part="chart" role="img"
aria-label="Gradient against the lag, on a logarithmic axis"></svg>""",
        sentence="""Measured (blue), a step multiplies the gradient by
<b data-part="factor"></b>: <b data-part="verdict"></b>. The slopes predict
χ = <b data-part="chi"></b> (dashed); the radius alone gives the dotted line.
Left after 10 steps <b data-part="left-10"></b>, after 40
<b data-part="left-40"></b>.""",
        script=SCRIPT,
        twin=_twin(radius, strength),
        data={
            "Q": Q.tolist(),
            "v": v.tolist(),
            "bits": "".join("1" if value > 0 else "0" for value in x.ravel()),
            "count": COUNT,
            "time": TIME,
        },
        modules=VANISHING + CHART,
    )


def _twin(radius: float, strength: float) -> Figure:
    """Draw the page's first view, and a smaller and a larger radius."""
    lags = np.arange(TIME)
    twin = Figure(figsize=(6, 3), layout="constrained")
    axes = twin.subplots()
    for each, color in (
        (0.7 * radius, "sky"),
        (radius, "blue"),
        (1.5 * radius, "green"),
    ):
        norms, chi = reach(each, strength)
        axes.semilogy(lags, norms, color=COLORS[color], label=f"ρ = {each:.2f}")
        axes.semilogy(lags, chi**lags, "--", color=COLORS["vermilion"], lw=0.8)
    axes.set(
        xlabel="lag k, in steps",
        ylabel="gradient, as at lag 0",
        title="A step's factor decides how far the gradient reaches",
    )
    axes.legend()
    return twin
