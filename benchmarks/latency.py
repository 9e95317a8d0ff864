"""How long one step of a stream takes, in every form that a model can have.

    python -m benchmarks.latency

A minute on a quiet machine. One row, one step: an LSTM and a linear head. All
forms carry their state and give the same answers.
"""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.record import run_missing
from benchmarks.rounds import in_turn
from utils.speed.export import ReadLast, Step, load_step, save_step
from utils.weights import from_torch

SIZES = ((8, 32), (64, 128), (128, 512))  # input, hidden
ROUNDS, REPEATS = 500, 10


def numpy_step(layer: Any, head: Any) -> Callable[..., Any]:
    """Return the book's layer and a linear head as (x, h, c) -> (y, h, c)."""
    weight, bias = (p.detach().numpy() for p in (head.weight, head.bias))

    def step(x: np.ndarray, h: np.ndarray, c: np.ndarray) -> Any:
        _, (h, c) = layer.forward(x[:, None], (h, c))
        return h @ weight.T + bias, h, c

    return step


def torch_step(step: Any) -> Callable[..., Any]:
    """Return a module's step, of arrays."""

    @torch.no_grad()
    def run(*arrays: np.ndarray) -> Any:
        return [each.numpy() for each in step(*map(torch.from_numpy, arrays))]

    return run


def layer_step(model: ReadLast) -> Callable[..., Any]:
    """Return `nn.LSTM` over a sequence of one step."""

    @torch.no_grad()
    def run(x: np.ndarray, h: np.ndarray, c: np.ndarray) -> Any:
        given = [torch.from_numpy(each)[None] for each in (x, h, c)]
        outputs, state = model.lstm(given[0], (given[1], given[2]))
        y = model.head(outputs[:, 0])
        return [y.numpy(), *(each[0].numpy() for each in state)]

    return run


def forms(inputs: int, hidden: int, folder: Path) -> dict[str, Any]:
    """Return each form of one model, a function (x, h, c) -> (y, h, c)."""
    torch.manual_seed(0)
    model = ReadLast(inputs, hidden, 1).eval()
    for name in ("step.onnx", "step.pt2"):
        save_step(model, folder / name)
    return {
        "nn.LSTM": layer_step(model),
        "nn.LSTMCell": torch_step(Step(model).eval()),
        "torch.export": load_step(folder / "step.pt2"),
        "ONNX Runtime": load_step(folder / "step.onnx"),
        "NumPy": numpy_step(from_torch(model.lstm), model.head),
    }


def measure(inputs: int, hidden: int, rounds: int = ROUNDS) -> Any:
    """Time each form's step, `REPEATS` at a stretch; keep quartiles of the
    rounds, and the slowest of 100."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, inputs)).astype("float32")
    h, c = rng.normal(size=(2, 1, hidden)).astype("float32")
    with tempfile.TemporaryDirectory() as folder:
        ways = forms(inputs, hidden, Path(folder))
        answers = {name: step(x, h, c)[0] for name, step in ways.items()}
        times = in_turn(
            {name: partial(step, x, h, c) for name, step in ways.items()},
            rounds,
            repeats=REPEATS,
        )
    want = answers["nn.LSTM"]
    return {
        "size": [inputs, hidden],
        "microseconds": {
            name: {
                str(q): round(1000 * float(np.percentile(each, q)), 1)
                for q in (25, 50, 75, 99)
            }
            for name, each in times.items()
        },
        "largest difference": max(
            float(np.abs(each - want).max()) for each in answers.values()
        ),
    }


def main() -> None:
    """Measure what `benchmarks/results/latency.json` lacks."""
    torch.set_num_threads(1)
    run_missing(
        "latency",
        {f"{each}": partial(measure, *each) for each in SIZES},
    )


if __name__ == "__main__":
    main()
