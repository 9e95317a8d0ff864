"""Kill a training process with SIGKILL at random moments, resume it, and
compare the end.

    python -m benchmarks.kill_resume

A small model is trained with a checkpoint after every step. Each life of the
process ends at a random moment, often in the middle of a write; the next one
continues. When a run reaches its end, its weights and history must equal, bit
for bit, those of a run that nobody killed. The benchmark forks, so it needs
Linux or macOS.
"""

import os
import random
import signal
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn
from torch.nn.functional import mse_loss
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.record import record
from utils.training import fit

KILLS = 50
LONGEST_LIFE = 0.6  # seconds


def train(folder: Path) -> None:
    """Train, or continue to train, a small model, and write what it ended
    with to `folder`."""
    torch.manual_seed(0)
    inputs = torch.randn(96, 4)
    rows = TensorDataset(inputs, inputs.prod(dim=1, keepdim=True))
    model = nn.Sequential(
        nn.Linear(4, 16), nn.Tanh(), nn.Dropout(0.2), nn.Linear(16, 1)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    history = fit(
        model,
        DataLoader(rows, batch_size=16, shuffle=True),
        DataLoader(rows, batch_size=96),
        loss=mse_loss,
        optimizer=optimizer,
        schedule=torch.optim.lr_scheduler.CosineAnnealingLR(
            optimizer, T_max=120
        ),
        epochs=20,
        patience=15,
        clip=0.5,
        checkpoint=folder / "checkpoints",
        checkpoint_every=1,
    )
    (folder / "end.partial").write_bytes(
        save(model.state_dict()) + repr(history).encode()
    )
    os.replace(folder / "end.partial", folder / "end")


def live(work: Callable[[], None], seconds: float | None) -> bool:
    """Do the work in a child process, killed after so many seconds; say whether
    it ended by itself.

    Raises:
        RuntimeError: the child failed by itself, as it would on loading a
            damaged checkpoint.
    """
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", flush=True)
            os._exit(1)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, -signal.SIGKILL):
        raise RuntimeError(f"the training process failed with status {status}")
    return status == 0


def measure(kills: int, seed: int = 0) -> dict[str, Any]:
    """Kill training that many times and count the runs that ended as the
    undisturbed one."""
    lifetimes = random.Random(seed)
    counts = {"kills": 0, "writes_interrupted": 0, "runs": 0, "runs_equal": 0}
    with tempfile.TemporaryDirectory() as scratch:
        undisturbed = Path(scratch) / "undisturbed"
        undisturbed.mkdir()
        live(partial(train, undisturbed), None)
        while counts["kills"] < kills:
            folder = Path(scratch) / f"run-{counts['runs']}"
            folder.mkdir()
            ended = False
            while not ended:
                left = counts["kills"] < kills
                seconds = lifetimes.uniform(0, LONGEST_LIFE) if left else None
                before = unfinished(folder / "checkpoints")
                ended = live(partial(train, folder), seconds)
                counts["kills"] += not ended
                counts["writes_interrupted"] += (
                    not unfinished(folder / "checkpoints") <= before
                )
            counts["runs"] += 1
            equal = (folder / "end").read_bytes() == (
                undisturbed / "end"
            ).read_bytes()
            counts["runs_equal"] += equal
    return counts


def unfinished(folder: Path) -> set[tuple[str, int]]:
    """Return the files of a write cut short: unfinished, or tensors still
    without their JSON."""
    found = [*folder.glob("*.partial")]
    found += [
        p
        for p in folder.glob("*.safetensors")
        if not p.with_suffix(".json").exists()
    ]
    return {(path.name, path.stat().st_mtime_ns) for path in found}


if __name__ == "__main__":
    results = measure(KILLS)
    record("kill_resume", results)
    print(results)
