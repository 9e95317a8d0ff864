"""Which cell learns to use what it read long ago? Each at its own best.

    python -m benchmarks.memory [--minutes 10] [--only TASK ...]
    python -m benchmarks.memory --collect

Every contender's learning rate is tuned for each task, at three rates and on
three seeds of its own; then five fresh seeds run once and are scored on test
rows. The fresh seeds of a task wait until its thresholds stand in a commit
(`thresholds_committed`).

What saves cost and cannot change which rate is chosen:

- A run ends when its task is solved at two checks in succession.
- A rate is given up when no outcome of what it still has to run could make it
  the best. So that this comes early, tuning begins with the rate that was the
  best at half the length.

What saves cost and could:

- Where the first tuning seed solves the task at no rate, the other two run only
  at the rate at which its loss was lowest. If one of them solves it there, all
  three run at every rate.
- Where a task has no goal, the other two tuning seeds run only at the two rates
  that were best for the first.
- A contender that solved a task at no rate, on none of its tuning seeds, is not
  run at twice the length, and is named as not run. `TWICE` says which lengths
  that concerns; adding 100 is none of them, as everybody runs there.
- The budget of adding 400 is 2,000 training steps, elsewhere it is 3,000 (copy
  5,000, waves 1,500).

Every run is one line of `benchmarks/results/memory.jsonl`, written as it ends
and not repeated, so that the benchmark can be killed at any time and started
again. `--only` runs some of the tasks, and beside it another process may run
others; a length waits for the tuning of its half, whoever makes it. `--collect`
copies what is there to `benchmarks/results/memory.json`.
All of it takes about four hours of one core, one thread. The layers are
NumPy's of `utils.scratch` in single precision: at these sizes, measured on one
thread, a step of the RNN and the GRU is about three times as fast as PyTorch's
and one of the LSTM about as fast. Of a step, drawing rows, clipping and Adam
take less than a tenth. Chapter 04 shows the results.
"""

import argparse
import datetime
import functools
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from sklearn.linear_model import LogisticRegression

from benchmarks.record import RESULTS, record, recorded
from benchmarks.trial import rounded, thresholds_committed
from utils.data.samples import load_digit_rows
from utils.data.signals import make_adding, make_copy, make_sines
from utils.forecasting.waves import adaptive_errors, shared_coefficients
from utils.models.pytorch import equal_hidden_size
from utils.scratch import GRU, LSTM, RNN
from utils.scratch.dense import Dense
from utils.scratch.losses import mean_squared_error, softmax_cross_entropy
from utils.scratch.optim import Adam, clip_global_norm

JOURNAL = RESULTS / "memory.jsonl"
CLAIMS = "memory_on_trial"

SEEDS = range(5)
TUNING_SEEDS = range(100, 103)
VALIDATION_SEED, TEST_SEED, PERMUTATION_SEED = 1000, 2000, 3000
RATES = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
FIRST_RATES = (3e-3, 1e-2, 1e-3)
ONE_RATE = 1e-2

PARAMETERS = 4400
BATCH_SIZE = 32
STEPS_PER_CHECK = 50
VALIDATION_ROWS, TEST_ROWS = 256, 2000
CLIP = 1.0
# As many rows are scored at once: what an LSTM keeps of 400 steps then stays
# below the size from which memory is fetched anew from the system every time.
CHUNK = 128
# Where a task has no goal: the share of the budget without a new lowest
# validation loss after which a run ends. Its best weights are kept anyway.
PATIENCE = 1 / 3

Rows = tuple[np.ndarray, np.ndarray]
Draw = Callable[[int, np.random.Generator], Rows]


# The tasks


