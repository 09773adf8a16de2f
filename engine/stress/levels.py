"""Levels: what shocks make of prices, effects, open dates, money, people and payments, period by period and path."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from engine.optimize.selecting import is_named
from engine.optimize.shocked import ON_OUTCOME, contacts, effect, strength
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
    seen = [(one, _known(setting, one, known_by)) for one in found]
    seen = [(one, paths) for one, paths in seen if paths.any()]
    channels = range(len(setting.names))

    def product(kinds: tuple[str, ...], channel: int | None) -> Level:
        own = [(one, paths) for one, paths in seen if one.shock.kind in kinds and _is_hit(setting, one, channel)]
        level = np.ones((1, setting.rows))
        for one, paths in own:
            level = level * _alike(np.where(paths[:, None], _level(setting, one), 1.0))
        return level

    cut = np.zeros((1, setting.rows))
    for one, paths in seen:
        if one.shock.kind == "budget" and one.shock.last:
            cut = np.maximum(cut, _alike(np.where(paths[:, None] & (_strength(setting, one) > 0), 1.0, 0.0)))
    delay = np.zeros((1, setting.rows))
    for one, paths in seen:
        if one.shock.kind == "delay":
            delay = delay + _alike(paths[:, None] * np.round(_strength(setting, one) * (one.shock.shift or 0)))
    return Levels(
        had=tuple(product(("price",), channel) for channel in channels),
        effect=tuple(product(ON_OUTCOME, channel) for channel in channels),
        open=tuple(product(("outage",), channel) for channel in channels),
        money=product(("budget",), None),
        cut=cut,
        people=product(("capacity",), None),
        delay=delay,
    )


def begins(setting: Setting, one: Met) -> Int[np.ndarray, " path"]:
    """The first row that a shock touches, by path; the number of rows where it touches none."""
    touched = _by_begin(setting, one) > 0
    first = np.where(touched.any(axis=1), touched.argmax(axis=1), setting.rows)
    return first[_begin(one)]


def _known(setting: Setting, one: Met, known_by: int | None) -> Bool[np.ndarray, " path"]:
    """The paths on which a shock comes and is known."""
    if known_by is None:
        return one.comes
    after = one.shock.known_after
    if after is None and one.shock.kind in NEVER:
        return np.zeros_like(one.comes)
    return one.comes & (begins(setting, one) + (after or 0) <= known_by)


def _is_hit(setting: Setting, one: Met, channel: int | None) -> bool:
    names = one.shock.channels
    return channel is None or not names or is_named(setting.curves.channels[channel], names)


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
    for later in np.unique(one.later):
        here = one.later == later
        level[here] = effect(shock, one.factor[here], setting.days, setting.curves.period, int(later))
    return level


def _strength(setting: Setting, one: Met) -> Level:
    return _by_begin(setting, one)[_begin(one)]


def _by_begin(setting: Setting, one: Met) -> Float[np.ndarray, "begin row"]:
    """The strength of a shock by row, for each of the times at which it begins on some path."""
    every = np.unique(one.later).tolist()
    return np.array([strength(one.shock, setting.days, setting.curves.period, later) for later in every])


def _begin(one: Met) -> Int[np.ndarray, " path"]:
    return np.unique(one.later, return_inverse=True)[1]


def _alike(level: Level) -> Level:
    """One row for all paths where they do not differ."""
    return level[:1] if bool((level == level[:1]).all()) else level
