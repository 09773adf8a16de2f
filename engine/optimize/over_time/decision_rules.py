"""Rules about single decisions: what a quarter or a month may spend, and how fast a channel may change."""

import numpy as np
from jaxtyping import Bool, Float

from engine.config.scenario import ChannelRules, Scenario
from engine.errors import InputError
from engine.optimize.flighting import no_date
from engine.optimize.over_time.decisions import Grid, Way
from engine.optimize.rule import Rule
from engine.optimize.selecting import rules_of
from engine.response.curves import Channel, Curves, pace

QUARTER = "budget of the quarter from"  # how the rule on what a quarter spends begins
RAMP = "ramp of"  # how those on the change from one decision to the next begin


def budget_rules(scenario: Scenario, held: Grid, channels: int) -> list[Rule]:
    """What each quarter spends in all, where that is asked for."""
    asked = scenario.budget.quarters
    if asked is None:
        return []
    begins = held.quarter_begins
    if len(asked) != len(begins):
        raise InputError(
            f"scenario {scenario.name!r}: budget.quarters names {len(asked)} amounts and the horizon has "
            f"{len(begins)} quarters; give one for each"
        )
    every = np.ones(channels)
    return [
        Rule(f"{QUARTER} {begin}", np.kron(every, held.in_quarter(number)), low=money, high=money)
        for number, (begin, money) in enumerate(zip(begins, asked, strict=True))
    ]


def decision_rules(channel: Channel, curves: Curves, scenario: Scenario, held: Grid, way: Way) -> list[Rule]:
    """The rules of one channel about its single decisions, over all cells."""
    asked = rules_of(channel, scenario)
    at = np.eye(len(curves.channels))[curves.names.index(channel.name)]
    rules = [*_bounds(channel.name, asked, held), *_dates(channel, scenario, held, way)]
    rules += _committed(channel.name, asked, held, scenario)
    going = pace(channel, curves.period) if scenario.ramp and scenario.ramp.from_history else 0.0
    rules += _ramp(channel.name, _change(channel, asked, scenario), held, way.dated, going)
    return [_over_all(rule, at) for rule in rules]


def whole_decision_rules(
    whole: tuple[str, Bool[np.ndarray, " channel"], ChannelRules],
    scenario: Scenario,
    held: Grid,
    ways: tuple[Way, ...],
    history: float,
) -> list[Rule]:
    """The rules of a channel with parts about its single decisions: about the sum of its parts in each.

    Args:
        whole: Its name, which entries are its parts, and what is asked of it.
        scenario: The question.
        held: The decisions.
        ways: Of every entry.
        history: What history spent on all parts in as many periods [currency].
    """
    name, parts, asked = whole
    rules = [*_bounds(name, asked, held), *_committed(name, asked, held, scenario)]
    dated = np.any([way.dated for way, inside in zip(ways, parts, strict=True) if inside], axis=0)
    going = history / scenario.horizon.periods if scenario.ramp and scenario.ramp.from_history else 0.0
    rules += _ramp(name, asked.max_change, held, tuple(dated.tolist()), going)
    return [_over_all(rule, parts.astype(float)) for rule in rules]


def _over_all(rule: Rule, at: Float[np.ndarray, " channel"]) -> Rule:
    """A rule over one channel's decisions as one over all cells."""
    return Rule(rule.name, np.kron(at, rule.weights), rule.low, rule.high, rule.flight)


def _bounds(name: str, asked: ChannelRules, held: Grid) -> list[Rule]:
    """Floors and caps of quarters and months, and minimum flights."""
    rules = []
    for number, begin in enumerate(held.quarter_begins):
        inside = held.in_quarter(number)
        if asked.quarter_floor:
            rules.append(Rule(f"quarter floor of {name} from {begin}", inside, low=asked.quarter_floor))
        if asked.quarter_cap is not None:
            rules.append(Rule(f"quarter cap of {name} from {begin}", inside, high=asked.quarter_cap))
    for number, begin in enumerate(held.unit_begins):
        inside = held.in_unit(number)
        if asked.month_floor:
            rules.append(Rule(f"month floor of {name} from {begin}", inside, low=asked.month_floor))
        if asked.month_cap is not None:
            rules.append(Rule(f"month cap of {name} from {begin}", inside, high=asked.month_cap))
        if asked.minimum_flight and held.units.count(number) == 1:
            rules.append(Rule(f"minimum flight of {name} from {begin}", inside, flight=asked.minimum_flight))
    return rules


def _dates(channel: Channel, scenario: Scenario, held: Grid, way: Way) -> list[Rule]:
    """What is over stays as it was, and where there is no open date nothing is spent."""
    rules = []
    for cell, (begin, active) in enumerate(zip(held.begins, way.active, strict=True)):
        one = np.eye(held.count)[cell]
        if cell < held.over:
            money = float(way.spent[cell])
            rules.append(Rule(f"{channel.name} as spent from {begin}", one, low=money, high=money))
        elif not active:
            rules.append(Rule(f"{no_date(channel, scenario)} from {begin}", one, high=0.0))
    return rules


def _committed(name: str, asked: ChannelRules, held: Grid, scenario: Scenario) -> list[Rule]:
    begins = held.unit_begins
    if len(asked.committed) > len(begins):
        raise InputError(
            f"scenario {scenario.name!r}: channels.{name}.committed names {len(asked.committed)} decisions and the "
            f"horizon has {len(begins)}; leave out the last {len(asked.committed) - len(begins)}"
        )
    return [
        Rule(f"{name} committed from {begin}", held.in_unit(number), low=money)
        for number, (begin, money) in enumerate(zip(begins, asked.committed, strict=False))
        if money
    ]


def _change(channel: Channel, asked: ChannelRules, scenario: Scenario) -> float | None:
    """The largest change of an entry's pace: its own, none of its own where its whole has one, else the ramp of all."""
    if asked.max_change is not None:
        return asked.max_change
    whole = scenario.channels.get(channel.part_of) if channel.part_of else None
    if whole and whole.max_change is not None:
        return None
    return scenario.ramp.max_change if scenario.ramp else None


def _ramp(name: str, change: float | None, held: Grid, dated: tuple[bool, ...], going: float) -> list[Rule]:
    """How far the pace of one decision may be from that of the one before, where both have open dates.

    The dates are the scenario's: a channel that rested in the past was not without a date.

    `going` is the pace of history into the first decision, 0 where that does not count [currency/period].
    """
    if change is None:
        return []
    rules = []
    units = range(len(held.unit_begins))
    opened = [bool(held.in_unit(number) @ np.array(dated, float)) for number in units]
    if going and opened[0]:
        length = float(held.in_unit(0) @ held.lengths)
        rules.append(_within(f"{RAMP} {name} into {held.begins[0]}", held.in_unit(0), going * length, change))
    for number in units[1:]:
        if opened[number - 1] and opened[number]:
            rules += _between(f"{RAMP} {name} into {held.unit_begins[number]}", held, number, change)
    return rules


def _within(name: str, inside: np.ndarray, money: float, change: float) -> Rule:
    return Rule(name, inside, low=(1 - change) * money, high=(1 + change) * money)


def _between(name: str, held: Grid, number: int, change: float) -> list[Rule]:
    before, after = held.in_unit(number - 1), held.in_unit(number)
    same = float(before @ held.lengths) / float(after @ held.lengths)  # money after as money at the pace before
    return [
        Rule(f"{name}, upwards", same * after - (1 + change) * before, high=0.0),
        Rule(f"{name}, downwards", same * after - (1 - change) * before, low=0.0),
    ]
