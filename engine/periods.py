"""Days, weeks, months, quarters, years: the only module that knows dates.

A period is named by the date of its first day. Weeks start on whatever weekday the data start on.
"""

import calendar
from datetime import date, timedelta
from typing import Literal, get_args

Period = Literal["day", "week", "month", "quarter", "year"]
PERIODS: tuple[Period, ...] = get_args(Period)
PER_YEAR: dict[Period, float] = {"day": 365.25, "week": 52.1775, "month": 12.0, "quarter": 4.0, "year": 1.0}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def step(start: date, count: int, period: Period) -> date:
    """The first day of the period that lies `count` periods after the one starting at `start`.

    >>> step(date(2027, 1, 4), 2, "week"), step(date(2027, 11, 30), 3, "month")
    (datetime.date(2027, 1, 18), datetime.date(2028, 2, 29))
    """
    if period in ("day", "week"):
        return start + timedelta(days=count * (7 if period == "week" else 1))
    months = start.year * 12 + start.month - 1 + count * _MONTHS[period]
    year, month = divmod(months, 12)
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))


def since(first: date, second: date, period: Period) -> int:
    """Periods from one date to another, to the nearest whole number; below 0 where the other is earlier.

    >>> since(date(2027, 1, 4), date(2027, 1, 27), "week"), since(date(2027, 3, 1), date(2026, 12, 1), "month")
    (3, -3)
    """
    if period in ("day", "week"):
        return round((second - first).days / (7 if period == "week" else 1))
    months = (second.year - first.year) * 12 + second.month - first.month
    return round(months / _MONTHS[period])


def starts(start: date, count: int, period: Period) -> tuple[date, ...]:
    """The first days of `count` periods in a row.

    >>> [str(day) for day in starts(date(2027, 1, 4), 2, "week")]
    ['2027-01-04', '2027-01-11']
    """
    return tuple(step(start, index, period) for index in range(count))


Span = tuple[date | None, date | None]  # first day, and first day after; None for no limit


def inside(day: date, span: Span) -> bool:
    """Whether a day lies in a span."""
    first, last = span
    return (first is None or first <= day) and (last is None or day < last)


def share_open(days: tuple[date, ...], period: Period, within: Span, closed: list[Span]) -> list[float]:
    """The share of each period's days that lie within one span and in none of the closed ones.

    >>> week = (date(2027, 6, 28),)
    >>> share_open(week, "week", (date(2027, 7, 1), None), [(date(2027, 7, 3), None)])
    [0.2857142857142857]
    """
    shares = []
    for begin in days:
        count = (step(begin, 1, period) - begin).days
        every = (begin + timedelta(days=ahead) for ahead in range(count))
        shares.append(
            sum(inside(day, within) and not any(inside(day, span) for span in closed) for day in every) / count
        )
    return shares


def share_inside(days: tuple[date, ...], period: Period, first: date | None, last: date | None) -> list[float]:
    """The share of each period's days that lie in `first` (included) to `last` (not included).

    >>> share_inside((date(2027, 6, 28), date(2027, 7, 5)), "week", date(2027, 7, 1), None)
    [0.5714285714285714, 1.0]
    """
    shares = []
    for day in days:
        end = step(day, 1, period)
        begin = max(day, first) if first else day
        stop = min(end, last) if last else end
        shares.append(max(0, (stop - begin).days) / (end - day).days)
    return shares
