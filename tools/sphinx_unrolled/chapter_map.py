"""The map of the chapters: which one needs which, and how long each takes.

    ```{chapter-map}
    01_rnn_basics:
    02_lstm: 01_rnn_basics
    ```

Each line names a chapter and what is read before it. A chapter stands one row
below the last that it needs; every box is a link.
"""

import html
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from tools import chapters
from tools.guards import Chapter
from tools.sphinx_unrolled.effort import minutes

WIDTH, HEIGHT = 142, 66
BESIDE, BELOW, EDGE = 12, 34, 4
LETTERS_PER_LINE = 18

Needs = dict[str, list[str]]


def read_needs(lines: list[str]) -> Needs:
    """Read what each chapter needs.

    Raises:
        ValueError: a line names a chapter that no line before it has, or has
            no colon.
    """
    needs: Needs = {}
    for line in filter(str.strip, lines):
        name, colon, before = line.partition(":")
        if not colon:
            raise ValueError(f"{line!r}: write NN_topic: and what it needs")
        needs[name.strip()] = before.split()
        for other in before.split():
            if other not in needs:
                raise ValueError(f"{line!r}: no line before it has {other}")
    return needs


def rows(needs: Needs) -> list[list[str]]:
    """Put each chapter into the row below the last that it needs."""
    row: dict[str, int] = {}
    for name, before in needs.items():
        row[name] = max((row[other] + 1 for other in before), default=0)
    return [
        [name for name in needs if row[name] == number]
        for number in range(max(row.values()) + 1)
    ]


def draw(needs: Needs, labels: dict[str, tuple[str, int]]) -> str:
    """Return the map as SVG; labels are each chapter's title and minutes."""
    levels = rows(needs)
    widest = max(map(len, levels))
    across = widest * (WIDTH + BESIDE) - BESIDE + 2 * EDGE
    down = len(levels) * (HEIGHT + BELOW) - BELOW + 2 * EDGE
    place = {
        name: (
            (across - len(level) * (WIDTH + BESIDE) + BESIDE) / 2
            + position * (WIDTH + BESIDE),
            EDGE + number * (HEIGHT + BELOW),
        )
        for number, level in enumerate(levels)
        for position, name in enumerate(level)
    }
    parts = [
        f'<svg viewBox="0 0 {across} {down}" style="min-width: {across * 0.8}px'
        f'; max-width: {across * 1.1}px" xmlns="http://www.w3.org/2000/svg">'
    ]
    for name, before in needs.items():
        parts += [_edge(place[other], place[name]) for other in before]
    for name, corner in place.items():
        parts += _box(name, corner, *labels[name])
    return "\n".join([*parts, "</svg>"])


def _edge(above: tuple[float, float], below: tuple[float, float]) -> str:
    x, y = above[0] + WIDTH / 2, above[1] + HEIGHT
    end_x, end_y = below[0] + WIDTH / 2, below[1]
    middle = (y + end_y) / 2
    return (
        f'<path d="M{x:g} {y:g}C{x:g} {middle:g} {end_x:g} {middle:g} '
        f'{end_x:g} {end_y:g}"/>'
    )


def _box(
    name: str, corner: tuple[float, float], title: str, time: int
) -> Iterator[str]:
    x, y = corner
    number = int(name.partition("_")[0])
    lines = textwrap.wrap(f"{number} {title}", LETTERS_PER_LINE)
    yield f'<a href="{name}.html">'
    yield (
        f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
    )
    first = y + HEIGHT / 2 - 8 * len(lines) + 6
    for line, text in enumerate([*lines, f"{time} min"]):
        kind = ' class="time"' if line == len(lines) else ""
        yield (
            f'<text x="{x + WIDTH / 2:g}" y="{first + 16 * line:g}"{kind}>'
            f"{html.escape(text)}</text>"
        )
    yield "</a>"


class ChapterMap(SphinxDirective):
    """Draw the map that the content describes."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the drawing; every chapter has its line."""
        try:
            needs = read_needs(list(self.content))
        except ValueError as error:
            raise self.error(f"chapter-map: {error}") from error
        folder = Path(self.env.doc2path(self.env.docname)).parent
        sources = {path.stem: path for path in folder.glob("[0-9]*_*.py")}
        if odd := sorted(set(sources) ^ set(needs)):
            raise self.error(
                "chapter-map: a line for each chapter, and no other: "
                f"{', '.join(odd)}"
            )
        labels = {name: _label(sources[name]) for name in needs}
        drawing = (
            '<nav class="chapter-map" aria-label="Map of the chapters" '
            f'tabindex="0">{draw(needs, labels)}</nav>'
        )
        for path in sources.values():
            self.env.note_dependency(str(path.with_suffix(".ipynb")))
        return [nodes.raw("", drawing, format="html")]


def _label(source: Path) -> tuple[str, int]:
    text = source.read_text(encoding="utf-8")
    title = re.search(r"(?m)^# # (.+)$", text)
    if title is None:
        raise ValueError(f"{source.name} has no title")
    return title[1], minutes(Chapter(source, chapters.ROOT).markdown)


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("chapter-map", ChapterMap)
