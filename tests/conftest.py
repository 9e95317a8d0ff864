"""Check every shape that utils promises in its annotations while the tests run."""

import jaxtyping
import pytest

jaxtyping.install_import_hook("utils", "beartype.beartype")


@pytest.fixture
def unannotated():
    """Let wrong shapes through the annotations, to reach the errors that readers will see."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
