"""Claims about predicting the next character."""

from statistics import median
from typing import Any

# The parts of `benchmarks.language` whose thresholds stand here: their fresh
# seeds run once this is committed.
THRESHOLDS_FOR: tuple[str, ...] = ("small",)

SEEDS = range(5)


def runs(results: dict[str, Any], cell: str) -> list[dict[str, Any]]:
    """Return a cell's runs on eight plays, one for each seed."""
    return [results["runs"][f"small / {cell} / {seed}"] for seed in SEEDS]


def bits(
    results: dict[str, Any], cell: str, model: str = "network"
) -> list[float]:
    """Return the bits a character on the test plays, for each seed."""
    return [run["bits"][model] for run in runs(results, cell)]


def kind(
    results: dict[str, Any], kind: str, model: str = "network"
) -> list[float]:
    """Return what a GRU's seeds pay for a kind of character."""
    return [run["by kind"][kind][model] for run in runs(results, "GRU")]


def network_beats_counting(results: dict[str, Any]) -> None:
    """On eight plays a GRU that trains for 450 CPU seconds needs fewer bits for
    each character of unseen plays than the best n-gram model."""
    network, ngrams = (
        bits(results, "GRU", model) for model in ("network", "n-grams")
    )
    gains = [a - b for a, b in zip(ngrams, network, strict=True)]
    assert median(gains) > 0.03
    assert min(gains) > 0


def mixture_beats_both(results: dict[str, Any]) -> None:
    """The average of the GRU's and the n-grams' probabilities needs fewer bits
    than either."""
    mixture = bits(results, "GRU", "mixture")
    for model in ("network", "n-grams"):
        alone = bits(results, "GRU", model)
        gains = [a - b for a, b in zip(alone, mixture, strict=True)]
        assert min(gains) > 0.05


def gates_pay(results: dict[str, Any]) -> None:
    """At about equal parameters and equal CPU seconds, GRU and LSTM need fewer
    bits than the tanh RNN, in the median."""
    plain = median(bits(results, "RNN"))
    for cell in ("GRU", "LSTM"):
        assert plain - median(bits(results, cell)) > 0.01


def network_knows_the_layout(results: dict[str, Any]) -> None:
    """The network pays less than the n-grams for closing brackets, line ends
    and first letters, and no less for letters inside a word."""
    for name, margin in (
        ("closing bracket", 0.5),
        ("line end", 0.2),
        ("first letter", 0.0),
    ):
        gains = [
            a - b
            for a, b in zip(
                kind(results, name, "n-grams"),
                kind(results, name, "network"),
                strict=True,
            )
        ]
        assert min(gains) > margin
    inside = [
        a - b
        for a, b in zip(
            kind(results, "inside a word", "n-grams"),
            kind(results, "inside a word", "network"),
            strict=True,
        )
    ]
    assert median(inside) < 0.01


def a_unit_counts(results: dict[str, Any]) -> None:
    """A trained GRU has a unit that follows the place in the line, which the
    untrained one with the same start has not."""
    for run in runs(results, "GRU"):
        units = run["units"]
        trained = units["trained"]["correlation"]
        assert trained > 0.6
        assert trained > units["untrained"]["correlation"] + 0.2
