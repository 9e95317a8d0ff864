"""The set-up explains itself where it cannot work, and ends whole or not."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import setup

OLDEST = (3, 6)
RUN_BY_ANY_PYTHON = ("__init__.py", "__main__.py", "setup.py")


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A book of two pins, whose set-up only notes its steps in this list."""
    for name in setup.PINS:
        (tmp_path / name).write_text("numpy==2.0\n")
    venv = tmp_path / ".venv"
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(setup, "VENV", venv)
    monkeypatch.setattr(setup, "PYTHON", venv / "python")
    monkeypatch.setattr(setup, "MARKER", venv / "complete")
    monkeypatch.setattr(setup, "find_python", lambda: ["python3.12"])
    monkeypatch.setattr(setup, "version_of", lambda python: (3, 12))
    monkeypatch.setattr(setup, "run", note_steps(venv, steps := []))
    return steps


def note_steps(venv: Path, steps: list[str], fails: str = "none"):
    def run(command: list[str], reason: str) -> None:
        steps.append(" ".join(command[1:]))
        if fails in command:
            raise setup.SetupError(reason)
        if "venv" in command:
            venv.mkdir(exist_ok=True)
            (venv / "python").touch()
            (venv / "complete").unlink(missing_ok=True)

    return run


def test_packages_then_the_book_and_nothing_twice(book: list[str]):
    setup.ensure()
    assert [step.split()[:2] for step in book] == [["-m", "venv"]] + [
        ["-m", "pip"]
    ] * 2
    assert "--clear" in book[0]
    assert book[1].endswith("--requirement requirements.txt")
    assert book[2].endswith("requirements-data.txt --editable .")
    setup.ensure()
    assert len(book) == 3


def test_a_setup_cut_short_is_begun_again(
    book: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
):
    with monkeypatch.context() as patch:
        patch.setattr(
            setup, "run", note_steps(setup.VENV, book, fails="--editable")
        )
        with pytest.raises(setup.SetupError, match="pip could not install"):
            setup.ensure()
    assert setup.PYTHON.exists()
    assert not setup.is_complete()
    book.clear()
    setup.ensure()
    assert "cut short" in capsys.readouterr().out
    assert len(book) == 3
    assert setup.is_complete()


@pytest.mark.parametrize("name", setup.PINS)
def test_a_changed_pin_fills_venv_anew(book: list[str], name: str, capsys):
    setup.ensure()
    (setup.ROOT / name).write_text("numpy==2.1\n")
    assert not setup.is_complete()
    setup.ensure()
    assert "out of date" in capsys.readouterr().out
    assert len(book) == 6


def test_neither_clock_nor_line_endings_change_a_pin(book: list[str]):
    setup.ensure()
    pins = setup.ROOT / "requirements.txt"
    pins.write_bytes(pins.read_bytes().replace(b"\n", b"\r\n"))
    os.utime(pins, (2e9, 2e9))
    assert setup.is_complete()


def test_a_vanished_python_fills_venv_anew(book: list[str]):
    setup.ensure()
    setup.PYTHON.unlink()
    setup.ensure()
    assert len(book) == 6


@pytest.mark.parametrize(
    ("terminal", "ci", "quiet"),
    [(True, "", False), (True, "true", True), (False, "", True)],
)
def test_a_person_at_a_terminal_sees_progress(
    book: list[str],
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,
    ci: str,
    quiet: bool,
):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    monkeypatch.setenv("CI", ci)
    setup.ensure()
    assert ["--quiet" in step for step in book] == [False, quiet, quiet]


def test_a_python_that_does_not_fit_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(setup, "SUPPORTED", ((3, 97), (3, 98)))
    with pytest.raises(setup.SetupError) as caught:
        setup.find_python()
    assert "needs Python 3.11, 3.12 or 3.13" in str(caught.value)
    assert f"Found: Python {sys.version.split()[0]}" in str(caught.value)
    for version in setup.SUPPORTED:
        assert " ".join(setup.other(*version)) in str(caught.value)


def test_another_python_that_fits_is_found(monkeypatch: pytest.MonkeyPatch):
    fitting = setup.other(3, 12)
    monkeypatch.setattr(
        setup,
        "version_of",
        lambda python: (3, 12) if python == fitting else (3, 9),
    )
    monkeypatch.setattr(subprocess, "call", lambda command, **_: 0)
    assert setup.find_python() == fitting


def test_a_missing_venv_module_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert setup.version_of(setup.find_python()) == sys.version_info[:2]
    (tmp_path / "ensurepip.py").write_text(
        "raise ImportError('as Debian ships it')"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(setup.SetupError, match="python3-venv"):
        setup.find_python()


def test_a_step_that_fails_gives_its_reason():
    setup.run([sys.executable, "-c", ""], "none")
    with pytest.raises(setup.SetupError, match="the disk is full"):
        setup.run(
            [sys.executable, "-c", "raise SystemExit(2)"], "the disk is full"
        )


def test_no_python_of_that_name_has_no_version():
    assert setup.version_of(["python-of-nobody"]) == ()
    assert setup.version_of([sys.executable]) == sys.version_info[:2]


def test_the_pythons_that_fit_are_those_of_the_package():
    needed = f'requires-python = ">={lowest()},<3.{setup.SUPPORTED[-1][1] + 1}"'
    assert needed in (setup.ROOT / "pyproject.toml").read_text()
    assert f"Python {lowest()}, " in setup.NO_PYTHON


def lowest() -> str:
    return ".".join(map(str, setup.SUPPORTED[0]))


@pytest.mark.parametrize("name", RUN_BY_ANY_PYTHON)
def test_an_old_python_can_read_what_explains_itself(name: str):
    text = (setup.ROOT / "tools" / name).read_text()
    ast.parse(text, feature_version=OLDEST)
    imported = {module.partition(".")[0] for module in imports(text)}
    assert imported <= sys.stdlib_module_names | {"tools"}


def imports(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_the_entry_needs_the_standard_library_alone():
    done = subprocess.run(
        [sys.executable, "-E", "-S", "-m", "tools", "help"],
        cwd=setup.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "book" in done.stdout
