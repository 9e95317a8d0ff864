"""The ladder's upper rungs on a GPU, beside the CPU of the same machine.

    python -m benchmarks.gpu

A few minutes on a machine with CUDA, where it records
`benchmarks/results/gpu.json` with the device, its driver and its clocks;
elsewhere it says so and records nothing. One forward and backward pass, down
to the gradient of the input, wall time with the device waited for.
"""

import subprocess
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import pandas as pd
import torch
from torch import nn

from benchmarks.cells import SIZES, both_ways_torch, both_ways_torch_cells
from benchmarks.record import record

ROUNDS = 15
BATCHES = (1, 4, 16, 64, 256, 1024)
STEPS, INPUTS, HIDDEN = 100, 64, 128
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


def timed(
    ways: dict[str, tuple[Callable[[], Any], bool]],
    rounds: int,
    wait: Callable[[], None],
) -> dict[str, list[float]]:
    """Time the ways in turn, after two untimed rounds; the flag of a way says
    whether it may use TF32."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(-2, rounds):
        for name, (run, tf32) in ways.items():
            torch.backends.cudnn.allow_tf32 = tf32
            wait()
            before = time.perf_counter()
            run()
            wait()
            taken = 1000 * (time.perf_counter() - before)
            if number >= 0:
                times[name].append(round(taken, 4))
    return times


def compare(
    size: tuple[int, int, int, int],
    device: str = "cuda",
    rounds: int = ROUNDS,
) -> dict[str, Any]:
    """Time LSTM and GRU on the device, and the LSTM on this machine's CPU."""
    batch, length, inputs, hidden = size
    torch.manual_seed(0)
    ways: dict[str, tuple[Callable[[], Any], bool]] = {}

    def add(name: str, kind: Any, where: str, dtype: Any, tf32: bool) -> None:
        layer = kind(inputs, hidden, batch_first=True).to(where, dtype)
        given = {"device": where, "dtype": dtype}
        x = torch.randn(batch, length, inputs, **given).requires_grad_()
        d_outputs = torch.randn(batch, length, hidden, **given)
        ways[name] = partial(both_ways_torch, layer, x, d_outputs), tf32

    for kind in (nn.LSTM, nn.GRU):
        for tf32 in (False, True):
            name = f"nn.{kind.__name__}, {'TF32' if tf32 else 'float32'}"
            add(name, kind, device, torch.float32, tf32)
    add("nn.LSTM, bfloat16", nn.LSTM, device, torch.bfloat16, False)
    add("nn.LSTM on the CPU", nn.LSTM, "cpu", torch.float32, False)
    cell = nn.LSTMCell(inputs, hidden).to(device)
    x = torch.randn(batch, length, inputs, device=device).requires_grad_()
    d_outputs = torch.randn(batch, length, hidden, device=device)
    loop = partial(both_ways_torch_cells, cell, x, d_outputs)
    ways["loop over nn.LSTMCell"] = loop, False
    wait: Callable[[], None] = lambda: None  # noqa: E731
    if device == "cuda":
        wait = torch.cuda.synchronize
        graph = captured(cell, x.detach().clone().requires_grad_(), d_outputs)
        ways["the loop as a CUDA graph"] = graph, False
    return {"size": size, "milliseconds": timed(ways, rounds, wait)}


def measure(device: str = "cuda", rounds: int = ROUNDS) -> dict[str, Any]:
    """Measure every size, and one layer at every batch size."""
    found = {f"ladder, {s}": compare(s, device, rounds) for s in SIZES}
    for batch in BATCHES:
        size = (batch, STEPS, INPUTS, HIDDEN)
        found[f"batch, {batch}"] = compare(size, device, rounds)
    return {"device": describe() if device == "cuda" else device, "runs": found}


def table(results: dict[str, Any]) -> pd.DataFrame:
    """Return median milliseconds, a row for each run, a column for each way."""
    return pd.DataFrame(
        {
            name: {way: median(t) for way, t in run["milliseconds"].items()}
            for name, run in results["runs"].items()
        }
    ).T


def main() -> None:
    """Measure and record where there is a GPU."""
    if not torch.cuda.is_available():
        print("No CUDA device here: nothing measured, nothing recorded.")
        return
    results = measure()
    record("gpu", results)
    print(table(results).round(2))


if __name__ == "__main__":
    main()
