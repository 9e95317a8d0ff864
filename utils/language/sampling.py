"""Writing: draw a next symbol, or look for the likeliest text."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from utils.language.alphabet import BOUNDARY, UNKNOWN, Symbols
from utils.language.measure import LanguageModel

Distribution = Float[np.ndarray, " alphabet"]
Written = Int[np.ndarray, " written"]


def sample(
    model: LanguageModel,
    prompt: Symbols,
    n: int,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    rng: int | np.random.Generator = 0,
) -> Written:
    """Write up to `n` symbols after a prompt.

    Each is drawn from `reshaped` probabilities, read, and so becomes part of
    what the next is drawn from. The text stops early where the model draws the
    document's end. Chapter 08.

    Args:
        model: n-grams or a network.
        prompt: symbols to begin with, (time,), perhaps none.
        n: the most symbols to write.
        temperature: below 1 bolder, above 1 wilder; 0 takes the likeliest.
        top_k: draw among this many likeliest symbols.
        top_p: draw among the fewest symbols whose mass reaches this.
        rng: a generator or its seed; the same one writes the same text.

    Raises:
        ValueError: see `reshaped`.
    """
    rng = np.random.default_rng(rng)
    logs, state = model.following(prompt)
    written: list[int] = []
    while len(written) < n:
        probabilities = reshaped(
            logs, temperature=temperature, top_k=top_k, top_p=top_p
        )
        symbol = int(rng.choice(len(probabilities), p=probabilities))
        if symbol == BOUNDARY:
            break
        written.append(symbol)
        logs, state = model.following(np.array([symbol]), state)
    return np.array(written, dtype=np.int64)


def reshaped(
    logs: Distribution,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Distribution:
    """Turn ln p, or logits, into the probabilities to draw from.

    Temperature divides the logits before the softmax, p_i ~ exp(l_i / T). Then
    top-k keeps the k likeliest (Fan, Lewis and Dauphin, 2018, arXiv
    1805.04833), and top-p the smallest set whose mass reaches p (Holtzman et
    al., 2020, arXiv 1904.09751): the symbol that crosses p belongs to it. What
    is kept sums to one. UNKNOWN is never drawn: there is no character to write.

    Raises:
        ValueError: a negative temperature, a k below 1, or a p outside (0, 1].
    """
    if temperature < 0:
        raise ValueError(f"temperature is {temperature}; it must be 0 or more")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k is {top_k}; it must be at least 1")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p is {top_p}; it must be above 0 and at most 1")
    logs = logs.astype(np.float64)
    logs[UNKNOWN] = -np.inf
    logs -= logs.max()
    if temperature == 0:
        return (np.arange(len(logs)) == logs.argmax()).astype(np.float64)
    weights = np.exp(logs / temperature)
    probabilities = weights / weights.sum()
    ranked = np.argsort(-probabilities, kind="stable")
    kept = len(ranked) if top_k is None else min(top_k, len(ranked))
    if top_p is not None:
        mass = np.cumsum(probabilities[ranked[:kept]])
        mass /= mass[-1]
        # Rounding must not keep a symbol more, nor the last sum stay below p.
        kept = 1 + int(np.searchsorted(mass, min(top_p, 1.0) - 1e-12))
    probabilities[ranked[kept:]] = 0
    return probabilities / probabilities.sum()


def beam(
    model: LanguageModel, prompt: Symbols, n: int, width: int = 4
) -> tuple[Written, float]:
    """Look for the likeliest text of up to `n` symbols after a prompt.

    After every symbol the `width` likeliest beginnings are kept; one that has
    reached the document's end competes as it is. It is a search, and may miss
    the likeliest text. Chapter 08 shows why what it finds drones.

    Returns:
        The symbols, without the end, and ln p of them, with the end where the
        text has one.

    Raises:
        ValueError: a width below 1.
    """
    if width < 1:
        raise ValueError(f"width is {width}; it must be at least 1")
    logs, state = model.following(prompt)
    running: list[tuple[float, list[int], Any, Distribution]]
    running = [(0.0, [], state, logs)]
    ended: list[tuple[float, list[int]]] = []
    for _ in range(n):
        options = [
            (score + float(logs[symbol]), place, int(symbol))
            for place, (score, _, _, logs) in enumerate(running)
            for symbol in np.argsort(-logs, kind="stable")[: width + 1]
            if symbol != UNKNOWN
        ]
        kept = sorted(options, key=lambda option: -option[0])[:width]
        beginnings, running = running, []
        for score, place, symbol in kept:
            _, text, state, _ = beginnings[place]
            if symbol == BOUNDARY:
                ended.append((score, text))
                continue
            logs, after = model.following(np.array([symbol]), state)
            running.append((score, [*text, symbol], after, logs))
        best_ended = max((score for score, _ in ended), default=-np.inf)
        # No text gets likelier by going on.
        if not running or best_ended >= running[0][0]:
            break
    found = [*ended, *((score, text) for score, text, _, _ in running)]
    score, text = max(found, key=lambda each: each[0])
    return np.array(text, dtype=np.int64), score
