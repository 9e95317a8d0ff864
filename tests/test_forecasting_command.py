"""The command on files as readers have them: what it reads, what it refuses,
what it writes, and what its intervals hold."""

import dataclasses
import functools
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from utils import commands, forecasting
from utils.data import prices as loader
from utils.forecasting import __main__ as command
from utils.forecasting.__main__ import main, walk_through
from utils.forecasting.forecaster import (
    KINDS,
    errors_needed,
    fit_forecaster,
    fit_pooled,
    interval,
    load_forecaster,
    return_ratio,
)

OPEN_CLOSE = ["Open", "High", "Low", "Close"]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Leave out the bar and the baselines that take long."""
    monkeypatch.setenv("UNROLLED_PROGRESS", "0")
    monkeypatch.setattr(
        command, "BASELINES", {"yesterday": forecasting.yesterday}
    )
    monkeypatch.setattr(
        command,
        "fit_pooled",
        functools.partial(fit_pooled, seeds=1, epochs=1),
    )


@pytest.fixture(scope="module")
def bars():
    """Return 1,100 weekdays of prices above 1,000 whose volatility comes in
    waves."""
    rng = np.random.default_rng(0)
    count = 1100
    shocks = rng.normal(size=count) * 0.15
    log_variance = np.zeros(count)
    for day in range(1, count):
        log_variance[day] = 0.95 * log_variance[day - 1] + shocks[day]
    sizes = 0.008 * np.exp(log_variance / 2)
    steps = rng.normal(size=(count, 32)) * sizes[:, None] / np.sqrt(32)
    night = rng.normal(size=count) * sizes / 2
    start = np.log(1500) + np.cumsum(night + np.r_[0, steps.sum(1)[:-1]])
    paths = np.exp(start[:, None] + np.c_[np.zeros(count), steps.cumsum(1)])
    return pd.DataFrame(
        {
            "Date": pd.bdate_range("2013-01-02", periods=count),
            "Open": paths[:, 0],
            "High": paths.max(1),
            "Low": paths.min(1),
            "Close": paths[:, -1],
            "Volume": rng.integers(2_000_000, 9_000_000, count),
        }
    ).round(dict.fromkeys(OPEN_CLOSE, 2))


def write(path: Path, table: pd.DataFrame, **options) -> Path:
    table.to_csv(path, **{"index": False, "date_format": "%Y-%m-%d"} | options)
    return path


def market(bars, horizon=1):
    prices = bars.set_index("Date").rename(columns=str.lower).astype(float)
    return forecasting.make_volatility_data(prices, horizon)


def forecast(path, out, *more) -> int:
    return main(["--prices", str(path), "--out", str(out), *more])


def stamped(bars, zone):
    """Write dates as pandas writes those of a time zone."""
    days = bars["Date"].dt.tz_localize(zone)
    return bars.assign(Date=[str(day) for day in days])


def nasdaq(bars):
    prices = {name: bars[name].map("${:.2f}".format) for name in OPEN_CLOSE}
    table = bars.assign(Date=bars["Date"].dt.strftime("%m/%d/%Y"), **prices)
    table = table.rename(columns={"Close": "Close/Last"})
    order = ["Date", "Close/Last", "Volume", "Open", "High", "Low"]
    return table[order].iloc[::-1]


def investing(bars):
    prices = {name: bars[name].map("{:,.2f}".format) for name in OPEN_CLOSE}
    table = bars.assign(Date=bars["Date"].dt.strftime("%m/%d/%Y"), **prices)
    table["Vol."] = (bars["Volume"] / 1e6).map("{:.2f}M".format)
    table["Change %"] = "0.10%"
    table = table.rename(columns={"Close": "Price"}).drop(columns="Volume")
    order = ["Date", "Price", "Open", "High", "Low", "Vol.", "Change %"]
    return table[order].iloc[::-1]


def shown(bars, names, form="{:,.2f}"):
    return bars.assign(**{name: bars[name].map(form.format) for name in names})


def still(bars, days):
    table = bars.copy()
    price = float(bars["Close"].iloc[days].iloc[0])
    table.iloc[days, [bars.columns.get_loc(name) for name in OPEN_CLOSE]] = (
        price
    )
    return table


# What is written, by which options, the flags that read it, and what must be
# said about it.
READ = {
    "plain": (lambda bars: bars, {}, [], []),
    "byte order mark": (
        lambda bars: bars,
        {"encoding": "utf-8-sig"},
        [],
        [],
    ),
    "UTC": (lambda bars: stamped(bars, "UTC"), {}, [], []),
    "yfinance .history()": (
        lambda bars: stamped(bars, "America/New_York"),
        {},
        [],
        [],
    ),
    "Adj Close": (
        lambda bars: bars.assign(**{"Adj Close": bars["Close"] * 0.9}),
        {},
        [],
        [],
    ),
    "index column": (lambda bars: bars, {"index": True}, [], []),
    "tiny prices": (
        lambda bars: bars.assign(
            **{name: bars[name] * 1e-8 for name in OPEN_CLOSE}
        ),
        {},
        [],
        [],
    ),
    "a constant offset": (
        lambda bars: stamped(bars, "Etc/GMT-8"),
        {},
        [],
        [],
    ),
    "blank rows": (
        lambda bars: pd.concat(
            [bars[:500], bars[:1].map(lambda _: ""), bars[500:]]
        ),
        {},
        [],
        [],
    ),
    "a penny stock": (
        # Two dollars' worth of digits: many days without a range.
        lambda bars: bars.assign(
            **{
                name: (bars[name] / 1e4).round(3).clip(lower=0.001)
                for name in OPEN_CLOSE
            }
        ),
        {},
        [],
        ["high equals low on"],
    ),
    "volume in thousands": (
        lambda bars: bars.assign(
            Volume=(bars["Volume"] / 1e3).map("{:.1f}K".format)
        ),
        {},
        [],
        [],
    ),
    "volume in billions": (
        lambda bars: bars.assign(
            Volume=(bars["Volume"] / 1e6).map("{:.1f}B".format)
        ),
        {},
        [],
        [],
    ),
    "nasdaq.com": (nasdaq, {}, [], ["month/day", "descending"]),
    "investing.com": (
        investing,
        {"quoting": 1},
        [],
        ["month/day", "','", "thousands separator"],
    ),
    "thousands": (
        lambda bars: shown(bars, OPEN_CLOSE),
        {},
        [],
        ["thousands separator"],
    ),
    "thousands of whole prices": (
        lambda bars: shown(bars, OPEN_CLOSE, "{:,.0f}"),
        {},
        ["--thousands", ","],
        [],
    ),
    "volume with thousands": (
        lambda bars: shown(bars, ["Volume"], "{:,d}"),
        {},
        [],
        ["thousands separator"],
    ),
    "no volume": (
        lambda bars: bars.drop(columns="Volume"),
        {},
        [],
        ["has no volume"],
    ),
    "volume all NaN": (
        lambda bars: bars.assign(Volume=np.nan),
        {},
        [],
        ["has no volume"],
    ),
    "volume all zero": (
        lambda bars: bars.assign(Volume=0),
        {},
        [],
        ["zero on every day"],
    ),
    "semicolons and decimal commas": (
        lambda bars: bars,
        {"sep": ";", "decimal": ","},
        ["--sep", ";", "--decimal", ","],
        [],
    ),
    "tabs": (lambda bars: bars, {"sep": "\t"}, ["--sep", "\\t"], []),
    "cp1252": (
        lambda bars: bars.assign(Währung="€"),
        {"encoding": "cp1252"},
        ["--encoding", "cp1252"],
        [],
    ),
    "UTF-16": (
        lambda bars: bars,
        {"encoding": "utf-16"},
        ["--encoding", "utf-16"],
        [],
    ),
    "a year missing": (
        lambda bars: pd.concat([bars[:500], bars[560:]]),
        {},
        [],
        ["no prices from", "spans them"],
    ),
    "halted for 60 days": (
        lambda bars: still(bars, slice(300, 360)),
        {},
        [],
        ["high equals low on 60 of 1100 days"],
    ),
    "European midnight in UTC": (
        lambda bars: bars.assign(
            Date=(bars["Date"] - pd.Timedelta(hours=1)).dt.strftime(
                "%Y-%m-%d %H:%M:%S+00:00"
            )
        ),
        {},
        [],
        ["Sundays and no Fridays", "a day early"],
    ),
    "unadjusted split, allowed": (
        lambda bars: bars.assign(
            **{
                name: np.where(bars.index < 700, 4, 1) * bars[name]
                for name in OPEN_CLOSE
            }
        ),
        {},
        ["--allow-jumps"],
        ["unadjusted split?"],
    ),
}


@pytest.mark.parametrize("name", READ)
def test_what_exporters_write_is_read(name, bars, tmp_path, capsys):
    change, options, flags, said = READ[name]
    path = write(tmp_path / "mine.csv", change(bars), **options)
    out = tmp_path / "out.csv"
    assert forecast(path, out, "--model", "har", *flags) == 0
    captured = capsys.readouterr()
    for part in said:
        assert part in captured.err
    if not said:
        assert captured.err == ""
    table = pd.read_csv(out, index_col="date", parse_dates=True)
    assert np.isfinite(table["range_volatility"]).all()
    if name not in ("European midnight in UTC",):
        assert table.index[-1] == bars["Date"].iloc[-1]


def hours(bars):
    return bars.assign(
        Date=pd.date_range("2015-01-02 09:00", periods=len(bars), freq="h")
    )


def with_value(bars, row, column, value):
    table = bars.astype(object)
    table.loc[row, column] = value
    return table


REFUSED = {
    "30 rows": (lambda bars: bars[:30], {}, ["has 30 rows, and 1,000"]),
    "missing value": (
        lambda bars: with_value(bars, 700, "Close", ""),
        {},
        ["mine.csv, line 702, column Close: found '': no value"],
    ),
    "some volumes missing": (
        lambda bars: with_value(bars, 700, "Volume", ""),
        {},
        ["line 702, column Volume: found '': no value"],
    ),
    "duplicate date": (
        lambda bars: pd.concat([bars, bars[5:6]]),
        {},
        ["line 1102, column Date", "duplicate date, also on line 7"],
    ),
    "negative price": (
        lambda bars: with_value(bars, 900, "Low", -37.63),
        {},
        ["line 902, column Low: found '-37.63'", "prices > 0"],
    ),
    "open above high, on 20 days": (
        lambda bars: bars.assign(
            Open=bars["Open"].where(bars.index % 55 != 7, bars["High"] * 1.01)
        ),
        {},
        [
            "line 9, column High",
            "correct the row, or remove it (20 such rows: lines 9, 64",
        ],
    ),
    "several faults": (
        lambda bars: with_value(
            with_value(bars, 10, "Low", "x"), 20, "High", "y"
        ),
        {},
        ["line 12, column Low", "(faults also on lines 22)"],
    ),
    "cp1252": (
        lambda bars: bars.assign(Währung="é"),
        {"encoding": "cp1252"},
        ["line 1: not UTF-8: try --encoding cp1252"],
    ),
    "UTF-16": (
        lambda bars: bars,
        {"encoding": "utf-16"},
        ["not UTF-8: try --encoding utf-16"],
    ),
    "semicolons": (
        lambda bars: bars,
        {"sep": ";", "decimal": ","},
        ["pass --sep ';' --decimal ,"],
    ),
    "tabs": (lambda bars: bars, {"sep": "\t"}, ["pass --sep '\\t'"]),
    "whole prices with thousands": (
        lambda bars: shown(bars, OPEN_CLOSE, "{:,.0f}"),
        {},
        ["column Open", "pass --thousands , if", "--decimal , if"],
    ),
    "days like 20130102": (
        lambda bars: bars,
        {"date_format": "%Y%m%d"},
        ["line 2, column Date", "pass --date-format %Y%m%d"],
    ),
    "ambiguous dates": (
        lambda bars: bars[bars["Date"].dt.day < 13],
        {"date_format": "%d/%m/%Y"},
        ["'02/01/2013'", "pass --dayfirst or --monthfirst"],
    ),
    "empty": (lambda bars: bars[[]], {}, ["has no data rows"]),
    "header only": (lambda bars: bars[:0], {}, ["has no data rows"]),
    "weekly": (
        lambda bars: bars.assign(
            Date=pd.date_range("2002-01-04", periods=1100, freq="7D")
        ),
        {},
        ["rows are 7 days apart: these are weekly prices"],
    ),
    "hourly": (
        hours,
        {"date_format": "%Y-%m-%d %H:%M:%S"},
        ["line 3, column Date", "line 2 is on the same day", "resample('D')"],
    ),
    "constant": (
        lambda bars: still(bars, slice(0, None)),
        {},
        ["high equals low on 1,100 of 1,100 days"],
    ),
    "close only": (
        lambda bars: bars.assign(
            **{name: bars["Close"] for name in OPEN_CLOSE}
        ),
        {},
        ["high equals low on 1,100", "not copies of the close"],
    ),
    "constant second half": (
        lambda bars: still(bars, slice(550, None)),
        {},
        ["22 of the last 22"],
    ),
    "unadjusted split": (
        lambda bars: bars.assign(
            **{
                name: np.where(bars.index < 700, 4, 1) * bars[name]
                for name in OPEN_CLOSE
            }
        ),
        {},
        ["close moves by -7", "--allow-jumps"],
    ),
    "quotation mark never closed": (
        lambda bars: with_value(bars, 3, "Open", '"' + "x" * 140_000),
        {"quoting": 3, "escapechar": "\\"},
        ["is no CSV here", "never closed?"],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_model_can_learn_from_is_refused(name, bars, tmp_path, capsys):
    change, options, said = REFUSED[name]
    path = write(tmp_path / "mine.csv", change(bars), **options)
    assert forecast(path, tmp_path / "out.csv", "--model", "har") == 2
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    for part in said:
        assert part in message
    assert [each.name for each in tmp_path.iterdir()] == ["mine.csv"]


def test_a_file_of_minutes_is_refused_at_its_third_line(
    tmp_path, monkeypatch, capsys
):
    path = tmp_path / "minutes.csv"
    rows = "\n".join(
        f"2020-01-02 {minute // 60:02}:{minute % 60:02},1,1,1,1,5"
        for minute in range(1440)
    )
    path.write_text("Date,Open,High,Low,Close,Volume\n" + rows)
    parsed = []
    real = loader._parse_date
    monkeypatch.setattr(
        loader,
        "_parse_date",
        lambda *given: parsed.append(given) or real(*given),
    )
    assert forecast(path, tmp_path / "out.csv") == 2
    assert "prices within days" in capsys.readouterr().err
    assert len(parsed) == 2


def test_the_input_is_never_replaced(bars, tmp_path, capsys):
    path = write(tmp_path / "mine.csv", bars)
    before = path.read_bytes()
    again = tmp_path / "." / "mine.csv"
    assert forecast(path, again, "--force", "--model", "har") == 2
    assert "is the file that is read" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_an_output_is_checked_before_the_work(
    bars, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(command, "load_prices", None)
    path = write(tmp_path / "mine.csv", bars)
    out = tmp_path / "out.csv"
    out.write_text("mine")
    assert forecast(path, out) == 2
    assert "exists already; give another name, or --force" in (
        capsys.readouterr().err
    )
    assert out.read_text() == "mine"
    assert forecast(path, tmp_path) == 2
    assert "is a folder" in capsys.readouterr().err
    assert forecast(path, tmp_path / "nowhere" / "x.csv") == 2
    assert "there is no folder" in capsys.readouterr().err

    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(commands.tempfile, "TemporaryFile", refuse)
    assert forecast(path, tmp_path / "new.csv") == 2
    assert "nothing can be written to" in capsys.readouterr().err


def test_a_write_that_fails_leaves_nothing_behind(
    bars, tmp_path, capsys, monkeypatch
):
    path = write(tmp_path / "mine.csv", bars)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    assert forecast(path, tmp_path / "out.csv", "--model", "har") == 2
    assert "Permission denied" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["mine.csv"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--horizon", "0"], "not from 1 to 22"),
        (["--horizon", "23"], "not from 1 to 22"),
        (["--sep", ""], "not one character"),
        (["--sep", ";;"], "not one character"),
        (["--encoding", "klingon"], "knows no encoding 'klingon'"),
        (["--model", "transformer"], "invalid choice"),
        # No record of the book says what a GRU is worth here.
        (["--model", "gru"], "invalid choice"),
        (["--features", "vix,,rate"], "no list of columns"),
        (["--features", "vix,vix"], "each named once"),
        (["--features", "vix", "--model", "har"], "har reads none"),
        (["--load", "x", "--features", "vix"], "not with --load"),
        (["--load", "x", "--model", "har"], "not with --load"),
    ],
)
def test_arguments_without_a_sense_are_refused(more, said, capsys):
    with pytest.raises(SystemExit):
        forecast("sp500", "out.csv", *more)
    assert said in capsys.readouterr().err


def test_a_folder_in_the_place_of_prices_is_named(tmp_path, capsys):
    assert forecast(tmp_path, tmp_path / "out.csv") == 2
    assert "is a folder; give the path of one CSV" in capsys.readouterr().err


def test_the_help_says_what_is_forecast_and_what_it_is_not(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    for word in ("range_volatility", "return_volatility", "Nights", "examples"):
        assert word in text
    assert text.count("not investment advice") == 1
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("horizon", [1, 5])
def test_the_model_is_chosen_before_the_last_block_and_named(
    bars, tmp_path, capsys, horizon
):
    path = write(tmp_path / "mine.csv", bars)
    out = tmp_path / "out.csv"
    assert forecast(path, out, "--horizon", str(horizon)) == 0
    printed = capsys.readouterr().out
    rows = {
        line.split()[0]: float(line.split()[1])
        for line in printed.splitlines()
        if line.startswith(KINDS)
    }
    assert rows.keys() == set(KINDS)
    best = min(rows.values())
    chosen = printed.split("The forecast is ")[1].split("'s")[0]
    assert rows[chosen] == best
    assert "no part in the choice" in " ".join(printed.split())
    assert "intervals held" in printed
    assert printed.count("Not investment advice") == 1
    assert ("overlap" in printed) == (horizon > 1)
    printed = printed.replace(str(tmp_path), "")
    assert max(map(len, printed.splitlines())) <= 80
    table = pd.read_csv(out, index_col="date")
    assert table["realised"].isna().sum() == horizon
    assert list(table) == [
        "range_volatility",
        "lower",
        "upper",
        "realised",
        "return_volatility",
    ]
    ready = table.dropna()
    assert (ready["lower"] <= ready["range_volatility"]).all()
    assert (ready["range_volatility"] <= ready["upper"]).all()


def test_the_choice_knows_nothing_of_the_last_block(bars):
    prices = bars.set_index("Date").rename(columns=str.lower).astype(float)
    data = forecasting.make_volatility_data(prices, 5)
    walk = walk_through([data], ("HAR", "LHAR"))
    shaken = prices.copy()
    # The first price that is seen at the close after which the block begins.
    begins = prices.index.get_loc(data.dates[walk.last]) + 1
    shaken.iloc[begins:, 1] *= 1.2
    changed = forecasting.make_volatility_data(shaken, 5)
    other = walk_through([changed], ("HAR", "LHAR"))
    for name in ("HAR", "LHAR"):
        before = walk.loss(name, walk.before)
        np.testing.assert_allclose(other.loss(name, walk.before), before)
        assert (
            other.loss(name, walk.since).mean()
            != walk.loss(name, walk.since).mean()
        )


def test_the_summary_comes_as_json(bars, tmp_path, capsys):
    path = write(tmp_path / "mine.csv", bars)
    out = tmp_path / "out.csv"
    more = ["--model", "lhar", "--json", "--quiet"]
    assert forecast(path, out, *more) == 0
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert captured.err == ""
    assert summary["model"] == "LHAR"
    assert summary["scores"].keys() == {"yesterday", "HAR", "LHAR"}
    last = pd.read_csv(out).iloc[-1]
    assert summary["range_volatility"] == pytest.approx(
        last["range_volatility"], rel=1e-4
    )
    # 2017-03-21 was a Tuesday.
    assert (summary["date"], summary["next"]) == ("2017-03-21", "2017-03-22")


@pytest.mark.parametrize("model", ["lhar", "mlp5", "lstm"])
def test_a_saved_forecaster_goes_on_with_newer_prices(
    bars, tmp_path, capsys, model
):
    path = write(tmp_path / "old.csv", bars[:-10])
    out, folder = tmp_path / "out.csv", tmp_path / "fitted"
    more = ["--model", model, "--save", str(folder)]
    assert forecast(path, out, *more) == 0
    assert {each.suffix for each in folder.iterdir()} == {
        ".json",
        ".safetensors",
    }
    said = pd.read_csv(out, index_col="date").iloc[-1]

    again = tmp_path / "again.csv"
    assert forecast(path, again, "--load", str(folder)) == 0
    table = pd.read_csv(again, index_col="date")
    assert len(table) == 1
    pd.testing.assert_series_equal(table.iloc[0], said, rtol=1e-4)

    newer = write(tmp_path / "new.csv", bars)
    capsys.readouterr()
    assert forecast(newer, again, "--load", str(folder), "--force") == 0
    assert "11 forecasts from that day on" in capsys.readouterr().out
    table = pd.read_csv(again, index_col="date")
    assert len(table) == 11
    assert table["lower"].notna().all()
    assert table["realised"].isna().sum() == 1

    older = write(tmp_path / "older.csv", bars[:-20])
    assert forecast(older, tmp_path / "x.csv", "--load", str(folder)) == 2
    assert "give newer prices" in capsys.readouterr().err
    assert forecast(path, tmp_path / "x.csv", *more) == 2
    assert "holds a forecaster already" in capsys.readouterr().err
    nothing = ["--load", str(tmp_path / "nothing")]
    assert forecast(path, tmp_path / "x.csv", *nothing) == 2
    assert "holds no forecaster" in capsys.readouterr().err


@pytest.mark.parametrize("kind", forecasting.TUNED)
def test_the_fitted_network_is_the_books(bars, kind):
    data = market(bars)
    train = np.arange(400)
    fitted = fit_forecaster(kind, data, train, seeds=1)
    book = forecasting.calibrate(
        data,
        forecasting.recurrent_volatility(
            data, train, seed=0, **forecasting.TUNED[kind]
        ),
        train,
    )
    book = np.clip(book, data.target[train].min(), data.target[train].max())
    np.testing.assert_allclose(fitted.variance(data), book, rtol=5e-3)
    har = fit_forecaster("HAR", data, train).variance(data)
    assert np.abs(np.log(har / book)).mean() > 5e-3


def test_no_forecast_leaves_the_range_that_was_learned_from(bars):
    prices = bars.set_index("Date").rename(columns=str.lower).astype(float)
    data = forecasting.make_volatility_data(prices)
    fitted = fit_forecaster("linear", data, np.arange(600))
    wild = dataclasses.replace(data, features=-50 * data.features)
    told = fitted.variance(wild)
    assert set(told) <= {fitted.least, fitted.most}
    calm = fitted.variance(data)
    assert fitted.least <= calm.min() < calm.max() <= fitted.most
    with pytest.raises(ValueError, match="looks 1 days ahead, not 5"):
        fitted.variance(forecasting.make_volatility_data(prices, 5))
    with pytest.raises(ValueError, match="use one of HAR"):
        fit_forecaster("ARIMA", data, np.arange(600))


def test_intervals_hold_what_they_promise_though_horizons_overlap():
    horizon, rng = 22, np.random.default_rng(1)
    errors = np.convolve(rng.normal(size=30_000), np.ones(horizon), "valid")
    lower, upper = interval(errors, horizon)
    ready = ~np.isnan(lower)
    held = ((errors >= lower) & (errors <= upper))[ready].mean()
    assert held == pytest.approx(0.9, abs=0.015)
    low, high = forecasting.conformal_interval(
        errors, window=252, horizon=horizon
    )
    overlapping = ((errors >= low) & (errors <= high))[ready].mean()
    assert overlapping < held - 0.02

    assert np.flatnonzero(ready)[0] == errors_needed(horizon) * horizon
    changed = errors.copy()
    changed[1000:] = 1e3
    again, _ = interval(changed, horizon)
    # The error made at origin t is known h days later.
    np.testing.assert_array_equal(
        again[: 1000 + horizon], lower[: 1000 + horizon]
    )


def test_returns_are_scaled_by_their_own_past(bars):
    prices = bars.set_index("Date").rename(columns=str.lower).astype(float)
    data = forecasting.make_volatility_data(prices)
    twice = dataclasses.replace(data, returns=2 * np.sqrt(data.variance))
    ratio = return_ratio(twice)
    assert np.isnan(ratio[:251]).all()
    np.testing.assert_allclose(ratio[251:], 4)
    # With nights in it, a return varies more than the day's range says.
    assert return_ratio(data)[-1] > 1.1
    changed = data.returns.copy()
    changed[800:] = 1.0
    later = return_ratio(dataclasses.replace(data, returns=changed))
    np.testing.assert_array_equal(later[251:800], return_ratio(data)[251:800])


def halted(monkeypatch, iterations):
    """Let arch's optimiser take so many steps and no more."""
    from arch.univariate.base import ARCHModel

    real = ARCHModel.fit
    monkeypatch.setattr(
        ARCHModel,
        "fit",
        lambda *given, **named: real(
            *given, **named, options={"maxiter": iterations}
        ),
    )


