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
    """Return o_t = q_t S_t with S_t = decay_t S_{t-1} + k_t^T v_t, all steps at once.

    o_t = sum_{s <= t} (decay_{s+1} ... decay_t) (q_t k_s^T) v_s: attention without
    its softmax. Without `decay` it is linear attention ([Katharopoulos et al.
    (2020)](https://arxiv.org/abs/2006.16236)), with a constant one RetNet's
    retention ([Sun et al. (2023)](https://arxiv.org/abs/2307.08621)), with one read
    from the input the scalar form of Mamba-2 ([Dao and Gu
    (2024)](https://arxiv.org/abs/2405.21060)).
    """
    return (_decays(decay, v) * (q @ k.swapaxes(1, 2))) @ v


def delta_rule(
    q: Keys, k: Keys, v: Values, beta: Steps, decay: Steps | None = None
) -> Values:
    """Return o_t = q_t S_t where each step corrects what the state says of its key.

    S_t = S'_t + beta_t k_t^T (v_t - k_t S'_t) with S'_t = decay_t S_{t-1}: a step of
    gradient descent on |k_t S - v_t|^2 / 2, of size beta_t. All steps at once: the
    written corrections u_t depend on each other, u_t = beta_t (v_t - sum_{s<t}
    (decays) (k_t k_s^T) u_s), which is a triangular system. Source: [Yang et al.
    (2024)](https://arxiv.org/abs/2406.06484), who solve it for chunks; `decay` makes
    it the [gated delta rule](https://arxiv.org/abs/2412.06464).
    """
    decays = _decays(decay, v)
    overlaps = beta[..., None] * np.tril(decays * (k @ k.swapaxes(1, 2)), -1)
    system = np.eye(k.shape[1]) + overlaps
    written = np.linalg.solve(system, beta[..., None] * v)
    return (decays * (q @ k.swapaxes(1, 2))) @ written


def _decays(
    decay: Steps | None, v: Values
) -> Float[np.ndarray, "batch time time"]:
    """Return decay_{s+1} ... decay_t at (t, s), and 0 where s > t: the causal mask."""
    batch, time, _ = v.shape
    if decay is None:
        return np.broadcast_to(np.tri(time), (batch, time, time))
    log = np.cumsum(np.log(decay), axis=1)
    return np.tril(np.exp(np.minimum(log[:, :, None] - log[:, None, :], 0)))
