"""Claims about the moving ball."""

from itertools import pairwise
from typing import Any

import numpy as np

from .claim import Effect

LM = "Levenberg–Marquardt"
ON_DIFFERENCES = f"{LM} on differences"
PACKED = "SGD, packed in PyTorch"


def runs(results: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return a contender's runs, one for each seed."""
    return [
        run
        for each, run in results["runs"].items()
        if each.rpartition(" / ")[0] == name
    ]


def errors(results: dict[str, Any], name: str) -> np.ndarray:
    """Return the mean error on unseen lines in positions, for each seed."""
    return np.array([run["error"] for run in runs(results, name)])


def least_squares_fits_closest(results: dict[str, Any]) -> tuple[Effect, ...]:
    """Fitted to the same rows in about the same CPU time, the network of 89
    parameters errs least on unseen lines by Levenberg–Marquardt, then by
    L-BFGS, then by Adam, on every seed, each a factor of three apart in the
    median.
    """
    names = (LM, "L-BFGS", "Adam")
    found = [errors(results, name) for name in names]
    for closer, farther in pairwise(found):
        assert (closer < farther).all()
        assert np.median(farther) > 3 * np.median(closer)
    for name in ("SGD", "SGD with momentum", PACKED):
        assert (errors(results, name) > 10 * found[0]).all()
    return tuple(
        Effect.over_seeds(
            f"mean error in positions, {name}", list(errors(results, name))
        )
        for name in (*names, "SGD with momentum", "SGD", PACKED)
    )


def packing_slows_a_small_network(results: dict[str, Any]) -> Effect:
    """An epoch of the same SGD takes PyTorch, which packs each batch, more
    than twice the CPU time of NumPy, which does not.
    """
    slow, fast = (
        np.array([run["curve"][-1][0] / epochs for run in runs(results, name)])
        for name, epochs in ((PACKED, 400), ("SGD", 1300))
    )
    assert (slow / fast > 2).all()
    return Effect.over_seeds(
        "CPU time of an epoch, PyTorch packed over NumPy", list(slow / fast)
    )


def what_is_built_in_extrapolates(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """From starts ten times as far out as any in training, the network on
    positions errs by more than ten positions and the one on differences by
    less than a hundredth; at speeds eight times as high both err by more than
    one.
    """

    def at(name: str, place: str) -> list[float]:
        return [run["places"][place] for run in runs(results, name)]

    far, fast = "starts at 200 to 220", "speeds of 40 to 50"
    assert min(at(LM, far)) > 10
    assert max(at(ON_DIFFERENCES, far)) < 0.01
    assert min(at(LM, fast) + at(ON_DIFFERENCES, fast)) > 1
    return tuple(
        Effect.over_seeds(f"mean error, {place}, {name}", at(name, place))
        for place in (far, fast)
        for name in (LM, ON_DIFFERENCES)
    )


def zero_targets_decide_the_score(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """One target in fifty at most is 0, and these rows cost the source's
    system more than four fifths of the accuracy that it lacks.
    """
    shares = {
        name: [run["test"][name] for run in results["reference"].values()]
        for name in ("zero_share", "loss_from_zero")
    }
    assert max(shares["zero_share"]) < 0.02
    assert min(shares["loss_from_zero"]) > 0.8
    return (
        Effect.over_seeds("share of targets at 0", shares["zero_share"]),
        Effect.over_seeds("their share of the loss", shares["loss_from_zero"]),
    )
