"""Claims about memory on trial."""

import math
from typing import Any

import numpy as np

from .claim import Effect, claim

# The tasks of `benchmarks.memory` whose thresholds stand here: their fresh
# seeds run once this is committed.
THRESHOLDS_FOR: tuple[str, ...] = (
    "recall 20",
    "recall 5",
    "recall 10",
    "recall 40",
    "recall 80",
    "adding 50",
    "adding 100",
    "adding 200",
    "adding 400",
    "copy",
    "waves",
    "pixels",
    "pixels permuted",
)

THRESHOLDS = (
    "[claims] What one rate for all and forecasts without a network are held "
    "to, before their seeds"
)
SEEDS = range(5)
SOLVED = math.log(8) / 20
RATES: dict[str, Any] = {
    "record": "memory_rates",
    "seeds": SEEDS,
    "data": "random letters, one of which must be named 20 steps after it was "
    "read; 300 training steps, rates of 0.01, 0.003 and 0.001",
    "thresholds": THRESHOLDS,
}
WAVES: dict[str, Any] = {
    "record": "memory_waves",
    "seeds": SEEDS,
    "data": "noisy waves, each row the sum of two sinusoids of its own "
    "periods; the next value",
    "thresholds": THRESHOLDS,
}


def last_losses(results: dict[str, Any], name: str, rate: str) -> list[float]:
    """Return a contender's loss after the last step at a rate, a seed each."""
    return [
        results[f"{name} / {rate} / {seed}"]["losses"][-1] for seed in SEEDS
    ]


def solved(results: dict[str, Any], name: str, rate: str) -> int:
    """Count the seeds on which a contender had solved the task."""
    return sum(loss < SOLVED for loss in last_losses(results, name, rate))


# The check that was committed before the seeds asked for all five seeds of the
# tanh RNN at 0.003. Four came.
@claim(
    **RATES | {"thresholds": None},
    contenders=("GRU", "tanh RNN"),
    refuted_by="a rate of the two at which the other cell succeeds on as many "
    "seeds",
)
def order_turns_with_the_rate(results: dict[str, Any]) -> tuple[Effect, ...]:
    """Recalling a letter after 20 steps, within 300 training steps, the GRU
    succeeds on more seeds than the tanh RNN at a rate of 0.01, and on fewer at
    0.003.
    """
    for rate, better, worse in (
        ("0.01", "GRU", "tanh RNN"),
        ("0.003", "tanh RNN", "GRU"),
    ):
        assert solved(results, better, rate) > solved(results, worse, rate) + 1
    return tuple(
        Effect.over_seeds(
            f"cross-entropy, {name} at {rate}", last_losses(results, name, rate)
        )
        for rate in ("0.01", "0.003")
        for name in ("tanh RNN", "GRU")
    )


@claim(
    **RATES,
    contenders=("LSTM, forget bias 3", "LSTM, forget bias 0"),
    refuted_by="two seeds on which forget bias 3 fails at 0.01, or one on "
    "which forget bias 0 succeeds",
)
def forget_bias_brings_recall(results: dict[str, Any]) -> tuple[Effect, ...]:
    """Recalling a letter after 20 steps, within 300 training steps, the LSTM
    with forget bias 3 succeeds on at least four seeds of five at a rate of
    0.01, and with forget bias 0 on none at 0.01, 0.003 or 0.001.
    """
    assert solved(results, "LSTM, forget bias 3", "0.01") >= 4
    for rate in ("0.01", "0.003", "0.001"):
        assert solved(results, "LSTM, forget bias 0", rate) == 0
    return tuple(
        Effect.over_seeds(
            f"cross-entropy, {name} at 0.01", last_losses(results, name, "0.01")
        )
        for name in ("LSTM, forget bias 0", "LSTM, forget bias 3")
    )


@claim(
    **RATES,
    contenders=("ReLU RNN, identity", "GRU"),
    refuted_by="a seed on which the ReLU RNN fails at 0.003, or the GRU "
    "succeeds",
)
def a_start_is_enough_for_recall(results: dict[str, Any]) -> tuple[Effect, ...]:
    """The ReLU RNN that starts from the identity recalls a letter after 20
    steps within 100 training steps at a rate of 0.003, on every seed; the GRU
    at its best of 0.01, 0.003 and 0.001 does on no seed.
    """
    identity, gated = (
        [results[f"{name} / {rate} / {s}"]["losses"][1] for s in SEEDS]
        for name, rate in (("ReLU RNN, identity", "0.003"), ("GRU", "0.01"))
    )
    assert max(identity) < SOLVED
    assert min(gated) > SOLVED
    for rate in ("0.003", "0.001"):
        for seed in SEEDS:
            assert results[f"GRU / {rate} / {seed}"]["losses"][1] > SOLVED
    return (
        Effect.over_seeds("cross-entropy after 100 steps, ReLU RNN", identity),
        Effect.over_seeds("cross-entropy after 100 steps, GRU", gated),
    )


