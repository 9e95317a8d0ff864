"""Where in a notebook something stands, in the words that every error of the
build uses."""

from docutils import nodes
from sphinx.environment import BuildEnvironment

# MyST-NB counts lines as 10,000 times the cell plus the line within it plus
# one.
LINES_PER_CELL = 10_000


def place_of(env: BuildEnvironment, docname: str, node: nodes.Node) -> str:
    """Name the file, the cell and the line at which a node begins, as far as
    they are known."""
    path = env.doc2path(docname, base=False)
    while not node.line and node.parent is not None:
        node = node.parent
    if not node.line:
        return path
    cell, line = divmod(node.line, LINES_PER_CELL)
    return (
        f"{path}, cell {cell}, line {line - 1}"
        if cell
        else f"{path}, line {line}"
    )
