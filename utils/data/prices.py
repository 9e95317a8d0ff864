"""Daily prices: two indices that the `arch` package carries, or a reader's own
CSV file.

A CSV file is read field by field, so that every complaint can name its line.
Nothing is guessed: what could mean two things is an error that says which
argument decides it.
"""

import csv
import datetime
import importlib
import math
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import pandas as pd

BUILT_IN = ("sp500", "nasdaq")
PRICES = ("open", "high", "low", "close")
COLUMNS = (*PRICES, "volume")
# Names under which exporters write the columns, lower case.
ALIASES = {
    "date": (
        "date",
        "datetime",
        "timestamp",
        "time",
        "日期",
        "交易日期",
        "时间",
    ),
    "open": ("open", "开盘", "开盘价", "今开"),
    "high": ("high", "最高", "最高价"),
    "low": ("low", "最低", "最低价"),
    "close": ("close", "close/last", "收盘", "收盘价"),
    "volume": ("volume", "vol", "vol.", "成交量"),
    "ticker": ("ticker", "symbol", "代码", "股票代码"),
}
LARGE_MOVE = 0.4
# High and low are compared with open and close up to the rounding of adjusted
# prices.
ROUNDING = 1e-6


class PriceError(ValueError):
    """A price file cannot be used; the message names file, line, column,
    value and remedy."""


class PriceWarning(UserWarning):
    """A price file can be used, but its reader should know what was found in
    it."""


def load_prices(
    source: str | Path,
    *,
    sep: str = ",",
    decimal: str = ".",
    encoding: str = "utf-8",
    date_format: str | None = None,
    dayfirst: bool | None = None,
    min_rows: int = 2,
) -> pd.DataFrame:
    """Load daily prices, checked row by row, oldest first.

    Args:
        source: "sp500" or "nasdaq" (1999–2018, from the `arch` package), or the
            path of a CSV file with a header that names date, open, high, low,
            close and volume.
        sep: what separates fields.
        decimal: the decimal mark.
        encoding: of the file's text.
        date_format: as in `datetime.strptime`, or "s" or "ms" for seconds or
            milliseconds since
            1970. ISO dates need none.
        dayfirst: whether 03/04/2020 is the third of April; such dates need an
            answer.
        min_rows: fewer rows than this are an error.

    Returns:
        Float columns open, high, low, close (in the file's currency or points)
        and volume, indexed by date.

    Raises:
        FileNotFoundError: there is no such file.
        PriceError: the file cannot be used as it stands.

    Warns:
        PriceWarning: it can, but dates were sorted, header lines skipped,
            volumes are zero, prices did not move within a day, or one moved by
            more than 40 % overnight.
    """
    if source in BUILT_IN:
        frame = importlib.import_module(f"arch.data.{source}").load()
        frame = frame.rename(columns=str.lower)[list(COLUMNS)].astype(float)
        frame.index.name = "date"
        frame["line"] = range(2, len(frame) + 2)
        file = _File(f"arch.data.{source}")
    else:
        path = Path(source)
        if not path.is_file():
            raise FileNotFoundError(
                f"there is no file {str(source)!r}; give the path of a CSV "
                "file, or one of "
                f"{', '.join(map(repr, BUILT_IN))}"
            )
        file = _File(path.name)
        text = _decode(file, path.read_bytes(), encoding, sep)
        frame = _read(file, text, _Format(sep, decimal, date_format, dayfirst))
        _check_order(file, frame)
        frame = frame.sort_index()
        _check_bars(file, frame)
    _check_quiet_days(file, frame)
    if len(frame) < min_rows:
        file.fail(f"has {len(frame)} rows, but {min_rows} are needed")
    for note in file.notes:
        warnings.warn(note, PriceWarning, stacklevel=2)
    return frame[list(COLUMNS)]


@dataclass(frozen=True)
class _Format:
    sep: str
    decimal: str
    date_format: str | None
    dayfirst: bool | None


@dataclass(frozen=True)
class _File:
    """The file's name, and what there is to say about it."""

    name: str
    notes: list[str] = field(default_factory=list)

    def fail(
        self,
        what: str,
        line: int | None = None,
        column: str | None = None,
        found: str | None = None,
    ) -> NoReturn:
        raise PriceError(self._place(line, column, found) + what)

    def note(self, what: str, line: int | None = None) -> None:
        self.notes.append(self._place(line, None, None) + what)

    def _place(
        self, line: int | None, column: str | None, found: str | None
    ) -> str:
        place = self.name
        if line is not None:
            place += f", line {line}"
        if column is not None:
            place += f", column {column}"
        return f"{place}: " + (
            f"found {found!r}: " if found is not None else ""
        )


