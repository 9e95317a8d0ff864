"""What a recurrence costs against length: training, and each token written.

    python -m benchmarks.recurrence_cost [--device cpu]

One layer of `WIDTH` features. Training is one forward and backward pass over
`BATCH_SIZE` rows: seconds, and the bytes that the forward pass keeps for the
backward one. A token is one step of one row after so many others: a recurrent
layer reads its state, attention every key and value so far. Every repeat
measures all contenders in turn, so that ratios within a repeat compare like
with like; the medians are printed, and recorded beside those of other devices.
The device is the book's choice: CUDA where there is a CUDA device, else the
CPU. Chapter 12 shows the results.
"""

import argparse
import math
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from benchmarks.record import record, recorded
from utils.recurrences.pytorch import (
    CausalAttention,
    DeltaRule,
    GatedRNN,
    MinGRU,
    rotate,
    split_heads,
)
from utils.training.device import DEVICES, training_device

WIDTH = 64
BATCH_SIZE = 2
LENGTHS = (128, 256, 512, 1024, 2048, 4096)
PASTS = (256, 1024, 4096, 16384)
REPEATS = 3
TOKENS = 50


class LoopedMinGRU(MinGRU):
    """The same layer, one step after the other."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the state at every step, by a loop."""
        z = torch.sigmoid(self.gate(x))
        written = (1 - z) * self.candidate(x)
        h = torch.zeros_like(x[:, 0])
        outputs = []
        for stays, new in zip(z.unbind(1), written.unbind(1), strict=True):
            h = stays * h + new
            outputs.append(h)
        return torch.stack(outputs, 1)


