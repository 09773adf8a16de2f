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
from engine.optimize.over_time import several
from engine.optimize.polish import climbed, ground, mean_value, movable
from engine.optimize.rules import Problem, broken
from engine.optimize.solve import Memory, Solved, best_of, solve

ENOUGH = 4e-4  # relative gap to the bound without whole numbers at which nothing better is looked for
FEW = 15  # channels up to which a question of one split is asked in full each time
ROUTE = "steps and numbers of channels: "


def relaxed(problem: Problem) -> Problem:
    """The question without steps and numbers of channels."""
    return problem.with_rules(tuple(rule for rule in problem.rules if not rule.is_discrete))


def held(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Problem:
    """The question under the same steps and active channels as a plan: rules in their order, more at the end."""
    return replace(problem, rules=settled(problem.rules, problem.decisions, spend))


def has_price(problem: Problem, spend: Float[np.ndarray, " cell"], index: int) -> bool:
    """Whether a unit of room at a rule can move money: where all that could move goes in steps, it cannot.

    Steps and active channels stay as they are at the margin, so what a unit brings is what the other money makes of it.
    """
    in_steps = np.sum([np.zeros(len(spend)), *(rule.weights for rule in problem.rules if rule.step)], axis=0) > 0
    up, down = movable(held(problem, spend), spend)
    if not index:
        return bool((up & ~in_steps).any())
    own = (problem.rules[index].weights != 0) & ~in_steps
    single = own if problem.rules[index].channel is not None else np.zeros(len(spend), bool)
    moving = (up | down) & ~in_steps
    return bool((own & (moving | single)).any() and (moving | single).sum() > 1)


def again(problem: Problem, starts: tuple[np.ndarray, ...]) -> Float[np.ndarray, " cell"] | None:
    """The plan of a question near one that was answered: of one split over few channels the best there is."""
    if not problem.ways and len(problem.names) <= FEW:
        return found.spend if (found := solve(problem, {}, starts)) else None
    near = [_improved(problem, spend) for spend in starts]
    kept = [spend for spend in near if spend is not None]
    worth = several.mean_value if problem.ways else mean_value
    return max(kept, key=lambda spend: worth(problem, spend)) if kept else None


def solved(problem: Problem, memory: Memory, starts: tuple[np.ndarray, ...]) -> Solved | None:
    """The best plan that keeps every rule; None where there is none."""
    top = solve(replace(relaxed(problem), effort=0), memory, starts)  # over time the plan itself is proven
    if top is None:
        return None
    if problem.ways:
        whole = importlib.import_module("engine.optimize.over_time.whole")  # its solver takes long to load
        timed: Solved | None = whole.best(problem, top, starts)
        return timed
    near = nearest(problem.rules, problem.decisions, top.spend)
    if near is None:
        return None
    first = _beside(problem, top, near)
    if first is not None and first.gap <= ENOUGH:
        return first
    known = (*starts, first.spend) if first is not None else starts
    found = best_of(problem, memory, known) or first
    return found and replace(found, bound=max(found.value, min(found.bound, top.bound)))


def _improved(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Float[np.ndarray, " cell"] | None:
    """The top of the hill near a spend, which need not keep the rules; steps and active channels stay."""
    if problem.ways:
        exchange = importlib.import_module("engine.optimize.over_time.exchange")  # its solver takes long to load
        timed: np.ndarray | None = exchange.improved(problem, spend)
        return timed
    near = spend if not broken(problem, spend) else nearest(problem.rules, problem.decisions, spend)
    if near is None or broken(problem, near):
        return None
    top = climbed(ground(held(problem, near)), near)
    return near if broken(problem, top) else top


def _beside(problem: Problem, top: Solved, near: Float[np.ndarray, " cell"]) -> Solved | None:
    """The plan at the top of its own hill, under the bound of the question without whole numbers."""
    spend = _improved(problem, near)
    if spend is None:
        return None
    value = mean_value(problem, spend)
    return replace(top, spend=spend, value=value, bound=max(top.bound, value), route=f"{ROUTE}nearest to {top.route}")
