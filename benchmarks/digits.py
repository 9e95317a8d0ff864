"""Digits read row by row, beside models that read the image at once.

    python -m benchmarks.digits            the stacks of chapters 02 and 03
    python -m benchmarks.digits --forms [--tune]

The stacks of LSTMs and GRUs train 60 epochs of Adam at 0.002 with batches of
64; the baselines have scikit-learn's default settings; the test part is the end
of the file.

`--forms` compares chapter 01's RNN with a dense network of as many parameters
and with logistic regression, hand by hand. Learning rate and penalty are the
best on two of the fourteen forms, with three seeds of their own (`--tune` does
no more). Each pair of the other twelve is then tested on models that have seen
the remaining forms, 15 epochs long, from five fresh seeds. It takes about five
minutes of one core.
"""

import argparse
import itertools
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from collections.abc import Callable, Container, Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.svm import SVC
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.bidirectional import Contender, measure, rounded, tune
from benchmarks.record import record, recorded
from utils.data.digit_forms import load_digit_forms
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


# By forms: the RNN of chapter 01 beside what reads the image at once

FORM_EPOCHS = 15
PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "RNN": lambda: RowReader(nn.RNN, 64),
    "dense network": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(64, 72), nn.Tanh(), nn.Linear(72, 10)
    ),
}


class RowReader(nn.Module):
    """One recurrent layer over the rows of an image, and a dense head."""

    def __init__(self, kind: type[nn.RNN | nn.LSTM | nn.GRU], hidden: int):
        super().__init__()
        self.recurrent = kind(8, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 10)

    def forward(
        self, x: Float[Tensor, "batch row column"]
    ) -> Float[Tensor, "batch digit"]:
        """Name the digit from the state after the last row."""
        outputs, _ = self.recurrent(x)
        return self.head(outputs[:, -1])


# Forms 2 and 3 choose learning rate and penalty and are never tested; forms 4
# to 13 train meanwhile. Then each pair of the other twelve is tested in turn.
TUNED = (2, 3)
TESTED = ((0, 1), (4, 5), (6, 7), (8, 9), (10, 11), (12, 13))


def on_forms(chosen: Container[int]) -> Digits:
    """Return the images of some forms."""
    images, form = load_digit_forms()
    where = [each in chosen for each in form]
    return Digits(images.x[where], images.y[where])


def all_but(tested: tuple[int, int]) -> tuple[int, ...]:
    """Return the twelve forms to train on where two are tested."""
    return tuple(form for form in range(14) if form not in tested)


def tensors(images: Digits) -> tuple[Tensor, Tensor]:
    """Return rows and labels as PyTorch wants them."""
    return torch.tensor(images.x, dtype=torch.float32), torch.tensor(images.y)


class Shuffled:
    """Batches in another order each time it is iterated."""

    def __init__(self, x: Tensor, y: Tensor, seed: int):
        self.x, self.y = x, y
        self.order = torch.Generator().manual_seed(seed)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Draw an order and cut it into batches."""
        places = torch.randperm(len(self.y), generator=self.order)
        for batch in places.split(BATCH):
            yield self.x[batch], self.y[batch]


def by_form(
    tested: tuple[int, int], right: Bool[np.ndarray, " digit"]
) -> dict[str, float]:
    """Return the share of right answers on each of two tested forms."""
    _, form = load_digit_forms()
    of_test = form[np.isin(form, tested)]
    return {
        str(each): rounded(float(right[of_test == each].mean()))
        for each in tested
    }


def network(name: str, tested: tuple[int, int] | None = None) -> Contender:
    """Return a network as it is tuned, or as it is trained for two forms."""
    trained = range(4, 14) if tested is None else all_but(tested)
    known, valid = tensors(on_forms(trained)), tensors(on_forms(TUNED))

    def judge(model: nn.Module) -> dict[str, Any]:
        assert tested is not None
        x, y = tensors(on_forms(tested))
        with torch.no_grad():
            right = model(x).argmax(1) == y
        return {"test": by_form(tested, right.numpy())}

    return Contender(
        build=NETWORKS[name],
        train=lambda seed: Shuffled(*known, seed),
        stretches=FORM_EPOCHS,
        valid=lambda: [valid],
        loss=nn.functional.cross_entropy,
        metrics={},
        judge=judge,
    )


def fitted(forms: Container[int], penalty: float) -> LogisticRegression:
    """Fit logistic regression to all pixels of some forms."""
    images = on_forms(forms)
    model = LogisticRegression(C=penalty, max_iter=5000)
    return model.fit(images.x.reshape(-1, 64), images.y)


def tune_penalty() -> dict[str, float]:
    """Return the loss on the forms to tune on by inverse penalty."""
    images = on_forms(TUNED)
    flat = images.x.reshape(-1, 64)
    return {
        f"{penalty:g}": rounded(
            log_loss(
                images.y, fitted(range(4, 14), penalty).predict_proba(flat)
            )
        )
        for penalty in PENALTIES
    }


def linear_by_form(
    tested: tuple[int, int], penalty: float
) -> dict[str, dict[str, float]]:
    """Score logistic regression on two forms."""
    images, model = on_forms(tested), fitted(all_but(tested), penalty)
    right = model.predict(images.x.reshape(-1, 64)) == images.y
    return {"test": by_form(tested, right)}


def compare_by_form(only_tune: bool, seeds: int = 5) -> None:
    """Tune and run what `digit_forms` does not hold yet, saving each run."""
    results = recorded("digit_forms") or {"tuning": {}, "runs": {}}
    tuning, runs = results["tuning"], results["runs"]

    def save() -> None:
        record("digit_forms", results)

    rates = {
        name: tune(network(name), tuning.setdefault(name, {}), save)
        for name in NETWORKS
    }
    losses = tuning["logistic regression"] = tune_penalty()
    penalty = float(min(losses, key=losses.__getitem__))
    print(rates, penalty, flush=True)
    save()
    for seed, tested in itertools.product(range(seeds), TESTED):
        if only_tune:
            return
        pair = "{} and {}".format(*tested)
        linear = runs.setdefault(f"logistic regression / {pair}", {})
        if not linear:
            linear["0"] = linear_by_form(tested, penalty)
        for name in NETWORKS:
            done = runs.setdefault(f"{name} / {pair}", {})
            if str(seed) not in done:
                run = measure(network(name, tested), rates[name], seed)
                del run["curves"]
                done[str(seed)] = run
                print(name, pair, seed, run["test"], flush=True)
                save()


def compare_stacks(seeds: int = 5) -> None:
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


def main() -> None:
    """Run one of the two comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forms", action="store_true", help="hand by hand")
    parser.add_argument("--tune", action="store_true", help="tune, no more")
    arguments = parser.parse_args()
    if arguments.forms:
        compare_by_form(arguments.tune)
    else:
        compare_stacks()


if __name__ == "__main__":
    main()
