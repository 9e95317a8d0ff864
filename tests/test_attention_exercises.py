"""Chapter 09's checkers name the mistake that a function makes, and pass the
right ones."""

import numpy as np
import pytest
import torch

from utils import exercises


def softmax(scores, axis=-1):
    exponentials = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def masked(scores, mask, axis=-1):
    with np.errstate(invalid="ignore"):
        return softmax(np.where(mask[:, None, :], scores, -np.inf), axis)


def attend(queries, keys, values, mask, weigh=masked, scale=None):
    scale = np.sqrt(keys.shape[-1]) if scale is None else scale
    return weigh(queries @ keys.swapaxes(1, 2) / scale, mask) @ values


def torch_attend(queries, keys, values, mask):
    return torch.nn.functional.scaled_dot_product_attention(
        *map(torch.as_tensor, (queries, keys, values)),
        attn_mask=torch.as_tensor(mask)[:, None].expand(
            -1, queries.shape[1], -1
        ),
    )


def copy(written, weights, source, gate, add=np.add.at):
    mixed = gate[:, None] * written
    add(
        mixed,
        (np.arange(len(source))[:, None], source),
        (1 - gate[:, None]) * weights,
    )
    return mixed


def torch_copy(written, weights, source, gate):
    written, weights, source, gate = map(
        torch.as_tensor, (written, weights, source, gate)
    )
    copied = (1 - gate[:, None]) * weights
    return (gate[:, None] * written).scatter_add(1, source, copied)


def add_once(array, index, values):
    array[index] += values


def tempered(scores, mask, temperature, weigh=masked):
    return weigh(scores / temperature, mask)


def covered(weights, axis=1):
    return weights.cumsum(axis) - weights


def cover(weights, compare=np.minimum, covered=covered):
    return compare(weights, covered(weights)).sum((1, 2))


def steps(time):
    return np.arange(time)


