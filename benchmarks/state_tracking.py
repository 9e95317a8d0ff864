"""Who keeps track of a state? Products in a group, far past training.

    python -m benchmarks.state_tracking [S2 S3 S5] [--minutes 30]

The input names one permutation of n things at each step, the target is the
product of all so far: with n = 2 that is parity (two elements, "keep" and
"swap"), with n = 3 there are six elements and their order matters. With n = 5
each step exchanges two things, one of ten ways, and the target is which thing
is at each of the five places; right is only who knows all five. These
exchanges generate all 120 elements of S5. A contender's learning rate is chosen
on three seeds of its own, by its accuracy up to `tuned_at` steps; the grid
grows by a factor of three while the best rate lies at its edge, within `RATES`.
Then five fresh seeds run once. (In S5 one rate, S3's, is given to all.)

Every run is saved as it ends, and what is recorded is not repeated. Chapter 12
shows the results.
"""

import argparse
import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from statistics import mean
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from benchmarks.record import record, recorded
from utils.recurrences.pytorch import LAYERS, SequenceClassifier, equal_width

# A name in `utils.recurrences.pytorch.LAYERS` and a number of layers; 0 is the
# task's own: one reflection a step is parity, but S3 needs two.
CONTENDERS: dict[str, tuple[str, int]] = {
    "RNN": ("RNN", 1),
    "LSTM": ("LSTM", 1),
    "GRU": ("GRU", 1),
    "minGRU, 1 layer": ("minGRU", 1),
    "minGRU, 2 layers": ("minGRU", 2),
    "LRU, 2 layers": ("LRU", 2),
    "selective scan, 2 layers": ("selective scan", 2),
    "transformer, 2 layers": ("attention", 2),
    "delta rule": ("delta rule", 0),
    "negative delta rule": ("delta rule, negative", 0),
}
RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
FIRST_RATES = RATES[2:5]
TUNING_SEEDS = (100, 101, 102)
SEEDS = range(5)
WARM_UP = 50
CURVE_EVERY = 50
ROWS = 200

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Task:
    """Products of permutations of n things, and the means each contender gets.

    Training rows have 1 to `longest` steps; accuracy is tested over the last
    `window` steps before each length of `tested_at`. With `swaps` each step
    exchanges two things and the answer has n parts, else it is one element.
    With a `rate` nobody is tuned.
    """

    n: int
    longest: int
    steps: int
    batch_size: int
    parameters: int
    tuned_at: int
    tested_at: tuple[int, ...]
    delta_layers: int
    contenders: tuple[str, ...] = tuple(CONTENDERS)
    swaps: bool = False
    window: int = 10
    rate: float | None = None

    @property
    def elements(self) -> int:
        """The size of the group."""
        return math.factorial(self.n)

    @cached_property
    def moves(self) -> Tensor:
        """The elements that a step may be."""
        if not self.swaps:
            return torch.arange(self.elements)
        moved = [
            sum(i != j for i, j in enumerate(element))
            for element in itertools.permutations(range(self.n))
        ]
        return torch.tensor(moved).eq(2).nonzero().flatten()

    @cached_property
    def answers(self) -> Tensor:
        """What is asked of each element (elements, parts), as class numbers."""
        if not self.swaps:
            return torch.arange(self.elements)[:, None]
        return torch.tensor([*itertools.permutations(range(self.n))])

    @property
    def options(self) -> int:
        """How many classes each part of an answer has."""
        return self.n if self.swaps else self.elements


# The rate is what S3's tuning chose for the GRU. Nobody is tuned for S5: its
# runs show what was learned, and are no comparison.
S5 = Task(
    n=5,
    longest=12,
    steps=1000,
    batch_size=64,
    parameters=40_000,
    tuned_at=24,
    tested_at=(12, 24, 48, 96),
    delta_layers=1,
    contenders=("GRU", "delta rule", "negative delta rule"),
    swaps=True,
    window=4,
    rate=0.01,
)
TASKS = {
    "S2": Task(2, 40, 400, 64, 4_000, 100, (40, 100, 500, 1000), 1),
    "S3": Task(3, 16, 600, 64, 12_000, 64, (16, 64, 256), 2),
    "S5": S5,
}