ROW, SHARED = "AR(24), fitted to the row", "AR(48), one for all rows"
TWO_SINUSOIDS = "two sinusoids, fitted to the row"


def errors(results: dict[str, Any], name: str) -> np.ndarray:
    """Return a forecast's mean squared error, for each draw of the rows."""
    return np.array([results["runs"][f"{name} / {seed}"] for seed in SEEDS])


@claim(
    **WAVES,
    contenders=(ROW, SHARED),
    refuted_by="a draw of the rows on which the error falls by less than 12 %",
)
def adapting_to_the_row_pays(results: dict[str, Any]) -> Effect:
    """Of noisy waves of unknown period, 24 coefficients that are fitted to the
    row as it goes on forecast the next value better than 48 that are fitted
    once to all rows.
    """
    ratio = errors(results, ROW) / errors(results, SHARED)
    assert max(ratio) < 0.88
    return Effect.over_seeds("error, as a share of one for all", list(ratio))


@claim(
    **WAVES,
    contenders=(TWO_SINUSOIDS, ROW),
    refuted_by="a draw of the rows on which two fifths or more are left",
)
def two_sinusoids_come_near_the_noise(results: dict[str, Any]) -> Effect:
    """Two sinusoids fitted to the row leave less than two fifths of the
    avoidable error that 24 coefficients fitted to the row leave.
    """
    noise = results["noise"]
    left = (errors(results, TWO_SINUSOIDS) - noise) / (
        errors(results, ROW) - noise
    )
    assert min(errors(results, TWO_SINUSOIDS)) > noise
    assert max(left) < 0.4
    return Effect.over_seeds("avoidable error left, as a share", list(left))


# The fair trial: each contender at its own rate. A run that has not solved its
# task counts with the whole budget, and a contender that was not run, because
# it solved half the length at no rate, with no seed that solved it.

TUNED = (
    "[claims] What tuned cells are held to on recall 20 and adding 100, before "
    "their fresh seeds"
)


def fresh(
    results: dict[str, Any], task: str, name: str, rate: float | None = None
) -> list[dict[str, Any]]:
    """Return a contender's runs on a task, a seed each, at its own rate if no
    other is named."""
    rate = results["rates"][task][name] if rate is None else rate
    return [
        results["runs"][f"seeds / {task} / {name} / {rate:g} / {seed}"]
        for seed in SEEDS
    ]


def seeds_solved(
    results: dict[str, Any], task: str, name: str, rate: float | None = None
) -> int:
    """Count the seeds on which a contender solved a task."""
    if name in results.get("not run", {}).get(task, ()):
        return 0
    runs = fresh(results, task, name, rate)
    return sum(run["ended"] == "solved" for run in runs)


def steps_needed(
    results: dict[str, Any], task: str, name: str, rate: float | None = None
) -> list[int]:
    """Return how many training steps a contender needed, a seed each."""
    budget = results["budgets"][task]
    runs = fresh(results, task, name, rate)
    return [
        run["solved_at"] if run["ended"] == "solved" else budget for run in runs
    ]


def needed(
    results: dict[str, Any], task: str, *names: str
) -> tuple[Effect, ...]:
    """Say how many training steps each of some contenders needed."""
    return tuple(
        Effect.over_seeds(
            f"training steps, {name}", steps_needed(results, task, name)
        )
        for name in names
    )


def scored(
    results: dict[str, Any], task: str, name: str, score: str = "accuracy"
) -> list[float]:
    """Return a contender's score on a task's test rows, a seed each."""
    return [run["test"][score] for run in fresh(results, task, name)]


def medians(
    results: dict[str, Any], task: str, *names: str, score: str = "accuracy"
) -> list[float]:
    """Return the median score of each of some contenders on a task."""
    return [
        float(np.median(scored(results, task, name, score))) for name in names
    ]


def judged(
    results: dict[str, Any], task: str, *names: str, score: str = "accuracy"
) -> tuple[Effect, ...]:
    """Say what each of some contenders scored on the test rows."""
    return tuple(
        Effect.over_seeds(
            f"{score}, {name}", scored(results, task, name, score)
        )
        for name in names
    )


HELD = (
    "[claims] What tuned cells are held to on every task of the memory trial, "
    "before their fresh seeds"
)


def tuned_trial(task: str, steps: str = "3,000") -> dict[str, Any]:
    """Say on what a claim of the fair trial rests."""
    return {
        "record": "memory",
        "seeds": SEEDS,
        "data": f"{task}; up to {steps} training steps; rates tuned on three "
        "other seeds",
    }


