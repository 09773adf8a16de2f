"""History: past years replayed, what came of them beside the fit and what contacts cost then.

Each path replays past periods in their order, demand and prices of the same dates together. A path of more than a year
replays a year for each of its years, and its tail goes on from the last one. What begins late in history goes on with
its beginning (a circular block bootstrap, Politis & Romano 1992): so every past period is as likely as any other in
every period of the plan, and the mean path has the mean of history.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from engine.config.model import Data
from engine.data.dataset import Dataset
from engine.data.opening import open_table
from engine.data.table import Header, Table, shown
from engine.errors import InputError
from engine.files import read_bytes
from engine.periods import PER_YEAR, Period
from engine.stress.levels import Levels
from engine.stress.luck import uniform
from engine.stress.setting import Setting

PARTS = "contributions.csv"  # of a fit folder
START, MEAN = "start", " mean"  # its columns: the first day, and the mean of each part
REST = "unexplained"  # the part without which no such file is written
NOT_PLANNED = ("unrecorded", "drift", REST)  # parts that no plan reckons with
SAME = 1e-6  # of the mean outcome: parts that add up to it but for so much are parts of it
TELLING = 0.01  # of the mean of the periods that ran: less money or contacts tell no price
_PLAIN = Data(date=START, outcome=REST + MEAN, delimiter=",")


@dataclass(frozen=True)
class Past:
    """What happened in each past period beside what a plan reckons with."""

    period: Period
    starts: tuple[date, ...]  # first day of each past period
    demand: Float[np.ndarray, " past"]  # outcome over what the fit explains, 1 in the mean of history
    prices: dict[str, Float[np.ndarray, " past"]]  # of a contact by channel, over the mean price of the latest year
    unpriced: tuple[str, ...]  # channels of the history whose prices the data do not tell: they stay as they are

    @property
    def year(self) -> int:
        """Periods of a year."""
        return math.floor(PER_YEAR[self.period])


def past_of(dataset: Dataset, fit: Path) -> Past:
    """What history did beside its fit, period by period.

    What the fit explains is what baseline and channels do at their mean. What drifted beside it counts as demand, as
    quick noise does: a plan reckons with neither.

    Args:
        dataset: The history that was fitted.
        fit: The folder that `peso calibrate` wrote.

    Raises:
        InputError: The folder has no parts, or those of another history, or the history is shorter than a year.
    """
    if not fit.is_dir():
        raise InputError(f"{fit}: is no folder, and that of a fit is needed; name the one that peso calibrate wrote")
    year = math.floor(PER_YEAR[dataset.period])
    if len(dataset.starts) < year:
        raise InputError(
            f"{fit}: its history has {len(dataset.starts)} {dataset.period}s, and a year of {year} is needed to replay "
            "one; use shocks instead, or a longer history"
        )
    outcome = dataset.outcome.sum(axis=1)
    explained = outcome - _not_planned(dataset, fit / PARTS)
    odd = np.flatnonzero((explained <= 0) | (outcome < 0))
    if len(odd):
        at = int(odd[0])
        raise InputError(
            f"{fit / PARTS}: explains {explained[at]:.6g} of {outcome[at]:.6g} {dataset.outcome_name} in the "
            f"{dataset.period} of {dataset.starts[at]}, and only amounts above 0 have a ratio that can be replayed; "
            "use shocks instead"
        )
    prices = {name: found for at, name in enumerate(dataset.channels) if (found := _prices(dataset, at)) is not None}
    ratio = outcome / explained
    return Past(
        period=dataset.period,
        starts=dataset.starts,
        demand=ratio / ratio.mean(),
        prices=prices,
        unpriced=tuple(name for name in dataset.channels if name not in prices),
    )


def without_prices(record: Past) -> str:
    """What is said where prices of some channels are not replayed; nothing where all are.

    >>> without_prices(Past("week", (), np.ones(0), {}, ("tv",))).partition(":")[0]
    "prices of 'tv' stay as they are"
    """
    if not record.unpriced:
        return ""
    listed = ", ".join(map(shown, record.unpriced))
    return (
        f"prices of {listed} stay as they are: the history has no exposure beside spend; name its column by exposure "
        "in the model file to replay what contacts cost"
    )


def replayed(setting: Setting, record: Past, seed: int, paths: Int[np.ndarray, " path"]) -> Levels:
    """The levels of past years on some paths: demand is every channel's, prices are each channel's own.

    In the mean of all paths demand is 1 in every period. Prices are those of their dates over the latest year's mean:
    where they rose, early years are cheaper.

    Args:
        setting: The plan and its periods.
        record: What history did.
        seed: Of the luck by which paths begin.
        paths: The number of each.

    Raises:
        InputError: History and curves count in other periods.
    """
    then, same = blocks(setting, record, seed, paths), np.ones((1, setting.rows))
    demand = record.demand[then]
    names = [(channel.name, channel.part_of) for channel in setting.curves.channels]
    prices = [next((record.prices[name] for name in own if name in record.prices), None) for own in names]
    return Levels(
        had=tuple(same if price is None else 1 / price[then] for price in prices),
        effect=(demand,) * len(names),
        open=(same,) * len(names),
        money=same,
        cut=0 * same,
        people=same,
        delay=0 * same,
    )


def blocks(setting: Setting, record: Past, seed: int, paths: Int[np.ndarray, " path"]) -> Int[np.ndarray, "path row"]:
    """The number of the past period that each path replays in each row; the same whichever other paths are asked for.

    Raises:
        InputError: History and curves count in other periods.
    """
    if record.period != setting.curves.period:
        raise InputError(
            f"the history counts in {record.period}s and the curves in {setting.curves.period}s, so no past "
            f"{record.period} can be replayed; name the history that the curves were calibrated on"
        )
    count = len(record.starts)
    edges = [*range(0, setting.periods, record.year), setting.rows]
    found = np.empty((len(paths), setting.rows), int)
    for number, (begin, end) in enumerate(itertools.pairwise(edges)):
        first = (uniform(seed, f"past year {number}", paths) * count).astype(int)
        found[:, begin:end] = (first[:, None] + np.arange(end - begin)) % count
    return found


def _prices(dataset: Dataset, channel: int) -> Float[np.ndarray, " past"] | None:
    """What a channel's contacts cost, over the mean price of the latest year; None where the data do not tell.

    A period that tells no price has that of the latest one before it that does, and the first ones that of the next.
    """
    spend, contacts = (values[:, :, channel].sum(axis=1) for values in (dataset.spend, dataset.driver))
    telling = np.flatnonzero(_runs(spend) & _runs(contacts))
    if not len(telling):
        return None
    price = spend[telling] / contacts[telling]
    if np.ptp(price) <= SAME * price.max():
        return None
    before = np.searchsorted(telling, np.arange(len(spend)), "right") - 1
    found: Float[np.ndarray, " past"] = price[np.maximum(before, 0)]
    return found


def _runs(values: Float[np.ndarray, " past"]) -> np.ndarray:
    """Where there is enough of something to divide by."""
    running = values[values > 0]
    return values > TELLING * running.mean() if len(running) else values > 0


def _not_planned(dataset: Dataset, path: Path) -> Float[np.ndarray, " past"]:
    """The parts of the outcome that no plan reckons with [outcome/period]."""
    table = open_table(read_bytes(path), path, _PLAIN, Header({}, (), drop_unnamed=False))
    if odd := [column for column in (START, REST + MEAN) if column not in table.columns]:
        raise InputError(f"{path}: has no column {odd[0]!r}, which every fit writes; calibrate again")
    _require_same_dates(table, dataset)
    names = [column.removesuffix(MEAN) for column in table.columns if column.endswith(MEAN)]
    parts = {name: _numbers(table, name + MEAN) for name in names}
    outcome = dataset.outcome.sum(axis=1)
    miss = float(np.abs(sum(parts.values()) - outcome).max())
    if miss > SAME * float(np.abs(outcome).mean()):
        raise InputError(
            f"{path}: its parts miss the {dataset.outcome_name} of the history by up to {miss:.6g}, so this is the fit "
            "of another one; calibrate again, or name the history that was fitted"
        )
    own = [parts[name] for name in NOT_PLANNED if _is_part(name, names, dataset)]
    found: Float[np.ndarray, " past"] = np.sum(own, axis=0)
    return found


def _is_part(name: str, names: Sequence[str], dataset: Dataset) -> bool:
    """Whether a part stands there under its name: a channel of that name has it only where there is no such part."""
    return name in names and (name not in dataset.channels or f"{name} (channel)" in names)


def _require_same_dates(table: Table, dataset: Dataset) -> None:
    told, days = list(table.columns[START]), [day.isoformat() for day in dataset.starts]
    if told == days:
        return
    first = next((row for row, (one, other) in enumerate(zip(told, days, strict=False)) if one != other), None)
    what = (
        f"{len(told)} {dataset.period}s, and the history has {len(days)}"
        if first is None
        else f"{shown(told[first])} where the history has {days[first]}"
    )
    raise InputError(
        f"{table.place}: has {what}, so this is the fit of another one; calibrate again, or name the history that was "
        "fitted"
    )


def _numbers(table: Table, column: str) -> Float[np.ndarray, " past"]:
    return np.array([_number(table, row, column) for row in range(len(table.lines))])


def _number(table: Table, row: int, column: str) -> float:
    text = table.columns[column][row]
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise InputError(f"{table.at(row, column)}: {shown(text)} is no number; calibrate again")
    return found
