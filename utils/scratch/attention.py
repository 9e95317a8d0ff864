"""Attention in NumPy: one query looks at every position of a sequence, forward
and backward.

Chapter 9 derives everything here.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from utils.scratch.base import uniform


class AttentionGradients(NamedTuple):
    """Derivatives of a loss by an attention layer's inputs and parameters.

    `query` and `keys` have the shapes of the forward inputs; `params` has the
    keys and shapes of the layer's own `params`.
    """

    query: Float[np.ndarray, "batch query"]
    keys: Float[np.ndarray, "batch time key"]
    params: dict[str, np.ndarray]


def masked_softmax(
    scores: Float[np.ndarray, "batch time"],
    mask: Bool[np.ndarray, "batch time"] | None = None,
) -> Float[np.ndarray, "batch time"]:
    r"""Turn scores into weights that sum to one over the valid positions of
    each row.

    $\alpha_j = e^{s_j} / \sum_{k\,\mathrm{valid}} e^{s_k}$, and exactly zero
    where `mask` is False. Subtracting the largest valid score first changes
    nothing but prevents overflow.

    Raises:
        ValueError: `mask` has another shape than `scores`, or leaves a row no
            valid position.
    """
    if mask is None:
        mask = np.ones(scores.shape, dtype=bool)
    if mask.shape != scores.shape:
        raise ValueError(
            f"mask has shape {mask.shape}; the scores need {scores.shape}"
        )
    empty = np.flatnonzero(~mask.any(axis=1))
    if empty.size:
        raise ValueError(
            f"mask leaves row {empty[0]} no valid position, so its weights "
            "cannot sum to one; "
            "drop empty sequences before attending to them"
        )
    scores = np.where(mask, scores, -np.inf)
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def softmax_backward(
    d_weights: Float[np.ndarray, "batch time"],
    weights: Float[np.ndarray, "batch time"],
) -> Float[np.ndarray, "batch time"]:
    r"""Carry a gradient from the weights back to the scores.

    $\partial L / \partial s_j = \alpha_j \, (g_j - \sum_k \alpha_k g_k)$ with
    $g = \partial L / \partial \alpha$; zero wherever the weight is zero, so
    masked positions receive nothing.
    """
    return weights * (
        d_weights - (weights * d_weights).sum(axis=1, keepdims=True)
    )


class AdditiveAttention:
    r"""Bahdanau's attention: a small network scores every position against the
    query.

    $e_j = \tanh(q W_q + h_j W_k)\, v^\top$,
    $\alpha = \mathrm{softmax}(e)$ over the valid positions,
    $c = \sum_j \alpha_j h_j$: Bahdanau, Cho and Bengio (2015), equations 5, 6
    and appendix A.1.2, where $q$ is the decoder's last state and $h_j$ the
    encoder's state at position $j$. Every position is attended to, however far
    away: the attention is global.

    `params` holds `query` $W_q$ (query_size, units), `key` $W_k$ (key_size,
    units) and `score` $v$ (units,), drawn uniformly from
    $\pm 1/\sqrt{\mathrm{fan\ in}}$. Derived in chapter 9.
    """

    def __init__(
        self,
        query_size: int,
        key_size: int,
        units: int,
        rng: int | np.random.Generator = 0,
        dtype: type = np.float64,
    ):
        generator = np.random.default_rng(rng)
        shapes = {
            "query": (query_size, units),
            "key": (key_size, units),
            "score": (units,),
        }
        self.params: dict[str, np.ndarray] = {
            name: uniform(generator, shape, shape[0] ** -0.5, dtype)
            for name, shape in shapes.items()
        }

    def forward(
        self,
        query: Float[np.ndarray, "batch query"],
        keys: Float[np.ndarray, "batch time key"],
        mask: Bool[np.ndarray, "batch time"] | None = None,
    ) -> tuple[Float[np.ndarray, "batch key"], Float[np.ndarray, "batch time"]]:
        """Return the context and the weights that mixed it.

        `mask` is True where a position is valid. Keeps what `backward` needs.

        Raises:
            ValueError: query or keys have another size than the parameters, or
                `mask` does not fit or leaves a row no valid position.
        """
        for name, given in (("query", query), ("key", keys)):
            size = self.params[name].shape[0]
            if given.shape[-1] != size:
                raise ValueError(
                    f"{name} has shape {given.shape}; its last axis must be "
                    f"{size}"
                )
        projected_query = query @ self.params["query"]
        hidden = np.tanh(
            projected_query[:, None, :] + keys @ self.params["key"]
        )
        weights = masked_softmax(hidden @ self.params["score"], mask)
        context = np.einsum("bt,btk->bk", weights, keys)
        self._saved = query, keys, hidden, weights
        return context, weights

    def backward(
        self, d_context: Float[np.ndarray, "batch key"]
    ) -> AttentionGradients:
        """Return the gradients by query, keys and parameters for the last
        `forward`.

        The keys receive two parts: as what is mixed, and as what is scored.
        """
        query, keys, hidden, weights = self._saved
        d_scores = softmax_backward(
            np.einsum("bk,btk->bt", d_context, keys), weights
        )
        d_hidden = d_scores[:, :, None] * self.params["score"] * (1 - hidden**2)
        d_projected_query = d_hidden.sum(axis=1)
        mixed = weights[:, :, None] * d_context[:, None, :]
        scored = d_hidden @ self.params["key"].T
        params = {
            "query": query.T @ d_projected_query,
            "key": np.einsum("btk,btu->ku", keys, d_hidden),
            "score": np.einsum("bt,btu->u", d_scores, hidden),
        }
        return AttentionGradients(
            d_projected_query @ self.params["query"].T, mixed + scored, params
        )


class DotProductAttention:
    r"""The transformer's score: the product of query and key, scaled by the
    key's size.

    $e_j = q^\top h_j / \sqrt{d}$ with $d$ the size of query and key alike; the
    rest is as in `AdditiveAttention`. Vaswani et al. (2017), equation 1, for
    one query per row and with the keys as values. It has no parameters. Derived
    in chapter 9.
    """

    def __init__(self) -> None:
        self.params: dict[str, np.ndarray] = {}

    def forward(
        self,
        query: Float[np.ndarray, "batch key"],
        keys: Float[np.ndarray, "batch time key"],
        mask: Bool[np.ndarray, "batch time"] | None = None,
    ) -> tuple[Float[np.ndarray, "batch key"], Float[np.ndarray, "batch time"]]:
        """Return the context and the weights that mixed it; `mask` is True
        where valid.

        Raises:
            ValueError: query and keys differ in size, or `mask` does not fit.
        """
        if query.shape[-1] != keys.shape[-1]:
            raise ValueError(
                f"query has size {query.shape[-1]} and keys have size "
                f"{keys.shape[-1]}; "
                "a dot product needs them equal, so project one of them first"
            )
        scores = np.einsum("bk,btk->bt", query, keys) / np.sqrt(keys.shape[-1])
        weights = masked_softmax(scores, mask)
        context = np.einsum("bt,btk->bk", weights, keys)
        self._saved = query, keys, weights
        return context, weights

    def backward(
        self, d_context: Float[np.ndarray, "batch key"]
    ) -> AttentionGradients:
        """Return the gradients by query and keys for the last `forward`."""
        query, keys, weights = self._saved
        d_scores = softmax_backward(
            np.einsum("bk,btk->bt", d_context, keys), weights
        )
        d_scores = d_scores / np.sqrt(keys.shape[-1])
        mixed = weights[:, :, None] * d_context[:, None, :]
        scored = d_scores[:, :, None] * query[:, None, :]
        return AttentionGradients(
            np.einsum("bt,btk->bk", d_scores, keys), mixed + scored, {}
        )


class AttentionPooling:
    r"""Reduce a sequence to one vector by attending to it with a learned,
    constant query.

    $c = \sum_j \alpha_j h_j$ with $e_j = v^\top \tanh(b + W_k^\top h_j)$:
    additive attention whose query is the number one, so that its $W_q$ is the
    bias $b$. Padding has weight exactly zero under a mask. Used for
    classification in chapters 5 and 11.
    """

    def __init__(
        self,
        key_size: int,
        units: int,
        rng: int | np.random.Generator = 0,
        dtype: type = np.float64,
    ):
        self.attention = AdditiveAttention(1, key_size, units, rng, dtype)
        self.params = self.attention.params

    def forward(
        self,
        keys: Float[np.ndarray, "batch time key"],
        mask: Bool[np.ndarray, "batch time"] | None = None,
    ) -> tuple[Float[np.ndarray, "batch key"], Float[np.ndarray, "batch time"]]:
        """Return the pooled vector and the weights; `mask` is True where a
        position is valid."""
        return self.attention.forward(
            np.ones((len(keys), 1), keys.dtype), keys, mask
        )

    def backward(
        self, d_context: Float[np.ndarray, "batch key"]
    ) -> AttentionGradients:
        """Return the gradients by keys and parameters for the last
        `forward`."""
        return self.attention.backward(d_context)
