"""The checkers of chapter 08: perplexity, temperature, streams, top-p,
n-grams, and the end of a text."""

from collections.abc import Callable
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


def _softmax(logits: Array) -> Array:
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def check_perplexity(perplexity: Callable[..., Any]) -> bool:
    """Say whether `perplexity(losses, counts)` is that of the whole text.

    losses (batches,) are mean surprises in nats, counts (batches,) the tokens
    that each mean was taken over. Chapter 08.
    """

    def one(value: Callable[..., Any]) -> Callable[..., Array]:
        return lambda *arguments: np.asarray(value(*arguments))

    def mean(losses: Array, counts: AnyArray) -> float:
        return float(np.average(losses, weights=counts))

    variants = [
        Variant(
            "It averages over all tokens, then takes the exponential.",
            one(lambda x, n: np.exp(mean(x, n))),
            right=True,
        ),
        Variant(
            "It averages the batches' exponentials. The exponential of a mean "
            "is not the mean of exponentials, and one hard batch outweighs "
            "many easy ones: average the nats, then take exp once.",
            one(lambda x, n: np.exp(x).mean()),
        ),
        Variant(
            "It averages the batches' exponentials, weighted by their tokens: "
            "average the nats, then take exp once.",
            one(lambda x, n: mean(np.exp(x), n)),
        ),
        Variant(
            "Every batch weighs the same, however few tokens it has: weight "
            "the losses by counts.",
            one(lambda x, n: np.exp(x.mean())),
        ),
        Variant(
            "It raises 2 to a loss in nats: use exp, or convert to bits first.",
            one(lambda x, n: 2 ** mean(x, n)),
        ),
        Variant(
            "It returns the mean surprise; the perplexity is its exponential.",
            one(mean),
        ),
    ]
    case = {
        "losses": np.array([1.5, 2.0, 4.0]),
        "counts": np.array([64, 64, 5]),
    }
    return judge(perplexity, [case], variants)


def check_temperature(temper: Callable[..., Any]) -> bool:
    """Say whether `temper(logits, temperature)` returns the probabilities to
    draw from.

    Shapes: logits and the result (..., symbols). Chapter 08.
    """
    variants = [
        Variant(
            "It divides the logits, then takes the softmax.",
            lambda x, t: _softmax(x / t),
            right=True,
        ),
        Variant(
            "The temperature comes after the softmax and the result no longer "
            "sums to one: divide the logits before it.",
            lambda x, t: _softmax(x) / t,
        ),
        Variant(
            "The temperature comes after the softmax, where dividing by the "
            "sum takes it out again: nothing changes. Divide the logits "
            "before it.",
            lambda x, t: _softmax(x),
        ),
        Variant(
            "It takes a softmax of a softmax: probabilities lie between 0 and "
            "1 and are no logits. Divide the logits.",
            lambda x, t: _softmax(_softmax(x) / t),
        ),
        Variant(
            "It multiplies by the temperature, so a high one makes the choice "
            "surer: divide.",
            lambda x, t: _softmax(x * t),
        ),
        Variant("It divides and forgets the softmax.", lambda x, t: x / t),
        Variant(
            "It divides by the sum over all rows: each row is a choice of its "
            "own and sums to one (axis=-1, keepdims=True).",
            lambda x, t: np.exp(x / t) / np.exp(x / t).sum(),
        ),
        Variant(
            "It takes the softmax down the columns: the symbols of a choice "
            "stand in the last axis (axis=-1, keepdims=True).",
            lambda x, t: _softmax((x / t).T).T,
        ),
    ]
    cases = [
        {**draw(seed, logits=(2, 6)), "temperature": np.array(temperature)}
        for seed, temperature in ((0, 0.5), (1, 1.7))
    ]
    return judge(temper, cases, variants)


