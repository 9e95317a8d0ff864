"""The search's order: chapters before lists, and the chapter that shows a term
before its entry in the glossary.

Sphinx's index knows which page has which word, not how often. So a page that
mentions a word once stands beside the chapter that explains it. How often a
chapter says the words, its headings and the glossary's links say which is
which.
"""

import itertools
import json
import re
from collections import Counter
from pathlib import Path

import nbformat
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.search.en import SearchEnglish

from tools import prose

# Below this a chapter only mentions a word; the list is half as long.
SAID_OFTEN = 3
GLOSSARY = "chapters/glossary.md"
SCORER = Path(__file__).with_name("search.js")
ENTRY = re.compile(r"^(?P<term>\S.*)\n(?P<text>(?:  .*\n)+)", re.MULTILINE)
CHAPTER = re.compile(r"\]\((\d\d_\w+)\.ipynb")
ADDRESS = re.compile(r"\]\([^)]*\)")
CLAUSE = re.compile(r"[.!?:;|]\s|\n\s*\n")


def introduced(glossary: str) -> dict[str, str]:
    """Return the page that each term of a glossary links first."""
    found = {}
    for entry in ENTRY.finditer(glossary):
        if link := CHAPTER.search(entry["text"]):
            found[entry["term"]] = f"chapters/{link[1]}"
    return found


def counted(markdown: str) -> Counter[str]:
    """Count the words of prose, and the pairs of words that stand together,
    as the index has them: stemmed, without the most common."""
    language = SearchEnglish({})
    counts: Counter[str] = Counter()
    text = ADDRESS.sub("]", prose.without_code(markdown))
    for clause in CLAUSE.split(text):
        words = [
            language.stem(word)
            for word in language.split(clause.lower())
            if word not in language.stopwords and not word.isdigit()
        ]
        counts.update(words)
        counts.update(map(" ".join, itertools.pairwise(words)))
    return counts


def said(folder: Path) -> dict[str, dict[str, int]]:
    """Return how often the chapters of a folder say what they say often:
    `said[words][page]`."""
    found: dict[str, dict[str, int]] = {}
    for path in sorted(folder.glob("[0-9]*_*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        text = "\n\n".join(
            cell.source
            for cell in notebook.cells
            if cell.cell_type == "markdown"
        )
        for words, count in counted(text).items():
            if count >= SAID_OFTEN:
                page = f"{folder.name}/{path.stem}"
                found.setdefault(words, {})[page] = count
    return found


def write_scorer(app: Sphinx, config: Config) -> None:
    """Give Sphinx the script that orders the results."""
    path = Path(app.srcdir, GLOSSARY)
    terms = introduced(path.read_text("utf-8")) if path.exists() else {}
    pages = said(path.parent)
    chapters = sorted({page for counts in pages.values() for page in counts})
    # A page's place in the list is shorter than its name.
    places = {
        words: {chapters.index(page): count for page, count in counts.items()}
        for words, counts in pages.items()
    }
    scorer = Path(app.doctreedir, "search_scorer.js")
    scorer.parent.mkdir(parents=True, exist_ok=True)
    known = {"INTRODUCED": terms, "CHAPTERS": chapters, "SAID": places}
    scorer.write_text(
        "".join(
            f"const {name} = {json.dumps(value, separators=(',', ':'))};\n"
            for name, value in known.items()
        )
        + SCORER.read_text("utf-8"),
        encoding="utf-8",
    )
    config.html_search_scorer = str(scorer)


def setup(app: Sphinx) -> None:
    """Write the script before the builder reads it."""
    app.connect("config-inited", write_scorer)
