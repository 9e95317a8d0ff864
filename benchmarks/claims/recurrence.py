"""Claims about recurrences after transformers."""

from statistics import median
from typing import Any

SEEDS = range(5)
GATED = ("RNN", "LSTM", "GRU")
# What a transition's eigenvalues are never below 0 in, and attention.
POSITIVE = (
    "minGRU, 1 layer",
    "minGRU, 2 layers",
    "selective scan, 2 layers",
    "delta rule",
)

# Shares of right answers: of two elements (parity) half are right by chance,
# of six (S3) a sixth, of eight values an eighth.
RIGHT, PARITY_LOST, PARITY_GAIN = 0.95, 0.6, 0.3
S3_LOST, S3_GAIN = 0.5, 0.1
RECALLED, GRU_FORGETS = 0.95, 0.5
# Ratios of seconds, or of bytes, on one machine in one run.
SCAN_FASTER, QUADRATIC, LINEAR, FLAT = 2.0, 10.0, 8.0, 1.5
ATTENTION_SLOWS = 3.0


def accuracies(results: Any, contender: str, at: int) -> list[float]:
    """Return a contender's accuracy at one length or number, a seed each."""
    return [
        results["runs"][f"{contender} / {seed}"]["accuracy"][str(at)]
        for seed in SEEDS
    ]


def gates_that_see_the_state_track_parity(results: Any) -> None:
    """An LSTM and a GRU, trained on at most 40 steps, know the parity of 500.

    So does the plain RNN, in the median of its seeds.
    """
    for contender in GATED:
        assert median(accuracies(results, contender, 500)) >= RIGHT


def positive_transitions_lose_parity(results: Any) -> None:
    """At 500 steps no recurrence with positive eigenvalues knows the parity."""
    for contender in POSITIVE:
        assert max(accuracies(results, contender, 500)) <= PARITY_LOST


def a_constant_transition_loses_parity(results: Any) -> None:
    """At 500 steps the LRU, whose input chooses nothing, is at chance."""
    assert max(accuracies(results, "LRU, 2 layers", 500)) <= PARITY_LOST


def a_transformer_loses_parity(results: Any) -> None:
    """At 500 steps the transformer is at chance."""
    assert max(accuracies(results, "transformer, 2 layers", 500)) <= PARITY_LOST


def a_negative_eigenvalue_learns_parity(results: Any) -> None:
    """The delta rule learns parity where its eigenvalue may be negative.

    At 100 steps, more than twice the training length's median.
    """
    negative = accuracies(results, "negative delta rule", 100)
    positive = accuracies(results, "delta rule", 100)
    assert median(negative) - median(positive) >= PARITY_GAIN


def gates_that_see_the_state_track_s3(results: Any) -> None:
    """An LSTM and a GRU, trained on at most 16 products in S3, know 256."""
    for contender in ("LSTM", "GRU"):
        assert median(accuracies(results, contender, 256)) >= RIGHT


def linear_recurrences_lose_s3(results: Any) -> None:
    """At 64 products, no recurrence with positive eigenvalues follows S3."""
    for contender in (*POSITIVE, "LRU, 2 layers"):
        assert max(accuracies(results, contender, 64)) <= S3_LOST


def a_transformer_loses_s3(results: Any) -> None:
    """At 64 products, the transformer does not follow S3."""
    assert max(accuracies(results, "transformer, 2 layers", 64)) <= S3_LOST


def a_negative_eigenvalue_helps_s3(results: Any) -> None:
    """At the training length, the delta rule is better on S3 with negative."""
    negative = accuracies(results, "negative delta rule", 16)
    positive = accuracies(results, "delta rule", 16)
    assert median(negative) - median(positive) >= S3_GAIN


def attention_recalls_every_pair(results: Any) -> None:
    """Attention recalls 24 pairs, all but one in twenty at the worst seed."""
    assert min(accuracies(results, "attention, 1 head", 24)) >= RECALLED


def a_vector_recalls_few_pairs(results: Any) -> None:
    """A GRU of as many parameters answers under half of 24 pairs."""
    assert max(accuracies(results, "GRU", 24)) <= GRU_FORGETS


def a_larger_matrix_recalls_more(results: Any) -> None:
    """With four times the state, the delta rule errs less on 24 pairs."""
    whole = accuracies(results, "delta rule, 1 head", 24)
    divided = accuracies(results, "delta rule, 4 heads", 24)
    assert 1 - median(whole) < 1 - median(divided)


def growth(part: Any, name: str, what: str, short: str, long: str) -> float:
    """Return how many times more the longer row costs."""
    return part[name][what][long] / part[name][what][short]


def a_scan_is_faster_than_a_loop(results: Any) -> None:
    """At 4,096 steps minGRU's scan trains faster than its loop."""
    training = results["cpu"]["training"]
    loop = training["minGRU, loop"]["seconds"]["4096"]
    assert loop / training["minGRU, scan"]["seconds"]["4096"] >= SCAN_FASTER


def attention_grows_with_the_square(results: Any) -> None:
    """Four times the steps: attention written out costs ten times and more.

    The scan costs less than eight times, in time and in bytes.
    """
    training = results["cpu"]["training"]
    for what in ("seconds", "bytes"):
        written = growth(
            training, "attention, written out", what, "1024", "4096"
        )
        assert written >= QUADRATIC
        assert growth(training, "minGRU, scan", what, "1024", "4096") <= LINEAR


def a_token_costs_attention_its_past(results: Any) -> None:
    """A token after 16,384 costs attention three times one after 256.

    A recurrence pays the same for both.
    """
    tokens = results["cpu"]["generation"]
    for name in ("GRU", "minGRU"):
        assert growth(tokens, name, "seconds", "256", "16384") <= FLAT
    slower = growth(tokens, "attention", "seconds", "256", "16384")
    assert slower >= ATTENTION_SLOWS
