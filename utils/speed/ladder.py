"""The same LSTM written four ways, each a rung faster than the one before.

Every way takes the weights of `utils.scratch.LSTM`, runs forward and backward,
and returns what that layer returns. Chapter 13 climbs them.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from utils.scratch import LSTM

Inputs = Float[np.ndarray, "batch time input"]
Outputs = Float[np.ndarray, "batch time hidden"]


class Pass(NamedTuple):
    """What one forward and backward pass gives."""

    outputs: Outputs
    d_x: Inputs
    params: dict[str, Float[np.ndarray, "..."]]


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-z))."""
    return 1 / (1 + np.exp(-z))


def one_sample_at_a_time(layer: LSTM, x: Inputs, d_outputs: Outputs) -> Pass:
    """Run one row after the other, and each gate with a product of its own."""
    rows = [
        gate_by_gate(layer, x[n : n + 1], d_outputs[n : n + 1])
        for n in range(len(x))
    ]
    return Pass(
        np.concatenate([row.outputs for row in rows]),
        np.concatenate([row.d_x for row in rows]),
        {
            name: np.sum([row.params[name] for row in rows], axis=0)
            for name in layer.params
        },
    )


def gate_by_gate(layer: LSTM, x: Inputs, d_outputs: Outputs) -> Pass:
    """Run all rows at once, and each gate with a product of its own."""
    H, W = layer.hidden_size, _joined_weights(layer)
    W_gate = [each.copy() for each in np.split(W, 4, axis=1)]
    b_gate = np.split(layer.params["b"], 4)

    def multiply(joined: np.ndarray) -> list[np.ndarray]:
        return [
            joined @ each + b for each, b in zip(W_gate, b_gate, strict=True)
        ]

    def back(joined: np.ndarray, d_z: list[np.ndarray]) -> tuple[Any, Any]:
        d_joined = sum(d @ each.T for d, each in zip(d_z, W_gate, strict=True))
        return d_joined, np.hstack([joined.T @ d for d in d_z])

    return _step_by_step(x, d_outputs, H, multiply, back)


def fused_gates(layer: LSTM, x: Inputs, d_outputs: Outputs) -> Pass:
    """Run all rows at once, and all gates with one product a step."""
    H, W = layer.hidden_size, _joined_weights(layer)

    def multiply(joined: np.ndarray) -> list[np.ndarray]:
        return np.split(joined @ W + layer.params["b"], 4, axis=1)

    def back(joined: np.ndarray, d_z: list[np.ndarray]) -> tuple[Any, Any]:
        d_all = np.hstack(d_z)
        return d_all @ W.T, joined.T @ d_all

    return _step_by_step(x, d_outputs, H, multiply, back)


def inputs_first(layer: LSTM, x: Inputs, d_outputs: Outputs) -> Pass:
    """Multiply all inputs before the loop, and all gradients after it."""
    (batch, time, _), H = x.shape, layer.hidden_size
    W_x, W_h = layer.params["W_x"], layer.params["W_h"]
    from_x = x @ W_x + layer.params["b"]
    h = c = np.zeros((batch, H), x.dtype)
    outputs, d_z = np.empty((batch, time, H), x.dtype), np.empty_like(from_x)
    kept = []
    for t in range(time):
        step = _gates(np.split(from_x[:, t] + h @ W_h, 4, axis=1), c)
        kept.append((h, step))
        h, c = step[-2:]
        outputs[:, t] = h
    d_h = d_c = np.zeros((batch, H), x.dtype)
    for t in reversed(range(time)):
        each, d_c = _gates_back(kept[t][1], d_h + d_outputs[:, t], d_c)
        d_z[:, t] = np.hstack(each)
        d_h = d_z[:, t] @ W_h.T
    flat = d_z.reshape(-1, 4 * H)
    before = np.stack([h for h, _ in kept], axis=1)
    params = {
        "W_x": x.reshape(-1, x.shape[2]).T @ flat,
        "W_h": before.reshape(-1, H).T @ flat,
        "b": flat.sum(axis=0),
    }
    return Pass(outputs, d_z @ W_x.T, params)


