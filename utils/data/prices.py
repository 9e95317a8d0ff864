"""Daily prices: two indices that the `arch` package carries, or a reader's own
CSV file.

A CSV file is read field by field, so that every complaint can name its line.
Nothing is guessed: what could mean two things is an error that says which
argument decides it, unless another line of the file decides it.
"""

import csv
import datetime
import importlib
import itertools
import math
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import pandas as pd

from utils.data.remedies import Spell, keyword

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
# What investing.com calls the close; a file may also have both.
CLOSE_ELSEWHERE = "price"
CURRENCIES = "$€£¥₹"
UNITS = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12, "万": 1e4, "亿": 1e8}
ABSENT = ("", "-", "--", "nan", "null", "none", "n/a", "na")
# No thousands separator that is none of the two decimal marks can be mistaken.
SPACES = " '\u00a0\u202f"
SLASHED = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
LARGE_MOVE = 0.4
# The longest holidays, China's, close an exchange for eleven days.
LONG_GAP = 14
WEEKLY = 4
# High and low are compared with open and close up to the rounding of adjusted
# prices.
ROUNDING = 1e-6
# Faulty lines that are looked for before the first is reported, and rows that
# are read ahead to see what their dates mean.
MOST_FAULTS, AHEAD = 10, 1000


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
    thousands: str | None = None,
    encoding: str = "utf-8",
    date_format: str | None = None,
    dayfirst: bool | None = None,
    min_rows: int = 2,
    extra: Sequence[str] = (),
    spell: Spell = keyword,
) -> pd.DataFrame:
    """Load daily prices, checked row by row, oldest first.

    Args:
        source: "sp500" or "nasdaq" (1999–2018, from the `arch` package), or the
            path of a CSV file with a header that names date, open, high, low,
            close and, where there is one, volume.
        sep: what separates fields.
        decimal: the decimal mark.
        thousands: what separates thousands; 1,234.5 needs no answer, and 1,234
            does.
        encoding: of the file's text.
        date_format: as in `datetime.strptime`, or "s" or "ms" for seconds or
            milliseconds since
            1970. ISO dates need none.
        dayfirst: whether 03/04/2020 is the third of April; such dates need an
            answer where no other line, such as 31/01/2020, gives it.
        min_rows: fewer rows than this are an error.
        extra: further columns of numbers to read, by their names in the header,
            in upper or lower case.
        spell: how messages name these arguments.

    Returns:
        Float columns open, high, low, close (in the file's currency or points)
        and volume (0 where the file has none), then those of `extra` under the
        names given, indexed by date.

    Raises:
        FileNotFoundError: there is no such file.
        PriceError: the file cannot be used as it stands.

    Warns:
        PriceWarning: it can, but dates were sorted, header lines skipped,
            volumes are zero or absent, prices did not move within a day, one
            moved by more than 40 % overnight, days lie far apart, or some
            argument was settled by the file itself.
    """
    if source in BUILT_IN:
        frame = importlib.import_module(f"arch.data.{source}").load()
        frame = frame.rename(columns=str.lower)[list(COLUMNS)].astype(float)
        frame.index.name = "date"
        frame["line"] = range(2, len(frame) + 2)
        file = _File(f"arch.data.{source}")
        file.columns.update(zip(COLUMNS, COLUMNS, strict=True))
        _find_extra(file, list(COLUMNS), extra)
    else:
        path = Path(source)
        if path.is_dir():
            raise FileNotFoundError(
                f"{str(source)!r} is a folder; give the path of one CSV file"
            )
        if not path.is_file():
            raise FileNotFoundError(
                f"there is no file {str(source)!r}; give the path of a CSV "
                "file, or one of "
                f"{', '.join(map(repr, BUILT_IN))}"
            )
        file = _File(path.name)
        form = _Format(
            sep,
            decimal,
            thousands,
            encoding,
            date_format,
            dayfirst,
            tuple(extra),
            spell,
        )
        frame = _read(file, path, form)
        _sort(file, frame)
        frame = frame.sort_index()
    _check_bars(file, frame)
    for name in extra:
        if frame[name].nunique() == 1:
            file.fail(
                "the same on every row, and a constant explains nothing; do "
                "not ask for it",
                column=file.columns[name],
                found=f"{frame[name].iloc[0]:g}",
            )
    _check_days(file, frame)
    _check_spacing(file, frame.index)
    if len(frame) < min_rows:
        file.fail(f"has {len(frame)} rows, but {min_rows} are needed")
    for note in file.notes:
        warnings.warn(note, PriceWarning, stacklevel=2)
    return frame[[*COLUMNS, *extra]]


