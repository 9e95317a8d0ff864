"""Claims about attention."""

from typing import Any

import numpy as np

from .claim import Effect

SEEDS = range(3)


def over(results: dict[str, Any], *name: object) -> list[dict[str, Any]]:
    """Return a contender's runs, one for each seed."""
    return [
        results["runs"][" / ".join(map(str, (*name, seed)))] for seed in SEEDS
    ]


def attention_learns_dates_sooner(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """With attention, nine in ten of the dates are right after fewer passes and
    fewer CPU seconds than without; without it they are right in the end.
    """
    first: dict[str, list[tuple[int, float]]] = {}
    for contender in ("attention", "no attention"):
        for seed in SEEDS:
            reached = [
                (passes, run["seconds"])
                for passes in (1, 2, 4, 8)
                for run in [
                    results["runs"].get(f"{contender} / {passes} / {seed}")
                ]
                if run and run["exact"] >= 0.9
            ]
            first.setdefault(contender, []).append(reached[0])
    for ours, theirs in zip(
        first["attention"], first["no attention"], strict=True
    ):
        assert ours[0] < theirs[0]
        assert ours[1] < theirs[1]
    late = [run["exact"] for run in over(results, "no attention", 8)]
    assert min(late) > 0.97
    return (
        *(
            Effect.over_seeds(
                f"CPU seconds to nine dates in ten, {name}",
                [seconds for _, seconds in reached],
            )
            for name, reached in first.items()
        ),
        Effect.over_seeds("dates right after 8 passes, no attention", late),
    )


def mask_is_a_guarantee(results: dict[str, Any]) -> tuple[Effect, ...]:
    """With a mask, forty columns of padding change no score; trained without
    one on batches of like lengths, the model fails among them; trained without
    one on random batches, it has learnt to pass them over.
    """

    def at(columns: int, *name: str) -> list[float]:
        return [
            run["exact by extra padding"][str(columns)]
            for run in over(results, *name)
        ]

    for batches in ("buckets", "random batches"):
        assert at(40, "mask", batches) == at(0, "mask", batches)
        assert min(at(40, "mask", batches)) > 0.95
    assert max(at(40, "no mask", "buckets")) < 0.3
    assert np.median(at(40, "no mask", "random batches")) > 0.9
    return tuple(
        Effect.over_seeds(
            f"dates right among 40 columns of padding, {mask}, {batches}",
            at(40, mask, batches),
        )
        for mask in ("mask", "no mask")
        for batches in ("buckets", "random batches")
    )


def own_symbols_cost_less_when_met(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """After a mistake the model gets fewer symbols right when fed its own than
    when fed the truth; trained on some of its own, it loses less by them.
    """
    prices = {
        training: [
            run[training]["right, truth fed"] - run[training]["right, own fed"]
            for run in over(results, "fed")
        ]
        for training in ("true symbols", "own symbols, rising to half")
    }
    true, own = prices.values()
    assert min(true) > 0.05
    assert all(b < a - 0.02 for a, b in zip(true, own, strict=True))
    return tuple(
        Effect.over_seeds(f"symbols lost after a mistake, {training}", price)
        for training, price in prices.items()
    )
