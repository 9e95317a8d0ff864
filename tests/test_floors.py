"""Floors in order, no circles, and frameworks in their place."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.chapters import ROOT

# From the ground up. A room imports from lower floors, from itself, and from a
# neighbour as long as the neighbour does not import from it.
FLOORS = (
    {"scratch", "data", "pytorch_first", "commands"},
    {"weights"},
    {"models", "training", "figures"},
    {
        "length",
        "language",
        "attention",
        "forecasting",
        "recurrences",
        "sentiment",
        "speed",
    },
    {"labs", "exercises", "notebook"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
FRAMEWORKS = ("torch", "tensorflow", "keras", "lightning_fabric")
FREE_OF_FRAMEWORKS = ("scratch", "data", "figures", "labs", "exercises")


def imports(path: Path) -> Iterator[str]:
    """Yield the full name of every module that a file imports, wherever."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def doors(root: Path) -> set[tuple[str, str]]:
    """Return who imports from whom: pairs of different rooms of `utils`."""
    found = set()
    for path in (root / "utils").rglob("*.py"):
        room = path.relative_to(root / "utils").with_suffix("").parts[0]
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "utils" and len(parts) > 1 and parts[1] != room:
                found.add((room, parts[1]))
    return found


def misplaced(root: Path) -> list[str]:
    """Say which rooms reach up, go in circles, or have no floor."""
    pairs = doors(root)
    rooms = {room for pair in pairs for room in pair} - {"__init__"}
    faults = [f"utils/{room} has no floor" for room in rooms - set(FLOOR)]
    for room, other in sorted(pairs):
        if FLOOR.get(other, 0) > FLOOR.get(room, 0):
            faults.append(f"utils/{room} imports from utils/{other}, above it")
        if (other, room) in pairs and room < other:
            faults.append(f"utils/{room} and utils/{other} import each other")
    for path in (root / "utils").rglob("*.py"):
        if {n.split(".")[0] for n in imports(path)} & {"benchmarks", "tools"}:
            faults.append(f"{path.name} imports from outside utils")
    return faults


def test_the_floors_stand_in_order():
    assert misplaced(ROOT) == []


def test_no_file_of_a_subject_stands_outside_its_room():
    assert {path.stem for path in (ROOT / "utils").glob("*.py")} <= {
        "__init__",
        "commands",
        "notebook",
        "pytorch_first",
        "weights",
    }


@pytest.mark.parametrize(
    ("room", "line", "fault"),
    [
        ("scratch", "from utils.training import fit", "above it"),
        ("attention", "import utils.sentiment.pytorch", "import each other"),
        ("cellar", "from utils.scratch import RNN", "no floor"),
        ("models", "from benchmarks import record", "outside utils"),
    ],
)
def test_a_planted_import_is_found(
    tmp_path: Path, room: str, line: str, fault: str
):
    planted = tmp_path / "utils" / room / "planted.py"
    planted.parent.mkdir(parents=True)
    planted.write_text(line + "\n", encoding="utf-8")
    back = tmp_path / "utils" / "sentiment" / "pytorch.py"
    back.parent.mkdir()
    back.write_text("import utils.attention.pytorch\n", encoding="utf-8")
    assert any(fault in found for found in misplaced(tmp_path))


@pytest.mark.parametrize("room", FREE_OF_FRAMEWORKS)
def test_a_room_without_frameworks_loads_none(room: str):
    modules = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "utils" / room).rglob("*.py")
        if path.stem != "__init__"
    )
    code = (
        f"import sys, importlib\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"print([name for name in {FRAMEWORKS!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
