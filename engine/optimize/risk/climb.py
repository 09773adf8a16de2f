"""From one plan to a near one that is better under a measure of risk, and the odds that show how good it is.

Each step solves a concave model of what every draw earns: first order by draw, second order under the odds in force
(sequential quadratic programming, Nocedal and Wright, Numerical Optimization, 2006, chapter 18). A step is taken only
where the plan keeps every rule and is worth more.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.optimize.conflict.discrete import snapped
from engine.optimize.discrete import held
from engine.optimize.few_draws import on_draws
from engine.optimize.over_time import several
from engine.optimize.over_time.course import Course
from engine.optimize.plan import by_draw
from engine.optimize.polish import FLATTEST, NUDGE, charged
from engine.optimize.risk.cone import Model, best_step
from engine.optimize.risk.measures import Measure, worst
from engine.optimize.rules import Problem, broken
from engine.optimize.solve import Memory, Solved, solve
from engine.optimize.tables import steepness
from engine.response.curves import respond_with_rate

STEPS = 15  # most steps of one climb
SETTLED = 3e-6  # of the plan's value: a step that brings less ends the climb
REACH = 0.5  # of a channel's money, and of the mean channel's, that one step may move at first
FEW = 1e-4  # of the mean channel's money: a bend is looked at no nearer to 0 than by steps of this
LITTLE = 1e-9  # of the money: where nothing is spent slopes are taken here, because they can be infinite at 0
SPARSE = 0.9  # share of draws with a chance up to which the others are left out
UNIT = 100.0  # what the mean channel's money and the plan's value are scaled to: the solver's tolerances are absolute


@dataclass(frozen=True, eq=False)
class Known:
    """A plan and what it earns by draw, less what its moves are charged."""

    spend: Float[np.ndarray, " channel"]
    values: Float[np.ndarray, " draw"]


def known(problem: Problem, spend: Float[np.ndarray, " channel"]) -> Known:
    """What a plan earns by draw, exactly."""
    return Known(spend, by_draw(problem, spend)[1] - tolled(problem, spend))


def tolled(problem: Problem, spend: Float[np.ndarray, " channel"]) -> float:
    """What a plan's moves from today's split are charged for their doubt [objective]."""
    return float(several.tolls(problem, spend).sum()) if problem.ways else charged(problem, spend)


def reweighted(problem: Problem, odds: Float[np.ndarray, " draw"]) -> Problem:
    """The problem under other odds of its draws."""
    return replace(problem, payoffs=tuple(replace(payoff, odds=odds) for payoff in problem.payoffs))


def solved_under(
    problem: Problem, odds: Float[np.ndarray, " draw"], memory: Memory, start: Known | None = None
) -> Solved:
    """The best mean under other odds of the draws, of a problem that has a plan.

    Several decisions look at every draw again and again, so there draws without a chance are left out.
    """
    starts = () if start is None else (start.spend,)
    weighed, some = reweighted(problem, odds), np.flatnonzero(odds)
    if problem.ways and len(some) < SPARSE * len(odds):
        weighed, memory = on_draws(weighed, some), {}
    found = solve(weighed, memory, starts)
    if found is None:
        raise AssertionError("a plan was found under other odds, and none under these")
    return found


def chances(problem: Problem, draws: int) -> Float[np.ndarray, " draw"]:
    """The chance of each draw in the problem itself."""
    odds = problem.payoffs[0].odds
    return np.full(draws, 1 / draws) if odds is None else odds


def climbed(problem: Problem, measure: Measure, start: Known) -> tuple[Known, Float[np.ndarray, " draw"]]:
    """The best plan found by steps from a start, and the odds of the last step.

    Args:
        problem: The question.
        measure: What is made as large as it can.
        start: A plan that keeps the rules.
    """
    best, reach = start, REACH
    value, odds = measure.value(best.values), worst(measure, best.values - measure.less)
    for _ in range(STEPS):
        units = units_of(best)
        step = best_step(
            measure.scaled(units[1]),
            [model_at(problem, best, measure.per(units[1]) * measure.mixed(odds), units, reach)],
        )
        if step is None:
            break
        odds = step.odds / measure.per(units[1])
        found = _taken(problem, measure, best, step.moves[0] * units[0])
        if found is None:
            if reach < REACH / 16:
                break
            reach /= 8
            continue
        gained, best = measure.value(found.values) - value, found
        value += gained
        if gained <= SETTLED * abs(value):
            break
    return best, odds


def _taken(problem: Problem, measure: Measure, plan: Known, move: np.ndarray) -> Known | None:
    """The plan after a move or a part of it; None where no part is better."""
    value = measure.value(plan.values)
    for share in (1.0, 0.3, 0.1):
        spend = moved_by(problem, plan, share * move)
        trial = known(problem, spend)
        if measure.value(trial.values) > value and not broken(problem, spend):
            return trial
    return None


def moved_by(problem: Problem, plan: Known, move: np.ndarray) -> Float[np.ndarray, " channel"]:
    """The spend after a move, within the limits of each channel, whole numbers exact."""
    spend = np.clip(plan.spend + move, problem.lower, problem.upper)
    return snapped(problem.rules, problem.decisions, spend) if problem.is_discrete else spend


def units_of(plan: Known) -> tuple[float, float]:
    """The user's money, and the user's value, in one unit of the model."""
    money = float(plan.spend.sum()) or 1.0
    return money / (UNIT * len(plan.spend)), max(float(np.abs(plan.values).mean()), 1e-300) / UNIT


def model_at(problem: Problem, plan: Known, odds: np.ndarray, units: tuple[float, float], reach: float) -> Model:
    """What moves of a plan bring, bent as under some odds, in units of money and value; steps and channels stay."""
    (unit, scale), spend = units, plan.spend
    problem = held(problem, spend) if problem.is_discrete else problem
    slopes = slopes_by_draw(problem, spend)
    least, most = _limits(problem, spend, reach)
    rules = [problem.budget, *problem.rows]
    rows = np.array([rule.weights for rule in rules])
    count, at = len(spend), rows @ spend
    totals = np.repeat(np.eye(len(problem.names)), problem.decisions, axis=1)
    tolls = np.array([payoff.toll for payoff in problem.payoffs])
    anchor = np.array([payoff.anchor for payoff in problem.payoffs])
    return Model(
        values=(plan.values + tolled(problem, spend)) / scale,
        slopes=slopes.T * (unit / scale),
        bend=_bend(problem, spend, odds) * (unit**2 / scale),
        rows=np.concatenate([rows, np.eye(count)]),
        low=np.concatenate([np.array([rule.low for rule in rules]) - at, least - spend]) / unit,
        high=np.concatenate([np.array([rule.high for rule in rules]) - at, most - spend]) / unit,
        charged=totals,
        kink=(anchor - totals @ spend) / unit,
        less=tolls[:, 0] * (unit / scale),
        more=tolls[:, 1] * (unit / scale),
    )


def _limits(problem: Problem, spend: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """How far each channel may go in one step, on its side of its minimum flight."""
    far = reach * (spend + spend.mean())
    flies = (problem.flight > 0) & (spend > 0)
    grounded = (problem.flight > 0) & (spend <= 0)
    least = np.where(flies, np.maximum(problem.lower, problem.flight), problem.lower)
    least = np.minimum(np.maximum(least, spend - far), spend)
    most = np.maximum(np.minimum(np.where(grounded, 0.0, problem.upper), spend + far), spend)
    return least, most


def slopes_by_draw(problem: Problem, spend: Float[np.ndarray, " channel"]) -> Float[np.ndarray, "channel draw"]:
    """What one more unit of money on each channel, or cell, brings by draw, before tolls."""
    inner = np.maximum(spend, LITTLE * (float(spend.sum()) or problem.budget.high))
    if not problem.ways:
        return np.stack([p.margin * steepness(p, inner[c : c + 1])[0] - p.cost for c, p in enumerate(problem.payoffs)])
    each = zip(problem.payoffs, problem.ways, several.by_cell(problem, inner), strict=True)
    return np.concatenate([p.margin * _along(way.course, money) - way.cost[:, None] for p, way, money in each])


def _along(course: Course, money: np.ndarray) -> Float[np.ndarray, "decision draw"]:
    """Slopes of a course's outcome by decision and draw."""
    rate = respond_with_rate(course.channel, course.stock(money))[1]
    return np.einsum("rd,krd->kd", course.weight[:, None] * rate, course.gain)


def _bend(problem: Problem, spend: np.ndarray, odds: np.ndarray) -> np.ndarray:
    """Size of the second derivative of the mean under some odds, by channel or cell.

    All are moved at once. What cells of one channel do to each other is then counted in full, so that the sum of bends
    times squared moves is at least the true curvature (a diagonal that dominates).
    """
    nudge = NUDGE * np.maximum(spend, FEW * (float(spend.mean()) or problem.budget.high or 1.0))
    below, above = np.maximum(spend - nudge, 0.0), spend + nudge
    rise = (slopes_by_draw(problem, above) - slopes_by_draw(problem, below)) @ odds
    bend = np.abs(rise) / (above - below)
    return np.maximum(bend, FLATTEST * float(bend.max()))
