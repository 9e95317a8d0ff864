"""The set-up explains itself where it cannot work."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.chapters import ROOT

STUB = """#!/bin/sh
case "$*" in
    *version_info*) exit {fits} ;;
    *ensurepip*) exit {has_venv} ;;
    *--version*) echo "Python {version}" ;;
    *) exit 1 ;;
esac
"""


def set_up(folder: Path, version: str, fits: bool, has_venv: bool = True):
    """Run the set-up on a machine whose only Python is a stub."""
    tools = folder / "bin"
    tools.mkdir()
    stub = tools / "python3"
    stub.write_text(STUB.format(version=version, fits=int(not fits), has_venv=int(not has_venv)))
    stub.chmod(0o755)
    environment = {**os.environ, "PATH": str(tools), "PYTHON": ""}
    return subprocess.run(
        [shutil.which("sh") or "sh", str(ROOT / "tools/setup.sh")],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("version", ["3.10.4", "3.14.0"])
def test_a_python_too_old_or_too_new_is_named(tmp_path: Path, version: str):
    done = set_up(tmp_path, version, fits=False)
    assert done.returncode == 1
    assert "3.11, 3.12 or 3.13" in done.stderr
    assert f"Found: Python {version}" in done.stderr


def test_a_missing_venv_module_is_named(tmp_path: Path):
    done = set_up(tmp_path, "3.12.1", fits=True, has_venv=False)
    assert done.returncode == 1
    assert "python3-venv" in done.stderr


def test_every_package_is_pinned_exactly_and_portably():
    lines = (ROOT / "requirements.txt").read_text().split()
    assert "torch==2.13.0" in lines
    for line in lines:
        name, _, version = line.partition("==")
        assert name, line
        assert version, f"{line} is not pinned"
        assert "+" not in version, f"{line} names a local build"