def _decode(file: _File, data: bytes, encoding: str, sep: str) -> str:
    """Turn bytes into text, or say which encoding would."""
    if encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
        encoding = "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        problem = f"not {'UTF-8' if encoding == 'utf-8-sig' else encoding}"
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            file.fail(f"{problem}: try encoding='utf-16'", line)
        header = data.split(b"\n", 1)[0].decode("gb18030", errors="replace")
        known = [
            f"{name.strip()} = {column.title()}"
            for name in header.split(sep)
            for column, aliases in ALIASES.items()
            if name.strip() in aliases and not name.isascii()
        ]
        if known:
            file.fail(
                f"{problem}: try encoding='gb18030'; recognised "
                f"{', '.join(known)}",
                line,
            )
        file.fail(
            f"{problem}: try encoding='cp1252', or export it again as UTF-8",
            line,
        )


def _read(file: _File, text: str, form: _Format) -> pd.DataFrame:
    """Parse the text into prices, beside the line on which each row stands."""
    if re.match(r"\s*<(!doctype|html|\?xml|head|body)", text, re.IGNORECASE):
        file.fail(
            "is a web page, not CSV; open it in a browser to see what the "
            "server said",
            1,
        )
    reader = csv.reader(text.splitlines(), delimiter=form.sep)
    rows = [
        (reader.line_num, row) for row in reader if any(map(str.strip, row))
    ]
    if len(rows) < 2:
        file.fail("has no data rows")
    header = [name.strip() for name in rows[0][1]]
    if len(header) == 1:
        _complain_about_separator(file, header[0], rows[1][1])
    header, skipped = _merge_header_lines(file, header, rows[1:])
    places = _find_columns(file, header)
    data = rows[1 + skipped :]
    if not data:
        file.fail("has no data rows")
    for line, row in data:
        if len(row) != len(header):
            file.fail(
                f"{len(row)} fields, but the header has {len(header)} "
                f"({', '.join(header)}); the row reads {form.sep.join(row)!r}",
                line,
            )
    if "ticker" in places:
        _check_one_ticker(
            file, header[places["ticker"]], data, places["ticker"]
        )
    dates = _parse_dates(
        file, data, places["date"], header[places["date"]], form
    )
    values = {
        column: [
            _parse_number(
                file,
                line,
                header[places[column]],
                row[places[column]],
                column,
                form,
            )
            for line, row in data
        ]
        for column in COLUMNS
    }
    lines = {"line": [line for line, _ in data]}
    return pd.DataFrame(
        values | lines, index=pd.DatetimeIndex(dates, name="date")
    )


def _complain_about_separator(
    file: _File, header: str, first_row: list[str]
) -> NoReturn:
    for other in (";", "\t", "|", ","):
        if other in header:
            remedy = f"pass sep={other!r}"
            # A comma inside a field can only be the decimal mark once another
            # mark separates.
            if other != "," and re.search(r"\d,\d", ",".join(first_row)):
                remedy += ", decimal=','"
            file.fail(f"the header is one field: {remedy}", 1, found=header)
    file.fail(
        "the header is one field; it must name date, open, high, low, close, "
        "volume",
        1,
        found=header,
    )


def _merge_header_lines(
    file: _File, header: list[str], rows: list[tuple[int, list[str]]]
) -> tuple[list[str], int]:
    """Recognise the three-line header that yfinance writes; return the
    header and lines skipped."""
    if header[0] != "Price" or rows[0][1][0] != "Ticker":
        return header, 0
    tickers = sorted({name.strip() for name in rows[0][1][1:]} - {""})
    if len(tickers) > 1:
        file.fail(
            f"several tickers ({', '.join(tickers)}); keep one", rows[0][0]
        )
    file.note(
        f"rows 2–3 are headers (ticker {tickers[0] if tickers else '?'}); "
        "skipped them"
    )
    return ["Date", *header[1:]], 2


