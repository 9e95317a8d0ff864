"""PyTorch models that the chapters train."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class SequenceReader(nn.Module):
    """One recurrent layer and a linear head on its last output, or on every
    output.

    `cell` names PyTorch's layer: "RNN", "LSTM" or "GRU". Chapter 04 compares
    the three.
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
        self.layer = getattr(nn, cell)(
            input_size, hidden_size, batch_first=True
        )
        self.head = nn.Linear(hidden_size, output_size)
        self.every_step = every_step

    def forward(
        self, x: Float[Tensor, "batch time input"]
    ) -> Float[Tensor, "batch *time output"]:
        """Run the layer, then the head."""
        outputs, _ = self.layer(x)
        return self.head(outputs if self.every_step else outputs[:, -1])


def equal_hidden_size(
    cell: str, input_size: int, output_size: int, parameters: int
) -> int:
    """Return the hidden size whose `SequenceReader` comes closest to a number
    of parameters.

    With G = 1, 4, 3 blocks for RNN, LSTM and GRU, the layer has G (H^2 + H I +
    2 H) parameters (PyTorch keeps two biases) and the head (H + 1) O.
    """
    blocks = {"RNN": 1, "LSTM": 4, "GRU": 3}[cell]

    def distance(hidden: int) -> int:
        layer = blocks * (hidden**2 + hidden * input_size + 2 * hidden)
        return abs(layer + (hidden + 1) * output_size - parameters)

    return min(range(1, parameters), key=distance)


@torch.no_grad()
def initialise_as_keras(model: nn.Module) -> None:
    """Redraw a model's recurrent and dense weights as Keras initialises them.

    Input and dense weights from Glorot's uniform distribution, recurrent ones
    orthogonal, biases 0 and the forget part of an LSTM's 1. PyTorch draws all
    of them, biases too, from U(-1/sqrt(hidden), 1/sqrt(hidden)). Chapter 03.
    """
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if "bias" in name:
                parameter.zero_()
            elif "weight_hh" in name:
                nn.init.orthogonal_(parameter)
            elif isinstance(module, nn.RNNBase | nn.Linear):
                nn.init.xavier_uniform_(parameter)
            if isinstance(module, nn.LSTM) and "bias_ih" in name:
                parameter[module.hidden_size : 2 * module.hidden_size] = 1


class ManyToOne(nn.Module):
    """Stacked recurrent layers whose last output a linear layer turns into a
    prediction.

    Sequences (batch, time, input) of one length in, (batch, outputs) out;
    logits where the target is a class. `kind` is nn.RNN, nn.LSTM or nn.GRU.
    Chapters 02, 03 and 10.
    """

    def __init__(
        self,
        kind: type[nn.RNN | nn.LSTM | nn.GRU],
        input_size: int,
        hidden_size: int,
        outputs: int,
        num_layers: int = 2,
        dropout: float = 0.2,
    ):
        super().__init__()
        self.recurrent = kind(
            input_size,
            hidden_size,
            num_layers,
            batch_first=True,
            dropout=dropout,
        )
        self.head = nn.Linear(hidden_size, outputs)

    def forward(
        self, x: Float[Tensor, "batch time input"]
    ) -> Float[Tensor, "batch outputs"]:
        """Predict from the last output of the last layer."""
        outputs, _ = self.recurrent(x)
        return self.head(outputs[:, -1])


class BallPredictor(nn.Module):
    """An RNN of eight units whose last valid output a linear layer turns into
    the next position.

    Packs the padded rows, runs them, unpacks and gathers each row's output at
    its own last step. Chapter 06.
    """

    def __init__(self, hidden_size: int = 8):
        super().__init__()
        self.rnn = nn.RNN(1, hidden_size, batch_first=True)
        self.linear = nn.Linear(hidden_size, 1)

    @classmethod
    def from_parts(
        cls,
        w: Float[np.ndarray, " hidden"],
        W: Float[np.ndarray, "hidden hidden"],
        b: Float[np.ndarray, " hidden"],
        v: Float[np.ndarray, " hidden"],
        c: Float[np.ndarray, "1"],
    ) -> "BallPredictor":
        """Build the network of `utils.length.ball_rnn.BallRNN.parts`, in
        their precision."""
        model = cls(len(w)).to(torch.from_numpy(w).dtype)
        state = {
            "rnn.weight_ih_l0": w[:, None],
            "rnn.weight_hh_l0": W.T,
            "rnn.bias_ih_l0": b,
            "rnn.bias_hh_l0": np.zeros_like(b),
            "linear.weight": v[None],
            "linear.bias": c,
        }
        model.load_state_dict(
            {name: torch.tensor(value) for name, value in state.items()}
        )
        return model

    def forward(
        self,
        inputs: Float[Tensor, "batch time"],
        lengths: Int[Tensor, " batch"],
    ) -> Float[Tensor, " batch"]:
        """Pack, run, unpack, gather and read out."""
        packed = pack_padded_sequence(
            inputs[..., None],
            lengths.cpu(),
            batch_first=True,
            enforce_sorted=False,
        )
        outputs, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        rows = torch.arange(len(lengths), device=outputs.device)
        last = outputs[rows, lengths - 1]
        return self.linear(last)[:, 0]