@pytest.mark.parametrize("steps", [2, 500])
def test_a_model_that_did_not_converge_is_marked(
    bars, tmp_path, capsys, monkeypatch, steps
):
    monkeypatch.setattr(command, "BASELINES", {"GJR": forecasting.gjr_garch})
    halted(monkeypatch, steps)
    path = write(tmp_path / "mine.csv", bars)
    assert forecast(path, tmp_path / "out.csv", "--model", "har") == 0
    captured = capsys.readouterr()
    assert ("GJR* " in captured.out) == (steps == 2)
    assert ("did not converge" in captured.out) == (steps == 2)
    assert captured.err == ""


@pytest.fixture
def fear(bars):
    """Return the bars beside a column that knows the range of two days ahead,
    as a logarithm."""
    ranges = np.log(bars["High"] / bars["Low"])
    return bars.assign(Fear=np.log(ranges).shift(-2).fillna(-4))


def test_a_column_of_the_file_becomes_a_feature(fear, tmp_path, capsys):
    path = write(tmp_path / "mine.csv", fear)
    out = tmp_path / "out.csv"
    scores = []
    for more in ([], ["--features", "fear"]):
        assert (
            forecast(path, out, "--model", "linear", "--json", "--force", *more)
            == 0
        )
        scores.append(json.loads(capsys.readouterr().out)["scores"]["linear"])
    # Two days ahead of its row, so that one row late it knows tomorrow.
    assert scores[1]["before_qlike"] < scores[0]["before_qlike"] / 2