def tuned_recall(lag: str) -> dict[str, Any]:
    """Say on what a claim about recall rests."""
    return tuned_trial(
        f"random letters, one of which must be named {lag} steps after it was "
        "read"
    )


def tuned_adding(length: str, steps: str = "3,000") -> dict[str, Any]:
    """Say on what a claim about the adding problem rests."""
    return tuned_trial(
        f"rows of {length} random numbers, of which the two that are marked "
        "must be added",
        steps,
    )


BIAS_THREE_AND_ONE = ("LSTM, forget bias 3", "LSTM, forget bias 1")
COPYING = tuned_trial(
    "five random letters, to be written down after a wait of 20 steps", "5,000"
)
TUNED_WAVES = tuned_trial(
    "noisy waves, each row the sum of two sinusoids of its own periods; the "
    "next value",
    "1,500",
)
PIXELS = tuned_trial("handwritten digits, read pixel by pixel")


@claim(
    **tuned_recall("20"),
    contenders=("0.001", "0.01"),
    refuted_by="a contender that fails on two seeds at its own rate, or a "
    "third seed on which the LSTM with forget bias 1 succeeds at 0.01",
)
def every_contender_recalls(results: dict[str, Any]) -> tuple[Effect, ...]:
    """Recalling a letter after 20 steps, tanh RNN, ReLU RNN from the identity,
    both LSTMs and GRU succeed at their own rates on at least four seeds of
    five; at 0.01 the LSTM with forget bias 1 succeeds on two at most.
    """
    names = (
        "tanh RNN",
        "ReLU RNN, identity",
        "LSTM, forget bias 1",
        "LSTM, forget bias 3",
        "GRU",
    )
    for name in names:
        assert seeds_solved(results, "recall 20", name) >= 4
    assert seeds_solved(results, "recall 20", "LSTM, forget bias 1", 0.01) <= 2
    return needed(results, "recall 20", *names)


