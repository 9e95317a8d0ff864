"""What the chapters show of the library is what the library holds."""

import ast
import inspect
import json

import pytest
from IPython.display import Code

from utils import notebook
from utils.scratch import RNN


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Code]:
    displayed: list[Code] = []
    monkeypatch.setattr(notebook, "display", displayed.append)
    return displayed


def test_the_source_of_a_method_is_shown_as_it_would_run(shown):
    notebook.show_source(RNN.forward)
    assert ast.parse(shown[0].data).body[0].name == "forward"
    assert "\n    " in shown[0].data


def test_several_objects_are_shown_in_one_block(shown):
    notebook.show_source(RNN, notebook.load_results)
    assert [node.name for node in ast.parse(shown[0].data).body] == [
        "RNN",
        "load_results",
    ]
    assert shown[0].data.startswith(inspect.getsource(RNN).splitlines()[0])


def test_recorded_results_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(notebook, "RESULTS", tmp_path)
    (tmp_path / "cells.json").write_text(json.dumps({"results": 1}))
    assert notebook.load_results("cells") == {"results": 1}


def test_a_missing_recording_names_the_command_that_makes_it(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(notebook, "RESULTS", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"python -m benchmarks\.cells"):
        notebook.load_results("cells")


def test_bare_source_keeps_what_computes():
    source = '''\
class Layer:
    """A layer.

    Long.
    """

    size: int

    def step(
        self,
        x: Float[np.ndarray, "batch input"],
        h: "Array | None" = None,
    ) -> tuple[int, int]:
        """Take one step."""
        # why
        y = x + h  # the sum
        return y, 1

    def only(self) -> None:
        """Nothing else."""
'''
    assert (
        notebook.bare_source(source)
        == '''\
class Layer:
    size: int

    def step(self, x, h=None):
        # why
        y = x + h  # the sum
        return y, 1

    def only(self):
        """Nothing else."""
'''
    )


def test_folded_source_stands_behind_its_line(capture_display):
    notebook.show_source(bare_example, fold="How < it works")
    (bundle,) = capture_display
    assert bundle["text/html"].startswith(
        "<details><summary>How &lt; it works</summary>"
    )
    assert bundle["text/plain"].startswith("How < it works\n\ndef bare_example")


def bare_example(x):
    return x


@pytest.fixture
def capture_display(monkeypatch):
    shown = []
    monkeypatch.setattr(
        notebook, "display", lambda each, raw=False: shown.append(each)
    )
    return shown
