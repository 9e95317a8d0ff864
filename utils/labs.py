"""Interactive figures that live in a static page: no kernel, no library, no request.

Each public function returns a `Lab`. Shown as a cell's last expression it gives a MIME bundle of
two twins: hand-written HTML, SVG and script for browsers, and a PNG of the first view for paper.
`make_lab` is the machinery that all labs share; controls are native, so the keyboard works.
"""

import base64
import hashlib
import html
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from utils.plotting import COLORS, heat_map

# Colours come from whichever page shows the lab: the book's theme, JupyterLab or Colab.
# Outside the book the palette is mixed with the ink, to stand out on light and on dark.
STYLE = f"""
.unrolled-lab {{
  --ink: var(--unrolled-ink, var(--jp-content-font-color1,
         var(--colab-primary-text-color, #1c1c1c)));
  --paper: var(--unrolled-surface, var(--jp-layout-color1,
           var(--colab-primary-surface-color, #f6f6f6)));
  --blue: var(--unrolled-blue, color-mix(in srgb, {COLORS["blue"]} 75%, var(--ink)));
  --vermilion: var(--unrolled-vermilion,
               color-mix(in srgb, {COLORS["vermilion"]} 75%, var(--ink)));
  --green: var(--unrolled-green, color-mix(in srgb, {COLORS["green"]} 75%, var(--ink)));
  color: var(--ink); background: var(--paper);
  border: 1px solid color-mix(in srgb, var(--ink) 25%, transparent); border-radius: 6px;
  padding: .75rem 1rem; margin: 1rem 0; max-width: 42rem; font-size: .95rem; line-height: 1.4;
}}
.unrolled-lab .lab-title {{ font-weight: 600; margin: 0 0 .5rem; }}
.unrolled-lab .lab-controls {{
  display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: .25rem 1.5rem;
}}
.unrolled-lab label {{ display: block; margin: 0; }}
.unrolled-lab input[type=range] {{ display: block; width: 100%; accent-color: var(--blue); }}
.unrolled-lab button {{
  color: var(--ink); background: transparent; border: 1px solid var(--ink); border-radius: 4px;
  padding: .3rem .7rem; margin: .4rem .3rem .4rem 0; font: inherit; cursor: pointer;
}}
.unrolled-lab select {{
  font: inherit; color: var(--ink); background: var(--paper);
  border: 1px solid var(--ink); border-radius: 4px; padding: .2rem .4rem; max-width: 100%;
}}
.unrolled-lab :focus-visible {{ outline: 3px solid var(--blue); outline-offset: 2px; }}
.unrolled-lab output {{ display: block; margin: .4rem 0; font-variant-numeric: tabular-nums; }}
.unrolled-lab svg {{ display: block; width: 100%; max-width: 34rem; margin: .5rem 0; }}
.unrolled-lab svg text {{ fill: var(--ink); font-size: 12px; font-family: inherit; }}
.unrolled-lab .lab-axis {{ stroke: var(--ink); stroke-width: 1; fill: none; }}
.unrolled-lab .lab-grid {{ stroke: var(--ink); stroke-opacity: .2; fill: none; }}
.unrolled-lab .lab-line {{ stroke-width: 2.5; fill: none; }}
"""

# Every lab's script runs after these four helpers, with `root` and `data` in reach.
PRELUDE = """
const find = name => root.querySelector(`[data-part="${name}"]`);
const number = name => Number(find(name).value);
const write = (name, text) => { find(name).textContent = text; };
const set = (name, attributes) => {
  for (const [key, value] of Object.entries(attributes)) find(name).setAttribute(key, value);
};
"""


@dataclass(frozen=True)
class Lab:
    """An interactive figure and its static twin, which Jupyter displays as one MIME bundle."""

    title: str
    html: str = field(repr=False)
    png: bytes = field(repr=False)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """Offer browsers the live HTML and everything else the picture."""
        return {
            "text/plain": f"<Lab: {self.title}>",
            "text/html": self.html,
            "image/png": base64.b64encode(self.png).decode("ascii"),
        }


