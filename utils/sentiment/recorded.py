"""Answers row by row, as `benchmarks/sentiment.py` records them. Chapter 11."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

CLIP = 1e-6


class RecordedRows:
    """Every classifier's log odds of every validation and test row.

    Args:
        results: what `benchmarks/results/sentiment_rows.json` holds of one
            data set.
    """

    def __init__(self, results: Mapping[str, Any]):
        self.results = results
        self.found = dict(results["counting"]) | results.get("runs", {})
        self.names = list(self.found)

    def labels(self, part: str = "test") -> Int[np.ndarray, " text"]:
        """Return each row's label, 1 for positive."""
        return np.array([int(each) for each in self.results[part]["labels"]])

    def slices(self, part: str = "test") -> pd.DataFrame:
        """Return (text, slice) which rows are in which slice."""
        marks = self.results[part]["slices"]
        return pd.DataFrame(
            {name: [each == "1" for each in row] for name, row in marks.items()}
        )

    def runs(self, name: str) -> list[dict[str, Any]]:
        """Return a classifier's runs: one for each seed, one if it has none.

        Raises:
            KeyError: nothing of this name is recorded.
        """
        found = self.found[name]
        return [found] if "test" in found else list(found.values())

    def log_odds(
        self, name: str, part: str = "test"
    ) -> list[Float[np.ndarray, " text"]]:
        """Return each run's log odds that a row is positive."""
        return [
            np.array(run[part].split(), dtype=float) for run in self.runs(name)
        ]

    def ensemble(
        self, name: str, part: str = "test"
    ) -> Float[np.ndarray, " text"]:
        """Return the log odds of the mean probability over the runs."""
        every = [
            1 / (1 + np.exp(-found)) for found in self.log_odds(name, part)
        ]
        mean = np.clip(np.mean(every, axis=0), CLIP, 1 - CLIP)
        return np.log(mean / (1 - mean))

    def right(
        self, log_odds: Float[np.ndarray, " text"], part: str = "test"
    ) -> Bool[np.ndarray, " text"]:
        """Mark the rows that log odds judge right."""
        return (log_odds > 0) == (self.labels(part) == 1)

    def accuracies(self, name: str, part: str = "test") -> list[float]:
        """Return the share of rows right, for each run."""
        return [
            float(self.right(found, part).mean())
            for found in self.log_odds(name, part)
        ]

    def failures(self, name: str, test: str) -> list[float]:
        """Return how often a behaviour test is failed, for each run."""
        return [run["behaviour"][test] for run in self.runs(name)]
