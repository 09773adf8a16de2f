"""Soft rules: those that give way, in order of priority, where all rules together cannot be kept."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from engine.errors import InputError
from engine.optimize.conflict.elastic import Point, Program
from engine.optimize.conflict.feasible import cheapest, everything
from engine.optimize.conflict.repair import Relaxation, eased, moved
from engine.optimize.conflict.telling import DATED
from engine.optimize.rules import Rule

TOLD = 12  # rules that a message names
CLOSEST, LIKE, APART = 3, 0.6, 0.1  # most hints, how like they are at the least, and how much less than the best
FILLING = ("of", "the", "for", "on", "at", "in", "group", "budget")  # words that people leave out or add


@dataclass(frozen=True)
class Softened:
    """Rules that can be kept together, and those of them that had to give way."""

    rules: tuple[Rule, ...]  # all of them, in their order, with their new limits
    gave_way: tuple[Relaxation, ...]  # in their order; none where all could be kept as they were


def soften(rules: tuple[Rule, ...], priorities: Mapping[str, int]) -> Softened | None:
    """The rules with the least total relaxation of soft ones, in order of priority.

    What rules of the highest priority give way in sum is made as small as can be, then what those of the next give, and
    so on: a rule of priority 1 gives way before any of priority 2 does.

    Args:
        rules: All rules, the budget first; those that are not named are hard.
        priorities: By name of a rule, or by words with which names of rules begin ("ramp", "floor of group"): an
            exact name counts more than a beginning, a longer beginning more than a shorter one.

    Returns:
        None where not even the hard rules can be kept together.

    Raises:
        InputError: A name is that of no rule.
    """
    levels = _levels(rules, priorities)
    program = Program(rules, tuple(tuple(level) for level in levels))
    hard = everything(program)
    if isinstance(cheapest(program, hard), Point):
        return Softened(rules, ())
    soft = np.isin(np.arange(len(rules)), [at for level in levels for at in level])
    most = [np.inf] * len(levels)
    point: Point | None = None
    for number, level in enumerate(levels):
        price = np.isin(np.arange(len(rules)), level).astype(float)
        found = cheapest(program, replace(hard, loose=soft, price=price, most=tuple(most)))
        if not isinstance(found, Point):
            return None
        point = found
        most[number] = point.cost
    if point is None:
        return None
    gave_way = tuple(moved(program, point, np.flatnonzero(soft).tolist()))
    return Softened(_with_room(rules, gave_way), gave_way)


def _levels(rules: tuple[Rule, ...], priorities: Mapping[str, int]) -> list[list[int]]:
    """The soft rules by priority, the highest first."""
    found: dict[int, list[int]] = {}
    unused = set(priorities)
    for at, rule in enumerate(rules):
        named = [name for name in priorities if rule.name == name or rule.name.startswith((f"{name} ", f"{name},"))]
        unused -= set(named)
        if named:
            found.setdefault(priorities[max(named, key=len)], []).append(at)
    for name in sorted(unused):
        close = _closest(name, rules)
        hint = f"did you mean {' or '.join(map(repr, close))}? " if close else ""
        told = ", ".join(dict.fromkeys(rule.name for rule in rules[:TOLD]))
        raise InputError(
            f"soft names {name!r}, which is no rule of this scenario and no beginning of one; {hint}"
            f"rules here: {told}{', ...' if len(rules) > TOLD else ''}"
        )
    return [found[priority] for priority in sorted(found, reverse=True)]


def _closest(name: str, rules: tuple[Rule, ...]) -> list[str]:
    """Names of rules, up to their dates, that share most with what was written, in whatever order of words."""
    names = list(dict.fromkeys(DATED.split(rule.name)[0] for rule in rules))
    asked = _in_order(name)
    shared = {one: difflib.SequenceMatcher(None, asked, _in_order(one)).ratio() for one in names}
    found = sorted((one for one in names if shared[one] >= LIKE), key=lambda one: -shared[one])
    return [one for one in found[:CLOSEST] if shared[one] >= shared[found[0]] - APART]


def _in_order(name: str) -> str:
    """The words of a name in the order of the alphabet, but for those that tell rules nowhere apart."""
    words = re.findall(r"\w+", name.lower().replace("_", " "))
    return " ".join(sorted(word for word in words if word not in FILLING))


def _with_room(rules: tuple[Rule, ...], gave_way: tuple[Relaxation, ...]) -> tuple[Rule, ...]:
    """The rules with their new limits; an amount that was fixed becomes a range, but the total and its shares move."""
    found = list(eased(rules, gave_way))
    for item in gave_way:
        rule, new = item.rule, found[item.index]
        if item.index and not (rule.flight or rule.share) and rule.low == rule.high:
            found[item.index] = replace(new, low=min(rule.low, new.low), high=max(rule.high, new.high))
    return tuple(found)
