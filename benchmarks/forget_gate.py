"""What is the forget gate for? Streams that never end, with it and without.

    python -m benchmarks.forget_gate [--tune] [--minutes 10]

A stream has a marker at one step in ten, at random, and asks at every step how
long ago the last one was. An LSTM trains on stretches of 100 steps; another one
has no forget gate, as in 1997, f = 1. They have as many free parameters as can
be, and are tested on streams of 2,000 steps. Chapter 02 shows the results.
"""

import time
from typing import Any

import numpy as np
from jaxtyping import Float

from benchmarks.trial import TUNING_SEEDS, key, rounded, run_trial
from utils.data.signals import make_markers
from utils.scratch import (
    LSTM,
    Adam,
    Dense,
    clip_global_norm,
    mean_squared_error,
)

CONTENDERS = ("forget gate", "no forget gate")
WIDTHS = {"forget gate": 8, "no forget gate": 9}
BIAS = 3.0  # of the forget gate before training
ALWAYS_OPEN = 100.0
STEPS, BATCH_SIZE, TIME = 300, 16, 100
LONG, ROWS, PART = 2000, 32, 50
VALIDATION_SEED, TEST_SEED = 1000, 2000


class Reader:
    """An LSTM with its linear head; without forget gate f is held at 1."""

    def __init__(self, contender: str, seed: int) -> None:
        width, rng = WIDTHS[contender], np.random.default_rng(seed)
        self.lstm = LSTM(1, width, rng=rng, dtype=np.float32)
        self.head = Dense(width, 1, rng=rng, dtype=np.float32)
        self.forget = slice(width, 2 * width)
        self.forgets = contender == "forget gate"
        self.lstm.params["b"][self.forget] = BIAS
        self.hold()
        blocks = 4 if self.forgets else 3
        self.free = blocks * width * (1 + width + 1) + width + 1

    def hold(self) -> None:
        """Open a missing forget gate for good."""
        if not self.forgets:
            for name, value in self.lstm.params.items():
                value[..., self.forget] = ALWAYS_OPEN if name == "b" else 0

    def train_on(
        self, x: Float[np.ndarray, "..."], y: Float[np.ndarray, "..."]
    ) -> list[dict[str, Any]]:
        """Return a batch's gradients, layer by layer."""
        hidden, _ = self.lstm.forward(x.astype(np.float32))
        _, d_y = mean_squared_error(self.head.forward(hidden), y)
        head = self.head.backward(d_y.astype(np.float32))
        grads = self.lstm.backward(head.x).params
        if not self.forgets:
            for value in grads.values():
                value[..., self.forget] = 0
        return [grads, head.params]


def learn(contender: str, rate: float, seed: int, steps: int = STEPS) -> Reader:
    """Train with Adam, the rate falling to zero in a straight line."""
    reader, rng = Reader(contender, seed), np.random.default_rng(seed)
    optimizer = Adam([reader.lstm.params, reader.head.params], rate)
    for step in range(steps):
        optimizer.learning_rate = rate * (1 - step / steps)
        grads = reader.train_on(*make_markers(BATCH_SIZE, TIME, rng))
        clip_global_norm(grads, 1.0)
        optimizer.step(grads)
        reader.hold()
    return reader


def train(
    contender: str, rate: float, seed: int, steps: int = STEPS
) -> dict[str, Any]:
    """Train one contender, and score it as tuning or as a fresh seed.

    Tuning is scored on stretches as long as those of training, the fresh seeds
    on long streams, part by part.
    """
    started = time.process_time()
    reader = learn(contender, rate, seed, steps)
    run: dict[str, Any] = {
        "rate": rate,
        "parameters": reader.free,
        "steps": steps,
        "seconds": round(time.process_time() - started, 1),
    }
    tuning = seed in TUNING_SEEDS
    x, y = make_markers(
        ROWS, TIME if tuning else LONG, VALIDATION_SEED if tuning else TEST_SEED
    )
    hidden, (_, cell) = reader.lstm.forward(x.astype(np.float32))
    errors = ((reader.head.forward(hidden) - y) ** 2).mean(axis=(0, 2))
    run["error"] = rounded(errors.mean())
    if not tuning:
        parts = errors.reshape(-1, PART).mean(axis=1)
        run["by position"] = [rounded(error) for error in parts]
        run["mean |c| at the end"] = rounded(np.abs(cell).mean())
    return run


def always_the_mean() -> dict[str, float]:
    """Return the error on the test streams of answering their mean."""
    _, y = make_markers(ROWS, LONG, TEST_SEED)
    return {"streams": rounded(float(y.var()))}


if __name__ == "__main__":
    run_trial(
        "forget_gate",
        [key("streams", each) for each in CONTENDERS],
        lambda name, rate, seed: train(name.split(" / ")[1], rate, seed),
        always_the_mean,
    )
