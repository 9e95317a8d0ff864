"""utils.data.dates: every spelling says its day, and no day comes twice."""

import datetime
import re

import numpy as np
import pytest

from utils.data import dates


def read(text, style):
    """Read a spelling back, by rules of its own."""
    chinese = dates.CHINESE_DIGITS
    if style == "Chinese numerals":
        year, month, day = re.fullmatch(r"(....)年(.+)月(.+)日", text).groups()
        values = {
            dates.chinese_number(number): number for number in range(1, 32)
        }
        return (
            int("".join(str(chinese.index(c)) for c in year)),
            values[month],
            values[day],
        )
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    if style == "Chinese":
        return tuple(numbers)
    if style in ("slashes", "dots"):
        first, second, year = numbers
        return (
            (year, first, second)
            if style == "slashes"
            else (year, second, first)
        )
    names = {"French": dates.FRENCH, "German": dates.GERMAN}.get(
        style, dates.ENGLISH
    )
    short = 3 if style == "English, short" else None
    month = [
        name[:short] in text.split(", ")[-1 if "weekday" in style else 0]
        for name in names
    ]
    found = [number for number, present in enumerate(month, start=1) if present]
    return numbers[-1], found[-1], numbers[0]


def test_every_style_says_its_day():
    seen = set()
    for pair in dates.make_dates(3000, rng=1):
        year, month, day = read(pair.text, pair.style)
        assert f"{year}-{month:02}-{day:02}" == pair.iso, pair
        seen.add(pair.style)
    assert seen == set(dates.STYLES)


def test_weekdays_are_right():
    spelling = dates.STYLES["English, weekday"](datetime.date(2026, 3, 7))
    assert spelling == "Saturday, 7 March 2026"


def test_the_separator_settles_day_and_month():
    day = datetime.date(2026, 3, 7)
    assert dates.STYLES["slashes"](day) == "3/7/2026"
    assert dates.STYLES["dots"](day) == "7.3.2026"
    texts = {}
    for pair in dates.make_dates(20_000, rng=2):
        assert texts.setdefault(pair.text, pair.iso) == pair.iso


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "一"),
        (9, "九"),
        (10, "十"),
        (11, "十一"),
        (20, "二十"),
        (31, "三十一"),
    ],
)
def test_chinese_counts(number, text):
    assert dates.chinese_number(number) == text


def test_no_day_comes_twice_and_the_seed_decides():
    pairs = dates.make_dates(5000, rng=3)
    assert len({pair.iso for pair in pairs}) == 5000
    assert pairs == dates.make_dates(5000, rng=np.random.default_rng(3))
    assert pairs != dates.make_dates(5000, rng=4)


def test_every_day_can_be_drawn():
    days = (dates.LAST - dates.FIRST).days + 1
    isos = {pair.iso for pair in dates.make_dates(days, rng=0)}
    assert min(isos) == "1900-01-01"
    assert max(isos) == "2100-12-31"
    with pytest.raises(ValueError, match=f"n is {days + 1}; from 1900-01-01"):
        dates.make_dates(days + 1, rng=0)
    with pytest.raises(ValueError, match="n is 0"):
        dates.make_dates(0, rng=0)
