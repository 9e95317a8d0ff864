"""Which of the GRU's gates does a long memory need?

    python -m benchmarks.gru_gates [--tune] [--minutes 30]

The GRU, and the GRU without one of its gates: r held at 1, so that the
candidate always sees the state; z held at 0, so that the candidate always
replaces it; or with one gate in the place of two, z = 1 - r, the minimal gated
unit. All have as many free parameters as can be.
Two tasks, each made with the job of one gate in mind: the adding problem, where
numbers have to be kept over a long wait, and sums that begin anew at every
marker, where the state has to be built upon and then dropped.

Each contender's learning rate is the best of at least five, on validation rows
with three seeds of its own (`--tune` does no more than that); then five fresh
seeds run once and are scored on test rows. Every run is saved as it ends and
not repeated. Chapter 03 shows the results.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import mean
from typing import Any

import numpy as np
from jaxtyping import Float

from benchmarks.trial import RATES, TUNING_SEEDS, key, rounded, run_trial
from utils.data.signals import make_adding, make_running_sums
from utils.scratch import (
    GRU,
    Adam,
    Dense,
    clip_global_norm,
    mean_squared_error,
)
from utils.scratch.reach import orthogonal

VALIDATION_SEED, TEST_SEED = 1000, 2000
PARAMETERS = 2_000
TIME, BATCH_SIZE, ROWS = 30, 16, 1000
POINTS = 20  # of a learning curve
# From a thousandth to a tenth: who learns nothing at the lower rates has no
# best among them that could lead it further.
FIRST_RATES = RATES[1:6]
BIAS = 1.0  # of the update gate before training, where there is one

Batch = tuple[
    Float[np.ndarray, "batch time features"],
    Float[np.ndarray, "batch targets 1"],
]
Arrays = dict[str, Float[np.ndarray, "..."]]


@dataclass(frozen=True)
class Task:
    """What is drawn, which outputs are scored, how many batches one sees."""

    draw: Callable[[int, np.random.Generator], Batch]
    scored: slice
    steps: int


def _adding(n: int, rng: np.random.Generator) -> Batch:
    x, y = make_adding(n, TIME, rng)
    return x, y[:, None]


TASKS = {
    "adding": Task(_adding, slice(-1, None), 500),
    "sums": Task(
        lambda n, rng: make_running_sums(n, TIME, rng), slice(None), 300
    ),
}

CONTENDERS = (
    "both gates",
    "no reset gate",
    "no update gate",
    "one gate for both",
)


class GatedUnit:
    """A GRU some of whose gates are held or tied, and its linear head.

    What is held takes no gradient and does not count as a parameter.
    """

    def __init__(self, contender: str, seed: int) -> None:
        blocks = 3 if contender == "both gates" else 2
        width = width_for(blocks)
        rng = np.random.default_rng(seed)
        self.gru = GRU(2, width, rng=rng, dtype=np.float32)
        self.head = Dense(width, 1, rng=rng, dtype=np.float32)
        self.reset, self.update = slice(0, width), slice(width, 2 * width)
        self.held: dict[str, tuple[slice, float]] = {}
        if contender == "no reset gate":
            self.held["r"] = self.reset, 100.0
        if contender == "no update gate":
            self.held["z"] = self.update, -100.0
        self.tied = contender == "one gate for both"
        self.free = blocks * unit_parameters(width) + width + 1
        for name, W in self.gru.params.items():
            if name == "W_h":
                for block in np.split(W, 3, axis=1):
                    block[...] = orthogonal(width, rng)
            if name.startswith("b"):
                W[...] = 0
        self.gru.params["b_x"][self.update] = BIAS
        self.gru.params["b_x"][self.reset] = -BIAS if self.tied else 0
        self.hold()

    def hold(self) -> None:
        """Put held and tied gates where they belong."""
        for name, value in self.gru.params.items():
            for columns, bias in self.held.values():
                value[..., columns] = bias if name == "b_x" else 0
            if self.tied:
                value[..., self.update] = -value[..., self.reset]

    def gradients(self, batch: Batch, scored: slice) -> tuple[float, list]:
        """Return the loss of a batch and its gradients, layer by layer."""
        x, y = (each.astype(np.float32) for each in batch)
        outputs, _ = self.gru.forward(x)
        loss, d_y = mean_squared_error(self.head.forward(outputs[:, scored]), y)
        head = self.head.backward(d_y)
        d_outputs = np.zeros_like(outputs)
        d_outputs[:, scored] = head.x
        grads = self.gru.backward(d_outputs).params
        for value in grads.values():
            for columns, _ in self.held.values():
                value[..., columns] = 0
            if self.tied:
                value[..., self.reset] -= value[..., self.update]
                value[..., self.update] = 0
        return loss, [grads, head.params]

    def error(self, batch: Batch, scored: slice) -> float:
        """Return the mean squared error on a batch."""
        outputs, _ = self.gru.forward(batch[0].astype(np.float32))
        predictions = self.head.forward(outputs[:, scored])
        return float(np.mean((predictions - batch[1]) ** 2))


def unit_parameters(width: int) -> int:
    """Return a block's number of parameters: two inputs, two biases."""
    return width * (2 + width + 2)


def width_for(blocks: int) -> int:
    """Return the width that brings so many blocks nearest to `PARAMETERS`."""
    return min(
        range(8, 100),
        key=lambda w: abs(blocks * unit_parameters(w) - PARAMETERS),
    )


def learn(
    model: GatedUnit, task: Task, rate: float, seed: int
) -> Iterator[float]:
    """Train with Adam, the rate falling to zero in a straight line, and yield
    the loss of each step."""
    rng = np.random.default_rng(seed)
    optimizer = Adam([model.gru.params, model.head.params], rate)
    for step in range(task.steps):
        optimizer.learning_rate = rate * (1 - step / task.steps)
        loss, grads = model.gradients(task.draw(BATCH_SIZE, rng), task.scored)
        clip_global_norm(grads, 1.0)
        optimizer.step(grads)
        model.hold()
        yield loss


def train(name: str, rate: float, seed: int) -> dict[str, Any]:
    """Train "task / contender", and score it as tuning or as a fresh seed."""
    task_name, contender = name.split(" / ")
    task, started = TASKS[task_name], time.process_time()
    model = GatedUnit(contender, seed)
    losses = list(learn(model, task, rate, seed))
    seconds = time.process_time() - started
    judged = VALIDATION_SEED if seed in TUNING_SEEDS else TEST_SEED
    batch = task.draw(ROWS, np.random.default_rng(judged))
    part = task.steps // POINTS
    curve = [mean(losses[i : i + part]) for i in range(0, len(losses), part)]
    return {
        "rate": rate,
        "parameters": model.free,
        "width": model.gru.hidden_size,
        "steps": task.steps,
        "seconds": round(seconds, 1),
        "curve": [rounded(loss) for loss in curve],
        "error": rounded(model.error(batch, task.scored)),
    }


def always_the_mean() -> dict[str, float]:
    """Return the error on each task's test rows of answering their mean."""
    errors = {}
    for name, task in TASKS.items():
        _, y = task.draw(ROWS, np.random.default_rng(TEST_SEED))
        errors[name] = rounded(float(y.var()))
    return errors


if __name__ == "__main__":
    run_trial(
        "gru_gates",
        [key(task, each) for task in TASKS for each in CONTENDERS],
        train,
        always_the_mean,
        first=FIRST_RATES,
    )
