"""Two descents before a cliff, one of them clipped. Chapter 01."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from utils.figures.style import COLORS, SEQUENTIAL
from utils.labs.lab import CHART, Lab, make_lab, module, read, slider
from utils.scratch import RNN, SGD, clip_global_norm

CLIFF = module("js/layers.js") + module("js/cliff.js")
SCRIPT = read("js/cliff_lab.js")
STYLE = read("css/cliff.css")

TIME, START, TARGET, STEPS = 50, 0.5, 0.7, 60
W, B = (0.2, 2.2), (-0.6, 1.0)


class Descent(NamedTuple):
    """The weights before each step, and the loss and the gradient's length
    there."""

    w: Float[np.ndarray, " step"]
    b: Float[np.ndarray, " step"]
    loss: Float[np.ndarray, " step"]
    norm: Float[np.ndarray, " step"]


def end_loss(
    w: Float[np.ndarray, "*grid"], b: Float[np.ndarray, "*grid"]
) -> Float[np.ndarray, "*grid"]:
    """Return (h − 0.7)² after 50 steps h ← tanh(w h + b) from h = 1/2."""
    h = np.full_like(w, START)
    for _ in range(TIME):
        h = np.tanh(w * h + b)
    return (h - TARGET) ** 2


def descend(w: float, b: float, rate: float, clip: float) -> Descent:
    """Take 60 steps of gradient descent on `end_loss`, the gradient clipped.

    The unit is an RNN(1, 1) that reads zeros; g ← g min(1, clip / |g|), over
    both gradients together. Derived in chapter 01.
    """
    unit, half = RNN(1, 1), np.full((1, 1), START)
    unit.params["W_h"][...], unit.params["b"][...] = w, b
    optimizer = SGD([unit.params], learning_rate=rate)
    rows = []
    for _ in range(STEPS):
        before = unit.params["W_h"].item(), unit.params["b"].item()
        outputs, last = unit.forward(np.zeros((1, TIME, 1)), half)
        error = last - TARGET
        grads = unit.backward(np.zeros_like(outputs), 2 * error).params
        norm = clip_global_norm([grads], clip)
        optimizer.step([grads])
        rows.append((*before, error.item() ** 2, norm))
    return Descent(*np.array(rows).T)


def cliff_lab(
    w: float = 1.6, b: float = 0.2, rate: float = 1.0, clip: float = 1.0
) -> Lab:
    """Let the reader begin two descents anywhere before a cliff.

    Args:
        w, b: where both begin, on the map.
        rate: their learning rate, from about 0.03 to 3.
        clip: the longest gradient that the clipped one keeps, 0.1 to 3.
    """
    power = round(float(np.log10(rate)), 1)
    return make_lab(
        "The cliff",
        task="Begin elsewhere: click into the map, or move the sliders. When "
        "does the descent without clipping fall off, and which threshold "
        "brings the other back?",
        controls=slider("w", "First weight", 0.3, 2.1, 0.05, w)
        + slider("b", "First bias", -0.5, 0.9, 0.05, b)
        + slider("rate", "Learning rate", -1.5, 0.5, 0.1, power)
        + slider("clip", "Clip at", 0.1, 3.0, 0.1, clip),
        picture="""<div class="lab-panels">
<div><svg data-part="map" role="img"
aria-label="The loss over weight and bias, and two descents"></svg></div>
<div><svg data-part="losses" role="img"
aria-label="The loss of both descents at each step"></svg></div></div>""",
        sentence="""Not clipped (dashed): the loss ends at
<b data-part="end-0"></b>, the longest gradient is
<b data-part="norm-0"></b>. Clipped (line): it ends at
<b data-part="end-1"></b>, the gradient shortened in
<b data-part="times"></b>.""",
        script=SCRIPT,
        twin=_twin(w, b, 10**power, clip),
        data={
            "time": TIME,
            "start": START,
            "target": TARGET,
            "steps": STEPS,
            "w": W,
            "b": B,
        },
        modules=CHART + CLIFF,
        style=STYLE,
    )


def _twin(w: float, b: float, rate: float, clip: float) -> Figure:
    """Draw the map with both descents, and their losses."""
    twin = Figure(figsize=(6.6, 3.4), layout="constrained")
    left, right = twin.subplots(1, 2)
    grid = np.meshgrid(np.linspace(*W, 300), np.linspace(*B, 300))
    low = np.log10(end_loss(*grid) + 1e-4)
    left.contourf(*grid, low, 40, cmap=SEQUENTIAL)
    for name, limit, color, line in (
        ("not clipped", np.inf, "vermilion", "--"),
        (f"clipped at {clip:g}", clip, "black", "-"),
    ):
        path = descend(w, b, rate, limit)
        style = {"color": COLORS[color], "linestyle": line}
        left.plot(path.w, path.b, marker="o", markersize=3, **style)
        right.semilogy(path.loss + 1e-6, label=name, **style)
    left.set(xlim=W, ylim=B, xlabel="weight $w$", ylabel="bias $b$")
    right.set(xlabel="step", ylabel="loss")
    right.legend()
    return twin
