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
PRELUDE = read("js/prelude.js")
PALETTE = "".join(
    f"--palette-{name}: {COLORS[name]}; "
    for name in ("blue", "vermilion", "green")
)


def make_lab(
    title: str,
    body: str,
    script: str,
    twin: Figure,
    data: Mapping[str, Any] | None = None,
    style: str = "",
) -> Lab:
    """Bundle a lab's markup, script and static twin.

    Mark what the script touches with `data-part="name"`; it then reads
    `number("name")`, writes `write("name", text)`, sets attributes with
    `set("name", {...})` and reaches the element itself with `find("name")`.
    No element needs an id, so a page may hold a lab twice.

    Args:
        title: names the lab to every reader; also its accessible name.
        body: HTML between the title and the script.
        script: JavaScript statements, run once per copy with `root` (the lab's
            element) and `data`.
        twin: the lab's first view as a matplotlib figure.
        data: anything JSON holds, handed to the script.
        style: CSS for this lab alone; begin each selector with `.unrolled-lab`.
    """
    values = json.dumps(data or {}, separators=(",", ":"))
    values = values.replace("<", "\\u003c")
    key = hashlib.sha256((title + body + script + values).encode())
    label = html.escape(title, quote=True)
    mark = f'data-lab="{key.hexdigest()[:12]}"'
    page = f"""<style>.unrolled-lab {{ {PALETTE}}}
{STYLE}{style}</style>
<div class="unrolled-lab" role="group" aria-label="{label}" {mark}>
<p class="lab-title">{label}</p>
{body}
</div>
<script>
for (const root of document.querySelectorAll('[{mark}]:not([data-ready])')) {{
root.setAttribute("data-ready", "");
const data = {values};
{PRELUDE}{script}}}
</script>"""
    picture = io.BytesIO()
    twin.savefig(picture, format="png", dpi=110)
    return Lab(title, page, picture.getvalue())


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
        f'<label>{label} <span data-part="{name}-text"></span>'
        f'<input type="range" data-part="{name}" min="{minimum:g}" '
        f'max="{maximum:g}" step="{step:g}" value="{value:g}"></label>'
    )


def button(name: str, label: str) -> str:
    """Return a native push button."""
    return f'<button type="button" data-part="{name}">{label}</button>'
