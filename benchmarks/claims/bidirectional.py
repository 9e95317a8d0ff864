"""Claims about reading in both directions."""

from itertools import pairwise
from typing import Any

import numpy as np

from .claim import Effect, claim

WIDENED = " half unmasked, widened"
FACTS: dict[str, Any] = {
    "record": "bidirectional",
    "seeds": range(5),
    "thresholds": "[claims] The bidirectional trial's thresholds, tuned and "
    "before its fresh seeds",
}
ENDS = (
    "strings of 20 to 40 random digits, fresh ones in each of 200 training "
    "steps, 1,000 to test on; is the first digit below 5, and the last?"
)
TAGS = (
    "strings of 5 to 12 random digits, fresh ones in each of 800 training "
    "steps, 2,000 to test on; which digits occur once?"
)
TAGS_LONGER = TAGS.replace("800 training", "4,800 training")
BEFORE_LONGER: dict[str, Any] = {
    "thresholds": "[claims] Hold the longer tags and stress marks to "
    "thresholds, before their fresh seeds",
}


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


@claim(
    **FACTS,
    contenders=("last", "final states"),
    data=ENDS,
    refuted_by="a seed whose last output answers for both ends on 60 % of the "
    "strings, or another pooling whose median is below 95 %",
)
def last_output_loses_an_end(results: dict[str, Any]) -> tuple[Effect, ...]:
    """From the last output of a bidirectional LSTM over 20 to 40 digits one end
    is read, from final states, mean and maximum both ends.
    """
    last = ends(results, "ends / last")
    assert max(last) < 0.6
    assert min(ends(results, "ends / last", question="last digit")) > 0.95
    for how in ("final states", "mean", "max"):
        assert np.median(ends(results, f"ends / {how}")) > 0.95
    return tuple(
        Effect.over_seeds(
            f"both ends right, {how}", ends(results, f"ends / {how}")
        )
        for how in ("last", "final states", "mean", "max")
    )


@claim(
    **FACTS,
    contenders=("ends", "ends, 5 to 10"),
    data=ENDS,
    refuted_by="a median below 95 % on the short strings, or one of 60 % on "
    "the long ones",
)
def length_is_what_it_lacks(results: dict[str, Any]) -> tuple[Effect, ...]:
    """The last output answers for both ends of strings of 5 to 10 digits, and
    of 20 to 40 not in five times as many steps either.
    """
    assert np.median(ends(results, "ends, 5 to 10 / last")) > 0.95
    assert np.median(ends(results, "ends / last")) < 0.6
    assert np.median(ends(results, "ends, longer / last")) < 0.6
    return tuple(
        Effect.over_seeds(f"both ends right, {what}", ends(results, name))
        for what, name in (
            ("5 to 10 digits", "ends, 5 to 10 / last"),
            ("20 to 40 digits", "ends / last"),
            ("20 to 40 digits, 1,000 steps", "ends, longer / last"),
        )
    )


@claim(
    **FACTS,
    contenders=(
        "forward half unmasked, widened",
        "backward half unmasked, widened",
    ),
    data=ENDS,
    refuted_by="a pooling whose median does not fall below 65 % without the "
    "mask of the half named, or falls below 85 % without that of "
    "the other half",
)
def each_half_needs_its_mask(results: dict[str, Any]) -> tuple[Effect, ...]:
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
    return tuple(
        Effect.over_seeds(
            f"both ends right, {how}, {half} half without mask",
            ends(results, f"ends / {how}", half + WIDENED),
        )
        for how in ("final states", "mean", "max")
        for half in ("forward", "backward")
    )


