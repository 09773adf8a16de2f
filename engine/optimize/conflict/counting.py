"""Why no plan exists where steps and numbers of active channels have a part in it, and what to change.

Each question is a mixed-integer program over spend alone. A deletion filter leaves the rules that are needed, several
at once where that goes; a way out is one rule that gives way, looked for with all others as they are.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.optimize.conflict.discrete import can_be_kept, least_give
from engine.optimize.conflict.repair import Relaxation, cost
from engine.optimize.conflict.telling import Telling
from engine.optimize.rule import Rule
from engine.optimize.rules import Problem
from engine.words import plain

TOLD = 5  # ways out that are told


def conflict_of(problem: Problem) -> tuple[Rule, ...]:
    """Rules that cannot be kept together, none of which is superfluous; none at all where all can be kept.

    Rules are tried for deletion from the last to the first, so that the budget is named where it matters.
    """
    left, needed = list(problem.rules), list[Rule]()
    if can_be_kept(left, problem.decisions):
        return ()
    step = max(1, len(left) // 4)
    while left:
        step = min(step, len(left))
        rest = left[:-step]
        kept = [*rest, *needed]
        if kept and not can_be_kept(kept, problem.decisions):
            left, step = rest, step * 2
        elif step > 1:
            step //= 2
        else:
            left, needed = rest, [left[-1], *needed]
    return tuple(needed)


def explanation_of(problem: Problem, currency: str) -> str:
    """Why no plan exists, in one sentence for the conflict and one for the ways out; empty where there is one."""
    members = conflict_of(problem)
    if not members:
        return ""
    indices = [at for at, rule in enumerate(problem.rules) if any(rule is one for one in members)]
    found = [(at, _relaxation(problem, at)) for at in indices if not problem.rules[at].is_discrete]
    given = sorted((item for _, item in found if item), key=lambda item: cost(item.rule) * item.amount)
    telling = Telling(problem.rules, currency, [item.amount for item in given])
    numbers = [_changed(problem, at) for at in indices if problem.rules[at].active]
    steps = [_changed(problem, at) for at in indices if problem.rules[at].step]
    ways = [told for told in (*numbers, *(telling.remedy(item) for item in given), *steps) if told]
    said = f"no plan keeps these rules together: {telling.clash(members)}. "
    if not ways:
        return f"{said}No single one of them can end it; leave out one of them"
    return f"{said}Ways out: {', or '.join(plain(way) for way in ways[:TOLD])}"


def _relaxation(problem: Problem, at: int) -> Relaxation | None:
    """By how much one rule must give way with all others as they are; None where that is not enough."""
    rule, rules = problem.rules[at], list(problem.rules)
    if rule.flight or math.isinf(cost(rule)):
        return None
    if at == 0:  # shares of the total are shares of what is spent then
        rules = [rule, *(_as_share(one, rule) for one in rules[1:])]
    spend = least_give(rules, problem.decisions, at)
    if spend is None:
        return None
    limit = float(rule.weights @ spend)
    amount = max(limit - rule.high, rule.low - limit)
    return Relaxation(rule, amount, limit, limit > rule.high, at, spend) if amount > 0 else None


def _as_share(rule: Rule, budget: Rule) -> Rule:
    if not rule.share:
        return rule
    low, high = (side if math.isinf(side) else 0.0 for side in (rule.low, rule.high))
    return replace(rule, weights=rule.weights - rule.share * budget.weights, low=low, high=high)


def _changed(problem: Problem, at: int) -> str:
    """How a rule that counts would have to read, with all others as they are; empty where that is not enough."""
    rule = problem.rules[at]

    def is_enough(changed: Sequence[Rule]) -> bool:
        return can_be_kept([*problem.rules[:at], *changed, *problem.rules[at + 1 :]], problem.decisions)

    if not is_enough([]):
        return ""
    if rule.active is None:
        return f"leave out {rule.name}"
    members = int(np.sum(rule.members(problem.decisions)))
    if rule.active.most is not None:
        numbers = range(rule.active.most + 1, members)
        trials = [(number, replace(rule.active, most=number)) for number in numbers]
    else:
        trials = [(number, replace(rule.active, least=number)) for number in range(rule.active.least - 1, 0, -1)]
    verb = "raise" if rule.active.most is not None else "lower"
    for number, active in trials:
        if is_enough([replace(rule, active=active)]):
            return f"{verb} {rule.name} to {number}"
    return f"leave out {rule.name}"
