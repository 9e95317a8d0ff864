"""Two recurrent layers that read a sequence from both ends."""

from typing import Any

import numpy as np
from jaxtyping import Float, Integer

from utils.scratch.base import Gradients
from utils.scratch.gru import GRU
from utils.scratch.lstm import LSTM
from utils.scratch.rnn import RNN

Layer = RNN | LSTM | GRU


class Bidirectional:
    """A layer forward in time beside one backward: y_t = [forward h_t, backward
    h_t].

    The backward layer starts at each row's last valid step, not in its padding.

    Params: those of both layers, named forward_W_x, backward_W_x and so on.
    Source: [Schuster and Paliwal (1997)](https://doi.org/10.1109/78.650093).
    Derived in chapter 07.

    Raises:
        ValueError: the two layers differ in type, size or dtype.
    """

    def __init__(self, forward_layer: Layer, backward_layer: Layer) -> None:
        if repr(forward_layer) != repr(backward_layer):
            raise ValueError(
                f"the forward layer is {forward_layer} and the backward one "
                f"{backward_layer}; "
                "they must be alike in type, sizes and dtype"
            )
        if forward_layer is backward_layer:
            raise ValueError(
                "the two layers are one object; each direction needs its own "
                "weights"
            )
        self.forward_layer = forward_layer
        self.backward_layer = backward_layer
        self._lengths: Integer[np.ndarray, " batch"] | None = None

    @property
    def params(self) -> dict[str, Float[np.ndarray, "..."]]:
        """The arrays of both layers; changing them in place changes the
        layers."""
        return _named(self.forward_layer.params, self.backward_layer.params)

    def forward(
        self,
        x: Float[np.ndarray, "batch time input"],
        state: tuple[Any, Any] | None = None,
        lengths: Integer[np.ndarray, " batch"] | None = None,
    ) -> tuple[Float[np.ndarray, "batch time both"], tuple[Any, Any]]:
        """Return both layers' outputs side by side, and the pair of their last
        states.

        The backward layer's last state is the one after the row's first step.

        Raises:
            ValueError: a shape does not fit, or a length is not from 0 to
                `time`.
        """
        forward_state, backward_state = state or (None, None)
        ahead, forward_last = self.forward_layer.forward(
            x, forward_state, lengths
        )
        self._lengths = lengths
        back, backward_last = self.backward_layer.forward(
            reverse_rows(x, lengths), backward_state, lengths
        )
        outputs = np.concatenate([ahead, reverse_rows(back, lengths)], axis=2)
        return outputs, (forward_last, backward_last)

    def backward(
        self,
        d_outputs: Float[np.ndarray, "batch time both"],
        d_state: tuple[Any, Any] | None = None,
    ) -> Gradients:
        """Turn the gradients of the last forward pass's results into those of
        its arguments.

        Raises:
            RuntimeError: there was no forward pass.
            ValueError: a gradient's shape is not that of its result.
        """
        hidden = self.forward_layer.hidden_size
        d_forward_state, d_backward_state = d_state or (None, None)
        ahead = self.forward_layer.backward(
            d_outputs[..., :hidden], d_forward_state
        )
        back = self.backward_layer.backward(
            reverse_rows(d_outputs[..., hidden:], self._lengths),
            d_backward_state,
        )
        return Gradients(
            x=ahead.x + reverse_rows(back.x, self._lengths),
            state=(ahead.state, back.state),
            params=_named(ahead.params, back.params),
        )


def reverse_rows(
    x: Float[np.ndarray, "batch time features"],
    lengths: Integer[np.ndarray, " batch"] | None = None,
) -> Float[np.ndarray, "batch time features"]:
    """Reverse the valid steps of every row and leave its padding where it
    is."""
    if lengths is None:
        return x[:, ::-1]
    steps = np.arange(x.shape[1])
    ends = np.asarray(lengths)[:, None]
    source = np.where(steps < ends, ends - 1 - steps, steps)
    return np.take_along_axis(x, source[:, :, None], axis=1)


def _named(
    ahead: dict[str, Float[np.ndarray, "..."]],
    back: dict[str, Float[np.ndarray, "..."]],
) -> dict[str, Float[np.ndarray, "..."]]:
    return {f"forward_{name}": array for name, array in ahead.items()} | {
        f"backward_{name}": array for name, array in back.items()
    }
