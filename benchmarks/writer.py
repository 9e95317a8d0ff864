"""The small character model that goes on with a visitor's text in the page.

    python -m benchmarks.writer

A GRU of 128 units reads the eight plays of `benchmarks.language` for 300 CPU
seconds, at a learning rate that nobody tuned: it stands trial for nothing. Its
weights are rounded to float16 and written for the page. What is recorded is
PyTorch's word on them: the bits a character on the test plays, before the
rounding and after it, and the bits of each character of one text.
"""

import torch

from benchmarks.language import Texts, load, train
from benchmarks.record import record
from benchmarks.trial import rounded
from utils.labs.weights import FOLDER, Layers, write_weights
from utils.labs.writer import EXAMPLES
from utils.language import CharacterModel, bits_per_character
from utils.language.measure import surprisals
from utils.models.pytorch import initialise_as_keras

NAME = "writer"
HIDDEN, EMBEDDING = 128, 32
RATE, SECONDS, CHECKS = 3e-3, 300.0, 6


@torch.no_grad()
def round_weights(model: CharacterModel) -> None:
    """Round every weight to float16, in place."""
    for weight in model.parameters():
        weight.copy_(weight.half().float())


def layers_of(model: CharacterModel) -> Layers:
    """Return a model's layers as `utils.labs.writer` reads them."""
    built = model.to_scratch()
    return {
        "embedding": built.embedding.params,
        "recurrent": built.layer.params,
        "head": built.head.params,
    }


def main() -> None:
    """Train, round, write and measure."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    texts = Texts(load("small"))
    model = CharacterModel(
        len(texts.alphabet), "GRU", HIDDEN, EMBEDDING, dropout=0.0
    )
    initialise_as_keras(model)
    training = train(model, texts, RATE, SECONDS, CHECKS)
    test = texts.encode(texts.test)
    whole = bits_per_character(model, test)
    round_weights(model)
    write_weights(NAME, layers_of(model))
    text = EXAMPLES["A speaker"]
    along = surprisals(model, texts.alphabet.encode(text))
    record(
        NAME,
        {
            "characters": "".join(texts.alphabet.characters),
            "training": training,
            "bits": {
                "whole": rounded(whole),
                "float16": rounded(bits_per_character(model, test)),
            },
            "along": {"text": text, "bits": [float(each) for each in along]},
        },
    )
    print(f"{NAME}.js in {FOLDER.name}")


if __name__ == "__main__":
    main()
