"""Diagonal linear units with constant transitions: LRU and S4D.

What does not change with time is a convolution: trained by FFT, run as a loop.
Chapter 12.
"""

import numpy as np
from jaxtyping import Complex, Float

from utils.scratch.scan import convolve


def lru(
    x: Float[np.ndarray, "batch time input"],
    log_rate: Float[np.ndarray, " hidden"],
    log_phase: Float[np.ndarray, " hidden"],
    B: Complex[np.ndarray, "input hidden"],
    C: Complex[np.ndarray, "hidden output"],
) -> Float[np.ndarray, "batch time output"]:
    """Return y_t = Re(h_t C) with h_t = lambda h_{t-1} + gamma x_t B: the LRU.

    lambda = exp(-exp(log_rate) + i exp(log_phase)) lies inside the unit circle
    whatever the parameters are; gamma = sqrt(1 - |lambda|^2) keeps the state as
    large as its input. The paper adds D x_t, a skip. Source: [Orvieto et al.
    (2023)](https://arxiv.org/abs/2303.06349), section 3.
    """
    eigenvalues = np.exp(-np.exp(log_rate) + 1j * np.exp(log_phase))
    gamma = np.sqrt(1 - np.abs(eigenvalues) ** 2)
    return (convolve(eigenvalues, gamma * (x @ B)) @ C).real


def s4d_kernel(
    log_delta: Float[np.ndarray, " channels"],
    A: Complex[np.ndarray, "channels state"],
    C: Complex[np.ndarray, "channels state"],
    time: int,
) -> Float[np.ndarray, "time channels"]:
    """Return K_k = 2 Re sum_n C_n (e^(delta A_n) - 1) / A_n e^(k delta A_n).

    It is h' = A h + x, y = 2 Re(C h), held constant over steps of length delta
    (zero-order hold), with B = 1. Source: [Gu et al.
    (2022)](https://arxiv.org/abs/2206.11893), section 3.
    """
    steps = np.exp(log_delta)[:, None] * A
    powers = np.exp(np.arange(time)[:, None, None] * steps)
    return 2 * (C * np.expm1(steps) / A * powers).sum(axis=-1).real


def s4d(
    x: Float[np.ndarray, "batch time channels"],
    log_delta: Float[np.ndarray, " channels"],
    A: Complex[np.ndarray, "channels state"],
    C: Complex[np.ndarray, "channels state"],
) -> Float[np.ndarray, "batch time channels"]:
    """Return each channel's causal convolution with its kernel, by FFT."""
    time = x.shape[1]
    kernel = np.fft.rfft(s4d_kernel(log_delta, A, C, time), 2 * time, axis=0)
    return np.fft.irfft(kernel * np.fft.rfft(x, 2 * time, axis=1), axis=1)[
        :, :time
    ]
