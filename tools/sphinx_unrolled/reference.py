"""The reference: what each room of `utils` offers, from its docstrings.

A page of the reference names its rooms in a comment, `% rooms: utils.scratch
utils.data`; an entry for each public name is written below it. Entries link to
the chapters that import the name or that its docstring speaks of, and each
chapter ends with links to the entries that it imports. Sources are read, not
imported.
"""

import ast
import functools
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config

from tools.chapters import ROOT

ROOMS = re.compile(r"(?m)^% rooms: (.+)$")
SECTION = re.compile(r"(Args|Attributes|Params|Raises|Returns|Yields):$")
CHAPTERS = re.compile(r"\bchapters? (\d+(?:(?:, | and )\d+)*)")
ARRAY = re.compile(
    r'(Float|Integer|Int|Bool|Num|Real|Shaped)\[[\w.]+, "\s?([^"]*)"\]'
)
# `bias: bool=True`, as Python writes an annotation back, wants its spaces.
DEFAULT = re.compile(r"(: [^=,]+(?:\[[^=]*\][^=,]*)?)=(?=[^=])")
WIDTH = 78

Definition = ast.ClassDef | ast.FunctionDef


@dataclass(frozen=True)
class Entry:
    """A public name of a room, and where it is defined."""

    room: str
    definition: Definition
    path: Path

    @property
    def name(self) -> str:
        """What it is imported by."""
        return self.definition.name

    @property
    def label(self) -> str:
        """What a link to the entry leads to; Sphinx lowers its letters, so
        that the kind must tell `Score` from `score`."""
        is_class = isinstance(self.definition, ast.ClassDef)
        return f"{'class' if is_class else 'function'}-{self.room}.{self.name}"


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _module(name: str) -> Path:
    path = ROOT.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _definitions(path: Path) -> Iterator[Definition]:
    for node in _tree(path).body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node