@pytest.mark.parametrize("model", ["linear", "mlp5"])
def test_a_forecast_does_not_know_what_its_own_row_adds(fear, tmp_path, model):
    changed = fear.copy()
    changed.loc[len(fear) - 1, "Fear"] = 5
    tables = []
    for name, table in (("one", fear), ("two", changed)):
        path = write(tmp_path / f"{name}.csv", table)
        out = tmp_path / f"{name}-out.csv"
        more = ["--model", model, "--features", "Fear"]
        assert forecast(path, out, *more) == 0
        tables.append(pd.read_csv(out))
    pd.testing.assert_frame_equal(*tables)
    # It does know the row before.
    changed.loc[len(fear) - 2, "Fear"] = 5
    path = write(tmp_path / "three.csv", changed)
    assert forecast(path, tmp_path / "three-out.csv", *more) == 0
    last = pd.read_csv(tmp_path / "three-out.csv").iloc[-1]
    assert last["range_volatility"] != tables[0].iloc[-1]["range_volatility"]


def test_a_saved_forecaster_reads_the_same_columns_again(
    fear, tmp_path, capsys
):
    path = write(tmp_path / "mine.csv", fear)
    folder = str(tmp_path / "fitted")
    out = tmp_path / "out.csv"
    more = ["--model", "linear", "--features", "Fear"]
    assert forecast(path, out, *more, "--save", folder) == 0
    assert forecast(path, tmp_path / "again.csv", "--load", folder) == 0
    said, again = (
        pd.read_csv(each, index_col="date").iloc[-1]
        for each in (out, tmp_path / "again.csv")
    )
    pd.testing.assert_series_equal(said, again, rtol=1e-4)
    without = write(tmp_path / "plain.csv", fear.drop(columns="Fear"))
    assert forecast(without, tmp_path / "no.csv", "--load", folder) == 2
    assert "no column is 'Fear'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "features", "said"),
    [
        (
            lambda fear: fear,
            "vix",
            "mine.csv, line 1: no column is 'vix'; found 'Date', 'Open'",
        ),
        (
            lambda fear: fear,
            "Volume",
            "line 1: column 'Volume' is read already",
        ),
        (
            lambda fear: fear.assign(Fear=20.5),
            "fear",
            "mine.csv, column Fear: found '20.5': the same on every row",
        ),
        (
            lambda fear: with_value(fear, 30, "Fear", "high"),
            "fear",
            "mine.csv, line 32, column Fear: found 'high': is not a number",
        ),
        (
            lambda fear: with_value(fear, 30, "Fear", ""),
            "fear",
            "mine.csv, line 32, column Fear: found '': no value",
        ),
        (
            lambda fear: fear.assign(fear=fear["Fear"]),
            "fear",
            "line 1: two columns are 'fear'",
        ),
    ],
)
def test_columns_that_cannot_be_features_are_named(
    fear, tmp_path, capsys, change, features, said
):
    path = write(tmp_path / "mine.csv", change(fear))
    more = ["--model", "linear", "--features", features]
    assert forecast(path, tmp_path / "out.csv", *more) == 2
    assert said in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["mine.csv"]


