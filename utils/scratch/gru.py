"""The gated recurrent unit, with its reset gate before or after the
recurrent product."""

from typing import Any

import numpy as np
from jaxtyping import Float, Integer

from utils.scratch.base import Gradients, Recurrent, Rows


class GRU(Recurrent):
    """The GRU layer.

    r, z = sigmoid(x W_x + b_x + h W_h + b_h), n = tanh(x W_x + b_x + r (h W_h +
    b_h)), each with its own columns; h_t = z h_{t-1} + (1 - z) n. With
    `reset_after=False` the reset gate acts before the product, n = tanh(x W_x +
    b + (r h) W_h), and one bias suffices: another model.

    Params: W_x (input, 3 hidden), W_h (hidden, 3 hidden), b_x and b_h (3
    hidden,), or b (3 hidden,) with `reset_after=False`; their columns in the
    order r, z, n. Source: [Cho et al. (2014)](https://arxiv.org/abs/1406.1078).
    Derived in chapter 03.

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
        reset_after: bool = True,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, dtype)
        self.reset_after = reset_after
        gates = 3 * hidden_size
        biases = ("b_x", "b_h") if reset_after else ("b",)
        shapes = {"W_x": (input_size, gates), "W_h": (hidden_size, gates)}
        self._initialise(rng, shapes | {name: (gates,) for name in biases})

    def _options(self) -> str:
        return f", reset_after={self.reset_after}"

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
        (batch, time, _), H = x.shape, self.hidden_size
        rows = Rows(lengths, batch, time)
        steps = rows.enter(x)
        states = np.zeros((time + 1, batch, H), self.dtype)
        states[0] = rows.sort(self._checked_state("state", state, batch))
        W_x, W_h, b, b_n = self._halved_weights()
        packed = rows.pack(steps) @ W_x
        packed += b
        from_x = rows.unpack(packed).reshape(time, batch, 3, H).swapaxes(1, 2)
        gates = np.empty((time, 2, batch, H), self.dtype)
        candidates = np.empty((time, batch, H), self.dtype)
        inner = np.empty((time, batch, H), self.dtype)
        for t, k in enumerate(rows.active):
            h, inside, n = states[t, :k], inner[t, :k], candidates[t, :k]
            r_z = np.matmul(h, W_h[:2], out=gates[t, :, :k])
            r_z += from_x[t, :2, :k]
            np.tanh(r_z, out=r_z)
            r_z *= 0.5
            r_z += 0.5
            r, z = r_z
            if self.reset_after:
                np.matmul(h, W_h[2], out=inside)
                inside += b_n
                np.multiply(r, inside, out=n)
            else:
                np.multiply(r, h, out=inside)
                np.matmul(inside, W_h[2], out=n)
            n += from_x[t, 2, :k]
            np.tanh(n, out=n)
            np.add(n, z * (h - n), out=states[t + 1, :k])
        outputs = rows.leave(states[1:])
        self._cache = (
            outputs.shape,
            (rows, steps, states, gates, candidates, inner),
        )
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
        rows, steps, states, gates, candidates, inner = self._recall(d_outputs)
        (time, batch, H), W_h = candidates.shape, self.params["W_h"]
        d_steps = rows.enter(np.asarray(d_outputs, self.dtype))
        # A row's part of d_h keeps d_state untouched until the step at which
        # the row ends.
        d_h = rows.sort(self._checked_state("d_state", d_state, batch))
        # Blocks n, r, z are the gradient of x W_x; blocks r, z, inner that of h
        # W_h.
        d_all = np.empty((time, batch, 4, H), self.dtype)
        W_h_T = W_h.T.copy()
        for t in reversed(range(time)):
            k = rows.active[t]
            (r, z), n, h = gates[t, :, :k], candidates[t, :k], states[t, :k]
            d_r, d_z = d_gates = gates[t, :, :k] * (1 - gates[t, :, :k])
            d_h_t = d_h[:k] + d_steps[t, :k]
            d_n = d_h_t * (1 - z) * (1 - n * n)
            d_z *= d_h_t * (h - n)
            d_all[t, :k, 0] = d_n
            if self.reset_after:
                d_r *= d_n * inner[t, :k]
                np.multiply(d_n, r, out=d_all[t, :k, 3])
                d_all[t, :k, 1:3] = d_gates.swapaxes(0, 1)
                np.matmul(
                    d_all[t, :k].reshape(k, 4 * H)[:, H:], W_h_T, out=d_h[:k]
                )
                d_h[:k] += d_h_t * z
            else:
                d_inner = d_n @ W_h_T[2 * H :]
                d_r *= d_inner * h
                d_all[t, :k, 1:3] = d_gates.swapaxes(0, 1)
                np.matmul(
                    d_all[t, :k].reshape(k, 4 * H)[:, H : 3 * H],
                    W_h_T[: 2 * H],
                    out=d_h[:k],
                )
                d_h[:k] += d_h_t * z + d_inner * r
        flat = rows.pack(d_all.reshape(time, batch, 4 * H))
        d_from_x, d_from_h = flat[:, : 3 * H], flat[:, H:]
        sums = flat.sum(axis=0)
        x, h = rows.pack(steps), rows.pack(states[:-1])
        params = {"W_x": np.roll(x.T @ d_from_x, -H, axis=1)}
        params["b_x"] = params["b"] = np.roll(sums[: 3 * H], -H)
        if self.reset_after:
            params |= {"W_h": h.T @ d_from_h, "b_h": sums[H:]}
        else:
            r_z_part, n_part = (
                h.T @ flat[:, H : 3 * H],
                rows.pack(inner).T @ flat[:, :H],
            )
            params["W_h"] = np.hstack([r_z_part, n_part])
        W_x = np.roll(self.params["W_x"], H, axis=1)
        return Gradients(
            x=rows.leave(rows.unpack(d_from_x @ W_x.T)),
            state=rows.restore(d_h),
            params={name: params[name] for name in self.params},
        )

    def _halved_weights(self) -> tuple[Float[np.ndarray, "..."], ...]:
        """Return W_x, W_h by gate, the bias outside the candidate's product,
        and the one inside.

        sigmoid(z) = (1 + tanh(z/2)) / 2, so all that feeds r and z is halved
        once, here.
        """
        H = self.hidden_size
        half = np.repeat(np.array([0.5, 0.5, 1], self.dtype), H)
        inside = self.params.get("b_h", np.zeros(3 * H, self.dtype))
        outside = self.params.get(
            "b_x" if self.reset_after else "b", np.zeros_like(inside)
        )
        b = outside + np.where(half < 1, inside, 0)
        W_h = (self.params["W_h"] * half).reshape(H, 3, H).swapaxes(0, 1).copy()
        return self.params["W_x"] * half, W_h, b * half, inside[2 * H :]
