"""A tag lets numbers differ a little, and nothing else differ at all."""

import os
import subprocess
from xml.etree import ElementTree

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools import chapters, environment, tolerance, validate

WITHIN = ["within-0.02"]
RTOL = ["rtol-0.05"]
WIDE = ["within-100"]

# What was recorded, what the cell prints now, the cell's tags.
PASS = {
    "a little more": ("accuracy 0.96", "accuracy 0.97", WITHIN),
    "just as far as allowed": ("share 0.3", "share 0.32", WITHIN),
    "a little more, by share": ("loss 2.00", "loss 2.08", RTOL),
    "several lines": (
        "a 0.96\nb  9.99\nc  0.01",
        "a 0.97\nb 10.01\nc -0.01",
        WITHIN,
    ),
    "another minus sign": ("slope -0.36", "slope −0.35", WITHIN),
    "points of a percentage": ("95 %, 95.2%", "97 %, 96.1%", WITHIN),
    "a narrow space before the sign": ("95\u202f%", "97\u202f%", WITHIN),
    "a decimal of thousands": ("1,240,000.5 s", "1,234,567.0 s", RTOL),
    "an exponent": ("error 1.0e-05", "error 1.02e-05", RTOL),
    "an array": ("[0.97 0.99 0.51]", "[0.98 1.   0.5 ]", WITHIN),
    "a column for the sign": ("[0.01 0.5 ]", "[-0.01  0.5 ]", WITHIN),
    "a range": ("0.94-0.98", "0.93-0.99", WITHIN),
    "both tags": ("loss 0.001, 51.5 s", "loss 0.02, 50.0 s", WITHIN + RTOL),
    "NaN both times": ("loss NaN", "loss nan", WITHIN),
    "infinity both times": ("inf 0.36", "inf 0.35", WITHIN),
    "the same, untagged": ("accuracy 0.97", "accuracy 0.97", []),
}
FAIL = {
    "a number outside": ("accuracy 0.94", "accuracy 0.97", WITHIN),
    "a number outside, by share": ("loss 2.00", "loss 2.11", RTOL),
    "one of several outside": ("0.96\n0.93", "0.97\n0.97", WITHIN),
    "a little more, untagged": ("accuracy 0.96", "accuracy 0.97", []),
    "a little more, other tag": ("loss 0.96", "loss 0.97", ["hide-input"]),
    "a changed word": ("RNN wins 0.97", "GRU wins 0.97", WITHIN),
    "a changed verdict": ("0.97 True", "0.97 False", WITHIN),
    "a sign": ("slope 0.35", "slope -0.35", WITHIN),
    "a sign, by share": ("slope 0.35", "slope -0.35", RTOL),
    "a sign of another kind": ("slope −0.35", "slope 0.35", WITHIN),
    "a row missing": ("a 0.97\nb 0.95", "a 0.97", WITHIN),
    "one row more": ("a 0.97\nb 0.95", "a 0.97\nb 0.95\nc 0.95", WITHIN),
    "one number more": ("[0.98 1. ]", "[0.98 1.  0.5]", WITHIN),
    "one number less": ("[0.98 1.  0.5]", "[0.98 1. ]", WITHIN),
    "NaN for a number": ("loss 0.35", "loss nan", WITHIN),
    "NaN for a number, by share": ("loss 0.35", "loss nan", RTOL),
    "a number for NaN": ("loss NaN", "loss 0.1", WITHIN),
    "infinity for a number": ("loss 0.35", "loss inf", RTOL),
    "the other infinity": ("loss inf", "loss -inf", RTOL),
    "a percentage outside": ("94 %", "97 %", WITHIN),
    "a count": ("took 100 steps", "took 101 steps", WIDE),
    "a count, by share": ("took 100 steps", "took 103 steps", RTOL),
    "a count with commas": ("1,240,000 rows", "1,234,567 rows", RTOL),
    "an exponent outside": ("error 1.0e-05", "error 1.02e-04", RTOL),
    "digits in a word": ("float32 0.97", "float64 0.97", WIDE),
    "digits before a word": ("4x 0.97", "3x 0.97", WIDE),
    "parts of a version": ("v1.2.4 0.97", "v1.2.3 0.97", WIDE),
}
TABLE = (
    "import pandas as pd\n"
    "pd.DataFrame({{'accuracy': {0}, 'n': {1}}}, index={2})"
)


def table(accuracy, n, index):
    """Return a cell's output that shows a table, as text and as HTML."""
    import pandas as pd

    frame = pd.DataFrame({"accuracy": accuracy, "n": n}, index=index)
    data = {"text/plain": repr(frame), "text/html": frame._repr_html_()}
    return new_output("execute_result", data, execution_count=1)


