"""What a second direction is worth, what pooling it takes, where it leaks.

    python -m benchmarks.bidirectional [--tune] [--minutes 10]

Three trials, and a leak. Each contender's learning rate is the best of at least
three, a factor of three apart, on validation data with three seeds of their own
(`--tune` does no more than that); then five fresh seeds run once and are scored
on test data. The tags are learnt at two budgets, each tuned for itself; at the
longer one a single direction is flat. The leak is no contest, so its models are
not tuned. Every run is saved as it ends and not repeated, so that the benchmark
can be interrupted. It takes about an hour of one core. Chapter 07 shows the
results.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss
from torch.nn.functional import pad as pad_tensor

from benchmarks.record import record, recorded
from benchmarks.trial import rounded
from utils.data.batches import bucket_batches, mask_from_lengths, pad
from utils.data.digit_strings import (
    PAD,
    best_accuracy,
    best_marks,
    both_ends,
    draw_digit_strings,
    occurs_once,
)
from utils.data.samples import load_digit_rows
from utils.models.pytorch import (
    FinalStatesReader,
    StepForecaster,
    SymbolReader,
    pool_outputs,
)
from utils.training import evaluate, fit

SEEDS = range(5)
TUNING_SEEDS = range(100, 103)
VALIDATION_SEED, TEST_SEED = 1000, 2000
RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
FIRST_RATES = RATES[3:6]
IGNORE = -100

Batch = tuple[Tensor, ...]
Score = Callable[[Tensor, Tensor], Tensor]


# What every contender has


@dataclass(frozen=True)
class Contender:
    """One model of a trial: how it is built, on what it trains, how it scores.

    `train` is called with a seed and returns the batches of one stretch of
    training, anew each time they are iterated; `stretches` of them make a run.
    `valid` scores the curve and the learning rate; `judge` looks at the test
    data, once, after the last stretch. `rate` is the learning rate, or names
    the contender whose rate it takes; None where it is tuned.
    """

    build: Callable[[], nn.Module]
    train: Callable[[int], Any]
    stretches: int
    valid: Callable[[], list[Batch]]
    loss: Score
    metrics: dict[str, Score]
    judge: Callable[[Any], dict[str, Any]]
    rate: float | str | None = None


def train(contender: Contender, rate: float, seed: int) -> dict[str, Any]:
    """Train one model with Adam and return it with its validation curves."""
    torch.manual_seed(seed)
    model = contender.build()
    batches, valid = contender.train(seed), contender.valid()
    optimizer = torch.optim.Adam(model.parameters(), rate)
    curves: dict[str, list[float]] = {}
    for _ in range(contender.stretches):
        history = fit(
            model,
            batches,
            loss=contender.loss,
            optimizer=optimizer,
            epochs=1,
            clip=1.0,
        )
        scores = evaluate(
            model, valid, loss=contender.loss, metrics=contender.metrics
        )
        for name, score in scores.items():
            curves.setdefault(name, []).append(rounded(score))
    return {
        "model": model,
        "parameters": sum(p.numel() for p in model.parameters()),
        "steps": contender.stretches * history.steps,
        "curves": curves,
    }


def measure(contender: Contender, rate: float, seed: int) -> dict[str, Any]:
    """Train one model, judge it on the test data and count its CPU seconds."""
    before = time.process_time()
    result = train(contender, rate, seed)
    seconds = round(time.process_time() - before, 1)
    model = result.pop("model")
    return {"rate": rate, "seconds": seconds, **result} | contender.judge(model)


def tune(
    contender: Contender, done: dict[str, float], save: Callable[[], None]
) -> float:
    """Return the learning rate with the lowest mean validation loss.

    Tries three; while the best is the lowest or highest of those tried, one
    further out. `done` keeps each loss by rate and seed.
    """
    tried = list(FIRST_RATES)
    while True:
        for rate in tried:
            for seed in TUNING_SEEDS:
                key = f"{rate:g} / {seed}"
                if key not in done:
                    result = train(contender, rate, seed)
                    done[key] = result["curves"]["loss"][-1]
                    save()
        best = best_rate(done)
        beyond = {min(tried): -1, max(tried): 1}.get(best, 0)
        neighbour = RATES.index(best) + beyond
        if not beyond or not 0 <= neighbour < len(RATES):
            return best
        tried.append(RATES[neighbour])


def best_rate(done: dict[str, float]) -> float:
    """Return the rate whose losses, by "rate / seed", have the lowest mean."""
    losses: dict[float, list[float]] = {}
    for key, loss in done.items():
        losses.setdefault(float(key.split(" / ")[0]), []).append(loss)
    return min(losses, key=lambda rate: np.mean(losses[rate]))


class Stream:
    """Fresh batches each time it is iterated: no digit is read twice."""

    def __init__(
        self,
        draw: Callable[[np.random.Generator], Batch],
        steps: int,
        seed: int,
    ):
        self.draw, self.steps = draw, steps
        self.rng = np.random.default_rng(seed)

    def __iter__(self) -> Iterator[Batch]:
        """Draw the batches of one stretch."""
        for _ in range(self.steps):
            yield self.draw(self.rng)


# Poolings: which of a layer's outputs speak for the whole row

POOLINGS = ("last", "final states", "mean", "max")
LONG, SHORTER = (20, 40), ((5, 10), (10, 20))
ENDS_STEPS, LONGER_STEPS = 200, 1000


def ends_batch(
    n: int, lengths: tuple[int, int], rng: np.random.Generator | int
) -> Batch:
    """Draw rows and ask of each whether its first and last digit are small."""
    rows = draw_digit_strings(n, *lengths, rng)
    inputs, lasting = pad(rows, value=PAD)
    answers = np.array([both_ends(row) for row in rows])
    return tuple(map(torch.tensor, (inputs, lasting, answers)))


def ends_test(lengths: tuple[int, int], n: int = 1000) -> list[Batch]:
    """Draw test rows in batches of like lengths, so with little padding."""
    rows = draw_digit_strings(n, *lengths, TEST_SEED)
    made = []
    for chosen in bucket_batches(np.array([len(row) for row in rows]), 64, 0):
        inputs, lasting = pad([rows[i] for i in chosen], value=PAD)
        answers = np.array([both_ends(rows[i]) for i in chosen])
        made.append(tuple(map(torch.tensor, (inputs, lasting, answers))))
    return made


def accuracy(logits: Tensor, target: Tensor) -> Tensor:
    """Return the share of targets named right, padding left out."""
    valid = target != IGNORE
    return (logits.argmax(-1) == target)[valid].float().mean()


def first_right(logits: Tensor, target: Tensor) -> Tensor:
    """Return the share of rows whose first digit is judged right."""
    return (logits.argmax(-1) // 2 == target // 2).float().mean()


def last_right(logits: Tensor, target: Tensor) -> Tensor:
    """Return the share of rows whose last digit is judged right."""
    return (logits.argmax(-1) % 2 == target % 2).float().mean()


ENDS_METRICS: dict[str, Score] = {
    "both ends": accuracy,
    "first digit": first_right,
    "last digit": last_right,
}


class HalfMasked(nn.Module):
    """A trained reader whose forward and backward half may lose their mask.

    A half without mask is told that every row fills the batch, in the layer
    and in the pooling: its outputs are pooled by themselves and then put beside
    those of the other half.
    """

    def __init__(self, reader: SymbolReader, masked: tuple[bool, bool]):
        super().__init__()
        self.reader, self.masked = reader, masked

    def forward(
        self, rows: Int[Tensor, "batch time"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch outputs"]:
        """Pool twice, with the mask and without, and take a half of each."""
        reader, full = self.reader, torch.full_like(lengths, rows.shape[1])
        halves = [
            pool_outputs(reader.outputs(rows, n), n, str(reader.pooling)).chunk(
                2, 1
            )
            for n in (full, lengths)
        ]
        ahead, back = (
            halves[masked][i] for i, masked in enumerate(self.masked)
        )
        return reader.head(torch.cat([ahead, back], dim=1))


def widen(batches: list[Batch], extra: int = 20) -> list[Batch]:
    """Pad every row by `extra` symbols more."""
    return [
        (pad_tensor(rows, (0, extra), value=PAD), lengths, answers)
        for rows, lengths, answers in batches
    ]


MASKS = {
    "masked": ((True, True), 0),
    "masked, widened": ((True, True), 20),
    "unmasked": ((False, False), 0),
    "unmasked, widened": ((False, False), 20),
    "forward half unmasked, widened": ((False, True), 20),
    "backward half unmasked, widened": ((True, False), 20),
}


def without_masks(
    reader: SymbolReader, test: list[Batch]
) -> dict[str, dict[str, float]]:
    """Score a trained reader with a mask, without, and with half of one."""
    return {
        name: {
            metric: rounded(score)
            for metric, score in evaluate(
                HalfMasked(reader, masked),
                widen(test, extra),
                loss=cross_entropy,
                metrics=ENDS_METRICS,
            ).items()
            if metric != "loss"
        }
        for name, (masked, extra) in MASKS.items()
    }


def pooling(how: str, lengths: tuple[int, int], steps: int) -> Contender:
    """Return the reader that makes one vector of a row by `how`."""
    return Contender(
        build=lambda: SymbolReader(11, 4, pooling=how),
        train=lambda seed: Stream(
            lambda rng: ends_batch(64, lengths, rng), 50, seed
        ),
        stretches=steps // 50,
        valid=lambda: [ends_batch(500, lengths, VALIDATION_SEED)],
        loss=cross_entropy,
        metrics=ENDS_METRICS,
        judge=lambda model: {"test": without_masks(model, ends_test(lengths))},
    )


# Tags: mark every digit that occurs once, seeing back, some way ahead, or all

TAG_LENGTHS = (5, 12)
DELAYS = (2, 4)
BOTH_HIDDEN, ONE_HIDDEN = 32, 47
TAG_BUDGETS = {"tags": 800, "tags, longer": 4800}


def tag_batch(n: int, delay: int, rng: np.random.Generator | int) -> Batch:
    """Draw rows whose answers come `delay` steps late."""
    rows = draw_digit_strings(n, *TAG_LENGTHS, rng)
    time = TAG_LENGTHS[1] + delay
    inputs, lengths = pad(rows, value=PAD, to_length=time)
    valid = mask_from_lengths(lengths, time)
    answers = np.where(valid, occurs_once(inputs), IGNORE)
    late = np.roll(answers, delay, axis=1)
    return tuple(map(torch.tensor, (inputs, lengths + delay, late)))


def every_step(logits: Tensor, target: Tensor) -> Tensor:
    """Return the mean cross-entropy over the steps that have an answer."""
    return cross_entropy(
        logits.flatten(0, 1), target.flatten(), ignore_index=IGNORE
    )


def tagger(delay: int, both_ways: bool, steps: int) -> Contender:
    """Return the tagger that answers `delay` steps late, or reads both ways."""

    def judge(model: nn.Module) -> dict[str, Any]:
        score = evaluate(
            model,
            [tag_batch(2000, delay, TEST_SEED)],
            loss=every_step,
            metrics={"accuracy": accuracy},
        )
        return {"test": rounded(score["accuracy"])}

    return Contender(
        build=lambda: SymbolReader(
            11,
            2,
            hidden_size=BOTH_HIDDEN if both_ways else ONE_HIDDEN,
            bidirectional=both_ways,
        ),
        train=lambda seed: Stream(
            lambda rng: tag_batch(64, delay, rng), 100, seed
        ),
        stretches=steps // 100,
        valid=lambda: [tag_batch(500, delay, VALIDATION_SEED)],
        loss=every_step,
        metrics={"accuracy": accuracy},
        judge=judge,
    )


def tag_bounds() -> dict[str, Any]:
    """Say how well any rule can do that sees so far ahead.

    Once over all strings, exactly, and once on the test rows themselves.
    """
    rows = draw_digit_strings(2000, *TAG_LENGTHS, TEST_SEED)
    truth = np.concatenate([occurs_once(row) for row in rows])
    bounds = {}
    for ahead in range(TAG_LENGTHS[1]):
        marks = [best_marks(row, ahead, *TAG_LENGTHS) for row in rows]
        bounds[str(ahead)] = {
            "expected": rounded(best_accuracy(ahead, *TAG_LENGTHS)),
            "test": rounded(float(np.mean(np.concatenate(marks) == truth))),
        }
    commoner = max(truth.mean(), 1 - truth.mean())
    return {"by look-ahead": bounds, "commoner answer": rounded(commoner)}


# Digits: images of eight rows, read downwards, or downwards and upwards

DIGIT_VALIDATION = 300
DIGIT_EPOCHS = 20
DIGIT_HIDDEN = {"both directions": 64, "one direction": 94}
PENALTIES = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)


def digit_parts() -> tuple[Batch, Batch, Batch]:
    """Split the images, in the order of the file, into three parts."""
    training, test = load_digit_rows()
    cut = len(training.y) - DIGIT_VALIDATION
    x, y = (
        torch.tensor(training.x, dtype=torch.float32),
        torch.tensor(training.y),
    )
    unseen = torch.tensor(test.x, dtype=torch.float32), torch.tensor(test.y)
    return (x[:cut], y[:cut]), (x[cut:], y[cut:]), unseen


def digit_reader(name: str) -> Contender:
    """Return the reader of digits that goes one way or two."""
    training, valid, test = digit_parts()

    def batches(seed: int) -> torch.utils.data.DataLoader:
        return torch.utils.data.DataLoader(
            torch.utils.data.TensorDataset(*training),
            batch_size=64,
            shuffle=True,
            generator=torch.Generator().manual_seed(seed),
        )

    def judge(model: nn.Module) -> dict[str, Any]:
        with torch.no_grad():
            right = model(test[0]).argmax(1) == test[1]
        return {"test": rounded(right.float().mean().item())}

    return Contender(
        build=lambda: FinalStatesReader(
            8, DIGIT_HIDDEN[name], 10, bidirectional=name == "both directions"
        ),
        train=batches,
        stretches=DIGIT_EPOCHS,
        valid=lambda: [valid],
        loss=cross_entropy,
        metrics={"accuracy": accuracy},
        judge=judge,
    )


def linear_reader() -> dict[str, float]:
    """Score logistic regression on all 64 pixels, its penalty tuned as well."""
    (x, y), (x_valid, y_valid), (x_test, y_test) = (
        (images.flatten(1).numpy(), labels.numpy())
        for images, labels in digit_parts()
    )

    def fitted(inverse_penalty: float) -> LogisticRegression:
        return LogisticRegression(C=inverse_penalty, max_iter=5000).fit(x, y)

    valid = {c: fitted(c).score(x_valid, y_valid) for c in PENALTIES}
    best = max(valid, key=valid.__getitem__)
    return {
        "parameters": 650,
        "inverse penalty": best,
        "valid": rounded(valid[best]),
        "test": rounded(fitted(best).score(x_test, y_test)),
    }


# Forecasts of noise: the next value of independent draws of variance 1

NOISE_ROWS, NOISE_STEPS = 300, 20
NOISE_EPOCHS, NOISE_PASSES = 10, 10
WINDOW = 5
JUDGED = slice(WINDOW - 1, -1)


def noise_rows(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw rows of noise and, at every step, the value that comes next."""
    rng = np.random.default_rng(seed)
    noise = torch.tensor(rng.normal(size=(n, NOISE_STEPS + 1, 1))).float()
    return noise[:, :-1], noise[:, 1:]


