"""The plan that most likely reaches a target, and a bound on the chance of any plan.

Whether a draw reaches the target is at most the share of the way from the least it can earn to the target that it
comes, cut off at one. That hinge is concave in what the draw earns, so its best mean under the rules is a bound that
the search over odds finds (the hinge bound of chance constraints; Nemirovski and Shapiro, Convex approximations of
chance constrained programs, 2006). Plans come from hinges that begin ever nearer to the target.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from engine.config.scenario import Risk
from engine.optimize.plan import by_draw
from engine.optimize.risk.ceilings import ceilings
from engine.optimize.risk.climb import Known, chances, climbed, known, solved_under
from engine.optimize.risk.measures import Measure, measure_of
from engine.optimize.risk.minimax import AIM, Asked, Searched, begun, searched
from engine.optimize.risk.out_of_reach import unreachable
from engine.optimize.rules import Problem, channel_limits
from engine.optimize.solve import Memory, Solved

MET = 1e-9  # of the target: so little below it counts as reached
BANDS = (1.0, 0.2, 0.04)  # lengths of hinges, in standard deviations of what a plan earns
SHARES = (0.5, 1.0)  # of the draws that miss the target: how many of the worst hold up a plan to begin with
SHARPENED = 2  # plans to begin with
SINGLED = 4  # draws whose own best plans are looked at, where no other plan reaches the target in any


def reached(problem: Problem, target: float, first: Solved, plans: tuple[Known, ...], memory: Memory) -> Searched:
    """The plan that most likely earns at least `target`, as a search whose figures are chances.

    Args:
        problem: The question.
        target: What is to be earned after prudence has taken its tolls off, as under every other measure [objective].
        first: The plan of the best mean.
        plans: That and other plans that keep the rules; at least one.
        memory: Tables of earlier problems on the same curves.
    """
    base = chances(problem, len(plans[0].values))
    floor, goal = _least(problem), target - MET * abs(target)
    never = _unreachable(problem, goal, plans)
    always = floor >= goal
    open_draws = ~(never | always)
    most = np.where(open_draws, base / np.where(open_draws, goal - floor, 1.0), 0.0)
    hinge = Measure(base, most, target=goal)
    found = searched(Asked(problem, hinge, memory, 1.0), begun(hinge, plans, first))
    limit = min(1.0, float(base[~never].sum()) + found.limit)
    plans = found.plans
    for more in (_steadied, _sharpened):
        if max(chance(plan, goal, base) for plan in plans) < limit - AIM:
            plans = (*plans, *more(problem, goal, plans, base))
    if open_draws.any() and not any(chance(plan, goal, base) for plan in plans):
        plans = (*plans, *_singled_out(problem, np.where(open_draws, base, 0.0), plans, memory))
    best = max(plans, key=lambda plan: chance(plan, goal, base))
    return replace(found, plans=(best,), value=chance(best, goal, base), limit=limit)


def chance(plan: Known, goal: float, base: Float[np.ndarray, " draw"]) -> float:
    """How likely a plan earns at least the goal, its tolls taken off."""
    return float(base[plan.values >= goal].sum())


def _least(problem: Problem) -> Float[np.ndarray, " draw"]:
    """What no plan earns less than by draw: what the least spends bring, less the cost and tolls of all other money."""
    low = problem.lower
    room = max(0.0, problem.budget.high - float(low.sum()))
    costs = [way.cost.max() for way in problem.ways] or [payoff.cost for payoff in problem.payoffs]
    ends = zip(problem.payoffs, *channel_limits(problem), strict=True)
    tolls = sum(float(payoff.doubted(np.array([least, most])).max()) for payoff, least, most in ends)
    return by_draw(problem, low)[1] - float(max(costs)) * room - tolls


def _unreachable(problem: Problem, goal: float, plans: tuple[Known, ...]) -> Bool[np.ndarray, " draw"]:
    """Draws in which no plan reaches the goal: by ceilings of all draws at once, of several decisions draw by draw."""
    if not problem.ways:
        return ceilings(problem) < goal
    earned = np.array([plan.values for plan in plans])
    near = np.array([plan.spend for plan in plans])[earned.argmax(axis=0)]
    return unreachable(problem, goal, earned.max(axis=0) >= goal, near)


def _singled_out(problem: Problem, odds: np.ndarray, plans: tuple[Known, ...], memory: Memory) -> tuple[Known, ...]:
    """The best plans of the likeliest draws alone, where no hill of the mean leads to the goal in any."""
    found = []
    for draw in np.argsort(-odds, kind="stable")[: min(SINGLED, np.count_nonzero(odds))].tolist():
        nearest = max(plans, key=lambda plan: plan.values[draw])
        found.append(known(problem, solved_under(problem, np.eye(len(odds))[draw], memory, nearest).spend))
    return tuple(found)


def _steadied(problem: Problem, goal: float, plans: tuple[Known, ...], base: np.ndarray) -> tuple[Known, ...]:
    """Plans that hold up in the worst draws, for shares of them around what misses the goal."""
    missed = 1 - max(chance(plan, goal, base) for plan in plans)
    risks = (Risk(measure="cvar", level=min(1.0, max(share * missed, 1 / len(base)))) for share in SHARES)
    return tuple(climbed(problem, measure_of(risk, base), plans[0])[0] for risk in risks)


def _sharpened(problem: Problem, goal: float, plans: tuple[Known, ...], base: np.ndarray) -> tuple[Known, ...]:
    """What hinges that begin ever nearer to the goal make of the likeliest plans."""
    found = []
    for start in sorted(plans, key=lambda plan: -chance(plan, goal, base))[:SHARPENED]:
        plan = start
        for band in BANDS:
            length = band * max(float(plan.values.std()), MET * abs(goal))
            near = plan.values > goal - length
            trial = climbed(problem, Measure(base, np.where(near, base / length, 0.0), target=goal), plan)[0]
            if chance(trial, goal, base) >= chance(plan, goal, base):
                plan = trial
        found.append(plan)
    return tuple(found)