@dataclass(frozen=True)
class Task:
    """How rows are drawn, what is answered and scored, and when it is solved.

    `draw` makes training rows; `judged` returns the rows of validation and
    test, if they are no fresh draws. Where every step is answered, those from
    `scored_from` on count in the scores. `baseline` is the loss of an answer
    without memory. A task is solved when the validation loss lies below
    `solved` at two checks in succession; where that is None, a run goes on
    until the loss has been flat for `PATIENCE` of the budget of `steps`.
    """

    draw: Draw
    features: int
    outputs: int
    steps: int
    baseline: float
    solved: float | None
    length: int
    every_step: bool = False
    scored_from: int = 0
    judged: Callable[[], tuple[Rows, Rows]] | None = None

    def valid_and_test(self) -> tuple[Rows, Rows]:
        """Return the rows that stop and choose, and those scored once."""
        if self.judged is not None:
            return self.judged()
        return (
            self.draw(VALIDATION_ROWS, np.random.default_rng(VALIDATION_SEED)),
            self.draw(TEST_ROWS, np.random.default_rng(TEST_SEED)),
        )


def adding(length: int, steps: int = 3000) -> Task:
    """The adding problem, solved at a tenth of the constant's error."""

    def draw(n: int, rng: np.random.Generator) -> Rows:
        inputs, targets = make_adding(n, length, rng)
        return inputs.astype(np.float32), targets.astype(np.float32)

    return Task(draw, 2, 1, steps, 1 / 6, 1 / 60, length)


def one_hot(symbols: np.ndarray) -> Float[np.ndarray, "rows time 10"]:
    """Write the copy task's ten symbols as unit vectors."""
    return np.eye(10, dtype=np.float32)[symbols]


def copying(lag: int, length: int, steps: int) -> Task:
    """The copy task, solved at a twentieth of the memoryless cross-entropy."""

    def draw(n: int, rng: np.random.Generator) -> Rows:
        inputs, targets = make_copy(n, lag, rng, length=length)
        return one_hot(inputs), targets

    time = lag + 2 * length
    baseline = length * math.log(8) / time
    return Task(
        draw, 10, 9, steps, baseline, baseline / 20, time, every_step=True
    )


def recall(lag: int, steps: int = 3000) -> Task:
    """One letter of eight, to be named `lag` steps later: the copy task's
    smallest case."""

    def draw(n: int, rng: np.random.Generator) -> Rows:
        inputs, targets = make_copy(n, lag - 1, rng, length=1)
        return one_hot(inputs), targets[:, -1]

    return Task(draw, 10, 8, steps, math.log(8), math.log(8) / 20, lag + 1)


SINES: dict[str, Any] = {"waves": 2, "periods": (10.0, 50.0), "noise": 0.2}
SINE_LENGTH = 100


def waves(steps: int) -> Task:
    """Forecast the next value of two noisy sines of unknown period, scored on
    the second half; the baseline repeats the last value."""

    def draw(n: int, rng: np.random.Generator) -> Rows:
        rows = make_sines(n, SINE_LENGTH + 1, rng, **SINES).astype(np.float32)
        return rows[:, :-1, None], rows[:, 1:, None]

    return Task(
        draw,
        1,
        1,
        steps,
        baseline=linear_forecasts(())["last value"],
        solved=None,
        length=SINE_LENGTH,
        every_step=True,
        scored_from=SINE_LENGTH // 2,
    )


@functools.cache
def digit_parts(permuted: bool) -> tuple[Rows, Rows, Rows]:
    """Return digits as rows of 64 pixels to train, validate and test on, in the
    order of the file, which keeps a writer's images together."""
    training, test = load_digit_rows()
    order = np.arange(64)
    if permuted:
        order = np.random.default_rng(PERMUTATION_SEED).permutation(64)
    cut = len(training.y) - 300

    def pixels(images: np.ndarray) -> np.ndarray:
        flat = images.reshape(len(images), 64, 1)[:, order]
        return flat.astype(np.float32)

    x = pixels(training.x)
    return (
        (x[:cut], training.y[:cut]),
        (x[cut:], training.y[cut:]),
        (pixels(test.x), test.y),
    )