def _find_columns(file: _File, header: list[str]) -> dict[str, int]:
    """Map each needed column to its place in a row."""
    places: dict[str, int] = {}
    for place, name in enumerate(header):
        for column, aliases in ALIASES.items():
            if name.lower() in aliases:
                if column in places:
                    file.fail(
                        f"two columns are {column}: "
                        f"{header[places[column]]!r} and {name!r}; "
                        "remove one",
                        1,
                    )
                places[column] = place
    missing = [column for column in ("date", *COLUMNS) if column not in places]
    if missing:
        file.fail(
            f"no column for {', '.join(missing)}; found "
            f"{', '.join(map(repr, header))}",
            1,
        )
    return places


def _check_one_ticker(
    file: _File, column: str, data: list[tuple[int, list[str]]], place: int
) -> None:
    first = data[0][1][place]
    for line, row in data:
        if row[place] != first:
            file.fail(
                f"several tickers: line {data[0][0]} has {first!r}; keep one",
                line,
                column,
                row[place],
            )


def _parse_dates(
    file: _File,
    data: list[tuple[int, list[str]]],
    place: int,
    column: str,
    form: _Format,
) -> list[datetime.datetime]:
    """Parse every date; a time of day is dropped, because prices are daily."""
    today = datetime.datetime.now()
    dates: list[datetime.datetime] = []
    offsets: dict[datetime.timedelta | None, tuple[int, str]] = {}
    for line, row in data:
        found = row[place].strip()
        moment = _parse_date(file, line, column, found, form)
        if moment.tzinfo is not None:
            offsets.setdefault(moment.utcoffset(), (line, found))
        if len(offsets) > 1:
            first_line, first = next(iter(offsets.values()))
            file.fail(
                f"mixed UTC offsets (line {first_line} has {first!r}); use "
                "exchange-local dates "
                "like 2020-01-31",
                line,
                column,
                found,
            )
        day = moment.replace(
            tzinfo=None, hour=0, minute=0, second=0, microsecond=0
        )
        if day > today:
            file.fail(
                "lies in the future; is the date format right?",
                line,
                column,
                found,
            )
        dates.append(day)
    return dates


def _parse_date(
    file: _File, line: int, column: str, found: str, form: _Format
) -> datetime.datetime:
    try:
        if form.date_format in ("s", "ms"):
            seconds = float(found) / (1000 if form.date_format == "ms" else 1)
            # Through UTC, so that no reader's time zone moves a day.
            return datetime.datetime.fromtimestamp(
                seconds, datetime.UTC
            ).replace(tzinfo=None)
        if form.date_format is not None:
            return datetime.datetime.strptime(found, form.date_format)
        if found.isdigit():
            file.fail(_integer_date_remedy(found), line, column, found)
        if slashed := re.fullmatch(
            r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", found
        ):
            first, second, year = map(int, slashed.groups())
            if form.dayfirst is None:
                _complain_about_dayfirst(
                    file, line, column, found, first, second
                )
            day, month = (first, second) if form.dayfirst else (second, first)
            return datetime.datetime(year, month, day)
        if year_first := re.fullmatch(r"(\d{4})/(\d{1,2})/(\d{1,2})", found):
            return datetime.datetime(*map(int, year_first.groups()))  # type: ignore[arg-type]
        return datetime.datetime.fromisoformat(found)
    except (ValueError, OverflowError, OSError) as error:
        if isinstance(error, PriceError):
            raise
        wanted = "a date like 2020-01-31"
        if form.date_format is not None:
            wanted = f"a date in the format {form.date_format!r}"
        elif form.dayfirst is not None:
            wanted += f" or, with dayfirst={form.dayfirst}, like "
            wanted += "31/01/2020" if form.dayfirst else "01/31/2020"
        file.fail(
            f"is not {wanted}; pass date_format if it is one",
            line,
            column,
            found,
        )


def _integer_date_remedy(found: str) -> str:
    guesses = {
        8: "'%Y%m%d'",
        10: "'s' (seconds since 1970)",
        13: "'ms' (milliseconds since 1970)",
    }
    remedy = "a whole number can be many dates; pass date_format"
    return (
        f"{remedy}={guesses[len(found)]}" if len(found) in guesses else remedy
    )


def _complain_about_dayfirst(
    file: _File, line: int, column: str, found: str, first: int, second: int
) -> NoReturn:
    if first > 12 or second > 12:
        file.fail(
            f"pass dayfirst={first > 12}, which this date settles",
            line,
            column,
            found,
        )
    file.fail(
        f"ambiguous: day {first} of month {second}, or the reverse? pass "
        "dayfirst=True or False",
        line,
        column,
        found,
    )


