"""A trained recurrent model outside PyTorch: one step, its state handed over.

A file that holds a whole sequence's loop fixes its length. One step does not,
and it is what a stream needs: the caller keeps the state.
"""

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn


class ReadLast(nn.Module):
    """An LSTM over a batch of sequences, and a linear head at every step."""

    def __init__(self, input_size: int, hidden_size: int, outputs: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(input_size, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return the answer after every step: (batch, time, outputs)."""
        return self.head(self.lstm(x)[0])


class Step(nn.Module):
    """One step of a `ReadLast`, with its weights: (x, h, c) -> (y, h, c)."""

    def __init__(self, model: ReadLast) -> None:
        super().__init__()
        lstm = model.lstm
        self.cell = nn.LSTMCell(lstm.input_size, lstm.hidden_size)
        weights = {
            name.removesuffix("_l0"): value
            for name, value in lstm.state_dict().items()
        }
        self.cell.load_state_dict(weights)
        self.head = model.head

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        """Take a step: x is (1, input), h and c are (1, hidden)."""
        h, c = self.cell(x, (h, c))
        return self.head(h), h, c

    def example(self) -> tuple[Tensor, ...]:
        """Return arguments of the right shapes: zeros."""
        zeros = torch.zeros(1, self.cell.hidden_size)
        return torch.zeros(1, self.cell.input_size), zeros, zeros.clone()


def save_step(model: ReadLast, path: str | Path) -> None:
    """Write one step of a model as a program of `torch.export` (.pt2), or as
    ONNX (.onnx).

    Raises:
        ValueError: the file's name ends in neither.
    """
    step, path = Step(model).eval(), Path(path)
    if path.suffix == ".pt2":
        torch.export.save(torch.export.export(step, step.example()), path)
    elif path.suffix == ".onnx":
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        with warnings.catch_warnings():
            # Of PyTorch's own internals, nothing that a reader could mend.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                step,
                step.example(),
                path,
                input_names=["x", "h", "c"],
                output_names=["y", "h_next", "c_next"],
                dynamo=True,
                verbose=False,
                external_data=False,
            )
    else:
        raise ValueError(f"{path.name}: the name must end in .pt2 or .onnx")


def load_step(path: str | Path) -> Any:
    """Return a function (x, h, c) -> (y, h, c) of NumPy arrays from a file.

    Raises:
        ValueError: the file's name ends in neither .pt2 nor .onnx.
    """
    path = Path(path)
    if path.suffix == ".onnx":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        return lambda x, h, c: session.run(None, {"x": x, "h": h, "c": c})
    if path.suffix != ".pt2":
        raise ValueError(f"{path.name}: the name must end in .pt2 or .onnx")
    program = torch.export.load(path).module()

    @torch.no_grad()
    def step(*arrays: np.ndarray) -> list[np.ndarray]:
        results = program(*map(torch.from_numpy, arrays))
        return [each.numpy() for each in results]

    return step


def run_stepwise(
    step: Any, steps: Float[np.ndarray, "time input"], hidden_size: int
) -> Iterator[Float[np.ndarray, " outputs"]]:
    """Yield the answer to each step as it arrives, carrying the state."""
    h = c = np.zeros((1, hidden_size), np.float32)
    for x in steps:
        y, h, c = step(x[None], h, c)
        yield y[0]
