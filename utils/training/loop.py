"""One loop that trains every PyTorch model of the book.

Chapter 01 writes the plain loop out in full; this is the same loop with what a
long run needs.

The contract between a model and its data is one line: a batch is a tuple
`(*inputs, target)` of tensors whose first dimension is the batch, and the loop
computes `loss(model(*inputs), target)`. So `(x, y)` feeds `model(x)`, and
`(x, lengths, y)` feeds `model(x, lengths)`. Any iterable that yields such
tuples anew each time it is iterated will do: a `DataLoader`, or a list of
batches.
"""

import itertools
import math
import os
from collections.abc import (
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
    Sized,
)
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from torch import Tensor, nn
from tqdm.auto import tqdm

from utils.training.checkpoints import (
    CheckpointError,
    load_checkpoint,
    save_checkpoint,
)
from utils.training.device import quieten_lightning, training_device

# How many steps an accelerator may run ahead of the losses that are looked at.
LOG_INTERVAL = 50

Batches = Iterable[Sequence[Tensor]]
Score = Callable[[Tensor, Tensor], Tensor]


@dataclass
class History:
    """What a run went through, epoch by epoch.

    `rows` holds one dictionary per epoch: `epoch` (from 1), `train_loss`,
    `valid_loss` and the same pair for every metric. `best_epoch` is the epoch
    whose weights the model now has: the one with the lowest validation loss, or
    the last one where there was no validation set.
    """

    rows: list[dict[str, int | float]] = field(default_factory=list)
    best_epoch: int = 0
    steps: int = 0

    @property
    def frame(self) -> pd.DataFrame:
        """The history as a table indexed by epoch."""
        return pd.DataFrame(self.rows).set_index("epoch")

    def plot(self, name: str = "loss", ax: Axes | None = None) -> Axes:
        """Draw a score's training and validation curves and mark the best
        epoch."""
        axes = plt.subplots()[1] if ax is None else ax
        columns = [
            c for c in (f"train_{name}", f"valid_{name}") if c in self.frame
        ]
        for column in columns:
            axes.plot(
                self.frame.index, self.frame[column], label=column.split("_")[0]
            )
        best = self.frame[columns[-1]].loc[self.best_epoch]
        axes.plot(
            self.best_epoch,
            best,
            "o",
            color="black",
            label=f"best epoch {self.best_epoch}",
        )
        axes.set(xlabel="epoch", ylabel=name)
        axes.legend()
        return axes


def accuracy(logits: Tensor, target: Tensor) -> Tensor:
    """Return the share of rows whose largest logit, along the last axis, is
    at the target."""
    return (logits.argmax(-1) == target).float().mean()


