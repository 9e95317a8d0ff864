"""States that are matrices: linear attention and the delta rule.

The state S (key, value) is written by outer products and read by queries,
o_t = q_t S_t. Vectors are rows. Chapter 12.
"""

import numpy as np
from jaxtyping import Float

Keys = Float[np.ndarray, "batch time key"]
Values = Float[np.ndarray, "batch time value"]
Steps = Float[np.ndarray, "batch time"]


def linear_attention(
    q: Keys, k: Keys, v: Values, decay: Steps | None = None
) -> Values:
    """Return o_t = q_t S_t, S_t = decay_t S_{t-1} + k_t^T v_t, all t at once.

    o_t = sum_{s <= t} decay_{s+1} ... decay_t (q_t k_s^T) v_s: causal attention
    without its softmax. Without `decay` it is [Katharopoulos et al.
    (2020)](https://arxiv.org/abs/2006.16236), less their normalisation; with a
    constant one the retention of [Sun et al.
    (2023)](https://arxiv.org/abs/2307.08621), and with one read from the input
    the state space of Mamba-2, [Dao and Gu
    (2024)](https://arxiv.org/abs/2405.21060).
    """
    return (_decays(decay, v) * (q @ k.swapaxes(1, 2))) @ v


def delta_rule(
    q: Keys, k: Keys, v: Values, beta: Steps, decay: Steps | None = None
) -> Values:
    """Return o_t = q_t S_t, where a step corrects what S says of its key.

    S_t = S' + beta_t k_t^T (v_t - k_t S') with S' = decay_t S_{t-1}: a step of
    gradient descent, of size beta_t, on |k_t S - v_t|^2 / 2. All t at once: the
    written rows u_t depend on each other,

        u_t = beta_t (v_t - sum_{s<t} decay_{s+1} ... decay_t (k_t k_s^T) u_s),

    which is a triangular system. Source: [Yang et al.
    (2024)](https://arxiv.org/abs/2406.06484), who solve it chunk by chunk; with
    `decay` it is their [gated delta rule](https://arxiv.org/abs/2412.06464).
    """
    decays = _decays(decay, v)
    overlaps = np.tril(decays * (k @ k.swapaxes(1, 2)), -1)
    system = np.eye(k.shape[1]) + beta[..., None] * overlaps
    written = np.linalg.solve(system, beta[..., None] * v)
    return (decays * (q @ k.swapaxes(1, 2))) @ written


def _decays(
    decay: Steps | None, v: Values
) -> Float[np.ndarray, "batch time time"]:
    """Return decay_{s+1} ... decay_t at (t, s), and 0 where s > t."""
    batch, time, _ = v.shape
    if decay is None:
        return np.broadcast_to(np.tri(time), (batch, time, time))
    log = np.cumsum(np.log(decay), axis=1)
    return np.tril(np.exp(np.minimum(log[:, :, None] - log[:, None, :], 0)))