@torch.no_grad()
def back_test(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Return the mean squared error where the model is handed whole rows.

    The first steps have too little past, the last one nothing to leak.
    """
    return rounded(mse_loss(model(x)[:, JUDGED], y[:, JUDGED]).item())


@torch.no_grad()
def live(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Return the error at the same steps where each row ends at the present."""
    errors = [
        (model(x[:, : t + 1])[:, -1] - y[:, t]) ** 2
        for t in range(NOISE_STEPS)[JUDGED]
    ]
    return rounded(torch.stack(errors).mean().item())


class WindowForecaster(StepForecaster):
    """Two directions that may read the past only, so cannot leak.

    The forecast of the step after t reads the window of `WINDOW` steps up to t
    from both ends. Where the past is shorter than that it is 0.
    """

    def forward(
        self, x: Float[Tensor, "batch time input"]
    ) -> Float[Tensor, "batch time input"]:
        """Cut every window, read it both ways, answer from its final states."""
        windows = x.unfold(1, WINDOW, 1).transpose(2, 3).flatten(0, 1)
        _, h_n = self.layer(windows)
        answers = self.head(torch.cat(list(h_n), dim=1))
        return pad_tensor(
            answers.view(len(x), -1, x.shape[2]), (0, 0, WINDOW - 1, 0)
        )


def forecaster(name: str) -> Contender:
    """Return a forecaster of noise."""
    kind = (
        WindowForecaster
        if name == "both directions, past only"
        else StepForecaster
    )

    def judge(model: nn.Module) -> dict[str, Any]:
        rows = noise_rows(NOISE_ROWS, TEST_SEED)
        return {
            "back-test": back_test(model, *rows),
            "live": live(model, *rows),
        }

    return Contender(
        build=lambda: kind(1, 16, bidirectional=name != "one direction"),
        train=lambda seed: [noise_rows(NOISE_ROWS, seed)] * NOISE_PASSES,
        stretches=NOISE_EPOCHS,
        valid=lambda: [noise_rows(NOISE_ROWS, VALIDATION_SEED)],
        loss=mse_loss,
        metrics={},
        judge=judge,
        rate=0.01,
    )


# All of them


def contenders() -> dict[str, Contender]:
    """Return every contender by trial and name."""
    return {
        **{f"digits / {name}": digit_reader(name) for name in DIGIT_HIDDEN},
        **{f"ends / {how}": pooling(how, LONG, ENDS_STEPS) for how in POOLINGS},
        **{
            "ends, {} to {} / last".format(*lengths): pooling(
                "last", lengths, ENDS_STEPS
            )
            for lengths in SHORTER
        },
        "ends, longer / last": replace(
            pooling("last", LONG, LONGER_STEPS), rate="ends / last"
        ),
        **{
            f"{budget} / {name}": tagger(delay, name == "both directions", n)
            for budget, n in TAG_BUDGETS.items()
            for name, delay in {
                "one direction": 0,
                "both directions": 0,
                **{f"delay {delay}": delay for delay in DELAYS},
            }.items()
        },
        **{
            f"noise / {name}": forecaster(name)
            for name in (
                "one direction",
                "both directions",
                "both directions, past only",
            )
        },
    }


def main() -> None:
    """Tune, then run what is missing, saving after each run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tune", action="store_true", help="tune, no more")
    parser.add_argument("--minutes", type=float, default=math.inf)
    arguments = parser.parse_args()
    started = time.monotonic()
    results = recorded("bidirectional") or {"tuning": {}, "runs": {}}

    def save() -> None:
        record("bidirectional", results)
        if time.monotonic() - started > 60 * arguments.minutes:
            raise SystemExit("out of time; start it again to go on")

    rates = {}
    for name, contender in contenders().items():
        if contender.rate is None:
            done = results["tuning"].setdefault(name, {})
            rates[name] = tune(contender, done, save)
        else:
            given = contender.rate
            rates[name] = rates[given] if isinstance(given, str) else given
        print(f"{name}: learning rate {rates[name]:g}", flush=True)
    if arguments.tune:
        return
    results["tag bounds"] = tag_bounds()
    results["logistic regression"] = linear_reader()
    for seed in SEEDS:
        for name, contender in contenders().items():
            runs = results["runs"].setdefault(name, {})
            if str(seed) not in runs:
                runs[str(seed)] = measure(contender, rates[name], seed)
                print(f"{name}, seed {seed}: {runs[str(seed)]}", flush=True)
                save()


if __name__ == "__main__":
    main()
