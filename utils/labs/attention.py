"""Where a decoder looks for each symbol that it writes. Chapter 09."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from utils.figures.charts import heat_map
from utils.labs.lab import (
    CHART,
    Lab,
    checkbox,
    make_lab,
    module,
    read,
    select,
    slider,
)

ALIGNMENT = module("js/alignment.js")
SCRIPT = read("js/attention.js")
STYLE = read("css/attention.css")


class AttentionView(NamedTuple):
    """What a decoder wrote, and its weights over the source for each symbol."""

    written: Sequence[str]
    weights: Float[np.ndarray, "written source"]


class AttentionExample(NamedTuple):
    """One source, padding included, decoded with the mask and without.

    Padding is the symbol "∅"; both views' weights have one column per symbol of
    `source`.
    """

    source: Sequence[str]
    masked: AttentionView
    unmasked: AttentionView


def attention_lab(examples: Sequence[AttentionExample]) -> Lab:
    """Show where a decoder looks for each symbol, its mask on or off.

    A row of the map is one written symbol's weights over the source. Hovering
    over a row, or the slider with its arrow keys, picks it. Derived in
    chapter 09.

    Raises:
        ValueError: no example, or weights that do not match their symbols in
            number.
    """
    _check(examples)
    first = examples[0]
    sources = {
        str(number): "".join(example.source).rstrip("∅")
        for number, example in enumerate(examples)
    }
    steps = float(len(first.masked.written))
    data = {
        "examples": [
            {
                "source": list(example.source),
                "masked": _plain(example.masked),
                "unmasked": _plain(example.unmasked),
            }
            for example in examples
        ]
    }
    return make_lab(
        "Where the decoder looks",
        task="Pick a written symbol, by its row or by the slider: the darker "
        "a cell, the more of that position the decoder mixed in.",
        controls=select("example", "Source", sources)
        + slider("position", "Written symbol", 1.0, steps, 1.0, 1.0)
        + checkbox("mask", "Mask the padding ∅", checked=True),
        picture="""<svg data-part="map" role="img"
aria-label="Attention weights: a row for each written symbol"></svg>""",
        sentence="""Written: <b data-part="written"></b>. For
<b data-part="symbol"></b> most weight on <span data-part="best"></span>; on
padding <b data-part="padding"></b>.""",
        script=SCRIPT,
        twin=_twin(first),
        data=data,
        modules=CHART + ALIGNMENT,
        style=STYLE,
    )


def _check(examples: Sequence[AttentionExample]) -> None:
    """Raise a ValueError that names the first weights that do not fit."""
    if not examples:
        raise ValueError("examples is empty; the lab needs one to show")
    for number, example in enumerate(examples):
        for name in ("masked", "unmasked"):
            view = getattr(example, name)
            expected = (len(view.written), len(example.source))
            if view.weights.shape != expected:
                raise ValueError(
                    f"examples[{number}].{name}.weights has shape "
                    f"{view.weights.shape}; its symbols need {expected}"
                )


def _plain(view: AttentionView) -> dict[str, list]:
    """Return a view as JSON holds it, its weights to three digits."""
    return {
        "written": list(view.written),
        "weights": view.weights.round(3).tolist(),
    }


def _twin(example: AttentionExample) -> Figure:
    """Draw the maps with the mask and without, for a page that stands still."""
    twin = Figure(figsize=(6, 6), layout="constrained")
    panes = twin.subplots(2, sharex=True)
    views = {"with the mask": example.masked, "without": example.unmasked}
    for pane, (title, view) in zip(panes, views.items(), strict=True):
        image = heat_map(
            pane,
            view.weights,
            rows=view.written,
            columns=example.source,
            label="weight",
        )
        image.set_clim(0, 1)
        pane.set(ylabel="written", title=title)
    panes[-1].set(xlabel="source")
    return twin
