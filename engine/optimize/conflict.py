"""Why no plan exists: the smallest set of rules that cannot be kept together, and what to relax."""

import math
from dataclasses import dataclass, replace

from engine.optimize.feasible import least_relaxation, suspects
from engine.optimize.rules import Problem, Rule
from engine.words import exact, percent, plain

TOLD, MOST = 5, 24  # ways out, and rules in conflict, that a message names


@dataclass(frozen=True)
class Relaxation:
    """One rule and the money by which it alone must give way."""

    rule: Rule
    amount: float  # [currency]
    upwards: bool  # whether its limit must rise


def conflict(problem: Problem) -> tuple[Rule, ...]:
    """The rules that cannot be kept together, none of which is superfluous (a deletion filter).

    Rules are tried for deletion from the last to the first, so that the budget is named where it matters.
    """
    kept = suspects(problem.rules)
    for rule in reversed(kept.copy()):
        rest = [other for other in kept if other is not rule]
        if rest and least_relaxation(rest, ()) is None:
            kept = rest
    return tuple(kept)


def relaxations(problem: Problem, rules: tuple[Rule, ...]) -> tuple[Relaxation, ...]:
    """For each rule in conflict that can end it alone: the least it must give, cheapest first."""
    found = []
    for index, rule in enumerate(problem.rules):
        if not any(rule is other for other in rules):
            continue
        amount = least_relaxation(problem.rules, (index,))
        if amount:
            found.append(Relaxation(rule, amount, _upwards(problem, index)))
    return tuple(sorted(found, key=lambda item: item.amount))


def _upwards(problem: Problem, index: int) -> bool:
    """Whether a rule gives way by rising: for a fixed amount, whether without its upper side all is well."""
    rule = problem.rules[index]
    if rule.low != rule.high:
        return rule.high < math.inf
    free = [*problem.rules[:index], replace(rule, high=math.inf), *problem.rules[index + 1 :]]
    return least_relaxation(free, ()) is not None


def explanation(problem: Problem, currency: str) -> str:
    """Why no plan exists, in one sentence for the conflict and one for the remedies."""
    rules = conflict(problem)
    remedies = [plain(remedy(item, currency)) for item in relaxations(problem, rules)]
    clash = "; ".join(plain(_said(rule, currency)) for rule in rules[:MOST])
    if len(rules) > MOST:
        clash += f"; and {len(rules) - MOST} more rules"
    if not remedies:
        return f"no plan keeps these rules together: {clash}. No single one of them can end it; remove one of them"
    return f"no plan keeps these rules together: {clash}. Cheapest ways out: {', or '.join(remedies[:TOLD])}"


def remedy(item: Relaxation, currency: str) -> str:
    """What to change on one rule: by how much, and to which limit, because that is what is typed."""
    rule = item.rule
    if _is_share(rule):
        return f"ease {rule.name} by {exact(item.amount, currency)} of spend"
    limit = rule.flight or (rule.high if item.upwards else rule.low)
    new = limit + item.amount if item.upwards else limit - item.amount
    verb = "raise" if item.upwards else "lower"
    return f"{verb} {rule.name} by {exact(item.amount, currency)} to {exact(new, currency)}"


def _said(rule: Rule, currency: str) -> str:
    if rule.flight:
        return f"{rule.name} {exact(rule.flight, currency)}"
    if rule.low == rule.high:
        return f"{rule.name} = {exact(rule.low, currency)}"
    if _is_share(rule):
        sign = "<=" if rule.high < math.inf else ">="
        return f"{rule.name} {sign} {percent(-float(rule.weights.min()))} of all spend"
    sign, limit = ("<=", rule.high) if rule.high < math.inf else (">=", rule.low)
    return f"{rule.name} {sign} {exact(limit, currency)}"


def _is_share(rule: Rule) -> bool:
    """Whether a rule is about a share of a total that is not fixed."""
    return bool(rule.weights.min() < 0)
