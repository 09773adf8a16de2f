"""Balances: the plans between which nothing is lost in one of two goals without a gain in the other.

The goals are the outcome of a group of channels (a brand's, say) and that of all others. One budget is stepped through
from all it can give to the others to all it can give to the group. Under each step's money for the group, the best sum
of both goals is a plan with a bound, also where no weight between the goals would find it: with S-curves the set of
balances is not the edge of a convex one. If no rule ties channels of both sides together, then what the plan leaves
below its bound is the most that any plan of the budget can have more of one goal without less of the other: money is
what both sides compete for, and each does best with what it has.
"""

import itertools
import time
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from engine.config.scenario import Scenario
from engine.errors import InfeasibleError, InputError
from engine.optimize.budgets.frontier import Tell, unheard, with_money
from engine.optimize.closeness import CERTIFIED
from engine.optimize.over_time import several
from engine.optimize.plan import Range, by_draw, spread
from engine.optimize.rules import Problem, Rule, problem_of
from engine.optimize.selecting import labels, role_of
from engine.optimize.selecting import members as entries_of
from engine.optimize.solve import Memory, Solved, solve
from engine.periods import PER_YEAR, step
from engine.response.curves import KINDS, Curves, half_life

SLOW = "slow"  # the group of channels whose effect lasts
ALIKE = 1e-9  # relative: amounts or outcomes that differ by no more are one
LASTING = 4.0  # weeks of half-life from which a channel is one of them


@dataclass(frozen=True)
class Balance:
    """One plan between the goals."""

    money: float  # on the group [currency]
    spend: tuple[float, ...]  # by channel [currency]
    group: Range  # outcome of the group
    others: Range  # outcome of all other channels
    total: Range
    bound: float  # no plan of this budget and this money for the group has more in all, after tolls
    gap: float
    certified: bool
    exchange: float | None = None  # outcome of the others given up for one more of the group's, to the next balance


@dataclass(frozen=True)
class Balances:
    """Plans from one goal to the other, none of which is worse in both than another."""

    scenario: str
    currency: str
    measure: str
    unit: str
    start: date
    end: date
    period: str
    group: str
    members: tuple[str, ...]
    channels: tuple[str, ...]
    budget: float  # [currency]
    points: tuple[Balance, ...]  # by rising money of the group
    best: int  # index of the one with the most in all
    tied: tuple[str, ...]  # rules that tie both sides: bounds then hold for a step's money alone
    made_from: str
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()  # what a reader must know before acting on it


def members_of(curves: Curves, scenario: Scenario, group: str) -> tuple[str, ...]:
    """The channels of a group of the scenario, of a kind or role, or the parts of a channel.

    Or, as `slow`, those with an effect that lasts four weeks or more.

    Raises:
        InputError: There is no such group, or it holds no channel or all of them.
    """
    asked = scenario.groups.get(group)
    if asked:
        inside = entries_of(curves, scenario, asked).tolist()
        names = [name for name, is_in in zip(curves.names, inside, strict=True) if is_in]
    elif group in KINDS:
        names = [one.name for one in curves.channels if one.kind == group]
    elif group in labels(curves, "roles", scenario):
        names = [one.name for one in curves.channels if role_of(one, scenario) == group]
    elif group in curves.wholes:
        names = [one.name for one in curves.channels if one.part_of == group]
    elif group == SLOW:
        weeks = PER_YEAR["week"] / PER_YEAR[curves.period]
        names = [one.name for one in curves.channels if float(np.median(half_life(one))) * weeks >= LASTING]
    else:
        known = ", ".join([*scenario.groups, *KINDS, *labels(curves, "roles", scenario), *curves.wholes, SLOW])
        raise InputError(
            f"scenario {scenario.name!r}: no group {group!r} to set against the others; name one of {known}"
        )
    if not names or len(names) == len(curves.channels):
        told = "every channel" if names else "no channel"
        told += f" (a half-life of {LASTING:g} weeks or more)" if group == SLOW else ""
        raise InputError(f"group {group!r} holds {told} of these curves, so there are no two sides; name another group")
    return tuple(names)