def make_lab(
    title: str,
    body: str,
    script: str,
    twin: Figure,
    data: Mapping[str, Any] | None = None,
    style: str = "",
) -> Lab:
    """Bundle a lab's markup, script and static twin.

    Mark what the script touches with `data-part="name"`; it then reads `number("name")`, writes
    `write("name", text)`, sets attributes with `set("name", {...})` and reaches the element
    itself with `find("name")`. No element needs an id, so a page may hold a lab twice.

    Args:
        title: names the lab to every reader; also its accessible name.
        body: HTML between the title and the script.
        script: JavaScript statements, run once per copy with `root` (the lab's element) and `data`.
        twin: the lab's first view as a matplotlib figure.
        data: anything JSON holds, handed to the script.
        style: CSS for this lab alone; begin each selector with `.unrolled-lab`.
    """
    values = json.dumps(data or {}, separators=(",", ":")).replace("<", "\\u003c")
    key = hashlib.sha256((title + body + script + values).encode()).hexdigest()[:12]
    name = html.escape(title, quote=True)
    page = f"""<style>{STYLE}{style}</style>
<div class="unrolled-lab" role="group" aria-label="{name}" data-lab="{key}">
<p class="lab-title">{name}</p>
{body}
</div>
<script>
for (const root of document.querySelectorAll('[data-lab="{key}"]:not([data-ready])')) {{
root.setAttribute("data-ready", "");
const data = {values};
{PRELUDE}{script}
}}
</script>"""
    picture = io.BytesIO()
    twin.savefig(picture, format="png", dpi=110)
    return Lab(title, page, picture.getvalue())


def slider(name: str, label: str, minimum: float, maximum: float, step: float, value: float) -> str:
    """Return a labelled native range input; a span after the label holds its meaning in words.

    The span's part is called `<name>-text`.
    """
    return (
        f'<label>{label} <span data-part="{name}-text"></span>'
        f'<input type="range" data-part="{name}" min="{minimum:g}" max="{maximum:g}" '
        f'step="{step:g}" value="{value:g}"></label>'
    )


def button(name: str, label: str) -> str:
    """Return a native push button."""
    return f'<button type="button" data-part="{name}">{label}</button>'


