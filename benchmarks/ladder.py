"""The rungs from a tutorial's LSTM to a fused kernel, and what bounds them.

    python -m benchmarks.ladder

About seven minutes on a quiet machine of two cores; an interrupted run resumes.
Every time is wall time of one forward and backward pass, down to the gradient
of the input, in float32 on one thread unless the name says otherwise. Run it
alone: what else the machine does falls on every way in turn, but not evenly.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.cells import (
    PEAK,
    SIZES,
    both_ways_keras,
    both_ways_torch,
    both_ways_torch_cells,
    product_at_peak,
    torch_cell,
)
from benchmarks.record import run_missing
from benchmarks.rounds import ROUNDS, in_turn
from utils.scratch import LSTM
from utils.speed.ladder import RUNGS, intensity, operations
from utils.weights import to_torch

Size = tuple[int, int, int, int]

BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
STEPS, INPUTS, HIDDEN = 50, 64, 128
COPIED = 64 * 2**20  # bytes: four times what most processors' caches hold
COMPILED = "torch.compile of the cell"


class CompiledCell(nn.Module):
    """PyTorch's LSTM cell, compiled: in a Python loop it stands for itself."""

    def __init__(self, cell: nn.LSTMCell) -> None:
        super().__init__()
        self.cell = cell
        self.compiled = torch.compile(self.step, dynamic=False)

    def step(self, x: torch.Tensor, h: torch.Tensor, c: torch.Tensor) -> Any:
        """Take a step, written so that the compiler sees into it."""
        z = x @ self.cell.weight_ih.T + h @ self.cell.weight_hh.T
        z = z + self.cell.bias_ih + self.cell.bias_hh
        i, f, g, o = z.chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

    def forward(self, x: torch.Tensor, state: Any) -> Any:
        """Take a step from `state`, or from zeros."""
        if state is None:
            state = (x.new_zeros(len(x), self.cell.hidden_size),) * 2
        return self.compiled(x, *state)


