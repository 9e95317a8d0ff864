"""Digits read row by row: stacked LSTMs and GRUs over five seeds beside two
baselines.

Every network trains 60 epochs of Adam at 0.002 with batches of 64; no run looks
at the test part. The baselines read all 64 pixels at once with scikit-learn's
default settings.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.record import record, recorded
from utils.data.samples import Digits, load_digit_rows
from utils.models.pytorch import ManyToOne
from utils.training import fit

EPOCHS, BATCH, RATE = 60, 64, 2e-3


def torch_accuracy(
    kind: type[nn.RNNBase],
    seed: int,
    train: Digits,
    test: Digits,
    epochs: int = EPOCHS,
) -> float:
    """Train PyTorch's two-layer model and return its share of right answers
    on the test part."""
    torch.manual_seed(seed)
    model = ManyToOne(kind, 8, 64, 10)
    data = TensorDataset(
        torch.tensor(train.x, dtype=torch.float32), torch.tensor(train.y)
    )
    batches = DataLoader(data, BATCH, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    fit(
        model,
        batches,
        loss=nn.functional.cross_entropy,
        optimizer=optimizer,
        epochs=epochs,
    )
    with torch.no_grad():
        logits = model(torch.tensor(test.x, dtype=torch.float32))
    return float((logits.argmax(1).numpy() == test.y).mean())


def keras_accuracy(
    kind: str, seed: int, train: Digits, test: Digits, epochs: int = EPOCHS
) -> float:
    """Train Keras's stack and return its share of right answers on the test
    part."""
    import keras

    from utils.models.keras import many_to_one

    keras.utils.set_random_seed(seed)
    model = many_to_one(getattr(keras.layers, kind), 8, 8, 10)
    model.compile(
        keras.optimizers.Adam(RATE),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(train.x, train.y, batch_size=BATCH, epochs=epochs, verbose=0)
    logits = model.predict(test.x, verbose=0)
    return float((logits.argmax(1) == test.y).mean())


def baselines(train: Digits, test: Digits) -> dict[str, float]:
    """Return the accuracy of two classifiers that read the image at once."""
    flat = [part.x.reshape(len(part.x), -1) for part in (train, test)]
    models = {
        "logistic regression": LogisticRegression(max_iter=1000),
        "support vector machine": SVC(),
    }
    return {
        name: float(model.fit(flat[0], train.y).score(flat[1], test.y))
        for name, model in models.items()
    }


def main(seeds: int = 5) -> None:
    """Measure what is not recorded yet, and record after every run."""
    train, test = load_digit_rows()
    results = {
        "test_digits": len(test.y),
        "baselines": baselines(train, test),
        "accuracy": {},
    }
    results["accuracy"] |= recorded("digits").get("accuracy", {})
    runs = {
        f"{framework} {kind}": (function, argument)
        for kind in ("LSTM", "GRU")
        for framework, function, argument in (
            ("PyTorch", torch_accuracy, getattr(nn, kind)),
            ("Keras", keras_accuracy, kind),
        )
    }
    for name, (function, argument) in runs.items():
        scores = results["accuracy"].setdefault(name, [])
        while len(scores) < seeds:
            scores.append(function(argument, len(scores), train, test))
            record("digits", results)
            print(
                f"{name} seed {len(scores) - 1}: {scores[-1]:.4f}", flush=True
            )
    print(
        {
            name: f"{np.mean(scores):.3f}"
            for name, scores in results["accuracy"].items()
        }
    )


if __name__ == "__main__":
    main()
