"""Checkers for the exercises: given a reader's function, they say which mistake
it makes.

A checker calls the function on random arguments and compares its numbers with
those of known variants: the right one, other right conventions, and the
mistakes that people make. The variant whose numbers come back is what the
reader wrote.
"""

import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

Array = Float[np.ndarray, "..."]


AnyArray = Shaped[np.ndarray, "..."]


Arguments = dict[str, AnyArray]


# Results in float32 pass; variants differ by far more (a test holds that).
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Variant:
    """One way to compute the exercise's function, right or wrong, and what
    to tell its author."""

    verdict: str
    compute: Callable[..., Any]
    right: bool = False


def judge(
    function: Callable[..., Any],
    cases: Sequence[Arguments],
    variants: Sequence[Variant],
    results: Sequence[str] = (),
) -> bool:
    """Print which variant the function computes, and return whether that one is
    right.

    `results` names what the function returns, where it returns several arrays.

    The function is called with each case's arrays, in order, as NumPy arrays
    or, if it cannot take them, as PyTorch tensors. A first case of unequal
    sizes finds wrong shapes; a later one of equal sizes tells transposed from
    exchanged matrices. A function that writes into its arguments is wrong,
    whatever it returns.
    """
    problem = None
    for case in cases:
        try:
            returned, changed = _call(function, case)
        except Exception as error:
            problem = problem or _failure(error, case)
            continue
        if changed:
            _say(
                f"Not yet. It changes its argument {changed} in place, and "
                "so the caller's own "
                f"array: make a new one instead of writing into {changed}."
            )
            return False
        right = _flat(
            next(v for v in variants if v.right).compute(*case.values())
        )
        fault = _fault(returned, right, results)
        found = None if fault else _recognise(returned, case, variants)
        if found and not (found.right and problem):
            _say(("Right. " if found.right else "Not yet. ") + found.verdict)
            return found.right
        if found:
            problem = f"{problem} (With equal sizes everywhere, it is right.)"
            break
        problem = (
            problem
            or fault
            or _difference(returned, right, len(variants), results)
        )
    _say(f"Not yet. {problem}")
    return False


def _say(text: str) -> None:
    """Print a verdict in lines that fit a page."""
    print(textwrap.fill(text, 80))


def _call(
    function: Callable[..., Any], case: Arguments
) -> tuple[list[np.ndarray], str | None]:
    """Return the function's results and the name of an argument that it
    changed."""
    arrays = [array.copy() for array in case.values()]
    torch = sys.modules.get("torch")
    try:
        results = function(*arrays)
    except Exception as error:
        if torch is None:
            raise
        try:
            results = function(*(torch.from_numpy(array) for array in arrays))
        except Exception:
            if "Tensor" in str(error) or isinstance(error, AttributeError):
                raise
            raise error from None
    results = [
        np.asarray(each.detach().cpu() if hasattr(each, "detach") else each)
        for each in _flat(results)
    ]
    # Before the arguments are looked at: a result may share their memory.
    results = [each.copy() for each in results]
    for (name, before), after in zip(case.items(), arrays, strict=True):
        if not np.array_equal(before, after):
            return results, name
    return results, None


def _failure(error: Exception, case: Arguments) -> str:
    first_line = str(error).partition("\n")[0]
    shapes = ", ".join(f"{name} {array.shape}" for name, array in case.items())
    turned = (
        " Rows are samples, so that a product is x @ W, not W @ x."
        if "matmul" in first_line and any(n.startswith("W_") for n in case)
        else ""
    )
    return (
        f"It fails with {type(error).__name__}: {first_line}. Its arguments "
        f"were {shapes}.{turned}"
    )


def _flat(results: Any) -> list[Any]:
    """List what a function returned: one array, or a tuple of arrays and
    tuples."""
    if isinstance(results, tuple | list):
        return [each for part in results for each in _flat(part)]
    return [results]


def _fault(
    results: list[np.ndarray],
    right: list[np.ndarray],
    names: Sequence[str] = (),
) -> str | None:
    """Say what keeps the results from being compared number by number."""
    if any(each.ndim == 0 and each.item() is None for each in results):
        return "It returns None: is `return` missing?"
    if len(results) > len(right) and all(r.ndim == 0 for r in results):
        return (
            "It returns a list of numbers; an array is expected: "
            "`np.array(...)` makes one of it."
        )
    if len(results) != len(right):
        wanted = f": ({', '.join(names)})" if names else ""
        return (
            f"It returns {_arrays(len(results))}; {_are(len(right))} "
            f"expected{wanted}."
        )
    for result, expected in zip(results, right, strict=True):
        if result.shape != expected.shape:
            turned = result.shape == expected.shape[::-1]
            return (
                f"It returns the shape {result.shape}; {expected.shape} is "
                f"expected{': rows are samples' if turned else ''}."
            )
        if not np.issubdtype(result.dtype, np.number):
            return f"It returns the type {result.dtype}; numbers are expected."
        if not np.isfinite(result).all():
            return "Its result holds NaN or infinity."
    return None


def _arrays(count: int) -> str:
    return "1 array" if count == 1 else f"{count} arrays"


def _are(count: int) -> str:
    return "1 is" if count == 1 else f"{count} are"


def _recognise(
    results: list[np.ndarray], case: Arguments, variants: Sequence[Variant]
) -> Variant | None:
    """Find the variant that gives the same numbers."""
    for variant in variants:
        try:
            expected = _flat(variant.compute(*case.values()))
        except ValueError:
            continue  # An exchanged or transposed matrix fits equal sizes only.
        if _fault(results, expected) is None and all(
            np.allclose(result, array, rtol=0, atol=TOLERANCE)
            for result, array in zip(results, expected, strict=True)
        ):
            return variant
    return None


def _difference(
    results: list[np.ndarray],
    right: list[np.ndarray],
    known: int,
    names: Sequence[str] = (),
) -> str:
    errors = [
        float(np.abs(result - array).max())
        for result, array in zip(results, right, strict=True)
    ]
    well = [n for n, e in zip(names, errors, strict=False) if e <= TOLERANCE]
    wrong = [n for n, e in zip(names, errors, strict=False) if e > TOLERANCE]
    where = (
        f" {' and '.join(well)} is right, {' and '.join(wrong)} is not."
        if well
        else ""
    )
    return (
        "Shapes are right, numbers are not: they are off by up to "
        f"{max(errors):.2g} and match none of "
        f"the {known} variants that this checker knows.{where} Compare term by "
        "term with the equations."
    )


def draw(seed: int, **shapes: tuple[int, ...]) -> Arguments:
    """Draw a checker's arguments from the standard normal distribution."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}
