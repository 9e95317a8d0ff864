"""Forecast volatility from a file of daily prices, with an interval and the
baselines' scores."""

import argparse
import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from utils.data.prices import PriceError, PriceWarning, load_prices
from utils.forecasting.intervals import conformal_interval
from utils.forecasting.recurrent import lstm_correction
from utils.forecasting.scores import qlike
from utils.forecasting.significance import diebold_mariano
from utils.forecasting.splits import walk_forward
from utils.forecasting.volatility import (
    VolatilityData,
    ewma,
    forecast_folds,
    gjr_garch,
    har,
    lhar,
    make_volatility_data,
    yesterday,
)

MIN_ROWS = 1000
FOLDS = 6
WINDOW = 252
BEST = "LSTM correction to HAR"
MODELS = {
    "yesterday": yesterday,
    "EWMA": ewma,
    "GJR-GARCH-t": gjr_garch,
    "HAR": har,
    "LHAR": lhar,
    BEST: lstm_correction,
}
DESCRIPTION = f"""\
Forecast the volatility of the next days from daily open, high, low, close and
volume.

The first 40 % of the days are for learning only. The rest is forecast
walk-forward in {FOLDS} blocks, with every model fitted again on everything
before each block, and scored. The forecast written is that of the book's best
model, an LSTM's correction to HAR, for each of these days and for the days
after the last one."""
EPILOG = f"""\
The output has a row for each day on which a forecast was made:
  date        the day at whose close the forecast was made
  volatility  forecast for the next --horizon days: root of the mean daily
              variance, in per cent
  lower upper the 90 % interval, from the last {WINDOW} errors known then; empty
              before these exist
  realised    what came (Garman and Klass's measure); empty for the last rows
The scores go to the screen: mean QLIKE, the share of HAR's that a model saves,
and the Diebold-Mariano statistic against HAR (below -2: better, by more than
luck).

examples:
  python -m utils.forecasting --prices sp500 --horizon 1 --out forecast.csv
  python -m utils.forecasting --prices mine.csv --sep ';' --decimal , \\
      --horizon 5 --out forecast.csv

{MIN_ROWS} days are the least that is accepted. A forecast of volatility says
how far prices may move, not where to. This is teaching material and no advice
to trade."""


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m utils.forecasting",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--prices", required=True, help='a CSV file, or "sp500" or "nasdaq"'
    )
    parser.add_argument(
        "--horizon", type=int, default=1, help="days ahead (default 1)"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="CSV file to write"
    )
    parser.add_argument(
        "--sep", default=",", help="separator of fields (default ,)"
    )
    parser.add_argument(
        "--decimal", default=".", help="decimal mark (default .)"
    )
    parser.add_argument(
        "--encoding", default="utf-8", help="of the file (default utf-8)"
    )
    parser.add_argument(
        "--date-format", help="as in strptime, or s or ms since 1970"
    )
    order = parser.add_mutually_exclusive_group()
    order.add_argument(
        "--dayfirst", action="store_true", default=None, help="31/01/2020"
    )
    order.add_argument(
        "--monthfirst", dest="dayfirst", action="store_false", help="01/31/2020"
    )
    options = parser.parse_args(arguments)
    if not 1 <= options.horizon <= 22:
        parser.error(
            f"argument --horizon: {options.horizon} is not from 1 to 22 days"
        )
    if not options.out.parent.is_dir():
        parser.error(
            f"argument --out: there is no folder {str(options.out.parent)!r}"
        )
    return options


def score_table(
    data: VolatilityData, forecasts: dict[str, np.ndarray], first: int
) -> str:
    """Compare every model with HAR on the days whose truth is known."""
    known = slice(first, data.known)
    losses = {
        name: qlike(data.target[known], each[known])
        for name, each in forecasts.items()
    }
    reference = losses["HAR"]
    lines = [f"{'':24}{'QLIKE':>8}{'saves':>9}{'DM':>7}"]
    for name, loss in losses.items():
        saved = 100 * (1 - loss.mean() / reference.mean())
        line = f"{name:24}{loss.mean():8.3f}{saved:8.1f}%"
        if name != "HAR":
            compared = diebold_mariano(loss, reference, data.horizon)
            line += f"{compared.statistic:+7.1f}"
        lines.append(line)
    return "\n".join(lines)


def forecast_table(
    data: VolatilityData, forecast: np.ndarray, first: int
) -> pd.DataFrame:
    """Put forecast, interval and truth side by side, as daily volatility in
    per cent."""
    with np.errstate(invalid="ignore"):
        errors = np.log(data.target) - np.log(forecast)
    lower, upper = conformal_interval(
        errors, window=WINDOW, horizon=data.horizon
    )
    variances = {
        "volatility": forecast,
        "lower": forecast * np.exp(lower),
        "upper": forecast * np.exp(upper),
        "realised": data.target,
    }
    table = pd.DataFrame(
        {name: 100 * np.sqrt(each) for name, each in variances.items()},
        index=pd.Index(data.dates, name="date"),
    )
    return table.iloc[first:]


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0, or 2 when the prices cannot be used."""
    options = parse_arguments(arguments)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PriceWarning)
        try:
            prices = load_prices(
                options.prices,
                sep=options.sep,
                decimal=options.decimal,
                encoding=options.encoding,
                date_format=options.date_format,
                dayfirst=options.dayfirst,
                min_rows=MIN_ROWS,
            )
        except (PriceError, FileNotFoundError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    for warning in caught:
        if issubclass(warning.category, PriceWarning):
            print(f"warning: {warning.message}", file=sys.stderr)
    data = make_volatility_data(prices, options.horizon)
    count = len(data.dates)
    first = int(0.4 * count)
    size = -(-(count - first) // FOLDS)
    folds = list(walk_forward(count, first, size, gap=options.horizon - 1))
    forecasts = {
        name: forecast_folds(data, model, folds)
        for name, model in MODELS.items()
    }
    print(score_table(data, forecasts, first))
    table = forecast_table(data, forecasts[BEST], first)
    # Written beside its place and moved there whole, so that no reader meets
    # half a file.
    partial = options.out.with_name(options.out.name + ".partial")
    table.to_csv(partial, float_format="%.6g", date_format="%Y-%m-%d")
    os.replace(partial, options.out)
    latest = table.iloc[-1]
    print(
        f"\nAfter {data.dates[-1]:%Y-%m-%d}, the next {options.horizon} "
        "day(s): volatility "
        f"{latest['volatility']:.2f} % a day, 90 % interval "
        f"{latest['lower']:.2f} to "
        f"{latest['upper']:.2f} %.\nWrote {len(table)} rows to "
        f"{options.out.name}."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
