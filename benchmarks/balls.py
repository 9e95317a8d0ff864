"""The moving ball: the source's training rebuilt, and least squares on the same
network.

Runs `python -m benchmarks.balls`, about ten CPU minutes. A run that was
interrupted goes on where the results file ends; a complete file is measured
anew.
"""

import time
from typing import Any

import numpy as np
import torch

from benchmarks.record import record, recorded
from utils.data import make_balls
from utils.data.balls import (
    SCALE,
    inputs_and_targets,
    ratio_accuracy,
    split_by_group,
    start_and_velocity,
)
from utils.length.ball_rnn import BallRNN, Rows, train_least_squares, train_sgd
from utils.models.pytorch import BallPredictor

ROWS = 10_000
SEEDS = range(5)
PUBLISHED = 0.927
TORCH_EPOCHS = 30


def scaled(rows: list[np.ndarray], dtype: type = np.float64) -> Rows:
    """Cut off the targets and divide by the source's 50."""
    inputs, lengths, targets = inputs_and_targets(rows)
    return (
        (inputs / SCALE).astype(dtype),
        lengths,
        (targets / SCALE).astype(dtype),
    )


def parts(
    rows: list[np.ndarray], groups: np.ndarray, seed: int
) -> list[list[np.ndarray]]:
    """Split the rows 60/20/20 by group."""
    return [[rows[i] for i in part] for part in split_by_group(groups, seed)]


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


def reference(seed: int, n: int, max_epochs: int = 10_000) -> dict[str, Any]:
    """Train as the source does, on `n` rows split at random."""
    rows = make_balls(n, seed)
    train, valid, test = (
        scaled(part, np.float32)
        for part in parts(rows, np.arange(len(rows)), seed)
    )
    model = BallRNN(BallRNN.initialised(seed).theta.astype(np.float32))
    start = time.process_time()
    run = train_sgd(model, train, valid, max_epochs=max_epochs)
    seconds = time.process_time() - start
    epochs = len(run.valid_accuracy)
    reached = [
        i for i, value in enumerate(run.valid_accuracy, 1) if value >= PUBLISHED
    ]
    keep = list(range(0, epochs, max(1, epochs // 200)))
    return {
        "epochs": epochs,
        "best_epoch": run.best_epoch,
        "valid_accuracy": max(run.valid_accuracy),
        "test": scores(run.best, test),
        "cpu_seconds": seconds,
        "epochs_to_published": reached[0] if reached else None,
        "curve": {
            "epoch": [i + 1 for i in keep],
            "train": [round(run.train_accuracy[i], 4) for i in keep],
            "valid": [round(run.valid_accuracy[i], 4) for i in keep],
        },
        "theta": [float(value) for value in run.best.theta],
    }


def reference_in_torch(seed: int, n: int, epochs: int) -> dict[str, float]:
    """Time the same training in PyTorch for some epochs, from the same
    weights."""
    rows = make_balls(n, seed)
    train, valid, _ = (
        scaled(part, np.float32)
        for part in parts(rows, np.arange(len(rows)), seed)
    )
    start_model = BallRNN(BallRNN.initialised(seed).theta.astype(np.float32))
    start = time.process_time()
    ours = train_sgd(start_model, train, valid, max_epochs=epochs)
    numpy_seconds = time.process_time() - start
    model = BallPredictor.from_parts(*start_model.parts(start_model.theta))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    batches = list(
        zip(*(torch.tensor(array).split(100) for array in train), strict=True)
    )
    inputs, lengths, targets = map(torch.tensor, valid)
    # The first call pays for loading the kernels
    model(*batches[0][:2]).sum().backward()
    optimizer.zero_grad()
    accuracies = []
    start = time.process_time()
    for _ in range(epochs):
        for x, n_valid, y in batches:
            loss = torch.nn.functional.mse_loss(model(x, n_valid), y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        with torch.no_grad():
            predicted = model(inputs, lengths)
        accuracies.append(
            ratio_accuracy(targets.numpy() * SCALE, predicted.numpy() * SCALE)
        )
    seconds = time.process_time() - start
    return {
        "epochs": epochs,
        "cpu_seconds_per_epoch": seconds / epochs,
        "numpy_cpu_seconds_per_epoch": numpy_seconds / epochs,
        "largest_accuracy_difference": float(
            np.abs(np.array(accuracies) - ours.valid_accuracy).max()
        ),
    }


def least_squares(seed: int, n: int, evaluations: int = 300) -> dict[str, Any]:
    """Fit the same network to the distinct training rows, split by start and
    velocity."""
    rows = make_balls(n, seed)
    train, valid, test = parts(rows, start_and_velocity(rows), seed)
    distinct = [np.array(row) for row in sorted({tuple(row) for row in train})]
    held_out = scaled(valid)
    watched: list[tuple[float, float]] = []  # CPU seconds, validation accuracy
    spent_watching = 0.0
    start = time.process_time()

    def watch(model: BallRNN) -> None:
        nonlocal spent_watching
        now = time.process_time()
        watched.append(
            (now - start - spent_watching, scores(model, held_out)["accuracy"])
        )
        spent_watching += time.process_time() - now

    model = train_least_squares(
        BallRNN.initialised(seed), scaled(distinct), evaluations, watch=watch
    )
    seconds = time.process_time() - start - spent_watching
    reached = [at for at, accuracy in watched if accuracy >= PUBLISHED]
    return {
        "distinct_rows": len(distinct),
        "valid": scores(model, held_out),
        "test": scores(model, scaled(test)),
        "cpu_seconds": seconds,
        "cpu_seconds_to_published": reached[0] if reached else None,
    }


def main() -> None:
    """Measure what the results file lacks and record after every run."""
    torch.set_num_threads(1)
    jobs: dict[str, Any] = {
        "torch": {"0": lambda: reference_in_torch(0, ROWS, TORCH_EPOCHS)},
        "least_squares": {
            str(s): lambda s=s: least_squares(s, ROWS) for s in SEEDS
        },
        "reference": {str(s): lambda s=s: reference(s, ROWS) for s in SEEDS},
    }
    results = recorded("balls")
    if all(
        set(results.get(name, ())) == set(runs) for name, runs in jobs.items()
    ):
        results = {}
    for name, runs in jobs.items():
        for key, job in runs.items():
            if key not in results.setdefault(name, {}):
                results[name][key] = job()
                record("balls", results)
                print(
                    name,
                    key,
                    {
                        k: v
                        for k, v in results[name][key].items()
                        if k != "curve"
                    },
                )


if __name__ == "__main__":
    main()
