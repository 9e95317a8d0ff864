"""Byte-pair encoding: frequent neighbours become one token, again and again.

Source: Gage (1994), A new algorithm for data compression, The C Users Journal
12(2); for language models Sennrich, Haddow and Birch (2016, arXiv 1508.07909).
Chapter 08.
"""

from collections import Counter
from itertools import pairwise

Tokens = list[bytes]
Pair = tuple[bytes, bytes]


def learn_merges(text: str, count: int) -> list[Pair]:
    """Return up to `count` merges, in the order in which they are learned.

    Each joins the pair of neighbours that is most frequent by then; of equals
    the first by its bytes. It stops early where no pair occurs twice.
    """
    tokens, merges = split_bytes(text), []
    for _ in range(count):
        pairs = Counter(pairwise(tokens))
        pair, times = min(
            pairs.items(),
            key=lambda item: (-item[1], item[0]),
            default=((b"", b""), 0),
        )
        if times < 2:
            break
        merges.append(pair)
        tokens = merged(tokens, pair)
    return merges


def apply_merges(text: str, merges: list[Pair]) -> Tokens:
    """Cut a text into tokens by merges, in their order; the tokens joined are
    the text's bytes."""
    tokens = split_bytes(text)
    for pair in merges:
        tokens = merged(tokens, pair)
    return tokens


def split_bytes(text: str) -> Tokens:
    """Cut a text into the bytes of its UTF-8."""
    return [bytes([byte]) for byte in text.encode()]


def merged(tokens: Tokens, pair: Pair) -> Tokens:
    """Join every occurrence of a pair, from left to right."""
    joined: Tokens = []
    for token in tokens:
        if joined and (joined[-1], token) == pair:
            joined[-1] += token
        else:
            joined.append(token)
    return joined
