"""The chapters, and the key that says whether a notebook is still fresh."""

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
RECORDED = {
    "load_results": "benchmarks/results/{}.json",
    "load_weights": "assets/weights/{}.js",
}
PINS = ("requirements.txt", "tools/environment.py")


def sources(root: Path = ROOT) -> list[Path]:
    """Return the chapters' hand-edited sources in reading order."""
    return sorted((root / "chapters").glob("*.py"))


def notebook_key(source: Path, root: Path = ROOT) -> str:
    """Hash all that a chapter's outputs depend on.

    That is its source, the `utils` modules it imports (and those they import),
    the files these name, the recorded results it loads, the pinned packages
    and the pinned environment, whatever their line endings.
    """
    digest = hashlib.sha256()
    modules = imported_modules(source, root)
    files = sorted({path for each in modules for path in named_files(each)})
    results = sorted(
        {
            path
            for each in (source, *modules)
            for path in loaded_results(each, root)
        }
    )
    pins = [root / pin for pin in PINS]
    for path in (source, *modules, *files, *results, *pins):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_text(encoding="utf-8").encode())
    return digest.hexdigest()


def is_fresh(source: Path, root: Path = ROOT) -> bool:
    """Say whether the notebook beside a source has the source's present key."""
    notebook = source.with_suffix(".ipynb")
    if not notebook.exists():
        return False
    recorded = nbformat.read(notebook, as_version=4).metadata.get(
        "unrolled", {}
    )
    return recorded.get("key") == notebook_key(source, root)


def imported_modules(source: Path, root: Path = ROOT) -> list[Path]:
    """Return the modules of `utils` that a source imports, and those they do.

    A package's `__init__` only passes names on, so a name is followed through
    it to the module that defines it: a new export does not make every chapter
    stale.
    """
    found: set[Path] = set()
    waiting = [source]
    while waiting:
        current = waiting.pop()
        for path in _dependencies(current, root):
            if path not in found:
                found.add(path)
                waiting.append(path)
    return sorted(found - {source})


def named_files(module: Path) -> Iterator[Path]:
    """Yield the scripts and styles that a module of `utils` reads.

    They lie in the module's own folder, and the module spells their names out:
    `read("js/cell.js")`.
    """
    for node in ast.walk(_parse(module)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            path = module.parent / node.value
            if path.suffix in {".js", ".css"} and path.is_file():
                yield path


def loaded_results(source: Path, root: Path = ROOT) -> Iterator[Path]:
    """Yield what a source names in `load_results("name")` and the like."""
    for node in ast.walk(_parse(source)):
        place = isinstance(node, ast.Call) and RECORDED.get(_called_name(node))
        name = node.args[0] if place and node.args else None
        if isinstance(name, ast.Constant):
            path = root / place.format(name.value)
            if path.exists():
                yield path


def _dependencies(source: Path, root: Path) -> Iterator[Path]:
    package = source.relative_to(root).parent.parts
    for node in ast.walk(_parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _resolve(tuple(alias.name.split(".")), None, root)
        elif isinstance(node, ast.ImportFrom):
            parts = tuple(node.module.split(".")) if node.module else ()
            if node.level:
                parts = package[: len(package) - node.level + 1] + parts
            for alias in node.names:
                yield from _resolve(parts, alias.name, root)


def _resolve(
    parts: tuple[str, ...], name: str | None, root: Path
) -> Iterator[Path]:
    """Find the file of `utils` that defines `name` of the module `parts`."""
    if not parts or parts[0] != "utils":
        return
    base = root.joinpath(*parts)
    if base.with_suffix(".py").exists():
        yield base.with_suffix(".py")
        return
    if name is not None and base.joinpath(name).with_suffix(".py").exists():
        yield base.joinpath(name).with_suffix(".py")
        return
    initial = base / "__init__.py"
    if not initial.exists():
        return
    origins = [
        path
        for path, bound in _reexports(initial, root)
        if name in (None, "*", bound)
    ]
    yield from origins or [initial]


def _reexports(initial: Path, root: Path) -> Iterator[tuple[Path, str]]:
    package = initial.relative_to(root).parent.parts
    for node in ast.walk(_parse(initial)):
        if isinstance(node, ast.ImportFrom):
            parts = tuple(node.module.split(".")) if node.module else ()
            if node.level:
                parts = package[: len(package) - node.level + 1] + parts
            if parts == package:
                continue
            for alias in node.names:
                for path in _resolve(parts, alias.name, root):
                    yield path, alias.asname or alias.name


def _called_name(call: ast.Call) -> str | None:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else None


def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
