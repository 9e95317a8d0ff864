"""Measured comparisons: each module runs as `python -m benchmarks.NAME` and
records its results."""

import utils.pytorch_first  # noqa: F401
