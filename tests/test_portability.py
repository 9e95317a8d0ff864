"""What assumes a POSIX system says so, and text files name their encoding.

The tests themselves may leave an encoding out: they run in Python's UTF-8 mode.
"""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools import environment
from tools.chapters import ROOT

ROOMS = ("utils", "tools", "benchmarks")
OURS = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
TESTS = sorted((ROOT / "tests").glob("*.py"))
POSIX_MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "termios"}
POSIX_NAMES = {"fork", "killpg", "setsid", "getuid", "geteuid", "SIGKILL"}
POSIX_PLACES = ("/dev/", "/tmp/", "/usr/bin/", ".venv/bin")
SAYS_SO = "Linux or macOS"


def posix_parts(text: str) -> list[str]:
    """Name what works on POSIX systems alone, where the docstring is silent."""
    tree = ast.parse(text)
    if SAYS_SO in " ".join((ast.get_docstring(tree) or "").split()):
        return []
    return [f"line {line}: {what}" for line, what in _posix_parts(tree)]


def _posix_parts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            named = {alias.name for alias in node.names} & POSIX_MODULES
        elif isinstance(node, ast.ImportFrom):
            named = {node.module} & POSIX_MODULES
        elif isinstance(node, ast.Attribute):
            named = {node.attr} & POSIX_NAMES
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            named = {p for p in POSIX_PLACES if node.value.startswith(p)}
        else:
            continue
        yield from ((node.lineno, what) for what in named)


def without_encoding(text: str) -> list[str]:
    """Name the calls that read or write text in the system's encoding."""
    return [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and _called(node) in ("open", "read_text", "write_text")
        and not _names_encoding(node)
        and not _is_binary(node)
    ]


def _called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Name):
        return function.id
    # `os.open` and `Image.open` are another matter than `open` and `path.open`.
    named = isinstance(function, ast.Attribute) and function.attr != "open"
    return function.attr if named else ""


def _names_encoding(call: ast.Call) -> bool:
    position = {"open": 3, "read_text": 0, "write_text": 1}[_called(call)]
    named = any(keyword.arg == "encoding" for keyword in call.keywords)
    return named or len(call.args) > position


def _is_binary(call: ast.Call) -> bool:
    modes = [
        *call.args[1:2],
        *(k.value for k in call.keywords if k.arg == "mode"),
    ]
    return any(
        isinstance(m, ast.Constant) and "b" in str(m.value) for m in modes
    )


def found(check: Callable[[str], list[str]], paths: list[Path]) -> dict:
    return {
        path.relative_to(ROOT).as_posix(): faults
        for path in paths
        if (faults := check(path.read_text(encoding="utf-8")))
    }


def test_what_assumes_posix_says_so():
    others = [path for path in TESTS if path != Path(__file__)]
    assert found(posix_parts, OURS + others) == {}


def test_text_files_name_their_encoding():
    assert found(without_encoding, OURS) == {}


def test_tests_and_notebooks_run_in_utf8_mode():
    assert environment.PINNED["PYTHONUTF8"] == "1"


@pytest.mark.parametrize(
    "fault",
    [
        "import resource",
        "from resource import getrusage",
        "import os\nos.fork()",
        "place = '/dev/null'",
    ],
)
def test_what_assumes_posix_is_caught(fault: str):
    assert len(posix_parts(fault)) == 1
    assert (
        posix_parts(f'"""This forks, so it needs {SAYS_SO}."""\n{fault}') == []
    )


@pytest.mark.parametrize(
    ("call", "faults"),
    [
        ("open(path)", 1),
        ("open(path, 'w')", 1),
        ("path.read_text()", 1),
        ("path.write_text(text)", 1),
        ("open(path, 'rb')", 0),
        ("open(path, mode='wb')", 0),
        ("path.read_text(encoding='utf-8')", 0),
        ("path.read_text('utf-8')", 0),
        ("path.write_text(text, 'utf-8')", 0),
        ("Image.open(path)", 0),
    ],
)
def test_a_missing_encoding_is_caught(call: str, faults: int):
    assert len(without_encoding(call)) == faults
