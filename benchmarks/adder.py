"""Binary addition: how far a learnt carry goes, and what clipping saves.

    python -m benchmarks.adder [--tune]

An RNN of 16 units learns from sums of 8 digits and is asked for sums of 64 and
of 2,000 digits. Then the same layer with ReLU, its recurrent weights starting
as the identity, learns from 32 digits by plain gradient descent, with the
gradient clipped at length 1 and not; each takes its own best learning rate,
chosen with three seeds of their own (`--tune` does no more). Five fresh seeds.
It takes about two minutes of one core. Chapter 01 shows the results.
"""

import argparse
import time
from typing import Any

import numpy as np

from benchmarks.bidirectional import best_rate
from benchmarks.record import record, recorded
from benchmarks.trial import rounded
from utils.data import make_binary_sums
from utils.scratch import (
    RNN,
    SGD,
    Adam,
    Dense,
    clip_global_norm,
    softmax_cross_entropy,
)

SEEDS, TUNING_SEEDS = range(10, 15), range(100, 103)
RATES = (0.005, 0.015, 0.05, 0.15, 0.5, 1.5)
FIRST_RATES = RATES[2:5]
CLIPS = {"clipped": 1.0, "not clipped": np.inf}
RELU_STEPS = 300


def train(
    rnn: RNN,
    head: Dense,
    optimizer: Adam | SGD,
    rng: np.random.Generator,
    length: int,
    steps: int,
    clip: float = np.inf,
) -> tuple[list[float], list[float]]:
    """Train on fresh batches of 32 sums; return each step's loss and the
    length of its gradient before clipping."""
    losses, norms = [], []
    for _ in range(steps):
        x, y = make_binary_sums(32, length, rng)
        logits = head.forward(rnn.forward(x)[0])
        loss, d_logits = softmax_cross_entropy(logits, y)
        head_grads = head.backward(d_logits)
        grads = [rnn.backward(head_grads.x).params, head_grads.params]
        losses.append(rounded(loss))
        norms.append(rounded(clip_global_norm(grads, clip)))
        optimizer.step(grads)
    return losses, norms


def wrong(rnn: RNN, head: Dense, sums: int, length: int) -> dict[str, int]:
    """Count the wrong digits in fresh sums."""
    x, y = make_binary_sums(sums, length, rng=99)
    answers = head.forward(rnn.forward(x)[0]).argmax(axis=2)
    return {"digits": y.size, "wrong": int((answers != y).sum())}


def add(seed: int, steps: int = 400) -> dict[str, Any]:
    """Train the adder on 8 digits and count its mistakes on longer sums."""
    rng = np.random.default_rng(seed)
    rnn, head = RNN(2, 16, rng=rng), Dense(16, 2, rng=rng)
    optimizer = Adam([rnn.params, head.params], 0.01)
    losses, _ = train(rnn, head, optimizer, rng, 8, steps)
    return {
        "loss": losses,
        "64 digits": wrong(rnn, head, 500, 64),
        "2,000 digits": wrong(rnn, head, 50, 2000),
    }


def add_with_relu(
    seed: int, rate: float, clip: float, steps: int = RELU_STEPS
) -> dict[str, Any]:
    """Train the ReLU adder from the identity by plain gradient descent."""
    rng = np.random.default_rng(seed)
    rnn, head = RNN(2, 16, rng=rng, activation="relu"), Dense(16, 2, rng=rng)
    rnn.params["W_h"][...] = np.eye(16)
    optimizer = SGD([rnn.params, head.params], rate)
    started = time.process_time()
    losses, norms = train(rnn, head, optimizer, rng, 32, steps, clip)
    seconds = round(time.process_time() - started, 2)
    answers = wrong(rnn, head, 500, 64)
    return {
        "rate": rate,
        "seconds": seconds,
        "loss": losses,
        "longest gradient": max(norms),
        "right": rounded(1 - answers["wrong"] / answers["digits"]),
    }


def last_loss(run: dict[str, Any]) -> float:
    """Return the mean loss of the last 20 steps, chance if it is no number."""
    loss = float(np.mean(run["loss"][-20:]))
    return rounded(loss) if np.isfinite(loss) else float(np.log(2))


def tune(name: str, results: dict[str, Any]) -> float:
    """Return the learning rate with the lowest mean loss, as that of
    `benchmarks.bidirectional` does: one further out while it is at the edge."""
    done, tried = results["tuning"].setdefault(name, {}), list(FIRST_RATES)
    while True:
        for rate in tried:
            for seed in TUNING_SEEDS:
                key = f"{rate:g} / {seed}"
                if key not in done:
                    run = add_with_relu(seed, rate, CLIPS[name])
                    done[key] = last_loss(run)
                    record("adder", results)
        best = best_rate(done)
        rates = {float(key.split(" / ")[0]) for key in done}
        beyond = {min(rates): -1, max(rates): 1}.get(best, 0)
        neighbour = RATES.index(best) + beyond
        if not beyond or not 0 <= neighbour < len(RATES):
            return best
        tried.append(RATES[neighbour])


def main() -> None:
    """Tune, then run what is missing, saving after each run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tune", action="store_true", help="tune, no more")
    only_tune = parser.parse_args().tune
    results = recorded("adder") or {"tuning": {}, "runs": {}}
    runs = results["runs"]
    with np.errstate(over="ignore", invalid="ignore"):
        rates = {name: tune(name, results) for name in CLIPS}
        print(rates, flush=True)
        for seed in () if only_tune else map(str, SEEDS):
            done = runs.setdefault("tanh", {})
            if seed not in done:
                done[seed] = add(int(seed))
            for name, rate in rates.items():
                done = runs.setdefault(f"ReLU / {name}", {})
                if seed not in done or done[seed]["rate"] != rate:
                    done[seed] = add_with_relu(int(seed), rate, CLIPS[name])
            record("adder", results)


if __name__ == "__main__":
    main()