def digits(permuted: bool, steps: int) -> Task:
    """Name a handwritten digit after its 64 pixels, read one a step."""

    def draw(n: int, rng: np.random.Generator) -> Rows:
        x, y = digit_parts(permuted)[0]
        chosen = rng.integers(0, len(y), n)
        return x[chosen], y[chosen]

    return Task(
        draw,
        1,
        10,
        steps,
        baseline=math.log(10),
        solved=None,
        length=64,
        judged=lambda: digit_parts(permuted)[1:],
    )


def linear_forecasts(orders: tuple[int, ...]) -> dict[str, float]:
    """Score forecasts of the waves that are linear in the last values.

    The coefficients of AR(p) minimise the squared error over 3,000 rows; the
    score is the mean squared error on the second half of the test rows, as for
    the networks.
    """
    rows, test = wave_rows()
    half = SINE_LENGTH // 2

    def windows(rows: np.ndarray, order: int) -> np.ndarray:
        return np.lib.stride_tricks.sliding_window_view(rows, order + 1, axis=1)

    errors = np.diff(test, axis=1)[:, half:]
    scores = {"last value": rounded(float(np.mean(errors**2)))}
    for order in orders:
        past, future = np.split(
            windows(rows, order).reshape(-1, order + 1), [order], axis=1
        )
        coefficients = np.linalg.lstsq(past, future, rcond=None)[0]
        past, future = np.split(
            windows(test, order)[:, -half:], [order], axis=2
        )
        error = float(np.mean((past @ coefficients - future) ** 2))
        scores[f"AR({order})"] = rounded(error)
    return scores


@functools.cache
def wave_rows() -> tuple[np.ndarray, np.ndarray]:
    """Draw the rows to which linear forecasts are fitted, and the test rows."""
    fitted, test = np.random.default_rng(0), np.random.default_rng(TEST_SEED)
    steps = SINE_LENGTH + 1
    return (
        make_sines(3000, steps, fitted, **SINES),
        make_sines(TEST_ROWS, steps, test, **SINES),
    )


# Of the forecast that adapts to the row; `benchmarks.memory_waves` chose them.
ORDER, RIDGE = 24, 3.0
PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0)


def references() -> dict[str, float]:
    """Score what has no recurrence on the very test rows of the networks.

    Of pixels the share that logistic regression names right, its penalty the
    best on validation rows; their order does not matter to it. Of waves the
    squared error of coefficients fitted to each row.
    """
    (x, y), (x_valid, y_valid), (x_test, y_test) = (
        (x[:, :, 0], y) for x, y in digit_parts(permuted=False)
    )
    models = [
        LogisticRegression(C=penalty, max_iter=2000).fit(x, y)
        for penalty in PENALTIES
    ]
    best = max(models, key=lambda model: model.score(x_valid, y_valid))
    accuracy = rounded(best.score(x_test, y_test))
    rows, test = wave_rows()
    errors = adaptive_errors(
        test,
        shared_coefficients(rows, ORDER),
        RIDGE,
        first=SINE_LENGTH // 2 + 1,
    )
    return {
        "pixels": accuracy,
        "pixels permuted": accuracy,
        "waves": rounded(float(np.mean(errors**2))),
    }


# In the order in which they are run: what is cheap, one of each kind, the dear.
TASKS: dict[str, Task] = {
    **{f"recall {lag}": recall(lag) for lag in (20, 5, 10)},
    "adding 50": adding(50),
    "adding 100": adding(100),
    "waves": waves(steps=1500),
    "pixels": digits(permuted=False, steps=3000),
    "pixels permuted": digits(permuted=True, steps=3000),
    **{f"recall {lag}": recall(lag) for lag in (40, 80)},
    "copy": copying(lag=20, length=5, steps=5000),
    "adding 200": adding(200),
    "adding 400": adding(400, steps=2000),
}
# Tuned from the best rate at half the length on, and run by those who solved
# that; but see `TELLING`.
TWICE = {
    "recall 40": "recall 20",
    "recall 80": "recall 40",
    "adding 100": "adding 50",
    "adding 200": "adding 100",
    "adding 400": "adding 200",
}


# The contenders


