"""A claim: a sentence, the recorded results behind it, what would refute it."""

import importlib
import inspect
import pkgutil
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scipy import stats

from utils.notebook import load_results


@dataclass(frozen=True)
class Effect:
    """How large a difference is, and how uncertain.

    `what` says which number it is, of which contenders, in which unit;
    `interval` says what lies between `low` and `high`.
    """

    what: str
    value: float
    low: float
    high: float
    interval: str

    @classmethod
    def over_seeds(cls, what: str, values: Sequence[float]) -> "Effect":
        """Sum up one number a seed by its median and range."""
        return cls(
            what,
            statistics.median(values),
            min(values),
            max(values),
            f"median and range of {len(values)} seeds",
        )

    @classmethod
    def paired(
        cls, what: str, differences: Sequence[float], pairs: str
    ) -> "Effect":
        """Sum up one difference a pair by its mean and 95 % interval.

        Student's t with n − 1 degrees of freedom, n independent pairs. Where
        the interval contains zero, the two are tied on these data.
        """
        interval = stats.ttest_1samp(differences, 0).confidence_interval()
        return cls(
            what,
            statistics.fmean(differences),
            float(interval.low),
            float(interval.high),
            f"95 % interval, {len(differences)} pairs, one {pairs} each",
        )

    @property
    def tied(self) -> bool:
        """Whether the interval contains zero, so that nothing is decided."""
        return self.low <= 0 <= self.high

    def __str__(self) -> str:
        """Write it as the site's page of claims does."""
        return (
            f"{self.what}: {self.value:.3g} "
            f"({self.low:.3g} to {self.high:.3g}, {self.interval})"
        )


@dataclass(frozen=True)
class Claim:
    """A sentence that compares, and the check of it on recorded results.

    The check's docstring begins with the sentence. It takes the results that
    `benchmarks/results/RECORD.json` holds, asserts direction, size and
    interval, and returns its effects.

    Args:
        check: asserts the sentence and returns how large the effect is.
        record: the name of the recording.
        contenders: two names in the recording whose exchange makes the
            sentence false. For a tie, one of the two that tie and another
            that is not level with them.
        seeds: the fresh seeds that were run; none if nothing is drawn.
        data: what was trained and tested on.
        refuted_by: the result that would make the sentence false.
        thresholds: the subject of the commit in which the asserts stood
            before the fresh seeds were run; None if they were written after,
            which the page says.

    Raises:
        ValueError: there is one seed only.
    """

    check: Callable[[Any], Effect | tuple[Effect, ...]]
    record: str
    contenders: tuple[str, str]
    seeds: Sequence[int]
    data: str
    refuted_by: str
    thresholds: str | None = None

    def __post_init__(self) -> None:
        """Refuse a claim that rests on one seed."""
        if len(self.seeds) == 1:
            raise ValueError(f"{self.name}: one seed backs no claim; run more")

    @property
    def name(self) -> str:
        """The name by which chapters refer to it."""
        return self.check.__name__

    @property
    def sentence(self) -> str:
        """What is claimed: the first paragraph of the check's docstring."""
        paragraph = inspect.cleandoc(self.check.__doc__ or "").split("\n\n")[0]
        return " ".join(paragraph.split())

    @property
    def topic(self) -> str:
        """The module that holds it, named as the chapter without number."""
        return self.check.__module__.rpartition(".")[2]

    def results(self) -> Any:
        """Load the results that it is about."""
        return load_results(self.record)["results"]

    def provenance(self) -> dict[str, Any]:
        """Load when, with what and on what the results were measured."""
        return load_results(self.record)["provenance"]

    def effects(self, results: Any = None) -> tuple[Effect, ...]:
        """Check it, on the recorded results if on no others.

        Raises:
            AssertionError: the results do not support the sentence.
        """
        found = self.check(self.results() if results is None else results)
        return found if isinstance(found, tuple) else (found,)


_claims: dict[str, Claim] = {}


def claim(**facts: Any) -> Callable[[Callable], Claim]:
    """Make a claim of a check: the arguments are those of `Claim`.

    Raises:
        ValueError: another claim has the same name.
    """

    def register(check: Callable) -> Claim:
        made = Claim(check, **facts)
        if made.name in _claims:
            raise ValueError(f"there are two claims named {made.name}")
        _claims[made.name] = made
        return made

    return register


def every() -> dict[str, Claim]:
    """Return all the book's claims by name, those of a module together."""
    package = importlib.import_module(__package__)
    for module in pkgutil.iter_modules(package.__path__, f"{__package__}."):
        importlib.import_module(module.name)
    return dict(sorted(_claims.items(), key=lambda item: item[1].topic))


def exchanged(results: Any, contenders: tuple[str, str]) -> Any:
    """Copy results with two contenders' names exchanged wherever they stand.

    A name may be a key, a text, or a part of either between slashes, as in
    `copy / GRU / 3`.

    Raises:
        ValueError: a contender occurs nowhere.
    """
    other = dict(zip(contenders, reversed(contenders), strict=True))
    met = set()

    def renamed(text: Any) -> Any:
        if not isinstance(text, str):
            return text
        parts = text.split(" / ")
        met.update(other.keys() & set(parts))
        return " / ".join(other.get(part, part) for part in parts)

    def copied(part: Any) -> Any:
        if isinstance(part, dict):
            return {renamed(key): copied(each) for key, each in part.items()}
        if isinstance(part, list):
            return [copied(each) for each in part]
        return renamed(part)

    copy = copied(results)
    if missing := other.keys() - met:
        raise ValueError(f"the results name no {' and no '.join(missing)}")
    return copy
