"""What the recurrent layers share: initial values, checked arguments and
rows of unequal length."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Integer


@dataclass(frozen=True)
class Gradients:
    """A loss's gradients with respect to what a layer was given, each of its
    argument's shape."""

    x: Float[np.ndarray, "..."]
    params: dict[str, Float[np.ndarray, "..."]]
    state: Any = None


def uniform(
    rng: np.random.Generator, shape: tuple[int, ...], bound: float, dtype: Any
) -> Float[np.ndarray, "..."]:
    """Draw initial values from U(-bound, bound)."""
    return rng.uniform(-bound, bound, shape).astype(dtype)


class Recurrent:
    """The base of RNN, LSTM and GRU: sizes, element type, and arguments checked
    and laid out.

    `forward` keeps in `_cache` the shape of its outputs and what `backward`
    needs.
    """

    params: dict[str, Float[np.ndarray, "..."]]

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, dtype: Any
    ) -> None:
        for name, size in (
            ("input_size", input_size),
            ("hidden_size", hidden_size),
        ):
            if size < 1:
                raise ValueError(f"{name} is {size}; it must be at least 1")
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise ValueError(f"dtype is {self.dtype}; use float32 or float64")
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        self._cache: Any = None

    def __repr__(self) -> str:
        """Name the layer with its sizes and everything else that its weights
        do not say."""
        return (
            f"{type(self).__name__}({self.input_size}, {self.hidden_size}, "
            f"bias={self.bias}, "
            f"dtype={self.dtype}{self._options()})"
        )

    def _options(self) -> str:
        return ""

    def _initialise(
        self, rng: int | np.random.Generator, shapes: dict[str, tuple[int, ...]]
    ) -> None:
        """Draw the parameters from U(-1/sqrt(hidden), 1/sqrt(hidden)), as
        PyTorch does."""
        generator = np.random.default_rng(rng)
        bound = self.hidden_size**-0.5
        self.params = {
            name: uniform(generator, shape, bound, self.dtype)
            for name, shape in shapes.items()
            if self.bias or not name.startswith("b")
        }

    def _checked_input(
        self, x: Float[np.ndarray, "..."]
    ) -> Float[np.ndarray, "..."]:
        x = np.asarray(x, dtype=self.dtype)
        if x.ndim != 3 or x.shape[2] != self.input_size:
            raise ValueError(
                f"x has shape {x.shape}; {self!r} reads (batch, time, "
                f"{self.input_size})"
            )
        return x

    def _checked_state(
        self, name: str, state: Float[np.ndarray, "..."] | None, batch: int
    ) -> Float[np.ndarray, "..."]:
        """Return the state as a new array of the layer's type; zeros where
        there is none."""
        if state is None:
            return np.zeros((batch, self.hidden_size), self.dtype)
        state = np.array(state, dtype=self.dtype)
        if state.shape != (batch, self.hidden_size):
            raise ValueError(
                f"{name} has shape {state.shape}; a batch of {batch} rows "
                "needs "
                f"({batch}, {self.hidden_size})"
            )
        return state

    def _joined(
        self, rows: "Rows", x: Float[np.ndarray, "batch time input"], state: Any
    ) -> Float[np.ndarray, "times batch joined"]:
        """Lay out [x_t, 1, h_{t-1}] for every step; the 1 multiplies the bias,
        if there is one.

        The layer fills h in as it goes. Only h counts in the last of the time +
        1 entries.
        """
        batch, time, _ = x.shape
        size = self.input_size + self.bias + self.hidden_size
        joined = np.zeros((time + 1, batch, size), self.dtype)
        joined[:-1, :, : self.input_size] = rows.enter(x)
        if self.bias:
            joined[:, :, self.input_size] = 1
        joined[0, :, -self.hidden_size :] = rows.sort(
            self._checked_state("state", state, batch)
        )
        return joined

    def _recall(self, d_outputs: Float[np.ndarray, "..."]) -> Any:
        """Return what the forward pass kept, once it and the gradient are
        known to fit."""
        if self._cache is None:
            raise RuntimeError(
                "backward needs the values of a forward pass; call forward "
                "first"
            )
        shape, kept = self._cache
        if d_outputs.shape != shape:
            raise ValueError(
                f"d_outputs has shape {d_outputs.shape}; the last forward "
                f"pass returned {shape}"
            )
        return kept