@claim(
    **FACTS,
    contenders=("one direction", "both directions"),
    data=TAGS,
    refuted_by="a model in both directions below 97 %, or a gap to one "
    "direction of less than 20 points between any two seeds",
)
def second_direction_closes_the_gap(results: dict[str, Any]) -> Effect:
    """Marking the digits that occur once, an LSTM in one direction comes within
    three points of what the past allows, in the median, and one in both
    directions, with as many parameters, is right nearly always.
    """
    one = np.array(scores(results, "tags / one direction"))
    both = np.array(scores(results, "tags / both directions"))
    bound = results["tag bounds"]["by look-ahead"]["0"]["test"]
    assert bound - np.median(one) < 0.03
    assert max(one) < bound + 0.005
    assert min(both) > 0.97
    assert min(both) - max(one) > 0.2
    gain = list(both - one)
    return Effect.over_seeds("accuracy gained by both directions", gain)


@claim(
    **FACTS | {"thresholds": None},
    contenders=("one direction", "both directions"),
    data=TAGS,
    refuted_by="a median with two digits of delay that is less than 5 points "
    "above that of no delay, or less than 5 below that of both directions",
)
def waiting_buys_part_of_it(results: dict[str, Any]) -> tuple[Effect, ...]:
    """A model in one direction that answers two digits late marks more digits
    right than one that answers at once, and fewer than a model in both
    directions.

    The check that was committed before the seeds ran asked the same of four
    digits of delay, whose median came out 4.8 points above, not 5.
    """
    one, late, both = (
        np.median(scores(results, f"tags / {name}"))
        for name in ("one direction", "delay 2", "both directions")
    )
    assert late - one > 0.05
    assert both - late > 0.05
    return tuple(
        Effect.over_seeds(
            f"accuracy, {name}", scores(results, f"tags / {name}")
        )
        for name in ("one direction", "delay 2", "delay 4", "both directions")
    )


@claim(
    **FACTS,
    contenders=("one direction", "both directions"),
    data="1,137 images of handwritten digits, 8 by 8 pixels, to train "
    "on; 300 to tune on and 360 to test on, in the order of the "
    "file",
    refuted_by="a median gain of a point or less, or a gain on fewer than "
    "four of five seeds",
)
def second_direction_reads_digits(results: dict[str, Any]) -> Effect:
    """Reading handwritten digits row by row, two directions are better than one
    with as many parameters.
    """
    both = np.array(scores(results, "digits / both directions"))
    one = np.array(scores(results, "digits / one direction"))
    assert np.median(both) - np.median(one) > 0.01
    assert sum(both > one) >= 4
    gain = list(both - one)
    return Effect.over_seeds("accuracy gained by both directions", gain)


@claim(
    **FACTS,
    contenders=("one direction", "both directions"),
    data="300 series of 20 independent normal draws to train on, 300 to "
    "test on",
    refuted_by="a back-test of the model in both directions above 0.1, or any "
    "other error below 0.95",
)
def forecaster_leaks(results: dict[str, Any]) -> tuple[Effect, ...]:
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
    return tuple(
        Effect.over_seeds(
            f"mean squared error, {judged}", errors[leaking, judged]
        )
        for judged in ("back-test", "live")
    )


AT_ONCE, BOTH = "one direction", "both directions"
STRESS: dict[str, Any] = {
    "record": "stress",
    "seeds": range(5),
    "thresholds": "[claims] Hold the stress marks to thresholds, before their "
    "fresh seeds",
    "data": "40,000 words of two vowels and more of the CMU Pronouncing "
    "Dictionary, two passes; 5,541 of other stems to test on, none of which "
    "sounds like one of them",
}


def stressed(
    results: dict[str, Any],
    name: str,
    what: str = "vowels",
    place: str | None = None,
) -> np.ndarray:
    """Return a contender's share of vowels or words tagged right, or of the
    vowels at one place, one for each seed."""
    runs = [
        run
        for key, run in results["runs"].items()
        if key.rpartition(" / ")[0] == name
    ]
    assert len(runs) == len(FACTS["seeds"])
    return np.array(
        [run["by place"][place] if place else run[what] for run in runs]
    )


def gains_by_place(
    results: dict[str, Any], better: str, worse: str
) -> dict[str, np.ndarray]:
    """Return how many more vowels one contender tags right than another, by
    place in the word, one for each seed."""
    return {
        place: stressed(results, better, place=place)
        - stressed(results, worse, place=place)
        for place in ("last", "second to last", "third to last", "earlier")
    }