def check_streams(make_batches: Callable[..., Any]) -> bool:
    """Say whether `make_batches(text, streams, time)` may carry a state from
    batch to batch.

    text (length,) is cut into batches (batches, streams, time); row r of a
    batch must go on where row r of the batch before ended. Chapter 08.
    """

    def deal(text: AnyArray, streams: Any, time: Any) -> AnyArray:
        """Cut the text into one long row per stream, and these into steps."""
        rows = text.reshape(int(streams), -1, int(time))
        return rows.swapaxes(0, 1)

    def in_order(text: AnyArray, streams: Any, time: Any) -> Any:
        """Take a list of batches too, and mark batches that are right but
        shuffled by numbers of their own."""
        found = make_batches(text, int(streams), int(time))
        if isinstance(found, list | tuple) and len(found):
            found = np.asarray(found)
        array = np.asarray(found)
        right = deal(np.asarray(text), streams, time)
        same = array.shape == right.shape and not np.array_equal(array, right)
        if same and sorted(array.tolist()) == sorted(right.tolist()):
            return np.full_like(right, -1)
        return found

    variants = [
        Variant(
            "Every row goes on in the next batch, so its state may too.",
            deal,
            right=True,
        ),
        Variant(
            "The batches are right and come shuffled: the carried state is "
            "then another place's. Keep their order, or start from zero.",
            lambda text, streams, time: np.full_like(
                deal(text, streams, time), -1
            ),
        ),
        Variant(
            "Neighbouring pieces stand in one batch, one below the other: row "
            "r of the next batch goes on elsewhere. Cut the text into one "
            "long row per stream first, then cut these into steps.",
            lambda text, streams, time: text.reshape(
                -1, int(streams), int(time)
            ),
        ),
        Variant(
            "Neighbouring characters stand in different rows: a row must read "
            "the text on.",
            lambda text, streams, time: text.reshape(
                -1, int(time), int(streams)
            ).swapaxes(1, 2),
        ),
    ]
    cases: list[Arguments] = [
        {
            "text": np.arange(streams * time * batches),
            "streams": np.array(streams),
            "time": np.array(time),
        }
        for streams, time, batches in ((3, 4, 5), (4, 2, 6))
    ]
    return judge(in_order, cases, variants)


def check_top_p(top_p: Callable[..., Any]) -> bool:
    """Say whether `top_p(probabilities, p)` keeps the smallest set whose mass
    reaches p.

    Shapes: probabilities and the result (symbols,); what is kept sums to one,
    the rest is 0. Chapter 08.
    """

    def keep(
        kept_of: Callable[[Array, float], AnyArray], renormalise: bool = True
    ) -> Callable[..., Array]:
        """Build the variant that keeps what a rule on sorted masses says."""

        def compute(probabilities: Array, p: Any) -> Array:
            order = np.argsort(-probabilities)
            kept = kept_of(probabilities[order], float(p))
            result = np.zeros_like(probabilities)
            result[order[kept]] = probabilities[order[kept]]
            whole = result.sum() if renormalise else 1.0
            return result / (whole or 1.0)

        return compute

    def reaching(ranked: Array, p: float) -> AnyArray:
        return np.cumsum(ranked) - ranked < p

    variants = [
        Variant(
            "It keeps the fewest symbols whose mass reaches p.",
            keep(reaching),
            right=True,
        ),
        Variant(
            "It drops the symbol that crosses p, so what it keeps has less "
            "mass than p, and nothing where one symbol has more: keep a "
            "symbol if the mass *before* it is below p.",
            keep(lambda ranked, p: np.cumsum(ranked) <= p),
        ),
        Variant(
            "What it keeps does not sum to one: divide by its sum.",
            keep(reaching, renormalise=False),
        ),
        Variant(
            "It keeps the tail and drops the mass.",
            keep(lambda ranked, p: ~reaching(ranked, p)),
        ),
        Variant(
            "It keeps the symbols likelier than p; p is the mass of all that "
            "is kept.",
            keep(lambda ranked, p: ranked >= p),
        ),
        Variant(
            "It adds the probabilities up in the alphabet's order: sort them "
            "first, the likeliest in front.",
            lambda probabilities, p: (lambda kept: kept / kept.sum())(
                np.where(
                    np.cumsum(probabilities) - probabilities < p,
                    probabilities,
                    0,
                )
            ),
        ),
    ]
    cases = [
        {"probabilities": np.array(probabilities), "p": np.array(p)}
        for probabilities, p in (
            ([0.05, 0.3, 0.15, 0.4, 0.1], 0.6),
            ([0.1, 0.2, 0.62, 0.08], 0.5),
        )
    ]
    return judge(top_p, cases, variants)


