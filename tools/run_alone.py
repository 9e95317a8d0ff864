"""Run chapters as Colab does: `python run_alone.py FOLDER_OR_NOTEBOOK ...`.

Each notebook is copied alone into an empty folder and executed there, so that
its first cell has to fetch the book. This file imports nothing of the book: it
runs where only Jupyter is installed.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

CELL_TIMEOUT_SECONDS = 1200


def run_alone(notebook: Path) -> str | None:
    """Execute a copy of a notebook in an empty folder.

    Returns:
        The error that it ended with, if any.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copy(notebook, folder))
        client = NotebookClient(
            nbformat.read(copy, as_version=4),
            timeout=CELL_TIMEOUT_SECONDS,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
        )
        try:
            client.execute()
        except CellExecutionError as error:
            return str(error)
        except DeadKernelError:
            return "its kernel died: memory ran out, or a library crashed"
    return None


def main(arguments: list[str]) -> int:
    """Run each notebook named or found in a folder; return how many failed."""
    notebooks = [
        notebook
        for path in map(Path, arguments)
        for notebook in (
            sorted(path.glob("*.ipynb")) if path.is_dir() else [path]
        )
    ]
    if not notebooks:
        print(f"no notebooks in {arguments}", file=sys.stderr)
        return 1
    failed = 0
    for notebook in notebooks:
        error = run_alone(notebook)
        failed += error is not None
        print(f"{notebook.name}: {error or 'passed'}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
