"""The checkers of masks, softmax, attention, its temperature and coverage, and
the copy gate. Chapter 09."""

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
    # A row of length 0 is one of padding alone.
    lengths = {"unequal": [5, 0, 3], "equal": [3, 1, 2]}
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


def check_tempered_weights(tempered_weights: Callable[..., Any]) -> bool:
    """Say whether `tempered_weights(scores, mask, temperature)` is a masked
    softmax of the scores divided by the temperature, and if not, why.

    Shapes: scores and weights (batch, queries, time), mask (batch, time), True
    at valid positions, the temperature a number above 0. Chapter 09.
    """
    variants = [
        Variant(
            "It divides the scores, and each query's weights sum to one.",
            lambda scores, mask, t: _masked_weights(scores / t, mask),
            right=True,
        ),
        Variant(
            "It multiplies by the temperature, so that a low one flattens the "
            "weights: divide.",
            lambda scores, mask, t: _masked_weights(scores * t, mask),
        ),
        Variant(
            "The temperature comes after the softmax and the weights no longer "
            "sum to one: divide the scores before it.",
            lambda scores, mask, t: _masked_weights(scores, mask) / t,
        ),
        Variant(
            "The temperature changes nothing: divide the scores, before the "
            "softmax.",
            lambda scores, mask, t: _masked_weights(scores, mask),
        ),
        Variant(
            "It is hard at every temperature: all weight lies on the best "
            "position. That is the limit at 0.",
            lambda scores, mask, t: _masked_weights(1e9 * scores, mask),
        ),
        *(
            Variant(
                verdict,
                lambda scores, mask, t, compute=compute: compute(
                    scores / t, mask
                ),
            )
            for verdict, compute in WEIGHT_MISTAKES.items()
        ),
    ]
    cases = [
        {**case, "temperature": np.array(temperature)}
        for case, temperature in zip(
            _attention_cases(
                scores=lambda batch, queries, time, size: (batch, queries, time)
            ),
            (0.5, 1.7),
            strict=True,
        )
    ]
    return judge(tempered_weights, cases, variants)


def check_coverage_loss(coverage_loss: Callable[..., Any]) -> bool:
    """Say whether `coverage_loss(weights)` counts looking twice, and if not,
    why.

    sum_ij min(a_ij, sum_{k < i} a_kj), the coverage loss of See, Liu and
    Manning (2017) summed over the steps i of an output. Shapes: weights (batch,
    steps, time), the result (batch,). Chapter 09.
    """

    def covered(weights: Array, axis: int = 1) -> Array:
        return weights.cumsum(axis=axis) - weights

    def before(weights: Array) -> Array:
        return np.pad(weights, ((0, 0), (1, 0), (0, 0)))[:, :-1]

    def total(compare: Callable[[Array], Array]) -> Callable[..., Array]:
        return lambda weights: compare(weights).sum(axis=(1, 2))

    variants = [
        Variant(
            "It counts what has been looked at before.",
            total(lambda w: np.minimum(w, covered(w))),
            right=True,
        ),
        Variant(
            "The coverage holds the present step too, so that the minimum is "
            "always its own weight and the loss the number of steps: sum over "
            "the steps before.",
            total(lambda w: np.minimum(w, w.cumsum(axis=1))),
        ),
        Variant(
            "It remembers one step only; the coverage is the sum of all steps "
            "before.",
            total(lambda w: np.minimum(w, before(w))),
        ),
        Variant(
            "The coverage is summed over the positions, the last axis; sum "
            "over the steps, axis 1, for each position.",
            total(lambda w: np.minimum(w, covered(w, axis=2))),
        ),
        Variant(
            "It takes the larger of the two; the smaller one is what has been "
            "looked at twice.",
            total(lambda w: np.maximum(w, covered(w))),
        ),
        Variant(
            "It multiplies the two; their minimum is wanted.",
            total(lambda w: w * covered(w)),
        ),
        Variant(
            "It averages over steps and positions; sum over both.",
            lambda w: np.minimum(w, covered(w)).mean(axis=(1, 2)),
        ),
        Variant(
            "It averages over the steps; sum over them.",
            lambda w: np.minimum(w, covered(w)).sum(axis=2).mean(axis=1),
        ),
    ]
    shapes = ((2, 4, 5), (3, 3, 3))
    cases = [
        {"weights": _softmax(np.random.default_rng(seed).normal(size=shape))}
        for seed, shape in enumerate(shapes)
    ]
    return judge(coverage_loss, cases, variants)