def laid_out(layer: LSTM, x: Inputs, d_outputs: Outputs) -> Pass:
    """Run the book's layer, whose memory is laid out for the step."""
    outputs, _ = layer.forward(x)
    grads = layer.backward(d_outputs)
    return Pass(outputs, grads.x, grads.params)


RUNGS = {
    "one sample, one gate at a time": one_sample_at_a_time,
    "a batch, one gate at a time": gate_by_gate,
    "one product for all gates": fused_gates,
    "one product for all inputs": inputs_first,
    "memory laid out for the step": laid_out,
}


def operations(
    batch: int, time: int, inputs: int, hidden: int, gates: int = 4
) -> int:
    """Count the operations of a layer's products, forward and backward.

    A product and a sum for each weight, row and step on the way forward, and
    twice as many on the way back: towards the inputs, and the weights.
    """
    return 6 * gates * hidden * (inputs + hidden) * batch * time


def intensity(batch: int, inputs: int, hidden: int, size: int = 4) -> float:
    """Return the operations for each byte that a step's product must move.

    [x, h] W of one LSTM step: 2 N K M operations over the bytes of its two
    factors and its result, each read or written once; `size` bytes a number.
    """
    N, K, M = batch, inputs + hidden, 4 * hidden
    return 2 * N * K * M / (size * (N * K + K * M + N * M))


def _joined_weights(layer: LSTM) -> np.ndarray:
    return np.vstack([layer.params["W_x"], layer.params["W_h"]])


def _gates(z: list[np.ndarray], c: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return i, f, g, o, the old cell, tanh of the new one, h and c."""
    i, f, g, o = sigmoid(z[0]), sigmoid(z[1]), np.tanh(z[2]), sigmoid(z[3])
    new = f * c + i * g
    tanh_c = np.tanh(new)
    return i, f, g, o, c, tanh_c, o * tanh_c, new


def _gates_back(
    step: tuple[np.ndarray, ...], d_h: np.ndarray, d_c: np.ndarray
) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the gradients of the four gates' sums, and of the old cell."""
    i, f, g, o, c, tanh_c, _, _ = step
    d_c = d_c + d_h * o * (1 - tanh_c**2)
    d_z = [
        d_c * g * i * (1 - i),
        d_c * c * f * (1 - f),
        d_c * i * (1 - g**2),
        d_h * tanh_c * o * (1 - o),
    ]
    return d_z, d_c * f


def _step_by_step(
    x: Inputs, d_outputs: Outputs, H: int, multiply: Any, back: Any
) -> Pass:
    """Run [x_t, h_{t-1}] through `multiply`, and the gradients through
    `back`."""
    (batch, time, inputs) = x.shape
    h = c = np.zeros((batch, H), x.dtype)
    outputs, d_x = np.empty((batch, time, H), x.dtype), np.empty_like(x)
    kept = []
    for t in range(time):
        joined = np.hstack([x[:, t], h])
        step = _gates(multiply(joined), c)
        kept.append((joined, step))
        h, c = step[-2:]
        outputs[:, t] = h
    d_h = d_c = np.zeros((batch, H), x.dtype)
    d_W = np.zeros((inputs + H, 4 * H), x.dtype)
    d_b = np.zeros(4 * H, x.dtype)
    for t in reversed(range(time)):
        joined, step = kept[t]
        d_z, d_c = _gates_back(step, d_h + d_outputs[:, t], d_c)
        d_joined, d_W_t = back(joined, d_z)
        d_W += d_W_t
        d_b += np.hstack([each.sum(axis=0) for each in d_z])
        d_x[:, t], d_h = d_joined[:, :inputs], d_joined[:, inputs:]
    params = {"W_x": d_W[:inputs], "W_h": d_W[inputs:], "b": d_b}
    return Pass(outputs, d_x, params)
