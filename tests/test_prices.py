"""What readers' price files contain, and what the loader says about it."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from utils.data import load_prices
from utils.data.prices import PriceError, PriceWarning

FIXTURES = Path(__file__).parent / "fixtures" / "prices"

# File, arguments, and what the message must hold besides the file's name: the
# line, the column, the value found and the remedy, as far as the fault has
# them.
ERRORS = [
    ("empty.csv", {}, ["has no data rows"]),
    ("header_only.csv", {}, ["has no data rows"]),
    ("web_page.csv", {}, ["line 1", "is a web page, not CSV"]),
    (
        "semicolons.csv",
        {},
        ["line 1", "'Date;Open", "pass sep=';', decimal=','"],
    ),
    (
        "semicolons.csv",
        {"sep": ";"},
        ["line 2, column Open", "'100,0'", "pass decimal=','"],
    ),
    (
        "chinese.csv",
        {},
        [
            "line 1",
            "not UTF-8: try encoding='gb18030'",
            "日期 = Date",
            "收盘 = Close",
        ],
    ),
    ("yfinance_two_tickers.csv", {}, ["line 2", "several tickers (QQQ, SPY)"]),
    ("missing_column.csv", {}, ["line 1", "no column for close", "'Last'"]),
    (
        "extra_field.csv",
        {},
        ["line 3", "7 fields, but the header has 6", "5200,7"],
    ),
    (
        "compact_dates.csv",
        {},
        ["line 2, column Date", "'20200102'", "date_format='%Y%m%d'"],
    ),
    (
        "epoch_dates.csv",
        {},
        ["line 2, column Date", "'1577923200'", "date_format='s'"],
    ),
    (
        "ambiguous_dates.csv",
        {},
        ["line 2, column Date", "'03/04/2020'", "ambiguous", "dayfirst"],
    ),
    ("dash.csv", {}, ["line 3, column High", "'-'", "no value"]),
    (
        "dividend.csv",
        {},
        ["line 4, column Open", "'0.57 Dividend'", "remove the row"],
    ),
    ("nan.csv", {}, ["line 3, column Low", "'NaN'", "no value"]),
    (
        "inf.csv",
        {},
        ["line 3, column High", "'inf'", "log returns need finite prices > 0"],
    ),
    (
        "negative.csv",
        {},
        ["line 5, column Low", "'0'", "log returns need finite prices > 0"],
    ),
    (
        "duplicate.csv",
        {},
        ["line 6", "'2020-01-03'", "duplicate date, also on line 3"],
    ),
    (
        "high_too_low.csv",
        {},
        ["line 3, column High", "'102.5'", "below", "close 103"],
    ),
    (
        "low_too_high.csv",
        {},
        ["line 3, column Low", "'101.5'", "above", "open 101"],
    ),
    (
        "two_tickers.csv",
        {},
        ["line 4, column Symbol", "'QQQ'", "line 2 has 'SPY'"],
    ),
    ("future.csv", {}, ["line 5, column Date", "'2999-01-07'", "future"]),
    (
        "bad_date.csv",
        {},
        ["line 3, column Date", "'Jan 3 2020'", "pass date_format"],
    ),
    ("good.csv", {"min_rows": 1000}, ["has 4 rows, but 1000 are needed"]),
]

WARNINGS = [
    ("yfinance.csv", ["rows 2–3 are headers", "ticker SPY", "skipped"]),
    ("descending.csv", ["descending", "lines 2 to 5", "sorted"]),
    (
        "no_range.csv",
        ["line 3", "high equals low on 1 of 4 days", "−inf", "floor"],
    ),
    (
        "no_volume.csv",
        ["line 3", "volume is zero on 1 of 4 days", "last positive volume"],
    ),
    (
        "split.csv",
        ["line 4", "close moves by -50 % to 51", "unadjusted split?"],
    ),
    (
        "mixed_offsets.csv",
        ["no prices from 2020-01-06 to 2020-04-07, 92 days", "22 rows"],
    ),
]


@pytest.mark.parametrize(("name", "arguments", "parts"), ERRORS)
def test_bad_file_is_refused_with_its_place_and_a_remedy(
    name, arguments, parts
):
    with pytest.raises(PriceError) as caught:
        load_prices(FIXTURES / name, **arguments)
    message = str(caught.value)
    assert message.startswith(name)
    for part in parts:
        assert part in message


@pytest.mark.parametrize(("name", "parts"), WARNINGS)
def test_odd_file_is_read_with_one_warning(name, parts):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        prices = load_prices(FIXTURES / name)
    assert [warning.category for warning in caught] == [PriceWarning]
    message = str(caught[0].message)
    assert message.startswith(name)
    for part in parts:
        assert part in message
    assert prices.index.is_monotonic_increasing
    assert np.isfinite(prices.to_numpy()).all()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("good.csv", {}),
        ("semicolons.csv", {"sep": ";", "decimal": ","}),
        ("chinese.csv", {"encoding": "gb18030"}),
        ("compact_dates.csv", {"date_format": "%Y%m%d"}),
        ("epoch_dates.csv", {"date_format": "s"}),
        ("ambiguous_dates.csv", {"dayfirst": True}),
    ],
)
def test_the_remedy_named_in_the_message_works(name, arguments):
    prices = load_prices(FIXTURES / name, **arguments)
    assert list(prices.columns) == ["open", "high", "low", "close", "volume"]
    assert prices.index.name == "date"
    assert set(prices.dtypes) == {np.dtype(float)}
    assert prices.iloc[0].tolist() == [100.0, 102.0, 99.0, 101.0, 5000.0]
    expected = "2020-04-03" if name == "ambiguous_dates.csv" else "2020-01-02"
    assert prices.index[0] == pd.Timestamp(expected)


def test_descending_rows_come_out_oldest_first():
    with pytest.warns(PriceWarning, match="sorted"):
        prices = load_prices(FIXTURES / "descending.csv")
    pd.testing.assert_frame_equal(prices, load_prices(FIXTURES / "good.csv"))


def test_yfinance_columns_are_found_by_name_not_by_place():
    with pytest.warns(PriceWarning):
        prices = load_prices(FIXTURES / "yfinance.csv")
    assert prices.iloc[0].tolist() == [100.0, 102.0, 99.0, 101.0, 5000.0]


def test_missing_file_names_the_built_in_data():
    with pytest.raises(
        FileNotFoundError, match=r"no_such\.csv.*'sp500', 'nasdaq'"
    ):
        load_prices("no_such.csv")


def test_sp500_is_complete_and_checked():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prices = load_prices("sp500")
    assert len(prices) == 5031
    assert list(prices.columns) == ["open", "high", "low", "close", "volume"]
    assert (prices.high >= prices[["open", "close"]].max(axis=1)).all()


def test_nasdaq_warns_about_its_two_days_without_volume():
    with pytest.warns(PriceWarning, match="volume is zero on 2 of 5031 days"):
        prices = load_prices("nasdaq")
    idle = prices.index[prices.volume == 0]
    assert [str(day.date()) for day in idle] == ["2015-05-12", "2018-01-09"]