@pytest.fixture
def two(bars, tmp_path):
    """Write two files: the second twice as stormy, and it begins later."""
    middle = bars[OPEN_CLOSE].mean(axis=None)
    wild = bars.assign(
        **{name: bars[name] ** 2 / middle for name in OPEN_CLOSE}
    )
    return [
        str(write(tmp_path / "calm.csv", bars)),
        str(write(tmp_path / "wild.csv", wild[20:])),
    ]


def test_several_files_share_a_model_and_keep_their_levels(
    two, tmp_path, capsys
):
    out = tmp_path / "new"
    assert main(["--prices", *two, "--out", str(out), "--model", "har"]) == 0
    captured = capsys.readouterr()
    assert "calm.csv: 20 of 1,100 rows are left out" in captured.err
    assert "wild.csv" not in captured.err
    assert "the mean of 2 files" in captured.out
    assert captured.out.count("intervals held") == 2
    assert captured.out.count("Not investment advice") == 1
    assert {each.name for each in out.iterdir()} == {"calm.csv", "wild.csv"}
    calm, wild = (
        pd.read_csv(out / name, index_col="date")
        for name in ("calm.csv", "wild.csv")
    )
    assert calm.index.equals(wild.index)
    # The second file's prices are the first's squared: their logarithms move
    # twice as far.
    ratio = wild["range_volatility"] / calm["range_volatility"]
    assert ratio.median() == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize("kind", ["HAR", "MLP5", "LSTM"])