def fit(
    model: nn.Module,
    train: Batches,
    valid: Batches | None = None,
    *,
    loss: Score,
    optimizer: torch.optim.Optimizer,
    epochs: int,
    patience: int | None = None,
    clip: float | None = None,
    metrics: Mapping[str, Score] | None = None,
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int | None = None,
    fabric: Fabric | None = None,
) -> History:
    """Train a model and leave it with its best weights, in evaluation mode, on
    its own device.

    With `checkpoint`, the run is saved after every epoch and continues from the
    last save when the same call is made again. On the CPU it then ends bit for
    bit where it would have ended without the interruption: the weights, the
    optimizer, the schedule, early stopping, the best weights, the place within
    the epoch and the random states of torch, NumPy and the data
    (`train.generator`, `train.sampler.generator` or `train.rng`) all come back.
    Of an accelerator's own random numbers nothing is kept.

    On an accelerator the losses stay there and are looked at every
    `LOG_INTERVAL` steps, because each look waits for the device; one that is
    not finite is then reported with its own step.

    With several processes (launch `fabric` first), every process takes its
    share of each batch, so the batch size and the result, up to rounding, stay
    those of one process.

    Args:
        model: called as `model(*inputs)`.
        train: yields batches `(*inputs, target)`, anew each time it is
            iterated.
        valid: the same for validation; its loss, averaged over rows, picks the
            best epoch.
        loss: `loss(outputs, target)`, the mean over the batch.
        optimizer: one that holds the model's parameters.
        epochs: the most passes over `train`.
        patience: stop once the validation loss has not fallen for this many
            epochs.
        clip: scale the gradient down to this global norm where it is longer
            (Pascanu et al., 2013, algorithm 1; derived in chapter 01).
        metrics: named scores `metric(outputs, target)`, each the mean over the
            batch.
        schedule: a learning-rate schedule, moved on after every step of the
            optimizer.
        checkpoint: a folder for this run's checkpoints.
        checkpoint_every: save after every so many steps too.
        fabric: device, precision and processes; the default is one process on
            the device of `utils.training.device.training_device`.

    Raises:
        ValueError: `patience` without `valid`, or data that yields no batch.
        FloatingPointError: a loss that is not finite; the message says where
            and what to do.
        CheckpointError: a checkpoint that is damaged or belongs to another
            model or optimizer.
    """
    if patience is not None and valid is None:
        raise ValueError(
            "patience needs a validation set: pass valid=, or leave patience "
            "out"
        )
    quieten_lightning()
    fabric = fabric or Fabric(accelerator=training_device(), devices=1)
    home = next(model.parameters()).device
    wrapped, wrapped_optimizer = fabric.setup(model, optimizer)
    run = _Run(model, optimizer, schedule, train, fabric.device)
    if checkpoint is not None:
        run.restore(checkpoint)
    run.set_random(fabric.broadcast(run.random()))
    history, metrics = run.history, dict(metrics or {})

    with _bar(train, epochs, history.steps) as bar:
        while run.epoch <= epochs and not run.stale(patience):
            wrapped.train()
            for batch in run.batches():
                *inputs, target = fabric.to_device(_share(batch, fabric))
                outputs = wrapped(*inputs)
                value = loss(outputs, target)
                run.note(
                    len(target),
                    {"loss": value, **_scores(metrics, outputs, target)},
                )
                wrapped_optimizer.zero_grad()
                # Processes average their gradients; the weight makes that the
                # mean over all rows.
                fabric.backward(
                    value * (len(target) * fabric.world_size / len(batch[-1]))
                )
                if clip is not None:
                    fabric.clip_gradients(
                        wrapped, wrapped_optimizer, max_norm=clip
                    )
                wrapped_optimizer.step()
                if schedule is not None:
                    schedule.step()
                run.count()
                bar.update()
                if (
                    checkpoint_every is not None
                    and history.steps % checkpoint_every == 0
                ):
                    run.save(checkpoint, fabric)
            row = {
                f"train_{name}": score
                for name, score in run.settle().over(fabric).items()
            }
            if valid is not None:
                scores = fabric.broadcast(
                    evaluate(wrapped, valid, loss=loss, metrics=metrics)
                )
                _check_finite(
                    scores["loss"], f"validation loss at epoch {run.epoch}"
                )
                row |= {
                    f"valid_{name}": score for name, score in scores.items()
                }
            run.end_epoch(row)
            bar.set_postfix(
                {name: f"{score:.4g}" for name, score in row.items()}
            )
            run.save(checkpoint, fabric)

    if run.best_weights is not None:
        model.load_state_dict(run.best_weights)
    model.eval()
    if fabric.device != home:
        model.to(home)
        _move_state(optimizer, home)
    return history


@torch.no_grad()
def evaluate(
    model: nn.Module,
    data: Batches,
    *,
    loss: Score,
    metrics: Mapping[str, Score] | None = None,
) -> dict[str, float]:
    """Return a model's mean loss and metrics over all rows of the data, by
    name.

    The model is left in evaluation mode.

    Raises:
        ValueError: the data yields no batch.
    """
    model.eval()
    device = next(model.parameters()).device
    taken: list[_Step] = []
    for batch in data:
        *inputs, target = (tensor.to(device) for tensor in batch)
        outputs = model(*inputs)
        scores = {
            "loss": loss(outputs, target),
            **_scores(metrics or {}, outputs, target),
        }
        taken.append(_Step(len(target), scores))
    means = _Means()
    for rows, fetched in _fetch(taken):
        means.add(rows, fetched)
    return means.over()


