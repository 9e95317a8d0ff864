"""Forecast volatility from a file of daily prices, with an interval and the
baselines' scores."""

import argparse
import json
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from utils import commands
from utils.commands import UnusableError
from utils.data.prices import (
    BUILT_IN,
    WEEKLY,
    PriceError,
    PriceWarning,
    large_moves,
    load_prices,
    median_spacing,
)
from utils.data.remedies import flag
from utils.forecasting.forecaster import (
    FEWEST_RATIO_DAYS,
    KINDS,
    SEEDS,
    Forecaster,
    ForecasterError,
    fit_pooled,
    interval,
    load_forecaster,
    return_ratio,
    save_forecaster,
)
from utils.forecasting.scores import qlike
from utils.forecasting.significance import diebold_mariano
from utils.forecasting.splits import Fold, walk_forward
from utils.forecasting.volatility import (
    MONTH,
    VolatilityData,
    ewma,
    forecast_folds,
    gjr_garch,
    make_volatility_data,
    yesterday,
)

MIN_ROWS = 1000
# What a fitted forecaster must read before it can answer.
MIN_ROWS_LOADED = FEWEST_RATIO_DAYS + MONTH + 1
FOLDS = 6
BASELINES = {"yesterday": yesterday, "EWMA": ewma, "GJR-GARCH-t": gjr_garch}
# Before the names of a reader's own columns, among those of the features.
OWN = "column "
# Prices that stand still on more days than this have no range to learn from.
MOST_STILL = 1 / 3
DESCRIPTION = f"""\
Forecast the volatility of the next trading days from daily open, high, low and
close, and volume where there is one.

The first 40 % of the days are for learning only. The rest is forecast
walk-forward in {FOLDS} blocks: every model is fitted again on everything before
each block, and scored on it. The forecast written is one model's: --model names
it, or auto takes the one with the lowest loss on the days before the last
block, so that the last block, which has no part in the choice, says what the
chosen one is worth."""
EPILOG = f"""\
models (chapter 10 derives them):
  har     log variance of the day, the week and the month, by least squares
  lhar    har, and the falls of the day, the week and the month
  linear  least squares on every feature, volume among them
  mlp     har, corrected by networks that see one day's features
  mlp5    the same, with the features of five days side by side
  lstm    har, corrected by recurrent networks
The networks are {SEEDS} of each kind, averaged, and trained as in the chapter.

further features: --features vix,rate reads these columns of the file too, for
linear, mlp, mlp5 and lstm. Each is moved down by one row: the forecast made at
a close sees what stands in the row before, since a column may come out after
the close. They have to be numbers, and on every row.

several files: --prices a.csv b.csv fits one model to all of them at once, on
the dates that they share, and writes a forecast for each into the folder --out,
under the file's name. Each has its own level; the rest is learned from all.

the output has a row for each day at whose close a forecast was made:
  date              that day
  range_volatility  the forecast: root of the mean daily variance over the next
                    --horizon days, in per cent, as Garman and Klass measure it
                    from each day's open, high, low and close. Nights are not
                    in it
  lower upper       its 90 % interval, from the forecast's own past errors;
                    empty before there are enough
  realised          the range volatility that came; empty for the last rows
  return_volatility the forecast for returns from close to close, nights
                    included: range_volatility times the root of mean squared
                    return over mean range variance in the 504 days before
Use return_volatility wherever a daily return's standard deviation is asked
for: range_volatility is about a quarter smaller.

scores: mean QLIKE (small is good), the share of HAR's that a model saves, and
the Diebold-Mariano statistic against HAR (below -2: better, by more than luck).

examples:
  python -m utils.forecasting --prices sp500 --out forecast.csv
  python -m utils.forecasting --prices mine.csv --sep ';' --decimal , \\
      --horizon 5 --model lhar --out forecast.csv --save fitted/
  python -m utils.forecasting --prices newer.csv --load fitted/ --out new.csv
  python -m utils.forecasting --prices aapl.csv msft.csv --out forecasts/

{MIN_ROWS} days are the least that is accepted ({MIN_ROWS_LOADED} with --load),
daily ones. The exports of Yahoo (yfinance), nasdaq.com and investing.com are
read as they are. A forecast of volatility says how far prices may move, not
where to: this is teaching material, not investment advice."""


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m utils.forecasting",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--prices",
        required=True,
        nargs="+",
        metavar="FILE",
        help='a CSV file, or several, or "sp500" or "nasdaq"',
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="CSV file to write; of several forecasts the folder",
    )
    parser.add_argument(
        "--force", action="store_true", help="replace --out where it exists"
    )
    parser.add_argument(
        "--horizon",
        type=_horizon,
        help="trading days ahead, 1 to 22 (default 1)",
    )
    parser.add_argument(
        "--model",
        choices=["auto", *map(str.lower, KINDS)],
        metavar="MODEL",
        help=f"auto (default) or {', '.join(map(str.lower, KINDS))}",
    )
    parser.add_argument(
        "--features",
        type=_names,
        metavar="COLUMNS",
        help="further columns of the file to learn from, with commas between",
    )
    parser.add_argument(
        "--save", type=Path, help="folder for the fitted forecaster"
    )
    parser.add_argument(
        "--load", type=Path, help="folder of a fitted forecaster, used as it is"
    )
    parser.add_argument(
        "--allow-jumps",
        action="store_true",
        help="accept closes that move by more than 40 %% in a day",
    )
    parser.add_argument(
        "--json", action="store_true", help="print the summary as JSON"
    )
    parser.add_argument(
        "--quiet", action="store_true", help="no progress, no warnings"
    )
    file = parser.add_argument_group("how to read the file")
    file.add_argument(
        "--sep",
        type=commands.character,
        default=",",
        help="separator of fields; \\t is a tab (default ,)",
    )
    file.add_argument(
        "--decimal",
        type=commands.character,
        default=".",
        help="decimal mark (default .)",
    )
    file.add_argument(
        "--thousands",
        type=commands.character,
        help="separator of thousands, where the file leaves it open",
    )
    file.add_argument(
        "--encoding",
        type=commands.encoding,
        default="utf-8",
        help="default utf-8",
    )
    file.add_argument(
        "--date-format", help="as in strptime, or s or ms since 1970"
    )
    order = file.add_mutually_exclusive_group()
    order.add_argument(
        "--dayfirst", action="store_true", default=None, help="03/04: in April"
    )
    order.add_argument(
        "--monthfirst",
        dest="dayfirst",
        action="store_false",
        help="03/04: in March",
    )
    options = parser.parse_args(arguments)
    if options.load is not None:
        for name in ("model", "horizon", "save", "features"):
            if getattr(options, name) is not None:
                parser.error(
                    f"argument --{name}: not with --load, which brings its own"
                )
    if len(options.prices) > 1:
        for name in ("load", "save"):
            if getattr(options, name) is not None:
                parser.error(
                    f"argument --{name}: one file at a time; --prices names "
                    f"{len(options.prices)}"
                )
    options.horizon = options.horizon or 1
    options.model = options.model or "auto"
    options.features = options.features or ()
    if options.features and options.model in ("har", "lhar"):
        parser.error(
            f"argument --features: {options.model} reads none; use --model "
            "auto, linear, mlp, mlp5 or lstm"
        )
    return options


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0, 2 for what cannot be used, 130 when
    interrupted."""
    options = parse_arguments(arguments)
    errors: tuple[type[Exception], ...] = (PriceError, ForecasterError)
    if options.load is not None:
        from utils.training.checkpoints import CheckpointError

        errors += (CheckpointError,)
    return commands.run(
        lambda: _forecast(options), errors, "stopped; nothing was written"
    )


def _forecast(options: argparse.Namespace) -> None:
    inputs = [Path(name) for name in options.prices if name not in BUILT_IN]
    outs = _outs(options)
    if len(outs) > 1:
        commands.check_folder(options.out, "--out")
    for out in outs:
        if len(outs) == 1 or options.out.is_dir():
            commands.check_file(out, options.force, inputs)
    if options.save is not None:
        commands.check_folder(options.save, "--save")
        if any(options.save.glob("checkpoint-*")) and not options.force:
            raise UnusableError(
                f"--save {options.save} holds a forecaster already; give "
                "another folder, or --force to replace it"
            )
    if options.load is None:
        _fit(options)
    else:
        _use(options)


def _outs(options: argparse.Namespace) -> list[Path]:
    """Name the file to write for each file of prices."""
    if len(options.prices) == 1:
        return [options.out]
    names = [Path(name).stem for name in options.prices]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise UnusableError(
                f"--prices {options.prices[names.index(name)]} and "
                f"{options.prices[at]} would both be forecast in {name}.csv; "
                "rename one"
            )
    return [options.out / f"{name}.csv" for name in names]


@dataclass(frozen=True)
class Walk:
    """The forecasts of a walk through the past, and where they were scored.

    Attributes:
        markets: features and targets of each, on the same dates.
        first: the first origin that was forecast.
        last: the first origin of the last block.
        forecasts: by model, of each market; NaN before `first`.
        shaky: models that did not converge in some block.
    """

    markets: list[VolatilityData]
    first: int
    last: int
    forecasts: dict[str, list[np.ndarray]]
    shaky: frozenset[str]

    @property
    def data(self) -> VolatilityData:
        """The first market, for what all of them share."""
        return self.markets[0]

    @property
    def before(self) -> slice:
        """Origins whose outcome was known when the last block began."""
        return slice(self.first, self.last - self.data.horizon + 1)

    @property
    def since(self) -> slice:
        """Origins of the last block whose outcome is known."""
        return slice(self.last, self.data.known)

    def loss(self, model: str, days: slice) -> np.ndarray:
        """Return a model's loss on some days, the markets' mean."""
        losses = [
            qlike(data.target[days], forecast[days])
            for data, forecast in zip(
                self.markets, self.forecasts[model], strict=True
            )
        ]
        return np.mean(losses, axis=0)


def _fit(options: argparse.Namespace) -> None:
    tables = _shared_dates(
        {
            name: _read_prices(options, name, MIN_ROWS, options.features)
            for name in options.prices
        },
        options.quiet,
    )
    markets = [
        _data(prices, options.horizon, options.features) for prices in tables
    ]
    kinds: tuple[str, ...] = KINDS
    if options.model != "auto":
        kinds = _unique("HAR", _kind(options.model))
    walk = walk_through(markets, kinds, quiet=options.quiet)
    chosen = _kind(options.model)
    if options.model == "auto":
        chosen = min(
            kinds, key=lambda kind: walk.loss(kind, walk.before).mean()
        )
    forecasters = fit_pooled(chosen, markets, np.arange(walk.data.known))
    written = [
        _table(walk, at, chosen, forecaster)
        for at, forecaster in enumerate(forecasters)
    ]
    outs = _outs(options)
    if len(outs) > 1:
        options.out.mkdir(parents=True, exist_ok=True)
    for out, (table, _) in zip(outs, written, strict=True):
        commands.write_whole(out, partial(_csv, table))
    if options.save is not None:
        past = slice(walk.first, walk.data.known)
        save_forecaster(
            options.save,
            forecasters[0],
            written[0][1][past],
            walk.data.dates[past],
        )
    summaries = [
        _summary(name, out, data, prices, table, chosen)
        for name, out, data, prices, (table, _) in zip(
            options.prices, outs, markets, tables, written, strict=True
        )
    ]
    if options.json:
        scores = {"scores": _scores(walk)}
        several: dict[str, Any] = {"forecasts": summaries}
        whole = summaries[0] if len(summaries) == 1 else several
        print(json.dumps(whole | scores, indent=2))
        return
    print(_score_table(walk))
    print(_choice(options, walk, kinds, chosen))
    for summary in summaries:
        if len(summaries) > 1:
            print(f"\n{summary['prices']}")
        _say(options, summary)
    print("Not investment advice.")


def _table(
    walk: Walk, market: int, chosen: str, forecaster: Forecaster
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a market's table, and the log errors that it rests on."""
    data = walk.markets[market]
    forecast = walk.forecasts[chosen][market].copy()
    # The walk's last block ends today, with a model as old as the block; for
    # today it is fitted on all that is known.
    forecast[-1] = forecaster.variance(data)[-1]
    with np.errstate(invalid="ignore"):
        errors = np.log(data.target) - np.log(forecast)
    return forecast_table(data, forecast, errors).iloc[walk.first :], errors