def check_bigram(bigram: Callable[..., Any]) -> bool:
    """Say whether `bigram(train, test, symbols)` predicts without peeking.

    train and test are texts of symbols 0 to symbols - 1; the result (len(test)
    - 1,) is p(test[t] | test[t-1]) with add-one smoothing, (N(a b) + 1) /
    (N(a) + symbols), counted in train. Chapter 08.
    """

    def count(texts: list[AnyArray], symbols: int) -> Array:
        table = np.ones((symbols, symbols))
        for text in texts:
            np.add.at(table, (text[:-1], text[1:]), 1)
        return table

    def scored(table: Array, test: AnyArray) -> Array:
        return table[test[:-1], test[1:]]

    def counted(
        texts_of: Callable[..., list[AnyArray]], axis: int = 1
    ) -> Callable[..., Array]:
        def compute(train: AnyArray, test: AnyArray, symbols: Any) -> Array:
            table = count(texts_of(train, test), int(symbols))
            return scored(table / table.sum(axis=axis, keepdims=True), test)

        return compute

    def unsmoothed(train: AnyArray, test: AnyArray, symbols: Any) -> Array:
        table = count([train], int(symbols))
        seen = (table - 1).sum(axis=1, keepdims=True)
        return scored(table / np.maximum(seen, 1), test)

    def joint(train: AnyArray, test: AnyArray, symbols: Any) -> Array:
        table = count([train], int(symbols))
        return scored(table / table.sum(), test)

    variants = [
        Variant(
            "It counts in train alone and looks back alone.",
            counted(lambda train, test: [train]),
            right=True,
        ),
        Variant(
            "It peeks: the test text is counted too, so what it must predict "
            "has already been seen. Count in train alone.",
            counted(lambda train, test: [train, test]),
        ),
        Variant(
            "It peeks: the test text, run on behind train, is counted too. "
            "Count in train alone.",
            counted(lambda train, test: [np.concatenate([train, test])]),
        ),
        Variant(
            "It peeks: it counts in the test text itself. Count in train.",
            counted(lambda train, test: [test]),
        ),
        Variant(
            "It peeks at the next symbol: it divides by how often that one "
            "follows anything, which is p(before | after). Divide by the "
            "counts of the symbol before.",
            counted(lambda train, test: [train], axis=0),
        ),
        Variant(
            "It adds one to the counts and not `symbols` to their sum, so the "
            "probabilities of what may follow sum to more than one.",
            unsmoothed,
        ),
        Variant(
            "It returns p(a, b), the pair's share of all pairs: divide by the "
            "counts of a.",
            joint,
        ),
    ]
    rng = np.random.default_rng(0)
    cases: list[Arguments] = [
        {
            "train": rng.integers(0, symbols, length) ** 2 % symbols,
            "test": rng.integers(0, symbols, 12),
            "symbols": np.array(symbols),
        }
        for symbols, length in ((5, 60), (7, 41))
    ]
    return judge(bigram, cases, variants)


def check_sampler(generate: Callable[..., Any]) -> bool:
    """Say whether `generate(table, uniforms)` writes until the end is drawn.

    table (symbols, symbols): row a holds the probabilities of what follows a.
    The text begins after symbol 0, which is also the end. Step t draws the
    first symbol whose cumulative probability exceeds uniforms[t]; the text is
    what was drawn before the end, at most len(uniforms) symbols. Chapter 08.
    """

    def drawn(table: Array, uniforms: Array, fixed: bool = False) -> list[int]:
        text, symbol = [], 0
        for u in uniforms:
            row = table[0 if fixed else symbol]
            symbol = int(np.searchsorted(np.cumsum(row), u, side="right"))
            text.append(symbol)
        return text

    def padded(text: Any, uniforms: Array) -> AnyArray:
        """Give texts of all lengths one shape, with -1 behind their ends."""
        text = [int(symbol) for symbol in text][: len(uniforms)]
        return np.array(text + [-1] * (len(uniforms) - len(text)))

    def until_end(text: list[int]) -> list[int]:
        return text[: text.index(0)] if 0 in text else text

    def asked(table: AnyArray, uniforms: AnyArray) -> Any:
        text = generate(table, uniforms)
        return None if text is None else padded(text, uniforms)

    def variant(
        change: Callable[[list[int]], list[int]], fixed: bool = False
    ) -> Callable[..., AnyArray]:
        return lambda table, uniforms: padded(
            change(drawn(table, uniforms, fixed)), uniforms
        )

    variants = [
        Variant("It stops where the end is drawn.", variant(until_end), True),
        Variant(
            "It never ends: it goes on writing after the end was drawn, into "
            "the next text. Stop at symbol 0.",
            variant(lambda text: text),
        ),
        Variant(
            "It goes on after the end and leaves the 0 out: two texts are "
            "glued together. Stop at symbol 0.",
            variant(lambda text: [symbol for symbol in text if symbol]),
        ),
        Variant(
            "The end itself stands in the text: leave the 0 out.",
            variant(lambda text: text[: [*text, 0].index(0) + 1]),
        ),
        Variant(
            "It fills the text up with ends: return what was drawn before the "
            "end and nothing behind it.",
            variant(
                lambda text: (
                    until_end(text) + [0] * (len(text) - len(until_end(text)))
                )
            ),
        ),
        Variant(
            "Every symbol is drawn as if it were the first: read what was "
            "drawn before the next draw.",
            variant(until_end, fixed=True),
        ),
    ]
    table = np.array(
        [
            [0.1, 0.5, 0.2, 0.2],
            [0.3, 0.1, 0.4, 0.2],
            [0.2, 0.3, 0.1, 0.4],
            [0.4, 0.2, 0.3, 0.1],
        ]
    )
    cases = [
        {"table": table, "uniforms": np.array(uniforms)}
        for uniforms in (
            [0.35, 0.55, 0.93, 0.5, 0.15, 0.71, 0.33, 0.87],
            [0.9, 0.45, 0.8, 0.9, 0.5],
        )
    ]
    return judge(asked, cases, variants)
