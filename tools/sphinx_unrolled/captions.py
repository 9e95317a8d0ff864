"""Numbers and captions for what cells show, the same way in every chapter.

A cell whose header holds

    mystnb={"figure": {"name": "fig-reach", "caption": "Each half knows ..."}}

becomes a figure of MyST-NB's, which Sphinx numbers: "Figure 7.1". A name that
begins with `tab-` makes it a table instead: counted as tables are, its caption
above it. Prose refers to both by {numref}`fig-reach`.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.writers.html5 import HTML5Translator

TABLE = "tab-"


class captioned_table(nodes.figure):  # noqa: N801  docutils' style
    """A cell's output that counts as a table."""


class TablesBesideFigures(SphinxTransform):
    """Turn figures whose name begins with `tab-` into tables."""

    # Before Sphinx takes down the names and titles of what it numbers (850).
    default_priority = 800

    def apply(self) -> None:
        """Replace each such figure."""
        for figure in list(self.document.findall(nodes.figure)):
            if not any(name.startswith(TABLE) for name in figure["names"]):
                continue
            table = captioned_table(figure.rawsource, **figure.attributes)
            table.extend(figure.children)
            # The style sheet puts its caption first.
            table["classes"].append("captioned-table")
            figure.replace_self(table)
            for identifier in table["ids"]:
                self.document.ids[identifier] = table


def caption_of(table: nodes.Node) -> str | None:
    """Return a table's caption, by which Sphinx knows that it is named."""
    for child in table.children:
        if isinstance(child, nodes.caption):
            return child.astext()
    return None


def setup(app: Sphinx) -> None:
    """Let Sphinx number such tables and write them as figures."""
    app.add_enumerable_node(
        captioned_table,
        "table",
        caption_of,
        html=(HTML5Translator.visit_figure, HTML5Translator.depart_figure),
    )
    app.add_transform(TablesBesideFigures)