def _data(
    prices: pd.DataFrame, horizon: int, features: Sequence[str]
) -> VolatilityData:
    """Make features and targets; a reader's own columns come a row late."""
    own = prices[list(features)].shift(1).add_prefix(OWN)
    return make_volatility_data(prices, horizon, extra=own)


def _shared_dates(
    tables: dict[str, pd.DataFrame], quiet: bool
) -> list[pd.DataFrame]:
    """Cut several files to the dates that all of them have."""
    if len(tables) == 1:
        return list(tables.values())
    every = list(tables.values())
    shared = every[0].index
    for table in every:
        shared = shared.intersection(table.index)
    if len(shared) < MIN_ROWS:
        spans = "; ".join(
            f"{name} from {table.index[0]:%Y-%m-%d} to "
            f"{table.index[-1]:%Y-%m-%d}"
            for name, table in tables.items()
        )
        raise PriceError(
            f"the files of --prices share {len(shared):,} dates, and "
            f"{MIN_ROWS:,} are needed: {spans}; forecast them one by one, or "
            "leave one out"
        )
    for name, table in tables.items():
        alone = table.index.difference(shared)
        if len(alone) and not quiet:
            print(
                f"warning: {name}: {len(alone):,} of {len(table):,} rows are "
                "left out, the last of "
                f"{alone[-1]:%Y-%m-%d}, for another file lacks these dates",
                file=sys.stderr,
            )
    return [table.loc[shared] for table in every]