def forget_bias_lab(bias: float = 1.0) -> Lab:
    """Show how long a gradient survives on an LSTM's cell path with its forget gate at σ(b).

    With a constant forget gate f = σ(b), ∂c_t/∂c_{t−k} = f^k, so its half-life is
    ln 2 / −ln σ(b) steps. Derived in chapter 02.

    Args:
        bias: where the slider starts, between −2 and 7.
    """
    left, right, top, bottom = 40, 340, 10, 150

    def across(lag: int) -> float:
        return left + (right - left) * np.log10(lag) / 3

    ticks = "".join(
        f'<path class="lab-grid" d="M{across(lag):.1f} {top}V{bottom}"/>'
        f'<text x="{across(lag):.1f}" y="{bottom + 16}" text-anchor="middle">{lag}</text>'
        for lag in (1, 10, 100, 1000)
    ) + "".join(
        f'<path class="lab-grid" d="M{left} {bottom - (bottom - top) * share:.1f}H{right}"/>'
        f'<text x="{left - 5}" y="{bottom - (bottom - top) * share + 4:.1f}" '
        f'text-anchor="end">{share:g}</text>'
        for share in (0, 0.5, 1)
    )
    body = f"""<div class="lab-controls">{slider("bias", "Forget bias", -2.0, 7.0, 0.1, bias)}</div>
<svg viewBox="0 0 360 185" role="img" aria-label="Share of the gradient left against the lag">
{ticks}
<path class="lab-line" style="stroke:var(--blue)" data-part="curve"/>
<path class="lab-axis" stroke-dasharray="4 3" data-part="drop"/>
<circle r="5" style="fill:var(--vermilion)" data-part="dot"/>
<text x="{(left + right) / 2}" y="182" text-anchor="middle">lag k, in steps</text>
</svg>
<output aria-live="polite">Forget gate <b data-part="gate"></b>; half-life
<b data-part="half-life"></b> steps; left after 10 steps <b data-part="left-10"></b>,
after 100 steps <b data-part="left-100"></b>.</output>"""
    script = """
const across = lag => 40 + 300 * Math.log10(lag) / 3;
const up = share => 150 - 140 * share;
const draw = () => {
  const bias = number("bias"), gate = 1 / (1 + Math.exp(-bias));
  const halfLife = Math.LN2 / Math.log1p(Math.exp(-bias));
  const points = [];
  for (let i = 0; i <= 150; i++) {
    const lag = Math.pow(10, i / 50);
    points.push(`${across(lag).toFixed(1)} ${up(Math.pow(gate, lag)).toFixed(1)}`);
  }
  set("curve", {d: "M" + points.join("L")});
  const inside = halfLife >= 1 && halfLife <= 1000;
  find("dot").style.display = find("drop").style.display = inside ? "" : "none";
  if (inside) {
    const x = across(halfLife).toFixed(1);
    set("dot", {cx: x, cy: up(0.5)});
    set("drop", {d: `M${x} ${up(0.5)}V150`});
  }
  write("bias-text", "b = " + bias.toFixed(1));
  write("gate", gate.toFixed(4));
  write("half-life", halfLife.toFixed(2));
  write("left-10", Math.pow(gate, 10).toPrecision(3));
  write("left-100", Math.pow(gate, 100).toPrecision(3));
};
find("bias").addEventListener("input", draw);
draw();
"""
    twin = Figure(figsize=(6, 3), layout="constrained")
    axes = twin.subplots()
    lag = np.logspace(0, 3, 151)
    half_life = np.log(2) / np.log1p(np.exp(-bias))
    axes.semilogx(lag, (1 / (1 + np.exp(-bias))) ** lag, color=COLORS["blue"])
    axes.plot(half_life, 0.5, "o", color=COLORS["vermilion"])
    axes.set(xlabel="lag k, in steps", ylabel="share of the gradient left", ylim=(0, 1.02))
    axes.set_title(f"Forget bias {bias:g}: half-life {half_life:.1f} steps")
    return make_lab("Forget bias and the half-life of the gradient", body, script, twin)


