"""Several decisions: what plans by quarter or month earn, and the best of them with its bound."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from engine.optimize.over_time.course import by_draw as outcome_of
from engine.optimize.over_time.course import tangents
from engine.optimize.over_time.decisions import Way
from engine.optimize.rule import Rule
from engine.optimize.rules import Problem
from engine.optimize.side_by_side import each
from engine.response.curves import most

NOTHING = 1e-9  # of an even share of the budget: where nothing is spent, the next unit is looked at from there


def by_cell(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Float[np.ndarray, "channel decision"]:
    """Money of each channel by decision."""
    return spend.reshape(len(problem.names), problem.decisions)


def chances(problem: Problem) -> Float[np.ndarray, " draw"]:
    """The odds of the draws."""
    odds, draws = problem.payoffs[0].odds, problem.courses[0].constant.size
    return np.full(draws, 1 / draws) if odds is None else odds


def outcomes(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Float[np.ndarray, "channel draw"]:
    """Outcome of each channel's course, draw by draw."""
    pairs = list(zip(problem.courses, by_cell(problem, spend), strict=True))
    return np.stack(each(lambda pair: outcome_of(*pair), pairs))


def by_draw(
    problem: Problem, spend: Float[np.ndarray, " cell"]
) -> tuple[Float[np.ndarray, "channel draw"], Float[np.ndarray, " draw"]]:
    """Outcome by channel and draw, and the objective by draw before tolls."""
    outcome = outcomes(problem, spend)
    margin = np.array([payoff.margin for payoff in problem.payoffs])
    return outcome, margin @ outcome - float(charges(problem, spend).sum())


def returns(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Float[np.ndarray, " channel"]:
    """Outcome of the next unit of money on each channel, spread like the money that it has, or evenly."""
    odds, found = chances(problem), []
    even = spread_over_time(problem, np.full(len(problem.names), problem.budget.high or 1.0))
    shapes = zip(problem.courses, by_cell(problem, spend), by_cell(problem, even), strict=True)
    for course, money, alike in shapes:
        total, usual = float(money.sum()), float(alike.sum())
        shape = money / total if total > NOTHING * usual else alike / usual
        slope = tangents(course, np.maximum(money, NOTHING * alike)[None], odds)[2]
        found.append(float(slope[0] @ shape))
    return np.array(found)


def charges(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Float[np.ndarray, " channel"]:
    """Cost of each channel's money [objective]."""
    costs = np.array([way.cost for way in problem.ways])
    return np.sum(costs * by_cell(problem, spend), axis=1)


def tolls(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Float[np.ndarray, " channel"]:
    """What each channel's move from today's split is charged for its doubt [objective]."""
    totals = by_cell(problem, spend).sum(axis=1)
    pairs = zip(problem.payoffs, totals, strict=True)
    return np.array([float(payoff.doubted(np.array([total]))[0]) for payoff, total in pairs])


def earned(problem: Problem, spend: Float[np.ndarray, " cell"]) -> float:
    """Mean objective of a plan over all draws, before tolls."""
    margin = np.array([payoff.margin for payoff in problem.payoffs])
    mean = outcomes(problem, spend) @ chances(problem)
    return float(margin @ mean) - float(charges(problem, spend).sum())


def mean_value(problem: Problem, spend: Float[np.ndarray, " cell"]) -> float:
    """Mean objective of a plan over all draws, less its tolls."""
    return earned(problem, spend) - float(tolls(problem, spend).sum())


def gross(problem: Problem) -> float:
    """What all channels cannot earn more than, before the cost of the money [objective]."""
    total = 0.0
    for payoff, course, high in zip(problem.payoffs, problem.courses, by_cell(problem, problem.upper), strict=True):
        reached = most(course.channel, course.stock(high)).mean(axis=1)
        total += payoff.margin * float(course.weight @ reached + course.constant.mean())
    return total


def flat(problem: Problem) -> Problem:
    """The question of one split for the whole horizon, under the rules that do not tell decisions apart.

    Its curves are those of a year like any other, so that its plan is a start for one of several decisions, not more.
    """
    rules = [
        replace(rule, weights=by_cell(problem, rule.weights)[:, 0]) for rule in problem.rules if is_flat(problem, rule)
    ]
    return replace(problem, rules=tuple(rules), ways=(), grid=None)


def is_flat(problem: Problem, rule: Rule) -> bool:
    """Whether a rule is about totals over the horizon."""
    weights = by_cell(problem, rule.weights)
    return bool(np.all(weights == weights[:, :1])) and not rule.flight


def own_rows(problem: Problem) -> list[list[tuple[Float[np.ndarray, " decision"], float, float]]]:
    """The rules over several decisions of one channel alone, by channel: weights, least and most."""
    found: list[list[tuple[np.ndarray, float, float]]] = [[] for _ in problem.names]
    for rule in problem.rules[1:]:
        touched = np.unique(np.flatnonzero(rule.weights) // problem.decisions)
        if rule.channel is None and len(touched) == 1:
            found[touched[0]].append((by_cell(problem, rule.weights)[touched[0]], rule.low, rule.high))
    return found


def spread_over_time(problem: Problem, split: Float[np.ndarray, " channel"]) -> Float[np.ndarray, " cell"]:
    """A split of the horizon by cell, even over the time."""
    if problem.grid is None:
        return split
    return np.outer(split, problem.grid.lengths / problem.grid.lengths.sum()).ravel()


def at_one_pace(problem: Problem) -> Problem:
    """The question of one decision: the same time and history, and money at one pace throughout.

    Its rules are those that do not tell decisions apart; its plan, spread over the time, is a start for several.
    """
    if problem.grid is None:
        return problem
    share = problem.grid.lengths / problem.grid.lengths.sum()
    held = replace(problem.grid, edges=(0, problem.grid.edges[-1]), quarters=(0,), units=(0,), over=0)
    ways = []
    for way in problem.ways:
        gain = np.tensordot(share, way.course.gain, axes=1)[None]
        course = replace(way.course, gain=np.ascontiguousarray(gain))
        pace, cost = (share @ way.pace)[None], np.array([share @ way.cost])
        ways.append(Way(course, pace, cost, np.zeros(1)))
    return replace(flat(problem), ways=tuple(ways), grid=held)
