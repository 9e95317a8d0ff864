"""Helpers that put library source and recorded results in front of the
reader."""

import inspect
import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from IPython.display import Code, display

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"


def show_source(*objects: Callable | type) -> None:
    """Display the source of functions, methods or classes as the package
    holds it."""
    source = "\n\n".join(
        textwrap.dedent(inspect.getsource(each)) for each in objects
    )
    display(Code(source, language="python"))


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
