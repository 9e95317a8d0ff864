"""The recurrent cells' computation graphs, unrolled over a few steps."""

from typing import NamedTuple

from matplotlib import patches
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure


class _Node(NamedTuple):
    """One operation of a cell: where it stands in the cell's box, its sign
    and its colour."""

    x: float
    y: float
    sign: str
    color: str = "white"


class _Cell(NamedTuple):
    """The computation graph of one time step, in a box one unit wide and one
    unit high.

    `paths` are chains of points: nodes by name, or coordinates. A path ends
    with an arrow where it ends at a node. `states` gives the heights at which
    the states enter and leave, `x_enters` and `h_leaves` the places of the
    input below and of the output above.
    """

    nodes: dict[str, _Node]
    paths: list[list[str | tuple[float, float]]]
    states: dict[str, float]
    x_enters: float
    h_leaves: float


_BELOW, _ABOVE = -0.2, 1.2


_SIGMOID, _TANH = "#A9D6F2", "#F6D08A"


_CELLS = {
    "rnn": _Cell(
        nodes={"h": _Node(0.5, 0.5, "tanh", _TANH)},
        paths=[
            [(0, 0.5), "h"],
            [(0.5, _BELOW), "h"],
            ["h", (1, 0.5)],
            [(0.82, 0.5), (0.82, _ABOVE)],
        ],
        states={"h": 0.5},
        x_enters=0.5,
        h_leaves=0.82,
    ),
    "lstm": _Cell(
        nodes={
            "f": _Node(0.15, 0.38, "σ", _SIGMOID),
            "i": _Node(0.33, 0.38, "σ", _SIGMOID),
            "g": _Node(0.52, 0.38, "tanh", _TANH),
            "o": _Node(0.71, 0.38, "σ", _SIGMOID),
            "forget": _Node(0.15, 0.86, "×"),
            "write": _Node(0.425, 0.62, "×"),
            "add": _Node(0.425, 0.86, "+"),
            "squash": _Node(0.87, 0.64, "tanh", _TANH),
            "read": _Node(0.87, 0.38, "×"),
        },
        paths=[
            [(0, 0.86), "forget"],
            ["forget", "add"],
            ["add", (1, 0.86)],
            [(0.87, 0.86), "squash"],
            ["squash", "read"],
            ["read", (0.87, 0.12), (1, 0.12)],
            [(0.96, 0.12), (0.96, _ABOVE)],
            [(0, 0.12), (0.71, 0.12), "o"],
            [(0.15, 0.12), "f"],
            [(0.33, 0.12), "i"],
            [(0.52, 0.12), "g"],
            [(0.07, _BELOW), (0.07, 0.12)],
            ["f", "forget"],
            ["i", (0.33, 0.62), (0.425, 0.62)],
            ["g", (0.52, 0.62), (0.425, 0.62)],
            ["write", "add"],
            ["o", "read"],
        ],
        states={"c": 0.86, "h": 0.12},
        x_enters=0.07,
        h_leaves=0.96,
    ),
    "gru": _Cell(
        nodes={
            "r": _Node(0.2, 0.32, "σ", _SIGMOID),
            "z": _Node(0.46, 0.32, "σ", _SIGMOID),
            "n": _Node(0.8, 0.32, "tanh", _TANH),
            "reset": _Node(0.2, 0.6, "×"),
            "keep": _Node(0.46, 0.86, "×"),
            "rest": _Node(0.63, 0.6, "1−"),
            "new": _Node(0.8, 0.6, "×"),
            "add": _Node(0.8, 0.86, "+"),
        },
        paths=[
            [(0, 0.86), "keep"],
            ["keep", "add"],
            ["add", (1, 0.86)],
            [(0.93, 0.86), (0.93, _ABOVE)],
            [(0.07, 0.86), (0.07, 0.14), (0.46, 0.14), "z"],
            [(0.2, 0.14), "r"],
            [(0.2, 0.86), "reset"],
            ["r", "reset"],
            [
                "reset",
                (0.33, 0.6),
                (0.33, 0.46),
                (0.64, 0.46),
                (0.64, 0.32),
                "n",
            ],
            ["z", "keep"],
            [(0.46, 0.6), "rest"],
            ["rest", "new"],
            ["n", "new"],
            ["new", "add"],
            [(0.13, _BELOW), (0.13, 0.14)],
            [(0.13, 0.03), (0.8, 0.03), "n"],
        ],
        states={"h": 0.86},
        x_enters=0.13,
        h_leaves=0.93,
    ),
}


