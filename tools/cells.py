"""What a cell's code imports, draws, shows and asserts."""

import ast
import builtins
import re
from collections.abc import Iterator

from IPython.core.inputtransformer2 import TransformerManager

# Statements of which a reader sees nothing but their text.
SILENT = (
    *(ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef),
    *(ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Assert),
)
ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
IMPORTS = (ast.Import, ast.ImportFrom)
DRAWING = re.compile(r"matplotlib|utils\.figures")


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


def imports(source: str) -> bool:
    """Say whether a cell imports something, outside its functions."""
    return any(isinstance(each, IMPORTS) for each in parse(source).body)


def only_imports(source: str) -> bool:
    """Say whether a cell holds nothing but imports."""
    return all(isinstance(each, IMPORTS) for each in parse(source).body)


def drawing_names(source: str) -> set[str]:
    """Return what imports bind of Matplotlib and of `utils.figures`."""
    names: set[str] = set()
    for node in ast.walk(parse(source)):
        modules = []
        if isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        if any(map(DRAWING.match, modules)):
            names |= imported_names(ast.unparse(node))
    return names


def only_draws(source: str, names: set[str]) -> bool:
    """Say whether each statement of a cell calls one of `names`.

    Or it calls what such a call returned: after `fig, ax = plt.subplots()`
    also `ax.plot(x)`. A loop draws if each statement in it does. A cell that
    computes something as well does not only draw.
    """
    known = set(names)
    return all(_draws(statement, known) for statement in parse(source).body)


def _draws(statement: ast.stmt, known: set[str]) -> bool:
    """Judge one statement; add to `known` what it binds."""
    match statement:
        case ast.Expr(value):
            return _root(value) in known
        case ast.Assign(targets, value) if _root(value) in known:
            known |= {name for each in targets for name in _variables(each)}
            return True
        case ast.For(target, source, body):
            if known & set(_variables(source)):
                known |= set(_variables(target))
            return all(_draws(each, known) for each in body)
        case ast.With(_, body):
            return all(_draws(each, known) for each in body)
    return False


def _root(value: ast.expr) -> str:
    """Return `ax` for `ax.set(...)`, for `ax[0].plot(...)` and for `ax`."""
    while isinstance(value, ast.Call | ast.Attribute | ast.Subscript):
        value = value.func if isinstance(value, ast.Call) else value.value
    return value.id if isinstance(value, ast.Name) else ""


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
