"""The search over odds: plans under a measure of risk, and the bound that the best odds prove.

Under fixed odds a problem is the planner's usual one, and under any odds of the measure's set the best mean is a bound
on every plan's measure. A climb from the best plan gives the odds that would prove it; where curves bend so that they
do not, a mixture of models around the plans met so far gives the next (a bundle method with the plans' own curvature;
Lemaréchal, Nemirovskii and Nesterov, New variants of bundle methods, 1995). What remains then is the distance between
the best plan and the best mixture of plans: no odds can prove more (see `divide`).
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.optimize.closeness import CERTIFIED
from engine.optimize.risk.climb import REACH, Known, climbed, known, model_at, moved_by, solved_under, units_of
from engine.optimize.risk.cone import best_step
from engine.optimize.risk.measures import Measure
from engine.optimize.rules import Problem, broken
from engine.optimize.solve import Memory, Solved

AIM = CERTIFIED / 2  # gap at which the search ends
ROUNDS = 12  # most odds whose bound is looked at
CLOSED = 0.1  # share of the gap that a round must close, or it is counted as stalled
STALLED = 2  # rounds in a row, stalled, after which the search ends
SAME = 0.02  # of all odds: odds that differ by less from those of the limit prove no more
PLACES = 4  # most plans that are mixed
MOVES = 2  # times that the plans of a mixture are moved before its odds are taken
APART = 0.02  # of all money: plans that differ by less are one place


@dataclass(frozen=True)
class Searched:
    """Where a search stands."""

    plans: tuple[Known, ...]  # the best is the first
    value: float  # its measure
    limit: float  # what no plan's measure exceeds
    odds: Float[np.ndarray, " draw"]  # of the set, whose limit that is
    rounds: int = 0
    proven: bool = True  # whether the limit is rigorous, not an estimate


@dataclass(frozen=True)
class Asked:
    """A question under a measure of risk."""

    problem: Problem
    measure: Measure
    memory: Memory
    size: float  # against a smaller limit than this no gap is measured, but against this [objective]
    reached: float = -np.inf  # the measure of a plan known elsewhere: more is not of interest


def searched(asked: Asked, start: Searched) -> Searched:
    """The search from some plans and a limit until the gap is small, or does not close."""
    if _enough(asked, start):
        return start
    odds, state = _climbed(asked, start)
    stalled = 0
    while odds.any() and not _enough(asked, state) and state.rounds < ROUNDS and stalled < STALLED:
        before = state.limit - state.value
        state = _bounded(asked, state, odds)
        if _enough(asked, state):
            break
        stalled = stalled + 1 if before - (state.limit - state.value) < CLOSED * before else 0
        odds, state = _mixed(asked, state)
        if np.abs(odds - state.odds).sum() <= SAME * state.odds.sum():
            break
    return state


def begun(measure: Measure, plans: tuple[Known, ...], first: Solved) -> Searched:
    """A search that knows some plans and what the best mean proves: under a target, that nothing is above it."""
    limit = measure.limit(measure.base, first.bound) if measure.target is None else 0.0
    odds = measure.base if measure.target is None else measure.most
    return ranked(measure, plans, Searched((), -np.inf, limit, odds, proven=first.proven or measure.target is not None))


def first_plans(problem: Problem, first: Solved, starts: tuple[np.ndarray, ...]) -> tuple[Known, ...]:
    """The plan of the best mean, and those starts that keep the rules."""
    return tuple(known(problem, spend) for spend in (first.spend, *(s for s in starts if not broken(problem, s))))


def _enough(asked: Asked, state: Searched) -> bool:
    return state.limit - max(state.value, asked.reached) <= AIM * max(abs(state.limit), asked.size)


def _certified(asked: Asked, state: Searched) -> bool:
    """Whether there is a proof that no estimate may replace."""
    return state.proven and state.limit - state.value <= CERTIFIED * max(abs(state.limit), asked.size)


def _climbed(asked: Asked, state: Searched) -> tuple[Float[np.ndarray, " draw"], Searched]:
    best, odds = climbed(asked.problem, asked.measure, state.plans[0])
    return odds, ranked(asked.measure, (best,), state)


def ranked(measure: Measure, plans: tuple[Known, ...], state: Searched) -> Searched:
    """The search with these plans, too."""
    new = tuple(plan for plan in plans if plan not in state.plans)
    best = sorted((*state.plans, *new), key=lambda plan: -measure.value(plan.values))
    return replace(state, plans=tuple(best), value=measure.value(best[0].values))


def _bounded(asked: Asked, state: Searched, odds: np.ndarray) -> Searched:
    """The search after the bound of some odds was looked at, whose best plan is a plan too."""
    mixed = asked.measure.mixed(odds)
    solved = solved_under(asked.problem, mixed / mixed.sum(), asked.memory, state.plans[0])
    state = replace(state, rounds=state.rounds + 1)
    limit = asked.measure.limit(odds, solved.bound)
    if limit < state.limit and (solved.proven or not _certified(asked, state)):
        state = replace(state, limit=limit, odds=odds, proven=solved.proven)
    found = known(asked.problem, solved.spend)
    state = ranked(asked.measure, (found,), state)
    if _enough(asked, state) or _near(found, state.plans[0]):
        return state
    return ranked(asked.measure, (climbed(asked.problem, asked.measure, found)[0],), state)


def _mixed(asked: Asked, state: Searched) -> tuple[Float[np.ndarray, " draw"], Searched]:
    """The odds that prove the best mixture of plans, each moved to where it is best in it; and the plans on the way.

    The plans are those that are best under the odds of the limit, one for each place.
    """
    odds, plans = state.odds, state.plans
    units = units_of(state.plans[0])
    for _ in range(MOVES):
        mixed = asked.measure.mixed(odds)
        found = places(plans, mixed)
        weights = asked.measure.per(units[1]) * mixed
        models = [model_at(asked.problem, plan, weights, units, REACH) for plan in found]
        step = best_step(asked.measure.scaled(units[1]), models)
        if step is None:
            break
        odds = step.odds / asked.measure.per(units[1])
        moved = [_moved(asked.problem, plan, move * units[0]) for plan, move in zip(found, step.moves, strict=True)]
        plans = (*(plan for plan in moved if plan is not None), *plans)
    return odds, ranked(asked.measure, plans, state)


def places(plans: tuple[Known, ...], odds: np.ndarray) -> list[Known]:
    """The plans that are best under some odds, of near ones one."""
    found: list[Known] = []
    for plan in sorted(plans, key=lambda plan: -float(odds @ plan.values)):
        if not any(_near(plan, other) for other in found):
            found.append(plan)
    return found[:PLACES]


def _near(one: Known, other: Known) -> bool:
    return bool(np.abs(one.spend - other.spend).sum() <= APART * one.spend.sum())


def _moved(problem: Problem, plan: Known, move: np.ndarray) -> Known | None:
    """The plan after a move; None where that breaks a rule, or is none."""
    spend = moved_by(problem, plan, move)
    return None if not move.any() or broken(problem, spend) else known(problem, spend)