# One unit stepped by hand: the sliders hold a step's gates before squashing, the chart keeps the
# last 24 steps. A cell's own script comes before this one and defines `fresh` (its state at the
# start), `advance` (a state and open gates to the next state) and `describe` (the same in words).
CELL_SCRIPT = """
const SQUASH = {tanh: Math.tanh, sigmoid: z => 1 / (1 + Math.exp(-z)), none: z => z};
const SHOWN = 24;
const words = (value, digits = 3) => value.toFixed(digits).replace("-", "−");
let past = [fresh];
const open = () => {
  const gate = {};
  for (const [name, {squash}] of Object.entries(data.gates))
    gate[name] = SQUASH[squash](number(name));
  return gate;
};
const draw = () => {
  const gate = open(), now = past[past.length - 1], first = Math.max(0, past.length - 1 - SHOWN);
  for (const name in data.gates) {
    const text = words(gate[name]);
    write(name + "-text", text);
    find(name).setAttribute("aria-valuetext", text);
    set(name + "-disc", {"fill-opacity": Math.min(1, Math.abs(gate[name]))});
    write(name + "-value", words(gate[name], 2));
  }
  const window = past.slice(first);
  const most = Math.max(1, ...data.traces.flatMap(t => window.map(s => Math.abs(s[t]))));
  write("most", most.toFixed(1));
  write("least", "−" + most.toFixed(1));
  for (const trace of data.traces)
    set("trace-" + trace, {d: "M" + window.map((s, i) =>
      `${(40 + 300 * i / SHOWN).toFixed(1)} ${(65 - 55 * s[trace] / most).toFixed(1)}`
    ).join("L") + "h.1"});
  write("first", first);
  write("last", first + SHOWN);
  write("step-now", past.length - 1);
  for (const trace of data.traces) write("now-" + trace, words(now[trace]));
  write("sum", describe(now, gate, advance(now, gate)));
};
const apply = () => past.push(advance(past[past.length - 1], open()));
const turn = values => {
  for (const name in values) find(name).value = values[name];
};
find("step").addEventListener("click", () => { apply(); draw(); });
find("reset").addEventListener("click", () => { past = [fresh]; draw(); });
for (const name in data.gates) find(name).addEventListener("input", draw);
data.presets.forEach((values, i) =>
  find("preset-" + i).addEventListener("click", () => { turn(values); draw(); }));
for (const i of data.story) { turn(data.presets[i]); apply(); }
draw();
"""


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
    """Assemble a one-unit cell: sliders, presets, diagram, chart of the state, the sum in words.

    `gates` maps a slider's name to its label and squashing function, `traces` a state to its
    colour; `story` names the presets that were applied before the reader comes.
    """
    names = list(presets)
    controls = "".join(
        slider(name, label, -6.0, 6.0, 0.1, presets[story[-1]][name])
        for name, (label, _) in gates.items()
    )
    buttons = "".join(button(f"preset-{i}", name) for i, name in enumerate(names))
    lines = "".join(
        f'<path class="lab-line" style="stroke:{colour}" data-part="trace-{trace}"/>'
        for trace, colour in traces.items()
    )
    keys = " ".join(
        f'<span style="border-bottom:3px solid {colour}">{trace} = '
        f'<b data-part="now-{trace}"></b></span>'
        for trace, colour in traces.items()
    )
    body = f"""<div class="lab-controls">{controls}</div>
<div>Set the gates to {buttons}</div>
<div>{button("step", "Take this step")}{button("reset", "Reset the state")}</div>
<svg viewBox="0 0 360 125" role="img" aria-label="The cell with its gates">{diagram}</svg>
<svg viewBox="0 0 360 145" role="img" aria-label="The state over the last steps">
<path class="lab-axis" d="M40 10V120M40 65H340"/>
<text x="35" y="14" text-anchor="end" data-part="most"></text>
<text x="35" y="69" text-anchor="end">0</text>
<text x="35" y="124" text-anchor="end" data-part="least"></text>
<text x="40" y="138" data-part="first"></text><text x="190" y="138" text-anchor="middle">step</text>
<text x="340" y="138" text-anchor="end" data-part="last"></text>{lines}
</svg>
<output aria-live="polite">After step <b data-part="step-now"></b>: {keys}.
Next: <span data-part="sum"></span></output>"""
    data = {
        "gates": {name: {"squash": squash} for name, (_, squash) in gates.items()},
        "presets": list(presets.values()),
        "story": [names.index(name) for name in story],
        "traces": list(traces),
    }
    return make_lab(title, body, script + CELL_SCRIPT, twin, data)


def _gate(name: str, symbol: str, x: int) -> str:
    """Return a gate's disc, which fills as the gate opens, with its symbol and value."""
    return (
        f'<circle cx="{x}" cy="105" r="13" style="fill:var(--blue);stroke:var(--ink)" '
        f'data-part="{name}-disc"/>'
        f'<text x="{x + 17}" y="102">{symbol}</text>'
        f'<text x="{x + 17}" y="117" data-part="{name}-value"></text>'
    )


def _node(symbol: str, x: int, y: int) -> str:
    """Return an operation on the diagram's lines."""
    return (
        f'<circle cx="{x}" cy="{y}" r="10" style="fill:var(--paper);stroke:var(--ink)"/>'
        f'<text x="{x}" y="{y + 4}" text-anchor="middle">{symbol}</text>'
    )


