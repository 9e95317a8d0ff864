"""The book's commands, the same on every system: `python -m tools help`.

Like the set-up, this needs the standard library alone and keeps to the syntax
of Python 3.6; each step of a command runs with the Python of .venv.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tools.setup import COMMAND, PYTHON, ROOT, SetupError, ensure

NEXT = f"""
.venv is ready. Next:
  {COMMAND} lab     opens the chapters in JupyterLab
  {COMMAND} book    checks every chapter and builds the site
  {COMMAND} help    lists the rest"""

CACHES = (".pytest_cache", ".mypy_cache", ".ruff_cache")
BUILT = ("_build", ".venv", ".nbval-passed.json", "*.egg-info", *CACHES)


def setup(options: argparse.Namespace) -> None:
    """Fill .venv with every pinned package (the rest do so if need be)."""
    print(NEXT)


def book(options: argparse.Namespace) -> None:
    """Validate the notebooks, build the site in _build/html, test it."""
    run("-m", "pytest", "-q", "tests/test_notebooks.py")
    run("-m", "tools.validate", "--missing", "--jobs", options.jobs)
    remove(ROOT / "_build")
    builder = "from jupyter_book.cli.main import main; main()"
    run("-c", builder, "build", ".", "-n", "-W", "--keep-going")
    run("-m", "tools.finish_site", "_build/html")
    run("-m", "pytest", "-q", "tests/test_site.py")
    print(f"The book: {ROOT / '_build' / 'html' / 'index.html'}")


def test(options: argparse.Namespace) -> None:
    """Lint, type-check, test the code, validate every notebook."""
    check(options)
    run("-m", "tools.validate", "--jobs", options.jobs)


def check(options: argparse.Namespace) -> None:
    """All of `test` but the notebooks' validation."""
    run("-m", "ruff", "check", ".")
    run("-m", "ruff", "format", "--check", ".")
    run("-m", "mypy")
    spread = ["-n", options.jobs, "--dist", "loadfile"]
    run("-m", "pytest", "-q", *spread, "--ignore", "tests/test_site.py")


def notebooks(options: argparse.Namespace) -> None:
    """Execute the stale chapters: [--all] [chapters/NN_topic.py ...]"""
    run("-m", "tools.execute", "--jobs", options.jobs, *options.rest)


def lab(options: argparse.Namespace) -> None:
    """Open JupyterLab on the chapters: [JupyterLab's own options]"""
    run("-m", "jupyterlab", "chapters", *options.rest)


def bench(options: argparse.Namespace) -> None:
    """Measure everything in benchmarks/ again (hours)."""
    run("-m", "benchmarks")


def repository(options: argparse.Namespace) -> None:
    """Write the repository's address: --url https://... --ref main"""
    run("-m", "tools.bootstrap", *options.rest)


def clean(options: argparse.Namespace) -> None:
    """Delete what was built, and .venv."""
    for pattern in BUILT:
        for path in ROOT.glob(pattern):
            remove(path)
    for path in list(ROOT.rglob("__pycache__")):
        remove(path)


def show_help(options: argparse.Namespace) -> None:
    """List the commands."""
    print(f"{COMMAND} COMMAND [--jobs N]\n")
    for name, command in COMMANDS.items():
        print(f"  {name:<11} {command.__doc__}")
    print("\n--jobs N: how many tests or chapters run at once (2 unless told).")


EVERY = (setup, book, test, check, notebooks, lab, bench, repository, clean)
COMMANDS = {command.__name__: command for command in EVERY}
COMMANDS["help"] = show_help
NEED_NO_PACKAGES = ("clean", "help")
PASS_ARGUMENTS_ON = ("notebooks", "lab", "repository")


def run(*arguments: object) -> None:
    """Run .venv's Python in the book's folder; if it fails, end as it did."""
    # Windows alone has another encoding than UTF-8 by default.
    utf8 = dict(os.environ, PYTHONUTF8="1")
    command = [str(PYTHON), *map(str, arguments)]
    sys.stdout.flush()
    status = subprocess.call(command, cwd=str(ROOT), env=utf8)
    if status:
        sys.exit(max(status, 1))


def remove(path: Path) -> None:
    """Delete a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(str(path))
    elif path.exists():
        path.unlink()


def main(arguments: list) -> int:
    """Run one command; return 1 where it cannot be run, and say why."""
    parser = argparse.ArgumentParser(
        prog=COMMAND, description=__doc__, allow_abbrev=False, add_help=False
    )
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--jobs", type=int, default=2)
    if not arguments or {"-h", "--help"} & set(arguments):
        arguments = ["help"]
    options, options.rest = parser.parse_known_args(arguments)
    if options.rest and options.command not in PASS_ARGUMENTS_ON:
        parser.error(f"{options.command} takes no {' '.join(options.rest)}")
    try:
        if options.command not in NEED_NO_PACKAGES:
            ensure()
        COMMANDS[options.command](options)
    except (SetupError, PermissionError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    # Ctrl-C is for the step that runs: JupyterLab asks before it stops.
    signal.signal(signal.SIGINT, lambda *_: None)
    sys.exit(main(sys.argv[1:]))
