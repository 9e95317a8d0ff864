"""A notebook's key changes with what its outputs depend on, and only then."""

from pathlib import Path

import pytest

from tools import chapters


@pytest.fixture
def book(tmp_path: Path) -> Path:
    for name, text in {
        "requirements.txt": "numpy==2.0\n",
        "tools/environment.py": "",
        "utils/__init__.py": "",
        "utils/scratch/__init__.py": (
            "from .rnn import RNN\nfrom utils.scratch.lstm import LSTM\n"
        ),
        "utils/scratch/rnn.py": "from .base import Layer\nclass RNN: ...\n",
        "utils/scratch/lstm.py": "class LSTM: ...\n",
        "utils/scratch/base.py": "class Layer: ...\n",
        "utils/plotting.py": "",
        "utils/labs/__init__.py": "from utils.labs.cells import cell_lab\n",
        "utils/labs/cells.py": (
            "from utils.labs.lab import read\nread('js/cell.js')\n"
            "def cell_lab(): ...\n"
        ),
        "utils/labs/lab.py": "read = open\nread('css/lab.css')\n",
        "utils/labs/css/lab.css": "",
        "utils/labs/js/cell.js": "",
        "utils/labs/js/other.js": "",
        "benchmarks/results/cells.json": "{}",
        "benchmarks/results/other.json": "{}",
        "assets/weights/cells.js": "{}",
        "assets/weights/other.js": "{}",
        "chapters/01_a.py": (
            "from utils import plotting\nfrom utils.scratch import RNN\n"
            "from utils.labs import cell_lab\n"
            "from utils.notebook import load_results\nload_results('cells')\n"
            "from utils.labs.weights import load_weights\n"
            "load_weights('cells')\n"
        ),
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("chapters/01_a.py", True),
        ("utils/scratch/rnn.py", True),
        ("utils/scratch/base.py", True),
        ("utils/plotting.py", True),
        ("benchmarks/results/cells.json", True),
        ("assets/weights/cells.js", True),
        ("assets/weights/other.js", False),
        ("requirements.txt", True),
        ("tools/environment.py", True),
        ("utils/labs/css/lab.css", True),
        ("utils/labs/js/cell.js", True),
        ("utils/labs/js/other.js", False),
        ("utils/scratch/lstm.py", False),
        ("utils/scratch/__init__.py", False),
        ("benchmarks/results/other.json", False),
    ],
)
def test_key(book: Path, name: str, changes: bool):
    source = book / "chapters/01_a.py"
    before = chapters.notebook_key(source, book)
    (book / name).write_text((book / name).read_text() + "\n")
    assert (chapters.notebook_key(source, book) != before) is changes


def test_every_module_that_a_real_chapter_imports_counts():
    for source in chapters.sources():
        if "from utils" in source.read_text(encoding="utf-8"):
            assert chapters.imported_modules(source), source.name


def test_some_module_names_every_script_and_style():
    named = {
        path
        for module in chapters.ROOT.glob("utils/**/*.py")
        for path in chapters.named_files(module)
    }
    files = {
        path
        for kind in ("js", "css")
        for path in chapters.ROOT.glob(f"utils/**/*.{kind}")
    }
    assert files
    assert named == files