def test_one_market_twice_is_that_market(bars, kind):
    data = market(bars)
    train = np.arange(500)
    alone = fit_forecaster(kind, data, train, seeds=1, epochs=4)
    twice = fit_pooled(kind, [data, data], train, seeds=1, epochs=2)
    assert twice[0].scale == twice[1].scale
    told = [each.variance(data) for each in (alone, *twice)]
    np.testing.assert_array_equal(told[1], told[2])
    # Linear parts agree; networks have seen as many chunks, in another order.
    exact = kind == "HAR"
    np.testing.assert_allclose(told[0], told[1], rtol=1e-8 if exact else 0.1)


def test_a_pooled_fit_learns_from_no_days_ahead(bars):
    calm, other = market(bars), market(bars.assign(High=bars["High"] * 1.01))
    late = bars.copy()
    late.loc[600:, "High"] *= 1.5
    for kind in ("linear", "MLP5"):
        told = [
            fit_pooled(kind, [calm, each], np.arange(500), 1, 1)[0].variance(
                calm
            )
            for each in (other, market(late.assign(High=late["High"] * 1.01)))
        ]
        np.testing.assert_array_equal(*told)
    with pytest.raises(ValueError, match="on the same dates"):
        fit_pooled("HAR", [calm, market(bars[1:])], np.arange(500))


