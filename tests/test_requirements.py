"""Every package is pinned, and what readers get from PyPI is what is tested."""

import os
import subprocess

import pytest
from packaging.requirements import Requirement

from tools import plain_wheels
from tools.chapters import ROOT


def test_every_package_is_pinned_exactly_and_portably():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert "torch==2.13.0" in lines
    lines += (ROOT / "requirements-data.txt").read_text().splitlines()
    for line in lines:
        pins = list(Requirement(line).specifier)
        assert [pin.operator for pin in pins] == ["=="], f"{line} is not pinned"
        assert not {"+", "*"} & set(pins[0].version), (
            f"{line} is not one public version"
        )


@pytest.mark.parametrize(
    ("system", "machine", "wanted"),
    [
        ("linux", "x86_64", True),
        ("linux", "aarch64", True),
        ("darwin", "arm64", False),
    ],
)
def test_triton_is_pinned_where_pytorch_brings_it(
    system: str, machine: str, wanted: bool
):
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    triton = next(r for r in map(Requirement, lines) if r.name == "triton")
    assert triton.marker is not None
    assert (
        triton.marker.evaluate(
            {"sys_platform": system, "platform_machine": machine}
        )
        is wanted
    )


def test_plain_wheels_come_from_pypi_alone():
    ours = {
        "PIP_FIND_LINKS": "x",
        "PIP_EXTRA_INDEX_URL": "y",
        "PIP_CERT": "z",
        "HOME": "h",
    }
    assert plain_wheels.plain(ours) == {
        "PIP_CERT": "z",
        "HOME": "h",
        "PIP_CONFIG_FILE": os.devnull,
    }


def test_plain_wheels_run_both_commands_until_one_fails(monkeypatch, capsys):
    ran = []

    def run(command, **options):
        ran.append([*map(str, command)])
        return subprocess.CompletedProcess(command, int(command[-1] == "test"))

    monkeypatch.setattr(plain_wheels.subprocess, "run", run)
    assert plain_wheels.main() == 1
    assert ran[0][:2] == ["git", "clone"]
    assert ran[1] == ["make", "setup"]
    assert ran[-1] == ["make", "test"], "nothing runs after a failure"
    assert plain_wheels.commands()[-1] == ["make", "book"]
    assert "`make test` fails" in capsys.readouterr().err
