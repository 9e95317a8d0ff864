"""A chapter's number is its file's: `chapters/08_stock_forecaster` is chapter 8 everywhere.

Sphinx counts the entries of the table of contents, which is another number as long as one chapter
is missing or in between two others.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors.toctree import TocTreeCollector

NUMBERED = re.compile(r"(?:.*/)?(\d+)_\w+$")


def chapter_number(docname: str) -> int | None:
    """Read the number off a document's name: None where it has none, as the introduction."""
    match = NUMBERED.match(docname)
    return int(match[1]) if match else None


def number_chapters(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Give each chapter, its exercises and its equations the number of its file."""
    for docname in env.found_docs:
        number = chapter_number(docname)
        env.toc_secnumbers[docname] = {"": (number,)} if number else {}
        titles = [env.titles[docname], *env.tocs[docname].findall(nodes.reference)]
        for title in titles:
            is_chapter = number and not title.get("anchorname")
            title["secnumber"] = (number,) if is_chapter else None
    TocTreeCollector().assign_figure_numbers(env)
    return []


def setup(app: Sphinx) -> None:
    """Renumber after Sphinx has numbered, which happens at the default priority of 500."""
    app.connect("env-get-updated", number_chapters, priority=900)
