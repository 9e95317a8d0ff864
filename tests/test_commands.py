"""`python -m tools` and `make` offer the same, and stop where a step fails."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import __main__ as commands
from tools.setup import COMMAND, ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
WRITTEN = ["README.md", "CONTRIBUTING.md", ".ci/run"]
WRITTEN += [
    f".github/workflows/{path.name}"
    for path in (ROOT / ".github").rglob("*.yml")
]


def test_make_and_python_offer_the_same():
    rules = re.findall(r"(?m)^([a-z ]+):$", MAKEFILE)
    assert " ".join(rules).split() == list(
        dict.fromkeys(" ".join(rules).split())
    )
    assert set(" ".join(rules).split()) == set(commands.COMMANDS)


@pytest.mark.skipif(
    shutil.which("make") is None, reason="no make on this system"
)
@pytest.mark.parametrize("name", commands.COMMANDS)
def test_make_passes_on_to_python(name: str):
    settings = [
        "PYTHON=python3.99",
        "JOBS=3",
        "URL=https://example.org",
        "REF=v1",
    ]
    line = subprocess.run(
        ["make", "--dry-run", name, *settings],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    rest = (
        '--url "https://example.org" --ref "v1"'
        if name == "repository"
        else "--jobs 3"
    )
    assert line.split() == f"python3.99 -m tools {name} {rest}".split()


def test_help_lists_every_command(capsys: pytest.CaptureFixture):
    assert commands.main([]) == 0
    shown = capsys.readouterr().out
    for name, command in commands.COMMANDS.items():
        assert re.search(
            rf"(?m)^  {name} +{re.escape(command.__doc__)}$", shown
        )
    assert max(map(len, shown.splitlines())) <= 80
    assert commands.main(["lab", "--help"]) == 0
    assert capsys.readouterr().out == shown


def test_setup_ends_with_what_to_do_next(
    monkeypatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setattr(commands, "ensure", lambda: None)
    assert commands.main(["setup"]) == 0
    assert f"{COMMAND} lab" in capsys.readouterr().out


def test_a_setup_that_fails_says_why(
    monkeypatch, capsys: pytest.CaptureFixture
):
    def fail():
        raise commands.SetupError("no Python fits")

    monkeypatch.setattr(commands, "ensure", fail)
    assert commands.main(["book"]) == 1
    assert capsys.readouterr().err == "no Python fits\n"


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_can_be_run(name: str):
    text = (ROOT / name).read_text(encoding="utf-8")
    named = re.findall(r"(?:\bmake|-m tools) ([a-z]+)", text)
    assert set(named) <= set(commands.COMMANDS)


def test_an_unknown_command_names_those_there_are(
    capsys: pytest.CaptureFixture,
):
    with pytest.raises(SystemExit):
        commands.main(["bok"])
    assert "'book'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        commands.main(["book", "chapters"])
    assert "book takes no chapters" in capsys.readouterr().err


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note the steps of a command instead of running them."""
    noted: list[str] = []
    monkeypatch.setattr(commands, "ensure", lambda: None)
    monkeypatch.setattr(
        commands, "remove", lambda path: noted.append(f"remove {path.name}")
    )
    monkeypatch.setattr(
        commands, "run", lambda *words: noted.append(" ".join(map(str, words)))
    )
    return noted


def test_test_is_check_and_every_notebook(steps: list[str]):
    commands.main(["check", "--jobs", "4"])
    check = [*steps]
    assert check[-1].startswith("-m pytest -q -n 4 ")
    steps.clear()
    commands.main(["test", "--jobs", "4"])
    assert steps == [*check, "-m tools.validate --jobs 4"]


def test_book_builds_only_what_passed(steps: list[str]):
    commands.main(["book"])
    assert steps[1:3] == [
        "-m tools.validate --missing --jobs 2",
        "remove _build",
    ]
    assert "build . -n -W" in steps[3]


def test_arguments_are_passed_on(steps: list[str]):
    commands.main(["notebooks", "--all", "chapters/02_lstm.py"])
    commands.main(["repository", "--url", "https://example.org", "--ref", "v1"])
    assert steps == [
        "-m tools.execute --jobs 2 --all chapters/02_lstm.py",
        "-m tools.bootstrap --url https://example.org --ref v1",
    ]


def test_a_step_that_fails_ends_the_command(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(commands, "PYTHON", Path(sys.executable))
    commands.run("-c", "")
    with pytest.raises(SystemExit) as ended:
        commands.run("-c", "import sys; sys.exit(3 + sys.flags.utf8_mode)")
    assert ended.value.code == 4


def test_clean_deletes_what_was_built_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(commands, "ROOT", tmp_path)
    (tmp_path / "utils/__pycache__").mkdir(parents=True)
    (tmp_path / "utils/rnn.py").touch()
    (tmp_path / ".nbval-passed.json").touch()
    for name in (".venv", "_build", "unrolled.egg-info"):
        (tmp_path / name).mkdir()
    commands.main(["clean"])
    assert sorted(path.name for path in tmp_path.rglob("*")) == [
        "rnn.py",
        "utils",
    ]