SQUASH: dict[str, Callable[[float], float]] = {
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "none": lambda z: z,
}


def _opened(gates: Mapping[str, tuple[str, str]], preset: Mapping[str, float]) -> dict[str, float]:
    """Return what each gate lets through when the sliders stand at a preset."""
    return {name: float(SQUASH[squash](preset[name])) for name, (_, squash) in gates.items()}


def _twin_of_cell(states: Mapping[str, Sequence[float]], title: str) -> Figure:
    """Plot the states over the steps of a lab's story, with the colours the lab gives them."""
    twin = Figure(figsize=(6, 2.8), layout="constrained")
    axes = twin.subplots()
    for (name, values), colour in zip(states.items(), ("blue", "vermilion"), strict=False):
        axes.plot(values, color=COLORS[colour], label=name)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(xlabel="step", ylabel="state", title=title)
    axes.legend()
    return twin


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


def lstm_cell_lab() -> Lab:
    """Show one LSTM unit that the reader steps by hand.

    c_t = f c_{t−1} + i g and h_t = o tanh(c_t), with f, i, o = σ(slider) and g = tanh(slider).
    Derived in chapter 02.
    """
    diagram = (
        '<path class="lab-axis" d="M10 35H350M80 92V35M160 92V65H220V92M190 65V35'
        'M300 92V75M270 35V75H350"/>'
        '<text x="10" y="25">c before</text><text x="350" y="25" text-anchor="end">c after</text>'
        '<text x="350" y="92" text-anchor="end">h</text>'
        + _node("×", 80, 35)
        + _node("+", 190, 35)
        + _node("×", 190, 65)
        + _node("×", 300, 75)
        + '<rect x="252" y="46" width="36" height="18" rx="3" '
        'style="fill:var(--paper);stroke:var(--ink)"/>'
        '<text x="270" y="59" text-anchor="middle">tanh</text>'
        + _gate("f", "f", 80)
        + _gate("i", "i", 160)
        + _gate("g", "g", 220)
        + _gate("o", "o", 300)
    )
    script = """
const fresh = {c: 0, h: 0};
const advance = (now, gate) => {
  const c = gate.f * now.c + gate.i * gate.g;
  return {c: c, h: gate.o * Math.tanh(c)};
};
const describe = (now, gate, next) =>
  `c = ${words(gate.f)} × ${words(now.c)} + ${words(gate.i)} × ${words(gate.g)} = ` +
  `${words(next.c)}; h = ${words(gate.o)} × tanh(${words(next.c)}) = ${words(next.h)}.`;
"""
    cells, hidden = [0.0], [0.0]
    for preset in LSTM_STORY:
        gate = _opened(LSTM_GATES, LSTM_PRESETS[preset])
        cells.append(gate["f"] * cells[-1] + gate["i"] * gate["g"])
        hidden.append(gate["o"] * np.tanh(cells[-1]))
    twin = _twin_of_cell({"c": cells, "h": hidden}, "Write, keep, read, keep, leak: one LSTM unit")
    colours = {"c": "var(--blue)", "h": "var(--vermilion)"}
    title = "One LSTM unit, step by step"
    return _cell_lab(title, LSTM_GATES, LSTM_PRESETS, LSTM_STORY, colours, diagram, script, twin)


GRU_GATES = {
    "r": ("Reset gate r", "sigmoid"),
    "a": ("Input's part a of the candidate", "none"),
    "z": ("Update gate z", "sigmoid"),
}
GRU_PRESETS = {
    "Write": {"r": -5.0, "a": 1.5, "z": -5.0},
    "Keep": {"r": -5.0, "a": -1.5, "z": 5.0},
    "Blend": {"r": -5.0, "a": -1.5, "z": 2.0},
    "Recompute": {"r": 5.0, "a": 0.0, "z": -5.0},
}
GRU_STORY = ["Write", *["Keep"] * 6, *["Blend"] * 3, *["Keep"] * 2]


