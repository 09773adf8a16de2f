"""The past: rules that what was spent has broken, eased to what it leaves, so that they do not forbid the rest."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from engine.optimize.over_time.decision_rules import QUARTER
from engine.optimize.over_time.decisions import Grid, Way
from engine.optimize.rule import Active, Rule

SLACK = 1e-7  # of all money spent so far: what is let pass as rounding

Past = tuple[Float[np.ndarray, " cell"], Bool[np.ndarray, " cell"]]  # what was spent by cell, and which are over
Ends = tuple[float, float]  # the least and the most [currency]


def left_by_past(rules: list[Rule], ways: tuple[Way, ...], held: Grid | None) -> tuple[list[Rule], tuple[Rule, ...]]:
    """Rules that can still be kept, and those that were broken, as they were asked for.

    What is wholly over asks for nothing more. A limit that what was spent is beyond, whatever comes, becomes what was
    spent; one that all the money left cannot reach, and all the money could, becomes the most that it can. The total,
    the first rule, stays as it is but where quarters have budgets: those to come hold as they were asked for, and the
    total is their sum with what was spent.
    """
    if held is None or not held.over:
        return rules, ()
    past = np.array([way.spent for way in ways]).ravel(), np.tile(np.arange(held.count) < held.over, len(ways))
    found = [rules[0], *(_left(rule, past) for rule in rules[1:])]
    quarters = [rule for rule in found if rule.name.startswith(QUARTER)]
    if quarters:
        found[0] = _summed(found[0], quarters)
    found[1:] = [_within_reach(rule, found[0], past, held.count) for rule in found[1:]]
    pairs = zip(rules, found, strict=True)
    return found, tuple(rule for rule, new in pairs if _is_easier(rule, new) or _flew_low(rule, past))


def _left(rule: Rule, past: Past) -> Rule:
    """A rule as what was spent leaves it; itself where it can be kept."""
    spent, over = past
    so_far, to_come, slack = float(rule.weights @ spent), rule.weights[~over], SLACK * float(spent.sum())
    if not to_come.any():
        fixed = rule.low == rule.high
        ends = (so_far, so_far) if fixed else (min(rule.low, so_far), max(rule.high, so_far))
        return Rule(rule.name, rule.weights, *ends)
    if so_far > rule.high + slack and to_come.min() >= 0:
        return replace(rule, low=so_far if rule.low == rule.high else rule.low, high=so_far, share=0.0)
    if so_far < rule.low - slack and to_come.max() <= 0:
        return replace(rule, low=so_far, high=so_far if rule.low == rule.high else rule.high, share=0.0)
    return rule


def _within_reach(rule: Rule, total: Rule, past: Past, count: int) -> Rule:
    """A rule as the money left can reach it; itself where it can be kept, or could not before anything was spent."""
    spent, over = past
    so_far, slack = float(spent.sum()), SLACK * max(float(spent.sum()), 1.0)
    left = (max(total.low - so_far, 0.0), max(total.high - so_far, 0.0))
    if rule.active is not None:
        return replace(rule, active=_countable(rule, rule.active, past, (left[1], total.high, count)))
    if rule.is_discrete or rule.flight or over.all() or not rule.weights[~over].any():
        return rule
    done = float(rule.weights @ spent)
    least, most = (done + end for end in _ends(rule.weights[~over], left))
    lowest, highest = _ends(rule.weights, (max(total.low, 0.0), total.high))
    fixed = rule.low == rule.high
    if most + slack < rule.low <= highest + slack:
        return replace(rule, low=most, high=most if fixed else rule.high, share=0.0)
    if least - slack > rule.high >= lowest - slack:
        return replace(rule, low=least if fixed else rule.low, high=least, share=0.0)
    return rule


def _ends(weights: Float[np.ndarray, " some"], money: Ends) -> Ends:
    """The least and the most that weights on money come to, wherever it goes."""
    low, high = float(weights.min()), float(weights.max())
    least = low * money[low < 0] if low else 0.0
    return least, high * money[high > 0] if high else 0.0


def _countable(rule: Rule, asked: Active, past: Past, money: tuple[float, float, int]) -> Active:
    """How many channels may be active where so many are, and must be where so many can: by what is left, and in all."""
    spent, over = past
    left, total, count = money
    slack = SLACK * max(float(spent.sum()), 1.0)
    members = rule.members(count)
    so_far = spent.reshape(-1, count).sum(axis=1)[members]
    most = asked.most if asked.most is None else max(asked.most, int((so_far > slack).sum()))
    if over.all() or asked.least * asked.each > total * (1 + SLACK) or asked.least > members.sum():
        return replace(asked, most=most)
    missing = np.sort(np.maximum(asked.each - so_far, 0.0))
    within = int((np.cumsum(missing) <= left + slack).sum())
    return replace(asked, most=most, least=min(asked.least, within))


def _is_easier(rule: Rule, new: Rule) -> bool:
    """Whether a limit is easier than it was, but for rounding."""
    if rule.active != new.active:
        return True
    slack = SLACK * max(abs(limit) for limit in (new.low, new.high, 0.0) if np.isfinite(limit))
    return bool(new.low < rule.low - slack or new.high > rule.high + slack)


def _flew_low(rule: Rule, past: Past) -> bool:
    """Whether a minimum flight is over in which some money was spent, and less than that."""
    spent, over = past
    so_far, slack = float(rule.weights @ spent), SLACK * float(spent.sum())
    return bool(rule.flight and not rule.weights[~over].any() and slack < so_far < rule.flight - slack)


def _summed(total: Rule, quarters: list[Rule]) -> Rule:
    """The total of budgets by quarter, where these cannot add up to it any more."""
    money = sum(rule.high for rule in quarters)
    slack = SLACK * money
    if total.low - slack <= money <= total.high + slack:
        return total
    return replace(total, low=money if np.isfinite(total.low) else total.low, high=money)