def test_what_several_files_cannot_do_is_said(two, bars, tmp_path, capsys):
    out = str(tmp_path / "new")
    for more in (["--save", "x"], ["--load", "x"]):
        with pytest.raises(SystemExit):
            main(["--prices", *two, "--out", out, *more])
        assert "one file at a time" in capsys.readouterr().err
    again = [two[0], two[0]]
    assert main(["--prices", *again, "--out", out]) == 2
    assert "would both be forecast in calm.csv" in capsys.readouterr().err
    assert main(["--prices", *two, "--out", str(tmp_path), "--force"]) == 2
    assert "is the file that is read" in capsys.readouterr().err
    old = bars.assign(Date=bars["Date"] - pd.Timedelta(days=364 * 5))
    third = write(tmp_path / "old.csv", old)
    assert main(["--prices", *two, str(third), "--out", out]) == 2
    said = capsys.readouterr().err
    assert "share 0 dates, and 1,000 are needed" in said
    assert "old.csv from 2008-01-09 to" in said
    assert main(["--prices", *two, "--out", two[0]]) == 2
    assert "is a file; give a folder's path" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_forecaster_of_a_kind_that_is_gone_is_named(bars, tmp_path):
    from utils.forecasting.forecaster import save_forecaster

    data = market(bars)
    fitted = fit_forecaster("HAR", data, np.arange(data.known))
    gone = dataclasses.replace(fitted, kind="GRU")
    save_forecaster(tmp_path, gone, np.zeros(300), data.dates[:300])
    with pytest.raises(ValueError, match="of the kind GRU"):
        load_forecaster(tmp_path)


def test_a_checkpoint_of_something_else_is_named(tmp_path):
    from utils.training.checkpoints import save_checkpoint

    save_checkpoint(tmp_path, {"something": "else"})
    with pytest.raises(ValueError, match="a checkpoint of something else"):
        load_forecaster(tmp_path)
