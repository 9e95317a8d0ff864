"""What the networks of the labs in which a reader types have in common.

`benchmarks.date_reader` and `benchmarks.pronouncer` train them; here a trained
one is rounded as the page will read it, and asked what it writes.
"""

from typing import Any

import torch

from benchmarks.trial import rounded
from utils.attention.pytorch import Seq2Seq, beam_search, greedy_decode
from utils.data.pairs import PAD, Symbols
from utils.labs.typed import PADDING, WIDTH, Typed
from utils.labs.weights import Layers, as_stored
from utils.weights import from_torch


@torch.no_grad()
def round_weights(model: Seq2Seq, dtype: str = "float16") -> None:
    """Round every weight, in place, to what the page will read."""
    for weight in model.parameters():
        rounded_ones = as_stored(weight.detach().numpy(), dtype)
        weight.copy_(torch.from_numpy(rounded_ones))


def layers_of(model: Seq2Seq) -> Layers:
    """Return a model's layers as `utils.labs.typed` reads them.

    Raises:
        ValueError: the model has no attention.
    """
    if model.attention is None:
        raise ValueError("the page shows attention, and this model has none")
    cell, attention = model.cell, model.attention
    arrays = {
        "source": {"table": model.source_embedding.weight},
        "target": {"table": model.target_embedding.weight},
        "bridge": {"W": model.bridge.weight.T, "b": model.bridge.bias},
        "attention": {
            "query": attention.query.weight.T,
            "key": attention.key.weight.T,
            "score": attention.score.weight.ravel(),
        },
        "cell": {
            "W_x": cell.weight_ih.T,
            "W_h": cell.weight_hh.T,
            "b_x": cell.bias_ih,
            "b_h": cell.bias_hh,
        },
        "readout": {"W": model.readout.weight.T, "b": model.readout.bias},
    }
    layers = {
        layer: {name: w.detach().numpy() for name, w in params.items()}
        for layer, params in arrays.items()
    }
    return {"encoder": dict(from_torch(model.encoder).params), **layers}


@torch.no_grad()
def read(
    model: Seq2Seq,
    symbols: tuple[Symbols, Symbols],
    typed: Typed,
    text: str,
    mask: bool,
) -> dict[str, Any]:
    """Return what a model writes for a text among padding, where it looks, and
    what a beam finds with its mean log probabilities.

    Args:
        model: in evaluation mode.
        symbols: those of texts and those that are written.
        typed: what is typed and written.
        text: what it reads.
        mask: whether the padding is kept from the attention.
    """
    letters, written = symbols
    numbers = letters.encode(text)
    source = torch.tensor([numbers + [PAD] * PADDING])
    memory = model.encode(source, torch.tensor([len(numbers)]))
    if not mask:
        memory = memory._replace(mask=torch.ones_like(memory.mask))
    output, weights = greedy_decode(model, memory, typed.steps)
    if weights is None:
        raise ValueError("the model has no attention to record")
    return {
        "text": text,
        "mask": mask,
        "written": written.decode(output[0].tolist()),
        "weights": [[rounded(w) for w in row] for row in weights[0].tolist()],
        "beam": [
            [typed.joint.join(written.decode(found)), score]
            for found, score in beam_search(model, memory, typed.steps, WIDTH)
        ],
    }
