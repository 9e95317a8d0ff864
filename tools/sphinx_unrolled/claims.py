"""The mark behind a sentence becomes a raised letter, and `claims` the ledger.

A claim's mark leads to its entry on the page `claims`, which this module
writes from `benchmarks/claims`: the check of every claim runs while the book
is built, and one that fails stops the build.
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import SphinxError
from sphinx.util.nodes import make_refnode

from benchmarks.claims import Claim, every
from tools import chapters, marks

LEDGER, GLOSSARY = "claims", "glossary"
THRESHOLDS = {
    True: "committed before the fresh seeds were run, in “{}”",
    False: "written after the results had been seen",
}


class RefutedError(SphinxError):
    """A claim that its recorded results do not support."""

    category = "Refuted claim"


def raised(letter: str) -> nodes.superscript:
    """Return a mark's raised letter, which is spoken as the word it begins."""
    word = marks.KINDS[letter]
    return nodes.superscript(
        "",
        nodes.Text(word[0]),
        nodes.inline("", word[1:], classes=["visually-hidden"]),
        classes=["evidence"],
    )


def place_marks(app: Sphinx, doctree: nodes.document) -> None:
    """Raise the letters of a page's marks, and lead them where they belong."""
    cells = {
        name: cell
        for cell in doctree.findall(nodes.container)
        if cell.get("nb_element") == "cell_code"
        for name in marks.IDENTITY.findall(cell.astext())
    }
    links = [
        *doctree.findall(nodes.reference),
        *doctree.findall(addnodes.pending_xref),
    ]
    for link in links:
        kind = marks.KINDS.get(link.astext())
        target = link.get("reftarget", "")
        if kind is None:
            continue
        letter = raised(link.astext())
        link.children = []
        if kind == "identity" and target in cells:
            _add_anchor(cells[target], target)
            link = _replaced(link, nodes.reference(refid=target))
        elif target.rpartition("/")[2] in (LEDGER, GLOSSARY):
            link = _replaced(link, _pending(kind, link))
        link += letter


def _pending(kind: str, link: addnodes.pending_xref) -> addnodes.pending_xref:
    return addnodes.pending_xref(
        reftype=kind,
        reftarget=link["reftargetid"],
        refpage=link["reftarget"],
        refdoc=link["refdoc"],
        refwarn=True,
    )


def find_entry(
    app: Sphinx,
    env: BuildEnvironment,
    link: addnodes.pending_xref,
    content: nodes.Element,
) -> nodes.reference | None:
    """Lead a mark to its entry in the ledger or in the glossary."""
    anchors = {"claim": _claims, "definition": _terms}.get(link["reftype"])
    place = anchors and anchors(env).get(link["reftarget"])
    if not place:
        return None
    page = link["refpage"]
    return make_refnode(app.builder, link["refdoc"], page, place, content)


def _claims(env: BuildEnvironment) -> dict[str, str]:
    return {name: nodes.make_id(name) for name in every()}


def _terms(env: BuildEnvironment) -> dict[str, str]:
    objects = env.get_domain("std").objects
    return {
        nodes.make_id(term): anchor
        for (kind, term), (_, anchor) in objects.items()
        if kind == "term"
    }


def _replaced(old: nodes.Element, new: nodes.Element) -> nodes.Element:
    new.source, new.line = old.source, old.line
    new["internal"] = True
    old.replace_self(new)
    return new


def _add_anchor(cell: nodes.container, name: str) -> None:
    if name not in cell["ids"]:
        cell["ids"].append(name)


def write_ledger(app: Sphinx, docname: str, source: list[str]) -> None:
    """Append an entry for each claim to the page, below a heading a chapter.

    Raises:
        RefutedError: a claim's check fails on its recorded results.
    """
    if docname.rpartition("/")[2] == LEDGER:
        folder = Path(app.env.doc2path(docname)).parent
        source[0] += "\n" + "\n".join(ledger(folder, app.config))


def ledger(folder: Path, config: Config) -> Iterator[str]:
    """Yield the page's Markdown, claim by claim in the chapters' order."""
    sources = sorted(folder.glob("[0-9]*_*.py"))
    topics = {source.stem.partition("_")[2]: source for source in sources}
    known = every().values()
    for topic in sorted(
        {claim.topic for claim in known},
        key=lambda topic: topics.get(topic, folder / f"~{topic}").name,
    ):
        claims = [claim for claim in known if claim.topic == topic]
        yield f"\n## {_heading(claims[0], topics.get(topic))}\n"
        for claim in claims:
            yield entry(claim, config, sources)


def entry(claim: Claim, config: Config, sources: list[Path]) -> str:
    """Write what a reader needs to judge a claim.

    Raises:
        RefutedError: its check fails on its recorded results.
    """
    try:
        effects = claim.effects()
    except AssertionError as error:
        raise RefutedError(
            f"benchmarks/results/{claim.record}.json does not support "
            f"{claim.name}: {claim.sentence}"
        ) from error
    run = claim.provenance()
    seeds = ", ".join(map(str, claim.seeds)) or "none, as nothing is drawn"
    thresholds = THRESHOLDS[claim.thresholds is not None]
    machine = f"{run['processor']}, threads: {run['threads']}"
    lines = [
        f"({claim.name})=",
        f"### {claim.sentence.rstrip('.')}\n",
        *(f"- **Effect:** {effect}" for effect in effects),
        f"- **Contenders:** {' and '.join(claim.contenders)}",
        f"- **Seeds:** {seeds}",
        f"- **Data:** {claim.data}",
        f"- **Run:** `{run['command']}` on {run['date']}, {machine}, "
        f"commit {run['commit']}",
        f"- **Refuted by:** {claim.refuted_by}",
        f"- **Thresholds:** {thresholds.format(claim.thresholds)}",
        f"- **Asserted in:** {_asserts(claim, config)}",
        f"- **Said in:** {_chapters(claim, sources)}\n",
        "````{dropdown} The check\n```python",
        inspect.getsource(claim.check).rstrip(),
        "```\n````\n",
    ]
    return "\n".join(lines)


def _heading(claim: Claim, source: Path | None) -> str:
    if source is None:
        return inspect.getmodule(claim.check).__doc__.splitlines()[0]
    title = re.search(r"(?m)^# # (.+)$", source.read_text(encoding="utf-8"))
    return f"[{title[1]}]({source.stem}.ipynb)"


def _asserts(claim: Claim, config: Config) -> str:
    """Link the lines of a check that assert something."""
    lines, first = inspect.getsourcelines(claim.check)
    path = Path(inspect.getfile(claim.check)).relative_to(chapters.ROOT)
    options = config.html_theme_options
    address = (
        f"{options['repository_url']}/blob/{options['repository_branch']}"
        f"/{path.as_posix()}"
    )
    numbers = [
        first + offset
        for offset, line in enumerate(lines)
        if line.lstrip().startswith("assert ")
    ]
    links = (f"[line {number}]({address}#L{number})" for number in numbers)
    return f"`{path.as_posix()}`, {', '.join(links)}"


def _chapters(claim: Claim, sources: list[Path]) -> str:
    said = [
        f"[chapter {int(source.stem.partition('_')[0])}]({source.stem}.ipynb)"
        for source in sources
        if f"({marks.LEDGER}{claim.name})" in source.read_text(encoding="utf-8")
    ]
    return ", ".join(said) or "no chapter yet"


def setup(app: Sphinx) -> None:
    """Write the ledger before it is read; place marks once a page is."""
    app.connect("source-read", write_ledger)
    app.connect("doctree-read", place_marks)
    app.connect("missing-reference", find_entry)
