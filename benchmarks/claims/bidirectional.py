"""Claims about reading in both directions."""

from typing import Any

import numpy as np

WIDENED = " half unmasked, widened"


def scores(results: dict[str, Any], name: str) -> list[float]:
    """Return a contender's accuracy on the test data, one for each seed."""
    return [run["test"] for run in results["runs"][name].values()]


def ends(
    results: dict[str, Any],
    name: str,
    case: str = "masked",
    question: str = "both ends",
) -> list[float]:
    """Return how often a pooling is right about the ends, for each seed."""
    runs = results["runs"][name].values()
    return [run["test"][case][question] for run in runs]


def last_output_loses_an_end(results: dict[str, Any]) -> None:
    """From the last output of a bidirectional LSTM over 20 to 40 digits one end
    is read, from final states, mean and maximum both ends.
    """
    last = ends(results, "ends / last")
    assert max(last) < 0.6
    assert min(ends(results, "ends / last", question="last digit")) > 0.95
    for how in ("final states", "mean", "max"):
        assert np.median(ends(results, f"ends / {how}")) > 0.95


def length_is_what_it_lacks(results: dict[str, Any]) -> None:
    """The last output answers for both ends of strings of 5 to 10 digits, and
    of 20 to 40 not in five times as many steps either.
    """
    assert np.median(ends(results, "ends, 5 to 10 / last")) > 0.95
    assert np.median(ends(results, "ends / last")) < 0.6
    assert np.median(ends(results, "ends, longer / last")) < 0.6


def each_half_needs_its_mask(results: dict[str, Any]) -> None:
    """Among twenty columns of padding, final states lose an end where the
    forward half has no mask, mean and maximum where the backward half has none.
    """
    for how, half, other in (
        ("final states", "forward", "backward"),
        ("mean", "backward", "forward"),
        ("max", "backward", "forward"),
    ):
        name = f"ends / {how}"
        assert np.median(ends(results, name, half + WIDENED)) < 0.65
        assert np.median(ends(results, name, other + WIDENED)) > 0.85


def second_direction_closes_the_gap(results: dict[str, Any]) -> None:
    """Marking the digits that occur once, an LSTM in one direction reaches what
    the past allows, and one in both directions, with as many parameters, is
    right nearly always.
    """
    one = np.array(scores(results, "tags / one direction"))
    both = np.array(scores(results, "tags / both directions"))
    bound = results["tag bounds"]["by look-ahead"]["0"]["test"]
    assert bound - np.median(one) < 0.03
    assert max(one) < bound + 0.005
    assert min(both) > 0.97
    assert min(both) - max(one) > 0.2


def waiting_buys_part_of_it(results: dict[str, Any]) -> None:
    """A model in one direction that answers two or four digits late marks more
    digits right than one that answers at once, and fewer than a model in both
    directions.
    """
    one, both = (
        np.median(scores(results, f"tags / {name}"))
        for name in ("one direction", "both directions")
    )
    for delay in (2, 4):
        late = np.median(scores(results, f"tags / delay {delay}"))
        assert late - one > 0.05
        assert both - late > 0.05


def second_direction_reads_digits(results: dict[str, Any]) -> None:
    """Reading handwritten digits row by row, two directions are better than one
    with as many parameters.
    """
    both = np.array(scores(results, "digits / both directions"))
    one = np.array(scores(results, "digits / one direction"))
    assert np.median(both) - np.median(one) > 0.01
    assert sum(both > one) >= 4


def forecaster_leaks(results: dict[str, Any]) -> None:
    """A forecaster of noise that reads in both directions errs by less than a
    tenth of the variance in a back-test over whole series and by all of it
    live; over windows of the past it errs by all of it in both.
    """
    errors = {
        (name, judged): [run[judged] for run in runs.values()]
        for name, runs in results["runs"].items()
        for judged in ("back-test", "live")
        if name.startswith("noise / ")
    }
    leaking = "noise / both directions"
    assert max(errors[leaking, "back-test"]) < 0.1
    assert min(errors[leaking, "live"]) > 0.95
    for name in ("noise / one direction", f"{leaking}, past only"):
        for judged in ("back-test", "live"):
            assert min(errors[name, judged]) > 0.95
