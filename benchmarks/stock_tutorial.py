"""The popular stock tutorial, rebuilt as it stands and judged against repeating
yesterday's price.

Keras: min–max scaling fitted on everything, windows of 60 days, three LSTMs of
50 units with dropout 0.2, Adam on the mean squared error, batches of 32, the
last fifth of the windows as test. PyTorch: a two-layer LSTM of 64 units on
windows of 10. Each seed is recorded as it finishes, so an interrupted run
resumes.
"""

import argparse
import time
from typing import Any

import numpy as np

from benchmarks.record import record, recorded
from utils.data import load_prices, make_windows
from utils.forecasting.court import persistence_court

NAME = "stock_tutorial"


def scaled_windows(
    prices: np.ndarray, lookback: int
) -> tuple[np.ndarray, np.ndarray]:
    """Min–max scale prices on all days and cut windows: (windows, lookback, 1)
    and the next day."""
    scaled = np.float32((prices - prices.min()) / (prices.max() - prices.min()))
    windows, following = make_windows(scaled, lookback)
    return windows[..., None], following


def judge(prices: np.ndarray, scaled_forecast: np.ndarray) -> dict[str, Any]:
    """Undo the scaling of a forecast for the last days and put it before the
    persistence court."""
    forecast = prices.min() + np.float64(scaled_forecast) * (
        prices.max() - prices.min()
    )
    days = len(forecast)
    verdict = persistence_court(
        prices[-days:], forecast, prices[-days - 1 : -1]
    )
    return {
        "rmse": verdict.rmse,
        "mape": verdict.mape,
        "skill": verdict.skill,
        "best_lag": verdict.best_lag,
        "dm": verdict.dm_statistic,
        "mean_error": float(np.mean(forecast - prices[-days:])),
    }


def keras_run(
    prices: np.ndarray,
    seed: int,
    checkpoints: tuple[int, ...],
    lookback: int = 60,
    units: int = 50,
) -> dict[str, Any]:
    """Train the Keras system once and judge it after each of the given
    numbers of epochs."""
    import keras

    from utils.models.keras import stacked_price_lstm

    keras.utils.set_random_seed(seed)
    x, y = scaled_windows(prices, lookback)
    train = int(0.8 * len(x))
    model = stacked_price_lstm(lookback, units)
    scores, done, started = {}, 0, time.process_time()
    for checkpoint in checkpoints:
        model.fit(
            x[:train],
            y[:train],
            batch_size=32,
            epochs=checkpoint - done,
            verbose=0,
        )
        done = checkpoint
        forecast = model.predict(x[train:], verbose=0)[:, 0]
        scores[str(checkpoint)] = judge(prices, forecast)
        print(
            f"keras seed {seed} epoch {checkpoint}: {scores[str(checkpoint)]}",
            flush=True,
        )
    seconds = (time.process_time() - started) / done
    return {
        "epochs": scores,
        "cpu_seconds_per_epoch": seconds,
        "forecast": _rounded(prices, forecast),
    }


def torch_run(
    prices: np.ndarray,
    seed: int,
    checkpoints: tuple[int, ...],
    lookback: int = 10,
) -> dict[str, Any]:
    """Train the PyTorch system once and judge it after each of the given
    numbers of epochs."""
    import torch

    from utils.models.pytorch import ManyToOne

    torch.manual_seed(seed)
    x, y = (
        torch.from_numpy(each.copy())
        for each in scaled_windows(prices, lookback)
    )
    train = int(0.8 * len(x))
    model = ManyToOne(torch.nn.LSTM, 1, 64, 1, dropout=0.0)
    optimizer = torch.optim.Adam(model.parameters())
    scores, started = {}, time.process_time()
    for epoch in range(1, checkpoints[-1] + 1):
        for batch in torch.randperm(train).split(32):
            loss = torch.nn.functional.mse_loss(model(x[batch])[:, 0], y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch in checkpoints:
            with torch.no_grad():
                forecast = model(x[train:])[:, 0].numpy()
            scores[str(epoch)] = judge(prices, forecast)
            print(
                f"torch seed {seed} epoch {epoch}: {scores[str(epoch)]}",
                flush=True,
            )
    seconds = (time.process_time() - started) / checkpoints[-1]
    return {
        "epochs": scores,
        "cpu_seconds_per_epoch": seconds,
        "forecast": _rounded(prices, forecast),
    }


def persistence(prices: np.ndarray, lookback: int = 60) -> dict[str, Any]:
    """Score yesterday's price on the same days; say how far they leave the
    training range."""
    count = len(prices) - lookback
    days = count - int(0.8 * count)
    truth, yesterday = prices[-days:], prices[-days - 1 : -1]
    return {
        "rmse": float(np.sqrt(np.mean((truth - yesterday) ** 2))),
        "mape": float(100 * np.mean(np.abs(truth - yesterday) / truth)),
        "test_days": days,
        "share_above_training_maximum": float(
            np.mean(truth > prices[:-days].max())
        ),
    }


def _rounded(prices: np.ndarray, scaled: np.ndarray) -> str:
    """Write a forecast as one line of index points with two decimals."""
    points = prices.min() + np.float64(scaled) * (prices.max() - prices.min())
    return " ".join(f"{point:.2f}" for point in points)


RUNS = {"pytorch": torch_run, "keras": keras_run}


def main() -> None:
    """Run what the recording does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--systems", nargs="+", default=list(RUNS), choices=list(RUNS)
    )
    arguments = parser.parse_args()
    results = recorded(NAME)
    prices = load_prices("sp500")["close"].to_numpy()
    results["persistence"] = persistence(prices)
    for system in arguments.systems:
        results.setdefault(system, {})
        for seed in arguments.seeds:
            if str(seed) not in results[system]:
                results[system][str(seed)] = RUNS[system](
                    prices, seed, (1, 3, 15, 50)
                )
                record(NAME, results)


if __name__ == "__main__":
    main()
