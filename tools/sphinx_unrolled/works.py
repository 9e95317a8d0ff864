"""The page `works_cited`: what the chapters cite, with the way back.

The chapters' links are read from their sources, so that nothing is listed that
nobody cites; `chapters/references.toml` knows authors, year and title, and when
these were compared with how other published works cite it.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import jupytext
from myst_parser.mdit_to_docutils.base import default_slugify
from sphinx.application import Sphinx

from tools import marks, prose

PAGE, KNOWN = "works_cited", "references.toml"
UNCOMPARED = "Not compared with other catalogues."
LINK = re.compile(r"\[([^\[\]]+)\]\((https?://(?:[^()\s]|\([^()\s]*\))+)\)")
NAMED = re.compile(r"\(?([^\W\d_][^()\d]*?)(?:['’]s)?,? \(?(\d{4})\b")


@dataclass
class Work:
    """What is cited, when that was compared with how others cite it, and where
    it is cited: chapter, heading, and the heading's anchor."""

    authors: str
    year: int
    title: str = ""
    compared: str = ""
    places: list[tuple[str, str, str]] = field(default_factory=list)


def citations(markdown: str) -> Iterator[tuple[str, str, str]]:
    """Yield each link's address, its words, and the heading it stands under."""
    heading = ""
    for part in re.split(r"(?m)^(?=#)", prose.without_code(markdown)):
        found = marks.HEADING.match(part)
        if found and 1 < len(found[1]) <= marks.DEEPEST_ANCHOR:
            heading = re.sub(r"\$[^$]*\$|[*_`]", "", found[2]).strip()
        for link in LINK.finditer(part):
            yield link[2], " ".join(link[1].split()), heading


def works(folder: Path) -> dict[str, Work]:
    """Collect what the chapters of a folder cite, by address."""
    path = folder / KNOWN
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    known = tomllib.loads(text)
    found: dict[str, Work] = {}
    for source in sorted(folder.glob("[0-9]*_*.py")):
        notebook = jupytext.read(source)
        markdown = "\n\n".join(
            cell.source
            for cell in notebook.cells
            if cell.cell_type == "markdown"
        )
        for address, words, heading in citations(markdown):
            named = NAMED.match(words)
            if address in known:
                work = Work(*known[address])
            elif named:
                work = Work(named[1], int(named[2]))
            else:
                continue
            place = (source.stem, heading, default_slugify(heading))
            places = found.setdefault(address, work).places
            if place not in places:
                places.append(place)
    return found


def listing(folder: Path) -> Iterator[str]:
    """Yield the page's Markdown, work by work."""
    found = works(folder).items()
    for address, work in sorted(
        found, key=lambda item: (item[1].authors.lower(), item[1].year)
    ):
        link = f"[{work.title or address}]({address})"
        yield f"- {work.authors} ({work.year}). {link}. Cited in"
        yield "  " + ", ".join(map(_back, work.places)) + "."
        if not work.compared:
            yield f"  *{UNCOMPARED}*"


def _back(place: tuple[str, str, str]) -> str:
    chapter, heading, anchor = place
    number = int(chapter.partition("_")[0])
    words = f"{number}, *{heading}*" if heading else str(number)
    return f"[{words}]({chapter}.ipynb{'#' * bool(anchor)}{anchor})"


def write_page(app: Sphinx, docname: str, source: list[str]) -> None:
    """Append the list to the page."""
    if docname.rpartition("/")[2] == PAGE:
        folder = Path(app.env.doc2path(docname)).parent
        source[0] += "\n" + "\n".join(listing(folder)) + "\n"


def setup(app: Sphinx) -> None:
    """Write the page before it is read."""
    app.connect("source-read", write_page)