class WrittenAttention(CausalAttention):
    """The same layer, with its matrix of weights written out."""

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Attend by a whole (time, time) matrix for each head."""
        scores = rotate(q) @ rotate(k).mT / math.sqrt(q.shape[-1])
        later = torch.ones_like(scores, dtype=torch.bool).triu(1)
        return scores.masked_fill(later, -torch.inf).softmax(-1) @ v


LAYERS: dict[str, Callable[[], nn.Module]] = {
    "GRU, loop": lambda: GatedRNN("GRU", WIDTH),
    "minGRU, loop": lambda: LoopedMinGRU(WIDTH),
    "minGRU, scan": lambda: MinGRU(WIDTH),
    "delta rule, chunks": lambda: DeltaRule(WIDTH),
    "attention, fused": lambda: CausalAttention(WIDTH),
    "attention, written out": lambda: WrittenAttention(WIDTH),
}


def forward_and_backward(layer: nn.Module, x: Tensor) -> None:
    """Do what one training step does with a layer."""
    layer(x).sum().backward()


def seconds(work: Callable[[], Any], device: str) -> float:
    """Return how long work takes: CPU time, or wall time on a GPU."""
    if device == "cpu":
        started = time.process_time()
        work()
        return time.process_time() - started
    gpu = getattr(torch, device)
    gpu.synchronize()
    started = time.perf_counter()
    work()
    gpu.synchronize()
    return time.perf_counter() - started


@dataclass(eq=False)
class Kept:
    """A tensor that the forward pass has handed to the backward pass."""

    tensor: Tensor


def kept_bytes(layer: nn.Module, x: Tensor) -> int:
    """Return the bytes that a forward pass keeps for the backward pass.

    Each piece of memory counts once, and the layer's parameters not at all.
    """
    parameters = {p.untyped_storage().data_ptr() for p in layer.parameters()}
    handed: list[weakref.ref[Kept]] = []

    def keep(tensor: Tensor) -> Kept:
        kept = Kept(tensor)
        handed.append(weakref.ref(kept))
        return kept

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda k: k.tensor):
        outputs = layer(x)
    # What no output needs is free again, and its memory may be in use by
    # another tensor: only what is still held while the outputs live counts.
    held = [kept for reference in handed if (kept := reference()) is not None]
    storages = [kept.tensor.untyped_storage() for kept in held]
    bytes_at = {each.data_ptr(): each.nbytes() for each in storages}
    del outputs
    return sum(
        size for place, size in bytes_at.items() if place not in parameters
    )


def training(
    lengths: tuple[int, ...] = LENGTHS,
    repeats: int = REPEATS,
    device: str = "cpu",
) -> dict[str, Any]:
    """Return seconds and kept bytes of each layer at each length."""
    torch.manual_seed(0)
    layers = {name: make().to(device) for name, make in LAYERS.items()}
    result: dict[str, Any] = {
        name: {"seconds": {}, "bytes": {}} for name in layers
    }
    for length in lengths:
        x = torch.randn(BATCH_SIZE, length, WIDTH, device=device)
        times: dict[str, list[float]] = {name: [] for name in layers}
        for repeat in range(repeats + 1):
            for name, layer in layers.items():
                taken = seconds(partial(forward_and_backward, layer, x), device)
                # The first of all warms up.
                if repeat:
                    times[name].append(taken)
        for name, layer in layers.items():
            result[name]["seconds"][str(length)] = median(times[name])
            result[name]["bytes"][str(length)] = kept_bytes(layer, x)
    return result


@torch.no_grad()
def generation(
    pasts: tuple[int, ...] = PASTS, repeats: int = REPEATS, device: str = "cpu"
) -> dict[str, Any]:
    """Return seconds a token, and bytes of state, after so many tokens."""
    torch.manual_seed(0)
    x = torch.randn(1, WIDTH, device=device)
    gru = nn.GRUCell(WIDTH, WIDTH).to(device)
    minimal = MinGRU(WIDTH).to(device)
    attention = CausalAttention(WIDTH).to(device)
    state = torch.zeros(1, WIDTH, device=device)
    result: dict[str, Any] = {
        name: {"seconds": {}, "bytes": {}}
        for name in ("GRU", "minGRU", "attention")
    }
    for past in pasts:
        size = WIDTH // attention.heads
        shape = (1, attention.heads, past, size)
        keys, values = torch.randn(2, *shape, device=device)

        def attend(keys: Tensor = keys, values: Tensor = values) -> Tensor:
            q = attention.project(x).chunk(3, dim=-1)[0]
            q = split_heads(q[:, None], attention.heads)
            read = scaled_dot_product_attention(q, keys, values)
            return attention.out(read.transpose(1, 2).flatten(2))

        def step() -> Tensor:
            z = torch.sigmoid(minimal.gate(x))
            return z * state + (1 - z) * minimal.candidate(x)

        tokens = {
            "GRU": (lambda: gru(x, state), state.nbytes),
            "minGRU": (step, state.nbytes),
            "attention": (attend, keys.nbytes + values.nbytes),
        }
        times: dict[str, list[float]] = {name: [] for name in tokens}
        for repeat in range(repeats + 1):
            for name, (write, _) in tokens.items():
                taken = seconds(
                    lambda f=write: [f() for _ in range(TOKENS)], device
                )
                if repeat:
                    times[name].append(taken / TOKENS)
        for name, (_, held) in tokens.items():
            result[name]["seconds"][str(past)] = median(times[name])
            result[name]["bytes"][str(past)] = held
    return result


def measure(
    device: str,
    lengths: tuple[int, ...] = LENGTHS,
    pasts: tuple[int, ...] = PASTS,
    repeats: int = REPEATS,
) -> dict[str, Any]:
    """Return what training and a further token cost on one device."""
    return {
        "device": torch.cuda.get_device_name() if device == "cuda" else "",
        "training": training(lengths, repeats, device),
        "generation": generation(pasts, repeats, device),
    }


def table(
    results: dict[str, Any], part: str = "training", what: str = "seconds"
) -> pd.DataFrame:
    """Return one number per contender, device (rows) and length (columns).

    `results` maps a device to what `measure` returned, `part` is "training" or
    "generation", `what` is "seconds" or "bytes".
    """
    return pd.DataFrame(
        {
            (device, name): costs[what]
            for device, measured in results.items()
            for name, costs in measured[part].items()
        }
    ).T


def main() -> None:
    """Measure one device, record it beside the others, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=DEVICES, default=training_device())
    device = parser.parse_args().device
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    results = recorded("recurrence_cost")
    results[device] = measure(device)
    record("recurrence_cost", results)
    for part in ("training", "generation"):
        print(f"{part}, milliseconds")
        print((1000 * table({device: results[device]}, part)).round(2))


if __name__ == "__main__":
    main()