def gru_cell_lab() -> Lab:
    """Show one GRU unit that the reader steps by hand.

    h̃ = tanh(a + r h_{t−1}) and h_t = z h_{t−1} + (1 − z) h̃, with r, z = σ(slider) and a the
    slider itself; the recurrent weight is 1. Derived in chapter 03.
    """
    diagram = (
        '<path class="lab-axis" d="M10 35H350M40 35V92M40 70H194a6 6 0 0 1 12 0H260V35M95 92V70'
        'M200 92V35M213 105H260V70"/>'
        '<text x="10" y="25">h before</text><text x="350" y="25" text-anchor="end">h after</text>'
        '<text x="266" y="100">1 − z</text>'
        + _node("×", 40, 70)
        + _node("+", 95, 70)
        + _node("×", 200, 35)
        + _node("×", 260, 70)
        + _node("+", 260, 35)
        + '<rect x="127" y="61" width="36" height="18" rx="3" '
        'style="fill:var(--paper);stroke:var(--ink)"/>'
        '<text x="145" y="74" text-anchor="middle">tanh</text>'
        + _gate("r", "r", 40)
        + _gate("a", "a", 95)
        + _gate("z", "z", 200)
    )
    script = """
const fresh = {h: 0};
const candidate = (now, gate) => Math.tanh(gate.a + gate.r * now.h);
const advance = (now, gate) =>
  ({h: gate.z * now.h + (1 - gate.z) * candidate(now, gate)});
const describe = (now, gate, next) =>
  `candidate tanh(${words(gate.a)} + ${words(gate.r)} × ${words(now.h)}) = ` +
  `${words(candidate(now, gate))}; h = ${words(gate.z)} × ${words(now.h)} + ` +
  `${words(1 - gate.z)} × ${words(candidate(now, gate))} = ${words(next.h)}.`;
"""
    hidden = [0.0]
    for preset in GRU_STORY:
        gate = _opened(GRU_GATES, GRU_PRESETS[preset])
        candidate = np.tanh(gate["a"] + gate["r"] * hidden[-1])
        hidden.append(gate["z"] * hidden[-1] + (1 - gate["z"]) * candidate)
    twin = _twin_of_cell({"h": hidden}, "Write, keep, blend, keep: one GRU unit")
    title = "One GRU unit, step by step"
    colours = {"h": "var(--blue)"}
    return _cell_lab(title, GRU_GATES, GRU_PRESETS, GRU_STORY, colours, diagram, script, twin)


class AttentionView(NamedTuple):
    """What a decoder wrote, symbol by symbol, and its weights over the source behind each."""

    written: Sequence[str]
    weights: Float[np.ndarray, "written source"]


class AttentionExample(NamedTuple):
    """One source, padding included, decoded with the mask over its padding and without.

    Padding is the symbol "∅"; both views' weights have one column per symbol of `source`.
    """

    source: Sequence[str]
    masked: AttentionView
    unmasked: AttentionView


