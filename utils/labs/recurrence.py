"""A scan joined level by level, and Newton's method on a gain. Chapter 12."""

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from utils.figures.style import COLORS
from utils.labs.lab import CHART, Lab, make_lab, read, slider
from utils.recurrences.newton import newton
from utils.scratch.rnn import RNN
from utils.scratch.scan import linear_scan

SCAN_SCRIPT = read("js/scan.js")
NEWTON_SCRIPT = read("js/newton.js")

NEW = [1.0, 0.0, 2.0, 0.0, 0.0, -1.0, 0.0, 3.0]  # b_t of the scan's eight steps
SCAN_LEVELS = 5  # three of joining neighbours, two of filling in
COLUMN, ROW = 52, 38

UNITS, STEPS = 8, 100
MOST_GAIN = 3.0


def scan_lab(a: float = 0.5) -> Lab:
    """Show which steps a scan joins at each level, and what it gets.

    Eight steps of h_t = a h_{t-1} + b_t. A box s:t holds the pair (a, b) that
    leads over the steps s to t; from the first step on, its b is the state h_t.
    The code is `utils.scratch.scan`.

    Args:
        a: where the slider of the transition starts, between -1 and 1.
    """
    width = COLUMN * len(NEW) + 12
    height = ROW * (SCAN_LEVELS + 1) + 30
    last = float(SCAN_LEVELS)
    return make_lab(
        "A scan, level by level",
        task="Raise the level: which pairs are joined, and which states are "
        "known then? Try the transitions 1, 0 and −1.",
        controls=slider("level", "Level", 0.0, last, 1.0, 0.0)
        + slider("a", "Transition", -1.0, 1.0, 0.1, a),
        picture=f"""<svg viewBox="0 0 {width} {height}" role="img"
aria-label="The pairs of the scan, a column for each step, a row for each level"
>{_boxes()}</svg>""",
        sentence=f"""<span data-part="said"></span> States known:
<b data-part="known"></b> of {len(NEW)}.""",
        script=SCAN_SCRIPT,
        twin=_scan_twin(a),
        data={"b": NEW},
    )


def _boxes() -> str:
    """Return a hidden box for every step and level, and the steps' names."""
    shapes = []
    for t in range(len(NEW)):
        x = COLUMN * (t + 0.5) + 6
        for row in range(SCAN_LEVELS + 1):
            y = ROW * row + 4
            shapes.append(
                f'<g data-part="box-{row}-{t}">'
                f'<rect x="{x - 23:.0f}" y="{y}" width="46" height="30" '
                f'rx="4" class="lab-axis" data-part="frame-{row}-{t}"/>'
                f'<text x="{x:.0f}" y="{y + 13}" text-anchor="middle" '
                f'data-part="span-{row}-{t}"></text>'
                f'<text x="{x:.0f}" y="{y + 26}" text-anchor="middle" '
                f'data-part="pair-{row}-{t}"></text></g>'
            )
        y = ROW * (SCAN_LEVELS + 1) + 22
        shapes.append(
            f'<text x="{x:.0f}" y="{y}" text-anchor="middle">'
            f'h<tspan dy="3">{t + 1}</tspan><tspan dy="-3"> </tspan>'
            f'<tspan data-part="h-{t}"></tspan></text>'
        )
    return "".join(shapes)


def _scan_twin(a: float) -> Figure:
    """Plot the states that the last level holds."""
    b = np.array(NEW)[None, :, None]
    h = linear_scan(np.full_like(b, a), b)[0, :, 0]
    twin = Figure(figsize=(6, 3), layout="constrained")
    axes = twin.subplots()
    steps = np.arange(1, len(NEW) + 1)
    axes.stem(steps, b[0, :, 0], linefmt="0.6", basefmt=" ", label="new, $b_t$")
    axes.plot(steps, h, "o-", color=COLORS["blue"], label="state, $h_t$")
    axes.set(xlabel="step t", title=f"Eight steps with a = {a:g}")
    axes.legend()
    return twin


def newton_lab(gain: float = 1.0) -> Lab:
    """Show how many iterations Newton's method needs at a recurrent gain.

    A tanh RNN of 8 units over 100 steps, whose recurrent weights are the gain
    times an orthogonal matrix: all eigenvalues have its size. The page solves
    each linear recurrence by a loop; `utils.recurrences.newton` does by a scan,
    with the same result.

    Args:
        gain: where the slider starts, between 0.1 and 3.
    """
    layer, x = newton_example()
    return make_lab(
        "How much gain does Newton's method bear?",
        task="Raise the gain: how many iterations does Newton's method need "
        "now, and what does the network do to a small difference?",
        controls=slider("gain", "Recurrent gain", 0.1, MOST_GAIN, 0.1, gain),
        picture="""<svg data-part="needed" role="img"
aria-label="Iterations of Newton's method against the gain"></svg>
<svg data-part="residuals" role="img"
aria-label="Largest residual after each iteration"></svg>""",
        sentence=f"""At gain <b data-part="now"></b> Newton needs
<b data-part="iterations"></b> iterations for {STEPS} steps. A small difference
between two states is multiplied by <b data-part="growth"></b> per step.""",
        script=NEWTON_SCRIPT,
        twin=_newton_twin(),
        data={
            "W": layer.params["W_h"].tolist(),
            "drive": (x[0] @ layer.params["W_x"]).round(4).tolist(),
            "most": MOST_GAIN,
        },
        modules=CHART,
    )


def newton_example(
    gain: float = 1.0,
) -> tuple[RNN, Float[np.ndarray, "batch time input"]]:
    """Return the lab's RNN and its inputs."""
    rng = np.random.default_rng(0)
    layer = RNN(UNITS, UNITS, bias=False)
    W, _ = np.linalg.qr(rng.normal(size=(UNITS, UNITS)))
    layer.params |= {"W_x": np.eye(UNITS), "W_h": gain * W.round(4)}
    return layer, rng.normal(scale=0.5, size=(1, STEPS, UNITS)).round(4)


def _newton_twin() -> Figure:
    """Plot the iterations needed at every gain of the slider."""
    gains = np.arange(1, round(10 * MOST_GAIN) + 1) / 10
    iterations = [newton(*newton_example(gain)).iterations for gain in gains]
    twin = Figure(figsize=(6, 3), layout="constrained")
    axes = twin.subplots()
    axes.plot(gains, iterations, color=COLORS["blue"])
    axes.set(xlabel="recurrent gain", ylabel="iterations")
    axes.set_title(f"Newton's iterations for {STEPS} steps")
    return twin