@cache
def product_table(n: int) -> Tensor:
    """Return the group's table: entry [a, b] is the element `a after b`."""
    elements = list(itertools.permutations(range(n)))
    index = {element: i for i, element in enumerate(elements)}
    return torch.tensor(
        [[index[tuple(a[j] for j in b)] for b in elements] for a in elements]
    )


def draw(task: Task, rows: int, length: int, rng: torch.Generator) -> Batch:
    """Draw moves (rows, length), one-hot, and their running products."""
    table = product_table(task.n)
    moves = torch.randint(len(task.moves), (rows, length), generator=rng)
    elements = task.moves[moves]
    products = [elements[:, 0]]
    for t in range(1, length):
        products.append(table[products[-1], elements[:, t]])
    return one_hot(moves, len(task.moves)).float(), torch.stack(products, 1)


def logits_by_part(model: nn.Module, task: Task, x: Tensor) -> Tensor:
    """Return logits (rows, length, parts, options)."""
    return model(x).unflatten(-1, (-1, task.options))


def build(task: Task, contender: str, seed: int) -> SequenceClassifier:
    """Make a contender as near to the task's number of parameters as can be."""
    name, num_layers = CONTENDERS[contender]
    layer = LAYERS[name]
    num_layers = num_layers or task.delta_layers
    sizes = len(task.moves), task.answers.shape[1] * task.options
    width = equal_width(layer, *sizes, num_layers, task.parameters)
    torch.manual_seed(seed)
    return SequenceClassifier(layer, sizes[0], width, sizes[1], num_layers)


@torch.no_grad()
def hits(model: nn.Module, task: Task, length: int, seed: int) -> Tensor:
    """Return how often each of `length` steps is right in fresh rows."""
    rng = torch.Generator().manual_seed(seed)
    x, y = draw(task, ROWS, length, rng)
    answers = torch.cat(
        [logits_by_part(model, task, part).argmax(-1) for part in x.split(20)]
    )
    return (answers == task.answers[y]).all(-1).float().mean(0)


def descend(
    model: nn.Module,
    loss_of_batch: Callable[[], Tensor],
    rate: float,
    steps: int,
) -> Iterator[float]:
    """Train with Adam on one fresh batch a step, and yield the loss of each.

    The rate warms up, then falls to zero in a straight line.
    """
    optimizer = torch.optim.Adam(model.parameters(), rate, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda k: min(1, (k + 1) / WARM_UP) * (1 - k / steps)
    )
    for _ in range(steps):
        loss = loss_of_batch()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        yield loss.item()


def learn(
    model: nn.Module, task: Task, rate: float, seed: int
) -> Iterator[float]:
    """Train on rows of 1 to `longest` steps; yield the loss of each batch."""
    rng = torch.Generator().manual_seed(seed)

    def loss_of_batch() -> Tensor:
        length = int(torch.randint(1, task.longest + 1, (1,), generator=rng))
        x, y = draw(task, task.batch_size, length, rng)
        logits = logits_by_part(model, task, x)
        return cross_entropy(logits.flatten(0, 2), task.answers[y].flatten())

    return descend(model, loss_of_batch, rate, task.steps)


def curve(losses: Sequence[float]) -> list[float]:
    """Return the mean loss of every `CURVE_EVERY` steps."""
    parts = range(0, len(losses), CURVE_EVERY)
    return [round(mean(losses[i : i + CURVE_EVERY]), 4) for i in parts]


