"""The price of money under a measure of risk: what a little more of it adds to the measure, and a real step asked anew.

A multiplier of the mean says nothing of a measure, so both are re-solves: a climb with a little more money, tolls as
they are, and the whole question with a real step more, of several decisions a climb again. Of a chance, which is no
money, and of regret, whose best plans have the other money too, there is no price.
"""

from dataclasses import replace

import numpy as np

from engine.config.scenario import Risk
from engine.optimize.conflict.discrete import nearest as nearest_in_numbers
from engine.optimize.conflict.feasible import nearest
from engine.optimize.discrete import has_price, held
from engine.optimize.over_time.more_money import LITTLE, raised
from engine.optimize.prices import STEP, Price, binding
from engine.optimize.risk.at_risk import solve_at_risk
from engine.optimize.risk.climb import chances, climbed, known, tolled
from engine.optimize.risk.measures import Measure, measure_of
from engine.optimize.rules import Problem, asked_again, broken, compared
from engine.optimize.solve import Solved

WITHOUT = ("probability", "regret")  # measures that money has no price under


def budget_price(problem: Problem, solved: Solved, risk: Risk) -> tuple[Price, ...]:
    """The price of more money, by the measure; nothing where money is left over or the measure has none.

    Args:
        problem: The question.
        solved: Its plan under the measure.
        risk: The measure; not the mean.
    """
    if risk.measure in WITHOUT or 0 not in binding(problem, solved.spend):
        return ()
    draws = len(known(problem, solved.spend).values)
    measure, more = measure_of(risk, chances(problem, draws)), LITTLE * float(solved.spend.sum())
    free = held(problem, solved.spend) if problem.is_discrete else problem  # a unit of money is no step
    if problem.is_discrete and not has_price(problem, solved.spend, 0):
        step = max(rule.step for rule in problem.rules)
        change = float(step * np.ceil(STEP * problem.budget.high / step))
        return (Price(problem.budget.name, None, change, _gain(problem, solved, (risk, measure), change)),)
    richer = _worth(raised(free, 0, more), measure, solved.spend)
    if richer is None:
        return ()
    here = _worth(free, measure, solved.spend)
    dual, change = (richer - (solved.value if here is None else here)) / more, STEP * problem.budget.high
    return (Price(problem.budget.name, dual, change, _gain(problem, solved, (risk, measure), change)),)


def _worth(problem: Problem, measure: Measure, near: np.ndarray) -> float | None:
    """The measure at the top of the hill of a plan, which need not keep the rules."""
    total = problem.budget.high
    start = near if not broken(problem, near) else _near(problem, near * (total / float(near.sum())))
    if start is None or broken(problem, start):
        return None
    return measure.value(climbed(problem, measure, known(problem, start))[0].values)


def _near(problem: Problem, spend: np.ndarray) -> np.ndarray | None:
    """A spend near another that keeps the rules; None where none was found."""
    if problem.is_discrete:
        return nearest_in_numbers(problem.rules, problem.decisions, spend)
    return nearest(problem.rules, spend)


def _gain(problem: Problem, solved: Solved, asked: tuple[Risk, Measure], change: float) -> float | None:
    """What asking again with more money adds to the measure before tolls; None where no plan has so much."""
    budget, (risk, measure) = problem.budget, asked
    low = budget.low + change if np.isfinite(budget.low) else budget.low
    again = asked_again(problem, 0, replace(budget, low=low, high=budget.high + change))
    now = measure.value(known(problem, solved.spend).values) + tolled(problem, solved.spend)
    if problem.ways or problem.is_discrete:
        start = _near(again, solved.spend * (again.budget.high / float(solved.spend.sum())))
        if start is None or broken(again, start):
            return None
        top = climbed(again, measure, known(again, start))[0]
        return measure.value(top.values) + tolled(again, top.spend) - now
    found = solve_at_risk(again, risk, {}, (compared(again),))
    return None if found is None else found.value + tolled(again, found.spend) - now
