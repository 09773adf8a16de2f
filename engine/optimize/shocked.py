"""Shocks by period: how much of each is there, and what it does to prices and effects."""

import functools
from datetime import date

import numpy as np
from jaxtyping import Float

from engine.config.scenario import Scenario
from engine.config.shocks import Shock
from engine.periods import Period, share_inside, since, step

ON_OUTCOME = ("effectiveness", "demand", "season", "competitor", "curves")  # that multiply what contacts bring


def strength(shock: Shock, days: tuple[date, ...], period: Period, later: int = 0) -> Float[np.ndarray, " period"]:
    """The share of a shock that is there in each period, from 0 to 1.

    It comes on evenly over its `onset`, holds, and after `until` goes evenly over its `recovery`: with an onset of 1
    half of it is there in its first period and all of it from the second on.

    Args:
        shock: Whose dates count; without a first one it begins with the first of the days.
        days: First day of each period, in order.
        period: Their length.
        later: Periods by which it begins, and ends, later than written.
    """
    first = step(shock.first or days[0], later, period)
    last = shock.last and step(shock.last, later, period)
    inside, number = np.array(_inside(days, period, first, last)), np.arange(len(days))
    begun = _number(days[0], first, period)
    coming = np.clip((number - begun + 1) / (shock.onset + 1), 0.0, 1.0)
    if last is None:
        held: Float[np.ndarray, " period"] = inside * coming
        return held
    ended = _number(days[0], last, period)  # the period in which it begins to go
    left = np.where(number >= ended, np.clip(1 - (number - ended + 1) / (shock.recovery + 1), 0.0, 1.0), 0.0)
    reached = min(1.0, max(1, ended - begun) / (shock.onset + 1))
    return np.maximum(inside * coming, left * reached)


@functools.lru_cache(maxsize=4096)  # a shock that begins in one of many weeks is asked for again and again
def _inside(days: tuple[date, ...], period: Period, first: date | None, last: date | None) -> tuple[float, ...]:
    return tuple(share_inside(days, period, first, last))


def _number(start: date, day: date, period: Period) -> int:
    """The number of the period in which a day lies, counted from 0 at the one that begins with `start`."""
    nearest = since(start, day, period)
    return nearest - 1 if step(start, nearest, period) > day else nearest


def contacts(factor: Float[np.ndarray, "..."] | float, held: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """What money buys under a price that is `factor` as high in a share of each period, beside what it bought."""
    return 1 + (1 / factor - 1) * held


def effect(
    shock: Shock, factor: Float[np.ndarray, "*path"] | float, days: tuple[date, ...], period: Period, later: int = 0
) -> Float[np.ndarray, "*path period"]:
    """What contacts bring under a shock of ON_OUTCOME, as a multiple, for each of its factors and each period."""
    size = np.asarray(factor, float)[..., None]
    if shock.kind == "competitor":
        size = size ** (shock.elasticity or 0.0)
    held = 1 + (size - 1) * strength(shock, days, period, later)
    if shock.kind != "season":
        return held
    moved: Float[np.ndarray, ...] = (1 + (size - 1) * strength(shock, days, period, later + (shock.shift or 0))) / held
    return moved


def not_foreseen(scenario: Scenario) -> tuple[str, ...]:
    """What a plan of the best split does not reckon with, and who does."""
    names = [shock.name for shock in scenario.shocks if not shock.is_plannable]
    return (f"not reckoned with here, but by peso stress: {', '.join(names)}",) if names else ()


def sized(shock: Shock, factor: float) -> Shock:
    """The same shock with one number as its factor."""
    return shock.model_copy(update={"factor": factor})
