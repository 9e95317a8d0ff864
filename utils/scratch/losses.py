"""Losses that return their gradient beside their value."""

import numpy as np
from jaxtyping import Bool, Float, Integer
from scipy.special import logsumexp


def log_softmax(
    logits: Float[np.ndarray, "*rows classes"],
) -> Float[np.ndarray, "*rows classes"]:
    """Return log(softmax(z)) = z - log(sum(exp(z))), finite where softmax
    would round to zero."""
    return logits - logsumexp(logits, axis=-1, keepdims=True)


def softmax_cross_entropy(
    logits: Float[np.ndarray, "*rows classes"],
    targets: Integer[np.ndarray, "*rows"],
    mask: Bool[np.ndarray, "*rows"] | None = None,
) -> tuple[float, Float[np.ndarray, "*rows classes"]]:
    """Return the mean of -log softmax(logits)[target] in nats, and its
    gradient.

    The gradient of one row's loss is softmax(z) - onehot(target). Rows where
    `mask` is False (padding) count neither in the mean nor in the gradient.
    Derived in chapter 01.

    Raises:
        ValueError: a shape does not fit, a counted target is no class, or no
            row counts.
    """
    classes = logits.shape[-1]
    counted = np.ones(targets.shape, bool) if mask is None else mask
    if targets.shape != logits.shape[:-1] or counted.shape != targets.shape:
        raise ValueError(
            f"logits have shape {logits.shape}, targets {targets.shape} and "
            f"mask {counted.shape}; "
            f"targets and mask need {logits.shape[:-1]}"
        )
    if not counted.any():
        raise ValueError(
            "no row counts: the mask is False everywhere, or there are no "
            "targets"
        )
    chosen = targets[counted]
    if chosen.min() < 0 or chosen.max() >= classes:
        raise ValueError(
            f"targets run from {chosen.min()} to {chosen.max()}; classes are "
            f"0 to {classes - 1}"
        )
    log_probabilities = log_softmax(logits[counted])
    picked = np.arange(len(chosen)), chosen
    loss = -log_probabilities[picked].mean()
    gradient = np.exp(log_probabilities)
    gradient[picked] -= 1
    d_logits = np.zeros_like(logits)
    d_logits[counted] = gradient / len(chosen)
    return float(loss), d_logits


def mean_squared_error(
    predictions: Float[np.ndarray, "*shape"],
    targets: Float[np.ndarray, "*shape"],
) -> tuple[float, Float[np.ndarray, "*shape"]]:
    """Return the mean of (prediction - target)^2 over all elements, and its
    gradient.

    Raises:
        ValueError: the shapes differ (broadcasting them would average the wrong
            pairs).
    """
    if predictions.shape != targets.shape:
        raise ValueError(
            f"predictions have shape {predictions.shape} and targets "
            f"{targets.shape}; "
            "they must be equal"
        )
    error = predictions - targets
    return float(np.mean(error**2)), 2 * error / error.size