class _Run:
    """What an interrupted run needs to continue as if nothing had happened."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler | None,
        train: Batches,
        device: torch.device,
    ):
        self.model, self.optimizer, self.schedule, self.train = (
            model,
            optimizer,
            schedule,
            train,
        )
        sampler = getattr(train, "sampler", None)
        found = [
            getattr(train, "generator", None),
            getattr(sampler, "generator", None),
        ]
        found.append(getattr(train, "rng", None))
        self.generators = list(
            {id(each): each for each in found if each is not None}.values()
        )
        self.history = History()
        self.means = _Means()
        self.waiting: list[_Step] = []
        # On the CPU a look costs nothing, and comes before the step is taken.
        self.interval = 1 if device.type == "cpu" else LOG_INTERVAL
        self.epoch, self.batch = 1, 0
        self.best_loss = math.inf
        self.best_weights: dict[str, Tensor] | None = None
        self.random_at_epoch_start = self.random()

    def random(self) -> dict[str, Any]:
        """Return the states of every source of random numbers on the CPU."""
        state: Any = np.random.get_state()
        name, key, *rest = state
        return {
            "torch": torch.get_rng_state(),
            "numpy": [name, key.tolist(), *rest],
            "data": [
                each.get_state()
                if isinstance(each, torch.Generator)
                else each.bit_generator.state
                for each in self.generators
            ],
        }

    def set_random(self, states: dict[str, Any]) -> None:
        """Put every source of random numbers back where `random` found it."""
        torch.set_rng_state(states["torch"])
        np.random.set_state(tuple(states["numpy"]))
        for each, state in zip(self.generators, states["data"], strict=True):
            if isinstance(each, torch.Generator):
                each.set_state(state)
            else:
                each.bit_generator.state = state

    def batches(self) -> Iterator[Sequence[Tensor]]:
        """Yield the batches of an epoch that are still to come."""
        now = self.random()
        if self.batch == 0:
            self.random_at_epoch_start = now
        # The order of the data was drawn when the epoch began: draw it again,
        # then move on.
        self.set_random(self.random_at_epoch_start)
        iterator = iter(self.train)
        skipped = sum(1 for _ in itertools.islice(iterator, self.batch))
        if skipped < self.batch:
            raise CheckpointError(
                f"the checkpoint stands after batch {self.batch} of an "
                "epoch, but the data ends "
                f"after {skipped}: give the data it was trained on, or an "
                "empty folder"
            )
        if self.batch:
            self.set_random(now)
        yield from iterator

    def note(self, rows: int, scores: Mapping[str, Tensor]) -> None:
        """Keep a step's scores, and look at them at every log interval."""
        step = self.history.steps + 1
        self.waiting.append(_Step(rows, scores, step))
        if len(self.waiting) >= self.interval:
            self.settle()

    def settle(self) -> "_Means":
        """Fetch the scores that wait on the device, and return the means.

        Raises:
            FloatingPointError: a loss among them is not finite.
        """
        for step, (rows, scores) in zip(
            self.waiting, _fetch(self.waiting), strict=True
        ):
            _check_finite(
                scores["loss"],
                f"training loss at epoch {self.epoch}, step {step.number}",
            )
            self.means.add(rows, scores)
        self.waiting = []
        return self.means

    def count(self) -> None:
        """Take note that a step was taken."""
        self.batch += 1
        self.history.steps += 1

    def end_epoch(self, row: dict[str, float]) -> None:
        """Take note of an epoch, and of the weights where they are the best
        so far."""
        self.history.rows.append({"epoch": self.epoch, **row})
        if "valid_loss" not in row:
            self.history.best_epoch = self.epoch
        elif row["valid_loss"] < self.best_loss:
            self.history.best_epoch, self.best_loss = (
                self.epoch,
                row["valid_loss"],
            )
            weights = self.model.state_dict()
            self.best_weights = {
                name: value.clone() for name, value in weights.items()
            }
        self.epoch, self.batch, self.means = self.epoch + 1, 0, _Means()

    def stale(self, patience: int | None) -> bool:
        """Say whether the last `patience` epochs brought no better
        validation loss."""
        return (
            patience is not None
            and self.epoch - 1 - self.history.best_epoch >= patience
        )

    def save(self, folder: str | Path | None, fabric: Fabric) -> None:
        """Write a checkpoint, from the first process alone, unless there is
        no folder for it."""
        if folder is None:
            return
        self.settle()
        if fabric.is_global_zero:
            state = {
                "model": self.model.state_dict(),
                "optimizer": {
                    type(self.optimizer).__name__: self.optimizer.state_dict()
                },
                "schedule": None
                if self.schedule is None
                else self.schedule.state_dict(),
                "history": vars(self.history),
                "means": vars(self.means),
                "epoch": self.epoch,
                "batch": self.batch,
                "best_loss": self.best_loss,
                "best_weights": self.best_weights,
                "random": self.random(),
                "random_at_epoch_start": self.random_at_epoch_start,
            }
            save_checkpoint(folder, state)
        fabric.barrier()

    def restore(self, folder: str | Path) -> None:
        """Continue from the folder's newest checkpoint, if it has one."""
        state = load_checkpoint(folder)
        if state is None:
            return
        _check_same_model(self.model.state_dict(), state["model"], folder)
        name = type(self.optimizer).__name__
        if name not in state["optimizer"]:
            raise CheckpointError(
                f"{folder} was trained with "
                f"{next(iter(state['optimizer']))}, not {name}; "
                "give that optimizer or an empty folder"
            )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"][name])
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])
        self.history = History(**state["history"])
        vars(self.means).update(state["means"])
        self.epoch, self.batch = state["epoch"], state["batch"]
        self.best_loss, self.best_weights = (
            state["best_loss"],
            state["best_weights"],
        )
        self.random_at_epoch_start = state["random_at_epoch_start"]
        self.set_random(state["random"])


