"""Several processes train one model: a small one to try it with, and what
limits it.

    python -m utils.speed.parallel --processes 2 --out FOLDER

trains on the CPU of this machine, in FOLDER, and continues there after an
interruption. Each process takes its rows of every batch, and all average their
gradients, so that the weights are those of one process. `--kill`, which tests
what happens when one of them dies, needs Linux or macOS.
"""

import argparse
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from utils.training import History, fit
from utils.training.device import quieten_lightning

ROWS, TIME, BATCH_SIZE, HIDDEN = 256, 20, 32, 16


class Adder(nn.Module):
    """A GRU that adds up the numbers of a sequence, in float64."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(1, HIDDEN, batch_first=True)
        self.head = nn.Linear(HIDDEN, 1)
        self.double()

    def forward(self, x: Tensor) -> Tensor:
        """Return a sum for each row of x (batch, time, 1)."""
        return self.head(self.gru(x)[0][:, -1])


class Mortal:
    """Batches of random numbers and their sums; one process dies on the way.

    Args:
        dies_at: the step, counted from 1, before which this process kills
            itself with SIGKILL; never, if None. Needs Linux or macOS.
    """

    def __init__(self, dies_at: int | None = None) -> None:
        draw = torch.Generator().manual_seed(0)
        self.x = torch.rand(ROWS, TIME, 1, generator=draw, dtype=torch.double)
        self.dies_at, self.step = dies_at, 0

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches of an epoch."""
        for x in self.x.split(BATCH_SIZE):
            self.step += 1
            if self.step == self.dies_at:
                os.kill(os.getpid(), signal.SIGKILL)
            yield x, x.sum(1)


def cpu_processes(count: int) -> Fabric:
    """Return a `Fabric` of so many processes on this machine's CPU.

    `launch()` starts the others by running this program once more, which
    works on every system, where forking does not.
    """
    strategy = DDPStrategy(start_method="popen") if count > 1 else "auto"
    return Fabric(accelerator="cpu", devices=count, strategy=strategy)


def train_adder(
    fabric: Fabric,
    epochs: int = 3,
    checkpoint: str | Path | None = None,
    dies_at: int | None = None,
) -> tuple[Adder, History]:
    """Train an `Adder`, the same whatever the number of processes."""
    torch.manual_seed(0)
    model = Adder()
    history = fit(
        model,
        Mortal(dies_at),
        loss=mse_loss,
        optimizer=torch.optim.Adam(model.parameters(), lr=0.01),
        epochs=epochs,
        checkpoint=checkpoint,
        checkpoint_every=None if checkpoint is None else 5,
        fabric=fabric,
    )
    return model, history


class Network(NamedTuple):
    """What a message between two workers costs.

    `latency` seconds each, and `bandwidth` bytes a second.
    """

    latency: float
    bandwidth: float


def step_seconds(
    workers: int, compute: float, bytes_: float, network: Network
) -> float:
    """Predict the seconds of one step of a fixed global batch.

    compute / n + 2 (n - 1) latency + 2 (n - 1) / n * bytes / bandwidth: each
    worker computes its share, then a ring of n sums the gradients in 2 (n - 1)
    messages of 1/n of the bytes. It assumes that the share's time shrinks with
    its rows, that nothing overlaps, and that workers wait for nobody.
    """
    n = workers
    messages = 2 * (n - 1)
    return (
        compute / n
        + messages * network.latency
        + messages / n * bytes_ / network.bandwidth
    )


def main() -> None:
    """Train as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kill", type=int, help="this process dies")
    parser.add_argument("--at", type=int, default=12, help="before this step")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    fabric = cpu_processes(arguments.processes)
    quieten_lightning()
    fabric.launch()
    dies = arguments.at if arguments.kill == fabric.global_rank else None
    checkpoints = arguments.out / "checkpoints"
    model, _ = train_adder(fabric, arguments.epochs, checkpoints, dies)
    if fabric.is_global_zero:
        save_file(model.state_dict(), arguments.out / "weights.safetensors")


if __name__ == "__main__":
    main()
