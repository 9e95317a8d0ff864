"""No figure without words: every image carries alternative text, or the
build fails."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import SphinxError

from .places import place_of


class MissingAltError(SphinxError):
    """An image that a blind reader could not know about."""

    category = "Missing alternative text"


def is_paper_twin(image: nodes.image) -> bool:
    """Tell whether an image only stands in for HTML, which pages show
    instead of it."""
    bundle = image.parent.parent
    return isinstance(bundle, nodes.container) and any(
        output.get("mime_type") == "text/html" for output in bundle.children
    )


def require_alternative_text(app: Sphinx, doctree: nodes.document) -> None:
    """Fail for the page's images without alternative text, all named in one
    message.

    Raises:
        MissingAltError: at least one image has none.
    """
    places = [
        place_of(app.env, app.env.docname, image)
        for image in doctree.findall(nodes.image)
        if not image.get("alt", "").strip() and not is_paper_twin(image)
    ]
    if places:
        raise MissingAltError(
            f"{'; '.join(places)}: describe the figure in its cell's metadata, "
            'mystnb={"image": {"alt": "..."}}'
        )


def setup(app: Sphinx) -> None:
    """Look at each page right after it has been read."""
    app.connect("doctree-read", require_alternative_text)
