"""The plain recurrent layer and backpropagation through time."""

from typing import Any

import numpy as np
from jaxtyping import Float, Integer

from utils.scratch.base import Gradients, Recurrent, Rows


class RNN(Recurrent):
    """Elman's recurrent layer: h_t = tanh(x_t W_x + h_{t-1} W_h + b).

    Params: W_x (input, hidden), W_h (hidden, hidden), b (hidden,);
    `activation="relu"` puts max(0, z) in tanh's place. Source: [Elman
    (1990)](https://doi.org/10.1207/s15516709cog1402_1). Derived in chapter 01.

    Raises:
        ValueError: a size below 1, an activation or a dtype that the layer does
            not have.
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
            raise ValueError(
                f"activation is {activation!r}; use 'tanh' or 'relu'"
            )
        self.activation = activation
        H = hidden_size
        self._initialise(
            rng, {"W_x": (input_size, H), "W_h": (H, H), "b": (H,)}
        )

    def _options(self) -> str:
        return f", activation={self.activation!r}"

    def forward(
        self,
        x: Float[np.ndarray, "batch time input"],
        state: Float[np.ndarray, "batch hidden"] | None = None,
        lengths: Integer[np.ndarray, " batch"] | None = None,
    ) -> tuple[
        Float[np.ndarray, "batch time hidden"],
        Float[np.ndarray, "batch hidden"],
    ]:
        """Return the state after every step, and the one after each row's last
        step.

        A row of length n has zeros for outputs beyond step n.

        Raises:
            ValueError: a shape does not fit, or a length is not from 0 to
                `time`.
        """
        x = self._checked_input(x)
        batch, time, _ = x.shape
        rows = Rows(lengths, batch, time)
        steps = rows.enter(x)
        states = np.zeros((time + 1, batch, self.hidden_size), self.dtype)
        states[0] = rows.sort(self._checked_state("state", state, batch))
        from_x = rows.pack(steps) @ self.params["W_x"]
        from_x += self.params.get("b", 0)
        z = rows.unpack(from_x)
        for t, n in enumerate(rows.active):
            h = np.matmul(
                states[t, :n], self.params["W_h"], out=states[t + 1, :n]
            )
            h += z[t, :n]
            np.tanh(h, out=h) if self.activation == "tanh" else np.maximum(
                h, 0, out=h
            )
        outputs = rows.leave(states[1:])
        self._cache = outputs.shape, (rows, steps, states)
        return outputs, rows.last(states)

    def backward(
        self,
        d_outputs: Float[np.ndarray, "batch time hidden"],
        d_state: Float[np.ndarray, "batch hidden"] | None = None,
    ) -> Gradients:
        """Turn the gradients of the last forward pass's results into those of
        its arguments.

        Raises:
            RuntimeError: there was no forward pass.
            ValueError: a gradient's shape is not that of its result.
        """
        rows, steps, states = self._recall(d_outputs)
        d_steps = rows.enter(np.asarray(d_outputs, self.dtype))
        # A row's part of d_h keeps d_state untouched until the step at which
        # the row ends.
        d_h = rows.sort(
            self._checked_state("d_state", d_state, d_steps.shape[1])
        )
        W_h_T = self.params["W_h"].T.copy()
        # d_z is the activation's slope until the gradient of h multiplies it.
        if self.activation == "tanh":
            d_z = states[1:] ** 2
            np.subtract(1, d_z, out=d_z)
        else:
            d_z = np.sign(states[1:])
        for t in reversed(range(len(d_z))):
            n = rows.active[t]
            d_h[:n] += d_steps[t, :n]
            d_z[t, :n] *= d_h[:n]
            np.matmul(d_z[t, :n], W_h_T, out=d_h[:n])
        packed = rows.pack(d_z)
        params = {
            "W_x": rows.pack(steps).T @ packed,
            "W_h": rows.pack(states[:-1]).T @ packed,
            "b": packed.sum(axis=0),
        }
        return Gradients(
            x=rows.leave(rows.unpack(packed @ self.params["W_x"].T)),
            state=rows.restore(d_h),
            params={name: params[name] for name in self.params},
        )
