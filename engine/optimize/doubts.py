"""Doubts: what a reader of a plan must know before acting on it."""

import numpy as np

from engine.config.scenario import Scenario
from engine.optimize.rule import Rule
from engine.optimize.rules import USUAL, Problem, history_spend
from engine.optimize.solve import Solved
from engine.response.curves import Curves
from engine.words import money, percent, points

FAR = 0.02  # gap from which a plan is warned of
ODD = 100.0  # times more or less than history: money typed in another unit, more likely than meant


def far_from_proof(problem: Problem, solved: Solved, risk: str = "mean") -> tuple[str, ...]:
    """A doubt about a plan whose bound is far away, with what would make it smaller: a much better one may exist."""
    if solved.gap <= FAR:
        return ()
    kind = "proven" if solved.proven else "estimated"
    far = points(solved.gap, 1) if risk == "probability" else percent(solved.gap)
    told = f"a better plan may exist: the {kind} bound is {far} away from this one"
    if problem.flight.any() or any(_is_of_single_decisions(rule, problem.decisions) for rule in problem.rules):
        return (f"{told}; ask with fewer minimum flights or rules on single decisions to see what they hide",)
    more = "; ask with --prove" if problem.ways and problem.effort <= USUAL else ""
    return (f"{told}{more}",)


def of_units(curves: Curves, scenario: Scenario, spend: np.ndarray) -> tuple[str, ...]:
    """A doubt about the unit of the budget, where history spent a hundred times more or less."""
    now, before = float(spend.sum()), float(history_spend(curves, scenario).sum())
    if not (now and before) or before / ODD <= now <= before * ODD:
        return ()
    told = f"{money(now, curves.currency)} where history spent {money(before, curves.currency)}"
    unit = f"check that the budget is in {curves.currency}, not in thousands or millions"
    return (f"the plan spends {told} in as many {curves.period}s; {unit}",)


def _is_of_single_decisions(rule: Rule, count: int) -> bool:
    """Whether a rule speaks of some of several decisions and leaves others out."""
    touched = np.any(rule.weights.reshape(-1, count) != 0, axis=0)
    return bool(touched.any() and not touched.all())
