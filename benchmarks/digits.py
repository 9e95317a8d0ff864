"""Digits read row by row, beside models that read the image at once.

    python -m benchmarks.digits            the stacks of chapters 02 and 03
    python -m benchmarks.digits --forms [--tune]
    python -m benchmarks.digits --longer [--tune]

The stacks of LSTMs and GRUs train 60 epochs of Adam at 0.002 with batches of
64; the baselines have scikit-learn's default settings; the test part is the end
of the file.

`--forms` compares chapter 01's RNN with a dense network of as many parameters
and with logistic regression, hand by hand. Learning rate and penalty are the
best on two of the fourteen forms, with three seeds of their own (`--tune` does
no more). Each pair of the other twelve is then tested on models that have seen
the remaining forms, 15 epochs long, from five fresh seeds. It takes about two
minutes of one core.

`--longer` lets both networks go on to 120 epochs. Rate and number of epochs are
the pair with the lowest loss on the two forms to tune on; five more seeds are
then scored after 15, 30, 60 and 120 epochs. It takes about eight minutes.
"""

import argparse
import itertools
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.svm import SVC
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.bidirectional import (
    FIRST_RATES,
    RATES,
    TUNING_SEEDS,
    Contender,
    train,
    tune,
)
from benchmarks.record import record, recorded
from benchmarks.trial import rounded
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
LONGER = (15, 30, 60, 120)
LONGER_SEEDS = range(5, 10)
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


