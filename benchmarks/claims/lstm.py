"""Claims about the LSTM."""

from typing import Any

import numpy as np

from .claim import Effect, claim


def left_at_50(results: dict[str, Any], layer: str) -> np.ndarray:
    """Return the share of the gradient left at lag 50, one for each draw."""
    return np.array(results[layer]["left at lag 50"])


@claim(
    record="reach",
    contenders=("LSTM, bias 1", "LSTM, bias 3"),
    seeds=range(10),
    data="random inputs, layers of 32 units as they are initialised, untrained",
    refuted_by="a draw in which a bias of 3 leaves less than a hundred times "
    "what 1 leaves, or 1 less than a hundred times what 0 leaves; or a median "
    "of the orthogonal RNN more than a factor of five from that of bias 1",
)
def forget_bias_sets_the_reach(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """Before training, a forget bias of 3 leaves more of the gradient at lag 50
    than one of 1, and 1 more than 0; a plain RNN with orthogonal weights leaves
    about as much as the bias 1.
    """
    none, one, three = (
        left_at_50(results, f"LSTM, bias {bias}") for bias in (0, 1, 3)
    )
    orthogonal = left_at_50(results, "RNN, orthogonal")
    assert min(three / one) > 100
    assert min(one / none) > 100
    assert 1 / 5 < np.median(orthogonal) / np.median(one) < 5
    return tuple(
        Effect.over_seeds(f"share left at lag 50, {name}", list(values))
        for name, values in (
            ("bias 0", none),
            ("bias 1", one),
            ("bias 3", three),
            ("RNN, orthogonal", orthogonal),
        )
    )
