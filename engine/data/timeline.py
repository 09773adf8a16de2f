"""Texts into dates, and dates into a timeline without gaps: which period is it, and is each one there?"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np
from jaxtyping import Int

from engine.config.model import Data
from engine.data.table import MOST_ALIKE, Table, refuse, shown
from engine.errors import InputError
from engine.periods import Period, step

EARLIEST = date(1900, 1, 2)  # a spreadsheet shows an empty date as 1899-12-30 to 1900-01-01
_EXCEL_ZERO = date(1899, 12, 30)
_TOTALS = ("total", "grand total", "sum", "summe", "gesamt", "totale", "somme", "subtotal", "all", "average", "mean")
_DAYS: Mapping[Period, tuple[int, int]] = {  # shortest and longest distance of two neighbours
    "day": (1, 1),
    "week": (7, 7),
    "month": (28, 31),
    "quarter": (89, 92),
    "year": (365, 366),
}
_MONTHS: Mapping[Period, int] = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Timeline:
    """Periods in a row without a gap, and the period of each row of a table."""

    period: Period
    starts: tuple[date, ...]
    index: Int[np.ndarray, " row"]


def timeline(table: Table, data: Data, today: date) -> Timeline:
    """The timeline that a date column spans.

    Raises:
        InputError: A date cannot be read or is not plausible, a period is missing, or the periods differ in length.
    """
    texts = table.columns[data.date]
    known = _read_dates(table, data, today)
    days = sorted(set(known.values()))
    period = data.period or _found_period(table, data.date, days)
    _require_marks(table, data, days, period)
    _require_regular(table, data, known, period)
    position = {day: at for at, day in enumerate(days)}
    index = np.array([position[known[text]] for text in texts], dtype=np.int64)
    if data.date_marks == "end":
        days = [step(day + timedelta(days=1), -1, period) for day in days]
    return Timeline(period, tuple(days), index)


def _read_dates(table: Table, data: Data, today: date) -> dict[str, date]:
    """Each different text of the date column as a date."""
    texts = table.columns[data.date]
    latest = data.latest or today
    known: dict[str, date] = {}
    faults: list[str] = []
    for text in dict.fromkeys(texts):
        day = day_of(text.strip(" \t"), None) if table.typed else None
        day = day or day_of(text.strip(" \t"), data.date_format)
        reason = _why_no_date(text.strip(), data) if day is None else _why_not_plausible(day, latest, data)
        if reason:
            faults.append(f"{table.at(texts.index(text), data.date)}: {reason}" if len(faults) < MOST_ALIKE else "")
        elif day:
            known[text] = day
    if faults:
        refuse(faults[:MOST_ALIKE], len(faults) - MOST_ALIKE)
    return known


def day_of(text: str, date_format: str | None) -> date | None:
    """A date written as YYYY-MM-DD (with midnight after it or not), or as declared; None if it is not.

    >>> day_of("2024-01-31", None), day_of("31.01.2024", "%d.%m.%Y"), day_of("soon", None)
    (datetime.date(2024, 1, 31), datetime.date(2024, 1, 31), None)
    """
    try:
        if date_format is None:
            found = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:[T ]00:00(?::00(?:\.0+)?)?)?", text, re.ASCII)
            return date.fromisoformat(found.group(1)) if found else None
        if date_format == "excel":
            whole = re.fullmatch(r"(\d{1,6})(?:\.0*)?", text, re.ASCII)
            return _EXCEL_ZERO + timedelta(days=int(whole.group(1))) if whole else None
        if "%V" in date_format and not any(code in date_format for code in ("%u", "%a", "%A", "%w")):
            text, date_format = f"{text} 1", f"{date_format} %u"  # a week is named by its Monday
        return datetime.strptime(text, date_format).date()
    except (ValueError, OverflowError):
        return None


def _why_no_date(text: str, data: Data) -> str:
    quote = shown(text)
    if not text:
        return "the date is blank; fill it, or delete the row"
    if text.casefold().rstrip(":") in _TOTALS or text.casefold().startswith("total"):
        return f"{quote} is a total, not a date; delete the row, or its sums would count twice"
    if text == data.date:
        return "the header stands here once more; delete the line"
    if data.date_format:
        return f"{quote} is not a date written as {data.date_format!r}; correct it, or date_format under [data]"
    for pattern, reason in _DATE_REASONS:
        found = re.fullmatch(pattern, text, re.ASCII)
        if found:
            return f"{quote} {reason(found)}"
    return f"{quote} is not a date; write YYYY-MM-DD, or declare date_format under [data]"


def _numeric_date(found: re.Match[str]) -> str:
    one, sign, two, year = found.groups()
    code = "%Y" if len(year) == 4 else "%y"
    day_first, month_first = f"%d{sign}%m{sign}{code}", f"%m{sign}%d{sign}{code}"
    if int(one) > 12:
        return f'is not written as YYYY-MM-DD; rewrite it, or declare date_format = "{day_first}" under [data]'
    if int(two) > 12:
        return f'is not written as YYYY-MM-DD; rewrite it, or declare date_format = "{month_first}" under [data]'
    return (
        f"may be day/month or month/day; write YYYY-MM-DD, or declare under [data] "
        f'date_format = "{day_first}" (day first) or "{month_first}" (month first)'
    )


def _excel_day(found: re.Match[str]) -> str:
    day = _EXCEL_ZERO + timedelta(days=int(found.group(1)))
    return f'looks like the Excel day number of {day}; write YYYY-MM-DD, or declare date_format = "excel" under [data]'


_DATE_REASONS = (
    (r"\d{4}-\d\d-\d\d(?:[T ]00:00(?::00(?:\.0+)?)?)?", lambda _: "is no day of the calendar; correct it (YYYY-MM-DD)"),
    (r"\d{4}-\d\d-\d\d[T ].*", lambda _: "has a time of day; write the date alone, YYYY-MM-DD"),
    (r"(\d{1,2})([/.-])(\d{1,2})[/.-](\d{4}|\d\d)", _numeric_date),
    (r"(\d{5})(?:\.\d*)?", _excel_day),
    (r"\d{8}", lambda _: 'has no separators; write YYYY-MM-DD, or declare date_format = "%Y%m%d" under [data]'),
    (
        r"\d{4}([/.])\d\d?[/.]\d\d?",
        lambda at: f'needs date_format = "%Y{at[1]}%m{at[1]}%d" under [data], or YYYY-MM-DD',
    ),
    (
        r"\d{4}([-/])\d\d?",
        lambda at: f'is a month; declare date_format = "%Y{at[1]}%m" under [data], or write YYYY-MM-DD',
    ),
    (
        r"\d{4}-?W\d\d?",
        lambda _: 'is a week; declare date_format = "%G-W%V" under [data], or write its Monday YYYY-MM-DD',
    ),
    (r"\d{4}[- ]?Q[1-4]|Q[1-4][- /]?\d{4}", lambda _: "is a quarter; write its first day, YYYY-MM-DD"),
    (
        r"\d{1,2}[- ][A-Za-z]{3}[- ]\d{4}",
        lambda at: f'needs date_format = "%d{at[0][-5]}%b{at[0][-5]}%Y" under [data], or write YYYY-MM-DD',
    ),
    (r"\d{4}", lambda _: 'is a year; declare date_format = "%Y" under [data], or write YYYY-MM-DD'),
)


def _why_not_plausible(day: date, latest: date, data: Data) -> str | None:
    if day < EARLIEST:
        return f"{day} lies before {EARLIEST}: an empty or mistyped date; correct it"
    if day > latest:
        limit = "the latest date declared" if data.latest else "today"
        return (
            f"{day} lies in the future (after {latest}, {limit}); a history holds what happened: correct the date, "
            f"leave the row out, or declare latest = {day} under [data]"
        )
    return None


def _found_period(table: Table, column: str, days: list[date]) -> Period:
    """The period of most neighbouring dates."""
    if len(days) < 2:
        raise InputError(
            f'{table.place}: one date only ({days[0]}), so its period is unknown; add rows, or declare period = "week"'
        )
    gaps = [(after - before).days for before, after in pairwise(days)]
    votes = {period: sum(low <= gap <= high for gap in gaps) for period, (low, high) in _DAYS.items()}
    best = max(votes, key=lambda period: votes[period])
    if not votes[best]:
        raise InputError(
            f"{table.place}, column {shown(column)}: the dates lie {min(gaps)} to {max(gaps)} days apart, which is no "
            f"day, week, month, quarter or year; bring the rows to one of these"
        )
    return best


def _require_marks(table: Table, data: Data, days: list[date], period: Period) -> None:
    """Month ends as labels would shift the calendar by a month: they are taken only as declared."""
    if data.date_marks or period not in _MONTHS or len(days) < 2:
        return
    if all((day + timedelta(days=1)).day == 1 for day in days):
        raise InputError(
            f"{table.place}, column {shown(data.date)}: every date ({days[0]}, {days[1]}, ...) is the last day of its "
            f'month; declare date_marks = "end" under [data] if each names the {period} that it ends (else "start")'
        )


def _require_regular(table: Table, data: Data, known: Mapping[str, date], period: Period) -> None:
    days = sorted(set(known.values()))
    anchor = max(day.day for day in days)
    faults = []
    for before, after in pairwise(days):
        expected = _next(before, period, anchor)
        if after != expected:
            faults.append(_gap(table, data, known, (before, after, expected), (period, anchor)))
    if faults:
        refuse(faults[:MOST_ALIKE], len(faults) - MOST_ALIKE)


def _next(day: date, period: Period, anchor: int) -> date:
    """The label after `day`; months keep the day `anchor` where they are long enough."""
    if period not in _MONTHS:
        return step(day, 1, period)
    first = step(day.replace(day=1), 1, period)
    longest = (step(first, 1, "month") - timedelta(days=1)).day
    return first.replace(day=min(anchor, longest))


def _gap(
    table: Table, data: Data, known: Mapping[str, date], days: tuple[date, date, date], rhythm: tuple[Period, int]
) -> str:
    before, after, expected = days
    period, anchor = rhythm
    declared = f", or correct period = {period!r} in the model file" if data.period else ""
    text = next(text for text, day in known.items() if day == after)
    where = table.at(table.columns[data.date].index(text), data.date)
    missing, at = 0, expected
    while at < after:
        missing, at = missing + 1, _next(at, period, anchor)
    if at == after:
        count = f"{expected} is missing" if missing == 1 else f"{missing} periods are missing from {expected}"
        return (
            f"{where}: a gap in the calendar: after {before} comes {after}, so {count} in a table by {period}; "
            f"add the row (zeros only if nothing was spent){declared}"
        )
    return (
        f"{where}: mixed periods: from {before} to {after} are {(after - before).days} days in a table by {period}; "
        f"correct the date, or bring all rows to one period{declared}"
    )
