"""No figure without words: every image carries alternative text, or the build fails."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import SphinxError


class MissingAltError(SphinxError):
    """An image that a blind reader could not know about."""

    category = "Missing alternative text"


def require_alternative_text(app: Sphinx, doctree: nodes.document) -> None:
    """Fail for the page's images without alternative text, all named in one message.

    Raises:
        MissingAltError: at least one image has none.
    """
    lines = [
        f"{app.env.doc2path(app.env.docname, base=False)}, line {image.line or image.parent.line}"
        for image in doctree.findall(nodes.image)
        if not image.get("alt", "").strip()
    ]
    if lines:
        raise MissingAltError(
            f"{'; '.join(lines)}: describe the figure in its cell's metadata, "
            'mystnb={"image": {"alt": "..."}}'
        )


def setup(app: Sphinx) -> None:
    """Look at each page right after it has been read."""
    app.connect("doctree-read", require_alternative_text)
