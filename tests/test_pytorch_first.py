"""PyTorch, and Triton, come before TensorFlow in every process of the book."""

from utils.pytorch_first import TOO_LATE

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tools import bootstrap, chapters

ROOT = chapters.ROOT
CELL = bootstrap.bootstrap_cell(bootstrap.PLACEHOLDER, "main")
TENSORFLOW = {"keras", "tensorflow"}
FIRST = "utils.pytorch_first"

# What a chapter does later: Fabric imports Triton, training needs autograd.
USE = """
import keras
import torch
from lightning_fabric import Fabric

assert keras.backend.backend() == "tensorflow"
x = torch.ones(2, requires_grad=True)
(x**2).sum().backward()
assert x.grad.tolist() == [2.0, 2.0]
torch.optim.Adam([x]).step()
"""
ORDER = """
import importlib.util
import sys

loaded = list(sys.modules)
if "tensorflow" in sys.modules:
    assert loaded.index("torch") < loaded.index("tensorflow")
    if importlib.util.find_spec("triton"):
        assert loaded.index("triton") < loaded.index("tensorflow")
"""
needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None,
    reason="Triton has no package for this system: nothing can crash",
)


def run(
    code: str, *arguments: str, folder: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh process, where every warning is printed."""
    return subprocess.run(
        [
            sys.executable,
            "-W",
            "default::RuntimeWarning",
            "-c",
            code,
            *arguments,
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def complaints(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the lines of stderr, less what TensorFlow's C++ says at start.

    It writes these to file descriptor 2 whatever the order; no notebook
    shows them.
    """
    lines = done.stderr.splitlines()
    return [
        line
        for line in lines
        if "absl::InitializeLog" not in line and "cudart_stub.cc" not in line
    ]


def test_the_first_cell_leaves_everything_working():
    done = run(CELL + USE + ORDER, folder=ROOT / "chapters")
    assert done.returncode == 0, done.stderr
    assert complaints(done) == []


@needs_triton
@pytest.mark.parametrize(
    "before",
    ["import tensorflow", "import keras, torch", "import torch, keras"],
)
def test_tensorflow_before_the_first_cell_costs_one_warning(before):
    done = run(f"{before}\n{CELL}{USE}", folder=ROOT / "chapters")
    assert done.returncode == 0, done.stderr
    assert complaints(done)[0].endswith(f"RuntimeWarning: {TOO_LATE}")
    assert [line for line in complaints(done) if "Warning:" in line][1:] == []
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(
    torch.version.cuda is not None,
    reason="PyTorch's CUDA build loses its driver to TensorFlow, and says so",
)
def test_nothing_is_said_where_nothing_is_lost():
    """Without Triton, a CPU build of PyTorch may come second."""
    absent = """
import importlib.util
import keras, torch
find = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name == "triton" else find(name)
"""
    done = run(absent + CELL + USE, folder=ROOT / "chapters")
    assert done.returncode == 0, done.stderr
    assert complaints(done) == []


@needs_triton
@pytest.mark.skipif(sys.platform != "linux", reason="the crash is Linux's")
def test_the_other_order_still_crashes():
    """When this fails, the libraries agree again: drop `pytorch_first`."""
    assert run("import tensorflow, triton").returncode < 0


def modules_of(*folders: str) -> list[Path]:
    return sorted(
        path for name in folders for path in (ROOT / name).rglob("*.py")
    )


def named(path: Path) -> str:
    """Return a module's dotted name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.AST) -> list[tuple[int, str]]:
    """Return (line, module) of what runs: type checkers' imports do not."""
    unrun = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If)
        and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        if node in unrun:
            continue
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append((node.lineno, node.module))
    return sorted(found)


def unprotected(tree: ast.AST) -> list[int]:
    """Return the lines that import Keras or TensorFlow with nothing before."""
    every = imports(tree)
    first = min((line for line, name in every if name == FIRST), default=None)
    return [
        line
        for line, name in every
        if name.split(".")[0] in TENSORFLOW and (first is None or line < first)
    ]


@pytest.mark.parametrize(
    "path", modules_of("utils", "tools", "chapters"), ids=named
)
def test_a_module_that_needs_keras_imports_pytorch_first(path):
    lines = unprotected(ast.parse(path.read_text(encoding="utf-8")))
    assert not lines, (
        f"{named(path)} imports Keras or TensorFlow in lines {lines};"
        f" `import {FIRST}` must stand before"
    )


@pytest.mark.parametrize(
    "path", ["tests/conftest.py", "benchmarks/__init__.py"]
)
def test_tests_and_benchmarks_begin_with_pytorch(path):
    names = [name for _, name in imports(ast.parse((ROOT / path).read_text()))]
    assert FIRST in names


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("import keras\nimport utils.pytorch_first", [1]),
        ("def f():\n    from keras import ops", [2]),
        ("import utils.pytorch_first\nimport tensorflow as tf", []),
        ("if TYPE_CHECKING:\n    import keras", []),
    ],
)
def test_the_order_of_imports_is_seen(code, lines):
    assert unprotected(ast.parse(code)) == lines


# One stands for all: that each module imports `utils.pytorch_first` before
# Keras is read from its source above.
def test_a_keras_module_alone_is_clean():
    done = run(f"import utils.models.keras\n{USE}{ORDER}")
    assert done.returncode == 0, done.stderr
    assert complaints(done) == []


def test_a_layer_turned_into_keras_is_clean():
    code = "from utils.scratch import LSTM; from utils.weights import to_keras"
    done = run(f"{code}\nto_keras(LSTM(2, 3))\n{USE}{ORDER}")
    assert done.returncode == 0, done.stderr
    assert complaints(done) == []


@pytest.mark.parametrize("package", ["utils", "utils.scratch", "utils.data"])
def test_what_needs_no_framework_loads_none(package):
    base = ROOT / package.replace(".", "/")
    inner = [named(path) for path in sorted(base.glob("*.py"))]
    names = [package] if package == "utils" else inner
    done = run(
        f"import sys, {', '.join(names)}\n"
        "print(*{'torch', 'triton', 'tensorflow', 'keras'} & {*sys.modules})"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_the_command_loads_no_tensorflow():
    done = run(
        "import sys, utils.forecasting.__main__, utils.forecasting.recurrent\n"
        "import utils.training\n"
        f"{ORDER}print('tensorflow' in sys.modules)"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "False"
