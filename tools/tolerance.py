"""A cell's tag lets its numbers differ a little where nbval is strict.

`pytest -p tools.tolerance --nbval` reads two tags: `within-0.02` is a distance
(two points before a per cent sign), `rtol-0.05` a share of the recorded
number. Everything else must be as recorded: words, lines, how many numbers
there are, and every whole number, because a count, a seed or a year that
differs is another result. A cell without such a tag is left to nbval.
"""

import re
from decimal import Decimal

import pytest
from nbval.plugin import IPyNbCell

TAG = re.compile(r"(within|rtol)-(\d+(?:\.\d+)?)")

# The possessive quantifiers keep a part of a number, and digits inside a word
# such as float32 or 3x, from being taken for a number.
NUMBER = re.compile(
    r"(?<![\w.])"
    r"([-−+]?(?:(?:\d{1,3}(?:,\d{3})++|\d++)(?:\.\d*+)?+|\.\d++)"
    r"(?:[eE][-−+]?\d++)?+(?!\w)"
    r"|[-−+]?(?:[nN]a[nN]|inf)\b)"
)
COUNT = re.compile(r"[-−+]?[\d,]+")


def tolerances(tags: list[str]) -> dict[str, Decimal]:
    """Read a cell's tolerances, `within` and `rtol`, from its tags."""
    found = filter(None, map(TAG.fullmatch, tags))
    return {each[1]: Decimal(each[2]) for each in found}


def value(number: str) -> Decimal:
    """Return the value of a number as `NUMBER` finds it in a text."""
    return Decimal(number.replace(",", "").replace("−", "-"))


def slack(number: str, rest: str, allowed: dict[str, Decimal]) -> Decimal:
    """Say how far from a recorded number a new one may lie.

    Args:
        number: the recorded number as it is written.
        rest: the text after it, in which a per cent sign may come first.
        allowed: the cell's tolerances.
    """
    percentage = rest.lstrip().startswith("%")
    exact = value(number)
    if not exact.is_finite() or (COUNT.fullmatch(number) and not percentage):
        return Decimal(0)
    points = allowed.get("within", Decimal(0)) * (100 if percentage else 1)
    return max(points, allowed.get("rtol", Decimal(0)) * abs(exact))


def differences(
    recorded: str, new: str, allowed: dict[str, Decimal]
) -> list[str]:
    """Say where a text differs from the recorded one beyond its tolerances."""
    left, right = NUMBER.split(recorded), NUMBER.split(new)
    words = [_single_spaced(each) for each in left[::2]]
    if words != [_single_spaced(each) for each in right[::2]]:
        return ["The texts differ in more than their numbers."]
    found = []
    for was, now, rest in zip(left[1::2], right[1::2], words[1:], strict=True):
        distance = slack(was, rest, allowed)
        if not _near(value(was), value(now), distance):
            found.append(f"{now} for {was}: at most {distance:f} from it.")
    return found


def _near(was: Decimal, now: Decimal, distance: Decimal) -> bool:
    if was.is_finite() and now.is_finite():
        return abs(now - was) <= distance
    return was == now or (was.is_nan() and now.is_nan())


def _single_spaced(text: str) -> str:
    """Drop the padding of columns, which varies with the width of numbers."""
    return re.sub(r"[ \t]+", " ", text).strip(" \t")


class Tolerant(str):
    """A recorded text that a new one need only resemble.

    nbval compares by `!=`, so this is the one operator that has to know.
    """

    allowed: dict[str, Decimal]

    def __ne__(self, other: object) -> bool:
        """Say whether the other text differs by more than is allowed."""
        return bool(differences(str(self), str(other), self.allowed))


class TolerantCell(IPyNbCell):
    """A cell whose outputs nbval compares by its tolerances."""

    def sanitize(self, s: object) -> object:
        """Take hold of every text that nbval is about to compare."""
        text = super().sanitize(s)
        if not isinstance(text, str):
            return text
        tolerant = Tolerant(text)
        tolerant.allowed = tolerances(self.cell.metadata.tags)
        return tolerant

    def format_output_compare(self, key: str, left: str, right: str) -> None:
        """Add the numbers at fault to nbval's message."""
        super().format_output_compare(key, left, right)
        if isinstance(left, Tolerant):
            faults = differences(str(left), str(right), left.allowed)
            self.comparison_traceback += faults


def pytest_itemcollected(item: pytest.Item) -> None:
    """Turn the tagged cells, and only those, into tolerant ones."""
    if isinstance(item, IPyNbCell) and tolerances(
        item.cell.metadata.get("tags", [])
    ):
        item.__class__ = TolerantCell