def check_copy_gate(copy_gate: Callable[..., Any]) -> bool:
    """Say whether `copy_gate(written, weights, source, gate)` mixes writing
    with copying, and if not, why.

    p(y) = g p_written(y) + (1 - g) times the weights on all positions that hold
    the symbol y, as in equation 9 of See, Liu and Manning (2017). Shapes:
    written (batch, symbols), the probabilities of writing each symbol; weights
    and source (batch, time), where one looks and the number of the symbol that
    stands there; gate (batch,); the result (batch, symbols). Chapter 09.
    """

    def gather(
        weights: Array, source: AnyArray, symbols: int, repeated: bool = True
    ) -> Array:
        copied = np.zeros((len(source), symbols))
        rows = np.arange(len(source))[:, None]
        if repeated:
            np.add.at(copied, (rows, source), weights)
        else:
            copied[rows, source] += weights
        return copied

    def gated(
        share: Callable[[Array, Array, Array], Array] = (
            lambda written, copied, g: g * written + (1 - g) * copied
        ),
        repeated: bool = True,
    ) -> Callable[..., Array]:
        def compute(
            written: Array, weights: Array, source: AnyArray, gate: Array
        ) -> Array:
            symbols = written.shape[1]
            copied = gather(weights, source, symbols, repeated)
            return share(written, copied, gate[:, None])

        return compute

    def by_place(
        written: Array, weights: Array, source: AnyArray, gate: Array
    ) -> Array:
        copied = np.zeros_like(written)
        copied[:, : weights.shape[1]] = weights
        return gate[:, None] * written + (1 - gate[:, None]) * copied

    variants = [
        Variant("It writes and copies, and sums to one.", gated(), True),
        Variant(
            "A symbol that stands at several places gets the weight of one of "
            "them only: `a[rows, columns] += b` adds once where columns "
            "repeat. `np.add.at` adds every time, `scatter_add` in PyTorch.",
            gated(repeated=False),
        ),
        Variant(
            "The gate is the wrong way round: g belongs to writing, 1 - g to "
            "copying.",
            gated(lambda written, copied, g: (1 - g) * written + g * copied),
        ),
        Variant(
            "The weights are not multiplied by 1 - g, so that a row sums to "
            "more than one.",
            gated(lambda written, copied, g: g * written + copied),
        ),
        Variant(
            "The probabilities of writing are not multiplied by g, so that a "
            "row sums to more than one.",
            gated(lambda written, copied, g: written + (1 - g) * copied),
        ),
        Variant(
            "The two are multiplied; they are alternatives, and add up.",
            gated(lambda written, copied, g: g * written * (1 - g) * copied),
        ),
        Variant(
            "Nothing is copied.", gated(lambda written, copied, g: g * written)
        ),
        Variant(
            "The weight on position j went to the symbol with the number j; it "
            "belongs to the symbol that stands there, source[j].",
            by_place,
        ),
    ]
    cases = [_copy_case(0, (2, 4, 6)), _copy_case(1, (5, 5, 5))]
    names = ("probabilities",)
    return judge(copy_gate, cases, variants, names)


def _copy_case(seed: int, sizes: tuple[int, int, int]) -> Arguments:
    """Draw rows in which a symbol stands twice: batch, time, symbols."""
    batch, time, symbols = sizes
    rng = np.random.default_rng(seed)
    source = rng.integers(0, symbols, (batch, time))
    source[:, 1] = source[:, 0]
    return {
        "written": _softmax(rng.normal(size=(batch, symbols))),
        "weights": _softmax(rng.normal(size=(batch, time))),
        "source": source,
        "gate": rng.uniform(0.2, 0.8, batch),
    }