@dataclass
class _Format:
    """What the arguments say, and what lines of the file have settled."""

    sep: str
    decimal: str
    thousands: str | None
    encoding: str
    date_format: str | None
    dayfirst: bool | None
    extra: tuple[str, ...]
    spell: Spell


@dataclass(frozen=True)
class _File:
    """The file's name, and what there is to say about it."""

    name: str
    notes: list[str] = field(default_factory=list)
    # What the file itself calls its columns.
    columns: dict[str, str] = field(default_factory=dict)

    def fail(
        self,
        what: str,
        line: int | None = None,
        column: str | None = None,
        found: str | None = None,
    ) -> NoReturn:
        raise PriceError(self.place(line, column, found) + what)

    def note(self, what: str, line: int | None = None) -> None:
        self.notes.append(self.place(line, None, None) + what)

    def place(
        self, line: int | None, column: str | None, found: str | None
    ) -> str:
        """Name a place in the file, and what stands there."""
        place = self.name
        if line is not None:
            place += f", line {line}"
        if column is not None:
            place += f", column {column}"
        return f"{place}: " + (
            f"found {found!r}: " if found is not None else ""
        )


def _read(file: _File, path: Path, form: _Format) -> pd.DataFrame:
    """Parse a file into prices, beside the line on which each row stands.

    Row by row, so that a file of minutes is refused at its second row and not
    after its last.
    """
    codec = form.encoding
    if codec.lower().replace("_", "-") in ("utf-8", "utf8"):
        codec = "utf-8-sig"
    try:
        with path.open(encoding=codec, newline="") as text:
            return _read_rows(file, _rows(file, text, form), form)
    except UnicodeDecodeError:
        _complain_about_encoding(file, path, codec, form)
    except UnicodeError as error:
        # A UTF-16 file is expected to begin with its byte order mark.
        file.fail(f"not {form.encoding}: {error}", 1)
    except LookupError:
        file.fail(
            f"Python knows no encoding {form.encoding!r}; use utf-8, utf-16, "
            "cp1252, ..."
        )


