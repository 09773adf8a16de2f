"""Plans in whole steps and with a number of active channels, each with its bound.

Without these rules there is at least as much to earn, so the bound of the question without them holds. Where the plan
nearest to its answer is close enough to that bound, it is the plan; else one split goes to a mixed-integer program over
the tables, whose bound is the plan's.
"""

import importlib
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from engine.optimize.conflict.discrete import nearest, settled
from engine.optimize.polish import climbed, ground
from engine.optimize.rules import Problem, broken
from engine.optimize.solve import Memory, Solved, best_of, solve

ENOUGH = 4e-4  # relative gap to the bound without whole numbers at which nothing better is looked for
ROUTE = "steps and numbers of channels: "


def relaxed(problem: Problem) -> Problem:
    """The question without steps and numbers of channels."""
    return problem.with_rules(tuple(rule for rule in problem.rules if not rule.is_discrete))


def held(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Problem:
    """The question under the same steps and active channels as a plan: rules in their order, more at the end."""
    return replace(problem, rules=settled(problem.rules, problem.decisions, spend))


def solved(problem: Problem, memory: Memory, starts: tuple[np.ndarray, ...]) -> Solved | None:
    """The best plan that keeps every rule; None where there is none."""
    top = solve(relaxed(problem), memory, starts)
    if top is None:
        return None
    if problem.ways:
        exchange = importlib.import_module("engine.optimize.over_time.exchange")  # its solver takes long to load
        timed: Solved | None = exchange.best_near(problem, memory, top, starts)
        return timed
    near = nearest(problem.rules, problem.decisions, top.spend)
    if near is None:
        return None
    first = _as_good_as(problem, top, near)
    if first is not None and first.gap <= ENOUGH:
        return first
    known = (*starts, first.spend) if first is not None else starts
    found = best_of(problem, memory, known) or first
    return found and replace(found, bound=max(found.value, min(found.bound, top.bound)))


def _as_good_as(problem: Problem, top: Solved, near: Float[np.ndarray, " cell"]) -> Solved | None:
    """The plan at the top of its own hill, under the bound of the question without whole numbers."""
    if broken(problem, near):
        return None
    on = ground(held(problem, near))
    spend = climbed(on, near)
    if broken(problem, spend):
        spend = near
    value = on.worth(spend)
    return replace(top, spend=spend, value=value, bound=max(top.bound, value), route=f"{ROUTE}nearest to {top.route}")
