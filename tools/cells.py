"""What a cell's code shows, and what it asserts."""

import ast
import builtins
from collections.abc import Iterator

from IPython.core.inputtransformer2 import TransformerManager

# Statements of which a reader sees nothing but their text.
SILENT = (
    *(ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef),
    *(ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Assert),
)
ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def parse(source: str) -> ast.Module:
    """Parse a cell's code, in which there may be IPython's magics."""
    return ast.parse(TransformerManager().transform_cell(source))


def shown_names(source: str) -> set[str]:
    """Return the variables of the statements that show something."""
    return {
        name
        for statement in parse(source).body
        if not isinstance(statement, SILENT)
        for name in _variables(statement)
    }


def asserted_names(source: str) -> Iterator[set[str]]:
    """Yield the variables of each assert that compares with a margin."""
    for node in ast.walk(parse(source)):
        if isinstance(node, ast.Assert) and _has_margin(node):
            yield set(_variables(node.test))


def imported_names(source: str) -> set[str]:
    """Return what the imports of a cell bind."""
    return {
        (alias.asname or alias.name).split(".")[0]
        for node in ast.walk(parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }


def _variables(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not hasattr(builtins, node.id):
            yield node.id


def _has_margin(assertion: ast.Assert) -> bool:
    return any(
        _is_number_in(side)
        for node in ast.walk(assertion.test)
        if isinstance(node, ast.Compare)
        if any(isinstance(operator, ORDER) for operator in node.ops)
        for side in (node.left, *node.comparators)
    )


def _is_number_in(side: ast.expr) -> bool:
    """Look for a number other than zero in arithmetic, not in an index."""
    if isinstance(side, ast.BinOp):
        return _is_number_in(side.left) or _is_number_in(side.right)
    if isinstance(side, ast.UnaryOp):
        return _is_number_in(side.operand)
    return isinstance(side, ast.Constant) and bool(side.value)
