"""Measured comparisons: each module runs as `python -m benchmarks.<name>` and records its results."""
