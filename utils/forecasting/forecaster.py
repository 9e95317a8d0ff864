"""A fitted forecaster of volatility: a model's parameters with all that a
forecast needs, written to a folder and read back.

The models of `utils.forecasting.volatility` return forecasts; here one is
fitted once, and forecasts days that it has not seen. PyTorch is imported only
where a network is asked for, or a folder.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from utils.forecasting.intervals import conformal_interval
from utils.forecasting.recurrent import (
    HIDDEN,
    TUNED,
    Settings,
    answers,
    last_days,
    network,
    train_on_chunks,
)
from utils.forecasting.volatility import HAR, LHAR, VolatilityData

if TYPE_CHECKING:
    from torch import nn

LINEAR = {"HAR": HAR, "LHAR": LHAR, "linear": None}
KINDS = (*LINEAR, *TUNED)
SEEDS = 3
# The ends of a 90 % interval are the k-th smallest and largest of 20 k − 1
# errors; about a year of days makes k.
COVERAGE, LEAST_ERRORS, YEAR = 0.9, 20, 252
# Days over which squared returns are compared with ranges, and the fewest.
RATIO_DAYS, FEWEST_RATIO_DAYS = 504, 252


class ForecasterError(ValueError):
    """A folder that holds no forecaster, or one that does not fit the data."""


@dataclass(frozen=True)
class Forecaster:
    """A fitted model of the mean variance over the next `horizon` days.

    Attributes:
        kind: one of `KINDS`.
        horizon: days ahead.
        features: the columns that it reads.
        base: intercept and weights of the linear part, of the log variance.
        mean: of each feature in training, of each day that is read.
        deviation: of the same.
        networks: state dictionaries of the networks whose mean is added.
        scale: factor that makes the forecast right on average in training.
        least: least target in training; no forecast is below it.
        most: largest target in training; none is above it.
        fitted: the day at whose close the model was fitted.
    """

    kind: str
    horizon: int
    features: tuple[str, ...]
    base: Float[np.ndarray, " weight"]
    mean: Float[np.ndarray, " feature"]
    deviation: Float[np.ndarray, " feature"]
    networks: tuple[dict[str, Any], ...]
    scale: float
    least: float
    most: float
    fitted: str

    def variance(self, data: VolatilityData) -> Float[np.ndarray, " time"]:
        """Forecast the variance at every origin of some data.

        A forecast beyond what the training target ever was is set to its
        extreme, a safeguard without which a linear model of logarithms can
        say anything at all in a crisis (Swanson and White call it an insanity
        filter).

        Raises:
            ForecasterError: the data have another horizon.
        """
        if data.horizon != self.horizon:
            raise ForecasterError(
                f"the forecaster looks {self.horizon} days ahead, not "
                f"{data.horizon}"
            )
        log = (
            self.base[0]
            + _columns(data, HAR_OR_ALL[self.kind]) @ (self.base[1:])
        )
        if self.networks:
            read = _read(data, self.features, TUNED[self.kind])
            scaled = (read - self.mean) / self.deviation
            log = log + np.mean(
                [
                    answers(_restore(self.kind, scaled.shape[1], state), scaled)
                    for state in self.networks
                ],
                axis=0,
            )
        return np.clip(self.scale * np.exp(log), self.least, self.most)


# What the linear part reads: a network corrects HAR.
HAR_OR_ALL = LINEAR | dict.fromkeys(TUNED, HAR)


def fit_forecaster(
    kind: str,
    data: VolatilityData,
    train: Int[np.ndarray, " train"],
    seeds: int = SEEDS,
    epochs: int | None = None,
) -> Forecaster:
    """Fit a model on some origins: least squares of the log variance, and for
    a network a correction to HAR, trained on what HAR leaves.

    Args:
        kind: "HAR", "LHAR", "linear" (all features), or "MLP", "MLP5" or
            "LSTM", which correct HAR with networks of several seeds, averaged.
            The MLPs remember nothing; they read one day's features, or those of
            five days side by side.
        data: as from `make_volatility_data`.
        train: positions to learn from, consecutive.
        seeds: networks.
        epochs: passes of each over the training days; `TUNED`'s by default.

    Raises:
        ValueError: the kind is unknown.
    """
    return fit_pooled(kind, [data], train, seeds, epochs)[0]


def fit_pooled(
    kind: str,
    markets: Sequence[VolatilityData],
    train: Int[np.ndarray, " train"],
    seeds: int = SEEDS,
    epochs: int | None = None,
) -> list[Forecaster]:
    """Fit one model to several markets at once, and scale it to each.

    Weights and networks are shared; what makes a forecast right on average, and
    the range that it may not leave, are each market's own.

    Args:
        kind: as for `fit_forecaster`.
        markets: on the same dates, and equally far ahead.
        train: positions to learn from, the same in all, so that none learns
            from days that another is still to forecast.
        seeds: networks.
        epochs: passes of each over the training days; `TUNED`'s by default.

    Raises:
        ValueError: the kind is unknown, or the dates differ.
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; use one of {', '.join(KINDS)}")
    if not all(each.dates.equals(markets[0].dates) for each in markets):
        raise ValueError("the markets must lie on the same dates")
    count = len(markets[0].dates)
    pooled = np.concatenate([train + k * count for k in range(len(markets))])
    targets = np.concatenate([each.target for each in markets])
    columns = np.concatenate(
        [_columns(each, HAR_OR_ALL[kind]) for each in markets]
    )
    design = np.column_stack([np.ones(len(columns)), columns])
    base, *_ = np.linalg.lstsq(
        design[pooled], np.log(targets[pooled]), rcond=None
    )
    features = tuple(markets[0].features.columns)
    settings = TUNED.get(kind, TUNED["MLP"])
    read = np.concatenate([_read(each, features, settings) for each in markets])
    mean, deviation = read[pooled].mean(axis=0), read[pooled].std(axis=0)
    # A feature that never varies (no volume at all) carries nothing, and must
    # not divide by 0.
    deviation = np.where(deviation > 0, deviation, 1.0)
    log = design @ base
    networks: list[dict[str, Any]] = []
    if kind in TUNED:
        # The networks start from HAR as it would stand alone: right on average.
        level = np.log(np.mean(targets[pooled] / np.exp(log[pooled])))
        base[0] += level
        log = log + level
        scaled = (read - mean) / deviation
        settings = settings | {"epochs": epochs or settings["epochs"]}
        trained = [
            _train(settings, scaled, log, np.log(targets), pooled, seed)
            for seed in range(seeds)
        ]
        networks = [dict(each.state_dict()) for each in trained]
        # Each market is read from its own beginning.
        starts = np.split(scaled, len(markets))
        log = log + np.mean(
            [
                np.concatenate([answers(each, part) for part in starts])
                for each in trained
            ],
            axis=0,
        )
    forecasters = []
    for data, own in zip(markets, np.split(log, len(markets)), strict=True):
        target = data.target[train]
        forecasters.append(
            Forecaster(
                kind,
                data.horizon,
                features,
                base,
                mean,
                deviation,
                tuple(networks),
                float(np.mean(target / np.exp(own[train]))),
                float(target.min()),
                float(target.max()),
                # The last target in training was complete at this close.
                f"{data.dates[train[-1] + data.horizon]:%Y-%m-%d}",
            )
        )
    return forecasters