def draw(size: Size, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    """Draw inputs and the gradient of the outputs."""
    batch, length, inputs, hidden = size
    rng = np.random.default_rng(0)
    return tuple(
        rng.normal(size=(batch, length, width)).astype(dtype)
        for width in (inputs, hidden)
    )  # type: ignore[return-value]


def climb(size: Size, rounds: int = ROUNDS, compilers: bool = True) -> Any:
    """Time every rung at one size (batch, time, input, hidden)."""
    x, d_outputs = draw(size)
    layer = LSTM(size[2], size[3], dtype="float32")
    tensors = torch.from_numpy(x).requires_grad_(), torch.from_numpy(d_outputs)
    ways: dict[str, Callable[[], Any]] = {
        name: partial(run, layer, x, d_outputs) for name, run in RUNGS.items()
    }
    ways["loop over nn.LSTMCell"] = partial(
        both_ways_torch_cells, torch_cell(layer), *tensors
    )
    seconds = {}
    if compilers:
        compiled: Any = CompiledCell(torch_cell(layer))  # type: ignore
        for name, run in (
            (COMPILED, partial(both_ways_torch_cells, compiled, *tensors)),
            ("Keras, XLA", both_ways_keras(layer, x, d_outputs, xla=True)),
        ):
            started = time.perf_counter()
            run()
            seconds[name] = round(time.perf_counter() - started, 1)
            ways[name] = run
    ways["nn.LSTM"] = partial(both_ways_torch, to_torch(layer), *tensors)
    ways[PEAK] = product_at_peak("float32")
    return {
        "size": size,
        "operations": operations(*size),
        "milliseconds": in_turn(ways, rounds),
        "first call, seconds": seconds,
    }


def against_batch_size(
    batches: tuple[int, ...] = BATCHES, rounds: int = ROUNDS
) -> Any:
    """Time one layer, and one step's product alone, at each batch size."""
    found: dict[str, Any] = {}
    for batch in batches:
        size = (batch, STEPS, INPUTS, HIDDEN)
        x, d_outputs = draw(size)
        layer = LSTM(INPUTS, HIDDEN, dtype="float32")
        tensors = (
            torch.from_numpy(x).requires_grad_(),
            torch.from_numpy(d_outputs),
        )
        joined = np.ones((batch, INPUTS + HIDDEN), "float32")
        W = np.ones((INPUTS + HIDDEN, 4 * HIDDEN), "float32")
        out = np.empty((batch, 4 * HIDDEN), "float32")
        ways: dict[str, Callable[[], Any]] = {
            "nn.LSTM": partial(both_ways_torch, to_torch(layer), *tensors),
            "NumPy": partial(
                RUNGS["memory laid out for the step"], layer, x, d_outputs
            ),
        }
        alone = {"step": partial(np.matmul, joined, W, out=out)}
        found[str(batch)] = {
            "milliseconds": in_turn(ways, rounds),
            "product": in_turn(alone, rounds, repeats=200)["step"],
            "operations": operations(*size),
            "product operations": 2 * joined.size * 4 * HIDDEN,
            "intensity": intensity(batch, INPUTS, HIDDEN),
        }
    return {"sizes": [STEPS, INPUTS, HIDDEN], "batches": found}


def ceilings(rounds: int = ROUNDS) -> Any:
    """Time what bounds every rung: a large product, and a large copy.

    A copy of n bytes reads and writes: 2 n bytes move.
    """
    source = np.ones(COPIED // 4, "float32")
    target = np.empty_like(source)
    times = in_turn(
        {
            PEAK: product_at_peak("float32"),
            "copy": lambda: np.copyto(target, source),
        },
        rounds,
    )
    return {"milliseconds": times, "bytes": 2 * COPIED}


def against_threads(size: Size, rounds: int = ROUNDS) -> Any:
    """Time `nn.LSTM` and the NumPy layer on one thread and on two."""
    x, d_outputs = draw(size)
    layer = LSTM(size[2], size[3], dtype="float32")
    module = to_torch(layer)
    tensors = torch.from_numpy(x).requires_grad_(), torch.from_numpy(d_outputs)
    runs: dict[str, Callable[[], Any]] = {
        "nn.LSTM": partial(both_ways_torch, module, *tensors),
        "NumPy": partial(
            RUNGS["memory laid out for the step"], layer, x, d_outputs
        ),
    }
    ways = {
        f"{name}, {count}": run
        for name, run in runs.items()
        for count in (1, 2)
    }
    threads = {name: int(name[-1]) for name in ways}
    return {"size": size, "milliseconds": in_turn(ways, rounds, threads)}


def against_types(size: Size, rounds: int = ROUNDS) -> Any:
    """Time `nn.LSTM` in three types of numbers."""
    x, d_outputs = map(torch.from_numpy, draw(size))
    module = to_torch(LSTM(size[2], size[3], dtype="float32"))
    ways = {}
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        layer = nn.LSTM(size[2], size[3], batch_first=True).to(dtype)
        layer.load_state_dict(module.state_dict())
        given = x.to(dtype).requires_grad_(), d_outputs.to(dtype)
        name = str(dtype).removeprefix("torch.")
        ways[name] = partial(both_ways_torch, layer, *given)
    return {"size": size, "milliseconds": in_turn(ways, rounds)}


def runs() -> dict[str, Callable[[], Any]]:
    """Name everything there is to measure."""
    named: dict[str, Callable[[], Any]] = {"ceilings": ceilings}
    for size in SIZES:
        named[f"ladder, {size}"] = partial(climb, size)
    named["batch size"] = against_batch_size
    for size in SIZES[:3]:
        named[f"threads, {size}"] = partial(against_threads, size)
        named[f"types, {size}"] = partial(against_types, size)
    return named


def main() -> None:
    """Measure what `benchmarks/results/ladder.json` lacks."""
    import tensorflow as tf

    torch.set_num_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    run_missing("ladder", runs())


if __name__ == "__main__":
    main()
