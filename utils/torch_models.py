"""PyTorch models that the chapters train."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class SequenceReader(nn.Module):
    """One recurrent layer and a linear head on its last output, or on every output.

    `cell` names PyTorch's layer: "RNN", "LSTM" or "GRU". Chapter 04 compares the three.
    """

    def __init__(
        self,
        cell: str,
        input_size: int,
        hidden_size: int,
        output_size: int,
        every_step: bool = False,
    ):
        super().__init__()
        self.layer = getattr(nn, cell)(input_size, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, output_size)
        self.every_step = every_step

    def forward(self, x: Float[Tensor, "batch time input"]) -> Float[Tensor, "batch *time output"]:
        """Run the layer, then the head."""
        outputs, _ = self.layer(x)
        return self.head(outputs if self.every_step else outputs[:, -1])


def equal_hidden_size(cell: str, input_size: int, output_size: int, parameters: int) -> int:
    """Return the hidden size whose `SequenceReader` comes closest to a number of parameters.

    With G = 1, 4, 3 blocks for RNN, LSTM and GRU, the layer has G (H^2 + H I + 2 H) parameters
    (PyTorch keeps two biases) and the head (H + 1) O.
    """
    blocks = {"RNN": 1, "LSTM": 4, "GRU": 3}[cell]

    def distance(hidden: int) -> int:
        layer = blocks * (hidden**2 + hidden * input_size + 2 * hidden)
        return abs(layer + (hidden + 1) * output_size - parameters)

    return min(range(1, parameters), key=distance)


class ManyToOne(nn.Module):
    """Stacked recurrent layers whose last output a linear layer turns into a prediction.

    Sequences (batch, time, input) of one length in, (batch, outputs) out; logits where the target
    is a class. `kind` is nn.RNN, nn.LSTM or nn.GRU. Chapters 02, 03 and 08.
    """

    def __init__(
        self,
        kind: type[nn.RNNBase],
        input_size: int,
        hidden_size: int,
        outputs: int,
        num_layers: int = 2,
        dropout: float = 0.2,
    ):
        super().__init__()
        self.recurrent = kind(
            input_size, hidden_size, num_layers, batch_first=True, dropout=dropout
        )
        self.head = nn.Linear(hidden_size, outputs)

    def forward(self, x: Float[Tensor, "batch time input"]) -> Float[Tensor, "batch outputs"]:
        outputs, _ = self.recurrent(x)
        return self.head(outputs[:, -1])


class BallPredictor(nn.Module):
    """An RNN of eight units whose last valid output a linear layer turns into the next position.

    Packs the padded rows, runs them, unpacks and gathers each row's output at its own last step.
    Chapter 05.
    """

    def __init__(self, hidden_size: int = 8):
        super().__init__()
        self.rnn = nn.RNN(1, hidden_size, batch_first=True)
        self.linear = nn.Linear(hidden_size, 1)

    @classmethod
    def from_parts(
        cls,
        w: Float[np.ndarray, " hidden"],
        U: Float[np.ndarray, "hidden hidden"],
        b: Float[np.ndarray, " hidden"],
        v: Float[np.ndarray, " hidden"],
        c: Float[np.ndarray, "1"],
    ) -> "BallPredictor":
        """Build the network of `utils.ball_models.BallRNN.parts`, in their precision."""
        model = cls(len(w)).to(torch.from_numpy(w).dtype)
        state = {
            "rnn.weight_ih_l0": w[:, None],
            "rnn.weight_hh_l0": U,
            "rnn.bias_ih_l0": b,
            "rnn.bias_hh_l0": np.zeros_like(b),
            "linear.weight": v[None],
            "linear.bias": c,
        }
        model.load_state_dict({name: torch.tensor(value) for name, value in state.items()})
        return model

    def forward(
        self, inputs: Float[Tensor, "batch time"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, " batch"]:
        packed = pack_padded_sequence(
            inputs[..., None], lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        outputs, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        last = outputs[torch.arange(len(lengths)), lengths - 1]
        return self.linear(last)[:, 0]