def train(task: Task, contender: str, rate: float, seed: int) -> dict[str, Any]:
    """Train one contender, and score it as tuning or as a fresh seed."""
    model = build(task, contender, seed)
    started = time.process_time()
    losses = list(learn(model, task, rate, seed))
    seconds = time.process_time() - started
    tuning = seed in TUNING_SEEDS
    right = hits(
        model.eval(),
        task,
        task.tuned_at if tuning else max(task.tested_at),
        seed + 1000,
    )
    scores = (
        {"score": round(right.mean().item(), 4)}
        if tuning
        else {
            "accuracy": {
                str(t): round(right[t - task.window : t].mean().item(), 4)
                for t in task.tested_at
            }
        }
    )
    return {
        "rate": rate,
        "parameters": sum(p.numel() for p in model.parameters()),
        "steps": task.steps,
        "seconds": round(seconds, 1),
        "loss": curve(losses),
        **scores,
    }


def chosen_rate(
    tuned: Mapping[str, Any], contender: str
) -> tuple[float | None, float | None]:
    """Return (the best rate, None), or (None, the rate to try next).

    Best is the highest mean score over the tuning seeds, to three decimals,
    and between equals the lowest last loss.
    """

    def quality(rate: float) -> tuple[float, float]:
        runs = [tuned[key(contender, rate, seed)] for seed in TUNING_SEEDS]
        return (
            round(mean(run["score"] for run in runs), 3),
            -mean(run["loss"][-1] for run in runs),
        )

    def done(rate: float) -> bool:
        return all(key(contender, rate, s) in tuned for s in TUNING_SEEDS)

    for rate in FIRST_RATES:
        if not done(rate):
            return None, rate
    best = max(filter(done, RATES), key=quality)
    place = RATES.index(best)
    for neighbour in RATES[max(place - 1, 0) : place + 2]:
        if not done(neighbour):
            return None, neighbour
    return best, None


def key(*parts: object) -> str:
    """Name a run in the record."""
    return " / ".join(map(str, parts))


def missing(
    contenders: Iterable[str],
    results: Mapping[str, Any],
    rate_of_all: float | None = None,
) -> Iterator[tuple[str, str, tuple[str, float, int]]]:
    """Yield (part of the record, key, (contender, rate, seed)) of what to run.

    All contenders are tuned first, unless they are given a rate; then the fresh
    seeds run, one for each.
    """
    for contender in () if rate_of_all else contenders:
        while (
            rate := chosen_rate(results["tuning"], contender)[1]
        ) is not None:
            for seed in TUNING_SEEDS:
                name = key(contender, rate, seed)
                if name not in results["tuning"]:
                    yield "tuning", name, (contender, rate, seed)
    for seed in SEEDS:
        for contender in contenders:
            name = key(contender, seed)
            if name not in results["runs"]:
                best = rate_of_all
                if best is None:
                    best, _ = chosen_rate(results["tuning"], contender)
                assert best is not None
                yield "runs", name, (contender, best, seed)


def train_missing(
    file: str,
    contenders: Iterable[str],
    train: Callable[[str, float, int], dict[str, Any]],
    end: float,
    rate_of_all: float | None = None,
) -> None:
    """Run what a record misses, saving after each run, until a time."""
    results = recorded(file) or {"tuning": {}, "runs": {}}
    for part, name, means in missing(contenders, results, rate_of_all):
        if time.monotonic() > end:
            break
        run = train(*means)
        results[part][name] = run
        record(file, results)
        print(
            f"{file}, {name}: loss {run['loss'][-1]}, "
            f"{run.get('score', run.get('accuracy'))}, {run['seconds']} s",
            flush=True,
        )


def main() -> None:
    """Run what is missing, saving after each run, until done or out of time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", nargs="*", choices=TASKS, default=[*TASKS])
    parser.add_argument("--minutes", type=float, default=math.inf)
    arguments = parser.parse_args()
    torch.set_flush_denormal(True)
    end = time.monotonic() + 60 * arguments.minutes
    for name in arguments.tasks:
        task = TASKS[name]
        train_missing(
            f"state_tracking_{name}",
            task.contenders,
            partial(train, task),
            end,
            task.rate,
        )


if __name__ == "__main__":
    main()
