"""The NumPy layers against PyTorch, Keras and hand-written loops, one thread.

Runs `python -m benchmarks.cells`, about five CPU minutes; an interrupted run
resumes. Every figure is CPU time. The ways are interleaved, and a ratio is the
median over the rounds of one way's time over ours in the same round, so that
what else the machine does falls on both.
"""

import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch.nn.utils.rnn import pack_padded_sequence

from benchmarks.packing import draw_lengths
from benchmarks.record import run_missing
from utils.data.batches import pad
from utils.scratch import GRU, LSTM, RNN
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


def interleave(
    ways: Ways, rounds: int, seconds: float
) -> dict[str, list[float]]:
    """Time the ways in turn, at least `rounds` times and for `seconds`,
    after one untimed round."""
    for run in ways.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in ways}
    start = time.process_time()
    while len(times[OURS]) < rounds or time.process_time() - start < seconds:
        for name, run in ways.items():
            before = time.process_time()
            run()
            times[name].append(time.process_time() - before)
    return times


def summary(times: dict[str, list[float]]) -> dict[str, Any]:
    """Give each way's median milliseconds, and its time over ours."""
    return {
        "rounds": len(times[OURS]),
        "milliseconds": {
            name: 1000 * statistics.median(each) for name, each in times.items()
        },
        "ratio": {
            name: statistics.median(
                theirs / ours
                for theirs, ours in zip(each, times[OURS], strict=True)
            )
            for name, each in times.items()
            if name not in (OURS, PEAK)
        },
    }


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
    rounds: int = 5,
    seconds: float = 2,
) -> dict[str, Any]:
    """Time forward, and forward with backward, of one layer in all its
    implementations."""
    batch, length, inputs, hidden = size
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, length, inputs)).astype(dtype)
    d_outputs = rng.normal(size=(batch, length, hidden)).astype(dtype)
    layer = KINDS[kind](inputs, hidden, dtype=dtype)
    module = to_torch(layer)
    tensors = torch.from_numpy(x).requires_grad_(), torch.from_numpy(d_outputs)

    def torch_forward() -> None:
        with torch.no_grad():
            module(tensors[0])

    forward = interleave(
        {OURS: partial(layer.forward, x), "PyTorch": torch_forward},
        rounds,
        seconds / 4,
    )
    ways: Ways = {
        OURS: partial(both_ways_numpy, layer, x, d_outputs),
        "PyTorch": partial(both_ways_torch, module, *tensors),
        PEAK: product_at_peak(dtype),
    }
    if dtype == "float32":
        ways["loop over PyTorch cells"] = partial(
            both_ways_torch_cells, torch_cell(layer), *tensors
        )
        ways["Keras"] = both_ways_keras(layer, x, d_outputs, xla=False)
        ways["Keras, XLA"] = both_ways_keras(layer, x, d_outputs, xla=True)
    times = interleave(ways, rounds, seconds)
    # Two operations for each weight, row and step forward, and four backward.
    operations = 6 * GATES[kind] * hidden * (inputs + hidden) * batch * length
    at_peak = operations / (2 * PEAK_SIZE**3)
    return {
        "layer": kind,
        "dtype": dtype,
        "size": size,
        "forward": summary(forward),
        "forward and backward": summary(times),
        "share of peak": statistics.median(
            at_peak * peak / ours
            for peak, ours in zip(times[PEAK], times[OURS], strict=True)
        ),
        "peak gigaflops": 2
        * PEAK_SIZE**3
        / statistics.median(times[PEAK])
        / 1e9,
    }


def one_gate_at_a_time(
    layer: LSTM, x: np.ndarray, d_outputs: np.ndarray
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Run an LSTM as tutorials do: one sample, one step, one gate after
    another.

    Returns the outputs, the gradient of x and those of the parameters.
    """
    hidden, inputs = layer.hidden_size, layer.input_size
    names = "ifgo"
    blocks = np.split(
        np.vstack([layer.params["W_h"], layer.params["W_x"]]).T, 4
    )
    W = {
        name: np.ascontiguousarray(block)
        for name, block in zip(names, blocks, strict=True)
    }
    b = dict(zip(names, np.split(layer.params["b"], 4), strict=True))
    d_W = {name: np.zeros_like(matrix) for name, matrix in W.items()}
    d_b = {name: np.zeros_like(vector) for name, vector in b.items()}
    outputs, d_x = np.empty_like(d_outputs), np.empty_like(x)
    zeros = np.zeros(hidden, x.dtype)
    for sample in range(len(x)):
        h, c, kept = zeros, zeros, []
        for t in range(x.shape[1]):
            joined = np.concatenate([h, x[sample, t]])
            i = 1 / (1 + np.exp(-(W["i"] @ joined + b["i"])))
            f = 1 / (1 + np.exp(-(W["f"] @ joined + b["f"])))
            g = np.tanh(W["g"] @ joined + b["g"])
            o = 1 / (1 + np.exp(-(W["o"] @ joined + b["o"])))
            kept.append((joined, c, i, f, g, o))
            c = f * c + i * g
            h = o * np.tanh(c)
            outputs[sample, t] = h
        d_h, d_c = zeros, zeros
        for t in reversed(range(x.shape[1])):
            joined, before, i, f, g, o = kept[t]
            tanh_c = np.tanh(f * before + i * g)
            d_h = d_h + d_outputs[sample, t]
            d_c = d_c + d_h * o * (1 - tanh_c**2)
            d_z = {
                "i": d_c * g * i * (1 - i),
                "f": d_c * before * f * (1 - f),
                "g": d_c * i * (1 - g**2),
                "o": d_h * tanh_c * o * (1 - o),
            }
            d_joined = np.zeros(hidden + inputs, x.dtype)
            for name in names:
                d_W[name] += np.outer(d_z[name], joined)
                d_b[name] += d_z[name]
                d_joined += W[name].T @ d_z[name]
            d_h, d_x[sample, t] = d_joined[:hidden], d_joined[hidden:]
            d_c = d_c * f
    stacked = np.vstack([d_W[name] for name in names]).T
    params = {
        "W_x": stacked[hidden:],
        "W_h": stacked[:hidden],
        "b": np.hstack([*d_b.values()]),
    }
    return outputs, d_x, params


def compare_with_tutorial(
    size: tuple[int, int, int, int], rounds: int = 5, seconds: float = 0
) -> dict[str, Any]:
    """Time the tutorials' way to run an LSTM forward and backward against
    ours."""
    batch, length, inputs, hidden = size
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, length, inputs)).astype("float32")
    d_outputs = rng.normal(size=(batch, length, hidden)).astype("float32")
    layer = LSTM(inputs, hidden, dtype="float32")
    ways: Ways = {
        OURS: partial(both_ways_numpy, layer, x, d_outputs),
        "one sample, one gate at a time": partial(
            one_gate_at_a_time, layer, x, d_outputs
        ),
    }
    return {
        "size": size,
        "forward and backward": summary(interleave(ways, rounds, seconds)),
    }


def compare_ragged(
    distribution: str,
    sizes: tuple[int, int, int] = RAGGED_SIZES,
    rounds: int = 7,
    seconds: float = 3,
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
        "forward and backward": summary(interleave(ways, rounds, seconds)),
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
    for size in SIZES:
        named[f"tutorial, {size}"] = partial(compare_with_tutorial, size)
    return named


def main() -> None:
    """Measure what `benchmarks/results/cells.json` lacks, on one thread."""
    import tensorflow as tf

    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    with threadpool_limits(1):
        run_missing("cells", runs())


if __name__ == "__main__":
    main()
