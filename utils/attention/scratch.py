"""Self-attention with several heads in NumPy, forward and backward. Chapter
09."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float


class Gradients(NamedTuple):
    """Derivatives of a loss by a layer's inputs and parameters."""

    x: Float[np.ndarray, "batch time size"]
    params: dict[str, np.ndarray]


class MultiHeadSelfAttention:
    r"""A sequence asks itself: several heads side by side, then one product.

    $Q = X W_q$, $K = X W_k$, $V = X W_v$, each cut into `heads` parts of size
    $d$; a head returns $\mathrm{softmax}(Q K^\top / \sqrt{d})\, V$; the heads
    side by side times $W_o$ are the outputs. Vaswani et al. (2017), section
    3.2.2, without biases. `params` holds `query`, `key`, `value` and `output`,
    each (size, size).

    Raises:
        ValueError: the heads do not divide the size.
    """

    def __init__(
        self, size: int, heads: int, rng: int | np.random.Generator = 0
    ):
        if size % heads:
            raise ValueError(f"{heads} heads do not divide {size} features")
        self.heads = heads
        generator = np.random.default_rng(rng)
        self.params = {
            name: generator.normal(0, size**-0.5, (size, size))
            for name in ("query", "key", "value", "output")
        }

    def forward(
        self,
        x: Float[np.ndarray, "batch time size"],
        mask: Bool[np.ndarray, "#batch #time time"] | None = None,
    ) -> tuple[
        Float[np.ndarray, "batch time size"],
        Float[np.ndarray, "batch heads time time"],
    ]:
        """Return outputs and weights; `mask` is True where step i may see step
        j. Keeps what `backward` needs.

        Raises:
            ValueError: a step that may see none, so that its weights cannot sum
                to one.
        """
        query, key, value = (
            self._cut(x @ self.params[name])
            for name in ("query", "key", "value")
        )
        scores = query @ key.swapaxes(2, 3) / np.sqrt(query.shape[3])
        if mask is not None:
            if not mask.any(axis=2).all():
                raise ValueError("the mask leaves a step nothing to look at")
            scores = np.where(mask[:, None], scores, -np.inf)
        weights = np.exp(scores - scores.max(axis=3, keepdims=True))
        weights /= weights.sum(axis=3, keepdims=True)
        mixed = self._join(weights @ value)
        self._saved = x, query, key, value, weights, mixed
        return mixed @ self.params["output"], weights

    def backward(
        self, d_outputs: Float[np.ndarray, "batch time size"]
    ) -> Gradients:
        """Return the gradients for the last `forward`.

        The input receives three parts: as query, as key and as value.
        """
        x, query, key, value, weights, mixed = self._saved
        d_mixed = self._cut(d_outputs @ self.params["output"].T)
        d_weights = d_mixed @ value.swapaxes(2, 3)
        inner = (weights * d_weights).sum(axis=3, keepdims=True)
        d_scores = weights * (d_weights - inner) / np.sqrt(query.shape[3])
        parts = {
            "query": self._join(d_scores @ key),
            "key": self._join(d_scores.swapaxes(2, 3) @ query),
            "value": self._join(weights.swapaxes(2, 3) @ d_mixed),
        }
        params = {
            name: np.einsum("bti,btj->ij", x, part)
            for name, part in parts.items()
        }
        params["output"] = np.einsum("bti,btj->ij", mixed, d_outputs)
        d_x = sum(part @ self.params[name].T for name, part in parts.items())
        return Gradients(np.asarray(d_x), params)

    def _cut(
        self, x: Float[np.ndarray, "batch time size"]
    ) -> Float[np.ndarray, "batch heads time part"]:
        """Give each head its part of the features."""
        batch, time, _ = x.shape
        return x.reshape(batch, time, self.heads, -1).swapaxes(1, 2)

    def _join(
        self, x: Float[np.ndarray, "batch heads time part"]
    ) -> Float[np.ndarray, "batch time size"]:
        """Put the heads' parts side by side."""
        batch, _, time, _ = x.shape
        return x.swapaxes(1, 2).reshape(batch, time, -1)


def positions(time: int, size: int) -> Float[np.ndarray, "time size"]:
    r"""Return a code for each place: $\sin(t / 10000^{2k/d})$ and the cosine,
    $k = 0, \dots, d/2 - 1$.

    Vaswani et al. (2017), section 3.5.
    """
    rates = 10_000.0 ** (-np.arange(0, size, 2) / size)
    angles = np.arange(time)[:, None] * rates
    return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(time, -1)[
        :, :size
    ]
