"""Helpers that put library source and recorded results in front of the
reader."""

import ast
import html
import inspect
import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from IPython.display import Code, display

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"


def show_source(
    *objects: Callable | type, fold: str = "", bare: bool = False
) -> None:
    """Display the source of functions, methods or classes as the package
    holds it.

    Args:
        objects: what to show, in this order.
        fold: a line that stands for the source until a click opens it.
        bare: leave docstrings and annotations out, for a reader who has just
            seen the equations.
    """
    sources = (textwrap.dedent(inspect.getsource(each)) for each in objects)
    source = "\n\n".join(bare_source(s) if bare else s for s in sources)
    code = Code(source, language="python")
    if not fold:
        display(code)
        return
    page = (
        f"<details><summary>{html.escape(fold)}</summary>"
        f"{code._repr_html_()}</details>"
    )
    bundle = {"text/html": page, "text/plain": f"{fold}\n\n{source}"}
    display(bundle, raw=True)


def bare_source(source: str) -> str:
    """Return source without docstrings and annotations, and else as it is."""
    lines = source.splitlines()
    definitions = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    # From the last to the first, so that line numbers stay right.
    for node in sorted(definitions, key=lambda each: -each.lineno):
        first = node.body[0]
        if ast.get_docstring(node) is not None and len(node.body) > 1:
            after = first.end_lineno or first.lineno
            blank = after < len(lines) and not lines[after].strip()
            del lines[first.lineno - 1 : after + blank]
        if isinstance(node, ast.FunctionDef):
            last = node.lineno
            while not lines[last - 1].endswith(":"):
                last += 1
            lines[node.lineno - 1 : last] = _signature(node)
    return "\n".join(lines) + "\n"


def _signature(node: ast.FunctionDef) -> list[str]:
    """Write a function's head anew, without annotations."""
    for each in ast.walk(node.args):
        if isinstance(each, ast.arg):
            each.annotation = None
    head = f"def {node.name}({ast.unparse(node.args)}):"
    return textwrap.wrap(
        head,
        80,
        initial_indent=" " * node.col_offset,
        subsequent_indent=" " * (node.col_offset + len(node.name) + 5),
        break_long_words=False,
    )


def load_results(name: str) -> dict[str, Any]:
    """Read what `python -m benchmarks.<name>` recorded: its results beside
    their provenance.

    Raises:
        FileNotFoundError: there is no such recording; the message names the
            command that makes it.
    """
    path = RESULTS / f"{name}.json"
    if not path.exists():
        raise FileNotFoundError(
            f"benchmarks/results/{name}.json does not exist; "
            f"`python -m benchmarks.{name}` measures and writes it"
        )
    return json.loads(path.read_text(encoding="utf-8"))
