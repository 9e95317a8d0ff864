"""The checkers of masks, softmax and attention. Chapter 11."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from utils.exercises.judge import (
    AnyArray,
    Arguments,
    Array,
    Variant,
    draw,
    judge,
)


def check_padding_mask(padding_mask: Callable[..., Any]) -> bool:
    """Say whether `padding_mask(lengths, time)` is True at valid positions, and
    if not, why.

    Shapes: lengths (batch,), time a whole number, the mask (batch, time),
        boolean. Chapter 09.
    """

    def as_numbers(lengths: Any, time: Any) -> Array:
        mask = np.asarray(padding_mask(lengths, int(time)))
        if mask.dtype != bool:
            raise TypeError(
                f"the mask's type is {mask.dtype}, where True and False are "
                "expected"
            )
        return mask.astype(float)

    def marked(compare: Callable[..., Any]) -> Callable[..., Array]:
        return lambda lengths, time: compare(
            np.arange(time), lengths[:, None]
        ).astype(float)

    variants = [
        Variant("It marks the valid positions.", marked(np.less), right=True),
        Variant(
            "It marks the padding; True belongs to valid positions.",
            marked(np.greater_equal),
        ),
        Variant(
            "It marks one position too many: the positions are 0 to length - "
            "1.",
            marked(np.less_equal),
        ),
        Variant(
            "It marks one position too few: position length - 1 is valid.",
            marked(lambda steps, lengths: steps < lengths - 1),
        ),
        Variant(
            "It marks the last positions of each row; the padding stands on "
            "the right.",
            marked(lambda steps, lengths: steps[::-1] < lengths),
        ),
    ]
    lengths = {"unequal": [5, 1, 3], "equal": [3, 1, 2]}
    cases = [
        {"lengths": np.array(lengths["unequal"]), "time": np.array(5)},
        {"lengths": np.array(lengths["equal"]), "time": np.array(3)},
    ]
    return judge(as_numbers, cases, variants)


def _softmax(scores: Array, axis: int | tuple[int, ...] = -1) -> Array:
    exponentials = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def _masked_weights(
    scores: Array, mask: AnyArray, axis: int | tuple[int, ...] = -1
) -> Array:
    """Return the softmax over valid positions; a large negative score stands
    for minus infinity."""
    return _softmax(np.where(mask[:, None, :], scores, -1e9), axis)


# The ways to turn scores and a mask into weights that people take, beside the
# right one.
WEIGHT_MISTAKES: dict[str, Callable[..., Array]] = {
    "The softmax runs over the queries, axis 1; the weights of one query "
    "over the positions, the "
    "last axis, must sum to one.": partial(_masked_weights, axis=1),
    "The softmax runs over the batch, axis 0; rows of a batch must not know of "
    "each other.": (partial(_masked_weights, axis=0)),
    "The softmax runs over queries and positions together; each query has "
    "weights of its own.": (partial(_masked_weights, axis=(1, 2))),
    "The mask is not used: padding receives weight.": lambda scores, mask: (
        _softmax(scores)
    ),
    "The mask comes after the softmax, so a row's weights sum to less than "
    "one: mask the scores.": (
        lambda scores, mask: _softmax(scores) * mask[:, None, :]
    ),
    "The scores of padding are set to 0, and exp(0) is 1: set them to minus "
    "infinity.": (lambda scores, mask: _softmax(scores * mask[:, None, :])),
    "The mask is inverted: all weight lies on the padding.": (
        lambda scores, mask: _masked_weights(scores, ~mask)
    ),
}


def _attention_cases(
    **shapes: Callable[[int, int, int, int], tuple[int, ...]],
) -> list[Arguments]:
    """Draw unequal sizes with padding, then equal sizes: batch, queries, time,
    features.

    The second mask hides nothing, for a softmax over a wrong axis finds rows of
    padding alone and returns NaN for them.
    """
    cases = []
    for seed, sizes, lengths in (
        (0, (2, 3, 5, 4), [5, 3]),
        (1, (4, 4, 4, 4), [4] * 4),
    ):
        arrays = draw(
            seed, **{name: shape(*sizes) for name, shape in shapes.items()}
        )
        mask = np.arange(sizes[2]) < np.array(lengths)[:, None]
        cases.append({**arrays, "mask": mask})
    return cases


def check_attention_weights(attention_weights: Callable[..., Any]) -> bool:
    """Say whether `attention_weights(scores, mask)` is a masked softmax, and if
    not, why.

    Shapes: scores and weights (batch, queries, time), mask (batch, time), True
    at valid positions. The weights of each query sum to one over the valid
    positions. Chapter 09.
    """
    variants = [
        Variant(
            "Each query's weights sum to one, and padding has none.",
            _masked_weights,
            True,
        ),
        *(
            Variant(verdict, compute)
            for verdict, compute in WEIGHT_MISTAKES.items()
        ),
        Variant(
            "The exponential is missing: a softmax divides exp(score) by the "
            "sum of exp(scores).",
            lambda scores, mask: scores / scores.sum(axis=-1, keepdims=True),
        ),
    ]
    cases = _attention_cases(
        scores=lambda batch, queries, time, size: (batch, queries, time)
    )
    return judge(attention_weights, cases, variants)


def check_log_softmax(log_softmax: Callable[..., Any]) -> bool:
    """Say whether `log_softmax(x)` is x - log sum exp(x) over the last axis,
    and if not, why.

    The first case holds numbers in the thousands, where the logarithm of a
    softmax is minus infinity. Chapter 09.
    """

    def right(x: Array) -> Array:
        shifted = x - x.max(axis=-1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))

    def quiet(compute: Callable[[Array], Array]) -> Callable[[Array], Array]:
        def silenced(x: Array) -> Array:
            with np.errstate(all="ignore"):
                return compute(x)

        return silenced

    variants = [
        Variant(
            "Its numbers are right while they are small. With scores in the "
            "thousands exp "
            "overflows, or a probability becomes 0 and its logarithm minus "
            "infinity: subtract the "
            "largest score, then the log of the sum of exponentials.",
            quiet(lambda x: np.log(_softmax(x))),
        ),
        Variant("It survives scores in the thousands.", right, right=True),
        Variant("The logarithm is missing.", _softmax),
        Variant("It is the negative of the log-softmax.", lambda x: -right(x)),
        Variant(
            "It runs over the first axis, the batch; the classes are the last.",
            lambda x: right(x.T).T,
        ),
    ]
    cases = [{"x": 1000 * draw(0, x=(3, 5))["x"]}, draw(1, x=(4, 4))]
    return judge(log_softmax, cases, variants)


def check_dot_product_attention(attention: Callable[..., Any]) -> bool:
    """Say whether `attention(queries, keys, values, mask)` returns the right
    contexts, or why not.

    softmax(Q K^T / sqrt(d)) V over the valid positions, equation 1 of Vaswani
    et al. (2017). Shapes: queries (batch, queries, d), keys (batch, time, d),
    values (batch, time, value), mask (batch, time), True at valid positions,
    contexts (batch, queries, value). Chapter 09.
    """

    def attended(
        weigh: Callable[..., Array], scale: Callable[[Array], float]
    ) -> Callable[..., Array]:
        def compute(
            queries: Array, keys: Array, values: Array, mask: AnyArray
        ) -> Array:
            scores = queries @ keys.swapaxes(1, 2) / scale(keys)
            return weigh(scores, mask) @ values

        return compute

    def root(keys: Array) -> float:
        return float(np.sqrt(keys.shape[-1]))

    variants = [
        Variant(
            "It is scaled dot-product attention.",
            attended(_masked_weights, root),
            True,
        ),
        Variant(
            "The scores are not divided by the root of the keys' size.",
            attended(_masked_weights, lambda keys: 1.0),
        ),
        Variant(
            "The scores are divided by the keys' size; it is the root of it.",
            attended(_masked_weights, lambda keys: float(keys.shape[-1])),
        ),
        Variant(
            "The scores are divided by the root of the number of positions; "
            "it is the root of the "
            "keys' size, the last axis.",
            attended(
                _masked_weights, lambda keys: float(np.sqrt(keys.shape[1]))
            ),
        ),
        *(
            Variant(verdict, attended(compute, root))
            for verdict, compute in WEIGHT_MISTAKES.items()
        ),
    ]
    cases = _attention_cases(
        queries=lambda batch, queries, time, size: (batch, queries, size),
        keys=lambda batch, queries, time, size: (batch, time, size),
        values=lambda batch, queries, time, size: (batch, time, size + 2),
    )
    return judge(attention, cases, variants)