def _bias(value: float, block: int) -> Callable[[Any, int, Any], None]:
    """Set one gate's bias: block 1 is an LSTM's forget gate, a GRU's update
    gate (which keeps the old state)."""

    def start(layer: Any, length: int, rng: np.random.Generator) -> None:
        gate = slice(block * layer.hidden_size, (block + 1) * layer.hidden_size)
        for name, array in layer.params.items():
            if name.startswith("b"):
                array[gate] = 0.0
        first = "b" if "b" in layer.params else "b_x"
        layer.params[first][gate] = value

    return start


def _identity(layer: Any, length: int, rng: np.random.Generator) -> None:
    """Start from h_t = f(h_{t-1} + x_t W_x), after Le et al. (2015)."""
    layer.params["W_h"][...] = np.eye(layer.hidden_size)
    layer.params["b"][...] = 0.0


def _orthogonal(layer: Any, length: int, rng: np.random.Generator) -> None:
    """Draw an orthogonal recurrent matrix, uniformly, after Saxe et al."""
    normal = rng.normal(size=layer.params["W_h"].shape)
    q, r = np.linalg.qr(normal)
    layer.params["W_h"][...] = q * np.sign(np.diag(r))


def _chrono(layer: Any, length: int, rng: np.random.Generator) -> None:
    """Draw forget biases ln u, u from U(1, length - 1), and input biases -ln u,
    after Tallec and Ollivier (2018)."""
    hidden = layer.hidden_size
    drawn = np.log(rng.uniform(1, length - 1, hidden))
    layer.params["b"][...] = 0.0
    layer.params["b"][:hidden] = -drawn
    layer.params["b"][hidden : 2 * hidden] = drawn


class Contender(NamedTuple):
    """A cell and what its start changes about the layer's own."""

    cell: str
    start: Callable[[Any, int, np.random.Generator], None] | None = None
    activation: str = "tanh"


CONTENDERS = {
    "tanh RNN": Contender("RNN"),
    "ReLU RNN, identity": Contender("RNN", _identity, "relu"),
    "LSTM, forget bias 1": Contender("LSTM", _bias(1.0, 1)),
    "LSTM, forget bias 3": Contender("LSTM", _bias(3.0, 1)),
    "GRU": Contender("GRU"),
}
FURTHER = {
    "tanh RNN, orthogonal": Contender("RNN", _orthogonal),
    "tanh RNN, identity": Contender("RNN", _identity),
    "LSTM, forget bias 0": Contender("LSTM", _bias(0.0, 1)),
    "LSTM, chrono": Contender("LSTM", _chrono),
    "GRU, update bias 3": Contender("GRU", _bias(3.0, 1)),
}
EVERY = CONTENDERS | FURTHER
# Where everybody runs, the further starts too, and one rate for all is shown.
TELLING = ("recall 20", "adding 100")


class Model:
    """One layer of `utils.scratch` and a dense head, in single precision."""

    def __init__(self, task: Task, contender: Contender, seed: int) -> None:
        rng = np.random.default_rng([seed, 0])
        hidden = equal_hidden_size(
            contender.cell, task.features, task.outputs, PARAMETERS
        )
        layer = {"RNN": RNN, "LSTM": LSTM, "GRU": GRU}[contender.cell]
        options: dict[str, Any] = {"rng": rng, "dtype": np.float32}
        if contender.cell == "RNN":
            options["activation"] = contender.activation
        self.layer: Any = layer(task.features, hidden, **options)
        if contender.start is not None:
            contender.start(self.layer, task.length, rng)
        self.head = Dense(hidden, task.outputs, rng=rng, dtype=np.float32)
        self.every_step = task.every_step
        self.params = [self.layer.params, self.head.params]

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the answers, one a row or one a step."""
        outputs, _ = self.layer.forward(x)
        self._shape = outputs.shape
        return self.head.forward(outputs if self.every_step else outputs[:, -1])

    def backward(self, d_answers: np.ndarray) -> list[dict[str, np.ndarray]]:
        """Return the parameters' gradients, those of the layer first."""
        of_head = self.head.backward(d_answers)
        if self.every_step:
            d_outputs = of_head.x
        else:
            d_outputs = np.zeros(self._shape, np.float32)
            d_outputs[:, -1] = of_head.x
        return [self.layer.backward(d_outputs).params, of_head.params]

    def copied(self) -> list[dict[str, np.ndarray]]:
        """Copy the parameters."""
        return [
            {name: array.copy() for name, array in part.items()}
            for part in self.params
        ]

    def restore(self, kept: list[dict[str, np.ndarray]]) -> None:
        """Write copied parameters back."""
        for part, copy in zip(self.params, kept, strict=True):
            for name, array in part.items():
                array[...] = copy[name]


