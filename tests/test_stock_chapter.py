"""Chapter 10 on a reader's own file, by changing the one line that it tells
readers to change."""

import os
import subprocess
import sys
from pathlib import Path

import jupytext
import numpy as np
import pandas as pd

CHAPTER = Path(__file__).parent.parent / "chapters" / "10_stock_forecaster.py"


def write_market(path, days=1300):
    """Write prices whose volatility comes in waves."""
    rng = np.random.default_rng(0)
    log_variance, close, rows = -9.0, 50.0, []
    for _ in range(days):
        path_of_day = close * np.exp(
            np.cumsum(
                np.r_[0, np.exp(log_variance / 2) / 8 * rng.normal(size=64)]
            )
        )
        close = path_of_day[-1]
        rows.append(
            [path_of_day[0], path_of_day.max(), path_of_day.min(), close, 1e6]
        )
        log_variance = -9 + 0.95 * (log_variance + 9) + 0.2 * rng.normal()
    index = pd.bdate_range("2012-01-02", periods=days, name="Date")
    columns = ["Open", "High", "Low", "Close", "Volume"]
    pd.DataFrame(rows, index, columns).to_csv(path, float_format="%.4f")


def test_the_chapter_runs_on_a_readers_own_file(tmp_path):
    write_market(tmp_path / "mine.csv")
    cells = [
        cell.source
        for cell in jupytext.read(CHAPTER).cells
        if cell.cell_type == "code"
    ]
    script = "\n\n".join(cells)
    assert script.count('PRICES = "sp500"') == 1
    own = script.replace(
        'PRICES = "sp500"', f"PRICES = {str(tmp_path / 'mine.csv')!r}"
    )
    run = subprocess.run(
        [sys.executable, "-c", own],
        cwd=CHAPTER.parent,
        env=os.environ | {"MPLBACKEND": "Agg", "UNROLLED_PROGRESS": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert "1300 days, 2012-01-02 to" in run.stdout
    assert "PriceWarning" not in run.stderr
