"""Where each network sends a ball whose positions the reader types.
Chapter 06."""

import html
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from utils.data.balls import SCALE
from utils.figures.style import COLORS
from utils.labs.lab import (
    CHART,
    Lab,
    button,
    buttons,
    make_lab,
    module,
    read,
    slider,
    text_field,
)
from utils.length.ball_rnn import BallRNN

LAYERS = module("js/layers.js")
SCRIPT = read("js/ball.js")
STYLE = read("css/ball.css")

# A colour and a mark for each: they stay apart without colours too.
MARKS = (("blue", "round"), ("vermilion", "square"), ("green", "butt"))
LINE = "two coefficients"
EXAMPLES = {
    "1, 2, 3": "three inputs",
    "0, -3, -6, -9, -12": "as in training",
    "200, 203, 206, 209": "far away",
    "0, 45, 90, 135": "fast",
    "7, 10": "two inputs",
}


def ball_lab(
    networks: Mapping[str, Sequence[BallRNN]], row: str = "1, 2, 3"
) -> Lab:
    """Let the reader type positions and see each network's next one.

    The page computes what `BallRNN.predict` does, from the same weights to nine
    digits.

    Args:
        networks: trained networks by name, one for each seed; those whose name
            ends in "on differences" read steps and predict one.
        row: the positions typed first.

    Raises:
        ValueError: not one to three kinds of network, or not equally many seeds
            of each.
    """
    counts = {len(seeds) for seeds in networks.values()}
    if not 1 <= len(networks) <= len(MARKS) or len(counts) != 1 or 0 in counts:
        raise ValueError(
            f"networks holds {len(networks)} kinds with {sorted(counts)} seeds;"
            f" give one to {len(MARKS)} kinds with equally many seeds"
        )
    answers = "".join(
        f'<tr><th scope="row"><svg viewBox="0 0 16 16" role="img" '
        f'aria-label="Its mark:">'
        f'<path d="M8 8h.01" style="{_mark(m)}"/></svg>{html.escape(name)}</th>'
        f'<td data-part="next-{m}"></td></tr>'
        for m, name in enumerate([*networks, LINE])
    )
    return make_lab(
        "Where is the ball next?",
        task="Type positions separated by commas, or take an example, and move "
        "through the seeds: which answers stay, which jump?",
        controls=text_field("row", "Positions", row)
        + slider("seed", "Seed", 0.0, min(counts) - 1.0, 1.0, 0.0)
        + buttons(
            *(
                button(f"example-{i}", f"{text}: {name}", row=text)
                for i, (text, name) in enumerate(EXAMPLES.items())
            )
        ),
        picture="""<svg data-part="chart" role="img"
aria-label="Positions typed, and each network's next"></svg>""",
        sentence=f"""<span data-part="complaint"></span>
<table class="lab-answers"><caption>After <b data-part="said"></b>:</caption>
<tbody>{answers}</tbody></table>""",
        script=SCRIPT,
        twin=_twin(networks, row),
        data={
            "scale": SCALE,
            "marks": [_mark(m) for m in range(len(networks) + 1)],
            "networks": [
                {
                    "onDifferences": name.endswith("on differences"),
                    "seeds": [_weights(network) for network in seeds],
                }
                for name, seeds in networks.items()
            ],
        },
        modules=LAYERS + CHART,
        style=STYLE,
    )


def next_position(
    network: BallRNN, row: Sequence[float], on_differences: bool
) -> float:
    """Return a network's next position after a row, as the page does."""
    positions = np.array(row, dtype=float)
    inputs = np.diff(positions) if on_differences else positions
    answer = network.predict(inputs[None] / SCALE, np.array([len(inputs)]))[0]
    return float(answer * SCALE + on_differences * positions[-1])


def _mark(m: int) -> str:
    """Return how answer m is drawn; the last is the two coefficients'."""
    colour, cap = [*MARKS, ("ink", "butt")][m if m < len(MARKS) else -1]
    width = 12 if cap != "butt" else 10
    dash = ";stroke-opacity:.45" * (cap == "butt")
    return (
        f"stroke:var(--{colour});stroke-width:{width};"
        f"stroke-linecap:{'round' if cap == 'round' else 'square'}{dash}"
    )


def _weights(network: BallRNN) -> dict[str, object]:
    """Name a network's parameters as js/layers.js does."""
    w, W, b, v, c = network.parts(network.theta)
    named = {"W_x": w[None], "W_h": W, "b": b, "v": v, "c": c[0]}
    return {
        name: [[float(f"{x:.9g}") for x in line] for line in part]
        if part.ndim == 2
        else [float(f"{x:.9g}") for x in part]
        if part.ndim == 1
        else float(f"{part:.9g}")
        for name, part in named.items()
    }


def _twin(networks: Mapping[str, Sequence[BallRNN]], row: str) -> Figure:
    """Draw the row and every network's next position, seed 0."""
    positions = [float(part) for part in row.split(",")]
    n = len(positions)
    twin = Figure(figsize=(6, 3.2), layout="constrained")
    axes = twin.subplots()
    axes.plot(range(1, n + 1), positions, "o", color=COLORS["black"])
    for (name, seeds), (colour, _) in zip(
        networks.items(), MARKS, strict=False
    ):
        answer = next_position(
            seeds[0], positions, name.endswith("on differences")
        )
        label = f"{name}: {answer:.2f}"
        axes.plot(n + 1, answer, "s", color=COLORS[colour], label=label)
    answer = 2 * positions[-1] - positions[-2]
    axes.plot(n + 1, answer, "k+", ms=12, label=f"{LINE}: {answer:g}")
    axes.set(xlabel="second", ylabel="position", title=f"After {row}")
    axes.set_xticks(range(1, n + 2))
    axes.legend(fontsize=9)
    return twin
