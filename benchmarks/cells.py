"""The NumPy layers against PyTorch's own, forward and backward, one thread.

    python -m benchmarks.cells

Two minutes on a quiet machine; an interrupted run resumes. Every time is wall
time of one forward and backward pass, down to the gradient of the input. The
other benchmarks of speed take their ways of running a layer from here.
"""

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence

from benchmarks.packing import draw_lengths
from benchmarks.record import run_missing
from benchmarks.rounds import ROUNDS, in_turn
from utils.data.batches import pad
from utils.scratch import GRU, LSTM, RNN
from utils.speed.ladder import operations
from utils.weights import to_keras, to_torch

Ways = dict[str, Callable[[], Any]]

KINDS = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
SIZES = (
    (32, 50, 32, 64),
    (64, 100, 64, 128),
    (32, 200, 128, 256),
    (1, 1000, 8, 32),
)
RAGGED_SIZES = (64, 64, 128)  # batch, input, hidden
RAGGED = ("uniform 1 to 100", "lognormal", "Pareto", "one long row")
OURS = "NumPy"
PEAK = "matrix product"
PEAK_SIZE = 1024


def both_ways_numpy(layer: Any, x: np.ndarray, d_outputs: np.ndarray) -> None:
    """Run our layer forward and backward."""
    layer.forward(x)
    layer.backward(d_outputs)


def both_ways_torch(
    module: Any, x: torch.Tensor, d_outputs: torch.Tensor
) -> None:
    """Run PyTorch's layer forward and backward, down to the gradient of x."""
    module.zero_grad()
    x.grad = None
    module(x)[0].backward(d_outputs)


def both_ways_torch_cells(
    module: Any, x: torch.Tensor, d_outputs: torch.Tensor
) -> None:
    """Run a Python loop over PyTorch's cell forward and backward."""
    module.zero_grad()
    x.grad = None
    state = None
    outputs = []
    for step in x.unbind(dim=1):
        state = module(step, state)
        outputs.append(state[0] if isinstance(state, tuple) else state)
    torch.stack(outputs, dim=1).backward(d_outputs)


def torch_cell(layer: Any) -> torch.nn.Module:
    """Build PyTorch's cell with the weights of our layer."""
    module = to_torch(layer)
    cell = getattr(torch.nn, f"{type(layer).__name__}Cell")(
        layer.input_size, layer.hidden_size, dtype=module.weight_ih_l0.dtype
    )
    cell.load_state_dict(
        {
            name.removesuffix("_l0"): value
            for name, value in module.state_dict().items()
        }
    )
    return cell


def both_ways_keras(
    layer: Any, x: np.ndarray, d_outputs: np.ndarray, xla: bool
) -> Callable:
    """Compile Keras's layer, forward and backward, into one TensorFlow
    function of no argument."""
    import tensorflow as tf

    built = to_keras(layer)
    inputs, d_results = tf.constant(x), tf.constant(d_outputs)

    @tf.function(jit_compile=xla)
    def both_ways() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = built(inputs)
        weights = [weight.value for weight in built.trainable_weights]
        return tape.gradient(
            outputs, [inputs, *weights], output_gradients=d_results
        )

    return both_ways


def product_at_peak(dtype: str) -> Callable[[], Any]:
    """Prepare a large matrix product: what the processor's one core can do
    at best."""
    matrix = (
        np.random.default_rng(0)
        .normal(size=(PEAK_SIZE, PEAK_SIZE))
        .astype(dtype)
    )
    out = np.empty_like(matrix)
    return lambda: np.matmul(matrix, matrix, out=out)


def compare_layers(
    kind: str,
    dtype: str,
    size: tuple[int, int, int, int],
    rounds: int = ROUNDS,
) -> dict[str, Any]:
    """Time one layer of NumPy and of PyTorch, and a large product beside."""
    batch, length, inputs, hidden = size
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, length, inputs)).astype(dtype)
    d_outputs = rng.normal(size=(batch, length, hidden)).astype(dtype)
    layer = KINDS[kind](inputs, hidden, dtype=dtype)
    tensors = torch.from_numpy(x).requires_grad_(), torch.from_numpy(d_outputs)
    ways: Ways = {
        OURS: partial(both_ways_numpy, layer, x, d_outputs),
        "PyTorch": partial(both_ways_torch, to_torch(layer), *tensors),
        PEAK: product_at_peak(dtype),
    }
    return {
        "layer": kind,
        "dtype": dtype,
        "size": size,
        "operations": operations(*size, gates=GATES[kind]),
        "milliseconds": in_turn(ways, rounds),
    }


def compare_ragged(
    distribution: str,
    sizes: tuple[int, int, int] = RAGGED_SIZES,
    rounds: int = ROUNDS,
) -> dict[str, Any]:
    """Time a batch of unequal rows: ours against `nn.LSTM` on packed and on
    padded rows.

    The loss is the sum of each row's output at its own last step.
    """
    batch, inputs, hidden = sizes
    rng = np.random.default_rng(0)
    if distribution == "one long row":
        lengths = rng.integers(1, 16, batch)
        lengths[0] = 100
    else:
        lengths = draw_lengths(distribution, batch, rng)
    x, lengths = pad(
        [rng.normal(size=(n, inputs)).astype("float32") for n in lengths]
    )
    layer = LSTM(inputs, hidden, dtype="float32")
    module = to_torch(layer)
    rows, counts = (
        torch.from_numpy(x).requires_grad_(),
        torch.from_numpy(lengths),
    )

    def ours() -> None:
        outputs, (h, c) = layer.forward(x, lengths=lengths)
        layer.backward(
            np.zeros_like(outputs), (np.ones_like(h), np.zeros_like(c))
        )

    def packed() -> None:
        module.zero_grad()
        rows.grad = None
        together = pack_padded_sequence(
            rows, counts, batch_first=True, enforce_sorted=False
        )
        module(together)[1][0].sum().backward()

    def padded() -> None:
        module.zero_grad()
        rows.grad = None
        module(rows)[0][torch.arange(batch), counts - 1].sum().backward()

    ways: Ways = {
        OURS: ours,
        "PyTorch, packed": packed,
        "PyTorch, padded": padded,
    }
    return {
        "lengths": distribution,
        "padding share": float(1 - lengths.sum() / (batch * x.shape[1])),
        "milliseconds": in_turn(ways, rounds),
    }


def runs() -> dict[str, Callable[[], dict[str, Any]]]:
    """Name everything there is to measure."""
    named: dict[str, Callable[[], dict[str, Any]]] = {}
    for kind, dtype, size in product(KINDS, ("float32", "float64"), SIZES):
        named[f"{kind}, {dtype}, {size}"] = partial(
            compare_layers, kind, dtype, size
        )
    for distribution in RAGGED:
        named[f"ragged, {distribution}"] = partial(compare_ragged, distribution)
    return named


def main() -> None:
    """Measure what `benchmarks/results/cells.json` lacks."""
    run_missing("cells", runs())


if __name__ == "__main__":
    main()
