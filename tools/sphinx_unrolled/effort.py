"""What a chapter asks of its reader, and when it was last run.

Below the title stand the minutes to read it and the CPU seconds to run it; at
the end of the page, when it was executed, from which commit, with which
versions and on which processor, as `tools.execute` wrote it into the notebook.
"""

from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from sphinx.application import Sphinx

from tools import prose

# Technical prose, by a guess on the slow side; code and figures come on top.
WORDS_PER_MINUTE = 150
NAMES = {
    "numpy": "NumPy",
    "torch": "PyTorch",
    "tensorflow": "TensorFlow",
    "keras": "Keras",
}


def minutes(markdown: str) -> int:
    """Return the minutes that prose takes to read, in fives."""
    return max(5, 5 * round(prose.words(markdown) / WORDS_PER_MINUTE / 5))


def say_effort(app: Sphinx, doctree: nodes.document) -> None:
    """Write both lines into a chapter."""
    path = Path(app.env.doc2path(app.env.docname))
    sections = [*doctree.findall(nodes.section)]
    if path.suffix != ".ipynb" or not sections:
        return
    notebook = nbformat.read(path, as_version=4)
    run = notebook.metadata.get("unrolled", {}).get("run")
    markdown = "\n\n".join(
        cell.source for cell in notebook.cells if cell.cell_type == "markdown"
    )
    asks = f"{minutes(markdown)} minutes to read"
    if run:
        asks += f", {run['cpu_seconds']} CPU seconds to run"
        repository = app.config.html_theme_options["repository_url"]
        sections[0].children[-1].append(_last_run(run, repository))
    line = nodes.paragraph("", asks, classes=["effort"])
    sections[0].insert(1, line)


def _last_run(run: dict[str, Any], repository: str) -> nodes.paragraph:
    versions = ", ".join(
        f"{name} {run['versions'][package]}"
        for package, name in NAMES.items()
        if package in run["versions"]
    )
    paragraph = nodes.paragraph("", classes=["effort"])
    paragraph += [
        nodes.Text("Executed on "),
        nodes.Text(f"{run['date']} from commit {run['commit']} with Python "),
        nodes.Text(f"{run['python']}, {versions} on {run['processor']}. "),
        nodes.Text("Before the site was built, every cell ran again and was "),
        nodes.Text("compared: "),
        nodes.reference("", "the latest runs", refuri=f"{repository}/actions"),
        nodes.Text("."),
    ]
    return paragraph


def setup(app: Sphinx) -> None:
    """Add the lines once a page is read, after the links to its code."""
    app.connect("doctree-read", say_effort, priority=900)
