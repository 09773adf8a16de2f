"""Rules about shares of all spend, and about groups: what a scenario asks above single channels, as named rows."""

import math
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from engine.config.scenario import Group, Scenario
from engine.config.strategy import ALL, AXES, Axis, ShareBounds
from engine.errors import InputError
from engine.optimize.rule import Rule
from engine.optimize.selecting import label_of, members
from engine.response.curves import Curves

TOLD = 6  # channels that a message names


def group_rules(curves: Curves, scenario: Scenario, budget: Rule) -> list[Rule]:
    """The rules of every group: shares of all spend, floors and caps."""
    rules = []
    for name, group in scenario.groups.items():
        inside = _cells(members(curves, scenario, group), budget)
        rules += _bounds(name, group.share, inside, budget) + _amounts(name, group, inside)
    return rules


def strategy_rules(curves: Curves, scenario: Scenario, budget: Rule) -> list[Rule]:
    """The rules that hold the split above; none without one.

    Where an axis fixes a share for everything there is, the last share follows from the others and has no rule.

    Raises:
        InputError: Shares take all the money, and there are channels that would be left without a word.
    """
    rules = []
    for axis, asked in scenario.strategy.asked.items() if scenario.strategy else ():
        along = [label_of(channel, axis, scenario) for channel in curves.channels]
        _require_said(curves, scenario, (axis, asked), along)
        follows = list(asked)[-1] if _is_settled(asked) and set(along) == set(asked) else None
        for name, bounds in asked.items():
            if name != follows:
                inside = _cells(np.array([label == name for label in along]), budget)
                rules += _bounds(f"{AXES[axis]} {name}", bounds, inside, budget)
    return rules


def of_total(rule: Rule, total: float) -> Rule:
    """A rule that is a share of the total, of another total; any other as it is."""
    if not rule.share:
        return rule
    amount = rule.share * total
    low, high = (amount if math.isfinite(side) else side for side in (rule.low, rule.high))
    return replace(rule, low=low, high=high)


def _cells(inside: np.ndarray, budget: Rule) -> Float[np.ndarray, " cell"]:
    return np.repeat(inside.astype(float), len(budget.weights) // len(inside))


def _bounds(name: str, share: ShareBounds, inside: np.ndarray, budget: Rule) -> list[Rule]:
    if share.is_fixed:
        return [_share(f"share of {name}", inside, share.least, budget, (1, -1))]
    rules = []
    if share.least > 0:
        rules.append(_share(f"least share of {name}", inside, share.least, budget, (1,)))
    if share.most < 1:
        rules.append(_share(f"most share of {name}", inside, share.most, budget, (-1,)))
    return rules


def _amounts(name: str, group: Group, inside: np.ndarray) -> list[Rule]:
    rules = []
    if group.floor:
        rules.append(Rule(f"floor of group {name}", inside, low=group.floor))
    if group.cap is not None:
        rules.append(Rule(f"cap of group {name}", inside, high=group.cap))
    return rules


def _share(name: str, inside: np.ndarray, share: float, budget: Rule, signs: tuple[int, ...]) -> Rule:
    """A share of total spend: of a known total it is an amount, else a row over all channels.

    `signs` says what it is: at least that (1), at most that (-1), or both.
    """
    low, high = 0.0 if 1 in signs else -math.inf, 0.0 if -1 in signs else math.inf
    if budget.low == budget.high:
        return of_total(Rule(name, inside, low, high, share=share), budget.high)
    return Rule(name, inside - share, low, high)


def _is_settled(asked: dict[str, ShareBounds]) -> bool:
    """Whether every share is fixed, and all of them are all the money."""
    return all(one.is_fixed for one in asked.values()) and sum(one.least for one in asked.values()) >= 2 - ALL


def _require_said(
    curves: Curves, scenario: Scenario, wanted: tuple[Axis, dict[str, ShareBounds]], along: list[str | None]
) -> None:
    axis, asked = wanted
    left = [name for name, label in zip(curves.names, along, strict=True) if label not in asked]
    if left and sum(one.least for one in asked.values()) >= 2 - ALL:
        more = f" and {len(left) - TOLD} more" if len(left) > TOLD else ""
        raise InputError(
            f"scenario {scenario.name!r}: strategy.{axis} gives all the money to {', '.join(asked)}, and "
            f"{', '.join(left[:TOLD])}{more} would be left with nothing; give their {AXES[axis]} a share too (0 if "
            f"that is meant), or cap them at 0"
        )
