"""Trades: the plans between two goals, from all weight on the one to all on the other, and what each costs the other.

Each is the best plan of a weighted sum of both goals, solved and bounded like any plan. No plan has more of both; where
curves are S-shaped, some plans between two rows may be the best of no weight and are not shown.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from engine.config.scenario import Scenario
from engine.optimize import goals
from engine.optimize.closeness import CERTIFIED, ROUNDING
from engine.optimize.over_time import several
from engine.optimize.plan import Range
from engine.optimize.rules import Problem
from engine.optimize.solve import Solved
from engine.periods import step
from engine.response.curves import Curves

ALIKE = 1e-6  # of the larger goal: plans that differ by less in both are one


@dataclass(frozen=True)
class Trade:
    """One plan between the goals."""

    weight: float  # of the second goal; the rest is the first's
    spend: tuple[float, ...]  # by channel [currency]
    decided: tuple[tuple[float, ...], ...]  # by decision and channel [currency]
    first: float  # mean of the first goal [objective]
    second: float  # of the second
    objective: Range  # of both together, by draw
    net: float  # what the plan is chosen by, after tolls
    bound: float  # no plan has more of it
    gap: float
    certified: bool
    costs: float | None = None  # of the first goal for one more of the second, on the way to the next plan


@dataclass(frozen=True)
class Trades:
    """Plans between two goals, of which none has as much of both as another."""

    scenario: str
    currency: str
    measure: str  # what the objective counts
    unit: str
    start: date
    end: date
    periods: int
    period: str
    goals: tuple[str, str]  # their names
    meant: tuple[str, str]  # what they count
    channels: tuple[str, ...]
    decisions: tuple[str, ...]  # first and last day of each
    budget: float  # [currency]
    points: tuple[Trade, ...]  # by rising weight of the second goal
    own: int | None  # index of the plan that the scenario asks for; None where it asks for none of them
    dropped: int  # plans that another one was as good as in both goals
    prudence: float
    made_from: str
    notes: tuple[str, ...] = ()  # where the scenario itself is planned and valued differently
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()  # what a reader must know before acting on it


def weights(count: int) -> list[float]:
    """Weights of the second goal, rising from 0 to 1."""
    return [float(each) for each in np.linspace(0.0, 1.0, count)]


def trade(problem: Problem, weight: float, solved: Solved, both: tuple[float, float], objective: Range) -> Trade:
    """One plan between the goals, from the solution of its weighted sum."""
    decided = several.by_cell(problem, solved.spend)
    return Trade(
        weight=weight,
        spend=tuple(decided.sum(axis=1).tolist()),
        decided=tuple(tuple(row) for row in decided.T.tolist()),
        first=both[0],
        second=both[1],
        objective=objective,
        net=solved.value,
        bound=max(solved.bound, solved.value),
        gap=solved.gap,
        certified=solved.proven and solved.gap <= CERTIFIED,
    )


def undominated(points: Sequence[Trade]) -> tuple[Trade, ...]:
    """The plans of which no other has as much of both goals and more of one, with what the way to the next costs."""
    apart = ALIKE * max(max(abs(one.first), abs(one.second)) for one in points)
    kept: list[Trade] = []
    for one in sorted(points, key=lambda one: (one.second, one.first), reverse=True):
        if kept and one.first <= kept[-1].first + apart:  # those before have more of the second goal
            continue
        alike = bool(kept) and one.second >= kept[-1].second - apart
        kept = [*(kept[:-1] if alike else kept), one]
    rows = kept[::-1]
    costs = [(one.first - two.first) / (two.second - one.second) for one, two in itertools.pairwise(rows)]
    return tuple(replace(one, costs=cost) for one, cost in zip(rows, [*costs, None], strict=True))


def time_of(curves: Curves, scenario: Scenario, problem: Problem) -> dict[str, Any]:
    """The time that the plans cover and what they are made from, as fields of their record."""
    horizon = scenario.horizon
    end = step(step(horizon.start, horizon.periods, curves.period), -1, "day")
    return {
        "scenario": scenario.name,
        "currency": curves.currency,
        "measure": goals.measure(curves, scenario.goal),
        "unit": goals.unit(curves, scenario.goal),
        "start": horizon.start,
        "end": end,
        "periods": horizon.periods,
        "period": curves.period,
        "channels": curves.names,
        "decisions": problem.grid.labels if problem.grid else (f"{horizon.start} to {end}",),
        "prudence": problem.prudence,
        "made_from": curves.made_from,
    }


def weighing(points: Sequence[Trade], weight: float) -> int | None:
    """Index of the plan of a weight; None where none of them has it."""
    return next((at for at, point in enumerate(points) if abs(point.weight - weight) <= ROUNDING), None)