_PITCH = 1.32


def draw_unrolled_graph(cell: str, steps: int = 3) -> Figure:
    """Draw the computation graph of a recurrent cell over several time steps.

    `σ` and `tanh` act on an affine map of what enters them; `×`, `+` and `1−`
    act elementwise. Every step shows the same operations because it shares
    their weights.

    Args:
        cell: "rnn", "lstm" or "gru"; chapters 1, 2 and 3 derive their
            equations. The GRU applies its reset gate before the product (Cho et
            al. 2014, https://arxiv.org/abs/1406.1078).
        steps: how many time steps to draw, at least 1.

    Raises:
        ValueError: the cell is unknown or there is no step to draw.
    """
    if cell not in _CELLS:
        raise ValueError(
            f"cell is {cell!r}; it must be one of {', '.join(_CELLS)}"
        )
    if steps < 1:
        raise ValueError(f"steps is {steps}; it must be at least 1")
    graph = _CELLS[cell]
    figure, ax = plt.subplots(figsize=(2.4 * steps, 2.7))
    for step in range(steps):
        _draw_cell(ax, graph, _PITCH * step, step + 1)
    for name, height in graph.states.items():
        for step in range(steps + 1):
            end = _PITCH * step
            ax.plot(
                [end - (_PITCH - 1), end],
                [height, height],
                color="black",
                lw=1.2,
            )
            ax.text(
                end - (_PITCH - 1) / 2,
                height + 0.04,
                f"${name}_{step}$",
                ha="center",
                size=13,
            )
    ax.set(xlim=(1 - _PITCH, _PITCH * steps), ylim=(-0.4, 1.4))
    ax.set_axis_off()
    return figure


def _draw_cell(ax: Axes, graph: _Cell, left: float, step: int) -> None:
    """Draw one time step's box, its operations, its arrows, its input and
    its output."""
    ax.add_patch(
        patches.FancyBboxPatch(
            (left, -0.04),
            1,
            1.08,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor="#F1F4F6",
            edgecolor="#8A979E",
            zorder=0,
        )
    )
    for path in graph.paths:
        points = [
            graph.nodes[point][:2] if isinstance(point, str) else point
            for point in path
        ]
        placed = [(left + x, y) for x, y in points]
        ax.plot(*zip(*placed, strict=True), color="black", lw=1.2, zorder=1)
        # A dot tells a branch from two lines that only cross.
        branches = [
            (x, y)
            for x, y in (points[0], points[-1])
            if 0 < x < 1 and _BELOW < y < _ABOVE
        ]
        for x, y in branches:
            ax.plot(left + x, y, "o", color="black", markersize=3.5, zorder=1)
        if isinstance(path[-1], str):
            _draw_arrow_head(ax, placed[-2], placed[-1], graph.nodes[path[-1]])
    for node in graph.nodes.values():
        ax.text(
            left + node.x,
            node.y,
            node.sign,
            ha="center",
            va="center",
            size=10,
            bbox={
                "boxstyle": "round,pad=0.25",
                "facecolor": node.color,
                "edgecolor": "black",
            },
        )
    ax.text(
        left + graph.h_leaves,
        _ABOVE + 0.02,
        f"$h_{step}$",
        ha="center",
        va="bottom",
        size=13,
    )
    ax.text(
        left + graph.x_enters,
        _BELOW - 0.02,
        f"$x_{step}$",
        ha="center",
        va="top",
        size=13,
    )


def _draw_arrow_head(
    ax: Axes, start: tuple[float, float], end: tuple[float, float], node: _Node
) -> None:
    """Let an arrow touch the frame of the node it ends at, whose width
    follows its sign's."""
    is_vertical = start[0] == end[0]
    gap = 10 if is_vertical else 6 + 3.5 * len(node.sign)
    arrow = {
        "arrowstyle": "-|>",
        "color": "black",
        "shrinkA": 0,
        "shrinkB": gap,
        "lw": 0,
    }
    ax.annotate("", xy=end, xytext=start, arrowprops=arrow)
