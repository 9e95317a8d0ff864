"""A page without cells shows a lab."""

import pytest
from sphinx.errors import SphinxError
from test_sphinx_unrolled import build

from utils import labs


def test_a_page_shows_a_lab(tmp_path):
    page = build(
        tmp_path, {"page": "# A page\n\n```{lab} forget_bias_lab\n```\n"}
    )["page"]
    lab = page.select_one(".unrolled-lab[data-lab]")
    assert str(lab["data-lab"]) in labs.forget_bias_lab().html
    assert "forget" in lab["aria-label"].lower()


@pytest.mark.parametrize("name", ["no_lab", "slider"])
def test_a_lab_that_is_none_is_named(name, tmp_path):
    with pytest.raises(SphinxError, match=f"utils.labs has no {name}"):
        build(tmp_path, {"page": f"# A page\n\n```{{lab}} {name}\n```\n"})
