"""Data sets that the chapters generate or load."""

from utils.data.balls import make_balls, read_balls
from utils.data.batches import make_windows

__all__ = ["make_balls", "make_windows", "read_balls"]
