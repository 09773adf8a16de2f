"""Levels: what shocks make of prices, effects, open dates, money, people and payments, period by period and path."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from jaxtyping import Bool, Float, Int

from engine.optimize.selecting import is_named
from engine.optimize.shocked import contacts, effect, strength
from engine.periods import since, starts, step
from engine.stress.luck import Met
from engine.stress.setting import Setting

NEVER = ("effectiveness", "curves")  # kinds that nobody sees without a test, unless it is said when

Level = Float[np.ndarray, "#path row"]
"""By path and row; one path stands for all where they are alike."""


@dataclass(frozen=True)
class Levels:
    """What shocks make of the world, each as a multiple of what the plan reckons with."""

    had: tuple[Level, ...]  # by channel: contacts that a unit of money buys
    effect: tuple[Level, ...]  # by channel: what contacts bring
    open: tuple[Level, ...]  # by channel: share of the period in which it can spend
    money: Level  # that there is, of what was planned
    cut: Level  # 1 in the periods of a cut that ends, in which its money cannot be spent later; else 0
    people: Level  # who sell
    delay: Level  # periods by which customers pay later


def levels(setting: Setting, found: Iterable[Met], known_by: int | None = None) -> Levels:
    """The levels of shocks on some paths.

    Args:
        setting: The plan and its periods.
        found: What luck makes of each shock.
        known_by: Only what is known at the beginning of this row counts; None: all.
    """
    channels, rows = range(len(setting.names)), setting.rows
    calm, none = tuple(np.ones((1, rows)) for _ in channels), np.zeros((1, rows))
    told = Levels(calm, calm, calm, money=np.ones((1, rows)), cut=none, people=np.ones((1, rows)), delay=none)
    for one in found:
        told = further(setting, told, one, known_by)
    return told


def further(setting: Setting, before: Levels, one: Met, known_by: int | None = None) -> Levels:
    """The levels of shocks on some paths where one more comes beside those before."""
    shock, paths = one.shock, _known(setting, one, known_by)
    if not paths.any():
        return before
    if shock.kind == "delay":
        later = paths[:, None] * np.round(_strength(setting, one) * (shock.shift or 0))
        return replace(before, delay=before.delay + _alike(later))
    level = _level(setting, one)
    told = _alike(level if paths.all() else np.where(paths[:, None], level, 1.0))
    if shock.kind == "capacity":
        return replace(before, people=before.people * told)
    if shock.kind == "budget":
        ends = paths[:, None] & (_strength(setting, one) > 0) & (shock.last is not None)
        return replace(before, money=before.money * told, cut=np.maximum(before.cut, _alike(ends.astype(float))))
    hit = tuple(_is_hit(setting, one, channel) for channel in range(len(setting.names)))

    def changed(every: tuple[Level, ...]) -> tuple[Level, ...]:
        return tuple(own * told if is_hit else own for own, is_hit in zip(every, hit, strict=True))

    if shock.kind == "price":
        return replace(before, had=changed(before.had))
    if shock.kind == "outage":
        return replace(before, open=changed(before.open))
    return replace(before, effect=changed(before.effect))


def begins(setting: Setting, one: Met) -> Int[np.ndarray, " path"]:
    """The row in which a shock begins, by path: below 0 before the plan does; the number of rows where it never does.

    It begins in the first row that it touches, were the rows to reach back to its own first date.
    """
    start, period = setting.days[0], setting.curves.period
    back = max(0, 1 - since(start, one.shock.first or start, period))
    days = (*starts(step(start, -back, period), back, period), *setting.days)
    touched = _by_begin(setting, one, days) > 0
    first = np.where(touched.any(axis=1), touched.argmax(axis=1) - back, setting.rows)
    return first[_times(one)[1]]


def _known(setting: Setting, one: Met, known_by: int | None) -> Bool[np.ndarray, " path"]:
    """The paths on which a shock comes and is known."""
    if known_by is None:
        return one.comes
    after = one.shock.known_after
    if after is None and one.shock.kind in NEVER:
        return np.zeros_like(one.comes)
    return one.comes & (begins(setting, one) + (after or 0) <= known_by)


def _is_hit(setting: Setting, one: Met, channel: int) -> bool:
    names = one.shock.channels
    return not names or is_named(setting.curves.channels[channel], names)


def _level(setting: Setting, one: Met) -> Level:
    """What a shock makes of what it is about, as a multiple."""
    shock, factor = one.shock, one.factor[:, None]
    if shock.kind == "outage":
        return 1 - _strength(setting, one)
    if shock.kind == "price":
        return contacts(factor, _strength(setting, one))
    if shock.kind in ("budget", "capacity"):
        return 1 + (factor - 1) * _strength(setting, one)
    level = np.empty((len(one.factor), setting.rows))
    every, which = _times(one)
    for number, later in enumerate(every):
        here = which == number
        level[here] = effect(shock, one.factor[here], setting.days, setting.curves.period, later)
    return level


def _strength(setting: Setting, one: Met) -> Level:
    told = _by_begin(setting, one, setting.days)
    return told if len(told) == 1 else told[_times(one)[1]]


def _by_begin(setting: Setting, one: Met, days: tuple[date, ...]) -> Float[np.ndarray, "begin row"]:
    """The strength of a shock by row, for each of the times at which it begins on some path."""
    every, _ = _times(one)
    return np.array([strength(one.shock, days, setting.curves.period, later) for later in every])


def _times(one: Met) -> tuple[list[int], Int[np.ndarray, " path"]]:
    """Periods by which a shock begins later than written on some path, by rising number, and which of them each has."""
    every = np.flatnonzero(np.bincount(one.later))
    return every.tolist(), np.searchsorted(every, one.later)


def _alike(level: Level) -> Level:
    """One row for all paths where they do not differ."""
    if np.any(level[-1] != level[0]):  # told apart at a glance, most often
        return level
    return level[:1] if bool((level == level[:1]).all()) else level
