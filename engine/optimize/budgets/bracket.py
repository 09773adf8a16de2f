"""Brackets: the least money that reaches a level, the most that keeps an average, and what is proven of less or more.

Whoever asks what some money brings hears a value, which a plan has, and a bound, which no plan exceeds. Money whose
value reaches the level is enough; money whose bound does not is too little. Both ends are drawn together by secants
through logarithms, because outcome grows about like a power of money, and by halving where that does not help.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.optimize.closeness import CERTIFIED

DOUBLINGS = 7  # of the exponent of a step: beyond that steps are of one size
AIM = CERTIFIED / 4  # how far beside a crossing is asked, so that one answer lies on the wanted side of it
NARROW = CERTIFIED / 8  # relative width below which a crossing counts as known
ROUNDS = 60  # most questions
GONE = 1e-9  # of the usual money: less is none
INSIDE = 0.02  # of a bracket: no question lies closer to its ends


@dataclass(frozen=True)
class Trial:
    """What some money brings; value and bound are minus infinity where it has no plan."""

    money: float  # that may be spent [currency]
    spend: Float[np.ndarray, " cell"] | None = None  # of the plan; None: no plan
    value: float = -math.inf  # mean outcome of the plan
    bound: float = -math.inf  # that no plan exceeds
    proven: bool = True  # whether the bound is rigorous, not an estimate; or that there is no plan

    @property
    def spent(self) -> float:
        """What the plan spends [currency]."""
        return 0.0 if self.spend is None else float(self.spend.sum())


@dataclass(frozen=True)
class Opening:
    """Where a search begins."""

    money: float  # [currency]
    width: float  # relative first step away from it, squared with each further one
    most: float  # no more than this is asked for [currency]


Ask = Callable[[float], Trial]  # what at most so much money brings
Span = Callable[[float, float, float], Trial]  # what plans between two sums bring at the most, less a price on money


def least(ask: Ask, level: float, opening: Opening) -> tuple[float, Trial | None, list[Trial]]:
    """The least money that reaches a level.

    Args:
        ask: What some money brings; more money never brings less.
        level: The wanted value.
        opening: Where to begin.

    Returns:
        The most money whose bound stays below the level, 0 where none does; the trial whose plan reaches it with the
        least spend, None where none does; and all trials.
    """
    trials: list[Trial] = []
    for _ in range(ROUNDS):
        money = _next(trials, level, opening)
        if money is None:
            break
        trials.append(_at_its_spend(ask(money), level))
    reached = _reached(trials, level)
    return _excluded(trials, level, reached.money if reached else math.inf), reached, trials


def _at_its_spend(trial: Trial, level: float) -> Trial:
    """A trial that reaches the level, as if only what its plan spends had been asked for: that is enough."""
    return replace(trial, money=trial.spent) if trial.value >= level and trial.spent < trial.money else trial


def _reached(trials: Sequence[Trial], level: float) -> Trial | None:
    return min((one for one in trials if one.value >= level), key=lambda one: (one.spent, one.money), default=None)


def _excluded(trials: Sequence[Trial], level: float, below: float) -> float:
    return max((one.money for one in trials if one.bound < level and one.money < below), default=0.0)


def _next(trials: Sequence[Trial], level: float, opening: Opening) -> float | None:
    """The money to ask for next; None where the bracket is narrow, or cannot become so."""
    if not trials:
        return min(opening.money * (1 + AIM), opening.most)
    factor = (1 + opening.width) ** (2 ** min(len(trials) - 1, DOUBLINGS))
    reached = _reached(trials, level)
    if reached is None:
        highest = max(one.money for one in trials)
        return None if highest >= opening.most else min(opening.most, highest * factor)
    excluded = _excluded(trials, level, reached.money)
    if excluded == 0.0:
        lowest = min(one.money for one in trials)
        return None if lowest <= 1e-9 * opening.money else min(lowest, reached.spent) / factor
    if reached.spent - excluded <= CERTIFIED * reached.spent:
        return None
    return _inside(trials, level, reached, excluded)


def _inside(trials: Sequence[Trial], level: float, reached: Trial, excluded: float) -> float | None:
    """A place between what is too little and what is enough, near where values or bounds cross the level."""
    between = [one for one in trials if excluded <= one.money <= reached.money]
    short = max((one for one in between if one.value < level), key=lambda one: one.money)
    beyond = min((one for one in between if one.bound >= level), key=lambda one: one.money)
    barred = next(one for one in between if one.money == excluded)
    ends = [
        (short, reached, short.value, reached.value, 1 + AIM),
        (barred, beyond, barred.bound, beyond.bound, 1 - AIM),
    ]
    open_ends = [each for each in ends if each[1].money - each[0].money > NARROW * reached.money]
    if not open_ends:
        return None
    left, right, low, high, aside = open_ends[len(trials) % len(open_ends)]
    middle = (left.money + right.money) / 2
    halve = len(trials) % 5 == 4
    at = middle if halve else _crossing((left.money, low), (right.money, high), level) * aside
    margin = INSIDE * (right.money - left.money)
    return min(max(at, left.money + margin), right.money - margin)


def _crossing(left: tuple[float, float], right: tuple[float, float], level: float) -> float:
    """Where a power of money through two points crosses a level; the middle where there is no such power.

    >>> round(_crossing((1.0, 10.0), (4.0, 20.0), 15.0), 6)
    2.25
    """
    (less, low), (more, high) = left, right
    if not 0 < low < level < high < math.inf:
        return (less + more) / 2
    return less * (more / less) ** (math.log(level / low) / math.log(high / low))


@dataclass(frozen=True)
class Widest:
    """How far the search for the most money of an average has come."""

    most: float  # no plan that spends more keeps the average [currency]
    plan: Trial | None = None  # the plan of most spend that keeps it
    short: Trial | None = None  # the least money above that plan whose plan falls short of it
    before: Trial | None = None  # the same of the round before
    none: float = 0.0  # the most money that no plan can do with
    price: float = 0.0  # on money, below the average: the nearer, the more it excludes

    def narrow(self, width: float) -> bool:
        """Whether the plan spends all but a share of what is not excluded."""
        return self.plan is not None and self.plan.spent >= (1 - width) * self.most


def widest(ask: Ask, span: Span, rate: float, opening: Opening) -> Widest:
    """The most money that brings `rate` for each unit of it.

    Downwards from where no plan can keep the average: what at most so much money brings says where the average is
    reached, and what is above it is excluded by a price on money. If no plan between m and `most` is worth more than w
    at a price p below the rate, then none that spends more than w / (rate - p) brings the rate.

    Args:
        ask: What at most so much money brings; more money never brings less.
        span: What plans that spend between two sums bring at the most, less a price on their money.
        rate: Wanted outcome for each unit of money, above 0.
        opening: `most` is money above which no plan keeps the average; `money` is of the size that is usual.
    """
    at = Widest(opening.most, price=rate / 2)
    for count in range(ROUNDS):
        if at.most <= max(GONE * opening.money, at.none) or at.narrow(CERTIFIED):
            break
        money = _downwards(at, rate, count)
        at = _excluding(at, span, rate) if money is None else _asked(at, ask(money), rate)
    return replace(at, most=0.0) if at.plan is None and at.most <= at.none else at


def _downwards(at: Widest, rate: float, count: int) -> float | None:
    """The money to ask for next; None where it is known well enough from where on plans fall short."""
    if at.short is None:
        return None if at.plan else at.most
    high = at.short.money
    if at.plan is None:
        kept = at.short.bound / rate  # no plan of at most `high` that spends more keeps the average
        if kept <= at.none or kept <= GONE * at.most:
            return None
        ahead = crossing_average(at.short, at.before, rate) if at.before else kept
        money = min(kept, max(ahead, kept / 4)) * (1 - AIM)
        if money > at.none:
            return money
        return kept if kept < high else None  # nothing below it is to be asked again
    low, width = at.plan.spent, high - at.plan.spent
    if width <= CERTIFIED / 2 * high:
        return None
    aside = 1 + AIM if at.before is at.short else 1 - AIM  # on the side that was not asked last
    money = (low + high) / 2 if count % 5 == 4 else crossing_average(at.plan, at.short, rate) * aside
    return min(max(money, low + INSIDE * width), high - INSIDE * width)


def _asked(at: Widest, found: Trial, rate: float) -> Widest:
    """One step further, by what at most so much money brings."""
    if found.spend is None:
        return replace(at, none=found.money, most=at.most if at.short else 0.0)
    if _keeps(found, rate):
        return replace(at, plan=_more(at.plan, found), before=at.short)
    most = min(at.most, found.bound / rate) if found.money >= at.most else at.most
    return replace(at, most=most, short=found, before=at.short)


def _excluding(at: Widest, span: Span, rate: float) -> Widest:
    """One step further, by what plans can bring that spend more than is known to fall short."""
    if at.short and at.short.money < at.most:
        low = at.short.money
    else:
        low = (at.plan.spent + at.most) / 2 if at.plan else at.none
    found = span(low, at.most, at.price)
    if found.spend is None:
        return replace(at, most=low)
    whole = replace(found, value=found.value + at.price * found.spent)
    if _keeps(whole, rate):
        return replace(at, plan=_more(at.plan, whole), short=None, before=None)
    most = min(at.most, max(low, found.bound / (rate - at.price)))
    nearer = rate - (rate - at.price) / 4 if at.most - most < (at.most - low) / 2 else at.price
    return replace(at, most=most, price=nearer)


def _keeps(found: Trial, rate: float) -> bool:
    return found.spent > 0 and found.value >= rate * found.spent


def _more(one: Trial | None, other: Trial) -> Trial:
    return other if one is None or other.spent > one.spent else one


def crossing_average(left: Trial, right: Trial, rate: float) -> float:
    """Where the average of a power of money through two plans is the rate, outside of them too.

    >>> round(crossing_average(Trial(1.0, np.ones(1), 10.0), Trial(4.0, 4 * np.ones(1), 20.0), 5.0), 6)
    4.0
    """
    less, more = left.spent, right.spent
    if less == more or min(less, more, left.value, right.value) <= 0:
        return (less + more) / 2
    power = math.log(right.value / left.value) / math.log(more / less) - 1  # of the average
    if power > -1e-3:
        return min(less, more) / 2
    return less * math.exp(min(5.0, math.log(rate * less / left.value) / power))
