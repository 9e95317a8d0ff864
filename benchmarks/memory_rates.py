"""What one learning rate for all makes of a comparison.

    python -m benchmarks.memory_rates [--runs 1]

Recall of one letter after 20 steps, 300 training steps, six contenders, three
learning rates, five seeds: every cell of the table is run and none is tuned.
The models and the task are those of `benchmarks.memory`, where each contender
has its own rate and ten times as many steps. It takes about a minute and a half
of one core; what is recorded is not run again. Chapter 04 shows the results.
"""

import dataclasses
import functools
import itertools
from typing import Any

import torch

from benchmarks import memory
from benchmarks.record import run_missing
from benchmarks.trial import rounded

SEEDS = range(5)
STEPS = 300
RATES = (1e-2, 3e-3, 1e-3)
NAMES = ("LSTM, forget bias 0", *memory.CONTENDERS)
TASK = dataclasses.replace(memory.TASKS["recall 20"], steps=STEPS, solved=None)


def measure(name: str, rate: float, seed: int) -> dict[str, Any]:
    """Train one model and score it, with its best weights, on test rows."""
    result = memory.train(TASK, memory.EVERY[name], rate, seed)
    test = memory.scores(result["model"], TASK, TASK.valid_and_test()[1])
    return {
        "ended": result["ended"],
        "losses": result["losses"],
        "accuracy": rounded(test["accuracy"]),
    }


def runs() -> dict[str, functools.partial]:
    """Name every run by contender, rate and seed."""
    return {
        f"{name} / {rate:g} / {seed}": functools.partial(
            measure, name, rate, seed
        )
        for seed, name, rate in itertools.product(SEEDS, NAMES, RATES)
    }


if __name__ == "__main__":
    torch.set_flush_denormal(True)
    run_missing("memory_rates", runs())
