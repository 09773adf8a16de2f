"""Prices: what each binding rule costs, as a local price and as a finite re-solve beside it."""

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.optimize.polish import active_rows, free_channels, marginal, movable
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
    slack = 1e-6 * float(spend.sum())
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
    marginal value is the multiplier of its own rule. Under the budget alone, money that comes in goes to
    the best channel with room, and money that is needed leaves the one that misses it least.
    """
    slope, rows = marginal(problem, spend), active_rows(problem, spend)
    across = np.array([problem.rules[index].weights for index in rows]).reshape(len(rows), len(spend))
    if rows == [0]:
        up, down = movable(problem, spend)
        coming = np.max(slope[up], keepdims=True) if up.any() else np.max(slope, keepdims=True)
        leaving = np.min(slope[down], keepdims=True) if down.any() else coming
    else:
        known = free_channels(problem, spend) or list(range(len(spend)))
        coming = np.linalg.lstsq(across[:, known].T, slope[known], rcond=None)[0] if rows else np.zeros(0)
        leaving = coming
    lost, won = across.T @ coming - slope, slope - across.T @ leaving
    signed = {index: _of_row(problem.rules[index], index, price) for index, price in zip(rows, coming, strict=True)}
    for index in binding(problem, spend):
        channel = problem.rules[index].channel
        if channel is not None:
            signed[index] = _of_channel(problem.rules[index], (index, spend[channel]), lost[channel], won[channel])
    return signed


def _of_row(rule: Rule, index: int, price: float) -> float:
    """What one unit of money more room earns: more budget, or a rule about several channels that gives way."""
    if index == 0:
        return float(price)
    return max(0.0, float(price if math.isfinite(rule.high) else -price))


def _of_channel(rule: Rule, at: tuple[int, float], lost: float, won: float) -> float:
    """The same for a rule about one channel: a lower floor, a higher cap, any move if it is locked.

    A minimum flight that keeps a channel on the ground earns nothing by giving way a little.
    """
    index, spend = at
    if index == 0:
        return float(won)
    if rule.low == rule.high:
        return max(0.0, float(lost), float(won))
    if rule.flight:
        return max(0.0, float(lost)) if spend >= rule.flight / 2 else 0.0
    return max(0.0, float(won if math.isfinite(rule.high) else lost))


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
