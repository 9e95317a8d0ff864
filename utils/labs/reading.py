"""A verdict along a sentence, word by word. Chapter 11."""

import html
import textwrap
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from utils.figures.style import COLORS
from utils.labs.lab import CHART, Lab, make_lab, module, read, select, slider

ALONG = module("js/along.js")
SCRIPT = read("js/reading.js")
STYLE = read("css/reading.css")

# One colour and one dash a model: the lines stay apart without colours too.
LINES = {"blue": "", "vermilion": "7 3", "green": "2 3", "ink": "9 3 2 3"}


class Reading(NamedTuple):
    """A sentence's tokens, and each model's P(positive) after each of them."""

    tokens: Sequence[str]
    verdicts: Mapping[str, Float[np.ndarray, " token"]]


def reading_lab(readings: Sequence[Reading], start: int = 1) -> Lab:
    """Show how each model's verdict moves as a sentence is read.

    Args:
        readings: sentences, all read by the same models, at most four of them.
        start: the word at which the slider stands first, from 1.

    Raises:
        ValueError: no sentence, a model missing somewhere, or verdicts that do
            not match the words.
    """
    _check(readings)
    models = list(readings[0].verdicts)
    sentences = {
        str(row): textwrap.shorten(" ".join(each.tokens), 70)
        for row, each in enumerate(readings)
    }
    names = {str(m): name for m, name in enumerate(models)}
    words = float(len(readings[0].tokens))
    data = {
        "lines": list(LINES.items())[: len(models)],
        "readings": [
            {
                "tokens": list(each.tokens),
                "verdicts": [
                    np.round(each.verdicts[name], 3).tolist() for name in models
                ],
            }
            for each in readings
        ],
    }
    return make_lab(
        "A verdict, word by word",
        task="Move through a sentence: which word turns each model, and which "
        "word should have?",
        controls=select("sentence", "Sentence", sentences)
        + select("model", "Colour the words by", names, str(len(models) - 1))
        + slider("position", "Word", 1.0, words, 1.0, float(start)),
        picture="""<p class="lab-words" data-part="words"></p>
<svg data-part="chart" role="img"
aria-label="Probability of positive after each word"></svg>""",
        sentence=f"Positive, so far: {verdict_keys(models)}.",
        script=SCRIPT,
        twin=draw_reading(readings[0]),
        data=data,
        modules=CHART + ALONG,
        style=STYLE,
    )


def verdict_keys(models: Sequence[str]) -> str:
    """Return each model's name in its colour, with a part `now-0`, `now-1`,
    ... for what it says, as HTML."""
    return ", ".join(
        f'<span class="lab-key" style="border-color:var(--{colour})">'
        f'{html.escape(name)} <b data-part="now-{m}"></b></span>'
        for m, (name, colour) in enumerate(zip(models, LINES, strict=False))
    )


def draw_reading(reading: Reading) -> Figure:
    """Draw each model's P(positive) after every word, a panel each."""
    count = len(reading.verdicts)
    figure = Figure(figsize=(6.2, 1.1 * count + 1.4), layout="constrained")
    panels = figure.subplots(count, sharex=True, sharey=True, squeeze=False)
    panels = panels[:, 0]
    steps = np.arange(len(reading.tokens))
    style = {"color": COLORS["blue"]}
    for panel, (name, values) in zip(
        panels, reading.verdicts.items(), strict=True
    ):
        panel.axhline(0.5, color=COLORS["black"], linewidth=0.8)
        panel.plot(steps, values, drawstyle="steps-mid", **style)
        panel.fill_between(steps, 0.5, values, step="mid", alpha=0.2, **style)
        panel.set(ylim=(-0.05, 1.05), yticks=(0, 0.5, 1))
        panel.set_title(name, fontsize=11)
    panels[-1].set_xticks(steps, reading.tokens, rotation=90, fontsize=9)
    figure.supylabel("probability of positive")
    return figure


def _check(readings: Sequence[Reading]) -> None:
    """Raise a ValueError that names the first reading that does not fit."""
    if not readings:
        raise ValueError("readings is empty; the lab needs one to show")
    models = list(readings[0].verdicts)
    if len(models) > len(LINES):
        raise ValueError(
            f"{len(models)} models; the lab has lines for {len(LINES)}"
        )
    for row, reading in enumerate(readings):
        if list(reading.verdicts) != models:
            raise ValueError(
                f"readings[{row}] has models {list(reading.verdicts)}; "
                f"the first has {models}"
            )
        for name, values in reading.verdicts.items():
            if len(values) != len(reading.tokens):
                raise ValueError(
                    f"readings[{row}].verdicts[{name!r}] has {len(values)} "
                    f"values for {len(reading.tokens)} tokens"
                )