def _use(options: argparse.Namespace) -> None:
    forecaster, past = load_forecaster(options.load)
    (name,) = options.prices
    own = [
        each.removeprefix(OWN)
        for each in forecaster.features
        if each.startswith(OWN)
    ]
    prices = _read_prices(options, name, MIN_ROWS_LOADED, own)
    data = _data(prices, forecaster.horizon, own)
    first = int(data.dates.searchsorted(pd.Timestamp(forecaster.fitted)))
    if first == len(data.dates):
        raise ForecasterError(
            f"{name} ends on {data.dates[-1]:%Y-%m-%d}, and the "
            f"forecaster was fitted on {forecaster.fitted}: it has seen all of "
            "these days; give newer prices"
        )
    forecast = forecaster.variance(data)
    errors = np.log(data.target) - np.log(forecast)
    known = data.dates.searchsorted(past.index[-1], side="right")
    # Errors made when it was fitted, then those on the new days.
    joined = np.r_[past.to_numpy(), errors[known:]]
    whole = np.full(len(data.dates) + len(joined), np.nan)
    whole[-len(joined) :] = joined
    bounds = [
        each[-len(data.dates) :] for each in interval(whole, data.horizon)
    ]
    table = forecast_table(data, forecast, errors, bounds).iloc[first:]
    commands.write_whole(options.out, lambda path: _csv(table, path))
    summary = _summary(name, options.out, data, prices, table, forecaster.kind)
    summary["fitted"] = forecaster.fitted
    if options.json:
        print(json.dumps(summary, indent=2))
        return
    print(
        f"{forecaster.kind}, fitted at the close of {forecaster.fitted}: "
        f"{len(table)} forecast{'s' if len(table) > 1 else ''} from that day "
        "on."
    )
    _say(options, summary)
    print("Not investment advice.")


