"""The machinery that all labs share: live HTML, a picture, one MIME bundle.

A lab is an interactive figure that lives in a static page: no kernel, no
library, no request. Its script and styles are files of this package, written
into its HTML; its controls are native, so the keyboard works.
"""

import base64
import hashlib
import html
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from utils.figures.style import COLORS

EXPORT = re.compile(r"^export (function|class|const) (\w+)", re.MULTILINE)
IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./(\w+)\.js";$', re.MULTILINE)


@dataclass(frozen=True)
class Lab:
    """An interactive figure and its static twin, shown as one MIME bundle."""

    title: str
    html: str = field(repr=False)
    png: bytes = field(repr=False)

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> dict[str, str]:
        """Offer browsers the live HTML and everything else the picture."""
        return {
            "text/plain": f"<Lab: {self.title}>",
            "text/html": self.html,
            "image/png": base64.b64encode(self.png).decode("ascii"),
        }


def read(name: str) -> str:
    """Return the text of a script or style of this package.

    Args:
        name: where it lies, as in "js/cell.js". Write it out in one piece: a
            notebook is stale when a file whose name its modules spell changes
            (`tools.chapters.named_files`).
    """
    return (Path(__file__).parent / name).read_text("utf-8")


def module(name: str) -> str:
    """Return an ES module as one statement, which a page can hold.

    Browsers load no module from a folder on disk (`file://`). The statement is
    a constant named after the file, with what the module exports: after
    `module("js/layers.js")` a script calls `layers.gru(...)`. An import
    becomes a look-up, so the modules that one imports come before it.

    Args:
        name: where it lies, written out as for `read`.
    """
    source = read(name)
    exports = ", ".join(found[1] for found in EXPORT.findall(source))
    body = EXPORT.sub(r"\1 \2", IMPORT.sub(r"const \1 = \2;", source))
    stem = Path(name).stem
    return f"const {stem} = (() => {{\n{body}return {{{exports}}};\n}})();\n"


STYLE = read("css/lab.css")
FRAME = read("js/frame.js")
PRELUDE = read("js/prelude.js")
CHART = module("js/chart.js")
PALETTE = "".join(
    f"--palette-{name}: {COLORS[name]}; "
    for name in ("blue", "vermilion", "green")
)


def make_lab(
    title: str,
    *,
    task: str,
    controls: str,
    picture: str,
    sentence: str,
    script: str,
    twin: Figure,
    data: Mapping[str, Any] | None = None,
    modules: str = "",
    style: str = "",
) -> Lab:
    """Bundle a lab's markup, script and static twin.

    Mark what the script touches with `data-part="name"`; it then reads
    `number("name")`, writes `write("name", text)`, sets attributes with
    `set("name", {...})` and reaches the element itself with `find("name")`.
    No element needs an id, so a page may hold a lab twice. Nothing runs before
    the reader comes near.

    Args:
        title: names the lab to every reader; also its accessible name.
        task: says in a sentence or two what to do, as HTML.
        controls: what the reader moves, as HTML: `slider`, `select`,
            `text_field`,
            `checkbox`, and `buttons` of `button`.
        picture: the figure that the script draws, as HTML.
        sentence: says what the picture shows now, as HTML with parts that the
            script writes.
        script: JavaScript statements, run once per copy with `root` (the lab's
            element) and `data`.
        twin: the lab's first view as a matplotlib figure.
        data: anything JSON holds, handed to the script.
        modules: what the script calls, from `module`.
        style: CSS for this lab alone; begin each selector with `.unrolled-lab`.
    """
    values = json.dumps(data or {}, separators=(",", ":"))
    values = values.replace("<", "\\u003c")
    label = html.escape(title, quote=True)
    body = f"""<p class="lab-title">{label}</p>
<p class="lab-task">{task}</p>
<div class="lab-controls">{controls}</div>
<div class="lab-picture">{picture}</div>
<output aria-live="polite">{sentence}</output>"""
    key = hashlib.sha256((body + modules + script + values).encode())
    mark = f'data-lab="{key.hexdigest()[:12]}"'
    page = f"""<style>.unrolled-lab {{ {PALETTE}}}
{STYLE}{style}</style>
<div class="unrolled-lab" role="group" aria-label="{label}" {mark}>
{body}
</div>
<script>
{{
{modules}{FRAME}
for (const root of document.querySelectorAll('[{mark}]:not([data-ready])')) {{
root.setAttribute("data-ready", "");
whenSeen(root, () => {{
const data = {values};
{PRELUDE}{script}}});
}}
}}
</script>"""
    picture_file = io.BytesIO()
    twin.savefig(picture_file, format="png", dpi=110)
    return Lab(title, page, picture_file.getvalue())


def slider(
    name: str,
    label: str,
    minimum: float,
    maximum: float,
    step: float,
    value: float,
) -> str:
    """Return a labelled native range input.

    A span after the label holds its meaning in words: its part is called
    `<name>-text`.
    """
    return (
        f'<label>{label} <span class="lab-value" data-part="{name}-text">'
        f'</span><input type="range" data-part="{name}" min="{minimum:g}" '
        f'max="{maximum:g}" step="{step:g}" value="{value:g}"></label>'
    )


def select(
    name: str, label: str, options: Mapping[str, str], chosen: str = ""
) -> str:
    """Return a labelled native choice; `options` maps a value to its text."""
    choices = "".join(
        f'<option value="{html.escape(value)}"'
        f"{' selected' * (value == chosen)}>{html.escape(text)}</option>"
        for value, text in options.items()
    )
    return (
        f'<label>{label} <select data-part="{name}">{choices}</select></label>'
    )


def text_field(name: str, label: str, value: str) -> str:
    """Return a labelled native line of text."""
    return (
        f'<label>{label} <input type="text" data-part="{name}" '
        f'value="{html.escape(value)}" autocomplete="off" '
        'spellcheck="false"></label>'
    )


def checkbox(name: str, label: str, checked: bool = False) -> str:
    """Return a native box to tick."""
    state = " checked" * checked
    return (
        f'<label><input type="checkbox" data-part="{name}"{state}> '
        f"{label}</label>"
    )


def button(name: str, label: str, main: bool = False, **data: str) -> str:
    """Return a native push button.

    Args:
        name: its part.
        label: what it says.
        main: whether it is the one that a reader presses first.
        data: its data attributes.
    """
    kind = ' class="lab-main"' * main
    marks = "".join(
        f' data-{key}="{html.escape(value)}"' for key, value in data.items()
    )
    return (
        f'<button type="button"{kind} data-part="{name}"{marks}>'
        f"{label}</button>"
    )


def buttons(*parts: str) -> str:
    """Return a row of buttons, and words between them, below the controls."""
    return f'<div class="lab-buttons">{" ".join(parts)}</div>'
