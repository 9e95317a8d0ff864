"""Run the tests as notebooks run, and check every shape that utils promises
in its annotations."""

import os
from pathlib import Path

from tools import environment

# Before NumPy, PyTorch and TensorFlow are imported: they read the number of
# threads only once.
environment.pin()

import utils.pytorch_first  # noqa: F401

import jaxtyping
import pytest

ROOT = Path(__file__).resolve().parent.parent

# Not in the Keras modules: Keras reads the constructors' signatures, which the
# check would hide.
CHECKED = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted((ROOT / "utils").rglob("*.py"))
    if path.stem not in ("__init__", "__main__", "keras")
]
jaxtyping.install_import_hook(CHECKED, "beartype.beartype")


@pytest.fixture
def unannotated():
    """Let wrong shapes through the annotations, to reach the errors that
    readers will see."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def chromium():
    """Name the machine's Chromium; without one, say so: skip, or fail where
    CI promised it."""
    from tools import site_checks

    program = site_checks.find_chromium()
    if program is None:
        names = ", ".join(site_checks.CHROMIUMS)
        reason = f"no browser: none of {names} is installed"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}, and under CI the browser's tests must run")
        pytest.skip(reason)
    return program


@pytest.fixture(scope="session")
def browser(chromium):
    """Start the machine's Chromium."""
    from tools import site_checks

    with site_checks.launched(chromium) as browser:
        yield browser
