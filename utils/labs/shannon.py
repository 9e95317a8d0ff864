"""Shannon's game: guess a text character by character. Chapter 08."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from matplotlib.figure import Figure

from utils.figures.style import COLORS
from utils.labs.lab import Lab, button, buttons, make_lab, module, read, select

SHANNON = module("js/shannon.js")
SCRIPT = read("js/shannon_lab.js")
STYLE = read("css/shannon.css")


class Guesses(NamedTuple):
    """How a model fares: which of its guesses was right, and -log2 p, for each
    character."""

    ranks: Int[np.ndarray, " time"]
    bits: Float[np.ndarray, " time"]


class Passage(NamedTuple):
    """What is shown, what is to be guessed, and each model's guesses."""

    context: str
    text: str
    models: Mapping[str, Guesses]


def rank_code(
    ranks: Int[np.ndarray, " time"], symbols: int
) -> Float[np.ndarray, " symbols"]:
    """Return what a right guess number 1, 2, ... costs in bits.

    -log2 of how often each number occurs among `ranks`, each counted once more
    than it was, so that none costs infinitely much.
    """
    times = np.bincount(ranks, minlength=symbols + 1)[1:] + 1
    return -np.log2(times / times.sum())


def guesses_cost(
    ranks: Int[np.ndarray, " time"], code: Float[np.ndarray, " symbols"]
) -> float:
    """Return the bits a character that a record of guesses costs."""
    return float(code[np.minimum(ranks, len(code)) - 1].mean())


def shannon_lab(
    passages: Sequence[Passage], code: Float[np.ndarray, " symbols"]
) -> Lab:
    """Let the reader guess the next character beside models that did.

    Source: Shannon (1951), Prediction and entropy of printed English. He bounds
    the entropy by that of the guesses' numbers over many characters; a line is
    too short for it, so that here the numbers are paid by a code that was fixed
    before, on other text.

    Args:
        passages: texts to guess, with the models' guesses.
        code: what a right guess number 1, 2, ... costs, as of `rank_code`.

    Raises:
        ValueError: no passage, or guesses that do not match its characters.
    """
    if not passages:
        raise ValueError("passages is empty; the game needs one")
    for place, passage in enumerate(passages):
        for name, guesses in passage.models.items():
            if not len(passage.text) == len(guesses.ranks) == len(guesses.bits):
                raise ValueError(
                    f"passages[{place}]: {name} has {len(guesses.ranks)} "
                    f"guesses for {len(passage.text)} characters"
                )
    choices = {
        str(place): f"{place + 1}, {len(passage.text)} characters"
        for place, passage in enumerate(passages)
    }
    field = (
        '<label>Your guess <input type="text" data-part="guess" '
        'autocomplete="off" autocapitalize="off" spellcheck="false"></label>'
    )
    return make_lab(
        "Guess the next character",
        task="Type what comes next until it is right. Small and capital "
        "letters differ. The fewer guesses, the fewer bits.",
        controls=select("passage", "Passage", choices)
        + field
        + buttons(
            button("space", "space"),
            button("end", "line end"),
            button("show", "show it"),
        ),
        picture="""<p class="lab-text"><span data-part="context"></span><b
data-part="known"></b><span data-part="cursor"></span></p>
<table class="lab-scores"><thead><tr><th scope="col">player</th>
<th scope="col">right at once</th><th scope="col">bits, by guesses</th>
<th scope="col">bits, by probabilities</th></tr></thead>
<tbody data-part="scores"></tbody></table>""",
        sentence="""<span data-part="said"></span> Wrong so far:
<b data-part="wrong"></b>. To go: <b data-part="left"></b>.""",
        script=SCRIPT,
        twin=_twin(passages[0]),
        data={
            "code": code.round(3).tolist(),
            "passages": [
                {
                    "context": passage.context,
                    "text": passage.text,
                    "models": {
                        name: {
                            "ranks": guesses.ranks.tolist(),
                            "bits": guesses.bits.round(3).tolist(),
                        }
                        for name, guesses in passage.models.items()
                    },
                }
                for passage in passages
            ],
        },
        modules=SHANNON,
        style=STYLE,
    )


def _twin(passage: Passage) -> Figure:
    """Plot what each model pays for each character of a passage."""
    count = len(passage.models)
    figure = Figure(figsize=(6.2, 1.1 * count + 1.0), layout="constrained")
    panels = figure.subplots(count, sharex=True, sharey=True, squeeze=False)
    places = np.arange(len(passage.text))
    signs = [{"\n": "↵", " ": "␣"}.get(sign, sign) for sign in passage.text]
    for panel, (name, guesses) in zip(
        panels[:, 0], passage.models.items(), strict=True
    ):
        panel.bar(places, guesses.bits, color=COLORS["blue"])
        panel.set_title(name, fontsize=10)
    panels[-1, 0].set_xticks(places, signs, fontsize=8)
    figure.supylabel("bits")
    return figure
