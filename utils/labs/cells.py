"""One LSTM or GRU unit that the reader steps by hand. Chapters 02 and 03."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

import numpy as np
from matplotlib.figure import Figure

from utils.figures.style import COLORS
from utils.labs.lab import CHART, Lab, button, buttons, make_lab, read, slider

CELL_SCRIPT = read("js/cell.js")
LSTM_SCRIPT = read("js/lstm_cell.js")
GRU_SCRIPT = read("js/gru_cell.js")

SQUASH: dict[str, Callable[[float], float]] = {
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "none": lambda z: z,
}

LSTM_GATES = {
    "f": ("Forget gate f", "sigmoid"),
    "i": ("Input gate i", "sigmoid"),
    "g": ("Candidate g", "tanh"),
    "o": ("Output gate o", "sigmoid"),
}
LSTM_PRESETS = {
    "Write": {"f": -5.0, "i": 5.0, "g": 1.5, "o": -5.0},
    "Keep": {"f": 5.0, "i": -5.0, "g": -1.5, "o": -5.0},
    "Leak": {"f": 1.0, "i": -5.0, "g": -1.5, "o": -5.0},
    "Read": {"f": 5.0, "i": -5.0, "g": -1.5, "o": 5.0},
}
LSTM_STORY = ["Write", *["Keep"] * 6, *["Read"] * 2, *["Keep"] * 2, "Leak"]

GRU_GATES = {
    "r": ("Reset gate r", "sigmoid"),
    "a": ("Input's part a", "none"),
    "z": ("Update gate z", "sigmoid"),
}
GRU_PRESETS = {
    "Write": {"r": -5.0, "a": 1.5, "z": -5.0},
    "Keep": {"r": -5.0, "a": -1.5, "z": 5.0},
    "Blend": {"r": -5.0, "a": -1.5, "z": 2.0},
    "Recompute": {"r": 5.0, "a": 0.0, "z": -5.0},
}
GRU_STORY = ["Write", *["Keep"] * 6, *["Blend"] * 3, *["Keep"] * 2]


def lstm_cell_lab() -> Lab:
    """Show one LSTM unit that the reader steps by hand.

    c_t = f c_{t−1} + i g and h_t = o tanh(c_t), with f, i, o = σ(slider) and
    g = tanh(slider). Derived in chapter 02.
    """
    diagram = (
        '<path class="lab-axis" d="M5 35H290M45 92V35M115 92V65H175V92'
        'M145 65V35M245 92V75M218 35V75H290"/>'
        '<text x="5" y="19">c before</text>'
        '<text x="290" y="19" text-anchor="end">c after</text>'
        '<text x="290" y="69" text-anchor="end">h</text>'
        + _node("×", 45, 35)
        + _node("+", 145, 35)
        + _node("×", 145, 65)
        + _node("×", 245, 75)
        + _squash(218, 55)
        + _gate("f", 45)
        + _gate("i", 115)
        + _gate("g", 175)
        + _gate("o", 245)
    )
    cells, hidden = [0.0], [0.0]
    for preset in LSTM_STORY:
        gate = _opened(LSTM_GATES, LSTM_PRESETS[preset])
        cells.append(gate["f"] * cells[-1] + gate["i"] * gate["g"])
        hidden.append(gate["o"] * np.tanh(cells[-1]))
    return _cell_lab(
        "One LSTM unit, step by step",
        LSTM_GATES,
        LSTM_PRESETS,
        LSTM_STORY,
        {"c": "var(--blue)", "h": "var(--vermilion)"},
        diagram,
        LSTM_SCRIPT,
        _twin(
            {"c": cells, "h": hidden},
            LSTM_STORY,
            "Write, keep, read, keep, leak: one LSTM unit",
        ),
    )


def gru_cell_lab() -> Lab:
    """Show one GRU unit that the reader steps by hand.

    h̃ = tanh(a + r h_{t−1}) and h_t = z h_{t−1} + (1 − z) h̃, with
    r, z = σ(slider) and a the slider itself; the recurrent weight is 1.
    Derived in chapter 03.
    """
    diagram = (
        '<path class="lab-axis" d="M5 35H290M32 35V92'
        "M32 70H184a6 6 0 0 1 12 0H245V35M97 92V70"
        'M190 92V35M203 105H245V70"/>'
        '<text x="5" y="19">h before</text>'
        '<text x="290" y="19" text-anchor="end">h after</text>'
        '<text x="252" y="100">1 − z</text>'
        + _node("×", 32, 70)
        + _node("+", 97, 70)
        + _node("×", 190, 35)
        + _node("×", 245, 70)
        + _node("+", 245, 35)
        + _squash(145, 70)
        + _gate("r", 32)
        + _gate("a", 97)
        + _gate("z", 190)
    )
    hidden = [0.0]
    for preset in GRU_STORY:
        gate = _opened(GRU_GATES, GRU_PRESETS[preset])
        candidate = np.tanh(gate["a"] + gate["r"] * hidden[-1])
        hidden.append(gate["z"] * hidden[-1] + (1 - gate["z"]) * candidate)
    return _cell_lab(
        "One GRU unit, step by step",
        GRU_GATES,
        GRU_PRESETS,
        GRU_STORY,
        {"h": "var(--blue)"},
        diagram,
        GRU_SCRIPT,
        _twin(
            {"h": hidden}, GRU_STORY, "Write, keep, blend, keep: one GRU unit"
        ),
    )


def _cell_lab(
    title: str,
    gates: Mapping[str, tuple[str, str]],
    presets: Mapping[str, Mapping[str, float]],
    story: Sequence[str],
    traces: Mapping[str, str],
    diagram: str,
    script: str,
    twin: Figure,
) -> Lab:
    """Assemble a one-unit cell: sliders, presets, diagram, chart, the sum.

    `gates` maps a slider's name to its label and squashing function, `traces` a
    state to its colour; `story` names the presets that were applied before the
    reader comes.
    """
    names = list(presets)
    start = presets[story[-1]]
    controls = "".join(
        slider(name, label, -6.0, 6.0, 0.1, start[name])
        for name, (label, _) in gates.items()
    )
    settings = [button(f"preset-{i}", name) for i, name in enumerate(names)]
    keys = " ".join(
        f'<span style="border-bottom:3px solid {colour}">{trace} = '
        f'<b data-part="now-{trace}"></b></span>'
        for trace, colour in traces.items()
    )
    picture = f"""<div class="lab-panels">