@dataclass(frozen=True)
class _Step:
    """A step's scores, which stay on their device until they are fetched."""

    rows: int
    scores: Mapping[str, Tensor]
    number: int = 0


def _fetch(steps: Sequence[_Step]) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield the rows and scores of steps, having waited once for each name."""
    names = steps[0].scores if steps else ()
    values = {
        name: torch.stack([step.scores[name].detach() for step in steps])
        for name in names
    }
    columns = {name: value.tolist() for name, value in values.items()}
    for place, step in enumerate(steps):
        yield step.rows, {name: columns[name][place] for name in columns}


class _Means:
    """Means of named scores over all rows of several batches."""

    def __init__(self) -> None:
        self.rows = 0
        self.sums: dict[str, float] = {}

    def add(self, rows: int, scores: Mapping[str, float]) -> None:
        self.rows += rows
        for name, score in scores.items():
            self.sums[name] = self.sums.get(name, 0.0) + rows * score

    def over(self, fabric: Fabric | None = None) -> dict[str, float]:
        """Return the means, over all processes where there are several."""
        rows, sums = self.rows, self.sums
        if fabric is not None and fabric.world_size > 1:
            parts = torch.tensor([rows, *sums.values()], dtype=torch.float64)
            totals: Any = fabric.all_reduce(parts, reduce_op="sum")
            rows, *values = totals.tolist()
            sums = dict(zip(sums, values, strict=True))
        if not rows:
            raise ValueError(
                "the data yields no batch: is it empty, or an iterator used up?"
            )
        return {name: total / rows for name, total in sums.items()}


def _share(batch: Sequence[Tensor], fabric: Fabric) -> tuple[Tensor, ...]:
    """Return this process's rows of a batch."""
    if len(batch[-1]) < fabric.world_size:
        raise ValueError(
            f"a batch of {len(batch[-1])} rows cannot be shared by "
            f"{fabric.world_size} processes: "
            "make batches larger, or drop the last one"
        )
    return tuple(
        tensor[fabric.global_rank :: fabric.world_size] for tensor in batch
    )


def _scores(
    metrics: Mapping[str, Score], outputs: Tensor, target: Tensor
) -> dict[str, Tensor]:
    with torch.no_grad():
        return {
            name: metric(outputs, target) for name, metric in metrics.items()
        }


def _move_state(optimizer: torch.optim.Optimizer, home: torch.device) -> None:
    """Let an optimizer's own tensors follow its parameters."""
    for state in optimizer.state.values():
        for name, value in state.items():
            if isinstance(value, Tensor):
                state[name] = value.to(home)


def _check_finite(value: float, what: str) -> None:
    if not math.isfinite(value):
        raise FloatingPointError(
            f"the {what} is {value}: lower the learning rate, clip the "
            "gradient "
            "(clip=1.0), or look for NaN in the data"
        )


def _check_same_model(
    here: Mapping[str, Tensor], there: Mapping[str, Tensor], folder: str | Path
) -> None:
    """Refuse the weights of another model, naming the first that differs."""

    def describe(weights: Mapping[str, Tensor], name: str) -> str:
        if name not in weights:
            return "absent"
        return f"{weights[name].dtype} {tuple(weights[name].shape)}"

    for name in {**here, **there}:
        if describe(here, name) != describe(there, name):
            raise CheckpointError(
                f"{folder} belongs to another model: {name} is "
                f"{describe(there, name)} there and "
                f"{describe(here, name)} here; give that model or an empty "
                "folder"
            )


def _bar(train: Batches, epochs: int, done: int) -> tqdm:
    """Show progress in batches per second, unless UNROLLED_PROGRESS=0 asks
    for silence."""
    total = epochs * len(train) if isinstance(train, Sized) else None
    silent = os.environ.get("UNROLLED_PROGRESS") == "0"
    return tqdm(total=total, initial=done, unit=" batches", disable=silent)
