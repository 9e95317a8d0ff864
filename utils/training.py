"""One loop that trains every PyTorch model of the book.

Chapter 01 writes the plain loop out in full; this is the same loop with what a long run needs.

The contract between a model and its data is one line: a batch is a tuple `(*inputs, target)` of
tensors whose first dimension is the batch, and the loop computes
`loss(model(*inputs), target)`. So `(x, y)` feeds `model(x)`, and `(x, lengths, y)` feeds
`model(x, lengths)`. Any iterable that yields such tuples anew each time it is iterated will do:
a `DataLoader`, or a list of batches.
"""

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd
import torch
from lightning_fabric import Fabric
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from torch import Tensor, nn
from tqdm.auto import tqdm

Batches = Iterable[Sequence[Tensor]]
Score = Callable[[Tensor, Tensor], Tensor]


@dataclass
class History:
    """What a run went through, epoch by epoch.

    `rows` holds one dictionary per epoch: `epoch` (from 1), `train_loss`, `valid_loss` and the
    same pair for every metric. `best_epoch` is the epoch whose weights the model now has: the one
    with the lowest validation loss, or the last one where there was no validation set.
    """

    rows: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    steps: int = 0

    @property
    def frame(self) -> pd.DataFrame:
        """The history as a table indexed by epoch."""
        return pd.DataFrame(self.rows).set_index("epoch")

    def plot(self, name: str = "loss", ax: Axes | None = None) -> Axes:
        """Draw a score's training and validation curves and mark the best epoch."""
        axes = plt.subplots()[1] if ax is None else ax
        columns = [c for c in (f"train_{name}", f"valid_{name}") if c in self.frame]
        for column in columns:
            axes.plot(self.frame.index, self.frame[column], label=column.split("_")[0])
        best = self.frame[columns[-1]].loc[self.best_epoch]
        axes.plot(self.best_epoch, best, "o", color="black", label=f"best epoch {self.best_epoch}")
        axes.set(xlabel="epoch", ylabel=name)
        axes.legend()
        return axes


def accuracy(logits: Tensor, target: Tensor) -> Tensor:
    """Return the share of rows whose largest logit, along the last axis, is at the target."""
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
    fabric: Fabric | None = None,
) -> History:
    """Train a model and leave it with its best weights, in evaluation mode, on its own device.

    Args:
        model: called as `model(*inputs)`.
        train: yields batches `(*inputs, target)`, anew each time it is iterated.
        valid: the same for validation; its loss, averaged over rows, picks the best epoch.
        loss: `loss(outputs, target)`, the mean over the batch.
        optimizer: one that holds the model's parameters.
        epochs: the most passes over `train`.
        patience: stop once the validation loss has not fallen for this many epochs.
        clip: scale the gradient down to this global norm where it is longer
            (Pascanu et al., 2013, algorithm 1; derived in chapter 01).
        metrics: named scores `metric(outputs, target)`, each the mean over the batch.
        schedule: a learning-rate schedule, moved on after every step of the optimizer.
        fabric: device, precision and processes; the default takes one accelerator where there is
            one and the CPU otherwise.

    Raises:
        ValueError: `patience` without `valid`, or data that yields no batch.
        FloatingPointError: a loss that is not finite; the message says where and what to do.
    """
    if patience is not None and valid is None:
        raise ValueError("patience needs a validation set: pass valid=, or leave patience out")
    fabric = fabric or Fabric(accelerator="auto", devices=1)
    home = next(model.parameters()).device
    wrapped, wrapped_optimizer = fabric.setup(model, optimizer)
    metrics = dict(metrics or {})
    history = History()
    best_loss, best_weights = math.inf, None

    with _bar(train, epochs) as bar:
        for epoch in range(1, epochs + 1):
            model.train()
            means = _Means()
            for batch in train:
                *inputs, target = fabric.to_device(tuple(batch))
                outputs = wrapped(*inputs)
                value = loss(outputs, target)
                _check_finite(value, f"training loss at epoch {epoch}, step {history.steps + 1}")
                wrapped_optimizer.zero_grad()
                fabric.backward(value)
                if clip is not None:
                    fabric.clip_gradients(wrapped, wrapped_optimizer, max_norm=clip)
                wrapped_optimizer.step()
                if schedule is not None:
                    schedule.step()
                history.steps += 1
                means.add(len(target), loss=value, **_scores(metrics, outputs, target))
                bar.update()
            row = {"epoch": epoch, **means.named("train")}
            if valid is not None:
                scores = evaluate(wrapped, valid, loss=loss, metrics=metrics, fabric=fabric)
                row |= {f"valid_{name}": score for name, score in scores.items()}
            history.rows.append(row)
            bar.set_postfix({name: f"{score:.4g}" for name, score in row.items()})
            if valid is None or row["valid_loss"] < best_loss:
                history.best_epoch = epoch
                if valid is not None:
                    best_loss = row["valid_loss"]
                    best_weights = {k: v.detach().clone() for k, v in model.state_dict().items()}
            elif patience is not None and epoch - history.best_epoch >= patience:
                break

    if best_weights is not None:
        model.load_state_dict(best_weights)
    model.eval()
    model.to(home)
    return history


@torch.no_grad()
def evaluate(
    model: nn.Module,
    data: Batches,
    *,
    loss: Score,
    metrics: Mapping[str, Score] | None = None,
    fabric: Fabric | None = None,
) -> dict[str, float]:
    """Return a model's mean loss and metrics over all rows of the data, by name."""
    model.eval()
    device = next(model.parameters()).device
    means = _Means()
    for batch in data:
        *inputs, target = (tensor.to(device) for tensor in batch)
        outputs = model(*inputs)
        means.add(
            len(target), loss=loss(outputs, target), **_scores(metrics or {}, outputs, target)
        )
    scores = means.values()
    _check_finite(torch.tensor(scores["loss"]), "loss of the evaluated data")
    return scores


class _Means:
    """Means of named scores over all rows of several batches."""

    def __init__(self) -> None:
        self.rows = 0
        self.sums: dict[str, float] = {}

    def add(self, rows: int, **scores: Tensor) -> None:
        self.rows += rows
        for name, score in scores.items():
            self.sums[name] = self.sums.get(name, 0.0) + rows * score.item()

    def values(self) -> dict[str, float]:
        if not self.rows:
            raise ValueError("the data yields no batch: is it empty, or an iterator used up?")
        return {name: total / self.rows for name, total in self.sums.items()}

    def named(self, part: str) -> dict[str, float]:
        return {f"{part}_{name}": value for name, value in self.values().items()}


def _scores(metrics: Mapping[str, Score], outputs: Tensor, target: Tensor) -> dict[str, Tensor]:
    with torch.no_grad():
        return {name: metric(outputs, target) for name, metric in metrics.items()}


def _check_finite(value: Tensor, what: str) -> None:
    if not torch.isfinite(value):
        raise FloatingPointError(
            f"the {what} is {value.item()}: lower the learning rate, clip the gradient "
            "(clip=1.0), or look for NaN in the data"
        )


def _bar(train: Batches, epochs: int) -> tqdm:
    """Show progress in batches per second, unless UNROLLED_PROGRESS=0 asks for silence."""
    total = epochs * len(train) if hasattr(train, "__len__") else None
    silent = os.environ.get("UNROLLED_PROGRESS") == "0"
    return tqdm(total=total, unit=" batches", disable=silent)
