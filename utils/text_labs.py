"""Interactive figures about texts: a verdict along a sentence, mistakes to browse. Chapter 09."""

import html
import textwrap
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure

from utils.labs import Lab, make_lab, slider
from utils.plotting import COLORS


class Reading(NamedTuple):
    """A sentence's tokens, and each model's probability of positive after every one of them."""

    tokens: Sequence[str]
    verdicts: Mapping[str, Float[np.ndarray, " token"]]


# One colour and one dash a model, so that the lines stay apart without colours too.
LINES = {"blue": "", "vermilion": "7 3", "green": "2 3", "ink": "9 3 2 3"}
READING_STYLE = """
.unrolled-lab .lab-words { line-height: 1.9; margin: .5rem 0; }
.unrolled-lab .lab-words span { padding: .1rem .2rem; border-radius: 3px; }
.unrolled-lab .lab-words .lab-now { outline: 2px solid var(--ink); }
.unrolled-lab .lab-key { border-bottom: 3px solid; padding-bottom: 1px; }
"""
READING_SCRIPT = """
const LEFT = 30, RIGHT = 352, TOP = 10, BOTTOM = 130;
const up = p => BOTTOM - (BOTTOM - TOP) * p;
const draw = () => {
  const reading = data.readings[number("sentence")], count = reading.tokens.length;
  const across = i => LEFT + (RIGHT - LEFT) * (i + .5) / count;
  find("position").max = count;
  const now = number("position") - 1, shown = reading.verdicts[number("model")];
  data.models.forEach((_, m) => set("line-" + m, {d: "M" + reading.verdicts[m]
    .map((p, i) => `${across(i).toFixed(1)} ${up(p).toFixed(1)}`).join("L")}));
  set("cursor", {d: `M${across(now).toFixed(1)} ${TOP}V${BOTTOM}`});
  find("words").replaceChildren(...reading.tokens.flatMap((token, i) => {
    const word = document.createElement("span"), lean = Math.abs(shown[i] - .5) * 80;
    const colour = shown[i] > .5 ? "var(--blue)" : "var(--vermilion)";
    word.textContent = token;
    if (i <= now)
      word.style.background = `color-mix(in srgb, ${colour} ${lean.toFixed(0)}%, transparent)`;
    if (i === now) word.className = "lab-now";
    return [word, " "];
  }));
  write("position-text", `${now + 1} of ${count}: “${reading.tokens[now]}”`);
  find("position").setAttribute("aria-valuetext", `${now + 1}, ${reading.tokens[now]}`);
  data.models.forEach((_, m) => write("now-" + m, reading.verdicts[m][now].toFixed(2)));
};
for (const name of ["sentence", "model", "position"]) find(name).addEventListener("input", draw);
draw();
"""


def reading_lab(readings: Sequence[Reading], start: int = 1) -> Lab:
    """Show how each model's verdict moves as a sentence is read word by word.

    Args:
        readings: sentences, all read by the same models, at most four of them.
        start: the word at which the slider stands first, from 1.

    Raises:
        ValueError: no sentence, a model missing somewhere, or verdicts that do not match the words.
    """
    if not readings:
        raise ValueError("readings is empty; the lab needs one to show")
    models = list(readings[0].verdicts)
    if len(models) > len(LINES):
        raise ValueError(f"{len(models)} models; the lab has lines for {len(LINES)}")
    for row, reading in enumerate(readings):
        if list(reading.verdicts) != models:
            raise ValueError(
                f"readings[{row}] has models {list(reading.verdicts)}; the first has {models}"
            )
        for name, values in reading.verdicts.items():
            if len(values) != len(reading.tokens):
                raise ValueError(
                    f"readings[{row}].verdicts[{name!r}] has {len(values)} values for "
                    f"{len(reading.tokens)} tokens"
                )
    lines = list(zip(models, LINES.items(), strict=False))
    sentences = "".join(
        f'<option value="{row}">{html.escape(textwrap.shorten(" ".join(each.tokens), 70))}</option>'
        for row, each in enumerate(readings)
    )
    options = "".join(
        f'<option value="{m}"{" selected" * (m == len(models) - 1)}>{html.escape(name)}</option>'
        for m, name in enumerate(models)
    )
    paths = "".join(
        f'<path class="lab-line" stroke-dasharray="{dash}" style="stroke:var(--{colour})" '
        f'data-part="line-{m}"/>'
        for m, (_, (colour, dash)) in enumerate(lines)
    )
    keys = ", ".join(
        f'<span class="lab-key" style="border-color:var(--{colour})">{html.escape(name)} '
        f'<b data-part="now-{m}"></b></span>'
        for m, (name, (colour, _)) in enumerate(lines)
    )
    body = f"""<div class="lab-controls">
<label>Sentence <select data-part="sentence">{sentences}</select></label>
<label>Colour the words by <select data-part="model">{options}</select></label>
{slider("position", "Word", 1.0, float(len(readings[0].tokens)), 1.0, float(start))}</div>
<p class="lab-words" data-part="words"></p>
<svg viewBox="0 0 360 150" role="img" aria-label="Probability of positive after each word">
<path class="lab-grid" d="M30 70H352"/><path class="lab-axis" d="M30 10V130H352"/>
<text x="25" y="14" text-anchor="end">1</text><text x="25" y="74" text-anchor="end">½</text>
<text x="25" y="134" text-anchor="end">0</text>
<text x="191" y="146" text-anchor="middle">words read</text>
<path class="lab-axis" stroke-opacity=".5" data-part="cursor"/>{paths}
</svg>
<output aria-live="polite">Positive, so far: {keys}.</output>"""
    data = {
        "models": models,
        "readings": [
            {
                "tokens": list(each.tokens),
                "verdicts": [np.round(each.verdicts[name], 3).tolist() for name in models],
            }
            for each in readings
        ],
    }
    twin = draw_reading(readings[0])
    title = "A verdict, word by word"
    return make_lab(title, body, READING_SCRIPT, twin, data, READING_STYLE)


