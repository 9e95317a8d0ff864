"""Peak memory of training on sequences in memory, and streamed from disk.

    python -m benchmarks.streaming

Five minutes. Each run is a process of its own, one epoch of `fit` over random
rows; peak memory is what the operating system counted at its end, less what
the same process held before it touched the data. Needs Linux or macOS.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmarks.record import run_missing
from utils.speed.streaming import BLOCK, StreamedBatches, write_shards
from utils.training import fit

TIME, BATCH_SIZE, HIDDEN, SHARD = 50, 1024, 8, 50_000
ROWS = (50_000, 200_000, 1_000_000)


def majority(rows: np.ndarray) -> np.ndarray:
    """Return 1 for each row of bits of which more than half are 1."""
    return (2 * rows.sum(1, dtype=int) > rows.shape[1]).astype(int)


def draw_blocks(rows: int) -> Iterator[np.ndarray]:
    """Yield random bits in blocks of one shard."""
    for number in range(0, rows, SHARD):
        rng = np.random.default_rng(number)
        size = min(SHARD, rows - number)
        yield rng.integers(0, 2, (size, TIME), dtype=np.int8)


class Vote(nn.Module):
    """A small GRU and two logits."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(1, HIDDEN, batch_first=True)
        self.head = nn.Linear(HIDDEN, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits for x (batch, time, 1)."""
        return self.head(self.gru(x)[0][:, -1])


def peak() -> float:
    """Return the most memory that this process has held, in megabytes."""
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Bytes on macOS, kilobytes on Linux.
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def work(way: str, rows: int, folder: Path) -> dict[str, Any]:
    """Train for one epoch in this process, and return peak memory and
    seconds."""
    torch.manual_seed(0)
    # One batch that any way would need, and datasets' own import.
    warm = [(torch.zeros(BATCH_SIZE, TIME, 1), torch.zeros(BATCH_SIZE).long())]
    train_on(warm)
    if way == "streamed":
        small = write_shards(folder / "warm", [np.zeros((BLOCK, TIME), "int8")])
        train_on(StreamedBatches(small, BATCH_SIZE, majority))
    before, started = peak(), time.perf_counter()
    if way == "streamed":
        shards = sorted(folder.glob("*.parquet"))
        train_on(StreamedBatches(shards, BATCH_SIZE, majority))
    else:
        data = np.concatenate(list(draw_blocks(rows)))
        x = torch.from_numpy(data).float()[..., None]
        dataset = torch.utils.data.TensorDataset(
            x, torch.from_numpy(majority(data))
        )
        train_on(torch.utils.data.DataLoader(dataset, BATCH_SIZE, shuffle=True))
    return {
        "megabytes": round(peak() - before, 1),
        "seconds": round(time.perf_counter() - started, 1),
    }


def train_on(batches: Any) -> None:
    """Train a small model for one epoch."""
    model = Vote()
    fit(
        model,
        batches,
        loss=cross_entropy,
        optimizer=torch.optim.Adam(model.parameters(), lr=0.01),
        epochs=1,
    )


def measure(way: str, rows: int) -> Any:
    """Run one way in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        if way == "streamed":
            write_shards(folder, draw_blocks(rows))
        command = [sys.executable, "-m", "benchmarks.streaming"]
        arguments = ["--work", way, "--rows", str(rows), "--folder", folder]
        done = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, check=True
        )
    return json.loads(done.stdout.splitlines()[-1])


def runs() -> dict[str, Any]:
    """Name everything there is to measure."""
    return {
        f"{way} / {rows}": lambda way=way, rows=rows: measure(way, rows)
        for rows in ROWS
        for way in ("streamed", "in memory")
    }


def main() -> None:
    """Measure what is missing, or be one of the processes measured."""
    torch.set_num_threads(1)
    if "--work" not in sys.argv:
        run_missing("streaming", runs())
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("--work")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    print(json.dumps(work(arguments.work, arguments.rows, arguments.folder)))


if __name__ == "__main__":
    main()
