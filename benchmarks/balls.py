"""The moving ball: the source's system rebuilt, and optimisers on equal terms.

    python -m benchmarks.balls [--tune] [--minutes 10]

First the source's training, on 10,000 rows split at random, for five seeds.
Then one network and the same distinct rows of unseen lines for every optimiser:
the learning rate of those that need one is the best of at least three on three
seeds of their own, then five fresh seeds run once, about five CPU seconds each.
Every run is saved as it ends and not repeated, so that the benchmark can be
interrupted. It takes about ten minutes of one core. Chapter 06 shows
the results.
"""

import argparse
import math
import time
from collections.abc import Callable

import numpy as np
import torch
from torch.nn.functional import mse_loss

from benchmarks.record import record, recorded
from benchmarks.trial import (
    RATES,
    SEEDS,
    TUNING_SEEDS,
    Results,
    chosen_rate,
    key,
    rounded,
)
from utils.data import make_balls
from utils.data.balls import (
    PLACES,
    SCALE,
    as_differences,
    inputs_and_targets,
    moved_balls,
    ratio_accuracy,
    split_by_group,
    start_and_velocity,
)
from utils.length.ball_rnn import (
    BallRNN,
    Rows,
    Watch,
    cosine,
    shuffled_batches,
    train_adam,
    train_lbfgs,
    train_least_squares,
    train_like_the_source,
    train_sgd,
)
from utils.models.pytorch import BallPredictor

ROWS = 10_000
EPOCHS, PACKED_EPOCHS = 700, 200
EVALUATIONS, STEPS = 1500, 1000
POINTS = 40  # of a curve
DIVERGED = 1e6  # positions: the error of a network that is no longer finite
FIRST_RATES = {
    "SGD": RATES[4:7],
    "SGD with momentum": RATES[3:6],
    "Adam": RATES[2:5],
}
TUNED = tuple(FIRST_RATES)
PACKED = "SGD, packed in PyTorch"
ON_DIFFERENCES = "Levenberg–Marquardt on differences"
CONTENDERS = (
    *TUNED,
    PACKED,
    "L-BFGS",
    "Levenberg–Marquardt",
    ON_DIFFERENCES,
)
Train = Callable[[BallRNN, Rows, float, int, Watch], BallRNN]


def scaled(rows: list[np.ndarray], dtype: type = np.float64) -> Rows:
    """Cut off the targets and divide by the source's 50."""
    inputs, lengths, targets = inputs_and_targets(rows)
    return (
        (inputs / SCALE).astype(dtype),
        lengths,
        (targets / SCALE).astype(dtype),
    )


def distinct_parts(seed: int) -> list[list[np.ndarray]]:
    """Draw the rows, keep each once, and split them 60/20/20 by line."""
    kept = sorted({tuple(row) for row in make_balls(ROWS, seed)})
    rows = [np.array(row) for row in kept]
    groups = split_by_group(start_and_velocity(rows), seed)
    return [[rows[i] for i in part] for part in groups]


def scores(model: BallRNN, rows: Rows) -> dict[str, float]:
    """Score predictions by the source's accuracy and by the mean error in
    positions."""
    inputs, lengths, targets = rows
    predicted = model.predict(inputs, lengths) * SCALE
    error = np.abs(predicted - targets * SCALE)
    ratio = error / SCALE / (np.abs(targets) + 1e-4)
    zero = targets == 0
    return {
        "accuracy": ratio_accuracy(targets * SCALE, predicted),
        "mae": float(error.mean()),
        "zero_share": float(zero.mean()),
        "loss_from_zero": float(ratio[zero].sum() / ratio.sum()),
    }


def mean_error(model: BallRNN, rows: Rows) -> float:
    """Return the mean absolute error in positions, at most `DIVERGED`."""
    if not np.isfinite(model.theta).all():
        return DIVERGED
    return min(rounded(scores(model, rows)["mae"]), DIVERGED)


