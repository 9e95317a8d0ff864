"""The four classifiers that read a visitor's own sentence in the page.

    python -m benchmarks.sentiment_reader

Networks of `benchmarks.sentiment_twins`, the first seed of four contenders,
trained again as there (about 20 CPU seconds). Their weights are rounded to
float16 and written for the page; what is recorded here is measured after that:
the accuracy on every part of the corpus, and the verdicts after each word of
one sentence, both computed by PyTorch.
"""

from typing import Any

import torch
from torch import nn

from benchmarks.record import record
from benchmarks.sentiment_twins import (
    ARCHITECTURES,
    READ,
    READERS,
    corpus,
    train_classifier,
)
from utils.data.text import Vocabulary
from utils.labs.weights import FOLDER, Layers, write_weights
from utils.sentiment.pytorch import (
    SentimentClassifier,
    positive_probabilities,
    probabilities_along,
)
from utils.weights import from_torch

NAME = "sentiment_reader"


@torch.no_grad()
def round_weights(model: SentimentClassifier) -> None:
    """Round every weight to float16, in place.

    PyTorch keeps two biases where NumPy has their sum: the second becomes 0.
    """
    for name, weight in model.named_parameters():
        if "bias_ih" in name:
            other = model.get_parameter(name.replace("bias_ih", "bias_hh"))
            weight += other
            other.zero_()
        weight.copy_(weight.half().float())


def layers_of(model: SentimentClassifier) -> Layers:
    """Return a network's layers as `utils.labs.sentence` reads them."""
    forward, backward = model.forward_layer, model.backward_layer
    recurrent = dict(from_torch(forward).params)
    if backward is not None:
        recurrent = {f"forward_{key}": w for key, w in recurrent.items()}
        for key, weights in from_torch(backward).params.items():
            recurrent[f"backward_{key}"] = weights
    layers = {
        "embedding": {"table": model.embedding.weight.detach().numpy()},
        "recurrent": recurrent,
        "head": dense(model.head),
    }
    if model.attention is not None:
        found = model.attention.attention
        layers["attention"] = {
            "query": found.query.weight.detach().numpy().T,
            "key": found.key.weight.detach().numpy().T,
            "score": found.score.weight.detach().numpy().ravel(),
        }
    return layers


def dense(layer: nn.Linear) -> dict[str, Any]:
    """Return a linear layer's weights as `utils.scratch.Dense` has them."""
    return {
        "W": layer.weight.detach().numpy().T,
        "b": layer.bias.detach().numpy(),
    }


def measure(
    model: SentimentClassifier, vocabulary: Vocabulary
) -> dict[str, float]:
    """Return the accuracy on every part that the network was not trained on."""
    return {
        name: float(
            (
                (positive_probabilities(model, part["text"], vocabulary) > 0.5)
                == part["label"]
            ).mean()
        )
        for name, part in corpus().items()
        if name not in ("train", "validation")
    }


def main() -> None:
    """Train, round, write and measure."""
    torch.set_num_threads(1)
    layers: dict[str, Any] = {}
    accuracy, along = {}, {}
    for name in READERS:
        model, vocabulary = train_classifier(ARCHITECTURES[name], 0, corpus())
        round_weights(model)
        for layer, params in layers_of(model).items():
            layers[f"{name}: {layer}"] = params
        accuracy[name] = measure(model, vocabulary)
        found = probabilities_along(model, READ[1], vocabulary)[1]
        along[name] = [float(each) for each in found]
        print(name, accuracy[name], flush=True)
    write_weights(NAME, layers)
    special = len(Vocabulary.SPECIAL)
    record(
        NAME,
        {
            "vocabulary": list(vocabulary.tokens[special:]),
            "accuracy": accuracy,
            "along": {"text": READ[1], "verdicts": along},
        },
    )
    print(f"{NAME}.js in {FOLDER.name}")


if __name__ == "__main__":
    main()
