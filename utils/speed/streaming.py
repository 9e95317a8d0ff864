"""Sequences that do not fit into memory: shards on disk, read as a stream."""

import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Integer
from torch import Tensor

BLOCK = 4096  # rows that are shuffled together


def write_shards(
    folder: str | Path, blocks: Iterable[Integer[np.ndarray, "rows time"]]
) -> list[Path]:
    """Write each block of sequences as a parquet file, and return the files.

    Column `x` holds the sequences, one list of numbers a row.
    """
    import pyarrow as pa
    from pyarrow import parquet

    folder, paths = Path(folder), []
    folder.mkdir(parents=True, exist_ok=True)
    for number, block in enumerate(blocks):
        flat = pa.array(block.ravel())
        column = pa.FixedSizeListArray.from_arrays(flat, block.shape[1])
        path = folder / f"shard-{number:03}.parquet"
        parquet.write_table(pa.table({"x": column}), path, row_group_size=BLOCK)
        paths.append(path)
    return paths


class StreamedBatches:
    """Batches `(inputs, target)` from shards on disk, for `utils.training.fit`.

    Each epoch draws an order of the shards, reads them one after the other as
    a stream, and shuffles the rows of each block of it; one block is in memory
    at a time. That is weaker than a shuffle of all rows: neighbours stay near
    each other, so write the rows to the shards in random order.

    `rng` is the only source of order. `fit` saves its state, so that a run
    that was cut short in the middle of an epoch draws the same order again
    and reads on from where it stood.

    Args:
        shards: parquet files with a column `x` of equally long lists.
        batch_size: rows a batch; the last of an epoch may be smaller.
        target: turns (rows, time) whole numbers into what is to be learnt.
        seed: of the order.
        block: rows that are shuffled together.
    """

    def __init__(
        self,
        shards: list[Path],
        batch_size: int,
        target: Any,
        seed: int = 0,
        block: int = BLOCK,
    ) -> None:
        self.shards, self.batch_size, self.target = shards, batch_size, target
        self.block = block
        self.rng = np.random.default_rng(seed)
        from pyarrow import parquet

        rows = (parquet.read_metadata(path).num_rows for path in shards)
        self.rows = sum(rows)

    def __len__(self) -> int:
        """Return at most how many batches an epoch has."""
        return math.ceil(self.rows / self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield an epoch's batches, in an order drawn anew."""
        order = self.rng.permutation(len(self.shards))
        rng = np.random.default_rng(self.rng.integers(2**63))
        waiting: list[np.ndarray] = []
        for block in self._blocks([self.shards[i] for i in order]):
            waiting.append(block[rng.permutation(len(block))])
            together = np.concatenate(waiting)
            whole = len(together) // self.batch_size * self.batch_size
            for start in range(0, whole, self.batch_size):
                yield self._batch(together[start : start + self.batch_size])
            waiting = [together[whole:]]
        if waiting and len(waiting[0]):
            yield self._batch(waiting[0])

    def _blocks(self, paths: list[Path]) -> Iterator[np.ndarray]:
        # Files of this machine: nothing is asked of the network.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        from datasets import load_dataset
        from datasets.utils.logging import disable_progress_bar

        disable_progress_bar()
        stream = load_dataset(
            "parquet",
            data_files=[str(path) for path in paths],
            split="train",
            streaming=True,
        )
        for table in stream.with_format("arrow").iter(batch_size=self.block):
            column = table["x"].combine_chunks()
            yield column.flatten().to_numpy().reshape(len(table), -1)

    def _batch(self, block: np.ndarray) -> tuple[Tensor, Tensor]:
        x = torch.from_numpy(block).float()[..., None]
        return x, torch.from_numpy(self.target(block))
