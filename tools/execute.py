"""Execute stale chapters.

    python -m tools.execute [--all] [--jobs N] [chapters/NN_topic.py ...]

A chapter `NN_topic.py` becomes `NN_topic.ipynb` beside it, with outputs and
with the key of all that they depend on. A chapter that fails leaves the
notebook as it was.
"""

import argparse
import contextlib
import copy
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import jupytext
import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from benchmarks.record import circumstances
from tools import chapters, environment
from tools.kernel_deaths import what_to_do

CELL_TIMEOUT_SECONDS = 600


def read_source(source: Path) -> NotebookNode:
    """Turn a percent script into a notebook without outputs.

    Its form never varies.
    """
    notebook = jupytext.read(source)
    for number, cell in enumerate(notebook.cells, start=1):
        cell["id"] = f"cell-{number}"
    notebook.metadata = NotebookNode(
        kernelspec={
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": "python3",
        },
        language_info={"name": "python", "pygments_lexer": "ipython3"},
    )
    return notebook


def execute(source: Path) -> tuple[float, float]:
    """Execute one chapter and write its notebook.

    Returns:
        The wall and the CPU seconds that it took.

    Raises:
        CellExecutionError: a cell failed; nothing was written.
        DeadKernelError: the kernel died; nothing was written.
    """
    environment.pin()
    key = chapters.notebook_key(source)
    notebook = read_source(source)
    metadata = copy.deepcopy(notebook.metadata)
    started = time.perf_counter()
    cpu = 0.0

    def measure(**_: object) -> None:
        nonlocal cpu
        cpu = cpu_seconds(client.km.provisioner.pid)

    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_SECONDS,
        kernel_name="python3",
        record_timing=False,
        # How a cell's prints are cut into pieces depends on the moment.
        coalesce_streams=True,
        on_cell_executed=measure,
        resources={"metadata": {"path": str(source.parent)}},
    )
    client.execute()
    wall = time.perf_counter() - started
    run = {**circumstances(), "cpu_seconds": round(cpu)}
    notebook.metadata = NotebookNode(
        metadata, unrolled={"key": key, "run": run}
    )
    partial = source.with_suffix(".ipynb.partial")
    nbformat.write(notebook, partial)
    os.replace(partial, source.with_suffix(".ipynb"))
    return wall, cpu


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and of those that it started.

    Of those that ended too, where the system counts them (Linux does). On
    Windows the Python of a virtual environment is such a child itself.
    """
    process = psutil.Process(pid)
    seconds = 0.0
    for each in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            seconds += sum(each.cpu_times()[:4])
    return seconds


def main(arguments: list[str] | None = None) -> int:
    """Execute what was asked for and is stale; return 1 if a chapter failed."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "sources", nargs="*", type=Path, help="chapters (default: every one)"
    )
    parser.add_argument(
        "--all", action="store_true", help="execute fresh ones too"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, help="how many at once (default: 1)"
    )
    options = parser.parse_args(arguments)
    asked = [
        path.resolve().with_suffix(".py") for path in options.sources
    ] or chapters.sources()
    for path in asked:
        if not path.exists():
            parser.error(
                f"{path} does not exist; chapters are chapters/NN_topic.py"
            )
    waiting = [
        source
        for source in asked
        if options.all or not chapters.is_fresh(source)
    ]
    print(
        f"{len(asked) - len(waiting)} fresh, {len(waiting)} to execute",
        flush=True,
    )
    failed = 0
    # A process each: Ctrl-C reaches it, and it stops its kernel.
    with ProcessPoolExecutor(options.jobs, max_tasks_per_child=1) as pool:
        running = {pool.submit(execute, source): source for source in waiting}
        for done in as_completed(running):
            name = running[done].name
            try:
                wall, cpu = done.result()
                print(f"{name}: {wall:.0f} s, {cpu:.0f} CPU s", flush=True)
            except CellExecutionError as error:
                failed += 1
                print(
                    f"{name} FAILED, its notebook is unchanged\n{error}",
                    file=sys.stderr,
                )
            except DeadKernelError:
                failed += 1
                print(
                    f"{name} FAILED, its notebook is unchanged", file=sys.stderr
                )
                print(what_to_do(running[done]), file=sys.stderr)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
