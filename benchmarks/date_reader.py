"""The network that writes a visitor's date in ISO 8601 in the page.

    python -m benchmarks.date_reader

The first seed of `benchmarks.attention_dates` with attention after four passes,
trained again as there (about 40 CPU seconds). Its weights are rounded to
float16 and written for the page. What is recorded is PyTorch's word on the
rounded ones: the share of the test dates that are right, and for a few texts
what it writes, where it looks and what a beam finds.
"""

from typing import Any

import torch

from benchmarks.attention_dates import SEEDS, STEPS, Dates, exact, trained
from benchmarks.record import record, recorded
from benchmarks.trial import chosen_rate, rounded
from utils.attention.pytorch import Seq2Seq, beam_search, greedy_decode
from utils.data.pairs import PAD, SPECIAL
from utils.labs.dates import EXAMPLES, PADDING, WIDTH
from utils.labs.weights import FOLDER, Layers, write_weights
from utils.weights import from_torch

NAME = "date_reader"
PASSES = 4


@torch.no_grad()
def round_weights(model: Seq2Seq) -> None:
    """Round every weight to float16, in place."""
    for weight in model.parameters():
        weight.copy_(weight.half().float())


def layers_of(model: Seq2Seq) -> Layers:
    """Return a model's layers as `utils.labs.dates` reads them.

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
def read(model: Seq2Seq, dates: Dates, text: str, mask: bool) -> dict[str, Any]:
    """Return what a model writes for a text among padding, where it looks, and
    the texts that a beam finds with their mean log probabilities."""
    numbers = dates.source_symbols.encode(text)
    source = torch.tensor([numbers + [PAD] * PADDING])
    memory = model.encode(source, torch.tensor([len(numbers)]))
    if not mask:
        memory = memory._replace(mask=torch.ones_like(memory.mask))
    symbols, weights = greedy_decode(model, memory, STEPS)
    if weights is None:
        raise ValueError("the model has no attention to record")
    return {
        "text": text,
        "mask": mask,
        "written": dates.target_symbols.decode(symbols[0].tolist()),
        "weights": [[rounded(w) for w in row] for row in weights[0].tolist()],
        "beam": [
            ["".join(dates.target_symbols.decode(found)), score]
            for found, score in beam_search(model, memory, STEPS, WIDTH)
        ],
    }


def main() -> None:
    """Train, round, write and measure."""
    torch.set_num_threads(1)
    dates = Dates()
    tuning = recorded("attention_dates")["tuning"]
    rate, _ = chosen_rate(tuning, "attention")
    if rate is None:
        raise RuntimeError("benchmarks.attention_dates has not tuned its rate")
    model, result = trained(dates, "attention", PASSES, rate, SEEDS[0])
    round_weights(model)
    write_weights(NAME, layers_of(model))
    special = len(SPECIAL)
    record(
        NAME,
        {
            "source": dates.source_symbols.symbols[special:],
            "target": dates.target_symbols.symbols[special:],
            "exact": {
                "whole": result["exact"],
                "float16": exact(model, dates.test),
            },
            "seconds": result["seconds"],
            "read": [
                read(model, dates, text, mask)
                for text in EXAMPLES
                for mask in (True, False)
            ],
        },
    )
    print(f"{NAME}.js in {FOLDER.name}")


if __name__ == "__main__":
    main()
