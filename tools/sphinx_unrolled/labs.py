"""A lab in a page without cells:

    ```{lab} training_lab
    ```

The argument is a function of `utils.labs` that needs no arguments.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.util.docutils import SphinxDirective

from utils import labs


class LabOfPage(SphinxDirective):
    """Show a lab as its first reader finds it."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the lab's live HTML.

        Raises:
            SphinxError: there is no such lab.
        """
        name = self.arguments[0]
        if name not in labs.__all__ or not name.endswith("_lab"):
            raise SphinxError(f"lab: utils.labs has no {name}")
        return [nodes.raw("", getattr(labs, name)().html, format="html")]


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("lab", LabOfPage)
