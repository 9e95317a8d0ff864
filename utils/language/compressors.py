"""Compressors as language models: what a text costs after another one.

A compressor is a model of the next symbol whose code length is its surprise.
What a test text costs after the training text is C(train + test) - C(train),
where C is the size of the compressed file: the compressor learns from the
training text, and unlike an n-gram goes on learning while it reads the test.

How much of the training text it can remember differs: see `WINDOWS`.
Chapter 08.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable

WINDOWS = {
    "gzip": "the last 32 KiB",
    "bzip2": "the block it is in, 900 kB at most",
    "xz": "the last 64 MiB",
}
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: zlib.compress(data, 9),
    "bzip2": lambda data: bz2.compress(data, 9),
    "xz": lambda data: lzma.compress(data, preset=9 | lzma.PRESET_EXTREME),
}


def compressed_bits(name: str, train: str, test: str) -> float:
    """Return the bits that a test text costs after a training text, in UTF-8.

    `name` is "gzip" (its DEFLATE stream, without the file's header), "bzip2"
    or "xz".

    Raises:
        ValueError: another name.
    """
    if name not in COMPRESSORS:
        raise ValueError(f"name is {name!r}; use {', '.join(COMPRESSORS)}")
    compress = COMPRESSORS[name]
    before = train.encode()
    after = compress(before + test.encode())
    return 8.0 * (len(after) - len(compress(before)))
