"""Rules that count in whole numbers: steps of spend, and channels that are active."""

import numpy as np

from engine.config.scenario import ChannelRules, Scenario
from engine.config.tiers import Active as Asked
from engine.errors import InputError
from engine.optimize.over_time.decisions import Grid
from engine.optimize.rule import Active, Rule
from engine.optimize.selecting import members, rules_of, wholes_of
from engine.response.curves import Curves

SMALLEST_STEP = 1e-6  # of the budget
EACH = 1e-3  # of an even share of the budget: what a channel must spend to count as active, where nothing is said


def discrete_rules(curves: Curves, scenario: Scenario, held: Grid | None, budget: Rule) -> list[Rule]:
    """The rules on steps and on numbers of active channels; entries that are parts of a channel count one each.

    Raises:
        InputError: A channel with parts has steps or tiers of its own, or a step is next to nothing of the budget.
    """
    _require_entries(curves, scenario)
    rules = []
    for index, channel in enumerate(curves.channels):
        asked = rules_of(channel, scenario)
        unit = np.eye(len(curves.channels))[index]
        _require_step(channel.name, asked, budget, scenario)
        rules += _steps(channel.name, asked, unit, held)
    each = EACH * budget.high / len(curves.channels)
    count = len(budget.weights) // len(curves.channels)
    counted = "channels and parts" if curves.wholes else "channels"
    rules += _active(counted, scenario.active, np.ones(len(budget.weights)), each)
    for name, group in scenario.groups.items():
        inside = np.repeat(members(curves, scenario, group).astype(float), count)
        rules += _active(f"{counted} of {name}", group.active, inside, each)
    return rules


def _require_step(name: str, asked: ChannelRules, budget: Rule, scenario: Scenario) -> None:
    """Refuse steps that are smaller than what a plan's money is told apart by."""
    if asked.step and asked.step < SMALLEST_STEP * budget.high:
        raise InputError(
            f"scenario {scenario.name!r}: the step {asked.step:g} of {name!r} is less than a millionth of the budget, "
            f"{budget.high:.10g}, too small to plan in; give a larger step, or leave it out"
        )


def _steps(name: str, asked: ChannelRules, unit: np.ndarray, held: Grid | None) -> list[Rule]:
    """Whole steps of one channel: over the horizon, or in each decision; one that has begun counts from its start."""
    if not asked.step:
        return []
    if held is None:
        return [Rule(f"step of {name}", unit, step=asked.step)]
    return [
        Rule(f"step of {name} from {begin}", np.kron(unit, held.in_unit(number)), step=asked.step)
        for number, begin in enumerate(held.unit_begins)
        if held.in_unit(number)[held.over :].any()
    ]


def _active(counted: str, asked: Asked, inside: np.ndarray, each: float) -> list[Rule]:
    rules = []
    if asked.least:
        rules.append(Rule(f"least active {counted}", inside, active=Active(asked.least, None, asked.each or each)))
    if asked.most is not None:
        rules.append(Rule(f"most active {counted}", inside, active=Active(0, asked.most)))
    return rules


def _require_entries(curves: Curves, scenario: Scenario) -> None:
    for whole, parts, asked in wholes_of(curves, scenario):
        for key in ("step", "tiers"):
            if getattr(asked, key):
                inside = ", ".join(name for name, is_part in zip(curves.names, parts, strict=True) if is_part)
                raise InputError(
                    f"scenario {scenario.name!r}: channels.{whole}.{key}: {whole!r} has parts, and each is bought by "
                    f"itself; give each {key} of its own ({inside})"
                )
