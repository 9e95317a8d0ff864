"""One process against two: a step of training, and what the gradients cost.

    python -m benchmarks.scaling

Three minutes on a quiet machine of two cores. Every round starts each number of
processes anew, one after the other; a figure is the median of `STEPS` steps
within a round. Strong scaling keeps the batch, weak scaling keeps the rows of
each process.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import torch
from torch.nn.functional import mse_loss

from benchmarks.record import record
from utils.speed.export import ReadLast
from utils.speed.parallel import cpu_processes
from utils.training.device import quieten_lightning

ROUNDS, STEPS, WARM_UP = 5, 15, 3
# batch, time, input, hidden
MODELS = {"small": (32, 20, 8, 16), "large": (64, 50, 64, 256)}
BYTES = (4096, 65536, 2**20, 2**24)


def milliseconds(work: Callable[[], Any], steps: int = STEPS) -> float:
    """Return the median time of so many calls, after a few untimed ones."""
    taken = []
    for step in range(-WARM_UP, steps):
        before = time.perf_counter()
        work()
        if step >= 0:
            taken.append(1000 * (time.perf_counter() - before))
    return round(median(taken), 4)


def step_of(
    fabric: Any, size: tuple[int, int, int, int], global_batch: int
) -> tuple[Callable[[], None], int]:
    """Return one step of training on this process's share of a batch, and the
    bytes of its gradients."""
    _, length, inputs, hidden = size
    torch.manual_seed(0)
    model = ReadLast(inputs, hidden, 1)
    wrapped, optimizer = fabric.setup(
        model, torch.optim.SGD(model.parameters(), lr=1e-3)
    )
    rows = global_batch // fabric.world_size
    x = torch.randn(rows, length, inputs)
    y = torch.randn(rows, length, 1)

    def step() -> None:
        optimizer.zero_grad()
        fabric.backward(mse_loss(wrapped(x), y))
        optimizer.step()

    return step, sum(p.numel() * 4 for p in model.parameters())


def work(processes: int, steps: int) -> dict[str, Any] | None:
    """Measure within `processes` processes; the first returns the result."""
    quieten_lightning()
    fabric: Any = cpu_processes(processes)
    fabric.launch()
    found: dict[str, Any] = {"step": {}, "bytes": {}, "all_reduce": {}}
    for name, size in MODELS.items():
        batch = size[0]
        step, found["bytes"][name] = step_of(fabric, size, batch)
        found["step"][f"{name}, same batch"] = milliseconds(step, steps)
        if processes > 1:
            step, _ = step_of(fabric, size, batch * processes)
            found["step"][f"{name}, same rows each"] = milliseconds(step, steps)
        else:
            torch.set_num_threads(2)
            found["step"][f"{name}, two threads"] = milliseconds(step, steps)
            torch.set_num_threads(1)
    for count in BYTES if processes > 1 else ():
        message = torch.zeros(count // 4)
        found["all_reduce"][str(count)] = milliseconds(
            partial(fabric.all_reduce, message, reduce_op="sum"), steps
        )
    return found if fabric.is_global_zero else None


def measure(rounds: int = ROUNDS, steps: int = STEPS) -> dict[str, Any]:
    """Return each round's measurements, for one process and for two."""
    found: dict[str, Any] = {"models": MODELS, "1": [], "2": []}
    for _ in range(rounds):
        for processes in ("1", "2"):
            command = [sys.executable, "-m", "benchmarks.scaling"]
            done = subprocess.run(
                [*command, "--work", processes, "--steps", str(steps)],
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                capture_output=True,
                text=True,
                check=True,
            )
            (line,) = (
                each for each in done.stdout.splitlines() if each[:1] == "{"
            )
            found[processes].append(json.loads(line))
    return found


def main() -> None:
    """Measure and record, or be one of the processes that are measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=int, default=0)
    parser.add_argument("--steps", type=int, default=STEPS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if not arguments.work:
        record("scaling", measure())
    elif found := work(arguments.work, arguments.steps):
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
