"""What really happened in a horizon so far: a table of spend, and of contacts, their price and outcome where known."""

import importlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from engine.config.model import Data
from engine.data.cells import Style, numbers
from engine.data.opening import open_table
from engine.data.spent import DATE, LARGEST, Elapsed, read_spent
from engine.data.table import Header, Table, refuse, shown
from engine.data.timeline import day_of
from engine.errors import InputError
from engine.files import read_bytes

CONTACTS, PRICE, OUTCOME, BASELINE = "contacts", "planned_price", "outcome", "baseline"
_PLAIN = Data(date=DATE, outcome=DATE)  # numbers with a point, UTF-8, the separator found
_PARQUETS = (".parquet", ".pq")
_STYLES = {
    CONTACTS: Style(may_be_negative=False),
    PRICE: Style(may_be_negative=False, may_be_zero=False),
    OUTCOME: Style(),
    BASELINE: Style(),
}


@dataclass(frozen=True)
class Actuals:
    """What a table says of the periods that are over."""

    money: Float[np.ndarray, "period channel"]  # spent [currency/period]
    priced: Float[np.ndarray, "period channel"]  # the same contacts at planned prices; money where they are not told
    counted: tuple[str, ...]  # channels whose contacts are told
    outcome: Float[np.ndarray, "period part"] | None  # by channel, or of all in one less the baseline [outcome/period]
    rests_on: Float[np.ndarray, "period part"] | None  # the baseline that was taken off, or what was attributed
    by_channel: bool  # whether the parts of the outcome are the channels
    lacking: str  # what is missing where the outcome is not known
    unused: tuple[str, ...]  # columns that say nothing of the plan


def read_actuals(path: Path, channels: Sequence[str], horizon: Elapsed) -> Actuals:
    """What happened from the start of a horizon to the last day of a table, a row for each period or each day.

    Beside `date` and a column of money for each channel it may have CHANNEL.contacts with CHANNEL.planned_price,
    CHANNEL.outcome for every channel, or `outcome` with `baseline`.

    Args:
        path: CSV, TSV, XLSX or Parquet; rows in any order.
        channels: Columns that must be there, in the order of the result.
        horizon: All periods of the plan; the table may end after any of them.

    Raises:
        InputError: A column, a period or a day is missing, a date lies outside the horizon, or a cell is no amount.
        StorageError: The system would not read the file.
    """
    table = _opened(path)
    elapsed = Elapsed(horizon.days[: _over(table, horizon) + 1], horizon.period)
    spent = read_spent(path, channels, elapsed)
    days = np.array([day_of(text.strip(), None) for text in table.columns[DATE]], "datetime64[D]")
    at = np.searchsorted(np.array(elapsed.days, "datetime64[D]"), days, side="right") - 1
    told = _Told(table, tuple(name for name in table.columns if name not in (DATE, *channels)), at, len(spent.money))
    priced, counted = _priced(told, channels, spent.money)
    outcome, rests_on, lacking = _outcome(told, channels)
    by_channel = rests_on is not None and rests_on is outcome
    used = {f"{name}.{what}" for name in counted for what in (CONTACTS, PRICE)}
    if outcome is not None:
        used |= {f"{name}.{OUTCOME}" for name in channels} if by_channel else {OUTCOME, BASELINE}
    unused = tuple(name for name in told.columns if name not in used)
    return Actuals(spent.money, priced, counted, outcome, rests_on, by_channel, lacking, unused)


@dataclass(frozen=True)
class _Told:
    """What stands beside the money."""

    table: Table
    columns: tuple[str, ...]
    at: Int[np.ndarray, " row"]  # period of each row
    periods: int

    def cells(self, column: str) -> Float[np.ndarray, " row"]:
        """The numbers of a column."""
        values, _, faults = numbers(self.table, column, _STYLES[column.rpartition(".")[2]])
        if faults:
            refuse(faults)
        return values

    def by_period(self, rows: Float[np.ndarray, " row"]) -> Float[np.ndarray, " period"]:
        """Sums of rows by period."""
        return np.bincount(self.at, rows, self.periods)