# The source's system


def reference(seed: int, n: int, max_epochs: int = 10_000) -> Results:
    """Train as the source does, on `n` rows split at random."""
    rows = make_balls(n, seed)
    train, valid, test = (
        scaled([rows[i] for i in part], np.float32)
        for part in split_by_group(np.arange(n), seed)
    )
    model = BallRNN(BallRNN.initialised(seed).theta.astype(np.float32))
    _, W, _, _, _ = model.parts(model.theta)
    W[:] = W.T.copy()  # drawn in PyTorch's layout when this was recorded
    start = time.process_time()
    run = train_like_the_source(model, train, valid, max_epochs=max_epochs)
    seconds = time.process_time() - start
    epochs = len(run.valid_accuracy)
    keep = list(range(0, epochs, max(1, epochs // 200)))
    return {
        "epochs": epochs,
        "best_epoch": run.best_epoch,
        "test": scores(run.best, test),
        "seconds": round(seconds, 1),
        "curve": {
            "epoch": [i + 1 for i in keep],
            "train": [rounded(run.train_accuracy[i]) for i in keep],
            "valid": [rounded(run.valid_accuracy[i]) for i in keep],
        },
        "theta": [float(value) for value in run.best.theta],
    }


# Optimisers


def train_packed(
    model: BallRNN,
    train: Rows,
    rate: float,
    epochs: int,
    seed: int,
    watch: Watch | None = None,
) -> BallRNN:
    """Take the steps of `train_sgd` in PyTorch, which packs each batch."""
    module = BallPredictor.from_parts(*model.parts(model.theta))
    optimizer = torch.optim.SGD(module.parameters(), lr=rate)
    for epoch, batches in shuffled_batches(train, 100, epochs, seed):
        optimizer.param_groups[0]["lr"] = cosine(rate, epoch, epochs)
        for batch in batches:
            x, lengths, y = map(torch.from_numpy, batch)
            optimizer.zero_grad()
            mse_loss(module(x, lengths), y).backward()
            optimizer.step()
        if watch is not None:
            watch(epoch + 1, as_numpy(module))
    return as_numpy(module)


def as_numpy(module: BallPredictor) -> BallRNN:
    """Return PyTorch's network in NumPy, its two biases added."""
    w, W, b, also_b, v, c = (p.detach().numpy() for p in module.parameters())
    parts = (w[:, 0], W.T.ravel(), b + also_b, v[0], c)
    return BallRNN(np.concatenate(parts), len(b))


OPTIMISERS: dict[str, tuple[Train, int]] = {
    "SGD": (
        lambda model, rows, rate, seed, watch: train_sgd(
            model, rows, rate, EPOCHS, seed, watch=watch
        ),
        EPOCHS,
    ),
    "SGD with momentum": (
        lambda model, rows, rate, seed, watch: train_sgd(
            model, rows, rate, EPOCHS, seed, momentum=0.9, watch=watch
        ),
        EPOCHS,
    ),
    "Adam": (
        lambda model, rows, rate, seed, watch: train_adam(
            model, rows, rate, EPOCHS, seed, watch
        ),
        EPOCHS,
    ),
    PACKED: (
        lambda model, rows, rate, seed, watch: train_packed(
            model, rows, rate, PACKED_EPOCHS, seed, watch
        ),
        PACKED_EPOCHS,
    ),
    "L-BFGS": (
        lambda model, rows, rate, seed, watch: train_lbfgs(
            model, rows, EVALUATIONS, watch
        ),
        EVALUATIONS,
    ),
    "Levenberg–Marquardt": (
        lambda model, rows, rate, seed, watch: train_least_squares(
            model, rows, STEPS, watch=watch
        ),
        STEPS,
    ),
}
OPTIMISERS[ON_DIFFERENCES] = OPTIMISERS["Levenberg–Marquardt"]


def optimise(
    contender: str, rate: float | None, seed: int, judged: str
) -> Results:
    """Train one network and follow its error on the `valid` or `test` rows.

    CPU seconds are those of training: what judging costs is taken off.
    """
    cut = as_differences_scaled if contender == ON_DIFFERENCES else scaled
    fitting, valid, test = map(cut, distinct_parts(seed))
    unseen = {"valid": valid, "test": test}[judged]
    train, length = OPTIMISERS[contender]
    wanted = set(np.geomspace(1, length, POINTS).astype(int))
    curve: list[tuple[float, float]] = []
    judging = 0.0

    def watch(done: int, model: BallRNN) -> None:
        nonlocal judging
        if done in wanted:
            now = time.process_time()
            seconds = now - start - judging
            curve.append((round(seconds, 3), mean_error(model, unseen)))
            judging += time.process_time() - now

    start = time.process_time()
    model = BallRNN.initialised(seed)
    model = train(
        model, fitting, math.nan if rate is None else rate, seed, watch
    )
    seconds = time.process_time() - start - judging
    return {
        "rate": rate,
        "error": mean_error(model, unseen),
        "seconds": round(seconds, 1),
        "rows": len(fitting[0]),
        "passes": length,
        "curve": curve,
        "places": places(model, cut),
        "theta": [float(value) for value in model.theta],
    }


def as_differences_scaled(rows: list[np.ndarray]) -> Rows:
    """Return steps and what to add to the last position, over 50."""
    steps, lengths, change = as_differences(rows)
    return steps / SCALE, lengths, change / SCALE


def places(
    model: BallRNN, cut: Callable[[list[np.ndarray]], Rows]
) -> dict[str, float]:
    """Return the mean error inside and outside the range of training."""
    return {
        name: mean_error(model, cut(moved_balls(1000, 0, **place)))
        for name, place in PLACES.items()
    }


def main() -> None:
    """Make the runs that the record lacks, saving after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tune", action="store_true", help="tune, no more")
    parser.add_argument("--minutes", type=float, default=math.inf)
    arguments = parser.parse_args()
    end = time.monotonic() + 60 * arguments.minutes
    torch.set_num_threads(1)
    results = recorded("balls") or {"tuning": {}, "reference": {}, "runs": {}}

    def save(part: str, name: str, run: Results) -> None:
        results[part][name] = run
        record("balls", results)
        said = {k: v for k, v in run.items() if k not in ("curve", "theta")}
        print(name, said, flush=True)
        if time.monotonic() > end:
            raise SystemExit("out of time; start it again to go on")

    for contender in TUNED:
        first = FIRST_RATES[contender]
        while (
            rate := chosen_rate(results["tuning"], contender, first)[1]
        ) is not None:
            for seed in TUNING_SEEDS:
                if (name := key(contender, rate, seed)) not in results[
                    "tuning"
                ]:
                    run = optimise(contender, rate, seed, "valid")
                    save(
                        "tuning",
                        name,
                        {k: run[k] for k in ("error", "seconds")},
                    )
    if arguments.tune:
        return
    # PyTorch's first call pays for loading its kernels.
    few = scaled(make_balls(100, 0))
    train_packed(BallRNN.initialised(0), few, 0.1, 1, 0)
    for seed in SEEDS:
        for contender in CONTENDERS:
            if (name := key(contender, seed)) not in results["runs"]:
                rate = best_rate(results["tuning"], contender)
                save("runs", name, optimise(contender, rate, seed, "test"))
    for seed in SEEDS:
        if str(seed) not in results["reference"]:
            save("reference", str(seed), reference(seed, ROWS))


def best_rate(tuned: Results, contender: str) -> float | None:
    """Return the tuned rate, SGD's for SGD in PyTorch, or none."""
    name = "SGD" if contender == PACKED else contender
    if name not in TUNED:
        return None
    return chosen_rate(tuned, name, FIRST_RATES[name])[0]


if __name__ == "__main__":
    main()
