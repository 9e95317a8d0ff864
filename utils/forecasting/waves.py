"""Forecasts of waves whose periods are unknown, without a network.

Three ways to forecast the next value of a row: one set of coefficients for all
rows, coefficients that are fitted to the row as it goes on, and sinusoids
fitted to the row. Chapter 04 puts them beside recurrent networks.
"""

import numpy as np
from jaxtyping import Float


def windows(
    rows: Float[np.ndarray, "rows time"], order: int
) -> tuple[
    Float[np.ndarray, "rows windows order"], Float[np.ndarray, "rows windows"]
]:
    """Return every `order` values in succession, and the value that follows."""
    view = np.lib.stride_tricks.sliding_window_view(rows, order + 1, axis=1)
    return view[..., :-1], view[..., -1]


def shared_coefficients(
    rows: Float[np.ndarray, "rows time"], order: int
) -> Float[np.ndarray, " order"]:
    """Fit one autoregression of that order to all rows, by least squares."""
    past, following = windows(rows, order)
    return np.linalg.lstsq(
        past.reshape(-1, order), following.ravel(), rcond=None
    )[0]


def adaptive_errors(
    rows: Float[np.ndarray, "rows time"],
    start: Float[np.ndarray, " order"],
    ridge: float,
    first: int,
) -> Float[np.ndarray, "rows scored"]:
    """Return what comes minus what is forecast, from step `first` on, with
    coefficients fitted to each row's own past.

    Before step t they minimise the squared error over the row so far plus
    `ridge` times their squared distance from `start`: recursive least squares,
    with the solution written out at each step.

    Raises:
        ValueError: `first` lies before there is a window.
    """
    order = len(start)
    if first < order:
        raise ValueError(f"first is {first}; the first window ends at {order}")
    past, following = windows(rows, order)
    gram = np.tile(ridge * np.eye(order), (len(rows), 1, 1))
    moment = np.zeros((len(rows), order, 1))
    errors = []
    for t in range(past.shape[1]):
        x = past[:, t, :, None]
        left = following[:, t] - past[:, t] @ start
        if order + t >= first:
            own = np.linalg.solve(gram, moment)
            errors.append(left - (x * own).sum(axis=(1, 2)))
        gram += x * x.swapaxes(1, 2)
        moment += x * left[:, None, None]
    return np.stack(errors, axis=1)


def sinusoid_forecast(
    past: Float[np.ndarray, "rows time"],
    frequencies: Float[np.ndarray, " frequencies"],
    noise: float,
) -> Float[np.ndarray, " rows"]:
    """Forecast the next value of rows that are two sinusoids of unknown period
    in noise.

    For each pair of frequencies (in cycles a step) the amplitudes, with prior
    N(0, 1/2), have a posterior mean in closed form; the forecasts of all pairs
    are averaged with their marginal likelihoods as weights.
    """
    first, second = np.triu_indices(len(frequencies))
    angle = np.arange(past.shape[1] + 1)[:, None] * 2 * np.pi * frequencies
    basis = np.stack([np.sin(angle), np.cos(angle)], axis=2)
    pairs = np.concatenate([basis[:, first], basis[:, second]], axis=2)
    seen, ahead = pairs[:-1].swapaxes(0, 1), pairs[-1]
    gram = seen.swapaxes(1, 2) @ seen + 2 * noise**2 * np.eye(4)
    moment = seen.swapaxes(1, 2) @ past.T
    amplitudes = np.linalg.solve(gram, moment)
    evidence = (moment * amplitudes).sum(axis=1) / (2 * noise**2)
    evidence -= np.linalg.slogdet(gram)[1][:, None] / 2
    weights = np.exp(evidence - evidence.max(axis=0))
    forecasts = np.einsum("pk,pkr->pr", ahead, amplitudes)
    return (weights * forecasts).sum(axis=0) / weights.sum(axis=0)