def draw_reading(reading: Reading) -> Figure:
    """Draw each model's probability of positive after every word, a panel each."""
    figure = Figure(figsize=(6.2, 1.1 * len(reading.verdicts) + 1.4), layout="constrained")
    panels = figure.subplots(len(reading.verdicts), sharex=True, sharey=True, squeeze=False)[:, 0]
    steps = np.arange(len(reading.tokens))
    for panel, (name, values) in zip(panels, reading.verdicts.items(), strict=True):
        panel.axhline(0.5, color=COLORS["black"], linewidth=0.8)
        panel.plot(steps, values, color=COLORS["blue"], drawstyle="steps-mid")
        panel.fill_between(steps, 0.5, values, step="mid", color=COLORS["blue"], alpha=0.2)
        panel.set(ylim=(-0.05, 1.05), yticks=(0, 0.5, 1))
        panel.set_title(name, fontsize=11)
    panels[-1].set_xticks(steps, reading.tokens, rotation=90, fontsize=9)
    figure.supylabel("probability of positive")
    return figure


SHOWN = 4
MISTAKES_STYLE = """
.unrolled-lab .lab-mistakes { list-style: none; margin: .5rem 0; padding: 0; }
.unrolled-lab .lab-mistakes li { margin: 0 0 .6rem; }
.unrolled-lab .lab-verdict { display: block; font-size: .9em; }
.unrolled-lab .lab-bar { display: block; height: 4px; border-radius: 2px; margin: .15rem 0; }
"""
MISTAKES_SCRIPT = """
const words = ["negative", "positive"];
const draw = () => {
  const slice = number("slice"), truth = find("truth").value;
  const chosen = data.rows.filter(row =>
    row.slices.includes(slice) && (truth === "any" || row.label === Number(truth)));
  const pages = Math.max(1, Math.ceil(chosen.length / data.shown));
  find("page").max = pages;
  const first = (number("page") - 1) * data.shown;
  find("list").replaceChildren(...chosen.slice(first, first + data.shown).map(row => {
    const item = document.createElement("li"), text = document.createElement("span");
    const verdict = document.createElement("span"), bar = document.createElement("span");
    const said = row.probability > .5 ? 1 : 0, sure = said ? row.probability : 1 - row.probability;
    text.textContent = row.text;
    verdict.className = "lab-verdict";
    verdict.textContent =
      `is ${words[row.label]}; called ${words[said]} with ${(100 * sure).toFixed(1)} %`;
    bar.className = "lab-bar";
    bar.style.width = `${(100 * sure).toFixed(0)}%`;
    bar.style.background = said ? "var(--blue)" : "var(--vermilion)";
    item.append(text, bar, verdict);
    return item;
  }));
  const last = Math.min(first + data.shown, chosen.length);
  write("page-text", `page ${number("page")} of ${pages}`);
  write("range", chosen.length ? `${first + 1} to ${last}` : "none");
  write("count", chosen.length);
};
for (const name of ["slice", "truth"]) find(name).addEventListener("input", () => {
  find("page").value = 1;
  draw();
});
find("page").addEventListener("input", draw);
draw();
"""


def mistakes_lab(mistakes: pd.DataFrame, title: str) -> Lab:
    """Show wrongly answered texts, the most confident first, slice by slice.

    Args:
        mistakes: what `utils.mistakes.confident_mistakes` returns.
        title: what was classified by what.

    Raises:
        ValueError: there is no mistake to show.
    """
    if mistakes.empty:
        raise ValueError("mistakes is empty; there is nothing to browse")
    slices = [name for name in mistakes if name not in ("text", "label", "probability")]
    rows = [
        {
            "text": row["text"],
            "label": int(row["label"]),
            "probability": round(float(row["probability"]), 4),
            "slices": [number for number, name in enumerate(slices) if row[name]],
        }
        for row in mistakes.to_dict("records")
    ]
    options = "".join(
        f'<option value="{number}">{html.escape(str(name))} ({int(mistakes[name].sum())})</option>'
        for number, name in enumerate(slices)
    )
    pages = -(-len(rows) // SHOWN)
    body = f"""<div class="lab-controls">
<label>Slice <select data-part="slice">{options}</select></label>
<label>Truth <select data-part="truth"><option value="any">either</option>
<option value="1">positive</option><option value="0">negative</option></select></label>
{slider("page", "Mistakes", 1.0, float(pages), 1.0, 1.0)}</div>
<ul class="lab-mistakes" data-part="list"></ul>
<output aria-live="polite">The most confident mistakes first: <b data-part="range"></b> of
<b data-part="count"></b> in this slice.</output>"""
    twin = Figure(figsize=(6.2, 0.9 + 0.7 * min(len(rows), SHOWN)), layout="constrained")
    axes = twin.subplots()
    axes.set_axis_off()
    for place, row in enumerate(rows[:SHOWN]):
        said = "positive" if row["probability"] > 0.5 else "negative"
        text = "\n".join(textwrap.wrap(row["text"], 85)[:2])
        note = f"called {said}: {max(row['probability'], 1 - row['probability']):.1%}"
        axes.text(0, -place, f"{text}\n{note}", fontsize=8, va="top")
    axes.set(ylim=(-SHOWN, 0.2), title=title)
    return make_lab(
        title, body, MISTAKES_SCRIPT, twin, {"rows": rows, "shown": SHOWN}, MISTAKES_STYLE
    )