def effects_by_place(gains: dict[str, np.ndarray]) -> tuple[Effect, ...]:
    """Name what is gained at each place."""
    return tuple(
        Effect.over_seeds(f"vowels gained, {place}", list(gain))
        for place, gain in gains.items()
    )


@claim(
    **STRESS,
    contenders=(AT_ONCE, BOTH),
    refuted_by="a gap of less than five points of the vowels, or eight of the "
    "words, between any two seeds",
)
def rest_of_the_word_tells_its_stress(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """The stress of English vowels is named right more often by an LSTM that
    reads the word in both directions than by one with as many parameters that
    must name it at once.
    """
    effects = []
    for what, margin in (("vowels", 0.05), ("words", 0.08)):
        both, one = (stressed(results, name, what) for name in (BOTH, AT_ONCE))
        assert min(both) - max(one) > margin
        effects.append(
            Effect.over_seeds(f"more {what} right in both", list(both - one))
        )
    return tuple(effects)


@claim(
    **STRESS,
    contenders=(AT_ONCE, BOTH),
    refuted_by="a place whose median gain is not a point above that of the "
    "place behind it, or a seed that gains 15 points or less where three "
    "vowels and more follow",
)
def future_is_worth_most_early_in_a_word(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """What the second direction adds to the stress of a vowel is the more, the
    more vowels follow it in its word.
    """
    gains = gains_by_place(results, BOTH, AT_ONCE)
    medians = [np.median(gain) for gain in gains.values()]
    assert all(low + 0.01 < high for low, high in pairwise(medians))
    assert min(gains["earlier"]) > 0.15
    return effects_by_place(gains)


@claim(
    **STRESS,
    contenders=(AT_ONCE, "delay 4"),
    refuted_by="a median gain by four phones of delay of half of what both "
    "directions gain, or less, or one within half a point of all of it",
)
def waiting_four_phones_buys_most_of_it(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """An LSTM in one direction that names the stress of a vowel four phones
    late wins more than half of what the second direction wins, and not all of
    it.
    """
    one, late, both = (
        np.median(stressed(results, name))
        for name in (AT_ONCE, "delay 4", BOTH)
    )
    assert late - one > 0.5 * (both - one)
    assert both - late > 0.005
    return tuple(
        Effect.over_seeds(
            f"vowels right, {name}", list(stressed(results, name))
        )
        for name in (AT_ONCE, *(f"delay {k}" for k in range(1, 5)), BOTH)
    )


@claim(
    **STRESS,
    contenders=(AT_ONCE, BOTH),
    refuted_by="a seed within a point of the best rule, by vowels or by words",
)
def network_beats_the_counts(results: dict[str, Any]) -> tuple[Effect, ...]:
    """The LSTM in both directions names more vowels and more words right than
    the best of the rules that count.
    """
    rules = results["runs"]["rules"]["scores"].values()
    effects = []
    for what in ("vowels", "words"):
        more = stressed(results, BOTH, what) - max(rule[what] for rule in rules)
        assert min(more) > 0.01
        effects.append(
            Effect.over_seeds(f"{what} above the best rule", list(more))
        )
    return tuple(effects)


@claim(
    **FACTS | BEFORE_LONGER,
    contenders=("one direction", "both directions"),
    data=TAGS_LONGER,
    refuted_by="a median a point or more below the bound of the test strings, "
    "or a seed half a point above it",
)
def one_direction_reaches_its_bound(results: dict[str, Any]) -> Effect:
    """After 4,800 steps an LSTM in one direction marks the digits that occur
    once within a point of the best that the past allows, in the median.
    """
    one = np.array(scores(results, "tags, longer / one direction"))
    bound = results["tag bounds"]["by look-ahead"]["0"]["test"]
    assert bound - np.median(one) < 0.01
    assert max(one) < bound + 0.005
    return Effect.over_seeds("accuracy above the bound", list(one - bound))


@claim(
    **FACTS | BEFORE_LONGER,
    contenders=("delay 2", "delay 4"),
    data=TAGS_LONGER,
    refuted_by="a median of delay 4 less than two points above that of delay "
    "2 or below that of both directions, or half of their gain or less",
)
def longer_wait_buys_more(results: dict[str, Any]) -> tuple[Effect, ...]:
    """After 4,800 steps a model in one direction that answers four digits late
    marks more digits right than one that answers two digits late, and both mark
    more than none late and fewer than both directions.
    """
    found = {
        name: np.array(scores(results, f"tags, longer / {name}"))
        for name in ("one direction", "delay 2", "delay 4", "both directions")
    }
    one, two, four, both = (np.median(each) for each in found.values())
    assert two - one > 0.05
    assert four - two > 0.02
    assert both - four > 0.02
    assert four - one > 0.5 * (both - one)
    return tuple(
        Effect.over_seeds(
            f"share of the gain, {name}",
            list((found[name] - one) / (both - one)),
        )
        for name in ("delay 2", "delay 4")
    )


SIX = "6 passes"
STRESS_LONGER = (
    STRESS
    | BEFORE_LONGER
    | {"data": STRESS["data"].replace("two passes", "six passes")}
)


@claim(
    **STRESS_LONGER,
    contenders=(AT_ONCE, BOTH),
    refuted_by="a gap of less than five points of the vowels, or eight of the "
    "words, between any two seeds; or a place whose median gain is not a point "
    "above that of the place behind it",
)
def six_passes_keep_the_gain(results: dict[str, Any]) -> tuple[Effect, ...]:
    """After six passes, too, both directions mark the stress of more vowels
    right than one that must answer at once, and the more vowels follow, the
    larger the gain.
    """
    at_once, both = (f"{SIX} / {name}" for name in (AT_ONCE, BOTH))
    effects = []
    for what, margin in (("vowels", 0.05), ("words", 0.08)):
        two, one = (stressed(results, name, what) for name in (both, at_once))
        assert min(two) - max(one) > margin
        effects.append(
            Effect.over_seeds(f"more {what} right in both", list(two - one))
        )
    gains = gains_by_place(results, both, at_once)
    medians = [np.median(gain) for gain in gains.values()]
    assert all(low + 0.01 < high for low, high in pairwise(medians))
    assert min(gains["earlier"]) > 0.15
    return (*effects, *effects_by_place(gains))


@claim(
    **STRESS_LONGER,
    contenders=(AT_ONCE, "delay 4"),
    refuted_by="a median gain by four phones of delay of half of what both "
    "directions gain, or less, or one within half a point of all of it",
)
def six_passes_keep_the_wait(results: dict[str, Any]) -> tuple[Effect, ...]:
    """After six passes, too, four phones of delay win more than half of what
    the second direction wins, and not all of it.
    """
    one, late, both = (
        stressed(results, f"{SIX} / {name}")
        for name in (AT_ONCE, "delay 4", BOTH)
    )
    gain = np.median(both) - np.median(one)
    assert np.median(late) - np.median(one) > 0.5 * gain
    assert np.median(both) - np.median(late) > 0.005
    return (
        Effect.over_seeds(
            "share of the gain", list((late - np.median(one)) / gain)
        ),
        Effect.over_seeds("vowels right, delay 4", list(late)),
    )


@claim(
    **STRESS_LONGER,
    contenders=(AT_ONCE, BOTH),
    refuted_by="a seed within a point of the best rule, by vowels or by words",
)
def six_passes_keep_the_rules_behind(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """After six passes, too, the LSTM in both directions names more vowels and
    more words right than the best of the rules that count.
    """
    rules = results["runs"]["rules"]["scores"].values()
    effects = []
    for what in ("vowels", "words"):
        best = max(rule[what] for rule in rules)
        more = stressed(results, f"{SIX} / {BOTH}", what) - best
        assert min(more) > 0.01
        effects.append(
            Effect.over_seeds(f"{what} above the best rule", list(more))
        )
    return tuple(effects)
