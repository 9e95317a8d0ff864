"""Nothing is half-written on executing, nothing that differs is validated."""

import json
import platform
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient.exceptions import CellExecutionError

from tools import chapters, execute, validate

SOURCE = (
    '# %% [markdown]\n# # Sample\n\n# %%\nx = {value}\nprint(f"x is {{x}}")\n'
)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A chapter in a book of its own: the real notebooks stay as they are."""
    (tmp_path / "chapters").mkdir()
    (tmp_path / "tools").mkdir()
    (tmp_path / "requirements.txt").write_text("")
    (tmp_path / "tools/environment.py").write_text("")
    path = tmp_path / "chapters/01_sample.py"
    path.write_text(SOURCE.format(value=1))
    key = chapters.notebook_key
    monkeypatch.setattr(
        chapters,
        "notebook_key",
        lambda source, root=None: key(source, tmp_path),
    )
    monkeypatch.setattr(validate, "PASSED", tmp_path / ".nbval-passed.json")
    return path


def test_executing_writes_counts_outputs_and_the_key(source: Path):
    assert not chapters.is_fresh(source)
    execute.execute(source)
    cell = nbformat.read(source.with_suffix(".ipynb"), as_version=4).cells[1]
    assert (cell.execution_count, cell.outputs[0].text) == (1, "x is 1\n")
    assert "execution" not in cell.metadata, "timing noise"
    assert chapters.is_fresh(source)
    source.write_text(SOURCE.format(value=2))
    assert not chapters.is_fresh(source)


def test_executing_twice_gives_the_same_notebook(source: Path):
    notebooks = []
    for _ in range(2):
        execute.execute(source)
        notebook = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
        # Its CPU seconds are another run's.
        assert notebook.metadata.unrolled.pop("run")["cpu_seconds"] >= 0
        notebooks.append(notebook)
    assert notebooks[0] == notebooks[1]


def test_a_notebook_says_under_what_circumstances_it_ran(source: Path):
    execute.execute(source)
    notebook = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    run = notebook.metadata.unrolled["run"]
    assert run["python"] == platform.python_version()
    assert run["versions"]["numpy"] == np.__version__
    assert all(run[name] for name in ("date", "commit", "processor"))


def test_a_failing_cell_leaves_the_notebook_as_it_was(source: Path):
    execute.execute(source)
    before = source.with_suffix(".ipynb").read_bytes()
    source.write_text(SOURCE.format(value="1 / 0"))
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        execute.execute(source)
    assert source.with_suffix(".ipynb").read_bytes() == before
    assert not list(source.parent.glob("*.partial"))


def test_validation_passes_what_was_executed_and_remembers_it(source: Path):
    execute.execute(source)
    notebook = source.with_suffix(".ipynb")
    assert validate.missing([notebook]) == [notebook]
    assert validate.validate([notebook], jobs=1) == 0
    assert validate.missing([notebook]) == []


def test_validation_fails_on_a_stale_output_and_remembers_nothing(source: Path):
    execute.execute(source)
    notebook = source.with_suffix(".ipynb")
    text = json.loads(notebook.read_text())
    text["cells"][1]["outputs"][0]["text"] = ["x is 2\n"]
    notebook.write_text(json.dumps(text))
    assert validate.validate([notebook], jobs=1) != 0
    assert validate.missing([notebook]) == [notebook]


def test_a_passed_notebook_that_changed_must_pass_again(source: Path):
    execute.execute(source)
    notebook = source.with_suffix(".ipynb")
    validate.validate([notebook], jobs=1)
    notebook.write_text(notebook.read_text().replace("Sample", "Other"))
    assert validate.missing([notebook]) == [notebook]


def test_asking_for_a_chapter_that_is_not_there_says_so(
    capsys: pytest.CaptureFixture,
):
    with pytest.raises(SystemExit):
        execute.main(["chapters/99_nowhere.py"])
    assert "99_nowhere.py does not exist" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        validate.main(["chapters/99_nowhere.ipynb"])
    assert "tools notebooks" in capsys.readouterr().err


def test_sys_version_is_part_of_the_fingerprint(
    source: Path, monkeypatch: pytest.MonkeyPatch
):
    execute.execute(source)
    notebook = source.with_suffix(".ipynb")
    before = validate.fingerprint(notebook)
    monkeypatch.setattr(sys, "version", "3.99")
    assert validate.fingerprint(notebook) != before


DEADLY = "import os\n\n# %%\nos.kill(os.getpid(), 9)\n\n# %%\n"


def test_a_kernel_that_dies_is_reported_by_chapter(
    source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    # A worker process would not see the sample's key.
    monkeypatch.setattr(
        execute,
        "ProcessPoolExecutor",
        lambda jobs, **_: ThreadPoolExecutor(jobs),
    )
    source.write_text(SOURCE.format(value=f"1\n{DEADLY}x = 1"))
    assert execute.main([str(source)]) == 1
    error = capsys.readouterr().err
    assert "01_sample.py FAILED, its notebook is unchanged" in error
    assert "python -X faulthandler 01_sample.py" in error
    assert "Traceback" not in error
    assert not source.with_suffix(".ipynb").exists()


def test_validation_reports_a_dead_kernel_at_once(
    source: Path, capfd: pytest.CaptureFixture
):
    execute.execute(source)
    notebook = source.with_suffix(".ipynb")
    text = notebook.read_text()
    deadly = "import os; os.kill(os.getpid(), 9)"
    notebook.write_text(text.replace('"x = 1\\n"', f'"{deadly}\\n"'))
    started = time.monotonic()
    assert validate.validate([notebook], jobs=1) != 0
    assert time.monotonic() - started < 60, "nbval alone waits ten minutes"
    output = capfd.readouterr().out
    assert "python -X faulthandler 01_sample.py" in output
    assert "RunningKernel" not in output, "a traceback of nbval"
    assert validate.missing([notebook]) == [notebook]


BURN = """# %%
import time
while time.process_time() < {seconds}:
    pass
"""


def test_the_cpu_seconds_are_those_of_the_kernel(source: Path):
    source.write_text(BURN.format(seconds=2))
    _, cpu = execute.execute(source)
    assert 1.9 < cpu < 6
