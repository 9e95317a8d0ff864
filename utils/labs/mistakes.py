"""Wrongly answered texts to browse, slice by slice. Chapter 11."""

import textwrap
from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from utils.labs.lab import Lab, make_lab, read, select, slider

SCRIPT = read("js/mistakes.js")
STYLE = read("css/mistakes.css")
SHOWN = 4


def mistakes_lab(mistakes: pd.DataFrame, title: str) -> Lab:
    """Show wrongly answered texts, the most confident first.

    Args:
        mistakes: what `confident_mistakes` of chapter 11 returns.
        title: what was classified by what.

    Raises:
        ValueError: there is no mistake to show.
    """
    if mistakes.empty:
        raise ValueError("mistakes is empty; there is nothing to browse")
    plain = ("text", "label", "probability")
    slices = [name for name in mistakes if name not in plain]
    rows = [
        {
            "text": row["text"],
            "label": int(row["label"]),
            "probability": round(float(row["probability"]), 4),
            "slices": [i for i, name in enumerate(slices) if row[name]],
        }
        for row in mistakes.to_dict("records")
    ]
    names = {
        str(number): f"{name} ({int(mistakes[name].sum())})"
        for number, name in enumerate(slices)
    }
    truths = {"any": "either", "1": "positive", "0": "negative"}
    pages = float(-(-len(rows) // SHOWN))
    return make_lab(
        title,
        task="Choose what the texts have in common, and see where the model "
        "was surest of the wrong answer.",
        controls=select("slice", "Slice", names)
        + select("truth", "Truth", truths)
        + slider("page", "Mistakes", 1.0, pages, 1.0, 1.0),
        picture='<ul class="lab-mistakes" data-part="list"></ul>',
        sentence="""The most confident mistakes first:
<b data-part="range"></b> of <b data-part="count"></b> in this slice.""",
        script=SCRIPT,
        twin=_twin(rows, title),
        data={"rows": rows, "shown": SHOWN},
        style=STYLE,
    )


def _twin(rows: Sequence[dict[str, Any]], title: str) -> Figure:
    """Write the first page of mistakes."""
    shown = rows[:SHOWN]
    twin = Figure(figsize=(6.2, 0.9 + 0.7 * len(shown)), layout="constrained")
    axes = twin.subplots()
    axes.set_axis_off()
    for place, row in enumerate(shown):
        probability = row["probability"]
        said = "positive" if probability > 0.5 else "negative"
        sure = max(probability, 1 - probability)
        text = "\n".join(textwrap.wrap(row["text"], 85)[:2])
        note = f"{text}\ncalled {said}: {sure:.1%}"
        axes.text(0, -place, note, fontsize=8, va="top")
    axes.set(ylim=(-SHOWN, 0.2), title=title)
    return twin