def _parse_number(
    file: _File, line: int, column: str, text: str, kind: str, form: _Format
) -> float:
    """Parse a price or a volume strictly, for float() would let nan and
    1_000 through."""
    found = text.strip()
    if found.lower() in ("", "-", "--", "nan", "null", "none", "n/a", "na"):
        file.fail("no value; remove the row or fill it in", line, column, found)
    if re.fullmatch(r"[+-]?inf(inity)?", found, re.IGNORECASE):
        file.fail(
            "not finite; log returns need finite prices > 0",
            line,
            column,
            found,
        )
    plain = found.replace(form.decimal, ".") if form.decimal != "." else found
    if form.decimal != "." and "." in found:
        plain = ""
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", plain):
        file.fail(_number_remedy(found, form), line, column, found)
    value = float(plain)
    if kind in PRICES and not 0 < value < math.inf:
        file.fail("log returns need finite prices > 0", line, column, found)
    if kind == "volume" and not 0 <= value < math.inf:
        file.fail("a volume cannot be negative", line, column, found)
    return value


def _number_remedy(found: str, form: _Format) -> str:
    if re.search(r"dividend|split", found, re.IGNORECASE):
        return "is not a price but an event; remove the row"
    if re.fullmatch(r"\d{1,3}([,. ]\d{3})+([.,]\d+)?", found):
        return "not a plain number; write it without thousands separators"
    if form.decimal == "." and re.fullmatch(r"\d+,\d+", found):
        return "pass decimal=',' if the comma is the decimal mark"
    if re.fullmatch(r"[\d.,]+\s*[kmbtKMBT万亿]", found):
        return "write the number in full, without a unit"
    return f"is not a number with {form.decimal!r} as its decimal mark"


def _check_order(file: _File, frame: pd.DataFrame) -> None:
    """Refuse a date that occurs twice; say when the rows have to be sorted."""
    again = frame.index.duplicated()
    if again.any():
        date, line = frame.index[again][0], int(frame["line"][again].iloc[0])
        first = int(frame["line"][frame.index == date].iloc[0])
        file.fail(
            f"duplicate date, also on line {first}; keep one of the rows",
            line,
            "date",
            f"{date:%Y-%m-%d}",
        )
    if not frame.index.is_monotonic_increasing:
        order = (
            "descending"
            if frame.index.is_monotonic_decreasing
            else "out of order"
        )
        first, last = frame["line"].iloc[[0, -1]]
        file.note(f"dates are {order} (lines {first} to {last}); sorted them")


def _check_bars(file: _File, frame: pd.DataFrame) -> None:
    """Refuse a day whose high or low contradicts its open or close."""
    body = frame[["open", "close"]]
    checks = {
        "high": (frame["high"] < body.max(axis=1) * (1 - ROUNDING), "below"),
        "low": (frame["low"] > body.min(axis=1) * (1 + ROUNDING), "above"),
    }
    for column, (wrong, relation) in checks.items():
        if wrong.any():
            row = frame[wrong].iloc[0]
            file.fail(
                f"{relation} the day's open {row['open']:g} or close "
                f"{row['close']:g}",
                int(row["line"]),
                column,
                f"{row[column]:g}",
            )


def _check_quiet_days(file: _File, frame: pd.DataFrame) -> None:
    """Warn about days that logarithms or returns make extreme."""
    still = frame["high"] == frame["low"]
    if still.any():
        file.note(
            f"high equals low on {still.sum()} of {len(frame)} days, the "
            "first on this line; "
            "the log range is −inf there, so variance measures put a floor "
            "under these days",
            int(frame["line"][still].iloc[0]),
        )
    idle = frame["volume"] == 0
    if idle.any():
        file.note(
            f"volume is zero on {idle.sum()} of {len(frame)} days, the first "
            "on this line; "
            "log volume is −inf there, so features repeat the last positive "
            "volume",
            int(frame["line"][idle].iloc[0]),
        )
    move = frame["close"].pct_change()
    for date in frame.index[move.abs() > LARGE_MOVE]:
        file.note(
            f"close moves by {100 * move[date]:+.0f} % to "
            f"{frame['close'][date]:g} in one day; "
            "an unadjusted split?",
            int(frame["line"][date]),
        )
