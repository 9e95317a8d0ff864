"""RNN, LSTM and GRU with equal parameter counts and five seeds on tasks that
need memory.

    python -m benchmarks.memory_one_rate [--minutes 10]

Every run is saved as it ends, and runs that the results already hold are not
repeated, so that the benchmark can be interrupted and continued. All runs
together take about half an hour of one core. Chapter 04 shows the results.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss, one_hot

from benchmarks.record import record, recorded
from utils.data.signals import make_adding, make_copy, make_sines
from utils.models.pytorch import SequenceReader, equal_hidden_size
from utils.training import fit

CELLS = ("RNN", "LSTM", "GRU")
SEEDS = range(5)
PARAMETERS = 4400
BATCH_SIZE = 32
STEPS_PER_CHECK = 50
VALIDATION_ROWS = 500
LAGS = (5, 10, 20, 40)

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Task:
    """A task: how its rows are drawn and scored, for how many steps, and when
    it is solved.

    `score` is a mean squared error or cross-entropy (lower is better) on 500
    rows drawn once; a run ends early when it falls below `solved`.
    """

    make: Callable[[int, np.random.Generator], Batch]
    loss: Callable[[Tensor, Tensor], Tensor]
    input_size: int
    output_size: int
    steps: int
    solved: float
    baseline: float
    learning_rate: float = 0.01
    every_step: bool = False
    metrics: dict[str, Callable[[Tensor, Tensor], Tensor]] = field(
        default_factory=dict
    )


def adding(length: int, steps: int) -> Task:
    """The adding problem; solved at a tenth of the constant predictor's
    error."""

    def make(n: int, rng: np.random.Generator) -> Batch:
        inputs, targets = make_adding(n, length, rng)
        return torch.tensor(inputs, dtype=torch.float32), torch.tensor(
            targets, dtype=torch.float32
        )

    return Task(make, mse_loss, 2, 1, steps, solved=1 / 60, baseline=1 / 6)


def copying(lag: int, length: int, steps: int) -> Task:
    """The copy task: repeat `length` of eight letters after the signal;
    scored at every step."""

    def make(n: int, rng: np.random.Generator) -> Batch:
        inputs, targets = make_copy(n, lag, rng, length=length)
        return one_hot(torch.tensor(inputs), 10).float(), torch.tensor(targets)

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        return cross_entropy(logits.transpose(1, 2), targets)

    def accuracy(logits: Tensor, targets: Tensor) -> Tensor:
        return (logits.argmax(-1) == targets)[:, -length:].float().mean()

    baseline = length * math.log(8) / (lag + 2 * length)
    return Task(
        make,
        loss,
        10,
        9,
        steps,
        baseline / 20,
        baseline,
        every_step=True,
        metrics={"accuracy": accuracy},
    )


def recall(lag: int, steps: int) -> Task:
    """One letter of eight, to be named `lag` steps later: the copy task's
    smallest case."""

    def make(n: int, rng: np.random.Generator) -> Batch:
        inputs, targets = make_copy(n, lag - 1, rng, length=1)
        return one_hot(torch.tensor(inputs), 10).float(), torch.tensor(
            targets[:, -1]
        )

    def accuracy(logits: Tensor, targets: Tensor) -> Tensor:
        return (logits.argmax(-1) == targets).float().mean()

    baseline = math.log(8)
    return Task(
        make,
        cross_entropy,
        10,
        8,
        steps,
        baseline / 20,
        baseline,
        metrics={"accuracy": accuracy},
    )


SINES = {"waves": 2, "periods": (10.0, 50.0), "noise": 0.2}
SINE_LENGTH = 100


def waves(steps: int) -> Task:
    """Forecast the next value of two noisy sines of unknown period, scored
    on the second half."""

    def make(n: int, rng: np.random.Generator) -> Batch:
        rows = torch.tensor(
            make_sines(n, SINE_LENGTH + 1, rng, **SINES), dtype=torch.float32
        )
        return rows[:, :-1, None], rows[:, 1:, None]

    def second_half(outputs: Tensor, targets: Tensor) -> Tensor:
        return mse_loss(
            outputs[:, SINE_LENGTH // 2 :], targets[:, SINE_LENGTH // 2 :]
        )

    return Task(
        make,
        mse_loss,
        1,
        1,
        steps,
        solved=0.0,
        baseline=math.nan,
        learning_rate=0.005,
        every_step=True,
        metrics={"second_half": second_half},
    )


TASKS: dict[str, Task] = {
    "adding 50": adding(50, steps=1000),
    "adding 100": adding(100, steps=1500),
    "adding 200": adding(200, steps=2000),
    **{f"recall {lag}": recall(lag, steps=1000) for lag in LAGS},
    "copy": copying(lag=20, length=5, steps=600),
    "waves": waves(steps=400),
}


def _forget_bias(value: float) -> Callable[[SequenceReader], None]:
    """Set the forget gate's bias: PyTorch adds two, so one takes the value
    and the other 0."""

    def initialise(model: SequenceReader) -> None:
        hidden = model.layer.hidden_size
        model.layer.bias_ih_l0[hidden : 2 * hidden] = value
        model.layer.bias_hh_l0[hidden : 2 * hidden] = 0.0

    return initialise


def _relu(model: SequenceReader) -> None:
    model.layer = nn.RNN(
        model.layer.input_size,
        model.layer.hidden_size,
        batch_first=True,
        nonlinearity="relu",
    )


def _identity(model: SequenceReader) -> None:
    """Start from h_t = f(h_{t-1} + W x_t), after Le et al. (2015)."""
    nn.init.eye_(model.layer.weight_hh_l0)
    nn.init.zeros_(model.layer.bias_hh_l0)
    nn.init.zeros_(model.layer.bias_ih_l0)


def _relu_identity(model: SequenceReader) -> None:
    _relu(model)
    _identity(model)


def _orthogonal(model: SequenceReader) -> None:
    """Make the whole matrix orthogonal; for an LSTM that is 4H x H, and no
    gate becomes so."""
    nn.init.orthogonal_(model.layer.weight_hh_l0)


def _orthogonal_gates(model: SequenceReader) -> None:
    for gate in model.layer.weight_hh_l0.split(model.layer.hidden_size):
        nn.init.orthogonal_(gate)


# Each starts from PyTorch's own initialisation and changes one thing.
VARIANTS: dict[str, Callable[[SequenceReader], None]] = {
    "default": lambda model: None,
    "orthogonal": _orthogonal,
    "orthogonal gates": _orthogonal_gates,
    "tanh, identity": _identity,
    "ReLU": _relu,
    "ReLU, identity": _relu_identity,
    "forget bias 1": _forget_bias(1.0),
    "forget bias 3": _forget_bias(3.0),
}
ABLATIONS = {
    ("adding 50", "RNN"): (
        "orthogonal",
        "tanh, identity",
        "ReLU",
        "ReLU, identity",
    ),
    ("adding 50", "LSTM"): (
        "orthogonal",
        "orthogonal gates",
        "forget bias 1",
        "forget bias 3",
    ),
}


def runs() -> Iterator[tuple[str, str, str, int]]:
    """Yield every (task, cell, variant, seed), all of one seed before the next.

    The long tasks come last, so that an interrupted benchmark holds whole sets
    of the others.
    """
    recalls = [task for task in TASKS if task.startswith("recall")]
    for group in (
        ["adding 50", "copy", "waves"],
        ["adding 100"],
        recalls,
        ["adding 200"],
    ):
        for seed in SEEDS:
            for task in group:
                yield from ((task, cell, "default", seed) for cell in CELLS)
                for cell in CELLS:
                    for variant in ABLATIONS.get((task, cell), ()):
                        yield task, cell, variant, seed


class Stream:
    """Fresh batches of a task, `STEPS_PER_CHECK` of them each time it is
    iterated."""

    def __init__(self, task: Task, seed: int):
        self.task = task
        self.rng = np.random.default_rng(seed)

    def __iter__(self) -> Iterator[Batch]:
        """Draw the batches of one pass."""
        for _ in range(STEPS_PER_CHECK):
            yield self.task.make(BATCH_SIZE, self.rng)


def build(task: Task, cell: str, variant: str, seed: int) -> SequenceReader:
    """Make the model of one run."""
    torch.manual_seed(seed)
    hidden = equal_hidden_size(
        cell, task.input_size, task.output_size, PARAMETERS
    )
    model = SequenceReader(
        cell, task.input_size, hidden, task.output_size, task.every_step
    )
    with torch.no_grad():
        VARIANTS[variant](model)
    return model


def train(task: Task, cell: str, variant: str, seed: int) -> dict[str, Any]:
    """Train one model and return its validation curves, one value every
    `STEPS_PER_CHECK` steps.

    Seed 0..4 fixes the weights and the training rows; the validation rows are
    the same for all. A run whose loss stops being finite ends there, and its
    result says so.
    """
    model = build(task, cell, variant, seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=task.learning_rate)
    stream = Stream(task, seed)
    valid = [task.make(VALIDATION_ROWS, np.random.default_rng(1000))]
    curves: dict[str, list[float]] = {}
    ended = "steps"
    for _ in range(task.steps // STEPS_PER_CHECK):
        try:
            history = fit(
                model,
                stream,
                valid,
                loss=task.loss,
                optimizer=optimizer,
                epochs=1,
                clip=1.0,
                metrics=task.metrics,
            )
        except FloatingPointError:
            ended = "not finite"
            break
        row = history.rows[-1]
        for name in ("loss", *task.metrics):
            curves.setdefault(name, []).append(
                float(f"{row[f'valid_{name}']:.4g}")
            )
        if row["valid_loss"] < task.solved:
            ended = "solved"
            break
    return {
        "hidden": model.layer.hidden_size,
        "parameters": sum(p.numel() for p in model.parameters()),
        "ended": ended,
        "curves": curves,
    }


def linear_forecasts(
    orders: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 48),
) -> dict[str, float]:
    """Score forecasts of the waves that are linear in the last `order` values,
    fitted to all rows.

    The coefficients minimise the squared error over 3,000 rows; the score is
    the mean squared error on the second half of the 500 validation rows, as for
    the networks.
    """
    train_rows = make_sines(
        3000, SINE_LENGTH + 1, np.random.default_rng(0), **SINES
    )
    valid_rows = make_sines(
        VALIDATION_ROWS, SINE_LENGTH + 1, np.random.default_rng(1000), **SINES
    )
    half = SINE_LENGTH // 2

    def windows(rows: np.ndarray, order: int) -> np.ndarray:
        return np.lib.stride_tricks.sliding_window_view(rows, order + 1, axis=1)

    scores = {}
    errors = np.diff(valid_rows, axis=1)[:, half:]
    scores["persistence"] = float(np.mean(errors**2))
    for order in orders:
        past, future = np.split(
            windows(train_rows, order).reshape(-1, order + 1), [order], axis=1
        )
        coefficients = np.linalg.lstsq(past, future, rcond=None)[0]
        past, future = np.split(
            windows(valid_rows, order)[:, -half:], [order], axis=2
        )
        scores[f"AR({order})"] = float(
            np.mean((past @ coefficients - future) ** 2)
        )
    scores["noise alone"] = SINES["noise"] ** 2
    return scores


def denormal_slowdown(length: int = 200, repeats: int = 5) -> dict[str, float]:
    """Return how many times longer a step takes where denormal numbers are not
    flushed to zero.

    The gradient of the last output vanishes on its way back through the row;
    below 1e-38 it is denormal in single precision. Medians of interleaved
    steps, forward and backward.
    """
    slowdown = {}
    for cell in CELLS:
        model = build(TASKS["adding 200"], cell, "default", 0)
        inputs, targets = adding(length, 0).make(64, np.random.default_rng(0))
        seconds: dict[bool, list[float]] = {True: [], False: []}
        for flush in [True, False] * repeats:
            torch.set_flush_denormal(flush)
            started = time.process_time()
            mse_loss(model(inputs), targets).backward()
            seconds[flush].append(time.process_time() - started)
        slowdown[cell] = round(
            float(np.median(seconds[False]) / np.median(seconds[True])), 2
        )
    return slowdown


def main() -> None:
    """Run what is missing, saving after each run, until done or out of time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=math.inf)
    minutes = parser.parse_args().minutes
    started = time.monotonic()
    results = recorded("memory_one_rate") or {"runs": {}}
    if "denormal_slowdown" not in results:
        results["denormal_slowdown"] = denormal_slowdown()
    torch.set_flush_denormal(True)
    results["steps_per_check"] = STEPS_PER_CHECK
    results["baselines"] = {
        name: task.baseline for name, task in TASKS.items() if task.solved
    }
    results["linear_forecasts"] = linear_forecasts()
    record("memory_one_rate", results)
    for task, cell, variant, seed in runs():
        key = f"{task} / {cell} / {variant} / {seed}"
        if key in results["runs"]:
            continue
        if time.monotonic() - started > 60 * minutes:
            break
        before = time.process_time()
        results["runs"][key] = train(TASKS[task], cell, variant, seed)
        record("memory_one_rate", results)
        run = results["runs"][key]
        seconds = time.process_time() - before
        print(
            f"{key}: {run['curves']['loss'][-1]:.4g} ({run['ended']}, "
            f"{seconds:.0f} s)"
        )


if __name__ == "__main__":
    main()
