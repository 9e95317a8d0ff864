"""The book's own Sphinx extension: mathematics, tabs, figures, captions,
chapter numbers, claims, labs, the reference, the search and addresses."""

from typing import Any

from sphinx.application import Sphinx

from . import (
    address,
    captions,
    chapter_map,
    chapters,
    claims,
    effort,
    figures,
    labs,
    mathematics,
    reference,
    search,
    tabs,
    works,
)

PARTS = (
    address,
    captions,
    chapter_map,
    chapters,
    claims,
    effort,
    figures,
    labs,
    mathematics,
    reference,
    search,
    tabs,
    works,
)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register every part with Sphinx."""
    for part in PARTS:
        part.setup(app)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