ATTENTION_SCRIPT = """
const LEFT = 24, TOP = 22, WIDTH = 332, ROW = 19;
const svg = (name, attributes, text) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  find("map").append(element);
};
const draw = () => {
  const example = data.examples[number("example")];
  const view = find("mask").checked ? example.masked : example.unmasked;
  const slide = find("position"), columns = example.source.length;
  slide.max = view.written.length;
  const row = number("position") - 1, across = WIDTH / columns;
  find("map").replaceChildren();
  set("map", {viewBox: `0 0 360 ${TOP + ROW * view.written.length + 6}`});
  example.source.forEach((symbol, j) => svg("text",
    {x: LEFT + across * (j + .5), y: 14, "text-anchor": "middle"}, symbol));
  view.weights.forEach((weights, i) => {
    const y = TOP + ROW * i;
    svg("text", {x: 8, y: y + 14, "font-weight": i === row ? 700 : 400}, view.written[i]);
    weights.forEach((weight, j) => svg("rect", {x: LEFT + across * j, y: y, width: across,
      height: ROW - 2, "fill-opacity": weight, "data-cell": i + "," + j, "class": "lab-weight"}));
    svg("rect", {x: 1, y: y - 1, width: 357, height: ROW, "class": "lab-row", "data-row": i,
      "stroke-opacity": i === row ? 1 : 0});
  });
  const weights = view.weights[row];
  const best = weights.map((weight, j) => [weight, j]).sort((a, b) => b[0] - a[0]).slice(0, 3);
  const name = j => `“${example.source[j]}” at ${j + 1}`;
  const padding = weights.reduce((sum, w, j) => sum + (example.source[j] === "∅" ? w : 0), 0);
  const symbol = view.written[row];
  write("position-text", `${row + 1} of ${view.written.length}: “${symbol}”`);
  slide.setAttribute("aria-valuetext", `${row + 1}, ${symbol}`);
  write("written", view.written.join(""));
  write("symbol", symbol);
  write("best", best.map(([weight, j]) => `${name(j)}: ${weight.toFixed(2)}`).join(", "));
  write("padding", padding.toFixed(2));
};
for (const name of ["example", "position", "mask"]) find(name).addEventListener("input", draw);
find("map").addEventListener("pointermove", event => {
  const row = event.target.dataset.row;
  if (row !== undefined && Number(row) + 1 !== number("position")) {
    find("position").value = Number(row) + 1;
    draw();
  }
});
draw();
"""
ATTENTION_STYLE = """
.unrolled-lab .lab-weight { fill: var(--blue); }
.unrolled-lab .lab-row { fill: transparent; stroke: var(--ink); stroke-width: 1.5; }
.unrolled-lab input[type=checkbox] { accent-color: var(--blue); }
"""


def attention_lab(examples: Sequence[AttentionExample]) -> Lab:
    """Show where a decoder looks for each symbol that it writes, with its mask on or off.

    A row of the map is one written symbol's weights over the source. Hovering over a row, or the
    slider with its arrow keys, picks it. Derived in chapter 07.

    Raises:
        ValueError: no example, or weights that do not match their symbols in number.
    """
    if not examples:
        raise ValueError("examples is empty; the lab needs one to show")
    for number, example in enumerate(examples):
        for name in ("masked", "unmasked"):
            view = getattr(example, name)
            expected = (len(view.written), len(example.source))
            if view.weights.shape != expected:
                raise ValueError(
                    f"examples[{number}].{name}.weights has shape {view.weights.shape}; "
                    f"its symbols need {expected}"
                )
    options = "".join(
        f'<option value="{number}">{html.escape("".join(example.source).rstrip("∅"))}</option>'
        for number, example in enumerate(examples)
    )
    longest = len(examples[0].masked.written)
    body = f"""<div class="lab-controls">
<label>Source <select data-part="example">{options}</select></label>
<label><input type="checkbox" data-part="mask" checked> Mask the padding ∅</label>
{slider("position", "Written symbol", 1.0, float(longest), 1.0, 1.0)}</div>
<svg data-part="map" role="img" aria-label="Attention weights: a row for each written symbol"></svg>
<output aria-live="polite">Written: <b data-part="written"></b>. For
<b data-part="symbol"></b> most weight on <span data-part="best"></span>; on padding
<b data-part="padding"></b>.</output>"""
    shown = [
        {
            "source": list(example.source),
            **{
                name: {"written": list(view.written), "weights": view.weights.round(3).tolist()}
                for name, view in (("masked", example.masked), ("unmasked", example.unmasked))
            },
        }
        for example in examples
    ]
    first = examples[0]
    twin = Figure(figsize=(6, 3.4), layout="constrained")
    axes = twin.subplots()
    view = first.masked
    heat_map(axes, view.weights, rows=view.written, columns=first.source, label="weight")
    axes.set(xlabel="source", ylabel="written", title="Where the decoder looks for each symbol")
    return make_lab(
        "Where the decoder looks",
        body,
        ATTENTION_SCRIPT,
        twin,
        {"examples": shown},
        ATTENTION_STYLE,
    )


