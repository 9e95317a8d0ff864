"""Four leaks, each beside the same run without it, on the S&P 500 with five
seeds.

Scaler: min–max scaling fitted on all days or on the training days. Test as
validation: the epoch chosen by the test RMSE or by a validation block's.
Shuffle: overlapping windows split at random or by time. These three are scored
by the RMSE of prices over that of yesterday's price on the same test days.
Bidirectional: a two-way LSTM that forecasts at every step of a sequence, or one
window per forecast, scored by the root of the squared error of the next return
over that of forecasting zero on the same days.
"""

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from benchmarks.record import record, recorded
from utils.data.prices import load_prices
from utils.models.pytorch import ManyToOne

NAME = "leaks"
WINDOW = 10
STRETCH = 20


class TwoWay(nn.Module):
    """A bidirectional LSTM that answers at every step, backward half
    included."""

    def __init__(self, hidden_size: int):
        super().__init__()
        self.lstm = nn.LSTM(
            1, hidden_size, batch_first=True, bidirectional=True
        )
        self.head = nn.Linear(2 * hidden_size, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, time, 1) to (batch, time)."""
        return self.head(self.lstm(x)[0])[..., 0]


def train(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor],
    epochs: int,
    after_epoch: Callable[[], None] = lambda: None,
) -> None:
    """Minimise the loss with Adam in batches of 64."""
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(64):
            error = loss(model(x[batch]).reshape(y[batch].shape), y[batch])
            optimizer.zero_grad()
            error.backward()
            optimizer.step()
        after_epoch()


def windows(series: np.ndarray, length: int) -> Tensor:
    """Cut every window of a series: (windows, length, 1)."""
    return torch.from_numpy(
        np.float32(sliding_window_view(series, length))
    ).unsqueeze(-1)


def price_run(
    prices: np.ndarray,
    seed: int,
    epochs: int,
    scale_on_all: bool = False,
    shuffled: bool = False,
) -> dict[str, Any]:
    """Train the windows-of-10 price model on 64 %; return by epoch, on 16 % and
    on 20 %, its RMSE over that of yesterday's price on the same days."""
    days = len(prices) - WINDOW
    order = (
        np.random.default_rng(seed).permutation(days)
        if shuffled
        else np.arange(days)
    )
    fit, valid, test = np.split(order, [int(0.64 * days), int(0.8 * days)])
    seen = prices if scale_on_all or shuffled else prices[: len(fit) + WINDOW]
    low, high = seen.min(), seen.max()
    scaled = (prices - low) / (high - low)
    x, y = (
        windows(scaled[:-1], WINDOW),
        torch.from_numpy(np.float32(scaled[WINDOW:])),
    )
    torch.manual_seed(seed)
    model = ManyToOne(nn.LSTM, 1, 16, 1, num_layers=1, dropout=0.0)
    curves: dict[str, list[float]] = {"valid": [], "test": []}
    step = np.diff(prices)[WINDOW - 1 :]

    def score() -> None:
        with torch.no_grad():
            error = (model(x)[:, 0] - y).double().numpy() * (high - low)
        for name, part in (("valid", valid), ("test", test)):
            ratio = np.mean(error[part] ** 2) / np.mean(step[part] ** 2)
            curves[name].append(float(np.sqrt(ratio)))

    train(model, x[fit], y[fit], mse_loss, epochs, score)
    return {
        **curves,
        "persistence": float(np.sqrt(np.mean(step[test] ** 2))),
        "training maximum": float(prices[WINDOW:][fit].max()),
        "test range": [
            float(prices[WINDOW:][test].min()),
            float(prices[WINDOW:][test].max()),
        ],
    }


def two_way_run(
    prices: np.ndarray, seed: int, every_step: bool, epochs: int
) -> float:
    """Forecast next returns with a bidirectional LSTM; return its RMSE over
    that of forecasting zero on the same test days.

    With `every_step` one pass over a stretch of 20 days answers on every day of
    it, so the backward half has read the answer. Without, each answer is the
    last of its own window.
    """
    returns = 100 * np.diff(np.log(prices))
    returns = returns / returns[: int(0.8 * len(returns))].std()
    x, y = windows(returns[:-1], STRETCH), windows(returns[1:], STRETCH)[..., 0]
    split = int(0.8 * len(x))
    torch.manual_seed(seed)
    model = TwoWay(16)

    def last(prediction: Tensor, target: Tensor) -> Tensor:
        return mse_loss(prediction[:, -1], target[:, -1])

    train(
        model,
        x[: split - STRETCH],
        y[: split - STRETCH],
        mse_loss if every_step else last,
        epochs,
    )
    with torch.no_grad():
        forecast = model(x[split:])
    # A day inside its stretch where the leak is on, the last day of a window
    # where it is off.
    day = STRETCH // 2 if every_step else -1
    truth = y[split:, day]
    error = ((truth - forecast[:, day]) ** 2).mean()
    return float((error / (truth**2).mean()).sqrt())


def one_seed(prices: np.ndarray, seed: int, epochs: int = 12) -> dict[str, Any]:
    """Run every pair once."""
    clean = price_run(prices, seed, epochs)
    scaler = price_run(prices, seed, epochs, scale_on_all=True)
    shuffled = price_run(prices, seed, epochs, shuffled=True)
    chosen = int(np.argmin(clean["valid"]))
    one_way, two_way = (
        two_way_run(prices, seed, every_step=leaks, epochs=epochs // 3)
        for leaks in (False, True)
    )
    facts = ("persistence", "training maximum", "test range")
    return {
        "scaler": {"clean": clean["test"][-1], "leaking": scaler["test"][-1]},
        "test as validation": {
            "clean": clean["test"][chosen],
            "leaking": min(clean["test"]),
        },
        "shuffle": {
            "clean": clean["test"][-1],
            "leaking": shuffled["test"][-1],
        },
        "bidirectional": {"clean": one_way, "leaking": two_way},
        "days of clean": {fact: clean[fact] for fact in facts},
        "days of shuffle": {fact: shuffled[fact] for fact in facts},
    }


def main() -> None:
    """Run the seeds that the recording does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[*range(10, 15)]
    )
    arguments = parser.parse_args()
    results = recorded(NAME)
    prices = load_prices("sp500")["close"].to_numpy()
    for seed in arguments.seeds:
        if str(seed) not in results:
            results[str(seed)] = one_seed(prices, seed)
            print(seed, results[str(seed)], flush=True)
            record(NAME, results)


if __name__ == "__main__":
    main()
