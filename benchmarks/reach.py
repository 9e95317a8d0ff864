"""How far back does the gradient reach before training?

    python -m benchmarks.reach

Each layer is drawn ten times and fed the same random inputs; what is left of
the last output's gradient at each lag is `utils.scratch.reach`. Nothing is
trained. It takes half a minute of one core. Chapters 02 and 03 show the
results.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float

from benchmarks.record import run_missing
from utils.scratch import GRU, LSTM, RNN
from utils.scratch.reach import gradient_by_lag, half_life, orthogonal

SEEDS = range(10)
INPUTS, HIDDEN, BATCH_SIZE, TIME = 8, 32, 32, 121
LAGS = (20, 50, 100)
BIASES = (0, 1, 3, 5)


def rnn(seed: int, is_orthogonal: bool = False) -> RNN:
    """Draw a plain RNN, its recurrent weights orthogonal if wanted."""
    layer = RNN(INPUTS, HIDDEN, rng=seed)
    if is_orthogonal:
        layer.params["W_h"][...] = orthogonal(HIDDEN, seed)
    return layer


def lstm(
    seed: int, bias: float, alone: bool = False, blind: bool = False
) -> LSTM:
    """Draw an LSTM with a forget bias.

    `alone` leaves the path along the cell as the only one, W_h = 0; `blind`
    hides the inputs from the output gate.
    """
    layer = LSTM(INPUTS, HIDDEN, rng=seed)
    layer.params["b"][HIDDEN : 2 * HIDDEN] = bias
    if alone:
        layer.params["W_h"][...] = 0
    if blind:
        layer.params["W_x"][:, 3 * HIDDEN :] = 0
    return layer


def gru(seed: int, bias: float) -> GRU:
    """Draw a GRU with an update bias."""
    layer = GRU(INPUTS, HIDDEN, rng=seed)
    layer.params["b_x"][HIDDEN : 2 * HIDDEN] = bias
    layer.params["b_h"][HIDDEN : 2 * HIDDEN] = 0
    return layer


LAYERS: dict[str, Callable[[int], Any]] = {
    "RNN": rnn,
    "RNN, orthogonal": partial(rnn, is_orthogonal=True),
    **{f"LSTM, bias {bias}": partial(lstm, bias=bias) for bias in BIASES},
    **{
        f"LSTM, bias {bias}, W_h = 0": partial(lstm, bias=bias, alone=True)
        for bias in BIASES
    },
    "LSTM, bias 5, W_xo = 0": partial(lstm, bias=5, blind=True),
    **{f"GRU, bias {bias}": partial(gru, bias=bias) for bias in BIASES},
}


def measure(
    build: Callable[[int], Any], x: Float[np.ndarray, "batch time input"]
) -> dict[str, list[float]]:
    """Return half-lives and shares left at each lag, one for each seed."""
    shares = [gradient_by_lag(build(seed), x) for seed in SEEDS]
    found = {"half-life": [float(f"{half_life(s):.4g}") for s in shares]}
    for lag in LAGS:
        found[f"left at lag {lag}"] = [float(f"{s[lag]:.4g}") for s in shares]
    return found


if __name__ == "__main__":
    noise = np.random.default_rng(2).normal(size=(BATCH_SIZE, TIME, INPUTS))
    run_missing(
        "reach",
        {name: partial(measure, each, noise) for name, each in LAYERS.items()},
    )