def pool_outputs(
    outputs: Float[Tensor, "batch time feature"],
    lengths: Int[Tensor, " batch"],
    how: str,
) -> Float[Tensor, "batch feature"]:
    """Make one vector of each row from its first `lengths` outputs. Chapter 07.

    `how` is "last", "final states" (each direction's last output: the forward
    half at the row's last step, the backward half at step 0), "mean" or "max".

    Raises:
        ValueError: `how` is none of these.
    """
    rows = torch.arange(len(outputs), device=outputs.device)
    if how == "last":
        return outputs[rows, lengths - 1]
    if how == "final states":
        half = outputs.shape[2] // 2
        return torch.cat(
            [outputs[rows, lengths - 1, :half], outputs[:, 0, half:]], dim=1
        )
    steps = torch.arange(outputs.shape[1], device=outputs.device)
    padding = (steps >= lengths[:, None])[:, :, None]
    if how == "mean":
        return outputs.masked_fill(padding, 0).sum(dim=1) / lengths[:, None]
    if how == "max":
        return outputs.masked_fill(padding, -torch.inf).amax(dim=1)
    raise ValueError(
        f"how is {how!r}; use 'last', 'final states', 'mean' or 'max'"
    )


def reverse_rows(
    x: Float[Tensor, "batch time feature"], lengths: Int[Tensor, " batch"]
) -> Float[Tensor, "batch time feature"]:
    """Turn each row round within its own length; padding stays at its end."""
    steps = torch.arange(x.shape[1], device=x.device)
    turned = lengths[:, None] - 1 - steps
    turned = torch.where(turned < 0, steps, turned)
    return x.gather(1, turned[:, :, None].expand_as(x))


class SymbolReader(nn.Module):
    """Symbols to vectors, an LSTM in one direction or two, and a linear head.

    Padded rows of symbols and their lengths in. Nothing is packed: a forward
    layer meets a row's padding after its last step, and so does a backward
    layer that reads `reverse_rows`. That computes what PyTorch's packed
    bidirectional layer does, in a third of its time on a CPU. With `pooling`
    (see `pool_outputs`) the head reads one vector per row and returns
    (batch, outputs), without it every step: (batch, time, outputs). Chapter 07.
    """

    def __init__(
        self,
        symbols: int,
        outputs: int,
        hidden_size: int = 16,
        bidirectional: bool = True,
        pooling: str | None = None,
    ):
        super().__init__()
        self.embedding = nn.Embedding(symbols, 8)
        self.ahead = nn.LSTM(8, hidden_size, batch_first=True)
        self.back = (
            nn.LSTM(8, hidden_size, batch_first=True) if bidirectional else None
        )
        self.head = nn.Linear(hidden_size * (1 + bidirectional), outputs)
        self.pooling = pooling

    def outputs(
        self, rows: Int[Tensor, "batch time"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch time feature"]:
        """Return every output of the layer, both directions side by side."""
        x = self.embedding(rows)
        outputs, _ = self.ahead(x)
        if self.back is None:
            return outputs
        turned, _ = self.back(reverse_rows(x, lengths))
        return torch.cat([outputs, reverse_rows(turned, lengths)], dim=2)

    def forward(
        self, rows: Int[Tensor, "batch time"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch *time outputs"]:
        """Read the rows, pool where asked to, and apply the head."""
        outputs = self.outputs(rows, lengths)
        if self.pooling is not None:
            outputs = pool_outputs(outputs, lengths, self.pooling)
        return self.head(outputs)


class StepForecaster(nn.Module):
    """A GRU in one direction or both and a linear layer that answers at
    every step. Chapter 07."""

    def __init__(
        self, input_size: int, hidden_size: int, bidirectional: bool = True
    ):
        super().__init__()
        self.layer = nn.GRU(
            input_size,
            hidden_size,
            batch_first=True,
            bidirectional=bidirectional,
        )
        self.head = nn.Linear(
            hidden_size * (2 if bidirectional else 1), input_size
        )

    def forward(
        self, x: Float[Tensor, "batch time input"]
    ) -> Float[Tensor, "batch time input"]:
        """Run the layer, then the head."""
        return self.head(self.layer(x)[0])


class FinalStatesReader(nn.Module):
    """An LSTM in one direction or both and a linear layer that turns its last
    states into outputs. Chapter 07."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        outputs: int,
        bidirectional: bool = True,
    ):
        super().__init__()
        self.layer = nn.LSTM(
            input_size,
            hidden_size,
            batch_first=True,
            bidirectional=bidirectional,
        )
        self.head = nn.Linear(hidden_size * (1 + bidirectional), outputs)

    def forward(
        self, x: Float[Tensor, "batch time input"]
    ) -> Float[Tensor, "batch outputs"]:
        """Read out the last state of each direction, side by side."""
        _, (h_n, _) = self.layer(x)
        return self.head(torch.cat(list(h_n), dim=1))
