"""Claims about the GRU's gates."""

from typing import Any

import numpy as np

from .claim import Effect, claim

FACTS: dict[str, Any] = {
    "record": "gru_gates",
    "seeds": range(5),
    "thresholds": "[gru] Thresholds for the trial of the gates, before its "
    "fresh seeds",
}


def errors(results: dict[str, Any], task: str, contender: str) -> np.ndarray:
    """Return the error over that of always answering the mean, by seed."""
    runs = [results["runs"][f"{task} / {contender} / {s}"] for s in range(5)]
    scale = results["always the mean"][task]
    return np.array([run["error"] for run in runs]) / scale


def effects(
    results: dict[str, Any], task: str, *contenders: str
) -> tuple[Effect, ...]:
    """Sum up the errors of some contenders."""
    return tuple(
        Effect.over_seeds(
            f"error over the variance, {task}, {contender}",
            list(errors(results, task, contender)),
        )
        for contender in contenders
    )


@claim(
    **FACTS,
    contenders=("no update gate", "both gates"),
    data="the adding problem over 30 steps: 500 training steps of 16 fresh "
    "rows, 1,000 rows to test on",
    refuted_by="a seed without update gate below 80 % of the error of "
    "answering the mean, or a median of both gates, or of one for both, above "
    "10 % of it",
)
def update_gate_keeps(results: dict[str, Any]) -> tuple[Effect, ...]:
    """On the adding problem over 30 steps a GRU without its update gate stayed
    at the error of answering the mean for its 500 training steps; with both
    gates, or with one for both, the error fell below a tenth of that in the
    median.
    """
    assert min(errors(results, "adding", "no update gate")) > 0.8
    for contender in ("both gates", "one gate for both"):
        assert np.median(errors(results, "adding", contender)) < 0.1
    return effects(
        results, "adding", "no update gate", "both gates", "one gate for both"
    )


@claim(
    **FACTS,
    contenders=("no reset gate", "both gates"),
    data="sums that begin anew at a marker, at one step in ten of 30: 300 "
    "training steps of 16 fresh rows, 1,000 rows to test on",
    refuted_by="a median error without reset gate at most half as large again "
    "as that with both, or less error without it on two seeds of five",
)
def reset_gate_drops(results: dict[str, Any]) -> tuple[Effect, ...]:
    """On sums that begin anew at every marker a GRU without its reset gate errs
    at least half as much again as one with both, in the median.
    """
    without = errors(results, "sums", "no reset gate")
    both = errors(results, "sums", "both gates")
    assert np.median(without) > 1.5 * np.median(both)
    assert sum(without > both) >= 4
    return effects(results, "sums", "no reset gate", "both gates")
