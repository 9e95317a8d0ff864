"""Data sets that the chapters generate or load."""

from utils.data.balls import make_balls, read_balls
from utils.data.batches import make_windows
from utils.data.prices import load_prices
from utils.data.reviews import load_reviews
from utils.data.signals import (
    make_adding,
    make_binary_sums,
    make_copy,
    make_sines,
)
from utils.data.text import Vocabulary
from utils.data.text_files import load_plays, read_text
from utils.data.twins import make_twins

__all__ = [
    "Vocabulary",
    "load_plays",
    "load_prices",
    "load_reviews",
    "make_adding",
    "make_balls",
    "make_binary_sums",
    "make_copy",
    "make_sines",
    "make_twins",
    "make_windows",
    "read_balls",
    "read_text",
]