def _read_prices(
    options: argparse.Namespace,
    name: str,
    least: int,
    features: Sequence[str],
) -> pd.DataFrame:
    """Load prices, say what was found in them, and refuse what no model can
    learn from."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PriceWarning)
        prices = load_prices(
            name,
            sep=options.sep,
            decimal=options.decimal,
            thousands=options.thousands,
            encoding=options.encoding,
            date_format=options.date_format,
            dayfirst=options.dayfirst,
            extra=features,
            spell=flag,
        )
    _check_usable(prices, name, options.allow_jumps)
    if len(prices) < least:
        raise PriceError(
            f"{name} has {len(prices):,} rows, and {least:,} are needed"
        )
    for warning in caught:
        if issubclass(warning.category, PriceWarning) and not options.quiet:
            print(f"warning: {warning.message}", file=sys.stderr)
    return prices


def _check_usable(prices: pd.DataFrame, name: str, jumps_too: bool) -> None:
    spacing = median_spacing(pd.DatetimeIndex(prices.index))
    if spacing >= WEEKLY:
        weekly = "weekly" if spacing == 7 else "no daily"
        raise PriceError(
            f"{name}: rows are {spacing:.0f} days apart: these are {weekly} "
            "prices, and the features are a day's, a week's and a month's; "
            "give daily ones"
        )
    still = (prices["high"] == prices["low"]).to_numpy()
    if still.mean() > MOST_STILL or still[-MONTH:].all():
        raise PriceError(
            f"{name}: high equals low on {still.sum():,} of {len(still):,} "
            f"days, and on {still[-MONTH:].sum()} of the last {MONTH}: without "
            "a range there is no volatility to learn from. Give a file whose "
            "high and low are the day's, not copies of the close"
        )
    jumps = large_moves(prices)
    if len(jumps) and not jumps_too:
        raise PriceError(
            f"{name}: close moves by {100 * jumps.iloc[0]:+.0f} % on "
            f"{jumps.index[0]:%Y-%m-%d}"
            + (
                f", and {len(jumps) - 1} more such days"
                if jumps[1:].any()
                else ""
            )
            + ": adjust the prices for splits, or pass --allow-jumps if they "
            "did move so far"
        )


def walk_through(
    markets: list[VolatilityData],
    kinds: tuple[str, ...],
    quiet: bool = False,
) -> Walk:
    """Forecast the last 60 % of the days in blocks, with every baseline and
    every kind of model, fitted again before each.

    A model is marked as shaky where arch warns that an optimiser did not
    converge, by the warning's class: its words name a code.
    """
    from arch.utility.exceptions import ConvergenceWarning

    data = markets[0]
    count = len(data.dates)
    first = int(0.4 * count)
    size = -(-(count - first) // FOLDS)
    folds = list(walk_forward(count, first, size, gap=data.horizon - 1))
    forecasts = {
        name: [np.full(count, np.nan) for _ in markets]
        for name in (*BASELINES, *kinds)
    }
    shaky = set()
    with commands.progress(len(forecasts) * FOLDS, "fits", quiet) as bar:
        for name, rows in forecasts.items():
            bar.set_description(name)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                for fold in folds:
                    for row, each in zip(
                        rows, _block(name, markets, fold), strict=True
                    ):
                        row[fold.test] = each[fold.test]
                    bar.update()
            if any(issubclass(w.category, ConvergenceWarning) for w in caught):
                shaky.add(name)
    return Walk(
        markets, first, int(folds[-1].test[0]), forecasts, frozenset(shaky)
    )


def _block(
    name: str, markets: list[VolatilityData], fold: Fold
) -> list[np.ndarray]:
    """Fit on a fold's past, a baseline to each market and a model to all of
    them; return a forecast for each."""
    if name in BASELINES:
        return [
            forecast_folds(data, BASELINES[name], [fold]) for data in markets
        ]
    return [
        forecaster.variance(data)
        for forecaster, data in zip(
            fit_pooled(name, markets, fold.train), markets, strict=True
        )
    ]


def forecast_table(
    data: VolatilityData,
    forecast: np.ndarray,
    errors: np.ndarray,
    bounds: list[np.ndarray] | None = None,
) -> pd.DataFrame:
    """Put forecast, interval and truth side by side, as daily volatility in
    per cent."""
    lower, upper = bounds or interval(errors, data.horizon)
    variances = {
        "range_volatility": forecast,
        "lower": forecast * np.exp(lower),
        "upper": forecast * np.exp(upper),
        "realised": data.target,
        "return_volatility": forecast * return_ratio(data),
    }
    return pd.DataFrame(
        {name: 100 * np.sqrt(each) for name, each in variances.items()},
        index=pd.Index(data.dates, name="date"),
    )


def _csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, float_format="%.6g", date_format="%Y-%m-%d")


def _scores(walk: Walk) -> dict[str, dict[str, float]]:
    """Compare every model with HAR before the last block and in it."""
    scores = {}
    horizon = walk.data.horizon
    for name in walk.forecasts:
        row: dict[str, float] = {}
        for part, days in (("before", walk.before), ("last", walk.since)):
            loss, reference = walk.loss(name, days), walk.loss("HAR", days)
            row[f"{part}_qlike"] = float(loss.mean())
            row[f"{part}_saves"] = float(1 - loss.mean() / reference.mean())
            if name != "HAR":
                row[f"{part}_dm"] = diebold_mariano(
                    loss, reference, horizon
                ).statistic
        scores[name] = row
    return scores


def _score_table(walk: Walk) -> str:
    dates, last = walk.data.dates, walk.last
    scores = _scores(walk)
    lines = [
        f"{walk.data.horizon} trading day(s) ahead, forecast from "
        f"{dates[walk.first]:%Y-%m-%d} on and scored:",
        f"{'':14}{'until ' + format(dates[last - 1], '%Y-%m-%d'):>25}"
        f"{'the last block, since':>26}",
        f"{'':14}" + 2 * f"{'QLIKE':>9}{'saves':>9}{'DM':>7} ",
    ]
    for name, row in scores.items():
        line = f"{name + '*' * (name in walk.shaky):14}"
        for part in ("before", "last"):
            line += f"{row[f'{part}_qlike']:9.3f}"
            line += f"{100 * row[f'{part}_saves']:8.1f}%"
            statistic = row.get(f"{part}_dm")
            line += f"{'':7} " if statistic is None else f"{statistic:+7.1f} "
        lines.append(line.rstrip())
    if walk.shaky:
        lines.append("* did not converge in some block")
    if len(walk.markets) > 1:
        lines.append(
            f"QLIKE is the mean of {len(walk.markets)} files, day by day."
        )
    return "\n".join(map(str.rstrip, lines))


def _choice(
    options: argparse.Namespace,
    walk: Walk,
    kinds: tuple[str, ...],
    chosen: str,
) -> str:
    if options.model != "auto":
        return f"\nThe forecast is {chosen}'s, as asked."
    return (
        f"\nThe forecast is {chosen}'s, which of {', '.join(kinds)}\nhas the "
        f"lowest QLIKE until {walk.data.dates[walk.last - 1]:%Y-%m-%d}; the "
        "last block had no part in\nthe choice."
    )


def _summary(
    name: str,
    out: Path,
    data: VolatilityData,
    prices: pd.DataFrame,
    table: pd.DataFrame,
    model: str,
) -> dict[str, Any]:
    """Say in numbers what the forecasts were worth, and what the last one
    is."""
    ready = table.dropna()
    held = ready["realised"].between(ready["lower"], ready["upper"])
    close = np.log(prices["close"])
    ahead = (close.shift(-data.horizon) - close).reindex(table.index)
    scaled = ahead / (table["return_volatility"] / 100 * np.sqrt(data.horizon))
    scaled = scaled.dropna()
    latest = table.iloc[-1]
    return {
        "prices": name,
        "model": model,
        "horizon": data.horizon,
        "date": f"{table.index[-1]:%Y-%m-%d}",
        "next": f"{_next_day(data.dates):%Y-%m-%d}",
        "range_volatility": float(latest["range_volatility"]),
        "lower": _finite(latest["lower"]),
        "upper": _finite(latest["upper"]),
        "return_volatility": _finite(latest["return_volatility"]),
        "coverage": float(held.mean()) if len(held) else None,
        "coverage_days": len(held),
        "standardised_returns": {
            "days": len(scaled),
            "deviation": _finite(scaled.std()),
            "beyond_1.96": _finite((scaled.abs() > 1.96).mean()),
        },
        "rows": len(table),
        "out": str(out),
    }


def _say(options: argparse.Namespace, summary: dict[str, Any]) -> None:
    """Print a summary as sentences."""
    horizon = summary["horizon"]
    if summary["coverage"] is not None:
        print(
            f"Its 90 % intervals held {100 * summary['coverage']:.1f} % of "
            f"{summary['coverage_days']:,} days."
        )
    spread = summary["standardised_returns"]
    if spread["days"] > 1:
        print(
            "Returns over return_volatility had a standard deviation of "
            f"{spread['deviation']:.2f} (1 is right),\n"
            f"and {100 * spread['beyond_1.96']:.1f} % lay beyond 1.96 (5 % if "
            "they were normal)."
        )
    if horizon > 1:
        print(
            f"Forecasts {horizon} days ahead overlap: {summary['rows']:,} rows "
            f"are worth about {summary['rows'] // horizon:,}."
        )
    days = "trading day" if horizon == 1 else f"{horizon} trading days"
    print(
        f"\nAt the close of {summary['date']}, for the next {days}\n"
        f"(from {summary['next']} on, when it opens), in per cent a day:"
    )
    range_line = f"{summary['range_volatility']:6.2f}"
    if summary["lower"] is None:
        range_line += "   no interval: too few past errors"
    else:
        range_line += (
            f"   90 % interval {summary['lower']:.2f} to {summary['upper']:.2f}"
        )
    print(f"  range volatility, open to close   {range_line}")
    if summary["return_volatility"] is not None:
        print(
            "  return volatility, close to close "
            f"{summary['return_volatility']:6.2f}"
        )
    print(f"\nWrote {summary['rows']:,} rows to {summary['out']}.")
    if options.save is not None:
        print(f"The fitted forecaster is in {options.save}.")


def _next_day(dates: pd.DatetimeIndex) -> pd.Timestamp:
    """Return the first day that may be the next trading day: no weekend, where
    the prices have none."""
    following = dates[-1] + pd.Timedelta(days=1)
    while following.day_of_week not in set(dates.day_of_week):
        following += pd.Timedelta(days=1)
    return following


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _kind(name: str) -> str:
    return {kind.lower(): kind for kind in KINDS}.get(name, name)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names) or len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no list of columns like vix,rate, each named once"
        )
    return names


def _unique(*names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _horizon(text: str) -> int:
    if not 1 <= int(text) <= MONTH:
        raise argparse.ArgumentTypeError(
            f"{text} is not from 1 to {MONTH} trading days"
        )
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