def interval(
    log_errors: Float[np.ndarray, " time"], horizon: int
) -> tuple[Float[np.ndarray, " time"], Float[np.ndarray, " time"]]:
    """Bound the log error at each origin by errors that do not overlap.

    Errors of forecasts h days ahead that are made on neighbouring days share
    h − 1 days, so that a year of them holds a h-th of a year's worth. Of the
    past errors only every h-th is taken, and at least 19, about a year's where
    that is more. The bounds are `conformal_interval`'s, widened to hold the
    forecast itself.
    """
    count = errors_needed(horizon)
    lower = np.full(len(log_errors), np.nan)
    upper = np.full(len(log_errors), np.nan)
    for phase in range(horizon):
        every = slice(phase, None, horizon)
        lower[every], upper[every] = conformal_interval(
            log_errors[every], COVERAGE, window=count
        )
    return np.minimum(lower, 0), np.maximum(upper, 0)


def errors_needed(horizon: int) -> int:
    """Return the number of past errors, each h days from the next, that an
    interval comes from."""
    return LEAST_ERRORS * max(1, round(YEAR / (LEAST_ERRORS * horizon))) - 1


def return_ratio(data: VolatilityData) -> Float[np.ndarray, " time"]:
    """Return, at each origin, mean squared return over mean range variance of
    the last 504 days.

    A day's range, from open to close, leaves the night out: the ratio scales
    its variance to that of close-to-close returns. NaN before 252 days.
    """
    squared, ranges = (
        pd.Series(each).rolling(RATIO_DAYS, min_periods=FEWEST_RATIO_DAYS)
        for each in (data.returns**2, data.variance)
    )
    return (squared.mean() / ranges.mean()).to_numpy()


