"""The past: rules that what was spent has broken, eased to what it leaves, so that they do not forbid the rest."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from engine.optimize.over_time.decision_rules import QUARTER
from engine.optimize.over_time.decisions import Grid, Way
from engine.optimize.rule import Rule

SLACK = 1e-7  # of all money spent so far: what is let pass as rounding

Past = tuple[Float[np.ndarray, " cell"], Bool[np.ndarray, " cell"]]  # what was spent by cell, and which are over


def left_by_past(rules: list[Rule], ways: tuple[Way, ...], held: Grid | None) -> tuple[list[Rule], tuple[Rule, ...]]:
    """Rules that can still be kept, and those that were broken, as they were asked for.

    What is wholly over asks for nothing more. A limit that what was spent is beyond, whatever comes, becomes what was
    spent. The total, the first rule, stays as it is but where quarters have budgets: those to come hold as they were
    asked for, and the total is their sum with what was spent.
    """
    if held is None or not held.over:
        return rules, ()
    past = np.array([way.spent for way in ways]).ravel(), np.tile(np.arange(held.count) < held.over, len(ways))
    found = [rules[0], *(_left(rule, past) for rule in rules[1:])]
    quarters = [rule for rule in found if rule.name.startswith(QUARTER)]
    if quarters:
        found[0] = _summed(found[0], quarters)
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


def _is_easier(rule: Rule, new: Rule) -> bool:
    """Whether a limit is easier than it was, but for rounding."""
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