# The check that was committed before the seeds asked for two seeds more at its
# own rate. As many succeed at either.
@claim(
    **tuned_recall("20"),
    contenders=("tanh RNN", "LSTM, forget bias 1"),
    refuted_by="numbers of successful seeds that differ",
)
def own_rate_gains_the_rnn_nothing(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """Recalling a letter after 20 steps, the tanh RNN succeeds on as many seeds
    at 0.01 as at its own rate.
    """
    own, common = (
        seeds_solved(results, "recall 20", "tanh RNN", rate)
        for rate in (None, 0.01)
    )
    assert own == common
    return tuple(
        Effect.over_seeds(
            f"training steps, tanh RNN at {what}",
            steps_needed(results, "recall 20", "tanh RNN", rate),
        )
        for what, rate in (("its own rate", None), ("0.01", 0.01))
    )


# The check that was committed before the seeds asked for success on every seed
# at its own rate as well. One fails.
@claim(
    **tuned_recall("20"),
    contenders=("0.3", "0.01"),
    refuted_by="a median of half the steps or more, or success on every seed",
)
def own_rate_hastens_the_gru(results: dict[str, Any]) -> tuple[Effect, ...]:
    """Recalling a letter after 20 steps, the GRU needs at its own rate, thirty
    times 0.01, fewer than half the training steps that it needs at 0.01, in the
    median; but there it fails on a seed, and at 0.01 on none.
    """
    own, common = (
        steps_needed(results, "recall 20", "GRU", rate) for rate in (None, 0.01)
    )
    assert results["rates"]["recall 20"]["GRU"] == 0.3
    assert np.median(own) < np.median(common) / 2
    assert seeds_solved(results, "recall 20", "GRU") == 4
    assert seeds_solved(results, "recall 20", "GRU", 0.01) == 5
    return (
        Effect.over_seeds("training steps, GRU at its own rate", own),
        Effect.over_seeds("training steps, GRU at 0.01", common),
    )


@claim(
    **tuned_recall("20"),
    contenders=("LSTM, forget bias 3", "LSTM, forget bias 1"),
    refuted_by="a seed on which forget bias 3 fails, or a median of half the "
    "steps or more",
    thresholds=TUNED,
)
def forget_bias_three_is_faster(results: dict[str, Any]) -> tuple[Effect, ...]:
    """Recalling a letter after 20 steps, the LSTM with forget bias 3 succeeds
    on every seed and needs fewer than half the training steps of the one with
    forget bias 1, in the median, each at its own rate.
    """
    names = ("LSTM, forget bias 1", "LSTM, forget bias 3")
    one, three = (steps_needed(results, "recall 20", name) for name in names)
    assert seeds_solved(results, "recall 20", names[1]) == 5
    assert np.median(three) < np.median(one) / 2
    return needed(results, "recall 20", *names)


@claim(
    **tuned_recall("5 or 20"),
    contenders=("LSTM, forget bias 1", "LSTM, forget bias 3"),
    refuted_by="a factor below three with forget bias 1, or one with 3 that is "
    "larger than two thirds of it",
    thresholds="[claims] What the forget bias is held to as the lag grows, "
    "before the fresh seeds of lags 5 and 10",
)
def forget_bias_one_slows_with_the_lag(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """Recalling a letter after 20 steps takes the LSTM with forget bias 1 at
    least three times as many training steps as after 5, in the median, each at
    its own rate; with forget bias 3 the factor is smaller by a third at least.

    After 5 steps both medians are the first check, so that either may have
    been done earlier.
    """
    one, three = (
        np.median(steps_needed(results, "recall 20", name))
        / np.median(steps_needed(results, "recall 5", name))
        for name in ("LSTM, forget bias 1", "LSTM, forget bias 3")
    )
    assert one >= 3
    assert three <= one * 2 / 3
    return tuple(
        Effect.over_seeds(
            f"training steps, {name}, lag {lag}",
            steps_needed(results, f"recall {lag}", name),
        )
        for name in ("LSTM, forget bias 1", "LSTM, forget bias 3")
        for lag in (5, 20)
    )


# The check that was committed before the seeds asked the same of the GRU. At
# its own rate it is as fast.
@claim(
    **tuned_recall("20"),
    contenders=("ReLU RNN, identity", "LSTM, forget bias 1"),
    refuted_by="a seed on which the ReLU RNN fails or is slower than the LSTM "
    "with forget bias 1 on any",
)
def identity_recalls_sooner(results: dict[str, Any]) -> tuple[Effect, ...]:
    """Recalling a letter after 20 steps, the ReLU RNN that starts from the
    identity needs fewer training steps on every seed than the LSTM with forget
    bias 1 on any, each at its own rate.
    """
    names = ("ReLU RNN, identity", "LSTM, forget bias 1")
    identity, lstm = (
        steps_needed(results, "recall 20", name) for name in names
    )
    assert seeds_solved(results, "recall 20", names[0]) == 5
    assert max(identity) < min(lstm)
    return needed(results, "recall 20", *names)


@claim(
    **tuned_adding("100"),
    contenders=("GRU", "tanh RNN"),
    refuted_by="a seed on which the GRU fails, or one on which the tanh RNN "
    "succeeds",
    thresholds=HELD,
)
def plain_start_does_not_add(results: dict[str, Any]) -> tuple[Effect, ...]:
    """On the adding problem with 100 steps, each at its own rate, the GRU
    succeeds on every seed within 3,000 training steps and the tanh RNN on none.
    """
    assert seeds_solved(results, "adding 100", "GRU") == 5
    assert seeds_solved(results, "adding 100", "tanh RNN") == 0
    return needed(results, "adding 100", "GRU", "tanh RNN")


@claim(
    **tuned_adding("100"),
    contenders=("ReLU RNN, identity", "tanh RNN"),
    refuted_by="two seeds on which the ReLU RNN fails, or fewer than three "
    "seeds more than the tanh RNN's",
    thresholds=HELD,
)
def identity_adds(results: dict[str, Any]) -> tuple[Effect, ...]:
    """On the adding problem with 100 steps the ReLU RNN that starts from the
    identity succeeds at its own rate on at least four seeds of five, and the
    tanh RNN on at least three fewer.
    """
    identity, tanh = (
        seeds_solved(results, "adding 100", name)
        for name in ("ReLU RNN, identity", "tanh RNN")
    )
    assert identity >= 4
    assert identity - tanh >= 3
    return needed(results, "adding 100", "ReLU RNN, identity", "tanh RNN")


# The check that was committed before the seeds asked for two seeds more at its
# own rate. One more came.
@claim(
    **tuned_adding("100"),
    contenders=("0.003", "0.01"),
    refuted_by="a median of half the steps or more",
)
def own_rate_hastens_adding(results: dict[str, Any]) -> tuple[Effect, ...]:
    """On the adding problem with 100 steps the ReLU RNN that starts from the
    identity needs at its own rate fewer than half the training steps that it
    needs at 0.01, in the median.
    """
    name = "ReLU RNN, identity"
    own, common = (
        steps_needed(results, "adding 100", name, rate)
        for rate in (results["rates"]["adding 100"][name], 0.01)
    )
    assert np.median(own) < np.median(common) / 2
    return (
        Effect.over_seeds(f"training steps, {name}, at its own rate", own),
        Effect.over_seeds(f"training steps, {name}, at 0.01", common),
    )


@claim(
    **tuned_adding("100"),
    contenders=("GRU", "LSTM, forget bias 1"),
    refuted_by="a median of half the steps or more",
    thresholds=HELD,
)
def gates_add_sooner(results: dict[str, Any]) -> tuple[Effect, ...]:
    """On the adding problem with 100 steps, each at its own rate, the GRU
    needs fewer than half the training steps of the LSTM with forget bias 1, in
    the median.
    """
    names = ("GRU", "LSTM, forget bias 1")
    gru, lstm = (steps_needed(results, "adding 100", name) for name in names)
    assert np.median(gru) < np.median(lstm) / 2
    return needed(results, "adding 100", *names)


# The check that was committed before the seeds asked for the opposite.
@claim(
    **tuned_adding("100"),
    contenders=BIAS_THREE_AND_ONE,
    refuted_by="a median that is no smaller with forget bias 1",
)
def forget_bias_one_adds_sooner(results: dict[str, Any]) -> tuple[Effect, ...]:
    """On the adding problem with 100 steps, each at its own rate, the LSTM with
    forget bias 1 needs fewer training steps than the one with forget bias 3, in
    the median.
    """
    three, one = (
        steps_needed(results, "adding 100", name) for name in BIAS_THREE_AND_ONE
    )
    assert np.median(one) < np.median(three)
    return needed(results, "adding 100", *BIAS_THREE_AND_ONE)


@claim(
    **tuned_recall("10"),
    contenders=("LSTM, forget bias 3", "LSTM, forget bias 1"),
    refuted_by="a seed on which forget bias 3 fails, or a median of two "
    "thirds of the steps or more",
    thresholds=HELD,
)
def forget_bias_three_recalls_ten(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """Recalling a letter after 10 steps, each at its own rate, the LSTM with
    forget bias 3 succeeds on every seed and needs fewer training steps than the
    one with forget bias 1, in the median by a third at least.
    """
    names = ("LSTM, forget bias 3", "LSTM, forget bias 1")
    three, one = (steps_needed(results, "recall 10", name) for name in names)
    assert seeds_solved(results, "recall 10", names[0]) == 5
    assert np.median(three) < np.median(one) * 2 / 3
    return needed(results, "recall 10", *names)


@claim(
    **tuned_recall("40"),
    contenders=("LSTM, forget bias 3", "LSTM, forget bias 1"),
    refuted_by="two seeds on which forget bias 3 fails, or a median of a "
    "third of the steps or more",
    thresholds=HELD,
)
def forget_bias_three_recalls_forty(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """Recalling a letter after 40 steps, each at its own rate, the LSTM with
    forget bias 3 succeeds on at least four seeds of five and needs fewer than a
    third of the training steps of the one with forget bias 1, in the median.
    """
    names = ("LSTM, forget bias 3", "LSTM, forget bias 1")
    three, one = (steps_needed(results, "recall 40", name) for name in names)
    assert seeds_solved(results, "recall 40", names[0]) >= 4
    assert np.median(three) < np.median(one) / 3
    return needed(results, "recall 40", *names)


@claim(
    **tuned_recall("40"),
    contenders=("ReLU RNN, identity", "tanh RNN"),
    refuted_by="two seeds on which the ReLU RNN fails, or a median of half "
    "the steps or more",
    thresholds=HELD,
)
def identity_recalls_forty(results: dict[str, Any]) -> tuple[Effect, ...]:
    """Recalling a letter after 40 steps, the ReLU RNN that starts from the
    identity succeeds at its own rate on at least four seeds of five and needs
    fewer than half the training steps of the tanh RNN, in the median.
    """
    names = ("ReLU RNN, identity", "tanh RNN")
    identity, tanh = (
        steps_needed(results, "recall 40", name) for name in names
    )
    assert seeds_solved(results, "recall 40", names[0]) >= 4
    assert np.median(identity) < np.median(tanh) / 2
    return needed(results, "recall 40", *names)


# The check that was committed before the seeds asked forget bias 3 for two
# seeds at least. One came.
@claim(
    **tuned_recall("80"),
    contenders=("ReLU RNN, identity", "LSTM, forget bias 3"),
    refuted_by="a seed on which the ReLU RNN fails or needs more than 300 "
    "steps, or two on which the LSTM succeeds",
)
def identity_recalls_eighty(results: dict[str, Any]) -> tuple[Effect, ...]:
    """Recalling a letter after 80 steps, each at its own rate, the ReLU RNN
    that starts from the identity succeeds within 300 training steps on every
    seed, and the LSTM with forget bias 3 within 3,000 on one at most.
    """
    names = ("ReLU RNN, identity", "LSTM, forget bias 3")
    assert max(steps_needed(results, "recall 80", names[0])) <= 300
    assert seeds_solved(results, "recall 80", names[1]) <= 1
    return needed(results, "recall 80", *names)


@claim(
    **tuned_recall("80"),
    contenders=("GRU", "tanh RNN"),
    refuted_by="three seeds on which the GRU fails, or fewer than two seeds "
    "more than the tanh RNN's",
    thresholds=HELD,
)
def gates_recall_eighty(results: dict[str, Any]) -> tuple[Effect, ...]:
    """Recalling a letter after 80 steps, each at its own rate, the GRU succeeds
    on at least three seeds of five, and on at least two more than the tanh RNN.
    """
    gru, tanh = (
        seeds_solved(results, "recall 80", name) for name in ("GRU", "tanh RNN")
    )
    assert gru >= 3
    assert gru - tanh >= 2
    return needed(results, "recall 80", "GRU")


@claim(
    **tuned_adding("50"),
    contenders=("GRU", "tanh RNN"),
    refuted_by="a seed on which the GRU fails, or one on which the tanh RNN "
    "succeeds",
    thresholds=HELD,
)
def plain_start_does_not_add_fifty(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """On the adding problem with 50 steps, each at its own rate, the GRU
    succeeds on every seed within 3,000 training steps and the tanh RNN on none.
    """
    assert seeds_solved(results, "adding 50", "GRU") == 5
    assert seeds_solved(results, "adding 50", "tanh RNN") == 0
    return needed(results, "adding 50", "GRU", "tanh RNN")


@claim(
    **tuned_adding("50"),
    contenders=("ReLU RNN, identity", "tanh RNN"),
    refuted_by="a seed on which the ReLU RNN fails, or three on which the "
    "tanh RNN succeeds",
    thresholds=HELD,
)
def identity_adds_fifty(results: dict[str, Any]) -> tuple[Effect, ...]:
    """On the adding problem with 50 steps the ReLU RNN that starts from the
    identity succeeds at its own rate on every seed, and the tanh RNN on at
    least three fewer.
    """
    identity, tanh = (
        seeds_solved(results, "adding 50", name)
        for name in ("ReLU RNN, identity", "tanh RNN")
    )
    assert identity == 5
    assert identity - tanh >= 3
    return needed(results, "adding 50", "ReLU RNN, identity", "tanh RNN")


@claim(
    **tuned_adding("50"),
    contenders=("GRU", "LSTM, forget bias 1"),
    refuted_by="a median of two thirds of the steps or more",
    thresholds=HELD,
)
def gates_add_fifty_sooner(results: dict[str, Any]) -> tuple[Effect, ...]:
    """On the adding problem with 50 steps, each at its own rate, the GRU needs
    fewer training steps than the LSTM with forget bias 1, in the median by a
    third at least.
    """
    names = ("GRU", "LSTM, forget bias 1")
    gru, lstm = (steps_needed(results, "adding 50", name) for name in names)
    assert np.median(gru) < np.median(lstm) * 2 / 3
    return needed(results, "adding 50", *names)


@claim(
    **tuned_adding("200"),
    contenders=("GRU", "LSTM, forget bias 3"),
    refuted_by="a seed on which the GRU fails, or a median of half the steps "
    "or more",
    thresholds=HELD,
)
def gates_add_two_hundred(results: dict[str, Any]) -> tuple[Effect, ...]:
    """On the adding problem with 200 steps, each at its own rate, the GRU
    succeeds on every seed and needs fewer than half the training steps of the
    LSTM with forget bias 3, in the median.
    """
    names = ("GRU", "LSTM, forget bias 3")
    gru, lstm = (steps_needed(results, "adding 200", name) for name in names)
    assert seeds_solved(results, "adding 200", names[0]) == 5
    assert np.median(gru) < np.median(lstm) / 2
    return needed(results, "adding 200", *names)


@claim(
    **tuned_adding("50 or 200"),
    contenders=("GRU", "LSTM, forget bias 3"),
    refuted_by="a factor of two or more for the GRU, or below two for the LSTM",
    thresholds=HELD,
)
def longer_rows_cost_the_gru_less(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """Four times the length, from 50 steps to 200, costs the GRU on the adding
    problem less than twice as many training steps, in the median, each at its
    own rate, and the LSTM with forget bias 3 at least twice as many.
    """
    names = ("GRU", "LSTM, forget bias 3")
    gru, lstm = (
        np.median(steps_needed(results, "adding 200", name))
        / np.median(steps_needed(results, "adding 50", name))
        for name in names
    )
    assert gru < 2
    assert lstm >= 2
    return tuple(
        effect
        for task in ("adding 50", "adding 200")
        for effect in needed(results, task, *names)
    )


@claim(
    **tuned_adding("400", "2,000"),
    contenders=("GRU", "ReLU RNN, identity"),
    refuted_by="two seeds on which the GRU fails, or fewer than two seeds "
    "more than the ReLU RNN's",
    thresholds=HELD,
)
def gates_add_four_hundred(results: dict[str, Any]) -> tuple[Effect, ...]:
    """On the adding problem with 400 steps the GRU succeeds at its own rate on
    at least four seeds of five within 2,000 training steps, and the ReLU RNN
    that starts from the identity on at least two fewer.
    """
    gru, identity = (
        seeds_solved(results, "adding 400", name)
        for name in ("GRU", "ReLU RNN, identity")
    )
    assert gru >= 4
    assert gru - identity >= 2
    return needed(results, "adding 400", "GRU")


@claim(
    **COPYING,
    contenders=("GRU", "tanh RNN"),
    refuted_by="a median below two thirds for the GRU, or one of a third or "
    "more for the tanh RNN",
    thresholds=HELD,
)
def gates_copy(results: dict[str, Any]) -> tuple[Effect, ...]:
    """After 5,000 training steps on the copy task the GRU names at least two
    thirds of the letters, in the median, and the tanh RNN less than a third,
    each at its own rate.
    """
    names = ("GRU", "tanh RNN")
    gru, tanh = medians(results, "copy", *names)
    assert gru >= 2 / 3
    assert tanh < 1 / 3
    return judged(results, "copy", *names)


# The check that was committed before the seeds asked for a tenth less.
@claim(
    **COPYING,
    contenders=BIAS_THREE_AND_ONE,
    refuted_by="a median that is no lower with forget bias 3",
)
def forget_bias_three_copies(results: dict[str, Any]) -> tuple[Effect, ...]:
    """On the copy task the cross-entropy of the LSTM with forget bias 3 is
    lower than that of the one with forget bias 1, in the median, each at its
    own rate.
    """
    three, one = medians(results, "copy", *BIAS_THREE_AND_ONE, score="loss")
    assert three < one
    return judged(results, "copy", *BIAS_THREE_AND_ONE, score="loss")


@claim(
    **TUNED_WAVES,
    contenders=("GRU", "tanh RNN"),
    refuted_by="a seed on which the GRU is not below the adaptive forecast, "
    "or on which the tanh RNN is",
    thresholds=HELD,
)
def a_tuned_gru_passes_the_adaptive_forecast(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """Of noisy waves of unknown period, the GRU at its own rate forecasts the
    next value on every seed better than 24 coefficients fitted to the row, and
    the tanh RNN on no seed.
    """
    names = ("GRU", "tanh RNN")
    gru, tanh = (scored(results, "waves", name, "loss") for name in names)
    assert max(gru) < results["references"]["waves"]
    assert min(tanh) > results["references"]["waves"]
    return judged(results, "waves", *names, score="loss")


# The check that was committed before the seeds asked for a GRU that is ahead of
# the tanh RNN by 0.04.
@claim(
    **PIXELS,
    contenders=("LSTM, forget bias 1", "GRU"),
    refuted_by="a median of the LSTM that is ahead of the tanh RNN's by less "
    "than 0.03, or one of the GRU that is ahead of it",
)
def an_lstm_reads_pixels(results: dict[str, Any]) -> tuple[Effect, ...]:
    """Of digits read pixel by pixel the LSTM with forget bias 1 names a larger
    share than the tanh RNN, in the median by 0.03 at least, and the GRU names
    no larger one, each at its own rate.
    """
    names = ("LSTM, forget bias 1", "GRU", "tanh RNN")
    lstm, gru, tanh = medians(results, "pixels", *names)
    assert lstm - tanh >= 0.03
    assert gru <= tanh
    return judged(results, "pixels", *names)


@claim(
    **PIXELS,
    contenders=("LSTM, forget bias 3", "ReLU RNN, identity"),
    refuted_by="a difference of the medians below 0.1",
    thresholds=HELD,
)
def identity_reads_fewer_pixels(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """Of digits read pixel by pixel the LSTM with forget bias 3 names a share
    that is at least 0.1 larger than that of the ReLU RNN from the identity, in
    the median, each at its own rate.
    """
    names = ("LSTM, forget bias 3", "ReLU RNN, identity")
    lstm, identity = medians(results, "pixels", *names)
    assert lstm - identity >= 0.1
    return judged(results, "pixels", *names)


# The check that was committed before the seeds asked for a GRU between the tanh
# RNN and logistic regression.
@claim(
    **PIXELS,
    contenders=("LSTM, forget bias 1", "ReLU RNN, identity"),
    refuted_by="a median above logistic regression's",
)
def a_linear_model_reads_every_pixel(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """Logistic regression on all 64 pixels at once names more digits than each
    of the five that read them one by one, in the median; the LSTM with forget
    bias 1 comes nearest.
    """
    names = list(results["rates"]["pixels"])
    shares = dict(zip(names, medians(results, "pixels", *names), strict=True))
    assert max(shares.values()) < results["references"]["pixels"]
    assert max(shares, key=lambda name: shares[name]) == "LSTM, forget bias 1"
    return judged(results, "pixels", *names)


@claim(
    **PIXELS,
    contenders=("GRU", "tanh RNN"),
    refuted_by="a difference of the two losses of accuracy below 0.03",
    thresholds=HELD,
)
def permuting_costs_the_gru_more(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """In a shuffled order of the pixels, the same for all digits, the GRU loses
    more of its accuracy than the tanh RNN, in the median by 0.03 at least, each
    at its own rate.
    """
    names = ("GRU", "tanh RNN")
    gru, tanh = (
        plain - permuted
        for plain, permuted in zip(
            medians(results, "pixels", *names),
            medians(results, "pixels permuted", *names),
            strict=True,
        )
    )
    assert gru - tanh >= 0.03
    return tuple(
        effect
        for task in ("pixels", "pixels permuted")
        for effect in judged(results, task, *names)
    )


@claim(
    **tuned_recall("20"),
    contenders=("tanh RNN, orthogonal", "tanh RNN"),
    refuted_by="a seed on which an orthogonal matrix or the identity fails, "
    "or another number of failures from the usual start",
    thresholds=HELD,
)
def a_start_without_shrinking_recalls(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """Recalling a letter after 20 steps, each at its own rate, the tanh RNN
    succeeds on every seed if it starts from an orthogonal matrix, or from the
    identity; from its usual start it fails on one.
    """
    names = ("tanh RNN, orthogonal", "tanh RNN, identity", "tanh RNN")
    orthogonal, identity, usual = (
        seeds_solved(results, "recall 20", name) for name in names
    )
    assert orthogonal == 5
    assert identity == 5
    assert usual == 4
    return needed(results, "recall 20", *names)


@claim(
    **tuned_recall("20"),
    contenders=("LSTM, forget bias 0", "LSTM, forget bias 1"),
    refuted_by="two seeds on which forget bias 0 succeeds, or one on which 1 "
    "fails",
    thresholds=HELD,
)
def forget_bias_zero_does_not_recall(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """Recalling a letter after 20 steps, each at its own rate, the LSTM with
    forget bias 0 succeeds on at most one seed within 3,000 training steps, that
    with 1 on every seed.
    """
    names = ("LSTM, forget bias 0", "LSTM, forget bias 1")
    zero, one = (seeds_solved(results, "recall 20", name) for name in names)
    assert zero <= 1
    assert one == 5
    return needed(results, "recall 20", *names)


@claim(
    **tuned_recall("20"),
    contenders=("LSTM, chrono", "LSTM, forget bias 1"),
    refuted_by="a seed on which these biases fail, or a median of half the "
    "steps or more",
    thresholds=HELD,
)
def chrono_recalls_sooner(results: dict[str, Any]) -> tuple[Effect, ...]:
    """Recalling a letter after 20 steps, each at its own rate, the LSTM with
    biases drawn for lags up to 20 succeeds on every seed and needs fewer than
    half the training steps of the one with forget bias 1, in the median.
    """
    names = ("LSTM, chrono", "LSTM, forget bias 1")
    chrono, one = (steps_needed(results, "recall 20", name) for name in names)
    assert seeds_solved(results, "recall 20", names[0]) == 5
    assert np.median(chrono) < np.median(one) / 2
    return needed(results, "recall 20", *names)


@claim(
    **tuned_adding("100"),
    contenders=("tanh RNN, orthogonal", "ReLU RNN, identity"),
    refuted_by="two seeds on which a tanh RNN from either start succeeds, or "
    "two on which the ReLU RNN fails",
    thresholds=HELD,
)
def a_start_without_shrinking_does_not_add(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """On the adding problem with 100 steps, each at its own rate, the tanh RNN
    succeeds on at most one seed if it starts from an orthogonal matrix, or from
    the identity; the ReLU RNN that starts from the identity succeeds on at
    least four.
    """
    names = ("tanh RNN, orthogonal", "tanh RNN, identity", "ReLU RNN, identity")
    orthogonal, tanh, relu = (
        seeds_solved(results, "adding 100", name) for name in names
    )
    assert orthogonal <= 1
    assert tanh <= 1
    assert relu >= 4
    return needed(results, "adding 100", *names)


@claim(
    **tuned_adding("100"),
    contenders=("LSTM, chrono", "LSTM, forget bias 1"),
    refuted_by="a median of two thirds of the steps or more",
    thresholds=HELD,
)
def chrono_adds_sooner(results: dict[str, Any]) -> tuple[Effect, ...]:
    """On the adding problem with 100 steps, each at its own rate, the LSTM with
    biases drawn for lags up to 100 needs fewer training steps than the one with
    forget bias 1, in the median by a third at least.
    """
    names = ("LSTM, chrono", "LSTM, forget bias 1")
    chrono, one = (steps_needed(results, "adding 100", name) for name in names)
    assert np.median(chrono) < np.median(one) * 2 / 3
    return needed(results, "adding 100", *names)