def save_forecaster(
    folder: str | Path,
    forecaster: Forecaster,
    errors: Float[np.ndarray, " time"],
    dates: pd.DatetimeIndex,
) -> None:
    """Write a forecaster, and the last errors from which its interval comes,
    as safetensors and JSON."""
    import torch

    from utils.training.checkpoints import save_checkpoint

    needed = errors_needed(forecaster.horizon) * forecaster.horizon
    state = vars(forecaster) | {
        name: torch.from_numpy(np.array(getattr(forecaster, name)))
        for name in ("base", "mean", "deviation")
    }
    save_checkpoint(
        folder,
        {
            "forecaster": state,
            "errors": torch.from_numpy(errors[-needed:].copy()),
            "dates": [f"{date:%Y-%m-%d}" for date in dates[-needed:]],
        },
    )


def load_forecaster(folder: str | Path) -> tuple[Forecaster, pd.Series]:
    """Read back a forecaster, and its errors by the day of their forecast.

    Raises:
        ForecasterError: the folder holds none.
        CheckpointError: a file in it is damaged.
    """
    from utils.training.checkpoints import load_checkpoint

    state = load_checkpoint(folder)
    if state is None:
        raise ForecasterError(
            f"{folder} holds no forecaster; make one with --save {folder}"
        )
    if "forecaster" not in state:
        raise ForecasterError(
            f"{folder} holds a checkpoint of something else; give a folder "
            "that was given to --save"
        )
    fields = state["forecaster"]
    if fields["kind"] not in KINDS:
        raise ForecasterError(
            f"{folder} holds a forecaster of the kind {fields['kind']}, and "
            f"there are {', '.join(KINDS)}; fit one again with --save"
        )
    for name in ("base", "mean", "deviation"):
        fields[name] = fields[name].numpy()
    errors = pd.Series(
        state["errors"].numpy(), index=pd.DatetimeIndex(state["dates"])
    )
    return Forecaster(**fields), errors


def _columns(
    data: VolatilityData, names: tuple[str, ...] | None
) -> Float[np.ndarray, "time feature"]:
    chosen = data.features if names is None else data.features[list(names)]
    return chosen.to_numpy()


def _read(
    data: VolatilityData, features: tuple[str, ...], settings: Settings
) -> Float[np.ndarray, "time feature"]:
    """Return what a network reads at each origin."""
    return last_days(_columns(data, features), settings["days"])


def _restore(kind: str, inputs: int, state: dict[str, Any]) -> "nn.Module":
    model = network(TUNED[kind]["cell"], inputs, HIDDEN)
    model.load_state_dict(state)
    return model


def _train(
    settings: Settings,
    scaled: Float[np.ndarray, "time feature"],
    log: Float[np.ndarray, " time"],
    log_target: Float[np.ndarray, " time"],
    train: Int[np.ndarray, " train"],
    seed: int,
) -> "nn.Module":
    """Train a network on what the linear part leaves, by squared error."""
    import torch
    from torch.nn.functional import mse_loss

    x, start, y = (
        torch.from_numpy(np.float32(each)) for each in (scaled, log, log_target)
    )
    torch.manual_seed(seed)
    model = network(settings["cell"], scaled.shape[1], HIDDEN)
    train_on_chunks(
        model,
        x,
        start,
        y,
        train,
        mse_loss,
        settings["epochs"],
        settings["learning_rate"],
    )
    return model
