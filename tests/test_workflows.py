"""The workflow files are valid, and every action is pinned to a release."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

from tools import run_alone
from tools.chapters import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def check(*paths: Path) -> subprocess.CompletedProcess[str]:
    command = [
        "check_jsonschema",
        "--builtin-schema",
        "vendor.github-workflows",
    ]
    return subprocess.run(
        [sys.executable, "-m", *command, *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_workflows_follow_the_schema():
    done = check(*WORKFLOWS)
    assert done.returncode == 0, done.stdout


def test_a_broken_workflow_is_caught(tmp_path: Path):
    broken = tmp_path / "broken.yml"
    broken.write_text(
        WORKFLOWS[0].read_text().replace("runs-on:", "runs-upon:", 1)
    )
    assert check(broken).returncode != 0


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_to_releases(path: Path):
    for job in yaml.safe_load(path.read_text())["jobs"].values():
        for step in job["steps"]:
            assert re.fullmatch(
                r"[\w/-]+@v\d+", step.get("uses", "none/needed@v0")
            ), step


def test_other_systems_run_both_commands():
    text = (ROOT / ".github/workflows/systems.yml").read_text()
    job = yaml.safe_load(text)["jobs"]["book"]
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert [run.split(" -m tools ")[-1] for run in runs[-2:]] == [
        "test",
        "book",
    ]
    systems = {
        each["system"].split("-")[0]
        for each in job["strategy"]["matrix"]["include"]
    }
    assert systems == {"macos", "windows", "ubuntu"}


def test_publication_waits_for_the_wheels_that_readers_have():
    jobs = yaml.safe_load((ROOT / ".github/workflows/book.yml").read_text())[
        "jobs"
    ]
    assert "plain-wheels" in jobs["deploy"]["needs"]
    plain = jobs["plain-wheels"]
    assert "python -m tools.plain_wheels" in [
        step.get("run") for step in plain["steps"]
    ]
    assert plain["runs-on"].startswith("ubuntu")
    assert "env" not in plain, "an index set here would bring another build"


@pytest.mark.parametrize(
    ("source", "failures"), [("print(1)", 0), ("1 / 0", 1)]
)
def test_running_alone_reports_what_breaks(
    tmp_path: Path, source: str, failures: int, capsys
):
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source)]
    )
    nbformat.write(notebook, tmp_path / "01_sample.ipynb")
    assert run_alone.main([str(tmp_path)]) == failures
    assert ("passed" in capsys.readouterr().out) is (failures == 0)
