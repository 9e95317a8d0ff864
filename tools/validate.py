"""Run strict nbval over the chapters.

    python -m tools.validate [--missing] [--jobs N] [notebook ...]

Every cell is run again and its text must equal what the notebook holds, but for
numbers to which a tag of their cell allows a distance (`tools/tolerance.py`).
What passed is noted in `.nbval-passed.json`, so that the site is built only
from notebooks that passed as they are.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from tools import chapters, environment

PASSED = chapters.ROOT / ".nbval-passed.json"
TOLERANCE = chapters.ROOT / "tools" / "tolerance.py"


def fingerprint(notebook: Path) -> str:
    """Hash a notebook with all that its outputs and their comparison need."""
    digest = hashlib.sha256(notebook.read_bytes())
    digest.update(chapters.notebook_key(notebook.with_suffix(".py")).encode())
    digest.update(TOLERANCE.read_bytes())
    digest.update(sys.version.encode())
    return digest.hexdigest()


def passed() -> dict[str, str]:
    """Read which notebooks have passed, by name and fingerprint."""
    return (
        json.loads(PASSED.read_text(encoding="utf-8"))
        if PASSED.exists()
        else {}
    )


def missing(notebooks: list[Path]) -> list[Path]:
    """Return the notebooks that have not passed as they now are."""
    done = passed()
    return [
        path for path in notebooks if done.get(path.name) != fingerprint(path)
    ]


def command(notebooks: list[Path], jobs: int) -> list[str]:
    """Return the command that runs nbval, a notebook in one process."""
    spread = ["-n", str(jobs), "--dist", "loadscope"] if jobs > 1 else []
    return [
        *(sys.executable, "-m", "pytest", "--nbval", "-q"),
        *("-p", "no:cacheprovider"),
        *("-p", "tools.tolerance", "-p", "tools.kernel_deaths"),
        *("--nbval-cell-timeout", "600"),
        *spread,
        *map(str, notebooks),
    ]


def validate(notebooks: list[Path], jobs: int) -> int:
    """Run nbval over notebooks, note them as passed if all did.

    Returns:
        nbval's exit status.
    """
    if not notebooks:
        print("nbval has passed for exactly these notebooks")
        return 0
    prints = {path.name: fingerprint(path) for path in notebooks}
    status = subprocess.run(
        command(notebooks, jobs),
        cwd=chapters.ROOT,
        env={**os.environ, **environment.PINNED},
        check=False,
    ).returncode
    if status == 0:
        partial = PASSED.with_suffix(".partial")
        text = json.dumps({**passed(), **prints}, indent=1) + "\n"
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, PASSED)
    return status


def main(arguments: list[str] | None = None) -> int:
    """Validate the notebooks asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "notebooks", nargs="*", type=Path, help="default: every chapter"
    )
    parser.add_argument(
        "--missing", action="store_true", help="only those that have not passed"
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="how many at once"
    )
    options = parser.parse_args(arguments)
    every = [source.with_suffix(".ipynb") for source in chapters.sources()]
    notebooks = [path.resolve() for path in options.notebooks] or every
    for path in notebooks:
        if not path.exists():
            parser.error(
                f"{path.name} does not exist; "
                "`python -m tools notebooks` executes the chapters"
            )
    return validate(
        missing(notebooks) if options.missing else notebooks, options.jobs
    )


if __name__ == "__main__":
    sys.exit(main())
