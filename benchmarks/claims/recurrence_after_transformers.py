"""Claims about recurrences after transformers."""

from collections.abc import Sequence
from typing import Any

from .claim import Effect, claim

SEEDS = range(5)
GATED = ("RNN", "LSTM", "GRU")
# Those whose transitions have no eigenvalue below 0, whatever they learn.
POSITIVE = (
    "minGRU, 1 layer",
    "minGRU, 2 layers",
    "selective scan, 2 layers",
    "delta rule",
)

# Shares of right answers. By chance half are right of two elements (parity),
# a sixth of six (S3), an eighth of eight values.
RIGHT, PARITY_LOST, PARITY_GAIN = 0.95, 0.6, 0.3
S3_LOST, S3_GAIN = 0.5, 0.1
RECALLED, GRU_FORGETS = 0.95, 0.5
# Ratios of seconds, or of bytes, on one machine in one run.
SCAN_FASTER, QUADRATIC, LINEAR, FLAT = 2.0, 10.0, 8.0, 1.5
ATTENTION_SLOWS = 3.0

THRESHOLDS = "[claims] State what recurrences are held to, before their seeds"
PARITY: dict[str, Any] = {
    "record": "state_tracking_S2",
    "seeds": SEEDS,
    "data": "random bits and the parity so far; trained for 400 batches on "
    "rows of 1 to 40 steps, tested on 200 fresh rows of 1,000; about 4,000 "
    "parameters",
    "thresholds": THRESHOLDS,
}
S3: dict[str, Any] = {
    "record": "state_tracking_S3",
    "seeds": SEEDS,
    "data": "random elements of S3 and their product so far; trained for 600 "
    "batches on rows of 1 to 16 steps, tested on 200 fresh rows of 256; about "
    "12,000 parameters",
    "thresholds": "[claims] State what S3 is held to, before its seeds",
}
S5: dict[str, Any] = {
    "record": "state_tracking_S5",
    "seeds": SEEDS,
    "data": "random exchanges of two of five things and the order so far; "
    "trained for 1,000 batches on rows of 1 to 12 steps at one learning rate "
    "that nobody tuned, tested on 200 fresh rows of 96; about 40,000 "
    "parameters",
    "thresholds": "[claims] State what S5 is held to, before its seeds",
}
RECALL: dict[str, Any] = {
    "record": "recall_pairs",
    "seeds": SEEDS,
    "data": "400 batches of rows of 1 to 24 pairs of one of 32 keys and "
    "one of 8 values, each key then asked for; 300 fresh rows; about 10,000 "
    "parameters",
    "thresholds": THRESHOLDS,
}
COST: dict[str, Any] = {
    "record": "recurrence_cost",
    "seeds": (),
    "data": "one layer of 64 features, two random rows; one thread of one CPU",
    "thresholds": THRESHOLDS,
}


def accuracies(results: Any, contender: str, at: int) -> list[float]:
    """Return a contender's accuracy at one length or number, a seed each."""
    return [
        results["runs"][f"{contender} / {seed}"]["accuracy"][str(at)]
        for seed in SEEDS
    ]


def effect(results: Any, contender: str, at: int, of: str) -> Effect:
    """Sum up a contender's accuracy."""
    return Effect.over_seeds(
        f"accuracy of {contender} at {at} {of}",
        accuracies(results, contender, at),
    )


def effects(
    results: Any, contenders: Sequence[str], at: int, of: str
) -> tuple[Effect, ...]:
    """Sum up the accuracy of each contender."""
    return tuple(effect(results, name, at, of) for name in contenders)


@claim(
    **PARITY,
    contenders=("GRU", "minGRU, 1 layer"),
    refuted_by="a median below 0.95 for one of the three",
)
def gates_that_see_the_state_track_parity(results: Any) -> tuple[Effect, ...]:
    """An RNN, an LSTM and a GRU that were trained on at most 40 steps know the
    parity of 500, in the median of five seeds.
    """
    found = effects(results, GATED, 500, "steps")
    assert min(each.value for each in found) >= RIGHT
    return found


