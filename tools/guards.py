"""What every chapter must satisfy.

Each guard takes a chapter and returns the faults it finds.
"""

import re
import statistics
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import jupytext
import nbformat
import yaml
from bs4 import BeautifulSoup, Tag
from nbformat import NotebookNode

from benchmarks import claims
from tools import bootstrap, cells, chapters, marks, prose, tolerance

WORDS = range(2_000, 4_501)
LONGEST_CELL = 20
LONGEST_MEDIAN = 8
WIDEST_LINE = 80
LEVELS = tuple(f"(*{level}*)" for level in ("easy", "medium", "hard"))
EXERCISES = range(4, 11)
TAGS = {
    "bootstrap",
    "remove-cell",
    "hide-input",
    "hide-output",
    "remove-input",
    "raises-exception",
    "nbval-ignore-output",
    "tab-pytorch",
    "tab-keras",
}

WIDEST = {"within": Decimal("0.03"), "rtol": Decimal("0.1")}
# The one table of verdicts, by its chapter and its cell's first comment: where
# padding changes an answer and where it does not.
GRID = ("any_length", "# The invariance grid")
# A cell's header, a row of a table, an address or a formula.
UNBROKEN = re.compile(r"^# (?:%%|\||.*\]\(|.*\\\w)")
REASON = re.compile(r"# tolerance: *\S")
NO_COMPARISON = re.compile(r"# no comparison: *\S")
HEADING = re.compile(r"(?m)^#{1,3} ")
REFERENCE = re.compile(r"\{numref\}`(?:[^`<]*<)?([^`<>]+)>?`")
NUMBERED = re.compile(r"\s*(?:(?:Figure|Fig\.|Table)\s+)?\d+\.(?!\d)")

# Folders that name a machine or its user; written in parts so that this file
# passes its own guard.
ABSOLUTE_PATH = re.compile(
    r"(?<![\w.:/-])"
    r"/(?:home|root|Users|work|tmp|opt|private|content|mnt)"  # guard: pattern
    r"/[\w.-]+"
    r"|\b[A-Z]:\\Users\\|file:/" + r"/[\w./]"
)


@dataclass(frozen=True)
class Chapter:
    """A hand-edited source and the notebook executed from it."""

    source: Path
    root: Path = chapters.ROOT

    @property
    def path(self) -> Path:
        """The notebook's path."""
        return self.source.with_suffix(".ipynb")

    @property
    def topic(self) -> str:
        """The source's name without its number."""
        return self.source.stem.partition("_")[2]

    @cached_property
    def script(self) -> NotebookNode:
        """The source, as cells."""
        return jupytext.read(self.source)

    @cached_property
    def notebook(self) -> NotebookNode:
        """The executed notebook."""
        return nbformat.read(self.path, as_version=4)

    @property
    def code_cells(self) -> Iterator[tuple[int, NotebookNode]]:
        """Yield the number and content of each code cell that holds code."""
        yield from _code(self.notebook)

    @property
    def own_cells(self) -> Iterator[tuple[int, NotebookNode]]:
        """Yield the source's code cells, without the book's bootstrap cell."""
        for number, cell in _code(self.script):
            if "bootstrap" not in cell.metadata.get("tags", []):
                yield number, cell

    @property
    def markdown(self) -> str:
        """All of the chapter's prose."""
        return "\n\n".join(
            c.source for c in self.notebook.cells if c.cell_type == "markdown"
        )

    @property
    def captions(self) -> str:
        """The captions of its figures and tables, a paragraph each."""
        return "\n\n".join(_caption(cell) for _, cell in self.code_cells)


def _caption(cell: NotebookNode) -> str:
    figure = cell.metadata.get("mystnb", {}).get("figure", {})
    return str(figure.get("caption", ""))


