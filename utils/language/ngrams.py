r"""Counting: n-grams with interpolated Kneser-Ney or Witten-Bell smoothing.

With c a context of n symbols, c' the same without its first symbol and w what
follows, every order interpolates with the one below it:

    p(w | c) = share(c w) + rest(c) p(w | c')

and below order 0 stands the uniform distribution, 1 / V. A context never seen
gives everything to the order below. The two smoothings differ in the shares.

Witten-Bell, with N(c w) counts, N(c) their sum over w, and T(c) the number of
different symbols seen after c:

    share(c w) = N(c w) / (N(c) + T(c)),   rest(c) = T(c) / (N(c) + T(c))

Source: Witten and Bell (1991), The zero-frequency problem, IEEE Transactions on
Information Theory 37(4), method C.

Modified Kneser-Ney, with three discounts D(1), D(2), D(3 and more) an order,
estimated from n_k, the number of n-grams that occur k times:

    share(c w) = (N(c w) - D(N(c w))) / N(c),  rest(c) = sum_w D(N(c w)) / N(c)
    Y = n_1 / (n_1 + 2 n_2),   D(k) = k - (k + 1) Y n_{k+1} / n_k

where below the highest order N counts in how many different left contexts an
n-gram was seen, not how often: "Francisco" is frequent and follows one word.
Source: Chen and Goodman (1998), An empirical study of smoothing techniques for
language modeling, TR-10-98, modified Kneser-Ney smoothing.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from utils.language.alphabet import BOUNDARY, Documents, Symbols

Keys = Int[np.ndarray, " grams"]
Context = Int[np.ndarray, " order"]
HIGHEST_ORDER = 8


@dataclass(frozen=True)
class _Level:
    """What one order knows: shares by n-gram and rests by context, keys
    sorted."""

    grams: Int[np.ndarray, " grams"]
    shares: Float[np.ndarray, " grams"]
    contexts: Int[np.ndarray, " contexts"]
    rests: Float[np.ndarray, " contexts"]


class NGrams:
    """A model of the next symbol that counts what followed the last `order`.

    Every document is read with `order` BOUNDARYs before it and one after it, so
    that its first symbol has a context and its end a probability. An n-gram is
    kept as one integer, its symbols the digits in base V. Chapter 08.

    Args:
        alphabet_size: V, the number of symbols, BOUNDARY and UNKNOWN included.
        order: symbols of context, from 0 to 8.
        smoothing: "kneser-ney" (interpolated, modified) or "witten-bell".

    Raises:
        ValueError: an order that is not from 0 to 8, or whose n-grams do not
            fit into 63 bits; a smoothing that is neither.
    """

    def __init__(
        self,
        alphabet_size: int,
        order: int,
        smoothing: Literal["kneser-ney", "witten-bell"] = "kneser-ney",
    ) -> None:
        if smoothing not in ("kneser-ney", "witten-bell"):
            raise ValueError(
                f"smoothing is {smoothing!r}; use 'kneser-ney' or 'witten-bell'"
            )
        if not 0 <= order <= longest_order(alphabet_size):
            raise ValueError(
                f"order is {order}; with {alphabet_size} symbols it may be 0 "
                f"to {longest_order(alphabet_size)}"
            )
        self.alphabet_size = alphabet_size
        self.order = order
        self.smoothing = smoothing
        self._levels: list[_Level] = []

    def fit(self, documents: Documents) -> "NGrams":
        """Count the documents' n-grams and return the model."""
        windows = np.concatenate([self._windows(each) for each in documents])
        tables = [
            np.unique(self._keys(windows, length), return_counts=True)
            for length in range(1, self.order + 2)
        ]
        if self.smoothing == "witten-bell":
            self._levels = [self._witten_bell(*table) for table in tables]
            return self
        for length in range(1, self.order + 1):
            # Each longer n-gram once: its left symbol cut off, they count the
            # left contexts.
            shorter = tables[length][0] % self.alphabet_size**length
            tables[length - 1] = np.unique(shorter, return_counts=True)
        self._levels = [self._kneser_ney(*table) for table in tables]
        return self

    def log_probabilities(
        self, document: Symbols
    ) -> Float[np.ndarray, " symbols"]:
        """Return ln p of each symbol of a document, and of its end, given all
        before it.

        Shapes: document (time,), result (time + 1,).
        """
        return np.log(self._probabilities(self._windows(document)))

    def following(
        self, symbols: Symbols, state: Context | None = None
    ) -> tuple[Float[np.ndarray, " alphabet"], Context]:
        """Read symbols and return ln p of every symbol that may follow.

        The state is the last `order` symbols.
        """
        if state is None:
            state = np.full(self.order, BOUNDARY)
        read = np.concatenate([state, symbols]).astype(np.int64)
        state = read[len(read) - self.order :]
        nexts = np.arange(self.alphabet_size)
        contexts = np.tile(state, (len(nexts), 1))
        windows = np.column_stack([contexts, nexts])
        return np.log(self._probabilities(windows)), state

    def _windows(self, document: Symbols) -> Int[np.ndarray, "places window"]:
        """Return each symbol behind its context, the end last."""
        padded = np.full(self.order + len(document) + 1, BOUNDARY, np.int64)
        padded[self.order : -1] = document
        return np.lib.stride_tricks.sliding_window_view(padded, self.order + 1)

    def _keys(
        self, windows: Int[np.ndarray, "places window"], length: int
    ) -> Int[np.ndarray, " places"]:
        """Write the last `length` symbols of each window as one integer."""
        keys = np.zeros(len(windows), np.int64)
        for column in range(windows.shape[1] - length, windows.shape[1]):
            keys = keys * self.alphabet_size + windows[:, column]
        return keys

    def _probabilities(
        self, windows: Int[np.ndarray, "places window"]
    ) -> Float[np.ndarray, " places"]:
        """Return p of each window's last symbol, given the others."""
        if not self._levels:
            raise RuntimeError("these n-grams are not counted yet: call fit")
        probability = np.full(len(windows), 1 / self.alphabet_size)
        for length, level in enumerate(self._levels, 1):
            keys = self._keys(windows, length)
            contexts = keys // self.alphabet_size
            rests = _look_up(level.contexts, level.rests, contexts, missing=1.0)
            shares = _look_up(level.grams, level.shares, keys, missing=0.0)
            probability = shares + rests * probability
        return probability

    def _witten_bell(self, grams: Keys, counts: Keys) -> _Level:
        contexts, first, types = np.unique(
            grams // self.alphabet_size, return_index=True, return_counts=True
        )
        whole = np.add.reduceat(counts, first) + types
        shares = counts / np.repeat(whole, types)
        return _Level(grams, shares, contexts, types / whole)

    def _kneser_ney(self, grams: Keys, counts: Keys) -> _Level:
        contexts, first, types = np.unique(
            grams // self.alphabet_size, return_index=True, return_counts=True
        )
        whole = np.add.reduceat(counts, first)
        discounts = _discounts(counts)[np.minimum(counts, 3)]
        shares = (counts - discounts) / np.repeat(whole, types)
        rests = np.add.reduceat(discounts, first) / whole
        return _Level(grams, shares, contexts, rests)