@claim(
    **PARITY,
    contenders=("selective scan, 2 layers", "GRU"),
    refuted_by="one seed of one of them above 0.6",
)
def positive_transitions_lose_parity(results: Any) -> tuple[Effect, ...]:
    """No recurrence whose eigenvalues stay positive knew the parity of 500
    steps: minGRU, Mamba's scan and the delta rule guess.
    """
    found = effects(results, POSITIVE, 500, "steps")
    assert max(each.high for each in found) <= PARITY_LOST
    return found


@claim(
    **PARITY,
    contenders=("LRU, 2 layers", "GRU"),
    refuted_by="one seed above 0.6",
)
def a_constant_transition_loses_parity(results: Any) -> Effect:
    """The LRU, whose transition is the same at every step, guesses the parity
    of 500 steps.
    """
    found = effect(results, "LRU, 2 layers", 500, "steps")
    assert found.high <= PARITY_LOST
    return found


@claim(
    **PARITY,
    contenders=("transformer, 2 layers", "GRU"),
    refuted_by="one seed above 0.6",
)
def a_transformer_loses_parity(results: Any) -> Effect:
    """A transformer of two layers guesses the parity of 500 steps."""
    found = effect(results, "transformer, 2 layers", 500, "steps")
    assert found.high <= PARITY_LOST
    return found


@claim(
    **PARITY,
    contenders=("negative delta rule", "delta rule"),
    refuted_by="medians less than 0.3 apart",
)
def a_negative_eigenvalue_learns_parity(results: Any) -> tuple[Effect, ...]:
    """The delta rule learns parity once its eigenvalue may be negative, and
    knows that of 100 steps, over twice as many as it was trained on.
    """
    negative = effect(results, "negative delta rule", 100, "steps")
    positive = effect(results, "delta rule", 100, "steps")
    assert negative.value - positive.value >= PARITY_GAIN
    return negative, positive


@claim(
    **S3,
    contenders=("GRU", "minGRU, 1 layer"),
    refuted_by="a median below 0.95 for one of the two",
)
def gates_that_see_the_state_track_s3(results: Any) -> tuple[Effect, ...]:
    """An LSTM and a GRU that were trained on at most 16 products in S3 know
    256, in the median of five seeds.
    """
    found = effects(results, ("LSTM", "GRU"), 256, "products")
    assert min(each.value for each in found) >= RIGHT
    return found


@claim(
    **S3 | {"thresholds": THRESHOLDS},
    contenders=("selective scan, 2 layers", "GRU"),
    refuted_by="one seed of one of them above 0.5",
)
def linear_recurrences_lose_s3(results: Any) -> tuple[Effect, ...]:
    """At 64 products in S3, four times the training length, no recurrence with
    positive or constant eigenvalues is right half of the time.
    """
    found = effects(results, (*POSITIVE, "LRU, 2 layers"), 64, "products")
    assert max(each.high for each in found) <= S3_LOST
    return found


@claim(
    **S3 | {"thresholds": THRESHOLDS},
    contenders=("transformer, 2 layers", "GRU"),
    refuted_by="one seed above 0.5",
)
def a_transformer_loses_s3(results: Any) -> Effect:
    """At 64 products in S3 a transformer of two layers is right less than half
    of the time.
    """
    found = effect(results, "transformer, 2 layers", 64, "products")
    assert found.high <= S3_LOST
    return found


@claim(
    **S3 | {"thresholds": THRESHOLDS},
    contenders=("negative delta rule", "delta rule"),
    refuted_by="medians less than 0.1 apart",
)
def a_negative_eigenvalue_helps_s3(results: Any) -> tuple[Effect, ...]:
    """At 16 products in S3, the longest it was trained on, the delta rule is
    more often right where its eigenvalue may be negative.
    """
    negative = effect(results, "negative delta rule", 16, "products")
    positive = effect(results, "delta rule", 16, "products")
    assert negative.value - positive.value >= S3_GAIN
    return negative, positive