def network(name: str, epochs: int = FORM_EPOCHS) -> Contender:
    """Return a network as it is tuned."""
    known, valid = tensors(on_forms(range(4, 14))), tensors(on_forms(TUNED))
    return Contender(
        build=NETWORKS[name],
        train=lambda seed: Shuffled(*known, seed),
        stretches=epochs,
        valid=lambda: [valid],
        loss=nn.functional.cross_entropy,
        metrics={},
        judge=lambda model: {},
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


def stacked_logits(
    name: str,
    params: dict[str, Tensor],
    x: Float[Tensor, "model batch row column"],
) -> Float[Tensor, "model batch digit"]:
    """Run many networks of one kind at once, each on images of its own."""

    def linear(x: Tensor, layer: str, end: str = "") -> Tensor:
        weight, bias = (
            params[f"{layer}weight{end}"],
            params[f"{layer}bias{end}"],
        )
        return x @ weight.transpose(1, 2) + bias[:, None]

    if name == "dense network":
        return linear(linear(x.flatten(2), "1.").tanh(), "3.")
    h = torch.zeros(*x.shape[:2], 64)
    for row in x.unbind(2):
        h = linear(row, "recurrent.", "_ih_l0") + linear(
            h, "recurrent.", "_hh_l0"
        )
        h = h.tanh()
    return linear(h, "head.")


def train_together(
    name: str,
    rate: float,
    runs: Sequence[tuple[tuple[int, int], int]],
    epochs: int = FORM_EPOCHS,
) -> Iterator[dict[str, Tensor]]:
    """Train a network for each pair of tested forms and seed, all at once, and
    yield the weights of all after each epoch.

    One product for all of them takes a fifth of the time of one by one. Each
    has its own first weights, batches and clipping, as in `train`.
    """
    models, batches = [], []
    for tested, seed in runs:
        torch.manual_seed(seed)
        models.append(NETWORKS[name]())
        batches.append(Shuffled(*tensors(on_forms(all_but(tested))), seed))
    params = torch.func.stack_module_state(models)[0]
    optimizer = torch.optim.Adam(params.values(), rate)
    for _ in range(epochs):
        # Forms differ by a few images: the last batch is as long as the
        # shortest.
        for step in zip(*batches, strict=False):
            size = min(len(y) for _, y in step)
            x = torch.stack([x[:size] for x, _ in step])
            y = torch.stack([y[:size] for _, y in step])
            logits = stacked_logits(name, params, x)
            loss = nn.functional.cross_entropy(
                logits.flatten(0, 1), y.flatten(), reduction="sum"
            )
            optimizer.zero_grad()
            (loss / size).backward()
            clip_each(params, 1.0)
            optimizer.step()
        yield params


def clip_each(params: dict[str, Tensor], limit: float) -> None:
    """Clip every network's gradient by its own length."""
    grads = [each.grad for each in params.values() if each.grad is not None]
    squares = [grad.flatten(1).square().sum(1) for grad in grads]
    norms = torch.stack(squares).sum(0).sqrt()
    factor = (limit / (norms + 1e-6)).clamp(max=1.0)
    for grad in grads:
        grad *= factor.view(-1, *[1] * (grad.ndim - 1))


def score_together(
    name: str,
    params: dict[str, Tensor],
    runs: Sequence[tuple[tuple[int, int], int]],
) -> list[dict[str, float]]:
    """Score each of many networks on the two forms it has not seen."""
    scores = []
    for place, (tested, _) in enumerate(runs):
        x, y = tensors(on_forms(tested))
        one = {key: value[place : place + 1] for key, value in params.items()}
        with torch.no_grad():
            right = stacked_logits(name, one, x[None])[0].argmax(1) == y
        scores.append(by_form(tested, right.numpy()))
    return scores


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
    if "logistic regression" not in tuning:
        tuning["logistic regression"] = tune_penalty()
    losses = tuning["logistic regression"]
    penalty = float(min(losses, key=losses.__getitem__))
    print(rates, penalty, flush=True)
    save()
    if only_tune:
        return
    together = list(itertools.product(TESTED, range(seeds)))
    for name in NETWORKS:
        if name in runs:
            continue
        started = time.process_time()
        *_, params = train_together(name, rates[name], together)
        seconds = time.process_time() - started
        runs[name] = {
            "rate": rates[name],
            "parameters": sum(each[0].numel() for each in params.values()),
            "seconds": rounded(seconds / len(together)),
        }
        scores = score_together(name, params, together)
        for (tested, seed), score in zip(together, scores, strict=True):
            key = "{} and {}".format(*tested)
            runs[name].setdefault(key, {})[str(seed)] = {"test": score}
        save()
    linear: dict[str, Any] = {"penalty": penalty}
    runs["logistic regression"] = linear
    for tested in TESTED:
        run = linear_by_form(tested, penalty)
        linear["{} and {}".format(*tested)] = {"0": run}
    save()


def tune_longer(
    name: str, done: dict[str, list[float]], save: Callable[[], None]
) -> tuple[float, int]:
    """Return the rate and the number of epochs with the lowest mean validation
    loss.

    `done` keeps the losses after each of `LONGER` by rate and seed.
    """
    longest = LONGER[-1]

    def losses(rate: float) -> Float[np.ndarray, " epochs"]:
        runs = []
        for seed in TUNING_SEEDS:
            key = f"{rate:g} / {seed}"
            if key not in done:
                curve = train(network(name, longest), rate, seed)["curves"]
                done[key] = [curve["loss"][epochs - 1] for epochs in LONGER]
                save()
            runs.append(done[key])
        return np.mean(runs, axis=0)

    tried = list(FIRST_RATES)
    while True:
        means = {rate: losses(rate) for rate in tried}
        best = min(means, key=lambda rate: means[rate].min())
        beyond = {min(tried): -1, max(tried): 1}.get(best, 0)
        if not beyond:
            return best, LONGER[int(means[best].argmin())]
        tried.append(RATES[RATES.index(best) + beyond])


def compare_longer(only_tune: bool) -> None:
    """Tune rate and epochs together, and score fresh seeds along the way."""
    results = recorded("digit_forms")
    longer = results.setdefault(
        "longer", {"tuning": {}, "chosen": {}, "runs": {}}
    )

    def save() -> None:
        record("digit_forms", results)

    for name in NETWORKS:
        tuning = longer["tuning"].setdefault(name, {})
        rate, epochs = tune_longer(name, tuning, save)
        longer["chosen"][name] = {"rate": rate, "epochs": epochs}
    print(longer["chosen"], flush=True)
    save()
    if only_tune:
        return
    together = list(itertools.product(TESTED, LONGER_SEEDS))
    for name, chosen in longer["chosen"].items():
        if name in longer["runs"]:
            continue
        runs: dict[str, Any] = {}
        started = time.process_time()
        trained = train_together(name, chosen["rate"], together, LONGER[-1])
        for epoch, params in enumerate(trained, start=1):
            if epoch in LONGER:
                scores = score_together(name, params, together)
                after = runs[str(epoch)] = {}
                for (tested, seed), score in zip(together, scores, strict=True):
                    key = "{} and {}".format(*tested)
                    after.setdefault(key, {})[str(seed)] = {"test": score}
        seconds = time.process_time() - started
        runs["seconds"] = rounded(seconds / len(together))
        longer["runs"][name] = runs
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
    """Run one of the comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forms", action="store_true", help="hand by hand")
    parser.add_argument("--longer", action="store_true", help="120 epochs")
    parser.add_argument("--tune", action="store_true", help="tune, no more")
    arguments = parser.parse_args()
    if arguments.forms:
        compare_by_form(arguments.tune)
    elif arguments.longer:
        compare_longer(arguments.tune)
    else:
        compare_stacks()


if __name__ == "__main__":
    main()