def _code(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code" and cell.source.strip():
            yield number, cell


def stale(chapter: Chapter) -> list[str]:
    """The notebook was executed from this source, code, results and pins."""
    if not chapter.path.exists():
        return ["was never executed; run `python -m tools notebooks`"]
    if not chapters.is_fresh(chapter.source, chapter.root):
        return [
            "is stale: its source, code, recorded results or pins changed; "
            "run `python -m tools notebooks`"
        ]
    return []


def unpaired(chapter: Chapter) -> list[str]:
    """Source and notebook hold the same cells with the same metadata."""
    left, right = chapter.script.cells, chapter.notebook.cells
    if len(left) != len(right):
        return [f"has {len(right)} cells, its source {len(left)}"]
    return [
        f"cell {number}: {part} differs from the source"
        for number, (a, b) in enumerate(zip(left, right, strict=True), start=1)
        for part in ("cell_type", "source", "metadata")
        if a[part] != b[part]
    ]


def unexecuted(chapter: Chapter) -> list[str]:
    """Execution counts are 1..n, for nbval skips a cell without one."""
    return [
        f"cell {number}: execution count is {cell.execution_count}, "
        f"not {expected}"
        for expected, (number, cell) in enumerate(chapter.code_cells, start=1)
        if cell.execution_count != expected
    ]


def noisy(chapter: Chapter) -> list[str]:
    """No cell wrote to stderr or failed, save one that is tagged to raise."""
    faults = []
    for number, cell in chapter.code_cells:
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                faults.append(
                    f"cell {number}: wrote to stderr: "
                    f"{output.text.strip()[:80]!r}"
                )
            raised = "raises-exception" in cell.metadata.get("tags", [])
            if output.output_type == "error" and not raised:
                faults.append(f"cell {number}: raised {output.ename}")
    return faults


def mistagged(chapter: Chapter) -> list[str]:
    """Tags come from a short list, or give a tolerance."""
    return [
        f"cell {number}: tag {tag!r} is neither within-… nor rtol-…, "
        f"nor one of {', '.join(sorted(TAGS))}"
        for number, cell in enumerate(chapter.notebook.cells, start=1)
        for tag in cell.metadata.get("tags", [])
        if tag not in TAGS and not tolerance.TAG.fullmatch(tag)
    ]


def tolerances(cell: NotebookNode) -> dict[str, Decimal]:
    """Return the tolerances that a cell's tags give."""
    return tolerance.tolerances(cell.metadata.get("tags", []))


def lax(chapter: Chapter) -> list[str]:
    """A tolerance beyond the limit has its reason in the cell."""
    return [
        f"cell {number}: {kind}-{allowed} is more than {kind}-{WIDEST[kind]}; "
        "give the reason as a comment, `# tolerance: ...`"
        for number, cell in chapter.code_cells
        for kind, allowed in tolerances(cell).items()
        if allowed > WIDEST[kind] and not REASON.search(cell.source)
    ]


def unasserted(chapter: Chapter) -> list[str]:
    """What is drawn from numbers with a tolerance is asserted with a margin.

    An assert in the same cell or later in its section names something that
    the cell shows, and compares by `<` or `>` with a number other than zero
    in it: `a - b > 0.02`, `a > 1.5 * b`, `a < 0.1`. Where nothing is compared,
    the cell says so: `# no comparison: ...`.
    """
    source = "\n".join(cell.source for _, cell in chapter.code_cells)
    imported = cells.imported_names(source)
    return [
        f"cell {number}: no assert with a margin (such as `a - b > 0.02`) "
        "names what it shows; add one to its section, or say in the cell "
        "`# no comparison: ...`"
        for number, cell in chapter.code_cells
        if tolerances(cell) and not NO_COMPARISON.search(cell.source)
        if not any(
            (cells.shown_names(cell.source) & asserted) - imported
            for asserted in cells.asserted_names(_section(chapter, number))
        )
    ]


def _section(chapter: Chapter, number: int) -> str:
    """Join the code from a cell on to the end of its section."""
    section = []
    for cell in chapter.notebook.cells[number - 1 :]:
        if cell.cell_type == "markdown" and HEADING.search(cell.source):
            break
        section += [cell.source] if cell.cell_type == "code" else []
    return "\n".join(section)


def unreproduced(chapter: Chapter) -> list[str]:
    """A measured number in the prose is the rounding of one in an output.

    Or it is cited. It has no more digits than the tolerance of the cell that
    printed it leaves standing. Captions are prose too.
    """
    outputs = [
        number
        for _, cell in chapter.code_cells
        if "nbval-ignore-output" not in cell.metadata.get("tags", [])
        for output in cell.outputs
        for number in prose.output_numbers(output, tolerances(cell))
    ]
    faults = []
    text = f"{chapter.markdown}\n\n{chapter.captions}"
    for quoted in prose.quoted_numbers(text):
        sources = [each for each in outputs if quoted.is_rounding_of(each)]
        where = f"“{quoted.text}” in “{quoted.sentence[:70]}”"
        if not sources:
            faults.append(
                f"{where} is in no output; print it, or cite its source"
            )
        elif not any(map(quoted.is_supported_by, sources)):
            faults.append(
                f"{where} is finer than the tolerance of its cell; "
                "quote fewer digits, or narrow the tolerance"
            )
    return faults


def decreed(chapter: Chapter) -> list[str]:
    """An output shows results as numbers; what is true stands in an assert."""
    return [
        f"cell {number}: shows {verdict!r} for a result; print the number "
        "behind it, and assert what it should be"
        for number, cell in chapter.code_cells
        if not (chapter.topic == GRID[0] and GRID[1] in cell.source)
        for output in cell.outputs
        for verdict in prose.verdicts(output)
    ]


def unmarked(chapter: Chapter) -> list[str]:
    """A sentence of the summary carries one mark: on what it rests."""
    return [
        f"“{sentence[:70]}” carries {len(found)} marks, not one; mark the "
        "claim, the identity or the definition behind it, or cite a source"
        for sentence in marks.sentences(
            marks.section(chapter.markdown, "Summary")
        )
        if len(found := marks.marks(sentence)) != 1
    ]


def unfounded(chapter: Chapter) -> list[str]:
    """Below a heading, figure title or caption that compares stands a mark."""
    return [
        f"“{title}” compares, and the paragraph below it carries no mark"
        for title, below in _titles(chapter)
        if marks.COMPARES.search(title) and not title.endswith("?")
        if not marks.marks(below)
    ]


def _titles(chapter: Chapter) -> Iterator[tuple[str, str]]:
    """Yield headings, figures' titles and captions with the paragraph below."""
    below = ""
    for cell in reversed(chapter.notebook.cells):
        if cell.cell_type == "code":
            if _draws(cell):
                for title in marks.figure_titles(cell.source):
                    yield title, below
            # A caption begins with its title; what follows explains the marks.
            yield re.split(r"[.:]\s", _caption(cell), maxsplit=1)[0], below
        elif cell.cell_type == "markdown" and cell.source.strip():
            text = prose.without_code(cell.source).strip()
            for block in reversed(re.split(r"\n\s*\n", text)):
                if heading := marks.HEADING.match(block):
                    yield heading[2], below
                below = block


def _draws(cell: NotebookNode) -> bool:
    return any(
        "image/png" in o.get("data", {}) for o in cell.get("outputs", [])
    )


def misled(chapter: Chapter) -> list[str]:
    """Every mark leads to what it names."""
    places = {
        "claim": {marks.LEDGER + name for name in claims.every()},
        "identity": {
            f"#{name}"
            for _, cell in chapter.code_cells
            for name in marks.identities(cell.source)
        },
        "definition": {f"#{slug}" for slug in marks.slugs(chapter.markdown)},
    }
    for page in chapter.source.parent.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        anchors = marks.slugs(text) | marks.terms(text)
        places["definition"] |= {f"{page.name}#{each}" for each in anchors}
    return [
        f"no {marks.KINDS[found[1]]} is at {found[2]}, where a mark leads"
        for found in marks.MARK.finditer(chapter.markdown)
        if found[2] not in places[marks.KINDS[found[1]]]
    ]


def unbalanced(chapter: Chapter) -> list[str]:
    """A chapter is long enough to teach, short enough for an evening."""
    words = prose.words(chapter.markdown)
    if words in WORDS:
        return []
    return [
        f"has {words:,} words of prose, "
        f"not {WORDS.start:,} to {WORDS.stop - 1:,}"
    ]


def swallowed(chapter: Chapter) -> list[str]:
    """No line of prose begins with %, which the site takes for a comment."""
    return [
        f"cell {number}: {line[:40]!r} would not be shown; wrap it elsewhere"
        for number, cell in enumerate(chapter.notebook.cells, start=1)
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.lstrip().startswith("%")
    ]


def overlong(chapter: Chapter) -> list[str]:
    """A cell holds one idea: 20 lines at the outside, 8 at the median.

    The bootstrap cell, which is the book's own and the same everywhere, is not
    counted, nor is a cell that holds nothing but imports.
    """
    lengths = {
        number: len(cell.source.splitlines())
        for number, cell in chapter.own_cells
        if not cells.only_imports(cell.source)
    }
    faults = [
        f"cell {number}: {length} lines, at most {LONGEST_CELL}"
        for number, length in lengths.items()
        if length > LONGEST_CELL
    ]
    median = statistics.median(lengths.values()) if lengths else 0
    if median > LONGEST_MEDIAN:
        faults.append(
            f"the median code cell has {median:g} lines, "
            f"at most {LONGEST_MEDIAN}"
        )
    return faults


def overwide(chapter: Chapter) -> list[str]:
    """The source and what its cells print keep to 80 columns.

    A comment may be longer where there is no place to break it.
    """
    source = chapter.source.read_text(encoding="utf-8")
    faults = [
        f"line {number}: {len(line)} columns, at most {WIDEST_LINE}"
        for number, line in enumerate(source.splitlines(), start=1)
        if len(line) > WIDEST_LINE and not UNBROKEN.search(line)
    ]
    for number, cell in chapter.code_cells:
        faults += [
            f"cell {number}: prints {width} columns, at most {WIDEST_LINE}"
            for width in map(prose.printed_width, cell.outputs)
            if width > WIDEST_LINE
        ]
    return faults


def scattered(chapter: Chapter) -> list[str]:
    """Imports stand in one folded cell; code that only draws is folded too.

    A folded cell is tagged `hide-input`. Solutions import nothing. Whether a
    cell that shows a figure only draws, `tools.cells.only_draws` says.
    """
    importing = [
        (number, cell)
        for number, cell in chapter.own_cells
        if cells.imports(cell.source)
    ]
    faults = [
        f"cell {number}: move its imports to cell {importing[0][0]}"
        for number, _ in importing[1:]
    ]
    names = cells.drawing_names("\n".join(c.source for _, c in importing))
    folded = importing[:1] + [
        (number, cell)
        for number, cell in chapter.code_cells
        if _draws(cell) and cells.only_draws(cell.source, names)
    ]
    return faults + [
        f"cell {number}: holds only imports or drawing; tag it hide-input"
        for number, cell in folded
        if "hide-input" not in cell.metadata.get("tags", [])
    ]


def undescribed(chapter: Chapter) -> list[str]:
    """Every figure has alt text.

    It stands in the cell's `mystnb.image.alt`, in the Markdown image, or in
    the `aria-label` of an SVG drawing.
    """
    faults = []
    for number, cell in chapter.code_cells:
        pictures = [o for o in cell.outputs if "image/png" in o.get("data", {})]
        bare = [o for o in pictures if "text/html" not in o["data"]]
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        if bare and not alt.strip():
            faults.append(
                f"cell {number}: a figure without alt text (mystnb.image.alt)"
            )
        faults += [
            f"cell {number}: an SVG drawing without aria-label"
            for output in cell.outputs
            for drawing in _drawings(output)
            if not (drawing.get("aria-label") or drawing.get("alt", "")).strip()
        ]
    for found in re.finditer(r"!\[\s*\]\(([^)]*)\)", chapter.markdown):
        faults.append(f"the image {found[1]} has no alt text")
    return faults


def _drawings(output: NotebookNode) -> Iterator[Tag]:
    """Yield the SVG drawings in an output, each with all that is in it."""
    page = output.get("data", {}).get("text/html", "")
    for drawing in BeautifulSoup(page, "html.parser")("svg"):
        if not drawing.find_parent("svg"):
            yield drawing


def uncaptioned(chapter: Chapter) -> list[str]:
    """The site numbers figures and tables, and the prose refers to each.

    The cell's `mystnb.figure` has the caption and the name: `fig-...` where
    the cell shows a figure, `tab-...` for a table that has a caption.
    """
    prose_only = prose.without_code(chapter.markdown)
    referred = {found[1] for found in REFERENCE.finditer(prose_only)}
    faults = []
    for number, cell in chapter.code_cells:
        figure = cell.metadata.get("mystnb", {}).get("figure", {})
        name, caption = figure.get("name", ""), figure.get("caption", "")
        kind = "fig" if _draws(cell) else "tab"
        if not figure and not _draws(cell):
            continue
        if not re.fullmatch(rf"{kind}-[\w-]+", name) or not caption.strip():
            faults.append(
                f"cell {number}: needs mystnb.figure with a name, "
                f"{kind}-..., and a caption"
            )
        elif name not in referred:
            faults.append(
                f"cell {number}: refer to it in the prose: {{numref}}`{name}`"
            )
        faults += [
            f"cell {number}: the site numbers figures; shorten {title!r}"
            for title in marks.figure_titles(cell.source)
            if NUMBERED.match(title)
        ]
    return faults


def uninterpreted(chapter: Chapter) -> list[str]:
    """After every figure stands a sentence that says what to see in it."""
    cells = [c for c in chapter.notebook.cells if c.source.strip()]
    faults = []
    for position, cell in enumerate(cells):
        drawn = any(
            "image/png" in o.get("data", {}) for o in cell.get("outputs", [])
        )
        following = cells[position + 1] if position + 1 < len(cells) else None
        if drawn and (following is None or following.cell_type != "markdown"):
            first = cell.source.splitlines()[0]
            faults.append(
                f"no prose follows the figure of the cell that begins {first!r}"
            )
    return faults


def incomplete(chapter: Chapter) -> list[str]:
    """A chapter ends with its summary, exercises and further reading.

    Every exercise has its solution, and its level in its title.
    """
    faults = [
        f"has no section “## {title}”"
        for title in ("Summary", "Exercises", "Further reading")
        if not re.search(rf"(?m)^## {title}\s*$", chapter.markdown)
    ]
    asked = re.findall(r"(?m)^:label:\s*(ex-\S+)", chapter.markdown)
    solved = re.findall(r"\{solution-start\}\s*(\S+)", chapter.markdown)
    if len(asked) not in EXERCISES:
        faults.append(
            f"has {len(asked)} exercises, "
            f"not {EXERCISES.start} to {EXERCISES.stop - 1}"
        )
    faults += [
        f"exercise {label} has no solution"
        for label in asked
        if label not in solved
    ]
    faults += [
        f"exercise “{title}” says no level, like “(*easy*)”"
        for title in re.findall(r"\{exercise-start\}\s*(.*)", chapter.markdown)
        if not title.endswith(LEVELS)
    ]
    return faults


def unlisted(chapter: Chapter) -> list[str]:
    """The table of contents names the notebook."""
    contents = yaml.safe_load(
        (chapter.root / "_toc.yml").read_text(encoding="utf-8")
    )
    name = chapter.source.relative_to(chapter.root).with_suffix("").as_posix()
    return [] if name in _listed(contents) else [f"{name} is not in _toc.yml"]


def unopenable(chapter: Chapter) -> list[str]:
    """The Colab button opens a tracked file that first finds the book."""
    faults = []
    name = chapter.path.relative_to(chapter.root).as_posix()
    if name not in tracked_files(chapter.root):
        faults.append(f"{name} is not tracked by git, so Colab cannot open it")
    expected = bootstrap.bootstrap_cell(
        *bootstrap.configured(chapter.root)
    ).strip()
    cells = [
        c
        for c in chapter.notebook.cells
        if "bootstrap" in c.metadata.get("tags", [])
    ]
    if [c.source.strip() for c in cells] != [expected]:
        faults.append(
            "its bootstrap cell differs from the book's; "
            "run `python -m tools repository`"
        )
    return faults


def located(chapter: Chapter) -> list[str]:
    """No output names a place on the machine that executed it."""
    return [
        f"cell {number}: an output names {found[0]!r}"
        for number, cell in chapter.code_cells
        for output in cell.outputs
        for found in ABSOLUTE_PATH.finditer(prose.output_text(output))
    ]


GUARDS = (
    stale,
    unpaired,
    unexecuted,
    noisy,
    mistagged,
    lax,
    unasserted,
    unreproduced,
    decreed,
    unmarked,
    unfounded,
    misled,
    unbalanced,
    swallowed,
    overlong,
    overwide,
    scattered,
    undescribed,
    uncaptioned,
    uninterpreted,
    incomplete,
    unlisted,
    unopenable,
    located,
)


def named_places(path: Path) -> list[str]:
    """Return the absolute paths and file addresses that a text file names."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return []
    lines = (
        line for line in text.splitlines() if "# guard: pattern" not in line
    )
    return [
        found[0] for line in lines for found in ABSOLUTE_PATH.finditer(line)
    ]


def tracked_files(root: Path) -> list[str]:
    """Ask git which files the repository holds."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listing.stdout.split("\0") if name]


def _listed(contents: object) -> set[str]:
    if isinstance(contents, dict):
        own = {
            str(contents[key]) for key in ("root", "file") if key in contents
        }
        return own.union(*map(_listed, contents.values()))
    if isinstance(contents, list):
        return set().union(*map(_listed, contents))
    return set()
