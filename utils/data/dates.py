"""Dates as people write them, beside the same dates in ISO 8601."""

import datetime
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

FIRST, LAST = datetime.date(1900, 1, 1), datetime.date(2100, 12, 31)

ENGLISH = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
FRENCH = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
]
GERMAN = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
]
WEEKDAYS = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
]
CHINESE_DIGITS = "〇一二三四五六七八九"


class DatePair(NamedTuple):
    """One date in a spelling of `style`, and in ISO 8601."""

    text: str
    iso: str
    style: str


def chinese_number(number: int) -> str:
    """Write 1 to 99 as Chinese counts: 7 七, 10 十, 21 二十一."""
    tens, ones = divmod(number, 10)
    text = (
        "" if tens == 0 else "十" if tens == 1 else CHINESE_DIGITS[tens] + "十"
    )
    return text + (CHINESE_DIGITS[ones] if ones else "")


def chinese_year(year: int) -> str:
    """Write a year digit by digit: 2026 二〇二六."""
    return "".join(CHINESE_DIGITS[int(digit)] for digit in str(year))


# The separator settles the order of day and month: a slash puts the month
# first, a dot the day.
STYLES: dict[str, Callable[[datetime.date], str]] = {
    "English, month first": lambda day: (
        f"{ENGLISH[day.month - 1]} {day.day}, {day.year}"
    ),
    "English, short": lambda day: (
        f"{day.day} {ENGLISH[day.month - 1][:3]} {day.year}"
    ),
    "English, weekday": lambda day: (
        f"{WEEKDAYS[day.weekday()]}, {day.day} {ENGLISH[day.month - 1]} "
        f"{day.year}"
    ),
    "French": lambda day: (
        f"{'1er' if day.day == 1 else day.day} {FRENCH[day.month - 1]} "
        f"{day.year}"
    ),
    "German": lambda day: f"{day.day}. {GERMAN[day.month - 1]} {day.year}",
    "Chinese": lambda day: f"{day.year}年{day.month}月{day.day}日",
    "Chinese numerals": lambda day: (
        f"{chinese_year(day.year)}年{chinese_number(day.month)}月{chinese_number(day.day)}日"
    ),
    "slashes": lambda day: f"{day.month}/{day.day}/{day.year}",
    "dots": lambda day: f"{day.day}.{day.month}.{day.year}",
}


def make_dates(n: int, rng: int | np.random.Generator) -> list[DatePair]:
    """Draw `n` different days from 1900 to 2100, each written in one of
    `STYLES` at random.

    No day comes twice, so any split of the rows is a split by date. Day and
    month can be confused only between numbers, and there the separator decides:
    3/7/2026 is the 7th of March, 3.7.2026 the 3rd of July. Used in chapter 9.

    Raises:
        ValueError: `n` is below 1 or above the number of days.
    """
    days = (LAST - FIRST).days + 1
    if not 1 <= n <= days:
        raise ValueError(
            f"n is {n}; from {FIRST} to {LAST} there are 1 to {days} days to "
            "draw"
        )
    generator = np.random.default_rng(rng)
    names = list(STYLES)
    drawn = generator.choice(days, size=n, replace=False)
    styles = generator.integers(len(names), size=n)
    pairs = []
    for offset, style in zip(drawn, styles, strict=True):
        day = FIRST + datetime.timedelta(days=int(offset))
        name = names[style]
        pairs.append(DatePair(STYLES[name](day), day.isoformat(), name))
    return pairs
