"""The mark behind a sentence says on what it rests.

    Both directions tag better.[ᶜ](claims.md#both_directions_tag_better)
    The three libraries agree.[ⁱ](#same-numbers)
    The state is what a layer carries along.[ᵈ](#one-state)
    It scores 84.3 % ([Someone, 2001](https://doi.org/10.1000/1)).

They are a claim of `benchmarks/claims`, an identity that a cell with the
comment `# Identity: same-numbers` asserts, a definition under a heading of the
chapter (or on another page, as in `glossary.md#hidden-state`), and a citation.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from docutils.nodes import make_id
from myst_parser.mdit_to_docutils.base import default_slugify

from tools import cells, prose

KINDS = {"ᶜ": "claim", "ⁱ": "identity", "ᵈ": "definition"}
LEDGER = "claims.md#"
MARK = re.compile(rf"\[([{''.join(KINDS)}])\]\(([^()\s]+)\)")
SOURCE = re.compile(r"\]\(https?://|<https?://")
PAGE = re.compile(r"\]\(\w+\.(?:ipynb|md)")
IDENTITY = re.compile(r"(?m)^# Identity: ([\w-]+)$")
HEADING = re.compile(r"(?m)^(#{1,6}) (.+?)\s*$")
DEEPEST_ANCHOR = 3
TERM = re.compile(r"(?m)^(\w.*)\n {2}\S")

# A word by which one thing is set against another.
COMPARES = re.compile(
    r"(?i)\b(?:better|best|worse|worst|faster|slower|fewer|less|more|most|than"
    r"|beats?|beaten|wins?|loses?|outperforms?|helps?|improves?|hurts?|cannot"
    r"|can't|never|always|only|enough|worth|higher|lower|easier|harder)\b"
)
BLOCK = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*+]|\d+\.)\s)")
BULLET = re.compile(r"\A\s*(?:[-*+]|\d+\.)\s+")
AFTER_STOP = re.compile(rf"([.!?])((?:{MARK.pattern})+)")
STOP = re.compile(
    r"(?<=[.!?])(?<!\bal\.)(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bcf\.)(?<!\bvs\.)"
    r"[*_”\"')]*\s+(?=[^\sa-z])"
)


@dataclass(frozen=True)
class Mark:
    """What a sentence rests on, and where to find it."""

    kind: str
    target: str = ""


def marks(text: str) -> list[Mark]:
    """Return a text's marks; links to sources are together one citation.

    A link to a page of the book is a citation as well, of a text that has no
    other mark and compares nothing.
    """
    found = [Mark(KINDS[each[1]], each[2]) for each in MARK.finditer(text)]
    if SOURCE.search(text):
        found.append(Mark("citation"))
    if not found and PAGE.search(text) and not COMPARES.search(text):
        found.append(Mark("citation"))
    return found


def sentences(markdown: str) -> Iterator[str]:
    """Split Markdown into its sentences, each with the marks behind it."""
    text = prose.without_code(markdown)
    text = re.sub(r"(?s)\$\$.*?\$\$|\$[^$]+\$|`[^`]+`", "…", text)
    text = AFTER_STOP.sub(r"\2\1", HEADING.sub("", text))
    for block in BLOCK.split(text):
        for sentence in STOP.split(BULLET.sub("", block)):
            if re.search(r"\w", sentence):
                yield " ".join(sentence.split())


def section(markdown: str, title: str) -> str:
    """Return what stands under a heading of the second level."""
    found = re.search(rf"(?ms)^## {title}\s*$(.*?)(?=^##? |\Z)", markdown)
    return found[1] if found else ""


def slugs(markdown: str) -> set[str]:
    """Return the anchors of the headings, as the site makes them."""
    return {
        default_slugify(re.sub(r"\$[^$]*\$|[*_`]", "", heading[2]))
        for heading in HEADING.finditer(prose.without_code(markdown))
        if len(heading[1]) <= DEEPEST_ANCHOR
    }


def terms(markdown: str) -> set[str]:
    """Return the anchors of a glossary's terms: `forget-gate`."""
    return {make_id(found[1]) for found in TERM.finditer(markdown)}


def identities(source: str) -> set[str]:
    """Return the names of the identities that a cell asserts."""
    names = IDENTITY.findall(source)
    if not names:
        return set()
    asserts = any(map(_asserts, ast.walk(cells.parse(source))))
    return set(names) if asserts else set()


def _asserts(node: ast.AST) -> bool:
    """Tell an assert, or a call such as `np.testing.assert_allclose(a, b)`."""
    called = getattr(getattr(node, "func", None), "attr", "")
    return isinstance(node, ast.Assert) or called.startswith("assert_")


def figure_titles(source: str) -> Iterator[str]:
    """Yield the texts that a cell sets as titles of its figures."""
    for node in ast.walk(cells.parse(source)):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given = [
                word.value for word in node.keywords if word.arg == "title"
            ]
            if called in ("title", "set_title", "suptitle"):
                given += node.args
            yield from filter(None, map(_text, given))


def _text(node: ast.expr) -> str:
    """Join the letters of a string, formatted or not."""
    return " ".join(
        part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    )