def _rows(
    file: _File, text: Iterable[str], form: _Format
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that hold something, each with its line."""
    reader = csv.reader(text, delimiter=form.sep)
    try:
        for row in reader:
            if any(map(str.strip, row)):
                yield reader.line_num, row
    except csv.Error as error:
        file.fail(
            f"is no CSV here ({error}); a quotation mark that is never closed?",
            reader.line_num,
        )


def _read_rows(
    file: _File, rows: Iterator[tuple[int, list[str]]], form: _Format
) -> pd.DataFrame:
    ahead = list(itertools.islice(rows, AHEAD))
    if not ahead:
        file.fail("has no data rows")
    first = form.sep.join(ahead[0][1])
    if re.match(r"\s*<(!doctype|html|\?xml|head|body)", first, re.IGNORECASE):
        file.fail(
            "is a web page, not CSV; open it in a browser to see what the "
            "server said",
            1,
        )
    if "\0" in first:
        file.fail(
            f"not {form.encoding}: try {form.spell('encoding', 'utf-16-le')}", 1
        )
    header = [name.strip() for name in ahead[0][1]]
    if len(ahead) < 2:
        file.fail("has no data rows")
    if len(header) == 1:
        _complain_about_separator(file, header[0], ahead[1][1], form)
    header, skipped = _merge_header_lines(file, header, ahead[1:])
    places = _find_columns(file, header)
    file.columns.update({name: header[at] for name, at in places.items()})
    places |= _find_extra(file, header, form.extra)
    del ahead[: 1 + skipped]
    if not ahead:
        file.fail("has no data rows")
    if form.dayfirst is None and form.date_format is None:
        _settle_dayfirst(file, ahead, header, places["date"], form)
    table = _Table(file, header, places, form)
    for line, row in itertools.chain(ahead, rows):
        if len(table.faults) == MOST_FAULTS:
            break
        table.add(line, row)
    return table.frame()


class _Table:
    """The rows of a file, parsed; faulty ones are noted, for the first one's
    message names the others."""

    def __init__(
        self,
        file: _File,
        header: list[str],
        places: dict[str, int],
        form: _Format,
    ):
        self.file, self.header, self.places, self.form = (
            file,
            header,
            places,
            form,
        )
        self.days: dict[datetime.date, tuple[int, datetime.datetime]] = {}
        self.values: list[list[float]] = []
        self.lines: list[int] = []
        self.faults: list[tuple[int, PriceError]] = []
        self.offsets: dict[datetime.timedelta | None, tuple[int, str]] = {}
        self.times: set[datetime.time] = set()
        self.ticker: tuple[int, str] | None = None
        self.now = datetime.datetime.now()

    def add(self, line: int, row: list[str]) -> None:
        """Parse a row, or note what is wrong with it."""
        if len(row) != len(self.header):
            self.file.fail(
                f"{len(row)} fields, but the header has {len(self.header)} "
                f"({', '.join(self.header)}); the row reads "
                f"{self.form.sep.join(row)!r}",
                line,
            )
        self._check_ticker(line, row)
        moment = None
        try:
            moment = self._moment(line, row)
            values = [
                self._number(line, row, column)
                for column in (*COLUMNS, *self.form.extra)
                if column in self.places
            ]
        except _WholeFileError:
            raise
        except PriceError as error:
            self.faults.append((line, error))
        if moment is not None:
            self.days[moment.date()] = (line, moment)
        if moment is not None and not self.faults:
            self.values.append(values)
            self.lines.append(line)

    def frame(self) -> pd.DataFrame:
        """Return the prices, or report the first fault and where the others
        are."""
        if self.faults:
            (_, error), *others = self.faults
            if not others:
                raise error
            places = ", ".join(str(line) for line, _ in others)
            more = ", ..." if len(self.faults) == MOST_FAULTS else ""
            raise PriceError(f"{error} (faults also on lines {places}{more})")
        wanted = (*COLUMNS, *self.form.extra)
        columns = [column for column in wanted if column in self.places]
        frame = pd.DataFrame(
            self.values,
            columns=columns,
            index=pd.DatetimeIndex(
                [
                    datetime.datetime.combine(day, datetime.time())
                    for day in self.days
                ],
                name="date",
            ),
        )
        if "volume" in frame and frame["volume"].isna().all():
            frame = frame.drop(columns="volume")
        if "volume" not in frame:
            self.file.note("has no volume; what is made of it will be 0")
            frame["volume"] = 0.0
        absent = frame["volume"].isna()
        if absent.any():
            place = int(absent.to_numpy().argmax())
            self.file.fail(
                f"no value, here and on {int(absent.sum()) - 1} other lines; "
                "remove the row or fill it in, or the whole column",
                self.lines[place],
                self.header[self.places["volume"]],
                "",
            )
        frame["line"] = self.lines
        return frame

    def _check_ticker(self, line: int, row: list[str]) -> None:
        place = self.places.get("ticker")
        if place is None:
            return
        self.ticker = self.ticker or (line, row[place])
        if row[place] != self.ticker[1]:
            self.file.fail(
                f"several tickers: line {self.ticker[0]} has "
                f"{self.ticker[1]!r}; keep one",
                line,
                self.header[place],
                row[place],
            )

    def _moment(self, line: int, row: list[str]) -> datetime.datetime:
        """Parse a date. A time of day is dropped, and with it the UTC offset:
        the day is the one that is written."""
        column = self.header[self.places["date"]]
        found = row[self.places["date"]].strip()
        moment = _parse_date(self.file, line, column, found, self.form)
        if moment.tzinfo is not None:
            self.offsets.setdefault(moment.utcoffset(), (line, found))
        moment = moment.replace(tzinfo=None)
        self.times.add(moment.time())
        if len(self.offsets) > 1 and len(self.times) > 1:
            first_line, first = next(iter(self.offsets.values()))
            raise _WholeFileError(
                self.file.place(line, column, found)
                + f"mixed UTC offsets (line {first_line} has {first!r}) and "
                "times of day; use exchange-local dates like 2020-01-31"
            )
        if moment > self.now:
            self.file.fail(
                "lies in the future; is the date format right?",
                line,
                column,
                found,
            )
        if moment.date() in self.days:
            before, other = self.days[moment.date()]
            if other != moment:
                raise _WholeFileError(
                    self.file.place(line, column, found)
                    + f"line {before} is on the same day: prices within days, "
                    "where one row a day is needed. Join each day's rows: the "
                    "first open, the highest high, the lowest low, the last "
                    "close, the sum of volume (in pandas: resample('D'))"
                )
            self.file.fail(
                f"duplicate date, also on line {before}; keep one of the rows",
                line,
                column,
                f"{moment:%Y-%m-%d}",
            )
        return moment

    def _number(self, line: int, row: list[str], column: str) -> float:
        place = self.places[column]
        text = row[place].strip()
        if column == "volume" and text.lower() in ABSENT:
            return math.nan
        return _parse_number(
            self.file, line, self.header[place], text, column, self.form
        )


class _WholeFileError(PriceError):
    """A fault that no change of a single row mends."""


def _complain_about_encoding(
    file: _File, path: Path, codec: str, form: _Format
) -> NoReturn:
    """Say where a file is not in its encoding, and which would do."""
    data = path.read_bytes()
    problem = f"not {'UTF-8' if codec == 'utf-8-sig' else codec}"
    try:
        data.decode(codec)
        line = 1
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        file.fail(f"{problem}: try {form.spell('encoding', 'utf-16')}", line)
    header = data.split(b"\n", 1)[0].decode("gb18030", errors="replace")
    known = [
        f"{name.strip()} = {column.title()}"
        for name in header.split(form.sep)
        for column, aliases in ALIASES.items()
        if name.strip() in aliases and not name.isascii()
    ]
    if known:
        file.fail(
            f"{problem}: try {form.spell('encoding', 'gb18030')}; recognised "
            f"{', '.join(known)}",
            line,
        )
    file.fail(
        f"{problem}: try {form.spell('encoding', 'cp1252')}, or export it "
        "again as UTF-8",
        line,
    )


def _complain_about_separator(
    file: _File, header: str, first_row: list[str], form: _Format
) -> NoReturn:
    for other in (";", "\t", "|", ","):
        if other in header:
            remedy = f"pass {form.spell('sep', other)}"
            # A comma inside a field can only be the decimal mark once another
            # mark separates.
            if other != "," and re.search(r"\d,\d", ",".join(first_row)):
                comma = form.spell("decimal", ",")
                remedy += f"{',' if form.spell is keyword else ''} {comma}"
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
    lower = [name.lower() for name in header]
    if "close" not in places and CLOSE_ELSEWHERE in lower:
        places["close"] = lower.index(CLOSE_ELSEWHERE)
    missing = [column for column in ("date", *PRICES) if column not in places]
    if missing:
        file.fail(
            f"no column for {', '.join(missing)}; found "
            f"{', '.join(map(repr, header))}",
            1,
        )
    return places


def _find_extra(
    file: _File, header: list[str], extra: Sequence[str]
) -> dict[str, int]:
    """Map each further column that is asked for to its place in a row."""
    places: dict[str, int] = {}
    for name in extra:
        found = [
            place
            for place, each in enumerate(header)
            if each.lower() == name.lower()
        ]
        if len(found) != 1:
            problem = "two columns are" if found else "no column is"
            file.fail(
                f"{problem} {name!r}; found {', '.join(map(repr, header))}", 1
            )
        if header[found[0]] in file.columns.values() or name in places:
            file.fail(f"column {name!r} is read already; do not ask for it", 1)
        places[name] = found[0]
        file.columns[name] = header[found[0]]
    return places


def _settle_dayfirst(
    file: _File,
    rows: list[tuple[int, list[str]]],
    header: list[str],
    place: int,
    form: _Format,
) -> None:
    """Look for a date that has only one meaning, such as 31/01/2020."""
    for line, row in rows:
        found = row[place].strip() if len(row) == len(header) else ""
        slashed = SLASHED.fullmatch(found)
        if not slashed:
            continue
        first, second, _ = map(int, slashed.groups())
        if first > 12 or second > 12:
            form.dayfirst = first > 12
            order = "day/month" if form.dayfirst else "month/day"
            file.note(
                f"dates read as {order}/year, which {found!r} settles", line
            )
            return


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
            file.fail(_integer_date_remedy(found, form), line, column, found)
        if slashed := SLASHED.fullmatch(found):
            first, second, year = map(int, slashed.groups())
            if form.dayfirst is None:
                file.fail(
                    f"ambiguous: day {first} of month {second}, or the "
                    f"reverse? pass {form.spell('dayfirst', True)} or "
                    f"{form.spell('dayfirst', False)}",
                    line,
                    column,
                    found,
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
            wanted += (
                f" or, with {form.spell('dayfirst', form.dayfirst)}, like "
            )
            wanted += "31/01/2020" if form.dayfirst else "01/31/2020"
        file.fail(
            f"is not {wanted}; if it is one in another form, pass "
            f"{form.spell('date_format', '%b %d %Y')}, say",
            line,
            column,
            found,
        )


def _integer_date_remedy(found: str, form: _Format) -> str:
    guesses = {
        8: ("%Y%m%d", ""),
        10: ("s", " (seconds since 1970)"),
        13: ("ms", " (milliseconds since 1970)"),
    }
    guess, meaning = guesses.get(len(found), ("%y%m%d", ", say"))
    remedy = form.spell("date_format", guess)
    return f"a whole number can be many dates; pass {remedy}{meaning}"


def _parse_number(
    file: _File, line: int, column: str, found: str, kind: str, form: _Format
) -> float:
    """Parse a price or a volume strictly, for float() would let nan and
    1_000 through."""
    if found.lower() in ABSENT:
        file.fail("no value; remove the row or fill it in", line, column, found)
    if re.fullmatch(r"[+-]?inf(inity)?", found, re.IGNORECASE):
        file.fail(
            "not finite; log returns need finite prices > 0",
            line,
            column,
            found,
        )
    plain, unit = found.lstrip(CURRENCIES).strip(), 1.0
    if kind == "volume" and plain[-1:].lower() in UNITS:
        plain, unit = plain[:-1].strip(), UNITS[plain[-1].lower()]
    if not PLAIN.fullmatch(plain) or form.decimal != ".":
        plain = _without_marks(file, line, plain, kind, form)
    if not PLAIN.fullmatch(plain):
        file.fail(_number_remedy(found, form), line, column, found)
    value = unit * float(plain)
    if kind in PRICES and not 0 < value < math.inf:
        file.fail("log returns need finite prices > 0", line, column, found)
    if kind == "volume" and not 0 <= value < math.inf:
        file.fail("a volume cannot be negative", line, column, found)
    return value


def _without_marks(
    file: _File, line: int, found: str, kind: str, form: _Format
) -> str:
    """Write a number with a point and without thousands separators; "" where
    that is not possible or not certain."""
    point = re.escape(form.decimal)
    if form.thousands is None:
        others = SPACES + (",." if form.decimal not in ",." else "")
        others += {".": ",", ",": "."}.get(form.decimal, "")
        for mark in others:
            group = rf"\d{{1,3}}(?:{re.escape(mark)}\d{{3}})"
            # Two groups, or one before a decimal mark, leave no doubt; nor do
            # a space, and a volume, which no one counts to three decimals.
            sure = rf"{group}+{point}\d+|{group}{{2,}}"
            if mark in SPACES or kind == "volume":
                sure += rf"|{group}+"
            if re.fullmatch(sure, found):
                form.thousands = mark
                file.note(
                    f"{mark!r} read as the thousands separator, which "
                    f"{found!r} settles",
                    line,
                )
    if form.thousands is not None:
        mark = re.escape(form.thousands)
        if re.fullmatch(rf"\d{{1,3}}({mark}\d{{3}})+({point}\d*)?", found):
            found = found.replace(form.thousands, "")
    if form.decimal == ".":
        return found
    return "" if "." in found else found.replace(form.decimal, ".")


def _number_remedy(found: str, form: _Format) -> str:
    if re.search(r"dividend|split", found, re.IGNORECASE):
        return "is not a price but an event; remove the row"
    if form.decimal == "." and re.fullmatch(r"\d{1,3},\d{3}", found):
        return (
            f"pass {form.spell('thousands', ',')} if the comma separates "
            f"thousands, {form.spell('decimal', ',')} if it is the decimal mark"
        )
    if form.decimal == "." and re.fullmatch(r"\d+,\d+", found):
        comma = form.spell("decimal", ",")
        return f"pass {comma} if the comma is the decimal mark"
    if re.fullmatch(r"[\d.,]+\s*[kmbtKMBT万亿]", found):
        return "write the price in full, without a unit"
    return f"is not a number with {form.decimal!r} as its decimal mark"


def _sort(file: _File, frame: pd.DataFrame) -> None:
    """Say when the rows have to be sorted."""
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
            lines = frame["line"][wrong].sort_values().astype(str)[:MOST_FAULTS]
            others = ", ".join(lines)
            more = ", ..." if wrong.sum() > MOST_FAULTS else ""
            file.fail(
                f"{relation} the day's open {row['open']:g} or close "
                f"{row['close']:g}; correct the row, or remove it"
                + (
                    f" ({wrong.sum()} such rows: lines {others}{more})"
                    if wrong.sum() > 1
                    else ""
                ),
                int(row["line"]),
                file.columns[column],
                f"{row[column]:g}",
            )


def _check_days(file: _File, frame: pd.DataFrame) -> None:
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
    if idle.all() and not any("no volume" in note for note in file.notes):
        file.note("volume is zero on every day; what is made of it will be 0")
    elif idle.any() and not idle.all():
        file.note(
            f"volume is zero on {idle.sum()} of {len(frame)} days, the first "
            "on this line; "
            "log volume is −inf there, so features repeat the last positive "
            "volume",
            int(frame["line"][idle].iloc[0]),
        )
    moves = large_moves(frame)
    for date in moves.index:
        file.note(
            f"close moves by {100 * moves[date]:+.0f} % to "
            f"{frame['close'][date]:g} in one day; "
            "an unadjusted split?",
            int(frame["line"][date]),
        )


def large_moves(prices: pd.DataFrame) -> pd.Series:
    """Return the changes of the close by more than 40 %, by date: splits, or
    errors, more often than moves."""
    move = prices["close"].pct_change()
    return move[move.abs() > LARGE_MOVE]


def median_spacing(dates: pd.DatetimeIndex) -> float:
    """Return the days from one row to the next, typically: 1 for daily
    prices, 7 for weekly ones."""
    return float(dates.to_series().diff().dt.days.median())


def _check_spacing(file: _File, dates: pd.DatetimeIndex) -> None:
    """Warn about rows that are no trading days, one after the other."""
    if len(dates) < WEEKLY:
        return
    spacing = median_spacing(dates)
    if spacing >= WEEKLY:
        file.note(
            f"rows are {spacing:.0f} days apart: these are no daily prices"
        )
        return
    gaps = dates.to_series().diff().dt.days
    long = gaps[gaps > LONG_GAP]
    if len(long):
        end = long.index[0]
        before = dates[dates < end][-1]
        others = (
            f", and {len(long) - 1} more such gaps" if len(long) > 1 else ""
        )
        file.note(
            f"no prices from {before:%Y-%m-%d} to {end:%Y-%m-%d}, "
            f"{long.iloc[0]:.0f} days{others}; what is taken over five and "
            "22 rows spans them"
        )
    weekdays = dates.day_of_week
    if (weekdays == 6).mean() > 0.1 and not (weekdays == 4).any():
        file.note(
            "has Sundays and no Fridays: right for an exchange that is closed "
            "on Fridays, else the dates are a day early, as midnight in a zone "
            "east of London is when written in UTC"
        )