def _opened(path: Path) -> Table:
    """The table with all of its columns."""
    raw, is_parquet = read_bytes(path, LARGEST), path.suffix.casefold() in _PARQUETS
    wanted = {DATE: "this table"} if is_parquet else {}
    table = open_table(raw, path, _PLAIN, Header(wanted, (), drop_unnamed=False))
    if not is_parquet:
        return table
    names = importlib.import_module("polars").read_parquet_schema(io.BytesIO(raw))  # it was read above, so it is whole
    return open_table(raw, path, _PLAIN, Header(dict.fromkeys(names, "this table"), (), drop_unnamed=False))


def _over(table: Table, horizon: Elapsed) -> int:
    """How many periods the table tells; all of them where it has faults that reading the money names better."""
    whole, days = len(horizon.days) - 1, [day_of(text.strip(), None) for text in table.columns.get(DATE, ())]
    known = [day for day in days if day is not None]
    if not known or len(known) < len(days):
        return whole
    for row, day in enumerate(known):
        if not horizon.days[0] <= day < horizon.days[-1]:
            raise InputError(
                f"{table.at(row, DATE)}: {day} lies outside the horizon of the plan, {horizon.days[0]} to "
                f"{horizon.days[-1] - timedelta(days=1)}; leave the row out, or name the plan of that time"
            )
    last = max(known)
    number = int(np.searchsorted(np.array(horizon.days), np.array(last), side="right"))  # of the period that holds it
    spanned = (last - horizon.days[0]).days + 1
    if set(known) <= set(horizon.days) or len(set(known)) < spanned:
        return number
    _require_end(table, last, horizon, number)
    return number


def _require_end(table: Table, last: date, horizon: Elapsed, number: int) -> None:
    """Refuse daily rows that end within a period."""
    end = horizon.days[number] - timedelta(days=1)
    if last != end:
        before = horizon.days[number - 1] - timedelta(days=1)
        earlier = f", or already on {before}" if number > 1 else ""
        raise InputError(
            f"{table.place}: ends on {last}, within the {horizon.period} from {horizon.days[number - 1]} to {end}; "
            f"end it on {end}{earlier}"
        )


def _priced(
    told: _Told, channels: Sequence[str], money: Float[np.ndarray, "period channel"]
) -> tuple[Float[np.ndarray, "period channel"], tuple[str, ...]]:
    """What the contacts of each channel cost at planned prices, and the channels whose contacts are told."""
    found, counted = money.copy(), []
    for at, name in enumerate(channels):
        pair = [f"{name}.{what}" for what in (CONTACTS, PRICE)]
        here = [column for column in pair if column in told.columns]
        if len(here) == 1:
            other = next(column for column in pair if column not in here)
            raise InputError(
                f"{told.table.place}: has {shown(here[0])} and no {shown(other)}, and only both tell what contacts "
                "cost beside the plan; add that column, or leave the first one out"
            )
        if here:
            found[:, at] = told.by_period(told.cells(pair[0]) * told.cells(pair[1]))
            counted.append(name)
    return found, tuple(counted)


_Parts = Float[np.ndarray, "period part"] | None


def _outcome(told: _Told, channels: Sequence[str]) -> tuple[_Parts, _Parts, str]:
    """What the channels brought, what that rests on (itself where it is attributed), and why it is not known."""
    own = [f"{name}.{OUTCOME}" for name in channels]
    here = [column for column in own if column in told.columns]
    if here and len(here) < len(own):
        missing = next(column for column in own if column not in here)
        raise InputError(
            f"{told.table.place}: has {shown(here[0])} and no {shown(missing)}; give the outcome of every channel "
            f"(0 where one brought nothing), or `{OUTCOME}` and `{BASELINE}` for all of them together"
        )
    if here:
        attributed = np.stack([told.by_period(told.cells(column)) for column in own], axis=1)
        return attributed, attributed, ""
    if OUTCOME in told.columns and BASELINE in told.columns:
        baseline = told.by_period(told.cells(BASELINE))[:, None]
        return told.by_period(told.cells(OUTCOME))[:, None] - baseline, baseline, ""
    if OUTCOME in told.columns:
        lacking = f"{OUTCOME} holds what comes without these channels too; add a column {BASELINE} for that"
        return None, None, lacking
    return None, None, f"the table has no columns {OUTCOME} and {BASELINE}, and no CHANNEL.{OUTCOME}"