def loss_and_gradient(
    answers: np.ndarray, targets: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return cross-entropy where targets are classes, else squared error."""
    if np.issubdtype(targets.dtype, np.integer):
        return softmax_cross_entropy(answers, targets)
    return mean_squared_error(answers, targets)


def scores(model: Model, task: Task, rows: Rows) -> dict[str, float]:
    """Return the loss on the steps that count and, of classes, the accuracy
    (of the copy task: that of its letters)."""
    parts = [
        model.forward(rows[0][i : i + CHUNK])
        for i in range(0, len(rows[0]), CHUNK)
    ]
    answers, targets = np.concatenate(parts), rows[1]
    if task.every_step:
        start = task.scored_from
        answers, targets = answers[:, start:], targets[:, start:]
    found = {"loss": loss_and_gradient(answers, targets)[0]}
    if np.issubdtype(targets.dtype, np.integer):
        right = answers.argmax(-1) == targets
        letters = targets != 8 if task.every_step else slice(None)
        found["accuracy"] = float(np.mean(right[letters]))
    return found


# One run, and which comes next


def train(
    task: Task,
    contender: Contender,
    rate: float,
    seed: int,
    ceiling: float = math.inf,
) -> dict[str, Any]:
    """Train one model with Adam and return how it ended.

    `ended` is "solved"; "budget"; "flat", where a task without a goal saw no
    new lowest loss for a while; "not finite", where a loss or a gradient was
    not; or "left behind", where a share of the budget of `ceiling` has gone by
    unsolved. `solved_at` is the step of the first of the two checks that solved
    it, `losses` the validation loss at every check and `best` the lowest; the
    model is left with the weights that had it.
    """
    model = Model(task, contender, seed)
    optimizer = Adam(model.params, rate)
    rng = np.random.default_rng([seed, 1])
    valid, _ = task.valid_and_test()
    losses: list[float] = []
    kept, ended = model.copied(), "budget"
    for step in range(1, task.steps + 1):
        x, y = task.draw(BATCH_SIZE, rng)
        _, d_answers = loss_and_gradient(model.forward(x), y)
        gradients = model.backward(d_answers)
        if not math.isfinite(clip_global_norm(gradients, CLIP)):
            ended = "not finite"
            break
        optimizer.step(gradients)
        if step % STEPS_PER_CHECK:
            continue
        losses.append(rounded(scores(model, task, valid)["loss"]))
        if not math.isfinite(losses[-1]):
            losses.pop()
            ended = "not finite"
            break
        if losses[-1] == min(losses):
            kept = model.copied()
        if task.solved is None:
            since = len(losses) - 1 - losses.index(min(losses))
            if since * STEPS_PER_CHECK >= PATIENCE * task.steps:
                ended = "flat"
                break
        else:
            if len(losses) > 1 and max(losses[-2:]) < task.solved:
                ended = "solved"
                break
            if step / task.steps >= ceiling:
                ended = "left behind"
                break
    model.restore(kept)
    return {
        "model": model,
        "ended": ended,
        "steps": step,
        "solved_at": step - STEPS_PER_CHECK if ended == "solved" else None,
        "best": min(losses, default=None),
        "losses": losses,
    }


class Job(NamedTuple):
    """One run that is still to be made."""

    phase: str
    task: str
    contender: str
    rate: float
    seed: int
    ceiling: float = math.inf

    @property
    def key(self) -> str:
        """Name the run, as the recording does."""
        return (
            f"{self.phase} / {self.task} / {self.contender} / {self.rate:g} / "
            f"{self.seed}"
        )


def run(job: Job) -> dict[str, Any]:
    """Make one run. A fresh seed keeps its curve and is scored on test rows."""
    before = time.process_time()
    task = TASKS[job.task]
    contender = EVERY[job.contender]
    result = train(task, contender, job.rate, job.seed, job.ceiling)
    model = result.pop("model")
    if job.phase == "tuning":
        del result["losses"]
    else:
        tested = scores(model, task, task.valid_and_test()[1])
        result["test"] = {name: rounded(s) for name, s in tested.items()}
    sizes = [a.size for part in model.params for a in part.values()]
    return result | {
        "parameters": sum(sizes),
        "seconds": round(time.process_time() - before, 1),
        "date": datetime.date.today().isoformat(),
    }


NOT_FINITE = 3.0


def badness(task: Task, result: dict[str, Any]) -> float:
    """Say how good a tuning run was; the lowest mean picks the rate.

    The share of the budget that had gone by when it was solved. Of one that was
    not, 1 and its lowest validation loss as a share of the baseline's, at most
    1. `NOT_FINITE` where a loss or gradient was not finite.
    """
    if result["ended"] == "not finite":
        return NOT_FINITE
    if result["ended"] == "solved":
        return result["solved_at"] / task.steps
    return 1 + min(result["best"] / task.baseline, 1)


def untried(best: float, tried: Sequence[float]) -> float | None:
    """Return the rate next below or above the best, unless both are tried."""
    place = RATES.index(best)
    beside = RATES[max(place - 1, 0) : place + 2]
    return next((rate for rate in beside if rate not in tried), None)


def tuned(
    task_name: str, name: str, done: dict[str, Any]
) -> tuple[float | None, Job | None]:
    """Return a contender's best rate, or the tuning run that comes next;
    neither where it waits for that of half the length.

    The first tuning seed runs at each of the three first rates (and at the one
    that was best at half the length) until it solves the task. Once a run has,
    `race` decides. Where none does, or there is no goal, the first seed's best
    rate counts; where no loss stayed finite, the lowest. A neighbour of it that
    is untried is tried too; only one, though, where there is a goal and some
    loss was finite, because unsolved runs differ by little but chance. The
    other seeds then run at the best rate, or, without a goal, at the best two,
    of which the lowest mean is chosen. The neighbours of that are tried in the
    same way.
    """
    task = TASKS[task_name]
    goal = task.solved is not None
    tried = list(FIRST_RATES)
    if half := half_of(task_name, name):
        found, _ = tuned(half, name, done)
        if found is None:
            return None, None
        tried = sorted(
            {*tried, found}, key=lambda rate: abs(math.log(rate / found))
        )
    first, *others = TUNING_SEEDS
    begun_with = len(tried)
    for rate in RATES:  # what was tried once stays on the list
        begun = Job("tuning", task_name, name, rate, first)
        if rate not in tried and begun.key in done:
            tried.append(rate)

    def keys(rates: Sequence[float], seeds: Sequence[int]) -> list[Job]:
        return [
            Job("tuning", task_name, name, rate, seed)
            for rate in rates
            for seed in seeds
        ]

    def lacking(jobs: Sequence[Job]) -> Job | None:
        return next((job for job in jobs if job.key not in done), None)

    def bad(rate: float, seeds: Sequence[int]) -> float:
        jobs = keys([rate], seeds)
        return sum(badness(task, done[job.key]) for job in jobs)

    best: float | None
    job: Job | None
    while True:
        solved = any(map(has_solved(done), keys(tried, TUNING_SEEDS)))
        if solved:
            best, job = race(task_name, name, tried, done)
        else:
            if job := lacking(keys(tried, [first])):
                return None, job
            lost = all(bad(rate, [first]) == NOT_FINITE for rate in tried)
            early = sorted(
                tried, key=lambda rate: rate if lost else bad(rate, [first])
            )
            beside = untried(early[0], tried)
            enough = goal and not lost and len(tried) > begun_with
            if beside and not enough:
                tried.append(beside)
                continue
            finalists = early[: 1 if goal else 2]
            job = lacking(keys(finalists, others))
            if job is None:
                best = min(finalists, key=lambda rate: bad(rate, TUNING_SEEDS))
        if job is not None:
            return None, job
        assert best is not None
        beside = untried(best, tried)
        if beside is None or (goal and not solved):
            return best, None
        tried.append(beside)


def has_solved(done: dict[str, Any]) -> Callable[[Job], bool]:
    """Return what says of a run whether it was made and solved its task."""
    return lambda job: done.get(job.key, {}).get("ended") == "solved"


def race(
    task_name: str, name: str, tried: Sequence[float], done: dict[str, Any]
) -> tuple[float | None, Job | None]:
    """Return the rate with the lowest mean badness on the tuning seeds, or the
    run that comes next.

    Rates at which a run has solved the task come first. A rate is given up, at
    once or in the middle of a run, when no outcome of what it still has to run
    could make it the best: that changes the cost and not the choice.
    """
    task, number = TASKS[task_name], len(TUNING_SEEDS)
    means: dict[float, float] = {}

    def unsolved(rate: float) -> bool:
        jobs = (
            Job("tuning", task_name, name, rate, seed) for seed in TUNING_SEEDS
        )
        return not any(map(has_solved(done), jobs))

    for rate in sorted(tried, key=unsolved):
        total, given_up = 0.0, False
        for seed in TUNING_SEEDS:
            room = number * min(means.values(), default=math.inf)
            job = Job("tuning", task_name, name, rate, seed, room - total)
            if job.ceiling <= 0:
                given_up = True
                break
            if job.key not in done:
                return None, job
            result = done[job.key]
            if result["ended"] == "left behind":
                given_up = True
                break
            total += badness(task, result)
        means[rate] = math.inf if given_up else total / number
    return min(means, key=means.__getitem__), None


def half_of(task: str, name: str) -> str | None:
    """Return the task of half the length, where the contender runs it too."""
    return TWICE.get(task) if name in CONTENDERS else None


def standing(task: str, name: str, done: dict[str, Any]) -> str:
    """Say whether a contender "runs" on a task, "waits" for the tuning of half
    the length, or is "left out" because it solved half the length at no rate.
    """
    half = half_of(task, name)
    if half is None:
        return "runs"
    before = standing(half, name, done)
    if before != "runs":
        return before
    if tuned(half, name, done)[0] is None:
        return "waits"
    start = Job("tuning", half, name, 1.0, 0).key.rpartition(" / 1 / ")[0]
    solved = any(
        run["ended"] == "solved"
        for key, run in done.items()
        if key.startswith(f"{start} / ")
    )
    return "runs" if solved or task in TELLING else "left out"


def contenders(task: str) -> Iterator[str]:
    """Name who may stand trial on a task."""
    yield from CONTENDERS
    if task in TELLING:
        yield from FURTHER


def who(
    task: str, done: dict[str, Any], names: Sequence[str], standings: str
) -> list[str]:
    """Return those of some contenders who stand as named on a task."""
    return [
        name
        for name in contenders(task)
        if name in names and standing(task, name, done) == standings
    ]


def next_job(
    done: dict[str, Any],
    open_tasks: Sequence[str],
    only: Sequence[str] | None = None,
) -> Job | None:
    """Return the next run: of the tasks whose thresholds are committed first,
    each with its tuning and then its fresh seeds; then the tuning of others.

    The further starts come after everything else. `only` names the tasks of
    which a run is wanted; None is all.
    """
    wanted_tasks = [task for task in TASKS if only is None or task in only]
    for names in (list(CONTENDERS), list(FURTHER)):
        for task in [task for task in wanted_tasks if task in open_tasks]:
            rates: dict[str, float] = {}
            for name in who(task, done, names, "runs"):
                best, job = tuned(task, name, done)
                if job is not None:
                    return job
                if best is not None:
                    rates[name] = best
            for seed in SEEDS:
                for name, rate in rates.items():
                    wanted = [rate]
                    if task in TELLING and name in CONTENDERS:
                        wanted = sorted({rate, ONE_RATE})
                    for each in wanted:
                        job = Job("seeds", task, name, each, seed)
                        if job.key not in done:
                            return job
        for task in [task for task in wanted_tasks if task not in open_tasks]:
            for name in who(task, done, names, "runs"):
                _, job = tuned(task, name, done)
                if job is not None:
                    return job
    return None


# The journal


def whole_lines(path: Path) -> bytes:
    """Return a journal's lines, less one that was not finished."""
    text = path.read_bytes() if path.exists() else b""
    return text[: text.rfind(b"\n") + 1]


def mend_journal(path: Path) -> None:
    """Cut off a line that was not finished."""
    if path.exists() and path.read_bytes() != (whole := whole_lines(path)):
        path.write_bytes(whole)


def read_journal(path: Path) -> dict[str, Any]:
    """Return the runs that a journal holds."""
    found: dict[str, Any] = {}
    for line in whole_lines(path).decode("utf-8").splitlines():
        found |= json.loads(line)
    return found


def write_journal(path: Path, key: str, result: dict[str, Any]) -> None:
    """Append one run, in one line."""
    with path.open("a", encoding="utf-8") as journal:
        journal.write(json.dumps({key: result}) + "\n")


def made(path: Path) -> dict[str, Any]:
    """Return the runs of the recording and of a journal, which need not know
    them: where there is none, the recording is gone on with."""
    return recorded("memory").get("runs", {}) | read_journal(path)


def collect(path: Path = JOURNAL) -> None:
    """Copy the journal's runs into the recording."""
    runs = made(path)
    rates: dict[str, dict[str, float]] = {}
    left_out: dict[str, list[str]] = {}
    for task in TASKS:
        for name in who(task, runs, list(EVERY), "runs"):
            best, _ = tuned(task, name, runs)
            if best is not None:
                rates.setdefault(task, {})[name] = best
        if missing := who(task, runs, list(EVERY), "left out"):
            left_out[task] = missing
    results = {
        "steps_per_check": STEPS_PER_CHECK,
        "budgets": {name: task.steps for name, task in TASKS.items()},
        "baselines": {
            name: rounded(task.baseline) for name, task in TASKS.items()
        },
        "references": references(),
        "rates": rates,
        "not run": left_out,
        "runs": runs,
    }
    record("memory", results)


def main() -> None:
    """Run what is missing, until done or out of time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=math.inf)
    parser.add_argument("--only", nargs="+", choices=TASKS, metavar="TASK")
    parser.add_argument("--collect", action="store_true")
    arguments = parser.parse_args()
    if arguments.collect:
        collect()
        return
    # Vanishing gradients are denormal numbers, with which processors are slow.
    torch.set_flush_denormal(True)
    torch.set_num_threads(1)
    started = time.monotonic()
    mend_journal(JOURNAL)
    open_tasks = thresholds_committed(CLAIMS)
    while job := next_job(made(JOURNAL), open_tasks, arguments.only):
        if time.monotonic() - started > 60 * arguments.minutes:
            return
        result = run(job)
        write_journal(JOURNAL, job.key, result)
        shown = {k: v for k, v in result.items() if k != "losses"}
        print(f"{job.key}: {shown}", flush=True)
    done = made(JOURNAL)
    for task in arguments.only or TASKS:
        if waiting := who(task, done, list(EVERY), "waits"):
            print(f"{task} waits for {TWICE[task]}:", ", ".join(waiting))


if __name__ == "__main__":
    main()
