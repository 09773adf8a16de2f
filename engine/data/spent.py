"""What a horizon that has begun has spent so far: a table with a date column and one column for each channel."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from jaxtyping import Float

from engine.config.model import Data
from engine.data.cells import LARGEST_NUMBER, Style
from engine.data.opening import open_table
from engine.data.table import MOST_ALIKE, Header, Table, refuse, shown
from engine.data.timeline import day_of
from engine.errors import InputError
from engine.files import read_bytes
from engine.periods import Period

DATE = "date"  # the column that tells when
LARGEST = 16_000_000  # bytes: years of daily rows
_PLAIN = Data(date=DATE, outcome=DATE)  # numbers with a point, UTF-8, the separator found
_PARQUETS = (".parquet", ".pq")


@dataclass(frozen=True)
class Elapsed:
    """The periods of a horizon that are over."""

    days: tuple[date, ...]  # first day of each, and the first day after them
    period: Period


@dataclass(frozen=True)
class SpentTable:
    """What a table says was spent."""

    money: Float[np.ndarray, "period channel"]  # [currency/period]
    unused: tuple[str, ...]  # columns that are no channel


def read_spent(path: Path, channels: Sequence[str], elapsed: Elapsed) -> SpentTable:
    """What was spent on each channel in each elapsed period: a row for each period, or for each of its days.

    Args:
        path: CSV, TSV, XLSX or Parquet, with dates as YYYY-MM-DD in the column `date`; rows in any order.
        channels: Columns that must be there, in the order of the result; others are not used.
        elapsed: The periods that must be told whole.

    Raises:
        InputError: A column, a period or a day is missing, or a cell is no amount of 0 or more; with its place.
        StorageError: The system would not read the file.
    """
    named = (DATE, *channels)
    wanted = dict.fromkeys(named, "the channels of the curves") if path.suffix.casefold() in _PARQUETS else {}
    table = open_table(read_bytes(path, LARGEST), path, _PLAIN, Header(wanted, (), drop_unnamed=False))
    for name in named:
        if name not in table.columns:
            raise InputError(_missing(table, name, named))
    days = _days(table, elapsed)
    amounts = np.stack([_amounts(table, name) for name in channels], axis=1)
    _require_whole(table, days, elapsed)
    money = np.zeros((len(elapsed.days) - 1, len(channels)))
    at = np.searchsorted(np.array(elapsed.days, "datetime64[D]"), np.array(days, "datetime64[D]"), side="right") - 1
    np.add.at(money, at, amounts)
    return SpentTable(money, tuple(name for name in table.columns if name not in named))


def _missing(table: Table, name: str, named: Sequence[str]) -> str:
    what = "which says when the money was spent" if name == DATE else "a channel of the curves"
    others = [column for column in table.columns if column not in named]
    close = [column for column in others if name in column] or difflib.get_close_matches(name, others, n=1)
    zeros = "" if name == DATE else ", with 0 where nothing was spent"
    remedy = f"rename {shown(close[0])}" if close else f"add it{zeros}"
    listed = ", ".join(shown(column) for column in list(table.columns)[:12])
    return f"{table.place}: no column {shown(name)}, {what} (the file has {listed}); {remedy}"


def _days(table: Table, elapsed: Elapsed) -> list[date]:
    """The date of each row, none of them outside the elapsed periods and none twice."""
    first, after = elapsed.days[0], elapsed.days[-1]
    seen: dict[date, int] = {}
    found, faults = [], []
    for row, text in enumerate(table.columns[DATE]):
        day = day_of(text.strip(), None)
        if day is None:
            faults.append(f"{table.at(row, DATE)}: {shown(text)} is not a date; write YYYY-MM-DD")
        elif not first <= day < after:
            faults.append(
                f"{table.at(row, DATE)}: {day} lies outside what is over, {first} to {after - timedelta(days=1)}; "
                "leave the row out, or correct --as-of or horizon.start"
            )
        elif day in seen:
            faults.append(f"{table.at(row, DATE)}: {day} stands on {table.unit} {seen[day]} already; add the two up")
        else:
            seen[day] = int(table.lines[row])
            found.append(day)
    if faults:
        refuse(faults[:MOST_ALIKE], len(faults) - MOST_ALIKE)
    return found


def _amounts(table: Table, column: str) -> Float[np.ndarray, " row"]:
    """The amounts of a column, each 0 or more."""
    grammar, faults = Style().pattern(), []
    found = np.zeros(len(table.lines))
    for row, text in enumerate(table.columns[column]):
        written = text.strip()
        if not grammar.fullmatch(written):
            what = f"{shown(text)} is no plain number" if written else "the cell is blank, and missing is not zero"
            faults.append(f"{table.at(row, column)}: {what}; write an amount such as 1234.5, or 0")
        elif not 0 <= float(written) <= LARGEST_NUMBER:
            size = "negative" if float(written) < 0 else "too large"
            faults.append(f"{table.at(row, column)}: {shown(written)} is {size}; write what was spent, 0 or more")
        else:
            found[row] = float(written)
    if faults:
        refuse(faults[:MOST_ALIKE], len(faults) - MOST_ALIKE)
    return found


def _require_whole(table: Table, days: Sequence[date], elapsed: Elapsed) -> None:
    """Refuse a table in which a period is missing, or a day where not every row is the first day of a period."""
    begins, told = elapsed.days[:-1], set(days)
    if told == set(begins):
        return
    by_period = told < set(begins)
    count = (elapsed.days[-1] - elapsed.days[0]).days
    expected = begins if by_period else tuple(elapsed.days[0] + timedelta(days=ahead) for ahead in range(count))
    gaps = [day for day in expected if day not in told]
    if not gaps:
        return
    more = f" (and {len(gaps) - 1} more)" if len(gaps) > 1 else ""
    way = f"a row for each {elapsed.period} from {begins[0]} to {begins[-1]}"
    either = "" if by_period or elapsed.period == "day" else f", or for each day to {expected[-1]}"
    needed = f"{way}{either} is needed, with 0 where nothing was spent"
    raise InputError(f"{table.place}: no row for {gaps[0]}{more}; {needed}")