<svg class="lab-diagram" viewBox="0 0 295 125" role="img"
aria-label="The cell with its gates">{diagram}</svg>
<svg data-part="chart" role="img"
aria-label="The state over the last steps"></svg></div>"""
    data = {
        "gates": {
            name: {"squash": squash} for name, (_, squash) in gates.items()
        },
        "presets": list(presets.values()),
        "story": [names.index(name) for name in story],
        "traces": dict(traces),
    }
    return make_lab(
        title,
        task="Set the gates, by hand or with a button, and take a step: the "
        "chart keeps what the unit holds.",
        controls=controls
        + buttons("Set the gates to", *settings)
        + buttons(
            button("step", "Take this step", main=True),
            button("reset", "Reset the state"),
        ),
        picture=picture,
        sentence=f"""After step <b data-part="step-now"></b>: {keys}.
Next: <span data-part="sum"></span>""",
        script=script + CELL_SCRIPT,
        twin=twin,
        data=data,
        modules=CHART,
    )


def _gate(name: str, x: int) -> str:
    """Return a gate's disc, which fills as it opens, its symbol and value."""
    return (
        f'<circle cx="{x}" cy="105" r="13" '
        f'style="fill:var(--blue);stroke:var(--ink)" data-part="{name}-disc"/>'
        f'<text x="{x + 17}" y="102">{name}</text>'
        f'<text x="{x + 17}" y="117" data-part="{name}-value"></text>'
    )


def _node(symbol: str, x: int, y: int) -> str:
    """Return an operation on the diagram's lines."""
    return (
        f'<circle cx="{x}" cy="{y}" r="10" '
        'style="fill:var(--paper);stroke:var(--ink)"/>'
        f'<text x="{x}" y="{y + 4}" text-anchor="middle">{symbol}</text>'
    )


def _squash(x: int, y: int) -> str:
    """Return a tanh on the diagram's lines."""
    return (
        f'<rect x="{x - 18}" y="{y - 9}" width="36" height="18" rx="3" '
        'style="fill:var(--paper);stroke:var(--ink)"/>'
        f'<text x="{x}" y="{y + 4}" text-anchor="middle">tanh</text>'
    )


def _opened(
    gates: Mapping[str, tuple[str, str]], preset: Mapping[str, float]
) -> dict[str, float]:
    """Return what each gate lets through with its slider at a preset."""
    return {
        name: float(SQUASH[squash](preset[name]))
        for name, (_, squash) in gates.items()
    }


def _twin(
    states: Mapping[str, Sequence[float]], story: Sequence[str], title: str
) -> Figure:
    """Plot the states over a story's steps, in the colours of the lab, each
    stretch of it named above."""
    twin = Figure(figsize=(7, 3.2), layout="constrained")
    axes = twin.subplots()
    colours = ("blue", "vermilion")
    for (name, values), colour in zip(states.items(), colours, strict=False):
        axes.plot(values, "o-", color=COLORS[colour], label=name, markersize=4)
    axes.axhline(0, color="black", linewidth=0.8)
    begin, top = 0, axes.get_xaxis_transform()
    for number, (preset, steps) in enumerate(groupby(story)):
        end = begin + len(list(steps))
        axes.axvspan(
            begin, end, color="gray", alpha=0.15 * (number % 2), linewidth=0
        )
        middle = (begin + end) / 2
        axes.text(
            middle, 0.97, preset.lower(), transform=top, ha="center", va="top"
        )
        begin = end
    axes.set(xlabel="step", ylabel="state", title=title, xlim=(0, begin))
    axes.margins(y=0.2)
    axes.legend(loc="center left")
    return twin