def shown(kind, content):
    """Return code that displays one piece of data of a kind."""
    return (
        "from IPython.display import display\n"
        f"display({{{kind!r}: {content!r}}}, raw=True)"
    )


def printed(text):
    return new_output("stream", name="stdout", text=text + "\n")


RECORDED = table([0.965, 10.001], [5, 1000], ["a", "b"])

# What only a whole cell can show: code, recorded outputs, tags, does it pass.
CELLS = {
    "a table, a little more": (
        TABLE.format([0.971, 9.995], [5, 1000], ["a", "b"]),
        [RECORDED],
        WITHIN,
        True,
    ),
    "a table, untagged": (
        TABLE.format([0.971, 9.995], [5, 1000], ["a", "b"]),
        [RECORDED],
        [],
        False,
    ),
    "a table with a count": (
        TABLE.format([0.971, 9.995], [6, 1000], ["a", "b"]),
        [RECORDED],
        WITHIN,
        False,
    ),
    "a table with a row more": (
        TABLE.format([0.965, 10.001, 0.5], [5, 1000, 5], ["a", "b", "c"]),
        [RECORDED],
        WITHIN,
        False,
    ),
    "a table with another label": (
        TABLE.format([0.965, 10.001], [5, 1000], ["a", "c"]),
        [RECORDED],
        WITHIN,
        False,
    ),
    "an output missing": ("pass", [printed("0.97")], WITHIN, False),
    "an output more": ("print(0.97)\n1", [printed("0.97")], WITHIN, False),
    "Markdown, a little more": (
        shown("text/markdown", "| a | 0.97 |"),
        [new_output("display_data", {"text/markdown": "| a | 0.96 |"})],
        WITHIN,
        True,
    ),
    "what is no text": (
        shown("application/json", {"a": 1.5}),
        [new_output("display_data", {"application/json": {"a": 1.51}})],
        WITHIN,
        False,
    ),
    "an exception": ("print(0.97)\n1 / 0", [printed("0.97")], WITHIN, False),
}


def planted():
    """Yield every case as name, cell and whether nbval should pass it."""
    for cases, passes in ((PASS, True), (FAIL, False)):
        for name, (recorded, now, tags) in cases.items():
            yield name, f"print({now!r})", [printed(recorded)], tags, passes
    for name, (code, outputs, tags, passes) in CELLS.items():
        yield name, code, outputs, tags, passes


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Run nbval, as `tools.validate` does, over a notebook of all cases."""
    folder = tmp_path_factory.mktemp("planted")
    cells = [
        new_code_cell(
            code,
            outputs=outputs,
            execution_count=count,
            metadata={"tags": tags},
        )
        for count, (_, code, outputs, tags, _) in enumerate(planted(), start=1)
    ]
    notebook = new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "3"}
    nbformat.write(notebook, folder / "planted.ipynb")
    run = subprocess.run(
        [
            *validate.command([folder / "planted.ipynb"], jobs=1),
            *("--color", "no", "--junitxml", str(folder / "report.xml")),
        ],
        cwd=chapters.ROOT,
        env={**os.environ, **environment.PINNED},
        capture_output=True,
        text=True,
        check=False,
    )
    report = ElementTree.parse(folder / "report.xml")
    passed = {
        int(case.attrib["name"].split()[-1]): case.find("failure") is None
        for case in report.iter("testcase")
    }
    return passed, run.stdout


@pytest.mark.parametrize(
    ("number", "passes"),
    [
        pytest.param(number, passes, id=name)
        for number, (name, *_, passes) in enumerate(planted())
    ],
)
def test_nbval_with_tolerances(verdicts, number, passes):
    assert verdicts[0][number] is passes


def test_a_failure_names_the_number_its_reference_and_the_tolerance(verdicts):
    assert "0.97 for 0.94: at most 0.02 from it." in verdicts[1]
    assert "The texts differ in more than their numbers." in verdicts[1]


def test_only_whole_tags_are_tolerances():
    tags = ["within-", "within-0.02x", "rtol 5", "hide-input"]
    assert tolerance.tolerances(tags) == {}
    assert set(tolerance.tolerances([*tags, *WITHIN])) == {"within"}


def test_what_passed_under_another_plugin_must_pass_again(
    tmp_path, monkeypatch
):
    notebook = chapters.sources()[0].with_suffix(".ipynb")
    before = validate.fingerprint(notebook)
    assert validate.fingerprint(notebook) == before
    other = tmp_path / "tolerance.py"
    other.write_text("# more tolerant", encoding="utf-8")
    monkeypatch.setattr(validate, "TOLERANCE", other)
    assert validate.fingerprint(notebook) != before
