"""Questions about the rules alone, whatever money earns: can they be kept, and by how much must they give?"""

from collections.abc import Sequence
from dataclasses import replace

import cvxpy
import numpy as np
from jaxtyping import Float

from engine.optimize.closeness import ROUNDING
from engine.optimize.rules import Rule

STAKE = 1e4  # what the sum of all limits is scaled to: the solver's tolerances are absolute


def least_relaxation(rules: Sequence[Rule], loose: Sequence[int]) -> float | None:
    """The least sum of money by which the rules at `loose` must give way so that all can be kept.

    Returns:
        0 where nothing must give way; None where nothing that these rules can give is enough.
    """
    money = _money(rules)
    give = cvxpy.Variable(max(1, len(loose)), nonneg=True)
    chosen = np.zeros((len(rules), max(1, len(loose))))
    chosen[list(loose), range(len(loose))] = 1.0
    limits = _sides(rules, _any_spend(rules), chosen @ give, money)
    program = cvxpy.Problem(cvxpy.Minimize(cvxpy.sum(give)), limits)
    program.solve(solver=cvxpy.HIGHS, mip_feasibility_tolerance=1e-9)
    if give.value is None:
        return None
    amount = float(program.value)
    return amount * money if amount > ROUNDING * STAKE else 0.0


def suspects(rules: Sequence[Rule]) -> list[Rule]:
    """Rules among which there is a conflict: those on which the least relaxation of all of them depends.

    All of them where the conflict needs a minimum flight, about which a linear program knows nothing.
    """
    plain = [rule for rule in rules if not rule.flight]
    give = cvxpy.Variable(len(plain), nonneg=True)
    limits = _sides(plain, _any_spend(plain), give, _money(rules))
    program = cvxpy.Problem(cvxpy.Minimize(cvxpy.sum(give)), limits)
    program.solve(solver=cvxpy.HIGHS)
    price = np.zeros(len(plain))
    for limit, side in zip(limits, ("low", "high"), strict=False):
        has = np.isfinite([getattr(rule, side) for rule in plain])
        price[has] += np.abs(limit.dual_value)
    found = [rule for rule, weight in zip(plain, price, strict=True) if weight > 1e-6]
    return found if found and least_relaxation(found, ()) is None else list(rules)


def nearest(rules: Sequence[Rule], spend: Float[np.ndarray, " channel"]) -> Float[np.ndarray, " channel"] | None:
    """The spend closest to one that keeps the rules but for a solver's tolerance; None where none is.

    Channels stay on the side of their minimum flight on which they are.
    """
    money = max(float(spend.sum()), 1e-300) / STAKE
    flown = [_on_its_side(rule, float(rule.weights @ spend)) for rule in rules]
    kept, away = cvxpy.Variable(len(spend), nonneg=True), cvxpy.Variable(len(spend))
    limits = [away >= kept - spend / money, away >= spend / money - kept]
    program = cvxpy.Problem(
        cvxpy.Minimize(cvxpy.sum(away)), [*limits, *_sides(flown, kept, cvxpy.Constant(np.zeros(len(rules))), money)]
    )
    program.solve(solver=cvxpy.HIGHS)
    return None if kept.value is None else np.maximum(0.0, kept.value) * money


def _on_its_side(rule: Rule, amount: float) -> Rule:
    """A minimum flight as the one of its two sides on which an amount is."""
    if not rule.flight:
        return rule
    if amount < rule.flight / 2:
        return replace(rule, high=0.0, flight=0.0)
    return replace(rule, low=max(rule.low, rule.flight), flight=0.0)


def _money(rules: Sequence[Rule]) -> float:
    """The user's money in one unit of the program."""
    amounts = [abs(limit) for rule in rules for limit in (rule.low, rule.high, rule.flight) if np.isfinite(limit)]
    return max(sum(amounts), 1e-300) / STAKE


def _any_spend(rules: Sequence[Rule]) -> cvxpy.Variable:
    """The spend of each channel that the rules are about."""
    return cvxpy.Variable(len(rules[0].weights), nonneg=True)


def _sides(
    rules: Sequence[Rule], spend: cvxpy.Variable, slack: cvxpy.Expression, money: float
) -> list[cvxpy.Constraint]:
    """Lower sides, upper sides and minimum flights, each as one constraint on all rules that have one."""
    weights = np.array([rule.weights for rule in rules])
    low, high, flight = (np.array([getattr(rule, side) for rule in rules]) for side in ("low", "high", "flight"))
    amount = weights @ spend
    limits = []
    for side, sign in ((low, 1.0), (high, -1.0)):
        has = np.isfinite(side)
        limits.append(sign * amount[has] + slack[has] >= sign * side[has] / money)
    flies = flight > 0
    if flies.any():
        on = cvxpy.Variable(int(flies.sum()), boolean=True)
        limits.append(amount[flies] + slack[flies] >= cvxpy.multiply(flight[flies] / money, on))
        limits.append(amount[flies] <= 2 * STAKE * on)
    return limits
