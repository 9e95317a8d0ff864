"""Linear recurrences without a loop over time: scan, its gradient, FFT.

h_t = a_t * h_{t-1} + b_t needs h_{t-1} first. Two steps in a row are one step
of the same kind, though, with a = a_2 a_1 and b = a_2 b_1 + b_2, and joining
steps is associative: they may be joined in any grouping, neighbours first.
Chapter 12; the PyTorch and Keras versions are in `utils.recurrences`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Inexact

Array = Inexact[np.ndarray, "..."]


class Arithmetic(NamedTuple):
    """What a step h -> a h + b means by its two products and its sum.

    `after(first, second)` is the transition of two steps in a row, `move(h, a)`
    applies a transition to a state, `add` adds what is new.
    """

    after: Callable[[Array, Array], Array]
    move: Callable[[Array, Array], Array]
    add: Callable[[Array, Array], Array]


ELEMENTWISE = Arithmetic(np.multiply, np.multiply, np.add)
LOGARITHMS = Arithmetic(np.add, np.add, np.logaddexp)
MATRICES = Arithmetic(
    np.matmul, lambda h, a: (h[..., None, :] @ a)[..., 0, :], np.add
)


def linear_scan(
    a: Inexact[np.ndarray, "batch time *features"],
    b: Inexact[np.ndarray, "batch time *features"],
    h0: Inexact[np.ndarray, "batch *features"] | None = None,
) -> Inexact[np.ndarray, "batch time *features"]:
    """Return h_t = a_t * h_{t-1} + b_t for every step t, from h_0 = `h0` or 0.

    About 2 log2(time) levels and two and a half times the loop's arithmetic,
    real or complex. Source: [Martin and Cundy (2018)](https://arxiv.org/abs/1709.04057),
    with the scan of [Blelloch (1990)](https://www.cs.cmu.edu/~guyb/papers/Ble93.pdf).

    Raises:
        ValueError: a, b and h0 do not fit each other.
    """
    _check(a, b, h0, b.shape)
    return _scan(a, _with_initial(a, b, h0, ELEMENTWISE), ELEMENTWISE)


def linear_scan_backward(
    a: Inexact[np.ndarray, "batch time *features"],
    h: Inexact[np.ndarray, "batch time *features"],
    d_outputs: Inexact[np.ndarray, "batch time *features"],
    h0: Inexact[np.ndarray, "batch *features"] | None = None,
) -> tuple[Array, Array, Array]:
    """Turn the gradients of all h_t into those of a, b and h0, by a scan.

    dL/dh_t = d_outputs_t + a_{t+1} dL/dh_{t+1}, which is also dL/db_t;
    dL/da_t = dL/dh_t * h_{t-1}. `h` is what `linear_scan(a, b, h0)` returned.
    Complex gradients are dL/dRe + i dL/dIm, as in PyTorch: hence `conj`.

    Raises:
        ValueError: a, h, d_outputs and h0 do not fit each other.
    """
    _check(a, d_outputs, h0, h.shape)
    later = np.zeros_like(a)
    later[:, :-1] = a[:, 1:]
    d_h = linear_scan(later[:, ::-1].conj(), d_outputs[:, ::-1])[:, ::-1]
    before = np.zeros_like(h)
    before[:, 1:] = h[:, :-1]
    if h0 is not None:
        before[:, 0] = h0
    return d_h * before.conj(), d_h, d_h[:, 0] * a[:, 0].conj()


def log_linear_scan(
    log_a: Float[np.ndarray, "batch time *features"],
    log_b: Float[np.ndarray, "batch time *features"],
    log_h0: Float[np.ndarray, "batch *features"] | None = None,
) -> Float[np.ndarray, "batch time *features"]:
    """Return log h_t of h_t = a_t * h_{t-1} + b_t with a, b and h0 positive.

    The same tree with + for every product and log(e^x + e^y) for every sum, so
    that nothing leaves the range of floating point. Logarithms are the idea of
    [Heinsen (2023)](https://arxiv.org/abs/2311.06281), who takes cumulative
    sums of them instead.

    Raises:
        ValueError: log_a, log_b and log_h0 do not fit each other.
    """
    _check(log_a, log_b, log_h0, log_b.shape)
    return _scan(
        log_a, _with_initial(log_a, log_b, log_h0, LOGARITHMS), LOGARITHMS
    )


def matrix_scan(
    A: Inexact[np.ndarray, "batch time hidden hidden"],
    b: Inexact[np.ndarray, "batch time hidden"],
    h0: Inexact[np.ndarray, "batch hidden"] | None = None,
) -> Inexact[np.ndarray, "batch time hidden"]:
    """Return h_t = h_{t-1} A_t + b_t for every step t: dense transitions.

    Joining two steps costs a product of matrices, hidden^3, where the loop
    needs hidden^2: parallel, and expensive.

    Raises:
        ValueError: A, b and h0 do not fit each other.
    """
    _check(A, b, h0, (*b.shape, b.shape[-1]))
    return _scan(A, _with_initial(A, b, h0, MATRICES), MATRICES)


def convolve(
    a: Inexact[np.ndarray, " hidden"],
    b: Inexact[np.ndarray, "batch time hidden"],
) -> Inexact[np.ndarray, "batch time hidden"]:
    """Return h_t = a * h_{t-1} + b_t with a constant `a`, from h_0 = 0, by FFT.

    Unrolled, h_t = sum_k a^k b_{t-k}: a causal convolution with the kernel
    1, a, a^2, ... Zeros as long as b keep the circular one of the FFT causal.

    Raises:
        ValueError: a is not one number for each feature of b.
    """
    if a.shape != b.shape[2:]:
        raise ValueError(
            f"a has shape {a.shape}; b of shape {b.shape} needs {b.shape[2:]}: "
            "one constant for each feature"
        )
    time = b.shape[1]
    kernel = a ** np.arange(time)[:, None]
    size = 2 * time
    if np.iscomplexobj(kernel) or np.iscomplexobj(b):
        spectrum = np.fft.fft(kernel, size, axis=0) * np.fft.fft(
            b, size, axis=1
        )
        return np.fft.ifft(spectrum, size, axis=1)[:, :time]
    spectrum = np.fft.rfft(kernel, size, axis=0) * np.fft.rfft(b, size, axis=1)
    return np.fft.irfft(spectrum, size, axis=1)[:, :time]


def _scan(a: Array, b: Array, arithmetic: Arithmetic) -> Array:
    """Join neighbours, scan the half as many pairs, fill in the steps between.

    Pair k covers the steps 2k and 2k + 1, so its state is the one at 2k + 1.
    """
    after, move, add = arithmetic
    time = b.shape[1]
    if time < 2:
        return b.copy()
    pairs = time // 2
    even, odd = np.s_[:, : 2 * pairs : 2], np.s_[:, 1::2]
    at_odd = _scan(
        after(a[even], a[odd]), add(move(b[even], a[odd]), b[odd]), arithmetic
    )
    h = np.empty_like(b)
    h[:, 0] = b[:, 0]
    h[odd] = at_odd
    h[:, 2::2] = add(move(at_odd[:, : (time - 1) // 2], a[:, 2::2]), b[:, 2::2])
    return h


def _with_initial(
    a: Array, b: Array, h0: Array | None, arithmetic: Arithmetic
) -> Array:
    """Let the first step take h0 in; the scan may then start from nothing."""
    if h0 is None or not b.shape[1]:
        return b
    first = arithmetic.add(arithmetic.move(h0, a[:, 0]), b[:, 0])
    return np.concatenate([first[:, None], b[:, 1:]], axis=1)


def _check(
    a: Array, b: Array, h0: Array | None, needed: tuple[Any, ...]
) -> None:
    if a.shape != needed:
        raise ValueError(
            f"a has shape {a.shape} and b {b.shape}; a needs {needed}: "
            "np.broadcast_to expands a constant"
        )
    if h0 is not None and h0.shape != (b.shape[0], *b.shape[2:]):
        raise ValueError(
            f"h0 has shape {h0.shape}; b of shape {b.shape} needs "
            f"{(b.shape[0], *b.shape[2:])}"
        )
