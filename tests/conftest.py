"""Check every shape that utils promises in its annotations while the tests run."""

import pkgutil

import jaxtyping
import pytest

import utils

# Not in the Keras modules: Keras reads the constructors' signatures, which the check would hide.
CHECKED = [
    f"utils.{module.name}"
    for module in pkgutil.iter_modules(utils.__path__)
    if not module.name.startswith("keras")
]
jaxtyping.install_import_hook(CHECKED, "beartype.beartype")


@pytest.fixture
def unannotated():
    """Let wrong shapes through the annotations, to reach the errors that readers will see."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
