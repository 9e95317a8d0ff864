"""The plain recurrent layer and backpropagation through time."""

from typing import Any

import numpy as np
from jaxtyping import Float, Integer

from utils.scratch.base import Gradients, Recurrent, Rows


class RNN(Recurrent):
    """Elman's recurrent layer: h_t = tanh(x_t W_x + h_{t-1} W_h + b).

    Params: W_x (input, hidden), W_h (hidden, hidden), b (hidden,); `activation="relu"` puts
    max(0, z) in tanh's place. Source: [Elman (1990)](https://doi.org/10.1207/s15516709cog1402_1).
    Derived in chapter 01.

    Raises:
        ValueError: a size below 1, an activation or a dtype that the layer does not have.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        rng: int | np.random.Generator = 0,
        dtype: Any = np.float64,
        activation: str = "tanh",
    ) -> None:
        super().__init__(input_size, hidden_size, bias, dtype)
        if activation not in ("tanh", "relu"):
            raise ValueError(f"activation is {activation!r}; use 'tanh' or 'relu'")
        self.activation = activation
        H = hidden_size
        self._initialise(rng, {"W_x": (input_size, H), "W_h": (H, H), "b": (H,)})

    def forward(
        self,
        x: Float[np.ndarray, "batch time input"],
        state: Float[np.ndarray, "batch hidden"] | None = None,
        lengths: Integer[np.ndarray, " batch"] | None = None,
    ) -> tuple[Float[np.ndarray, "batch time hidden"], Float[np.ndarray, "batch hidden"]]:
        """Return the state after every step, and the one after each row's last step.

        A row of length n has zeros for outputs beyond step n.

        Raises:
            ValueError: a shape does not fit, or a length is not from 0 to `time`.
        """
        x = self._checked_input(x)
        batch, time, _ = x.shape
        rows = Rows(lengths, batch, time)
        h = rows.sort(self._checked_state("state", state, batch))
        # Time comes first inside, so that each step reads and writes one block of memory.
        inputs = np.ascontiguousarray(rows.sort(x).swapaxes(0, 1))
        z = inputs @ self.params["W_x"] + self.params.get("b", 0)
        states = np.zeros((time + 1, batch, self.hidden_size), self.dtype)
        states[0] = h
        for t, n in enumerate(rows.active):
            z[t, :n] += h[:n] @ self.params["W_h"]
            h[:n] = np.tanh(z[t, :n]) if self.activation == "tanh" else np.maximum(z[t, :n], 0)
            states[t + 1, :n] = h[:n]
        outputs = rows.restore(states[1:].swapaxes(0, 1)).copy()
        self._cache = outputs.shape, (rows, inputs, states)
        return outputs, rows.restore(h).copy()

    def backward(
        self,
        d_outputs: Float[np.ndarray, "batch time hidden"],
        d_state: Float[np.ndarray, "batch hidden"] | None = None,
    ) -> Gradients:
        """Turn the gradients of the last forward pass's results into those of its arguments.

        Raises:
            RuntimeError: there was no forward pass.
            ValueError: a gradient's shape is not that of its result.
        """
        rows, inputs, states = self._recall(d_outputs)
        time, batch, _ = inputs.shape
        # A row's part of d_h keeps d_state untouched until the step at which the row ends.
        d_h = rows.sort(self._checked_state("d_state", d_state, batch))
        d_steps = rows.sort(np.asarray(d_outputs, self.dtype)).swapaxes(0, 1)
        d_z = np.zeros_like(states[1:])
        for t in reversed(range(time)):
            n = rows.active[t]
            d_h[:n] += d_steps[t, :n]
            h = states[t + 1, :n]
            slope = 1 - h**2 if self.activation == "tanh" else h > 0
            d_z[t, :n] = d_h[:n] * slope
            d_h[:n] = d_z[t, :n] @ self.params["W_h"].T
        flat_d_z = d_z.reshape(time * batch, self.hidden_size)
        params = {
            "W_x": inputs.reshape(time * batch, self.input_size).T @ flat_d_z,
            "W_h": states[:-1].reshape(time * batch, self.hidden_size).T @ flat_d_z,
            "b": flat_d_z.sum(axis=0),
        }
        return Gradients(
            x=rows.restore((d_z @ self.params["W_x"].T).swapaxes(0, 1)).copy(),
            state=rows.restore(d_h),
            params={name: params[name] for name in self.params},
        )
