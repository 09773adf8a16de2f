"""The rules that keep a channel's money where its effect is far from what it is: those without which it would move.

A rule is named where it binds in the plan of the changed effect and money moves once all that are named are dropped;
what binds in the plan as it is says nothing of that.
"""

import numpy as np

from engine.optimize.changing import (
    FARTHEST,
    FEWER,
    NOTHING,
    Setting,
    again,
    asked_as,
    rows_of,
    starts_near,
    with_effect,
    without,
)
from engine.optimize.over_time import several
from engine.optimize.prices import binding, removable
from engine.optimize.rules import Problem, Rule


def keeping(setting: Setting, channel: int, grows: bool, limit: float) -> tuple[str, ...]:
    """The rules that hold a channel at the farthest effect that is looked at; nothing where none is seen to.

    Args:
        setting: The question and its plan.
        channel: Whose effect changes.
        grows: Whether it grows, so that rules would keep money from it, or falls, so that they keep money on it.
        limit: Spend beyond which its money has moved [currency].
    """
    factor = FARTHEST if grows else 1 / FARTHEST
    problem = with_effect(setting.problem, channel, factor)
    starts = starts_near(setting, channel) if grows else (setting.plan, setting.today)
    spend = again(problem, setting.memory, starts)
    if spend is None:
        return ()
    held = [at for at in binding(problem, spend) if at and removable(problem, at)]
    names = tuple(
        dict.fromkeys(
            asked_as(problem.rules[at]) for at in held if _stops(problem, problem.rules[at], channel, spend, grows)
        )
    )
    rows: set[int] = set().union(*(rows_of(setting.problem, name) for name in names))
    free = with_effect(without(setting.problem, rows), channel, factor)
    then = again(free, setting.memory, (spend, *starts)) if names else None
    if then is None:
        return ()
    money = float(several.by_cell(free, then)[channel].sum())
    return names if (money > limit if grows else money < limit) else ()


def limits(setting: Setting, channel: int, lessens: bool) -> float:
    """The spend that a threshold of a channel is about: nine tenths of its money where it loses some, else nothing."""
    if lessens:
        return FEWER * float(setting.totals[channel])
    return NOTHING * setting.money / len(setting.problem.names)


def _stops(problem: Problem, rule: Rule, channel: int, spend: np.ndarray, grows: bool) -> bool:
    """Whether a rule that binds keeps a channel from more money (`grows`), or from less."""
    weight = float(several.by_cell(problem, rule.weights)[channel].sum())
    if not weight or rule.step:
        return False
    if rule.active:
        return (rule.active.most is not None) == grows
    amount = float(rule.weights @ spend)
    if rule.flight:
        return grows == (amount < rule.flight / 2)
    at_low = abs(amount - rule.low) <= abs(amount - rule.high)
    return rule.low == rule.high or grows == ((weight < 0) == at_low)
