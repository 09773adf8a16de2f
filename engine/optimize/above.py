"""Above the channels: what a plan spends by role, kind, geo and segment, and what it costs to fix that split.

The strategic split is read off the plan of single entries, which knows best what the money can do: fixed shares are
rules of that one plan, never a first step whose result a second one would have to live with.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from engine.config.scenario import Scenario
from engine.config.strategy import AXES, Axis, ShareBounds
from engine.optimize.over_time import several
from engine.optimize.ranges import Range, spread
from engine.optimize.rules import Problem
from engine.optimize.selecting import label_of, labels
from engine.optimize.share_rules import strategy_rules
from engine.optimize.solve import Memory, Solved, solve
from engine.response.curves import Curves

Of = Literal["role", "kind", "geo", "segment", "channel"]
EACH: dict[Axis, Of] = {"roles": "role", "kinds": "kind", "geos": "geo", "segments": "segment"}


@dataclass(frozen=True)
class Level:
    """What several entries of a plan add up to."""

    of: Of
    name: str | None  # None: the entries that are nowhere along the axis
    members: tuple[str, ...]  # entries
    spend: float  # [currency over the horizon]
    share: float  # of what the plan spends
    baseline: float  # spend of the plan that it is compared with [currency over the horizon]
    outcome: Range  # [currency or outcome over the horizon]
    asked: tuple[float, float] | None = None  # least and most share that a strategy allows
    free: float | None = None  # share in the best plan without a strategy


@dataclass(frozen=True)
class Fixing:
    """What a strategy costs: what the best plan without it has more [objective]."""

    gain: float  # of the mean
    net: float  # of the mean less the tolls for the doubt of moves, which is what plans are chosen by


@dataclass(frozen=True)
class Free:
    """The best plan without the strategy."""

    spend: Float[np.ndarray, " channel"]  # [currency over the horizon]
    cells: Float[np.ndarray, " cell"]
    problem: Problem
    net: float  # what it is worth after its tolls [objective]


def freed(curves: Curves, scenario: Scenario, answer: tuple[Problem, Solved, Memory]) -> Free | None:
    """The plan of the same question without its strategy, the answer and all else as they are; None where none asks.

    Args:
        curves: What spend does.
        scenario: The question.
        answer: The problem it posed, its solution, and what was measured for that.
    """
    problem, solved, memory = answer
    fixing = {rule.name for rule in strategy_rules(curves, scenario, problem.budget)}
    if not fixing:
        return None
    free = problem.with_rules(tuple(rule for rule in problem.rules if rule.name not in fixing))
    again = solve(free, memory, (solved.spend,))
    if again is None:
        raise AssertionError("a plan under fewer rules was not found, and the one under all of them keeps these")
    return Free(several.by_cell(free, again.spend).sum(axis=1), again.spend, free, again.value)


def levels(
    curves: Curves,
    scenario: Scenario,
    spend: tuple[Float[np.ndarray, " channel"], Float[np.ndarray, " channel"]],
    outcome: Float[np.ndarray, "channel draw"],
    free: Float[np.ndarray, " channel"] | None = None,
) -> tuple[Level, ...]:
    """The sums of a plan along each axis that the curves or the strategy have, then those of channels with parts.

    Args:
        curves: Whose entries are added up.
        scenario: The question, with roles and strategy.
        spend: By entry, of the plan and of what it is compared with [currency over the horizon].
        outcome: Of the plan by entry and draw.
        free: Spend of the best plan without the strategy.
    """
    now, before = spend
    total, total_free = float(now.sum()), 0.0 if free is None else float(free.sum())
    found = []
    for of, name, inside, asked in _wanted(curves, scenario):
        members = tuple(one for one, is_in in zip(curves.names, inside, strict=True) if is_in)
        own = float(now[inside].sum())
        found.append(
            Level(
                of,
                name,
                members,
                own,
                own / total if total else 0.0,
                float(before[inside].sum()),
                spread(outcome[inside].sum(axis=0)),
                (asked.least, asked.most) if asked else None,
                None if free is None or of == "channel" or not total_free else float(free[inside].sum()) / total_free,
            )
        )
    return tuple(found)


def _wanted(
    curves: Curves, scenario: Scenario
) -> Iterator[tuple[Of, str | None, Bool[np.ndarray, " channel"], ShareBounds | None]]:
    """Every sum that is told: its kind, its name, the entries in it, and what the strategy asks of it."""
    fixed = scenario.strategy.asked if scenario.strategy else {}
    for axis in AXES:
        known = labels(curves, axis, scenario)
        along = [label_of(channel, axis, scenario) for channel in curves.channels]
        if not known or (axis == "kinds" and len(known) == 1 and axis not in fixed):
            continue
        for name in (*known, *([None] if None in along else [])):
            inside = np.array([label == name for label in along])
            yield EACH[axis], name, inside, fixed.get(axis, {}).get(name) if name else None
    for name in curves.wholes:
        yield "channel", name, np.array([channel.part_of == name for channel in curves.channels]), None
