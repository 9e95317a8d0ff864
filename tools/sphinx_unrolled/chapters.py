"""A chapter's number is its file's: `chapters/10_stock_forecaster` is chapter
10 everywhere.

Sphinx counts the entries of the table of contents, which is another number as
long as one chapter is missing or in between two others.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors.toctree import TocTreeCollector

NUMBERED = re.compile(r"(?:.*/)?(\d+)_\w+$")


def chapter_number(docname: str) -> int | None:
    """Read the number off a document's name: None where it has none, as the
    introduction."""
    match = NUMBERED.match(docname)
    return int(match[1]) if match else None


def number_chapters(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Give each chapter, its exercises and its equations the number of its
    file."""
    for docname in env.found_docs:
        number = chapter_number(docname)
        env.toc_secnumbers[docname] = {"": (number,)} if number else {}
        env.titles[docname]["secnumber"] = (number,) if number else None
        for entry in env.tocs[docname].findall(nodes.reference):
            is_title = number and not entry["anchorname"]
            entry["secnumber"] = (number,) if is_title else None
    TocTreeCollector().assign_figure_numbers(env)
    # Exercises and equations have taken the chapter's number; its sections
    # shall not show it.
    for docname in env.found_docs:
        for entry in env.tocs[docname].findall(nodes.reference):
            env.toc_secnumbers[docname].setdefault(entry["anchorname"], None)
    return []


def setup(app: Sphinx) -> None:
    """Renumber after Sphinx has numbered, which happens at the default
    priority of 500."""
    app.connect("env-get-updated", number_chapters, priority=900)
