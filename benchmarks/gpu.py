"""The ladder's upper rungs on a GPU, beside the CPU of the same machine.

    python -m benchmarks.gpu

Some minutes on a machine with CUDA, where it records
`benchmarks/results/gpu.json` with the device, its driver and its clocks;
elsewhere it says so and records nothing. One forward and backward pass, down
to the gradient of the input, wall time with the device waited for.
"""

import os
import subprocess
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn

from benchmarks.cells import SIZES, both_ways_torch, both_ways_torch_cells
from benchmarks.record import record
from utils.speed.crossing_figure import gpu_table

ROUNDS = 15
BATCHES = (1, 4, 16, 64, 256, 1024)
WIDTHS = (16, 32, 64, 128, 256, 512, 1024)
BATCH, STEPS, INPUTS, HIDDEN = 32, 100, 64, 128
QUERY = "name,driver_version,clocks.sm,clocks.mem,power.limit"


def describe() -> str:
    """Return what the driver says of the device, or its name alone."""
    command = ["nvidia-smi", f"--query-gpu={QUERY}", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        return torch.cuda.get_device_name()
    return done.stdout.strip() or torch.cuda.get_device_name()


def captured(module: nn.Module, x: Any, d_outputs: Any) -> Callable[[], None]:
    """Return a pass through a Python loop as one CUDA graph: the launches of
    all its kernels are recorded once, and replayed together."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            both_ways_torch_cells(module, x, d_outputs)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    module.zero_grad(set_to_none=True)
    x.grad = None
    with torch.cuda.graph(graph):
        both_ways_torch_cells(module, x, d_outputs)
    return graph.replay


class Way(NamedTuple):
    """Something to time, and the settings under which it runs."""

    run: Callable[[], Any]
    tf32: bool = False
    threads: int = 1


def timed(
    ways: dict[str, Way], rounds: int, wait: Callable[[], None]
) -> dict[str, list[float]]:
    """Time the ways in turn, after two untimed rounds."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    threads = torch.get_num_threads()
    for number in range(-2, rounds):
        for name, way in ways.items():
            torch.backends.cudnn.allow_tf32 = way.tf32
            torch.set_num_threads(way.threads)
            wait()
            before = time.perf_counter()
            way.run()
            wait()
            taken = 1000 * (time.perf_counter() - before)
            if number >= 0:
                times[name].append(round(taken, 4))
    torch.set_num_threads(threads)
    return times


def compare(
    size: tuple[int, int, int, int],
    device: str = "cuda",
    rounds: int = ROUNDS,
) -> dict[str, Any]:
    """Time LSTM and GRU on the device, and the LSTM on this machine's CPU."""
    batch, length, inputs, hidden = size
    torch.manual_seed(0)

    def both_ways(kind: Any, where: str, dtype: Any) -> Callable[[], Any]:
        layer = kind(inputs, hidden, batch_first=True).to(where, dtype)
        given = {"device": where, "dtype": dtype}
        x = torch.randn(batch, length, inputs, **given).requires_grad_()
        d_outputs = torch.randn(batch, length, hidden, **given)
        return partial(both_ways_torch, layer, x, d_outputs)

    ways: dict[str, Way] = {}
    for kind in (nn.LSTM, nn.GRU):
        run = both_ways(kind, device, torch.float32)
        ways[f"nn.{kind.__name__}, float32"] = Way(run)
        ways[f"nn.{kind.__name__}, TF32"] = Way(run, tf32=True)
    half = both_ways(nn.LSTM, device, torch.bfloat16)
    ways["nn.LSTM, bfloat16"] = Way(half)
    run = both_ways(nn.LSTM, "cpu", torch.float32)
    ways["nn.LSTM on the CPU, one thread"] = Way(run)
    count = os.cpu_count() or 1
    ways["nn.LSTM on the CPU, all threads"] = Way(run, threads=count)
    cell = nn.LSTMCell(inputs, hidden).to(device)
    x = torch.randn(batch, length, inputs, device=device).requires_grad_()
    d_outputs = torch.randn(batch, length, hidden, device=device)
    loop = partial(both_ways_torch_cells, cell, x, d_outputs)
    ways["loop over nn.LSTMCell"] = Way(loop)
    wait: Callable[[], None] = lambda: None  # noqa: E731
    if device == "cuda":
        wait = torch.cuda.synchronize
        graph = captured(cell, x.detach().clone().requires_grad_(), d_outputs)
        ways["the loop as a CUDA graph"] = Way(graph)
    return {"size": size, "milliseconds": timed(ways, rounds, wait)}


def runs() -> dict[str, tuple[int, int, int, int]]:
    """Name every size there is to measure."""
    named = {f"ladder, {size}": size for size in SIZES}
    for batch in BATCHES:
        named[f"batch, {batch}"] = (batch, STEPS, INPUTS, HIDDEN)
    for width in WIDTHS:
        named[f"units, {width}"] = (BATCH, STEPS, INPUTS, width)
    return named


def measure(
    sizes: dict[str, tuple[int, int, int, int]],
    device: str = "cuda",
    rounds: int = ROUNDS,
) -> dict[str, Any]:
    """Measure every size."""
    found = {
        name: compare(size, device, rounds) for name, size in sizes.items()
    }
    return {"device": describe() if device == "cuda" else device, "runs": found}


def main() -> None:
    """Measure and record where there is a GPU."""
    if not torch.cuda.is_available():
        print("No CUDA device here: nothing measured, nothing recorded.")
        return
    results = measure(runs())
    record("gpu", results)
    print(gpu_table(results).round(2))


if __name__ == "__main__":
    main()
