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
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from utils.plotting import COLORS

# Colours come from whichever page shows the lab: the book's theme, JupyterLab or Colab.
# Mixed with the ink, the palette stands out on a light page and on a dark one.
STYLE = f"""
.unrolled-lab {{
  --ink: var(--pst-color-text-base, var(--jp-content-font-color1,
         var(--colab-primary-text-color, #1c1c1c)));
  --paper: var(--pst-color-surface, var(--jp-layout-color1,
           var(--colab-primary-surface-color, #f6f6f6)));
  --blue: color-mix(in srgb, {COLORS["blue"]} 75%, var(--ink));
  --vermilion: color-mix(in srgb, {COLORS["vermilion"]} 75%, var(--ink));
  --green: color-mix(in srgb, {COLORS["green"]} 75%, var(--ink));
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
    html: str
    png: bytes

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

    def across(lag: float) -> float:
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
    body = f"""<div class="lab-controls">{slider("bias", "Forget bias", -2, 7, 0.1, bias)}</div>
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
