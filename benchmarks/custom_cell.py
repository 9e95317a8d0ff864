"""What a cell of one's own costs to train, and three famous ratios.

    python -m benchmarks.custom_cell

Five minutes on a quiet machine of two cores; an interrupted run resumes.
Every time is wall time of one forward and backward pass in float32, one thread.

- An LSTM with peepholes: a loop in PyTorch, its step compiled, the whole loop
  compiled, a hand-written backward pass; `nn.LSTM`, without them, beside it.
- minGRU against GRU, at lengths up to 512 and the paper's batch of 64.
- GRU against LSTM, and the LSTM without the kernel that oneDNN lends it.
"""

import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch._inductor.utils import fresh_cache

from benchmarks.cells import SIZES, both_ways_torch
from benchmarks.record import run_missing
from benchmarks.recurrence_cost import LoopedMinGRU
from benchmarks.rounds import ROUNDS, in_turn, ratios
from utils.recurrences.pytorch import MinGRU
from utils.speed.cells import PeepholeLSTM

SMALL, SIZE = SIZES[:2]
COMPILED_LENGTHS = (5, 10, 20)
COMPILATIONS = 3
LENGTHS = (32, 128, 512)
WIDTH, BATCH_SIZE = 64, 64
# How many times faster minGRU trains than a GRU at 512 steps, says the
# abstract of Feng et al. (2024), https://arxiv.org/abs/2410.01201v1.
PUBLISHED = 175.0

FIRST_CALL = "first call, seconds"
WITHOUT = "nn.LSTM without oneDNN"


def both_ways(module: nn.Module, x: torch.Tensor) -> None:
    """Run a module forward, and backward to all its parameters and `x`."""
    module.zero_grad()
    x.grad = None
    outputs = module(x)
    if isinstance(outputs, tuple):
        outputs = outputs[0]
    outputs.sum().backward()


def peepholes(
    size: tuple[int, int, int, int] = SIZE,
    rounds: int = ROUNDS,
    compiler: bool = True,
) -> Any:
    """Time one cell of one's own, written in several ways."""
    batch, length, inputs, hidden = size
    torch.manual_seed(0)
    x = torch.randn(batch, length, inputs, requires_grad=True)
    plain, compiled = (PeepholeLSTM(inputs, hidden) for _ in range(2))
    fused = PeepholeLSTM(inputs, hidden, fused=True)
    modules: dict[str, nn.Module] = {"loop": plain, "fused by hand": fused}
    seconds = {}
    if compiler:
        compiled.step = torch.compile(compiled.step, dynamic=False)
        started = time.perf_counter()
        both_ways(compiled, x)
        seconds["step compiled"] = round(time.perf_counter() - started, 1)
        modules["step compiled"] = compiled
    modules["nn.LSTM"] = nn.LSTM(inputs, hidden, batch_first=True)
    ways = {name: partial(both_ways, each, x) for name, each in modules.items()}
    return {
        "size": size,
        "milliseconds": in_turn(ways, rounds),
        FIRST_CALL: seconds,
    }


def whole_loop(
    length: int, rounds: int = ROUNDS, compilations: int = COMPILATIONS
) -> Any:
    """Time the loop over so many steps compiled as a whole: its compilation,
    some times anew, then a pass."""
    batch, _, inputs, hidden = SIZE
    torch.manual_seed(0)
    x = torch.randn(batch, length, inputs, requires_grad=True)
    plain, seconds = PeepholeLSTM(inputs, hidden), []
    for _ in range(compilations):
        # What the compiler keeps, in this process and on disk, is forgotten.
        torch.compiler.reset()
        whole: Any = torch.compile(PeepholeLSTM(inputs, hidden), dynamic=False)
        with fresh_cache():
            started = time.perf_counter()
            both_ways(whole, x)
            seconds.append(round(time.perf_counter() - started, 1))
    modules = {
        "loop": plain,
        "loop compiled": whole,
        "fused by hand": PeepholeLSTM(inputs, hidden, fused=True),
    }
    ways = {name: partial(both_ways, each, x) for name, each in modules.items()}
    return {
        "milliseconds": in_turn(ways, rounds),
        FIRST_CALL: {"loop compiled": seconds},
    }


class LoopedGRU(nn.Module):
    """A Python loop over `nn.GRUCell`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.cell = nn.GRUCell(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return h after every step."""
        h, outputs = x.new_zeros(len(x), self.cell.hidden_size), []
        for step in x.unbind(1):
            h = self.cell(step, h)
            outputs.append(h)
        return torch.stack(outputs, 1)


def minimal(length: int, rounds: int = ROUNDS, batch: int = BATCH_SIZE) -> Any:
    """Time minGRU, by a scan and by a loop, against a GRU."""
    torch.manual_seed(0)
    x = torch.randn(batch, length, WIDTH, requires_grad=True)
    modules = {
        "GRU, loop": LoopedGRU(WIDTH),
        "nn.GRU": nn.GRU(WIDTH, WIDTH, batch_first=True),
        "nn.LSTM": nn.LSTM(WIDTH, WIDTH, batch_first=True),
        "minGRU, loop": LoopedMinGRU(WIDTH),
        "minGRU, scan": MinGRU(WIDTH),
    }
    ways = {name: partial(both_ways, each, x) for name, each in modules.items()}
    times = in_turn(ways, rounds)
    return {
        "length": length,
        "milliseconds": times,
        "times as fast as a GRU": {
            "published": [PUBLISHED],
            "here": ratios(times, "GRU, loop", "minGRU, scan"),
        },
    }


def gru_against_lstm(
    size: tuple[int, int, int, int], dtype: str, rounds: int = ROUNDS
) -> Any:
    """Time PyTorch's GRU and its LSTM, with oneDNN's kernel and without."""
    batch, length, inputs, hidden = size
    kind = getattr(torch, dtype)
    torch.manual_seed(0)
    x = torch.randn(batch, length, inputs, dtype=kind, requires_grad=True)
    d_outputs = torch.randn(batch, length, hidden, dtype=kind)
    ways = {
        f"nn.{name}": partial(
            both_ways_torch,
            getattr(nn, name)(inputs, hidden, batch_first=True, dtype=kind),
            x,
            d_outputs,
        )
        for name in ("GRU", "LSTM")
    }

    def without_kernel() -> None:
        with warnings.catch_warnings():
            # On leaving, it speaks of GPUs that are not there.
            warnings.simplefilter("ignore")
            with torch.backends.mkldnn.flags(enabled=False):
                ways["nn.LSTM"]()

    every = {**ways, WITHOUT: without_kernel}
    return {"size": size, "milliseconds": in_turn(every, rounds)}


def runs() -> dict[str, Callable[[], Any]]:
    """Name everything there is to measure."""
    named: dict[str, Callable[[], Any]] = {
        f"peepholes, {size}": partial(peepholes, size) for size in (SMALL, SIZE)
    }
    for length in COMPILED_LENGTHS:
        named[f"whole loop, {length}"] = partial(whole_loop, length)
    for length in LENGTHS:
        named[f"minimal, {length}"] = partial(minimal, length)
    for dtype in ("float32", "float64"):
        for size in SIZES:
            named[f"GRU and LSTM, {dtype}, {size}"] = partial(
                gru_against_lstm, size, dtype
            )
    return named


def main() -> None:
    """Measure what `benchmarks/results/custom_cell.json` lacks."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    run_missing("custom_cell", runs())


if __name__ == "__main__":
    main()
