"""How many key-value pairs does a state hold?

    python -m benchmarks.recall_pairs [--minutes 20]

A row shows up to `PAIRS` pairs of a key and a value, one pair at a step, then
asks for every key once, in another order; the answer is its value. All
contenders have one layer and the same number of parameters, as near as can be.
They differ in the state that a row leaves behind: a GRU's vector, the matrices
of linear attention and of the delta rule (`heads` divides that state at equal
parameters), the whole past of attention. Rates and seeds as in
`benchmarks.state_tracking`; tuned by the accuracy on rows of `PAIRS` pairs.
Chapter 12 shows the results.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from benchmarks.state_tracking import (
    TUNING_SEEDS,
    curve,
    descend,
    train_missing,
)
from utils.recurrences.pytorch import (
    CausalAttention,
    DeltaRule,
    GatedRNN,
    LinearAttention,
    SequenceClassifier,
    equal_width,
)

CONTENDERS: dict[str, Callable[[int], nn.Module]] = {
    "GRU": partial(GatedRNN, "GRU"),
    "linear attention, 1 head": partial(LinearAttention, heads=1),
    "delta rule, 4 heads": partial(DeltaRule, heads=4),
    "delta rule, 1 head": partial(DeltaRule, heads=1),
    "attention, 1 head": partial(CausalAttention, heads=1),
}
KEYS, VALUES = 32, 8
PAIRS = 24
TESTED_AT = (1, 2, 4, 8, 12, 16, 24)
PARAMETERS = 10_000
STEPS = 400
BATCH_SIZE = 32
ROWS = 300


def draw(rows: int, pairs: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw rows (rows, 2 pairs, KEYS + VALUES) and the answers (rows, pairs).

    A step is a one-hot key beside a one-hot value; where it asks, the value is
    all zero. No key occurs in two pairs of a row.
    """
    keys = torch.rand(rows, KEYS, generator=rng).argsort(1)[:, :pairs]
    values = torch.randint(VALUES, (rows, pairs), generator=rng)
    order = torch.rand(rows, pairs, generator=rng).argsort(1)
    shown = torch.cat([one_hot(keys, KEYS), one_hot(values, VALUES)], 2)
    asked = one_hot(keys.gather(1, order), KEYS)
    asked = nn.functional.pad(asked, (0, VALUES))
    return torch.cat([shown, asked], 1).float(), values.gather(1, order)


def build(contender: str, seed: int) -> SequenceClassifier:
    """Make a contender of about `PARAMETERS` parameters."""
    layer = CONTENDERS[contender]
    width = equal_width(layer, KEYS + VALUES, VALUES, 1, PARAMETERS)
    torch.manual_seed(seed)
    return SequenceClassifier(layer, KEYS + VALUES, width, VALUES)


def state_size(contender: str, width: int, pairs: int) -> int:
    """Return how many numbers of a row's past a contender can still read."""
    layer = CONTENDERS[contender](width)
    match layer:
        case GatedRNN():
            return width
        case DeltaRule():
            return width**2 // layer.heads
        case LinearAttention():
            return width**2 // layer.heads + width
    return 2 * width * pairs


@torch.no_grad()
def accuracy(model: nn.Module, pairs: int, seed: int) -> float:
    """Return the share of right answers in fresh rows of so many pairs."""
    x, y = draw(ROWS, pairs, torch.Generator().manual_seed(seed))
    right = model(x)[:, pairs:].argmax(-1) == y
    return round(right.float().mean().item(), 4)


def learn(model: nn.Module, rate: float, seed: int) -> Iterator[float]:
    """Train on rows of 1 to `PAIRS` pairs and yield the loss of each batch."""
    rng = torch.Generator().manual_seed(seed)

    def loss_of_batch() -> Tensor:
        pairs = int(torch.randint(1, PAIRS + 1, (1,), generator=rng))
        x, y = draw(BATCH_SIZE, pairs, rng)
        logits = model(x)[:, pairs:]
        return cross_entropy(logits.flatten(0, 1), y.flatten())

    return descend(model, loss_of_batch, rate, STEPS)


def train(contender: str, rate: float, seed: int) -> dict[str, Any]:
    """Train one contender, and score it as tuning or as a fresh seed."""
    model = build(contender, seed)
    started = time.process_time()
    losses = list(learn(model, rate, seed))
    seconds = time.process_time() - started
    model.eval()
    width = model.embed.out_features
    scores = (
        {"score": accuracy(model, PAIRS, seed + 1000)}
        if seed in TUNING_SEEDS
        else {
            "accuracy": {
                str(n): accuracy(model, n, seed + 1000) for n in TESTED_AT
            }
        }
    )
    return {
        "rate": rate,
        "parameters": sum(p.numel() for p in model.parameters()),
        "width": width,
        "state": state_size(contender, width, PAIRS),
        "steps": STEPS,
        "seconds": round(seconds, 1),
        "loss": curve(losses),
        **scores,
    }


def main() -> None:
    """Run what is missing, saving after each run, until done or out of time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=math.inf)
    minutes = parser.parse_args().minutes
    torch.set_flush_denormal(True)
    end = time.monotonic() + 60 * minutes
    train_missing("recall_pairs", CONTENDERS, train, end)


if __name__ == "__main__":
    main()
