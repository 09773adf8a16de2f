"""Rules that give way where all together cannot be kept: those that run on from what was spent, then soft ones.

What was spent cannot give way, and a limit that it is beyond allows nothing more. What gives way is what the past asks
of the rest: the least that it put out of reach, the ramps out of its decisions, and, where all goes in steps, less than
a step of the total.
"""

import importlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from engine.config.scenario import Scenario
from engine.optimize.closeness import ROUNDING
from engine.optimize.over_time.decision_rules import RAMP
from engine.optimize.rule import Rule
from engine.optimize.rules import Problem, asked_again
from engine.words import exact

BROKEN_FIRST = 0  # the priority of rules that run on from what was spent: before any that a scenario calls soft
NOTHING = 1e-7  # of the budget: what counts as no spend
Notes = tuple[str, ...]


def softened(problem: Problem, scenario: Scenario, currency: str) -> tuple[Problem, Notes]:
    """The problem with the rules that must give way eased, and what each gave."""
    if problem.is_discrete:
        problem, before = _total_in_steps(problem, currency)
        ranks: Mapping[str, int] = scenario.soft
    else:
        problem, before = _begun_anew(problem, currency)
        ranks = dict.fromkeys(_run_on(problem, scenario), BROKEN_FIRST) | scenario.soft
    if not ranks:
        return problem, before
    soft = importlib.import_module("engine.optimize.conflict.soft")
    found = soft.soften(problem.rules, ranks)
    if found is None or not found.gave_way:
        return problem, before
    first = {name for name, rank in ranks.items() if rank == BROKEN_FIRST and name not in scenario.soft}
    told = {
        "no plan keeps every rule, so what runs on from what was spent gave way": [
            item for item in found.gave_way if item.rule.name in first
        ],
        "no plan keeps every rule, so what is soft gave way": [
            item for item in found.gave_way if item.rule.name not in first
        ],
    }
    telling = importlib.import_module("engine.optimize.conflict.telling")
    words = telling.Telling(problem.rules, currency, [item.amount for item in found.gave_way])
    notes = (f"{why}: {words.given(items)}" for why, items in told.items() if items)
    return problem.with_rules(found.rules), (*before, *notes)


def hard(problem: Problem, scenario: Scenario) -> Problem:
    """The problem without the rules that would have given way, which are no reason for a conflict."""
    ramps = () if problem.is_discrete else (name for name in _run_on(problem, scenario) if name.startswith(RAMP))
    loose = {*scenario.soft, *ramps}
    kept = [rule for rule in problem.rules[1:] if not any(_names(name, rule) for name in loose)]
    return replace(problem, rules=(problem.budget, *kept))


def _names(key: str, rule: Rule) -> bool:
    """Whether a key under [soft] means a rule."""
    return rule.name == key or rule.name.startswith((f"{key} ", f"{key},"))


def _run_on(problem: Problem, scenario: Scenario) -> list[str]:
    """Rules that give way before any other: the least that the past put out of reach, and ramps out of the past.

    A limit that what was spent is beyond is none of them: there is nothing more to give.
    """
    asked, over = {rule.name: rule for rule in problem.missed}, _over(problem)

    def is_missed(rule: Rule) -> bool:
        before = asked.get(rule.name)
        return before is not None and bool(rule.weights.min() < 0 or rule.low < before.low)

    def runs_out(rule: Rule) -> bool:
        named = any(_names(key, rule) for key in scenario.soft)
        return _is_ramp(rule) and bool(rule.weights[over].any()) and not named

    return [rule.name for rule in problem.rules[1:] if is_missed(rule) or runs_out(rule)]


def _begun_anew(problem: Problem, currency: str) -> tuple[Problem, Notes]:
    """The problem without ramps out of a past that spent nothing, where it has no plan with them.

    No share of nothing is a limit that could be eased.
    """
    starts = [rule for rule in problem.rules if _is_from_nothing(rule, problem)]
    if not starts:
        return problem, ()
    feasible = importlib.import_module("engine.optimize.conflict.feasible")  # its solver, only where it is needed
    if feasible.can_be_kept(problem.rules, ROUNDING):
        return problem, ()
    telling = importlib.import_module("engine.optimize.conflict.telling")
    told = telling.Telling(problem.rules, currency, [problem.budget.high]).clash(starts)
    left = {rule.name for rule in starts}
    why = "nothing was spent there before, and no plan that goes on from nothing keeps every rule, so these do not hold"
    return problem.with_rules(tuple(rule for rule in problem.rules if rule.name not in left)), (f"{why}: {told}",)


def _is_from_nothing(rule: Rule, problem: Problem) -> bool:
    """Whether a ramp limits the rise from a decision of the past, or one that has begun, in which nothing was spent."""
    over = _over(problem)
    before = over & (rule.weights < 0)
    if not (_is_ramp(rule) and np.isfinite(rule.high) and before.any() and rule.weights[~over].any()):
        return False
    return bool(_spent(problem)[before].sum() <= NOTHING * problem.budget.high)


def _is_ramp(rule: Rule) -> bool:
    return rule.name.startswith(RAMP) and bool(rule.weights.min() < 0)


def _over(problem: Problem) -> Bool[np.ndarray, " cell"]:
    """The cells of decisions that are in the past."""
    over = problem.grid.over if problem.grid else 0
    return np.tile(np.arange(problem.decisions) < over, len(problem.names))


def _spent(problem: Problem) -> Float[np.ndarray, " cell"]:
    return np.array([way.spent for way in problem.ways]).ravel()


def _total_in_steps(problem: Problem, currency: str) -> tuple[Problem, Notes]:
    """The problem with the largest total that whole steps reach after what was spent, where they miss its own."""
    total, steps = problem.budget, [rule.step for rule in problem.rules if rule.step]
    if not (steps and _over(problem).any() and total.low == total.high):
        return problem, ()
    counted = importlib.import_module("engine.optimize.conflict.discrete")
    if counted.can_be_kept(problem.rules, problem.decisions):
        return problem, ()
    most = (*problem.rules, replace(total, low=-np.inf))
    spend = counted.least_give(most, problem.decisions, 0)
    left = 0.0 if spend is None else total.high - float(spend.sum())
    if not 0 < left < max(steps):
        return problem, ()
    found = asked_again(problem, 0, replace(total, low=total.high - left, high=total.high - left))
    if not counted.can_be_kept(found.rules, problem.decisions):
        return problem, ()
    told = f"what was spent is in no whole steps, so {exact(left, currency)} of the budget are left over"
    return found, (f"{told}: the rest goes in steps",)
