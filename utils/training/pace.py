"""How many steps of training fit into the minutes that a reader gives."""

import copy
import time

import torch
from torch import nn

from utils.training.device import training_device
from utils.training.loop import Batches, Score

TRIAL_SECONDS = 2.0


def seconds_per_step(
    model: nn.Module,
    batches: Batches,
    loss: Score,
    trial_seconds: float = TRIAL_SECONDS,
) -> float:
    """Train a copy of a model for two seconds on the device that `fit` takes,
    and return what a step took.

    Args:
        model: left as it is.
        batches: as `fit` takes them.
        loss: of outputs and target, a scalar.
        trial_seconds: how long to try; two steps are taken in any case.
    """
    device = torch.device(training_device())
    trial = copy.deepcopy(model).to(device)
    optimizer = torch.optim.Adam(trial.parameters())
    steps, start = 0, 0.0
    while steps < 2 or time.perf_counter() - start < trial_seconds:
        for batch in batches:
            *inputs, target = (each.to(device) for each in batch)
            value = loss(trial(*inputs), target)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            # Waits for the device; the first step, which warms up, is not
            # counted.
            value.item()
            start = start or time.perf_counter()
            steps += 1
            if steps > 1 and time.perf_counter() - start > trial_seconds:
                break
    return (time.perf_counter() - start) / max(1, steps - 1)
