"""The search's order: chapters before lists, and the chapter that shows a term
before its entry in the glossary.

Sphinx's index knows which page has which word, not how often. So a page that
mentions a word once stands beside the chapter that explains it; headings and
the glossary's links say which is which.
"""

import json
import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

GLOSSARY = "chapters/glossary.md"
SCORER = Path(__file__).with_name("search.js")
ENTRY = re.compile(r"^(?P<term>\S.*)\n(?P<text>(?:  .*\n)+)", re.MULTILINE)
CHAPTER = re.compile(r"\]\((\d\d_\w+)\.ipynb")


def introduced(glossary: str) -> dict[str, str]:
    """Return the page that each term of a glossary links first."""
    found = {}
    for entry in ENTRY.finditer(glossary):
        if link := CHAPTER.search(entry["text"]):
            found[entry["term"]] = f"chapters/{link[1]}"
    return found


def write_scorer(app: Sphinx, config: Config) -> None:
    """Give Sphinx the script that orders the results."""
    path = Path(app.srcdir, GLOSSARY)
    terms = introduced(path.read_text("utf-8")) if path.exists() else {}
    scorer = Path(app.doctreedir, "search_scorer.js")
    scorer.parent.mkdir(parents=True, exist_ok=True)
    scorer.write_text(
        f"const INTRODUCED = {json.dumps(terms)};\n{SCORER.read_text('utf-8')}",
        encoding="utf-8",
    )
    config.html_search_scorer = str(scorer)


def setup(app: Sphinx) -> None:
    """Write the script before the builder reads it."""
    app.connect("config-inited", write_scorer)
