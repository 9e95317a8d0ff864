"""Train networks on one long series: a correction added to a forecast that
stands, by a recurrent network or by one without memory.

PyTorch is imported only when a network is trained.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypedDict

import numpy as np
from jaxtyping import Float, Int

from utils.forecasting.volatility import VolatilityData, calibrate, har

if TYPE_CHECKING:
    from torch import Tensor, nn

Cell = Literal["LSTM", "GRU", "MLP"]

BURN_IN = 22
CHUNK = 64
HIDDEN = 24


class Settings(TypedDict):
    """How a correction is trained; see `recurrent_volatility`."""

    cell: Cell
    days: int
    epochs: int
    learning_rate: float


# The least loss of `benchmarks.volatility --tune`; a test holds them to its
# record. Chapter 10 and `python -m utils.forecasting` train with these.
TUNED: dict[str, Settings] = {
    "MLP": {"cell": "MLP", "days": 1, "epochs": 20, "learning_rate": 1e-3},
    "MLP5": {"cell": "MLP", "days": 5, "epochs": 40, "learning_rate": 1e-3},
    "LSTM": {"cell": "LSTM", "days": 1, "epochs": 20, "learning_rate": 1e-3},
}


def train_correction(
    features: Float[np.ndarray, "time feature"],
    base: Float[np.ndarray, "time"],
    target: Float[np.ndarray, "time"],
    train: Int[np.ndarray, "train"],
    loss: "Callable[[Tensor, Tensor], Tensor]",
    *,
    cell: Cell = "LSTM",
    hidden_size: int = HIDDEN,
    epochs: int = TUNED["LSTM"]["epochs"],
    learning_rate: float = TUNED["LSTM"]["learning_rate"],
    seed: int = 0,
) -> Float[np.ndarray, "time"]:
    """Train base + network(features so far) towards the target; return it for
    every origin.

    Each epoch cuts the training series, from a random offset, into chunks of 64
    steps behind a burn-in of 22 whose outputs the loss skips, so that no output
    is judged before the network has seen a month. Features are standardised
    with the training window's mean and deviation. At the end the network reads
    the whole series once from its start. An "MLP", one layer of tanh units, is
    trained in the same way on the same chunks and differs in one thing: it has
    no state, so that its answer depends on the last row alone. Derived in
    chapter 10.

    Args:
        features: what is known at each origin.
        base: forecast to which the network adds; the network starts at zero.
        target: what is to be forecast; only `train` is read.
        train: positions to learn from, consecutive.
        loss: of a prediction and a target, a scalar.
        cell: the recurrent layer, or "MLP" for none.
        hidden_size: its units.
        epochs: passes over the training series.
        learning_rate: Adam's.
        seed: of the weights and the order of chunks.

    Raises:
        ValueError: the training positions hold no whole chunk.
    """
    import torch

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
    model = network(cell, features.shape[1], hidden_size)
    train_on_chunks(model, x, start, y, train, loss, epochs, learning_rate)
    return base + answers(model, scaled)


def train_on_chunks(
    model: "nn.Module",
    x: "Float[Tensor, 'time feature']",
    start: "Float[Tensor, ' time']",
    y: "Float[Tensor, ' time']",
    train: Int[np.ndarray, " train"],
    loss: "Callable[[Tensor, Tensor], Tensor]",
    epochs: int,
    learning_rate: float,
) -> None:
    """Train start + model(x) towards y with Adam, on chunks behind a burn-in.

    The loop of `train_correction`, which names the arguments. The chunks'
    offset and order come from PyTorch's generator. Where `train` leaves
    positions out, no chunk spans them. Derived in chapter 10.
    """
    import torch

    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    runs = np.split(train, np.flatnonzero(np.diff(train) > 1) + 1)
    for _ in range(epochs):
        offset = int(torch.randint(CHUNK, ()))
        begins = torch.cat(
            [
                torch.arange(
                    int(run[0]) + offset,
                    int(run[-1]) + 2 - BURN_IN - CHUNK,
                    CHUNK,
                )
                for run in runs
            ]
        )
        for batch in begins[torch.randperm(len(begins))].split(8):
            steps = batch[:, None] + torch.arange(BURN_IN + CHUNK)
            prediction = start[steps] + model(x[steps])[..., 0]
            error = loss(prediction[:, BURN_IN:], y[steps][:, BURN_IN:])
            optimizer.zero_grad()
            error.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()


def answers(
    model: "nn.Module", scaled: Float[np.ndarray, "time feature"]
) -> Float[np.ndarray, " time"]:
    """Return a network's answer at every origin, read from the start."""
    import torch

    with torch.no_grad():
        found = model(torch.from_numpy(np.float32(scaled))[None])
    return found[0, :, 0].double().numpy()


