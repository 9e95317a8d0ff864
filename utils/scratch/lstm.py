"""Long short-term memory: the layer and its backward pass."""

from typing import Any

import numpy as np
from jaxtyping import Float, Integer

from utils.scratch.base import Gradients, Recurrent, Rows

# Inside, the three sigmoid gates stand together: i, f, o, g. The permutation
# undoes itself.
SIGMOIDS_FIRST = [0, 1, 3, 2]


class LSTM(Recurrent):
    """The LSTM layer with a forget gate.

    i, f, o = sigmoid(x W_x + h W_h + b), g = tanh(x W_x + h W_h + b), each with
    its own columns; c_t = f c_{t-1} + i g and h_t = o tanh(c_t).

    Params: W_x (input, 4 hidden), W_h (hidden, 4 hidden), b (4 hidden,), their
    columns in the order i, f, g, o. Sources: [Hochreiter and Schmidhuber
    (1997)](https://doi.org/10.1162/neco.1997.9.8.1735); the forget gate, [Gers,
    Schmidhuber and Cummins (2000)](https://doi.org/10.1162/089976600300015015).
    Derived in chapter 02.

    Raises:
        ValueError: a size below 1, or a dtype that is neither float32 nor
            float64.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        rng: int | np.random.Generator = 0,
        dtype: Any = np.float64,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, dtype)
        H = hidden_size
        self._initialise(
            rng, {"W_x": (input_size, 4 * H), "W_h": (H, 4 * H), "b": (4 * H,)}
        )

    def forward(
        self,
        x: Float[np.ndarray, "batch time input"],
        state: tuple[
            Float[np.ndarray, "batch hidden"], Float[np.ndarray, "batch hidden"]
        ]
        | None = None,
        lengths: Integer[np.ndarray, " batch"] | None = None,
    ) -> tuple[
        Float[np.ndarray, "batch time hidden"],
        tuple[
            Float[np.ndarray, "batch hidden"], Float[np.ndarray, "batch hidden"]
        ],
    ]:
        """Return h after every step, and (h, c) after each row's last step.

        A row of length n has zeros for outputs beyond step n.

        Raises:
            ValueError: a shape does not fit, or a length is not from 0 to
                `time`.
        """
        x = self._checked_input(x)
        (batch, time, _), H = x.shape, self.hidden_size
        rows = Rows(lengths, batch, time)
        h, c = state or (None, None)
        joined = self._joined(rows, x, h)
        hidden = joined[:, :, -H:]
        cells = np.zeros((time + 1, batch, H), self.dtype)
        cells[0] = rows.sort(self._checked_state("state c", c, batch))
        gates = np.empty((time, 4, batch, H), self.dtype)
        tanh_cells = np.empty((time, batch, H), self.dtype)
        # sigmoid(z) = (1 + tanh(z/2)) / 2: with these weights halved, one tanh
        # serves all gates.
        W = self._stacked_weights().swapaxes(0, 1).copy()
        W[:3] *= 0.5
        for t, n in enumerate(rows.active):
            z = gates[t, :, :n]
            np.tanh(np.matmul(joined[t, :n], W, out=z), out=z)
            z[:3] *= 0.5
            z[:3] += 0.5
            i, f, o, g = z
            cells[t + 1, :n] = f * cells[t, :n] + i * g
            tanh_c = np.tanh(cells[t + 1, :n], out=tanh_cells[t, :n])
            hidden[t + 1, :n] = o * tanh_c
        outputs = rows.leave(hidden[1:])
        self._cache = outputs.shape, (rows, joined, cells, gates, tanh_cells)
        return outputs, (rows.last(hidden), rows.last(cells))

    def backward(
        self,
        d_outputs: Float[np.ndarray, "batch time hidden"],
        d_state: tuple[
            Float[np.ndarray, "batch hidden"], Float[np.ndarray, "batch hidden"]
        ]
        | None = None,
    ) -> Gradients:
        """Turn the gradients of the last forward pass's results into those of
        its arguments.

        Raises:
            RuntimeError: there was no forward pass.
            ValueError: a gradient's shape is not that of its result.
        """
        rows, joined, cells, gates, tanh_cells = self._recall(d_outputs)
        (time, batch, H), inputs = tanh_cells.shape, self.input_size
        d_steps = rows.enter(np.asarray(d_outputs, self.dtype))
        # A row's part of d_h and d_c keeps d_state untouched until the step at
        # which it ends.
        d_h, d_c = d_state or (None, None)
        d_h = rows.sort(self._checked_state("d_state", d_h, batch))
        d_c = rows.sort(self._checked_state("d_state c", d_c, batch))
        d_z = np.empty((time, batch, 4, H), self.dtype)
        stacked = self._stacked_weights()
        W_x_T, W_h_T = (
            W.reshape(-1, 4 * H).T.copy()
            for W in (stacked[:inputs], stacked[-H:])
        )
        for t in reversed(range(time)):
            n = rows.active[t]
            i, f, o, g = gates[t, :, :n]
            tanh_c = tanh_cells[t, :n]
            d_h_t = d_h[:n] + d_steps[t, :n]
            d_c_t = d_c[:n] + d_h_t * o * (1 - tanh_c * tanh_c)
            # The gates' slopes, times the gradients that arrive at them.
            d_gates = gates[t, :, :n] * (1 - gates[t, :, :n])
            np.subtract(1, g * g, out=d_gates[3])
            d_gates[0] *= d_c_t * g
            d_gates[1] *= d_c_t * cells[t, :n]
            d_gates[2] *= d_h_t * tanh_c
            d_gates[3] *= d_c_t * i
            d_z[t, :n] = d_gates.swapaxes(0, 1)
            np.multiply(d_c_t, f, out=d_c[:n])
            np.matmul(d_z[t, :n].reshape(n, 4 * H), W_h_T, out=d_h[:n])
        packed = rows.pack(d_z.reshape(time, batch, 4 * H))
        d_stacked = (rows.pack(joined[:-1]).T @ packed).reshape(stacked.shape)
        d_stacked = d_stacked[:, SIGMOIDS_FIRST].reshape(-1, 4 * H)
        params = {
            "W_x": d_stacked[:inputs],
            "b": d_stacked[inputs],
            "W_h": d_stacked[-H:],
        }
        return Gradients(
            x=rows.leave(rows.unpack(packed @ W_x_T)),
            state=(rows.restore(d_h), rows.restore(d_c)),
            params={name: params[name] for name in self.params},
        )

    def _stacked_weights(self) -> Float[np.ndarray, "joined 4 hidden"]:
        """Stack W_x, b and W_h to multiply [x, 1, h], with the gates in the
        order i, f, o, g."""
        stacked = np.vstack(
            [
                self.params[name]
                for name in ("W_x", "b", "W_h")
                if name in self.params
            ]
        )
        return stacked.reshape(-1, 4, self.hidden_size)[:, SIGMOIDS_FIRST]