class Rows:
    """The rows of a batch by falling length: those that run at step t are the
    first active[t].

    Inside a layer, arrays are (time, batch, features) in this order, so that
    each step reads and writes one block of memory and leaves finished rows out.

    Raises:
        ValueError: lengths is not one whole number from 0 to `time` for each
            row.
    """

    def __init__(
        self,
        lengths: Integer[np.ndarray, " batch"] | None,
        batch: int,
        time: int,
    ) -> None:
        self.active = [batch] * time
        self._lengths = np.full(batch, time)
        self._order: Any = slice(None)
        self._inverse: Any = slice(None)
        self._running: Any = None
        if lengths is None:
            return
        lengths = np.asarray(lengths)
        if lengths.shape != (batch,) or not np.issubdtype(
            lengths.dtype, np.integer
        ):
            raise ValueError(
                f"lengths has shape {lengths.shape} and type {lengths.dtype}; "
                f"a batch of {batch} rows needs {batch} whole numbers"
            )
        outside = np.flatnonzero((lengths < 0) | (lengths > time))
        if outside.size:
            row = int(outside[0])
            raise ValueError(
                f"lengths[{row}] is {lengths[row]}; it must be from 0 to "
                f"{time}, the steps of x"
            )
        self._order = np.argsort(-lengths, kind="stable")
        self._inverse = np.argsort(self._order)
        self._lengths = lengths[self._order]
        self._running = np.arange(time)[:, None] < self._lengths
        self.active = self._running.sum(axis=1).tolist()

    def sort(
        self, array: Float[np.ndarray, "batch features"]
    ) -> Float[np.ndarray, "batch features"]:
        """Put the batch's rows into the order of falling length, in a new
        array."""
        return array[self._order].copy()

    def restore(
        self, array: Float[np.ndarray, "batch features"]
    ) -> Float[np.ndarray, "batch features"]:
        """Put sorted rows back into the batch's order, in a new array."""
        return array[self._inverse].copy()

    def enter(
        self, array: Float[np.ndarray, "batch time features"]
    ) -> Float[np.ndarray, "time batch features"]:
        """Sort the rows and put time first."""
        return array[self._order].swapaxes(0, 1)

    def leave(
        self, array: Float[np.ndarray, "time batch features"]
    ) -> Float[np.ndarray, "batch time features"]:
        """Undo `enter`, in a new array."""
        return array.swapaxes(0, 1)[self._inverse].copy()

    def last(
        self, states: Float[np.ndarray, "times batch hidden"]
    ) -> Float[np.ndarray, "batch hidden"]:
        """Pick each row's state after its last step; states[0] is the
        initial one."""
        return self.restore(
            states[self._lengths, np.arange(len(self._lengths))]
        )

    def pack(
        self, array: Float[np.ndarray, "time batch features"]
    ) -> Float[np.ndarray, "valid features"]:
        """Stack the valid steps of all rows, so that one product serves them
        all."""
        if self._running is None:
            return array.reshape(-1, array.shape[-1])
        return array[self._running]

    def unpack(
        self, packed: Float[np.ndarray, "valid features"]
    ) -> Float[np.ndarray, "time batch features"]:
        """Undo `pack`; steps beyond a row's end are 0."""
        shape = len(self.active), len(self._lengths), packed.shape[-1]
        if self._running is None:
            return packed.reshape(shape)
        array = np.zeros(shape, packed.dtype)
        array[self._running] = packed
        return array
