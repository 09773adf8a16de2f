"""The number columns of a panel as arrays: outcome, money, controls, events, population."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from engine.config.model import ChannelColumns, Model
from engine.data.cells import numbers, style_of
from engine.data.panel import Panel
from engine.data.table import refuse, shown, untamed
from engine.errors import InputError
from engine.periods import PER_YEAR, Period

SAME_MONEY = 1e-9  # relative difference of two totals that is rounding
_NO_EVENT = frozenset(("", "na", "n/a", "none", "no", "0", "-", "null", "nan", "false"))


@dataclass(frozen=True)
class Values:
    """A panel, its model, and what reading its columns brought up."""

    panel: Panel
    model: Model
    blanks: dict[str, int]  # cells that count as zero, by column
    faults: list[str]  # of all columns read so far

    def rows(self, column: str, **bounds: Any) -> Float[np.ndarray, " row"]:
        """The numbers of a column, row by row, within the bounds of `Style`; zeros if some are faulty."""
        style = replace(style_of(self.model.data, self.panel.table), **bounds)
        found, self.blanks[column], faults = numbers(self.panel.table, column, style)
        self.faults.extend(faults)
        return np.zeros_like(found) if faults else found

    def array(self, column: str, **bounds: Any) -> Float[np.ndarray, "period geo"]:
        """The numbers of a column by period and geo; in a long table, rows of one place must agree."""
        found = self.rows(column, **bounds)
        placed = self.panel.placed(found)
        if self.model.data.long:
            self._require_agreement(column, found)
        return placed

    def _require_agreement(self, column: str, found: Float[np.ndarray, " row"]) -> None:
        panel = self.panel
        first = np.zeros(panel.shape, dtype=np.int64)  # the first row of each place: written last
        rows = np.arange(len(found))[::-1]
        first[panel.timeline.index[rows], panel.geo[rows]] = rows
        before = first[panel.timeline.index, panel.geo]
        odd = np.flatnonzero(found != found[before])
        if odd.size:
            row, other = int(odd[0]), int(before[odd[0]])
            raise InputError(
                f"{panel.table.at(row, column)}: {found[row]:g} here but {found[other]:g} on {panel.table.unit} "
                f"{panel.table.lines[other]}; rows of one period in a long table repeat one value: correct it"
            )


def outcome_array(values: Values) -> tuple[Float[np.ndarray, "period geo"], str, bool]:
    """The outcome, its name, and whether it is money."""
    data = values.model.data
    if data.outcome:
        return values.array(data.outcome, blank="never"), data.outcome, True
    kpi = data.kpi or ""
    units = values.array(kpi, blank="never", may_be_negative=False)
    if data.value_per_kpi is None:
        return units, kpi, False
    if isinstance(data.value_per_kpi, str):
        return units * values.array(data.value_per_kpi, blank="never"), f"{kpi} x {data.value_per_kpi}", True
    return units * data.value_per_kpi, f"{kpi} x {data.value_per_kpi:g}", True


def population_array(values: Values) -> tuple[Float[np.ndarray, " geo"], tuple[str, ...]]:
    """People per geo, ones where unknown; a population that changes is taken at its mean, with a note."""
    column = values.model.data.population
    if column is None:
        return np.ones(len(values.panel.geos)), ()
    people = values.array(column, blank="never", may_be_negative=False, may_be_zero=False)
    constant = (people == people[:1]).all(axis=0)
    population = np.where(constant, people[0], people.mean(axis=0))
    if constant.all():
        return population, ()
    moved = values.panel.geos[int(np.argmin(constant))]
    return population, (f"the population of {shown(moved)} changes over time; its mean is taken",)


class MoneyArrays(NamedTuple):
    """Spend, and what the curves run on at the price of the latest year."""

    spend: Float[np.ndarray, "period geo channel"]
    driver: Float[np.ndarray, "period geo channel"]
    notes: tuple[str, ...]  # on prices that had to be taken from the whole history


def money_arrays(values: Values) -> MoneyArrays:
    """What was spent on each channel, and the driver of its curve in money of the latest year."""
    pairs = _long_pairs(values) if values.model.data.long else _wide_pairs(values)
    period = values.panel.timeline.period
    spend, driver, notes = [], [], []
    for name, (money, exposure) in zip(values.model.channels, pairs, strict=True):
        spend.append(money)
        driver.append(money if exposure is None else in_money(exposure, money, period))
        if exposure is not None and not (latest(exposure, period).any() and latest(money, period).any()):
            notes.append(f"{shown(name)} did not run in the latest year; its price is that of the whole history")
    return MoneyArrays(np.stack(spend, axis=2), np.stack(driver, axis=2), tuple(notes))


def latest(values: Float[np.ndarray, "period *rest"], period: Period) -> Float[np.ndarray, "late *rest"]:
    """The periods of the latest whole year, all of them in a shorter history."""
    return values[-math.floor(PER_YEAR[period]) :]


def in_money(
    exposure: Float[np.ndarray, "period geo"], spend: Float[np.ndarray, "period geo"], period: Period
) -> Float[np.ndarray, "period geo"]:
    """Exposure at its mean price of the latest year, at which a plan's money will buy it.

    So the latest year of exposure adds up to its spend, and where prices rose, earlier years count for more
    than was paid then. Where the channel did not run in the latest year, its price is that of the whole
    history. Exposure that is in such money already stays as it is, bit for bit.
    """
    recent, paid = (float(latest(values, period).sum()) for values in (exposure, spend))
    if not (recent > 0 and paid > 0):
        recent, paid = float(exposure.sum()), float(spend.sum())
    if recent == 0 or abs(recent - paid) <= SAME_MONEY * paid:
        return exposure
    return exposure * (paid / recent)


_Pair = tuple[Float[np.ndarray, "period geo"], Float[np.ndarray, "period geo"] | None]


def _wide_pairs(values: Values) -> list[_Pair]:
    blank = values.model.data.blank
    pairs: list[_Pair] = []
    for channel in values.model.channels.values():
        money, exposure, reach, frequency = (
            values.array(column, blank=blank, may_be_negative=False) if column else None
            for column in (channel.spend, channel.exposure, channel.reach, channel.frequency)
        )
        if reach is not None and frequency is not None:
            _require_contacts(values, channel, reach, frequency)
            pairs.append(_reach_pair(channel, money, reach, frequency))
        else:
            pairs.append(_pair(channel, money, exposure))
    return pairs


def _long_pairs(values: Values) -> list[_Pair]:
    data, panel = values.model.data, values.panel
    long = data.long
    if long is None:
        return []
    money, exposure = (_layered(values, column) if column else None for column in (long.spend, long.exposure))
    pairs: list[_Pair] = []
    for at, (name, channel) in enumerate(values.model.channels.items()):
        if channel.exposure and exposure is None:
            refuse(
                [f"{panel.table.place}: channel {shown(name)} runs on exposure; name its column at data.long.exposure"]
            )
        pairs.append(
            _pair(
                channel,
                money[:, :, at] if channel.spend and money is not None else None,
                exposure[:, :, at] if channel.exposure and exposure is not None else None,
            )
        )
    return pairs


def _layered(values: Values, column: str) -> Float[np.ndarray, "period geo layer"]:
    """A column of a long table by period, geo and channel; a row that is not there counts as zero."""
    panel = values.panel
    cube = np.zeros((*panel.shape, len(panel.layers)))
    found = values.rows(column, blank=values.model.data.blank, may_be_negative=False)
    cube[panel.timeline.index, panel.geo, panel.layer] = found
    return cube


def _pair(
    channel: ChannelColumns,
    money: Float[np.ndarray, "period geo"] | None,
    exposure: Float[np.ndarray, "period geo"] | None,
) -> _Pair:
    if money is None and exposure is not None:
        return exposure * (channel.cost_per_exposure or 0.0), None
    if money is None:
        raise ValueError("a channel has neither spend nor exposure; its record forbids that")
    return money, exposure


def _require_contacts(
    values: Values,
    channel: ChannelColumns,
    reach: Float[np.ndarray, "period geo"],
    frequency: Float[np.ndarray, "period geo"],
) -> None:
    """Refuse people who were reached without a contact each."""
    odd = np.argwhere((reach > 0) & (frequency < 1))
    if odd.size and not values.faults:
        period, geo = (int(at) for at in odd[0])
        contacts, people = frequency[period, geo], reach[period, geo]
        values.faults.append(
            f"{values.panel.table.place}, column {shown(channel.frequency or '')}: frequency {contacts:g} on "
            f"{values.panel.timeline.starts[period]}, where {people:g} people were reached: each of them had 1 contact "
            f"or more; correct one of them ({len(odd)} such places)"
        )


def _reach_pair(
    channel: ChannelColumns,
    money: Float[np.ndarray, "period geo"] | None,
    reach: Float[np.ndarray, "period geo"],
    frequency: Float[np.ndarray, "period geo"],
) -> _Pair:
    spent = money if money is not None else reach * frequency * (channel.cost_per_exposure or 0.0)
    return spent, effective_reach(reach, frequency)


def effective_reach(reach: Float[np.ndarray, "..."], frequency: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """People reached, each counted f / (1 + f) for f contacts.

    A Hill curve of frequency scales the people reached before carry-over, as in Zhang, Wurm, Wakim, Li and Liu
    (2023), Bayesian hierarchical media mix model incorporating reach and frequency data. Theirs is
    estimated; here its slope is 1 and half of the most comes with one contact, so that every further contact
    adds less, and the saturation that the data show is left to the curve.

    >>> effective_reach(np.array([100.0, 100.0, 0.0]), np.array([1.0, 3.0, 0.0])).tolist()
    [50.0, 75.0, 0.0]
    """
    return reach * frequency / (1 + frequency)


def control_arrays(values: Values) -> Float[np.ndarray, "period geo control"]:
    """Each control by period and geo; a price as the log of itself over its mean in the same geo."""
    blank = values.model.data.blank
    arrays = []
    for field, column in values.model.controls.roles():
        if field == "price":
            price = values.array(column, blank="never", may_be_negative=False, may_be_zero=False)
            arrays.append(np.log(np.where(price > 0, price, 1.0) / np.maximum(price.mean(axis=0), 1e-300)))
        else:
            arrays.append(values.array(column, blank=blank))
    return _stacked(arrays, values)


def event_arrays(values: Values) -> tuple[tuple[str, ...], Float[np.ndarray, "period geo event"]]:
    """The names of all events, and 1 (or a share) where each takes place."""
    names, arrays = [], []
    if values.model.events.column:
        for name, happens in _named_events(values, values.model.events.column).items():
            names.append(name)
            arrays.append(happens)
    for column in values.model.events.columns:
        names.append(column)
        arrays.append(_flags(values, column))
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{values.panel.table.place}: event {shown(twice)} is named twice; rename one of them")
    return tuple(names), _stacked(arrays, values)


def _stacked(
    arrays: Sequence[Float[np.ndarray, "period geo"]], values: Values
) -> Float[np.ndarray, "period geo layer"]:
    return np.stack(arrays, axis=2) if arrays else np.zeros((*values.panel.shape, 0))


def _named_events(values: Values, column: str) -> dict[str, Float[np.ndarray, "period geo"]]:
    """Each event of a column of names, in order of appearance."""
    texts = [untamed(text).strip() for text in values.panel.table.columns[column]]
    none = {text for text in set(texts) if text.casefold() in _NO_EVENT or text in values.model.data.missing}
    if not none:
        none = {max(dict.fromkeys(texts), key=texts.count)}
    found = {}
    for name in dict.fromkeys(texts):
        if name not in none:
            found[name] = values.panel.placed(np.array([float(text == name) for text in texts]))
    if len(found) > len(texts) / 4 + 1:
        raise InputError(
            f"{values.panel.table.place}, column {shown(column)}: {len(found)} different events in {len(texts)} rows; "
            f"name a column whose events are few, or put numbers under [controls]"
        )
    return found


_TRUE, _FALSE = ("TRUE", "true", "True"), ("FALSE", "false", "False")


def _flags(values: Values, column: str) -> Float[np.ndarray, "period geo"]:
    texts = values.panel.table.columns[column]
    if set(texts) <= {*_TRUE, *_FALSE}:
        return values.panel.placed(np.array([float(text in _TRUE) for text in texts]))
    blank = values.model.data.blank
    flags = values.array(column, blank=blank, may_be_negative=False)
    if flags.max() > 1:
        at = np.argwhere(flags > 1)[0]
        day = values.panel.timeline.starts[int(at[0])]
        raise InputError(
            f"{values.panel.table.place}, column {shown(column)}: {flags.max():g} is no flag (first above 1 on {day}); "
            f"flags lie between 0 and 1: put the column under [controls]"
        )
    return flags
