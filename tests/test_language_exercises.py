"""The checkers of chapter 08 name the mistake that a function makes."""

from itertools import pairwise

import numpy as np
import pytest

from utils.exercises import (
    check_bigram,
    check_perplexity,
    check_sampler,
    check_streams,
    check_temperature,
    check_top_p,
)
from utils.language.sampling import reshaped


def softmax(x):
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


def deal(text, streams, time):
    return text.reshape(streams, -1, time).swapaxes(0, 1)


def top_p(probabilities, p):
    order = np.argsort(probabilities)[::-1]
    mass, result = 0.0, np.zeros_like(probabilities)
    for symbol in order:
        if mass < p:
            result[symbol] = probabilities[symbol]
        mass += probabilities[symbol]
    return result / result.sum()


def stingy_top_p(probabilities, p):
    order = np.argsort(probabilities)[::-1]
    kept = order[np.cumsum(probabilities[order]) <= p]
    result = np.zeros_like(probabilities)
    result[kept] = probabilities[kept]
    return result / max(result.sum(), 1e-9) if len(kept) else result


def library_top_p(probabilities, p):
    # The library never draws symbol 1: give it one more, which stands there.
    logs = np.insert(np.log(probabilities), 1, -50.0)
    return np.delete(reshaped(logs, top_p=float(p)), 1)


def bigram(counted_in):
    def compute(train, test, symbols):
        symbols = int(symbols)
        counts = np.zeros((symbols, symbols))
        text = counted_in(train, test)
        for a, b in pairwise(text):
            counts[a, b] += 1
        return np.array(
            [
                (counts[a, b] + 1) / (counts[a].sum() + symbols)
                for a, b in pairwise(test)
            ]
        )

    return compute


def sampler(end="stop", read=True):
    def generate(table, uniforms):
        text, symbol = [], 0
        for u in uniforms:
            symbol = int(np.argmax(np.cumsum(table[symbol if read else 0]) > u))
            if symbol == 0 and end == "stop":
                break
            if symbol == 0 and end == "skip":
                continue
            text.append(symbol)
            if symbol == 0 and end == "keep":
                break
        return text

    return generate


def backwards(train, test, symbols):
    flipped = np.ones((int(symbols), int(symbols)))
    np.add.at(flipped, (train[1:], train[:-1]), 1)
    flipped /= flipped.sum(axis=1, keepdims=True)
    return flipped[test[1:], test[:-1]]


WRONG = [
    (check_perplexity, lambda x, n: np.mean(np.exp(x)), "batches' exponent"),
    (
        check_perplexity,
        lambda x, n: np.sum(n * np.exp(x)) / n.sum(),
        "weighted by their tokens",
    ),
    (check_perplexity, lambda x, n: np.exp(np.mean(x)), "weighs the same"),
    (check_perplexity, lambda x, n: 2 ** ((n * x).sum() / n.sum()), "nats"),
    (check_perplexity, lambda x, n: (n * x).sum() / n.sum(), "exponential"),
    (check_temperature, lambda x, t: softmax(x) / t, "no longer sums"),
    (
        check_temperature,
        lambda x, t: softmax(x) / t / (softmax(x) / t).sum(-1, keepdims=True),
        "nothing changes",
    ),
    (check_temperature, lambda x, t: softmax(softmax(x) / t), "are no logits"),
    (check_temperature, lambda x, t: softmax(x * t), "multiplies"),
    (check_temperature, lambda x, t: x / t, "forgets the softmax"),
    (
        check_temperature,
        lambda x, t: np.exp(x / t) / np.exp(x / t).sum(),
        "over all rows",
    ),
    (
        check_temperature,
        lambda x, t: np.exp(x / t) / np.exp(x / t).sum(axis=0),
        "down the columns",
    ),
    (
        check_streams,
        lambda *a: np.random.default_rng(0).permutation(deal(*a)),
        "come shuffled",
    ),
    (check_streams, lambda x, s, t: x.reshape(-1, s, t), "one below the other"),
    (
        check_streams,
        lambda x, s, t: x.reshape(-1, t, s).transpose(0, 2, 1),
        "different rows",
    ),
    (check_top_p, stingy_top_p, "drops the symbol that crosses"),
    (
        check_top_p,
        lambda q, p: np.where(top_p(q, p) > 0, q, 0),
        "does not sum to one",
    ),
    (
        check_top_p,
        lambda q, p: (
            np.where(top_p(q, p) > 0, 0, q)
            / np.where(top_p(q, p) > 0, 0, q).sum()
        ),
        "keeps the tail",
    ),
    (
        check_top_p,
        lambda q, p: np.where(q >= p, q, 0) / max(q[q >= p].sum(), 1e-9),
        "likelier than p",
    ),
    (
        check_top_p,
        lambda q, p: (
            np.where(np.cumsum(q) - q < p, q, 0) / q[np.cumsum(q) - q < p].sum()
        ),
        "alphabet's order",
    ),
    (check_bigram, bigram(lambda a, b: np.append(a, b)), "run on behind"),
    (check_bigram, bigram(lambda a, b: b), "test text itself"),
    (check_bigram, backwards, "peeks at the next"),
    (check_sampler, sampler(end="ignore"), "never ends"),
    (check_sampler, sampler(end="skip"), "glued"),
    (check_sampler, sampler(end="keep"), "end itself stands"),
    (check_sampler, sampler(read=False), "as if it were the first"),
    (
        check_sampler,
        lambda p, u: (sampler()(p, u) + [0] * len(u))[: len(u)],
        "fills the text up",
    ),
    (check_sampler, lambda p, u: None, "is `return` missing?"),
]
RIGHT = [
    (
        check_perplexity,
        lambda x, n: (
            np.exp(sum(a * b for a, b in zip(x, n, strict=True)))
            ** (1 / n.sum())
        ),
    ),
    (
        check_temperature,
        lambda x, t: (
            softmax(x) ** (1 / t)
            / (softmax(x) ** (1 / t)).sum(axis=-1, keepdims=True)
        ),
    ),
    (check_streams, deal),
    (check_streams, lambda *sizes: list(deal(*sizes))),
    (check_top_p, top_p),
    (check_top_p, library_top_p),
    (check_bigram, bigram(lambda train, test: train)),
    (check_sampler, sampler()),
]


@pytest.mark.parametrize(("check", "function", "mistake"), WRONG)
def test_mistakes_are_named(check, function, mistake, capsys):
    assert check(function) is False
    printed = capsys.readouterr().out
    assert printed.startswith("Not yet. ")
    assert mistake in printed


@pytest.mark.parametrize(("check", "function"), RIGHT)
def test_right_functions_pass(check, function, capsys):
    assert check(function) is True
    assert capsys.readouterr().out.startswith("Right. ")