def longest_order(alphabet_size: int) -> int:
    """Return the most symbols of context whose n-grams fit into 63 bits, and
    8 at the outside."""
    return max(
        order
        for order in range(HIGHEST_ORDER + 1)
        if alphabet_size ** (order + 1) < 2**63
    )


def _discounts(counts: Keys) -> Float[np.ndarray, "4"]:
    """Estimate D(0) = 0, D(1), D(2) and D(3 and more) from an order's counts.

    A text too small to have n-grams seen once, twice, three and four times has
    no estimate; it gets one half for all. So does each estimate that is not
    above 0: without a discount an unseen symbol would have no probability.
    """
    n = [int((counts == times).sum()) for times in range(1, 5)]
    if 0 in n:
        return np.array([0.0, 0.5, 0.5, 0.5])
    y = n[0] / (n[0] + 2 * n[1])
    estimates = [k - (k + 1) * y * n[k] / n[k - 1] for k in (1, 2, 3)]
    return np.array([0.0, *(each if each > 0 else 0.5 for each in estimates)])


def _look_up(
    keys: Int[np.ndarray, " keys"],
    values: Float[np.ndarray, " keys"],
    wanted: Int[np.ndarray, " wanted"],
    missing: float,
) -> Float[np.ndarray, " wanted"]:
    """Find each wanted key among sorted ones, and return its value."""
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[places] == wanted, values[places], missing)