TRADING_COST_SCRIPT = """
const [left, right, top, bottom] = [40, 350, 10, 150];
const grow = cost => {
  let wealth = 1, before = 0;
  return data.returns.map((change, day) => {
    const held = Number(data.invested[day]);
    wealth *= 1 + change * held - Math.abs(held - before) * cost / 1e4;
    before = held;
    return wealth;
  });
};
let index = 1;
const indexCurve = data.returns.map(change => index *= 1 + change);
const reach = Math.log(Math.max(...indexCurve, ...grow(0)));
const floor = Math.log(Math.min(...indexCurve, ...grow(10)));
const across = day => left + (right - left) * day / (data.returns.length - 1);
const up = wealth => bottom - (bottom - top) * (Math.log(wealth) - floor) / (reach - floor);
const path = curve => "M" + curve
  .map((wealth, day) => `${across(day).toFixed(1)} ${up(wealth).toFixed(1)}`)
  .filter((_, day) => day % 5 === 0 || day === curve.length - 1).join("L");
set("index", {d: path(indexCurve)});
set("start", {d: `M${left} ${up(1).toFixed(1)}H${right}`});
const draw = () => {
  const cost = number("cost"), curve = grow(cost);
  set("strategy", {d: path(curve)});
  write("cost-text", cost.toFixed(1) + " bp");
  write("grown", curve[curve.length - 1].toFixed(2));
  write("index-grown", index.toFixed(2));
};
find("cost").addEventListener("input", draw);
draw();
"""


def trading_cost_lab(
    returns: Float[np.ndarray, "time"],
    invested: Bool[np.ndarray, "time"],
    name: str,
    cost: float = 0.0,
) -> Lab:
    """Show what one unit grows to when a forecast is acted upon, as costs rise to 10 bp.

    Wealth w ← w (1 + r · held − cost · |change|), the `strategy_returns` of chapter 08.

    Args:
        returns: simple daily returns of the index, as fractions.
        invested: whether the strategy holds the index over each day.
        name: of the strategy.
        cost: where the slider starts, in basis points.
    """
    changes = np.abs(np.diff(invested.astype(int), prepend=0))
    label = html.escape(name)
    body = f"""<div class="lab-controls">
{slider("cost", "Cost of a trade", 0.0, 10.0, 0.5, cost)}</div>
<svg viewBox="0 0 360 175" role="img" aria-label="Growth of one unit, logarithmic, against time">
<path class="lab-grid" data-part="start"/><path class="lab-axis" d="M40 10V150H350"/>
<text x="36" y="14" text-anchor="end">log</text>
<path class="lab-line" style="stroke:var(--ink);stroke-width:1.2" data-part="index"/>
<path class="lab-line" style="stroke:var(--vermilion);stroke-width:1.5" data-part="strategy"/>
<text x="195" y="168" text-anchor="middle">{len(returns)} trading days</text>
</svg>
<output aria-live="polite">{label} (orange) makes {changes.sum()} trades and turns 1 into
<b data-part="grown"></b>; the index (thin) turns it into
<b data-part="index-grown"></b>.</output>"""
    held = returns * invested - changes * cost / 1e4
    twin = Figure(figsize=(6, 3), layout="constrained")
    axes = twin.subplots()
    axes.semilogy(np.cumprod(1 + returns), color=COLORS["black"], linewidth=1, label="index")
    axes.semilogy(np.cumprod(1 + held), color=COLORS["vermilion"], label=name)
    axes.set(xlabel="trading day", ylabel="growth of 1", title=f"{name} at {cost:g} bp a trade")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())
    axes.legend()
    data = {
        "returns": returns.round(6).tolist(),
        "invested": "".join("1" if each else "0" for each in invested),
    }
    return make_lab("What trading costs leave", body, TRADING_COST_SCRIPT, twin, data)
