"""The character model in PyTorch, and what `fit` needs to train it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from utils.language import scratch
from utils.language.alphabet import Symbols
from utils.language.reader import Reader, check_cell
from utils.language.streams import IGNORED, Streams
from utils.scratch.layer_norm import EPSILON
from utils.weights import from_torch, to_torch


class CharacterModel(nn.Module, Reader):
    """Embedding, recurrent layer, layer normalisation where asked for, head.

    Dropout stands before the recurrent layer and before the head, never between
    two steps (Zaremba, Sutskever and Vinyals, 2014, arXiv 1409.2329). Chapter
    08.

    Raises:
        ValueError: `cell` is none of RNN, LSTM and GRU.
    """

    def __init__(
        self,
        alphabet_size: int,
        cell: str = "GRU",
        hidden_size: int = 256,
        embedding_size: int = 64,
        dropout: float = 0.0,
        layer_norm: bool = False,
    ):
        super().__init__()
        check_cell(cell)
        self.alphabet_size = alphabet_size
        self.embedding = nn.Embedding(alphabet_size, embedding_size)
        self.layer = getattr(nn, cell)(
            embedding_size, hidden_size, batch_first=True
        )
        self.norm = (
            nn.LayerNorm(hidden_size, eps=EPSILON)
            if layer_norm
            else nn.Identity()
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden_size, alphabet_size)

    def forward(
        self, symbols: Int[Tensor, "batch time"], state: Any = None
    ) -> tuple[Float[Tensor, "batch time alphabet"], Any]:
        """Return the logits of what follows each symbol, and the last state:
        (1, batch, hidden), or a pair of them for an LSTM."""
        vectors = self.dropout(self.embedding(symbols))
        outputs, state = self.layer(vectors, state)
        return self.head(self.dropout(self.norm(outputs))), state

    @torch.no_grad()
    def read(
        self, symbols: Symbols, state: Any = None
    ) -> tuple[Float[np.ndarray, "time alphabet"], Any]:
        """Read one stream, without dropout; see `Reader`."""
        self.eval()
        device = self.head.weight.device
        rows = torch.from_numpy(symbols)[None].to(device)
        logits, state = self(rows, state)
        return logits[0].cpu().numpy(), state

    @classmethod
    def from_scratch(cls, model: scratch.CharacterModel) -> "CharacterModel":
        """Build the module that computes what a NumPy model computes."""
        table = model.embedding.params["E"]
        built = cls(
            model.alphabet_size,
            model.cell,
            model.layer.hidden_size,
            table.shape[1],
            layer_norm=model.norm is not None,
        ).to(torch.from_numpy(table).dtype)
        built.layer = to_torch(model.layer)
        with torch.no_grad():
            for tensor, array in _pairs(built, model):
                tensor.copy_(torch.from_numpy(array))
        return built

    def to_scratch(self) -> scratch.CharacterModel:
        """Build the NumPy model that computes what this one computes in
        evaluation mode."""
        built = scratch.CharacterModel(
            self.alphabet_size,
            self.layer.mode.removesuffix("_TANH"),
            self.layer.hidden_size,
            self.embedding.embedding_dim,
            layer_norm=isinstance(self.norm, nn.LayerNorm),
            dtype=self.head.weight.detach().cpu().numpy().dtype,
        )
        built.layer = from_torch(self.layer)
        for tensor, array in _pairs(self, built):
            array[...] = tensor.detach().cpu().numpy()
        return built


def _pairs(
    module: CharacterModel, model: scratch.CharacterModel
) -> Iterator[tuple[Tensor, Float[np.ndarray, "..."]]]:
    """Pair the parameters outside the recurrent layer, PyTorch's with NumPy's
    in its layout."""
    yield module.embedding.weight, model.embedding.params["E"]
    yield module.head.weight, model.head.params["W"].T
    yield module.head.bias, model.head.params["b"]
    if model.norm is not None and isinstance(module.norm, nn.LayerNorm):
        yield module.norm.weight, model.norm.params["gain"]
        yield module.norm.bias, model.norm.params["bias"]


class Carried(nn.Module):
    """A character model that carries its state from batch to batch.

    The state is a buffer: a checkpoint keeps it, and a resumed run goes on in
    the middle of a text as if nothing had happened. Gradients stop at a batch's
    beginning: truncated backpropagation through time (Williams and Peng, 1990,
    Neural Computation 2(4)).
    """

    state: Tensor

    def __init__(self, model: CharacterModel, streams: int):
        super().__init__()
        self.model = model
        parts = 2 if isinstance(model.layer, nn.LSTM) else 1
        shape = parts, 1, streams, model.layer.hidden_size
        self.register_buffer("state", model.head.weight.new_zeros(shape))

    def forward(
        self,
        symbols: Int[Tensor, "streams time"],
        fresh: Bool[Tensor, " streams"],
    ) -> Float[Tensor, "streams time alphabet"]:
        """Go on from the last batch, from zero where a stream is fresh."""
        start = self.state.masked_fill(fresh[:, None], 0)
        state = tuple(start) if len(start) == 2 else start[0]
        logits, state = self.model(symbols, state)
        after = state if isinstance(state, tuple) else (state,)
        self.state = torch.stack(after).detach()
        return logits


class TensorStreams:
    """`Streams` as the batches that `fit` takes: (symbols, fresh), target."""

    def __init__(self, streams: Streams):
        self.streams = streams
        self.rng = streams.rng

    def __len__(self) -> int:
        """Count the batches of an epoch."""
        return len(self.streams)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield an epoch's batches as tensors."""
        for symbols, fresh, targets in self.streams:
            yield (
                torch.from_numpy(symbols),
                torch.from_numpy(fresh),
                torch.from_numpy(targets),
            )


def next_symbol_loss(
    logits: Float[Tensor, "streams time alphabet"],
    targets: Int[Tensor, "streams time"],
) -> Float[Tensor, ""]:
    """Return the mean of -ln p(target) over a batch's counted symbols, in
    nats.

    For training alone: a mean of batches' means is no measure of a text, which
    `bits_per_character` is.
    """
    return nn.functional.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED
    )
