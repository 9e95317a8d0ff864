"""What the book's commands share: arguments that are checked as they are read,
readable errors, and outputs that are whole or not there."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm


class UnusableError(ValueError):
    """An argument that cannot be used; the message says what to do."""


def positive(text: str) -> float:
    """Read a number above 0."""
    if not 0 < float(text) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return float(text)


def whole(text: str) -> int:
    """Read a whole number, 1 or more."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return int(text)


def encoding(text: str) -> str:
    """Read the name of an encoding that Python knows."""
    try:
        # Knows of codecs that are none of text, such as base64.
        "".encode(text)
    except (LookupError, ValueError):
        raise argparse.ArgumentTypeError(
            f"Python knows no encoding {text!r}; use utf-8, utf-16, latin-1, "
            "cp1252, gb18030, ..."
        ) from None
    return text


def character(text: str) -> str:
    r"""Read one character, such as a separator of fields; \t is a tab."""
    found = {"\\t": "\t", "tab": "\t"}.get(text, text)
    if len(found) != 1 or found in '"\r\n\0':
        raise argparse.ArgumentTypeError(
            f"{text!r} is not one character, such as ; or , or \\t (a tab)"
        )
    return found


def run(
    command: Callable[[], None],
    errors: tuple[type[Exception], ...],
    interrupted: str,
) -> int:
    """Run a command; return 0, 2 for what cannot be used, 130 when
    interrupted.

    Args:
        command: the work.
        errors: the exceptions whose message is all that a reader needs.
        interrupted: what to say when the reader stops the work.
    """
    readable: tuple[type[Exception], ...] = (*errors, UnusableError, OSError)
    try:
        command()
    except readable as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\n{interrupted}", file=sys.stderr)
        return 130
    return 0


def check_file(path: Path, force: bool, inputs: list[Path]) -> None:
    """Refuse, before any work, a file that cannot or should not be written.

    Args:
        path: the file to be.
        force: whether it may replace another file.
        inputs: what the command reads, and never replaces.

    Raises:
        UnusableError: it is a folder, an input, there already, or its folder
            is missing or closed to us.
    """
    if path.is_dir():
        raise UnusableError(f"--out {path} is a folder; give a file's path")
    if not path.parent.is_dir():
        raise UnusableError(
            f"--out {path}: there is no folder {str(path.parent)!r}"
        )
    for each in inputs:
        if path.exists() and each.exists() and path.samefile(each):
            raise UnusableError(
                f"--out {path} is the file that is read; give another name"
            )
    if path.exists() and not force:
        raise UnusableError(
            f"--out {path} exists already; give another name, or --force to "
            "replace it"
        )
    _try_writing(path.parent, f"--out {path}")
    if path.exists():
        try:
            # Opens for writing, and writes nothing.
            with path.open("r+b"):
                pass
        except OSError as error:
            raise UnusableError(
                f"--out {path} cannot be replaced: {error.strerror}"
            ) from error


def check_folder(path: Path, name: str) -> None:
    """Refuse, before any work, a folder that cannot be written into.

    Args:
        path: the folder, which need not be there.
        name: of the argument.

    Raises:
        UnusableError: it is a file, or closed to us.
    """
    if path.exists() and not path.is_dir():
        raise UnusableError(f"{name} {path} is a file; give a folder's path")
    nearest = path
    while not nearest.exists():
        nearest = nearest.parent
    _try_writing(nearest, f"{name} {path}")


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside its place and move it there, so that nobody meets
    half of it; leave nothing behind where that fails."""
    partial = path.with_name(path.name + ".partial")
    try:
        write(partial)
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def progress(total: int | None, unit: str, quiet: bool = False) -> tqdm:
    """Show a bar on the screen, or a count where the total is not known, unless
    it is unwanted: `quiet`, or UNROLLED_PROGRESS=0."""
    silent = quiet or os.environ.get("UNROLLED_PROGRESS") == "0"
    return tqdm(
        total=total, unit=f" {unit}", disable=silent, leave=False, ncols=79
    )


def _try_writing(folder: Path, what: str) -> None:
    if not folder.is_dir():
        raise UnusableError(f"{what}: {str(folder)!r} is not a folder")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UnusableError(
            f"{what}: nothing can be written to {str(folder)!r}: "
            f"{error.strerror}"
        ) from error