CASES = {
    "check_padding_mask": {
        True: [lambda lengths, time: steps(time) < lengths[:, None]],
        "marks the padding": lambda lengths, time: (
            steps(time) >= lengths[:, None]
        ),
        "one position too many": lambda lengths, time: (
            steps(time) <= lengths[:, None]
        ),
        "one position too few": lambda lengths, time: (
            steps(time) < lengths[:, None] - 1
        ),
        "marks the last": lambda lengths, time: (
            steps(time)[::-1] < lengths[:, None]
        ),
        "type is int64": lambda lengths, time: (
            steps(time) < lengths[:, None]
        ).astype(int),
        "the shape (5, 3); (3, 5)": lambda lengths, time: (
            (steps(time) < lengths[:, None]).T
        ),
    },
    "check_attention_weights": {
        True: [
            masked,
            lambda scores, mask: softmax(
                scores + np.where(mask, 0, -1e9)[:, None]
            ),
        ],
        "axis 1": lambda scores, mask: masked(scores, mask, axis=1),
        "axis 0": lambda scores, mask: masked(scores, mask, axis=0),
        "together": lambda scores, mask: masked(scores, mask, axis=(1, 2)),
        "mask is not used": lambda scores, mask: softmax(scores),
        "comes after": lambda scores, mask: softmax(scores) * mask[:, None],
        "set to 0": lambda scores, mask: softmax(scores * mask[:, None]),
        "exponential is missing": lambda scores, mask: (
            scores / scores.sum(-1, keepdims=True)
        ),
        "inverted": lambda scores, mask: softmax(
            np.where(mask[:, None], -1e9, scores)
        ),
    },
    "check_tempered_weights": {
        True: [
            tempered,
            # A power of the weights is a temperature as well.
            lambda s, mask, t: (
                masked(s, mask) ** (1 / t)
                / (masked(s, mask) ** (1 / t)).sum(-1, keepdims=True)
            ),
        ],
        "multiplies by the temperature": lambda s, mask, t: tempered(
            s, mask, 1 / t
        ),
        "comes after the softmax and": lambda s, mask, t: masked(s, mask) / t,
        "changes nothing": lambda s, mask, t: masked(s, mask),
        "hard at every temperature": lambda s, mask, t: np.eye(s.shape[-1])[
            np.where(mask[:, None], s, -np.inf).argmax(-1)
        ],
        "mask is not used": lambda s, mask, t: softmax(s / t),
        "axis 1": lambda s, mask, t: masked(s / t, mask, axis=1),
        "comes after the softmax, so": lambda s, mask, t: (
            softmax(s / t) * mask[:, None]
        ),
    },
    "check_coverage_loss": {
        True: [
            cover,
            lambda weights: sum(
                np.minimum(weights[:, i], weights[:, :i].sum(1)).sum(1)
                for i in range(weights.shape[1])
            ),
        ],
        "holds the present step": lambda w: cover(
            w, covered=lambda w: w.cumsum(1)
        ),
        "remembers one step": lambda w: np.minimum(w[:, 1:], w[:, :-1]).sum(
            (1, 2)
        ),
        "over the positions": lambda w: cover(
            w, covered=lambda w: covered(w, axis=2)
        ),
        "the larger": lambda w: cover(w, np.maximum),
        "multiplies the two": lambda w: cover(w, np.multiply),
        "averages over steps and": lambda w: cover(w) / w[0].size,
        "averages over the steps;": lambda w: cover(w) / w.shape[1],
        "the shape (2, 5); (2,)": lambda w: np.minimum(w, covered(w)).sum(1),
    },
    "check_copy_gate": {
        True: [copy, torch_copy],
        "at several places": lambda *arrays: copy(*arrays, add=add_once),
        "wrong way round": lambda p, w, s, g: copy(p, w, s, 1 - g),
        "weights are not multiplied": lambda p, w, s, g: copy(
            p, w / (1 - g[:, None]), s, g
        ),
        "probabilities of writing are not": lambda p, w, s, g: copy(
            p / g[:, None], w, s, g
        ),
        "they are alternatives": lambda p, w, s, g: (
            g[:, None] * p * copy(0 * p, w, s, g)
        ),
        "Nothing is copied": lambda p, w, s, g: copy(p, 0 * w, s, g),
        "symbol with the number j": lambda p, w, s, g: copy(
            p, w, np.tile(np.arange(w.shape[1]), (len(w), 1)), g
        ),
    },
    "check_dot_product_attention": {
        True: [attend, torch_attend],
        "not divided": lambda *arrays: attend(*arrays, scale=1.0),
        "it is the root of it": lambda q, k, v, mask: attend(
            q, k, v, mask, scale=k.shape[-1]
        ),
        "number of positions": lambda q, k, v, mask: attend(
            q, k, v, mask, scale=k.shape[1] ** 0.5
        ),
        "mask is not used": lambda *arrays: attend(
            *arrays, weigh=lambda s, mask: softmax(s)
        ),
        "axis 1": lambda *arrays: attend(
            *arrays, weigh=lambda s, m: masked(s, m, axis=1)
        ),
        "the shape (2, 3, 5); (2, 3, 6)": lambda q, k, v, mask: (
            attend(q, k, v, mask) @ np.ones((v.shape[-1], k.shape[1]))
        ),
    },
}
MISTAKES = [
    (check, message, function)
    for check, functions in CASES.items()
    for message, function in functions.items()
    if message is not True
]


@pytest.mark.parametrize("check", CASES)
def test_right_functions_pass(check, capsys):
    for function in CASES[check][True]:
        assert getattr(exercises, check)(function)
        assert capsys.readouterr().out.startswith("Right. ")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("check", "message", "function"), MISTAKES)
def test_the_mistake_is_named(check, message, function, capsys):
    assert not getattr(exercises, check)(function)
    printed = " ".join(capsys.readouterr().out.split())
    assert printed.startswith("Not yet. ")
    assert message in printed
