"""What the next money of a plan of several decisions really returns: asked with a little more of it, tolls as they are.

At the kink of a toll multipliers form a set, and a solver names some member of it. What counts is the slope towards
more money, which an ascent with a little more of it finds on the hill on which the plan stands.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from engine.optimize.over_time.ascent import climbed, reached
from engine.optimize.over_time.decision_rules import QUARTER
from engine.optimize.over_time.several import mean_value
from engine.optimize.rules import Problem
from engine.optimize.share_rules import of_total

LITTLE = 2e-3  # of the plan's money: how much more is asked for


def is_quarter(problem: Problem, index: int) -> bool:
    """Whether a rule is the budget of one quarter."""
    return problem.rules[index].name.startswith(QUARTER)


def raised(problem: Problem, index: int, more: float) -> Problem:
    """The question with more money in all, or in one quarter and so in all; tolls and today's split as they are."""
    rules = list(problem.rules)
    if index:
        rules[index] = replace(rules[index], low=rules[index].low + more, high=rules[index].high + more)
    total = replace(rules[0], low=rules[0].low + more, high=rules[0].high + more)
    return replace(problem, rules=(total, *(of_total(rule, total.high) for rule in rules[1:])))


def next_money(problem: Problem, spend: Float[np.ndarray, " cell"], index: int = 0) -> float | None:
    """What a unit of a little more money earns after tolls, in all or in one quarter; None where no plan has it."""
    more = LITTLE * float(spend.sum())
    if not more:
        return None
    richer = raised(problem, index, more)
    top = reached(richer, spend)
    if top is None:
        return None
    return (mean_value(richer, top) - mean_value(problem, climbed(problem, spend))) / more
