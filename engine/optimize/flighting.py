"""Flighting: how the money of a decision is spread over its periods.

A pattern says what each period of the horizon weighs beside the others. Inside a decision money follows it, so the
pattern decides when, and the plan how much.
"""

import numpy as np
from jaxtyping import Float, Int

from engine.config.flighting import Bursts, Flighting
from engine.config.scenario import ChannelRules, Scenario
from engine.errors import InputError
from engine.periods import PER_YEAR, Period, since
from engine.response.curves import Channel, Curves

IN_WEEK: dict[Period, int] = {"day": 7, "week": 1}  # periods of a week
YEARS: dict[Period, int] = {"day": 364, "week": 52, "month": 12, "quarter": 4, "year": 1}  # periods of a year, at least


def flighting_of(channel: Channel, scenario: Scenario) -> Flighting:
    """The flighting that a scenario asks of an entry: its own, that of the channel whose part it is, or that of all."""
    named = [scenario.channels[name] for name in (channel.name, channel.part_of) if name in scenario.channels]
    if not named:
        return scenario.every_channel.flighting if scenario.every_channel else "even"
    return next((rules.flighting for rules in named if "flighting" in rules.model_fields_set), "even")


def pattern(
    channel: Channel, curves: Curves, scenario: Scenario, opened: Float[np.ndarray, " period"]
) -> Float[np.ndarray, " period"]:
    """What each period of the horizon weighs, where it is open.

    Args:
        channel: Whose money it is.
        curves: What spend does.
        scenario: The question.
        opened: Share of each period in which the channel can spend, from 0 to 1.

    Raises:
        InputError: The flighting does not fit the horizon, or the curves do not know the channel's last year.
    """
    asked = flighting_of(channel, scenario)
    if asked == "even":
        return opened
    place = f"scenario {scenario.name!r}: flighting of {channel.name}"
    if asked == "seasonal":
        return opened * _seasonal(channel, curves, scenario, place)
    if isinstance(asked, Bursts):
        return opened * _bursts(asked, curves.period, len(opened), place)
    return opened * _given(asked, curves.period, len(opened), place)


def shared(weights: Float[np.ndarray, " period"], opened: Float[np.ndarray, " period"], is_closed: bool) -> np.ndarray:
    """The share of a decision's money by period, all 0 where it cannot spend.

    Where a pattern leaves a decision without weight it is closed, or else spread evenly over what is open.
    """
    used = weights if weights.any() or is_closed else opened
    total = used.sum()
    return used / total if total else np.zeros(len(used))


def closes(channel: Channel, scenario: Scenario) -> bool:
    """Whether a weight of 0 means no money: it does as written, and not where last year happened to be silent."""
    return flighting_of(channel, scenario) != "seasonal"


def is_written(channel: Channel, scenario: Scenario) -> bool:
    """Whether weights or bursts are asked of an entry, which history cannot be taken to have kept."""
    return not isinstance(flighting_of(channel, scenario), str)


def no_date(channel: Channel, scenario: Scenario) -> str:
    """The name of the rule that keeps money out of a time that has no date for it."""
    why = " under its flighting" if is_written(channel, scenario) else ""
    return f"no date on which {channel.name} may spend{why}"


def as_history(rules: ChannelRules) -> ChannelRules:
    """The rules without dates, weights and bursts: history kept none of them, but it had its season."""
    even = {} if isinstance(rules.flighting, str) else {"flighting": "even"}
    return rules.model_copy(update={"flight": None, **even})


def _given(weights: tuple[float, ...], period: Period, periods: int, place: str) -> Float[np.ndarray, " period"]:
    """Weights of the horizon as they are, or those of a year again and again."""
    year = YEARS[period]
    if len(weights) != periods and len(weights) != year:
        told = f"{periods} for the {period}s of the horizon" + (f" or {year} for a year" if year != periods else "")
        raise InputError(f"{place} gives {len(weights)} weights, where {told} are needed; give one for each {period}")
    return np.resize(np.array(weights), periods)


def _bursts(asked: Bursts, period: Period, periods: int, place: str) -> Float[np.ndarray, " period"]:
    """1 in weeks with money, 0 in those without."""
    if period not in IN_WEEK:
        raise InputError(f"{place} counts bursts in weeks and the curves count in {period}s; give weights by {period}")
    week = np.arange(periods) // IN_WEEK[period]
    return (week % (asked.on + asked.off) < asked.on).astype(float)


def _seasonal(channel: Channel, curves: Curves, scenario: Scenario, place: str) -> Float[np.ndarray, " period"]:
    """What was spent in the same periods of the last year that the curves know [currency/period]."""
    last, period = np.array(channel.history.last), curves.period
    year = YEARS[period]
    if len(last) < year:
        raise InputError(
            f"{place} is seasonal, which needs the last {year} {period}s of the channel's history, and the curves "
            f"give {len(last)}; give weights, or calibrate on a history of a year or more"
        )
    if curves.until is None:
        raise InputError(
            f"{place} is seasonal, and the curves do not say when their history ends; calibrate again, or write "
            '"until", the first day after it, into the curves file'
        )
    at = since(curves.until, scenario.horizon.start, period) + np.arange(scenario.horizon.periods)
    return last[_year_before(at, period, len(last))]


def _year_before(at: Int[np.ndarray, " period"], period: Period, known: int) -> Int[np.ndarray, " period"]:
    """Where the same periods stand in the last year of history, counted from its end: -1 is its last period.

    Args:
        at: Periods after history's end; below 0 within it.
        period: Their length.
        known: How many periods of history there are, at least a year.
    """
    year, per_year = YEARS[period], PER_YEAR[period]
    back = np.floor(at / per_year) + 1  # years
    if period == "day":  # whole weeks, so that a Sunday stays a Sunday
        found = at - 7 * np.round(back * PER_YEAR["week"]).astype(int)
    else:
        found = at - np.round(back * per_year).astype(int)
    found = np.where(found >= 0, found - year, found)  # years are no whole weeks: off by one at their ends
    return np.where(found < -known, found + year, found)