def _imported(tree: ast.Module) -> dict[str, str]:
    """Return the module from which each name comes."""
    return {
        alias.asname or alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def _exported(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and (
            ast.unparse(node.targets[0]) == "__all__"
        ):
            return ast.literal_eval(node.value)
    return []


@functools.cache
def entries(room: str) -> tuple[Entry, ...]:
    """Return what a room offers: all that its package exports, and the public
    names of those of its modules that it does not gather up."""
    package = _module(room)
    modules = [package]
    if package.name == "__init__.py":
        modules += sorted(package.parent.glob("[!_]*.py"))
    source = _imported(_tree(package))
    exported = {
        name: source.get(name, room) for name in _exported(_tree(package))
    }
    found = [
        Entry(room, definition, path)
        for name, module in exported.items()
        for path in [_module(module)]
        for definition in _definitions(path)
        if definition.name == name
    ]
    gathered = {entry.path for entry in found}
    for path in modules:
        if (path not in gathered and path != package) or not exported:
            inner = room if path == package else f"{room}.{path.stem}"
            found += [Entry(inner, each, path) for each in _definitions(path)]
    return tuple(sorted(found, key=_place))


def _place(entry: Entry) -> tuple[str, str]:
    return entry.room, entry.name.lower()


def write_reference(app: Sphinx, docname: str, source: list[str]) -> None:
    """Append the entries of the rooms that a page names."""
    if rooms := ROOMS.search(source[0]):
        folder = Path(app.env.doc2path(docname)).parent
        chapters = sorted(folder.glob("[0-9]*_*.py"))
        for room in rooms[1].split():
            source[0] += "\n" + "\n".join(_room(room, chapters, app.config))


def _room(room: str, chapters: list[Path], config: Config) -> Iterator[str]:
    yield f"\n## `{room}`\n"
    yield from _markdown(ast.get_docstring(_tree(_module(room))), chapters)
    for entry in entries(room):
        yield from _entry(entry, chapters, config)


def _entry(entry: Entry, chapters: list[Path], config: Config) -> Iterator[str]:
    definition = entry.definition
    yield f"\n({entry.label})=\n### `{entry.name}`\n"
    methods = [
        node
        for node in definition.body
        if isinstance(definition, ast.ClassDef)
        and isinstance(node, ast.FunctionDef)
    ]
    start = next((m for m in methods if m.name == "__init__"), None)
    if isinstance(definition, ast.FunctionDef):
        yield _signature(definition)
    elif start:
        yield _signature(start, entry.name)
    yield from _markdown(ast.get_docstring(definition), chapters)
    for method in methods:
        if not method.name.startswith("_") and ast.get_docstring(method):
            yield _signature(method, f"{entry.name}.{method.name}")
            yield from _markdown(ast.get_docstring(method), chapters)
    yield f"Source: {_source(entry, config)}{_users(entry, chapters)}.\n"


def _signature(function: ast.FunctionDef, name: str = "") -> str:
    """Write a call, with the shapes of its arrays for their types."""
    arguments = ast.unparse(function.args)
    arguments = re.sub(r"^self(?:, |$)", "", arguments).replace("'", '"')
    result = ast.unparse(function.returns) if function.returns else "None"
    head = f"{name or function.name}("
    tail = f") -> {_shapes(result)}" if result != "None" else ")"
    line = head + _shapes(arguments) + tail
    if len(line) > WIDTH:
        split = _split(_shapes(arguments))
        line = "\n".join([head, *(f"    {each}," for each in split), tail])
    return f"```python\n{line}\n```\n"


def _shapes(types: str) -> str:
    types = types.replace("'", '"')
    return ARRAY.sub(
        lambda found: f"{found[1]}[{', '.join(found[2].split())}]", types
    )


def _split(arguments: str) -> list[str]:
    """Split arguments at the commas that stand in no bracket."""
    arguments = DEFAULT.sub(r"\1 = ", arguments)
    parts, depth = [""], 0
    for letter in arguments:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _markdown(docstring: str | None, chapters: list[Path]) -> Iterator[str]:
    """Turn a docstring into paragraphs, its sections into lists."""
    for block in (docstring or "").split("\n\n"):
        first, _, rest = block.partition("\n")
        if SECTION.match(first):
            yield f"*{first.rstrip(':')}*\n"
            yield from _items(textwrap.dedent(rest))
        else:
            yield block
        yield ""
    yield ""


def _items(section: str) -> Iterator[str]:
    """Make a section's entries, `name: what it is`, items of a list."""
    for item in re.split(r"\n(?=\S)", section):
        name, colon, text = item.partition(":")
        text = inspect.cleandoc(text).replace("\n", " ")
        named = re.fullmatch(r"\*{0,2}\w[\w., *]*", name)
        yield (
            f"- `{name}`: {text}"
            if colon and named
            else f"- {' '.join(item.split())}"
        )


def _source(entry: Entry, config: Config) -> str:
    options = config.html_theme_options
    path = entry.path.relative_to(ROOT).as_posix()
    address = (
        f"{options['repository_url']}/blob/{options['repository_branch']}"
        f"/{path}#L{entry.definition.lineno}"
    )
    return f"[`{path}`]({address})"


def _users(entry: Entry, chapters: list[Path]) -> str:
    """Link the chapters that import a name, and those that it speaks of."""
    docstring = ast.get_docstring(entry.definition) or ""
    said = {
        number.zfill(2)
        for numbers in CHAPTERS.findall(docstring)
        for number in re.findall(r"\d+", numbers)
    }
    links = [
        f"[chapter {int(chapter.stem[:2])}]({chapter.stem}.ipynb)"
        for chapter in chapters
        if chapter.stem[:2] in said or entry in imported(chapter)
    ]
    return f"; used in {', '.join(links)}" if links else ""


@functools.cache
def imported(chapter: Path) -> tuple[Entry, ...]:
    """Return the entries that a chapter imports from `utils`."""
    names = _imported(_tree(chapter))
    rooms = {".".join(module.split(".")[:2]) for module in names.values()}
    return tuple(
        entry
        for room in sorted(rooms)
        if room.startswith("utils.")
        for entry in entries(room)
        if names.get(entry.name, "").startswith(room)
    )


def link_entries(app: Sphinx, doctree: nodes.document) -> None:
    """End a chapter with links to what it imports."""
    path = Path(app.env.doc2path(app.env.docname)).with_suffix(".py")
    if not path.name[:1].isdigit() or not path.exists():
        return
    known = _labels(app)
    found = [entry for entry in imported(path) if entry.label in known]
    if found:
        paragraph = nodes.paragraph("", "Code of this chapter: ")
        for entry in found:
            link = addnodes.pending_xref(
                "",
                nodes.literal("", entry.name),
                refdomain="std",
                reftype="ref",
                reftarget=entry.label.lower(),
                refexplicit=True,
                refwarn=True,
                refdoc=app.env.docname,
            )
            separator = ", " if entry is not found[-1] else "."
            paragraph += [link, nodes.Text(separator)]
        # Inside of the chapter's last section, not beside its title.
        last = [*doctree.findall(nodes.section)]
        (last[0].children[-1] if last else doctree).append(paragraph)


def _labels(app: Sphinx) -> set[str]:
    """Return the entries that the pages of this book's reference hold."""
    pages = (Path(app.env.doc2path(name)) for name in app.env.found_docs)
    rooms = (
        room
        for page in pages
        if page.suffix == ".md"
        for found in ROOMS.findall(page.read_text(encoding="utf-8"))
        for room in found.split()
    )
    return {entry.label for room in rooms for entry in entries(room)}


def setup(app: Sphinx) -> None:
    """Write the pages before they are read; link chapters once they are."""
    app.connect("source-read", write_reference)
    app.connect("doctree-read", link_entries)
