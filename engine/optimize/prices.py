"""Prices: what each binding rule costs, as a local price and as a finite re-solve beside it."""

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.optimize.polish import active_rows, free_channels, marginal
from engine.optimize.rules import Problem, Rule
from engine.optimize.solve import Memory, Solved, solve

STEP = 0.1  # of a rule's amount, or of the mean channel's budget where that is 0: the finite change
SHOWN = 12  # rules that are re-solved, the dearest first


@dataclass(frozen=True)
class Price:
    """What loosening one rule earns."""

    rule: str
    dual: float  # objective per unit of money, at the margin
    change: float  # money by which the rule was loosened for the re-solve [currency]
    gain: float | None  # objective that this earned; None where it was not re-solved


def binding(problem: Problem, spend: Float[np.ndarray, " channel"]) -> list[int]:
    """Indices of the rules that the plan just keeps, the budget first."""
    slack = 1e-6 * problem.budget.high
    rows = []
    for index, rule in enumerate(problem.rules):
        amount = float(rule.weights @ spend)
        tight = min(abs(amount - rule.low), abs(amount - rule.high)) <= slack
        grounded = bool(rule.flight) and (amount <= slack or abs(amount - rule.flight) <= slack)
        if tight or grounded:
            rows.append(index)
    return rows


def prices(problem: Problem, solved: Solved, memory: Memory) -> list[Price]:
    """The price of each binding rule, the dearest first."""
    duals = _duals(problem, solved.spend)
    told = sorted(duals, key=lambda index: (index != 0, -abs(duals[index])))
    return [_price(problem, solved, memory, index, duals[index], rank < SHOWN) for rank, index in enumerate(told)]


def _duals(problem: Problem, spend: np.ndarray) -> dict[int, float]:
    """Multipliers of the binding rules from the stationarity of the plan.

    Free channels fix the multipliers of the rows across channels; what is left of a bound channel's
    marginal value is the multiplier of its own rule.
    """
    slope = marginal(problem, spend)
    rows, free = active_rows(problem, spend), free_channels(problem, spend)
    across = np.array([problem.rules[index].weights for index in rows]).reshape(len(rows), len(spend))
    known = free or list(range(len(spend)))
    multipliers = np.linalg.lstsq(across[:, known].T, slope[known], rcond=None)[0] if rows else np.zeros(0)
    rest = slope - across.T @ multipliers
    signed = dict(zip(rows, multipliers.tolist(), strict=True))
    for index in binding(problem, spend):
        rule = problem.rules[index]
        if rule.channel is not None:
            signed[index] = float(rest[rule.channel])
    return {index: _gain_of_loosening(problem.rules[index], index, price) for index, price in signed.items()}


def _gain_of_loosening(rule: Rule, index: int, price: float) -> float:
    """What one unit of money more room earns: more budget, a lower floor, a higher cap, any move if locked."""
    if index == 0:
        return price
    if rule.low == rule.high:
        return abs(price)
    return price if math.isfinite(rule.high) else -price


def _price(problem: Problem, solved: Solved, memory: Memory, index: int, dual: float, wanted: bool) -> Price:
    rule = problem.rules[index]
    change = STEP * (_amount(rule) or problem.budget.high / len(problem.names))
    if not wanted:
        return Price(rule.name, dual, change, None)
    loose = _loosened(rule, change, index == 0)
    rules = (*problem.rules[:index], loose, *problem.rules[index + 1 :])
    again = solve(replace(problem, rules=rules), memory, (solved.spend,))
    return Price(rule.name, dual, change, None if again is None else again.value - solved.value)


def _amount(rule: Rule) -> float:
    if rule.flight:
        return rule.flight
    return abs(rule.high) if math.isfinite(rule.high) else abs(rule.low)


def _loosened(rule: Rule, change: float, is_budget: bool) -> Rule:
    """The rule with `change` more money (the budget), or easier to keep by it (any other)."""
    if is_budget:
        return replace(rule, low=rule.low + change, high=rule.high + change)
    loose = rule.loosened(change)
    return replace(loose, low=max(0.0, loose.low)) if rule.channel is not None else loose