def network(cell: str, features: int, hidden_size: int) -> "nn.Module":
    """Build a reader of (batch, time, feature) that answers 0 at every step."""
    from torch import nn

    from utils.models.pytorch import SequenceReader

    if cell == "MLP":
        hidden = nn.Linear(features, hidden_size)
        model: nn.Module = nn.Sequential(
            hidden, nn.Tanh(), head := nn.Linear(hidden_size, 1)
        )
    else:
        reader = SequenceReader(cell, features, hidden_size, 1, every_step=True)
        model, head = reader, reader.head
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return model


def recurrent_volatility(
    data: VolatilityData,
    train: Int[np.ndarray, "train"],
    *,
    cell: Cell = "LSTM",
    on_har: bool = True,
    days: int = 1,
    epochs: int = TUNED["LSTM"]["epochs"],
    learning_rate: float = TUNED["LSTM"]["learning_rate"],
    seed: int = 0,
) -> Float[np.ndarray, "time"]:
    """Forecast variance with a network, as a correction to HAR's logarithm or
    alone.

    Squared error of the log variance; alone, the network adds to the training
    mean. Chapter 10.

    Args:
        data: features and target.
        train: positions to learn from.
        cell: the recurrent layer, or "MLP" for a network without memory.
        on_har: add to calibrated HAR.
        days: features of so many days stand side by side in a row.
        epochs: passes over the training days.
        learning_rate: Adam's.
        seed: of the weights and the order of chunks.
    """
    from torch.nn.functional import mse_loss

    log_target = np.log(data.target)
    if on_har:
        base = np.log(calibrate(data, har(data, train), train))
    else:
        base = np.full(len(log_target), log_target[train].mean())
    log_forecast = train_correction(
        last_days(data.features.to_numpy(), days),
        base,
        log_target,
        train,
        mse_loss,
        cell=cell,
        epochs=epochs,
        learning_rate=learning_rate,
        seed=seed,
    )
    return np.exp(log_forecast)


def last_days(
    features: Float[np.ndarray, "time feature"], days: int
) -> Float[np.ndarray, "time more"]:
    """Put each row beside the rows before it; the first rows are repeated."""
    at = np.arange(len(features))
    past = [features[np.maximum(at - ago, 0)] for ago in range(days)]
    return np.concatenate(past, axis=1)


def tree_correction(
    data: VolatilityData,
    train: Int[np.ndarray, "train"],
    rounds: int = 100,
    learning_rate: float = 0.03,
) -> Float[np.ndarray, "time"]:
    """HAR corrected by gradient-boosted trees on the last day's features.

    Trees of at most 8 leaves of 50 days or more, fitted one after another to
    what the log forecast still misses; nothing is drawn at random. Source:
    Friedman (2001), doi:10.1214/aos/1013203451.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    base = np.log(calibrate(data, har(data, train), train))
    features = data.features.to_numpy()
    trees = HistGradientBoostingRegressor(
        max_iter=rounds,
        learning_rate=learning_rate,
        max_leaf_nodes=8,
        min_samples_leaf=50,
        early_stopping=False,
    )
    trees.fit(features[train], np.log(data.target[train]) - base[train])
    return np.exp(base + trees.predict(features))


def geometric_mean(
    forecasts: list[Float[np.ndarray, "time"]],
) -> Float[np.ndarray, "time"]:
    """Average variance forecasts on the log scale, on which the networks
    were trained."""
    return np.exp(np.mean(np.log(forecasts), axis=0))