@claim(
    **S5,
    contenders=("negative delta rule", "delta rule"),
    refuted_by="a median below 0.95",
)
def a_negative_eigenvalue_learns_s5(results: Any) -> Effect:
    """The delta rule whose eigenvalue may be negative knows the order of five
    things after 24 exchanges, twice as many as it was trained on, in the median
    of five seeds.
    """
    found = effect(results, "negative delta rule", 24, "exchanges")
    assert found.value >= RIGHT
    return found


@claim(
    **RECALL,
    contenders=("attention, 1 head", "GRU"),
    refuted_by="one seed below 0.95",
)
def attention_recalls_every_pair(results: Any) -> Effect:
    """Attention answers for 24 pairs, at least nineteen times in twenty in
    every seed.
    """
    found = effect(results, "attention, 1 head", 24, "pairs")
    assert found.low >= RECALLED
    return found


@claim(
    **RECALL,
    contenders=("GRU", "attention, 1 head"),
    refuted_by="one seed above 0.5",
)
def a_vector_recalls_few_pairs(results: Any) -> Effect:
    """A GRU of as many parameters, trained as long, is right for less than half
    of 24 pairs.
    """
    found = effect(results, "GRU", 24, "pairs")
    assert found.high <= GRU_FORGETS
    return found


@claim(
    **RECALL,
    contenders=("delta rule, 1 head", "delta rule, 4 heads"),
    refuted_by="a median no higher with the larger state",
)
def a_larger_matrix_recalls_more(results: Any) -> tuple[Effect, ...]:
    """With four times the state and as many parameters, the delta rule errs
    less on 24 pairs, in the median of five seeds.
    """
    whole = effect(results, "delta rule, 1 head", 24, "pairs")
    divided = effect(results, "delta rule, 4 heads", 24, "pairs")
    assert whole.value > divided.value
    return whole, divided


def growth(part: Any, name: str, what: str, short: str, long: str) -> float:
    """Return how many times more the longer row costs."""
    return part[name][what][long] / part[name][what][short]


def once(what: str, ratio: float) -> Effect:
    """State a ratio of medians that were taken once."""
    return Effect(what, ratio, ratio, ratio, "medians of one run")


@claim(
    **COST,
    contenders=("minGRU, loop", "minGRU, scan"),
    refuted_by="a ratio of seconds below 2",
)
def a_scan_is_faster_than_a_loop(results: Any) -> Effect:
    """At 4,096 steps minGRU trains at least twice as fast by its scan as by a
    loop.
    """
    training = results["cpu"]["training"]
    loop = training["minGRU, loop"]["seconds"]["4096"]
    ratio = loop / training["minGRU, scan"]["seconds"]["4096"]
    assert ratio >= SCAN_FASTER
    return once("seconds of the loop over those of the scan", ratio)


@claim(
    **COST,
    contenders=("attention, written out", "minGRU, scan"),
    refuted_by="attention's ratio below 10, or the scan's above 8",
)
def attention_grows_with_the_square(results: Any) -> tuple[Effect, ...]:
    """From 1,024 to 4,096 steps, training costs attention that is written out
    over ten times more in time and in memory, and a scan under eight times.
    """
    training = results["cpu"]["training"]
    found = []
    for what in ("seconds", "bytes"):
        written, scan = (
            growth(training, name, what, "1024", "4096")
            for name in ("attention, written out", "minGRU, scan")
        )
        assert written >= QUADRATIC
        assert scan <= LINEAR
        found.append(once(f"{what}, attention", written))
        found.append(once(f"{what}, scan", scan))
    return tuple(found)


@claim(
    **COST,
    contenders=("GRU", "attention"),
    refuted_by="attention's ratio below 3, or a recurrence's above 1.5",
)
def a_token_costs_attention_its_past(results: Any) -> tuple[Effect, ...]:
    """A token after 16,384 others costs attention over three times one after
    256, and a GRU or minGRU the same.
    """
    tokens = results["cpu"]["generation"]
    found = []
    for name in ("GRU", "minGRU"):
        same = growth(tokens, name, "seconds", "256", "16384")
        assert same <= FLAT
        found.append(once(f"seconds a token, {name}", same))
    slower = growth(tokens, "attention", "seconds", "256", "16384")
    assert slower >= ATTENTION_SLOWS
    return (*found, once("seconds a token, attention", slower))
