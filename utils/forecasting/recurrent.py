"""Train recurrent networks on one long series: a correction added to a forecast
that stands.

PyTorch is imported only when a network is trained.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float, Int

from utils.forecasting.volatility import VolatilityData, calibrate, har

if TYPE_CHECKING:
    from torch import Tensor

BURN_IN = 22
CHUNK = 64


def train_correction(
    features: Float[np.ndarray, "time feature"],
    base: Float[np.ndarray, "time"],
    target: Float[np.ndarray, "time"],
    train: Int[np.ndarray, "train"],
    loss: "Callable[[Tensor, Tensor], Tensor]",
    *,
    cell: Literal["LSTM", "GRU"] = "LSTM",
    hidden_size: int = 24,
    epochs: int = 40,
    learning_rate: float = 3e-3,
    seed: int = 0,
) -> Float[np.ndarray, "time"]:
    """Train base + network(features so far) towards the target; return it for
    every origin.

    Each epoch cuts the training series, from a random offset, into chunks of 64
    steps behind a burn-in of 22 whose outputs the loss skips, so that no output
    is judged before the network has seen a month. Features are standardised
    with the training window's mean and deviation. At the end the network reads
    the whole series once from its start. Derived in chapter 10.

    Args:
        features: what is known at each origin.
        base: forecast to which the network adds; the network starts at zero.
        target: what is to be forecast; only `train` is read.
        train: positions to learn from, consecutive.
        loss: of a prediction and a target, a scalar.
        cell: the recurrent layer.
        hidden_size: its units.
        epochs: passes over the training series.
        learning_rate: Adam's.
        seed: of the weights and the order of chunks.

    Raises:
        ValueError: the training positions hold no whole chunk.
    """
    import torch

    from utils.models.pytorch import SequenceReader

    if len(train) < BURN_IN + 2 * CHUNK:
        raise ValueError(
            f"{len(train)} training days are too few; at least "
            f"{BURN_IN + 2 * CHUNK} are needed"
        )
    mean, deviation = features[train].mean(axis=0), features[train].std(axis=0)
    # A feature that never varies (no volume at all) carries nothing, and must
    # not divide by 0.
    scaled = (features - mean) / np.where(deviation > 0, deviation, 1)
    x, start, y = (
        torch.from_numpy(np.float32(each)) for each in (scaled, base, target)
    )
    torch.manual_seed(seed)
    model = SequenceReader(
        cell, features.shape[1], hidden_size, 1, every_step=True
    )
    torch.nn.init.zeros_(model.head.weight)
    torch.nn.init.zeros_(model.head.bias)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    for _ in range(epochs):
        offset = int(train[0]) + int(torch.randint(CHUNK, ()))
        begins = torch.arange(
            offset, int(train[-1]) + 2 - BURN_IN - CHUNK, CHUNK
        )
        for batch in begins[torch.randperm(len(begins))].split(8):
            steps = batch[:, None] + torch.arange(BURN_IN + CHUNK)
            prediction = start[steps] + model(x[steps])[..., 0]
            error = loss(prediction[:, BURN_IN:], y[steps][:, BURN_IN:])
            optimizer.zero_grad()
            error.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    with torch.no_grad():
        correction = model(x[None])[0, :, 0].double().numpy()
    return base + correction


def recurrent_volatility(
    data: VolatilityData,
    train: Int[np.ndarray, "train"],
    *,
    cell: Literal["LSTM", "GRU"] = "LSTM",
    on_har: bool = True,
    seed: int = 0,
) -> Float[np.ndarray, "time"]:
    """Forecast variance with a recurrent network, as a correction to HAR's
    logarithm or alone.

    Squared error of the log variance; alone, the network adds to the training
    mean. Chapter 10.
    """
    from torch.nn.functional import mse_loss

    log_target = np.log(data.target)
    if on_har:
        base = np.log(calibrate(data, har(data, train), train))
    else:
        base = np.full(len(log_target), log_target[train].mean())
    log_forecast = train_correction(
        data.features.to_numpy(),
        base,
        log_target,
        train,
        mse_loss,
        cell=cell,
        seed=seed,
    )
    return np.exp(log_forecast)


def lstm_correction(
    data: VolatilityData, train: Int[np.ndarray, "train"], seeds: int = 3
) -> Float[np.ndarray, "time"]:
    """The book's best volatility forecast: HAR corrected by LSTMs of several
    seeds, averaged."""
    return geometric_mean(
        [recurrent_volatility(data, train, seed=seed) for seed in range(seeds)]
    )


def geometric_mean(
    forecasts: list[Float[np.ndarray, "time"]],
) -> Float[np.ndarray, "time"]:
    """Average variance forecasts on the log scale, on which the networks
    were trained."""
    return np.exp(np.mean(np.log(forecasts), axis=0))