def balances(
    curves: Curves, scenario: Scenario, group: str, count: int, amount: float, tell: Tell = unheard
) -> Balances:
    """Plans of one budget from the least to the most money for a group.

    Args:
        curves: What spend does, joint draws.
        scenario: The question; its rules hold for every plan.
        group: As `members_of` takes it.
        count: Steps of the group's money, at least 2.
        amount: The budget [currency].
        tell: Is told how far the work is.

    Raises:
        InputError: The scenario does not fit the curves, or there are no two sides.
        InfeasibleError: No plan keeps the rules.
    """
    begin = time.perf_counter()
    _require_mean(scenario)
    members = members_of(curves, scenario, group)
    problem = problem_of(curves, with_money(scenario, amount))
    inside = np.repeat([name in members for name in curves.names], problem.decisions)
    _require_open(problem, inside, scenario, group)
    memory: Memory = {}
    found = []
    for number, money in enumerate(_steps(problem, inside, count), start=1):
        tell(f"{number} of {count} plans")
        found.append(_planned(problem, inside, money, memory))
    points = [_balance(problem, inside, solved) for solved in found if solved is not None]
    if not points:
        raise InfeasibleError(
            f"scenario {scenario.name!r}: no plan keeps its rules with a budget of {amount:g}; "
            "peso optimize names the rules in conflict"
        )
    kept = _undominated(points)
    return Balances(
        scenario=scenario.name,
        currency=curves.currency,
        measure=curves.measure,
        unit=curves.currency if curves.is_money else "",
        start=scenario.horizon.start,
        end=step(step(scenario.horizon.start, scenario.horizon.periods, curves.period), -1, "day"),
        period=curves.period,
        group=group,
        members=members,
        channels=curves.names,
        budget=amount,
        points=kept,
        best=max(range(len(kept)), key=lambda at: kept[at].total.mean),
        tied=_tied(problem, inside),
        made_from=curves.made_from,
        seconds=time.perf_counter() - begin,
    )


def _require_mean(scenario: Scenario) -> None:
    """Refuse what turns a balance of means into another question."""
    asked = {"risk": scenario.risk.measure != "mean", "soft": bool(scenario.soft)}
    asked["goal.maximise"] = scenario.goal.maximise != "outcome"
    for place, is_asked in asked.items():
        if is_asked:
            raise InputError(
                f"scenario {scenario.name!r}: {place} says nothing about a balance of two outcomes; leave it out"
            )


def _require_open(problem: Problem, inside: np.ndarray, scenario: Scenario, group: str) -> None:
    """Refuse rules that leave one amount for the group, so that there is nothing to balance."""
    sides = (inside, ~inside)
    for rule in problem.rules[1:]:
        if rule.low == rule.high and any(np.array_equal(rule.weights, side) for side in sides):
            raise InputError(
                f"scenario {scenario.name!r}: {rule.name} fixes the money of {group!r}, so there is no balance to look "
                "for; leave that rule out"
            )
    ways = _steps(problem, inside, 2)
    possible = problem.lower.sum() <= problem.budget.high and problem.upper.sum() >= problem.budget.low
    if possible and ways[1] - ways[0] <= ALIKE * problem.budget.high:
        raise InputError(
            f"scenario {scenario.name!r}: budget, floors, caps and locks leave one amount for {group!r}, "
            f"{ways[0]:.10g}, so there is no balance to look for; loosen one of them"
        )


def _steps(problem: Problem, inside: np.ndarray, count: int) -> list[float]:
    """Money of the group, from the least to the most that channels and budget allow."""
    low, high, budget = problem.lower, problem.upper, problem.budget
    most = min(float(high[inside].sum()), budget.high - float(low[~inside].sum()))
    least = float(low[inside].sum())
    if budget.low == budget.high:
        least = max(least, budget.high - float(high[~inside].sum()))
    return np.linspace(least, max(least, most), count).tolist()


def _planned(problem: Problem, inside: np.ndarray, money: float, memory: Memory) -> Solved | None:
    """The best plan with so much money on the group."""
    rule = Rule("money of the group", inside.astype(float), low=money, high=money)
    return solve(replace(problem, rules=(*problem.rules, rule)), memory, ())


def _balance(problem: Problem, inside: np.ndarray, solved: Solved) -> Balance:
    spend = several.by_cell(problem, solved.spend).sum(axis=1)
    own = inside[:: problem.decisions]
    outcome = by_draw(problem, solved.spend)[0]
    return Balance(
        float(spend[own].sum()),
        tuple(spend.tolist()),
        spread(outcome[own].sum(0)),
        spread(outcome[~own].sum(0)),
        spread(outcome.sum(0)),
        solved.bound,
        solved.gap,
        solved.proven and solved.gap <= CERTIFIED,
    )


def _undominated(points: list[Balance]) -> tuple[Balance, ...]:
    """Plans than which no other is better in one goal and as good in the other, with what the next one costs."""
    best = [
        one
        for one in points
        if not any(
            two.group.mean >= one.group.mean
            and two.others.mean >= one.others.mean
            and two.group.mean + two.others.mean > one.group.mean + one.others.mean
            for two in points
        )
    ]
    kept = best[:1]
    for one in best[1:]:  # money that brings the group nothing more makes no other balance
        if abs(one.group.mean - kept[-1].group.mean) > ALIKE * abs(kept[-1].group.mean):
            kept.append(one)
    rates = [
        (one.others.mean - two.others.mean) / (two.group.mean - one.group.mean) for one, two in itertools.pairwise(kept)
    ]
    return tuple(replace(one, exchange=rate) for one, rate in zip(kept, [*rates, None], strict=True))


def _tied(problem: Problem, inside: np.ndarray) -> tuple[str, ...]:
    """Rules, beside the budget, that touch channels of both sides."""
    return tuple(rule.name for rule in problem.rules[1:] if rule.weights[inside].any() and rule.weights[~inside].any())
