"""Prices: what each binding rule costs, as a local price and as a finite re-solve beside it.

The local price is of what is maximised, after tolls, with today's split where it is. The re-solve is what asking again
with more room would bring: tolls and today's split are those of the new question, and the gain is told before tolls.
"""

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.optimize.multipliers import Explained, explained, least
from engine.optimize.over_time import several
from engine.optimize.over_time.decision_rules import QUARTER
from engine.optimize.polish import charged
from engine.optimize.rules import Problem, Rule, asked_again, compared, open_returns
from engine.optimize.solve import Memory, Solved, solve

STEP = 0.1  # of a rule's amount, or of the mean channel's budget where that is 0: the finite change
SHOWN_OVER_TIME = 5  # the same for plans of several decisions
IDLE = 1e-6  # of all spend: what counts as nothing
NO_ROOM = 1e-6  # of what money earns at best: a rule that costs less is not told
SHOWN_BESIDE = 3  # the same beside steps and numbers of channels, where each takes a mixed-integer program
SHOWN = 12  # rules that are re-solved, the dearest first


@dataclass(frozen=True)
class Price:
    """What loosening one rule earns."""

    rule: str
    dual: float | None  # objective after tolls per money, at a kink towards more room; None: goes in steps, or nowhere
    change: float  # money by which the rule was loosened for the re-solve [currency]
    gain: float | None  # mean objective before tolls that asking again with it earns; None where it was not re-solved


def binding(problem: Problem, spend: Float[np.ndarray, " channel"]) -> list[int]:
    """Indices of the rules that the plan just keeps, the budget first."""
    slack = 1e-6 * float(spend.sum())
    rows = []
    for index, rule in enumerate(problem.rules):
        amount = float(rule.weights @ spend)
        tight = min(abs(amount - rule.low), abs(amount - rule.high)) <= slack
        grounded = bool(rule.flight) and (amount <= slack or abs(amount - rule.flight) <= slack)
        stepped = bool(rule.step) and amount > slack
        if tight or grounded or stepped or rule.is_full(spend, problem.decisions, slack):
            rows.append(index)
    return rows


def removable(problem: Problem, index: int) -> bool:
    """Whether a rule is one that people make: not the budget, not the past, not a channel without open dates."""
    rule = problem.rules[index]
    if not index or rule.channel is None:
        return bool(index)
    channel, decision = divmod(rule.channel, problem.decisions)
    if problem.ways and problem.grid:
        return decision >= problem.grid.over and problem.ways[channel].active[decision]
    return problem.payoffs[channel].timing.active


def prices(problem: Problem, solved: Solved, memory: Memory) -> list[Price]:
    """The price of each binding rule that can give way, the dearest first: of the budget, and of what people ask for.

    A cell that is over or has no open date takes no money whatever rule about it gives way, so none of these is priced.
    """
    if open_returns(problem):
        return _beside_returns(problem, solved, memory)
    if problem.is_discrete:
        return _beside_numbers(problem, solved, memory)
    if problem.ways:
        return _over_time(problem, solved)
    duals = _duals(problem, solved.spend)
    told = sorted(duals, key=lambda index: (index != 0, -abs(duals[index])))
    return [_price(problem, solved, memory, index, duals[index], rank < SHOWN) for rank, index in enumerate(told)]


def _beside_returns(problem: Problem, solved: Solved, memory: Memory) -> list[Price]:
    """The same beside least returns that are priced: theirs first, and of all others what they are at these prices."""
    pricing = importlib.import_module("engine.optimize.returns.pricing")
    rows = [Price(one.name, one.dual, one.change, one.gain) for one in pricing.row_prices(problem, solved, memory)]
    priced = pricing.at_its_prices(problem, solved)
    if problem.ways:
        return [*rows, *_over_time(problem, solved, priced)]
    duals = _duals(priced, solved.spend)
    told = sorted(duals, key=lambda index: (index != 0, -abs(duals[index])))
    return [
        *rows,
        *(_price(problem, solved, memory, index, duals[index], rank < SHOWN) for rank, index in enumerate(told)),
    ]


def _beside_numbers(problem: Problem, solved: Solved, memory: Memory) -> list[Price]:
    """The same beside steps and numbers of channels, which stay as they are and have no price by the unit of money."""
    discrete = importlib.import_module("engine.optimize.discrete")
    priced = discrete.held(problem, solved.spend)
    if problem.ways:
        return [_or_none(problem, solved, price) for price in _over_time(problem, solved, priced)]
    found = {at: dual for at, dual in _duals(priced, solved.spend).items() if at < len(problem.rules)}
    duals = {at: dual for at, dual in found.items() if not problem.rules[at].is_discrete}
    told = sorted(duals, key=lambda index: (index != 0, -abs(duals[index])))
    wanted = ((index, duals[index], rank < SHOWN_BESIDE) for rank, index in enumerate(told))
    rows = [_price(problem, solved, memory, *one) for one in wanted]
    return [_or_none(problem, solved, price) for price in rows]


def _or_none(problem: Problem, solved: Solved, price: Price) -> Price:
    """The price without its margin where all money that could move goes in steps."""
    has_price = importlib.import_module("engine.optimize.discrete").has_price
    index = next(at for at, rule in enumerate(problem.rules) if rule.name == price.rule)
    return price if has_price(problem, solved.spend, index) else replace(price, dual=None)


def _over_time(problem: Problem, solved: Solved, priced: Problem | None = None) -> list[Price]:
    """The same for several decisions: a re-solve is an ascent from the plan, on the hill on which it stands."""
    ascent = importlib.import_module("engine.optimize.over_time.ascent")  # its solver takes long to load
    holding = importlib.import_module("engine.optimize.over_time.room").room(priced or problem, solved.spend)
    if holding is None:
        return []
    nothing = IDLE * float(solved.spend.sum())  # a ramp between two nothings holds nothing
    held = [at for at in binding(problem, solved.spend) if not _is_idle(problem.rules[at], solved.spend, nothing)]
    held = [at for at in held if _has_price(problem, at) and not problem.rules[at].is_discrete]
    room = {index: holding.by(index) for index in held if index}
    if 0 in held:
        room = _of_next_money(priced or problem, solved.spend, room, holding.of_money)
    told = sorted(room, key=lambda index: (index != 0, -room[index]))
    least = NO_ROOM * holding.steepest
    told = [index for index in told if index == 0 or math.isinf(room[index]) or room[index] > least]
    found = []
    for rank, index in enumerate(told):
        rule = problem.rules[index]
        change = _change(problem, index)
        gain = None
        if rank < SHOWN_OVER_TIME:
            eased = _eased_over_time(problem, index, change)
            top = _asked_again(eased, solved.spend) if priced else ascent.reached(eased, solved.spend)
            tolls = several.tolls(problem, solved.spend).sum()
            gain = None if top is None else several.earned(eased, top) - (solved.value + float(tolls))
        found.append(Price(rule.name, _told(room[index]), change, gain))
    return found


def _asked_again(problem: Problem, spend: np.ndarray) -> np.ndarray | None:
    """The plan of a problem, asked in full; beside steps and numbers of channels the best one near by."""
    if problem.is_discrete:
        near: np.ndarray | None = importlib.import_module("engine.optimize.discrete").again(problem, (spend,))
        return near
    again = solve(problem, {}, (spend,))
    return None if again is None else again.spend


def _eased_over_time(problem: Problem, index: int, change: float) -> Problem:
    """The question with more room by one rule, as if it had been asked so; of a quarter's budget with more in all."""
    if problem.rules[index].name.startswith(QUARTER):
        total = problem.budget.high + change
        raised = asked_again(problem, index, _loosened(problem.rules[index], change, True))
        return asked_again(raised, 0, replace(problem.budget, low=problem.budget.low + change, high=total))
    return asked_again(problem, index, _loosened(problem.rules[index], change, index == 0))


def _told(dual: float) -> float | None:
    """A slope as a price: none where no plan has the room, so that there is no slope."""
    return None if math.isinf(dual) else dual


def _of_next_money(
    problem: Problem, spend: np.ndarray, room: dict[int, float], slope: Callable[[int], float]
) -> dict[int, float]:
    """The same with what more money returns: of each quarter where quarters have budgets, else of the total.

    Budgets of quarters add up to the total, so that none of these rows can be raised alone: a quarter's price is that
    of more money in it and so in all, and the total has none of its own.
    """
    more_money = importlib.import_module("engine.optimize.over_time.more_money")  # its solver takes long to load
    quarters = [at for at in room if more_money.is_quarter(problem, at)]
    tolled = any(any(payoff.toll) for payoff in problem.payoffs)
    told = {**room, **{at: slope(at) for at in quarters or [0]}}
    asked = [at for at in quarters or [0] * tolled if not math.isinf(told[at])]
    found = {at: more_money.next_money(problem, spend, at) for at in asked}
    told |= {at: price for at, price in found.items() if price is not None}
    return {at: price for at, price in told.items() if at or not quarters}


def _is_idle(rule: Rule, spend: np.ndarray, nothing: float) -> bool:
    """Whether a rule compares decisions in which nothing is spent."""
    return bool(rule.weights.min() < 0 and np.abs(rule.weights) @ spend <= nothing)


def _has_price(problem: Problem, index: int) -> bool:
    """Whether money could follow if a rule gave way."""
    return not index or removable(problem, index)


def _duals(problem: Problem, spend: np.ndarray) -> dict[int, float]:
    """What one unit of room earns by each binding rule, the tolls charged and today's split left where it is.

    Where a channel stands at a kink or a limit, this is the slope towards more room, not towards less.
    """
    plan = explained(problem, spend)
    found = {index: _of_row(problem, plan, index) for index in plan.rows}
    for index in filter(lambda at: _has_price(problem, at), binding(problem, spend)):
        channel = problem.rules[index].channel
        if channel is not None:
            found[index] = _of_channel(problem.rules[index], plan, (index, channel), float(spend[channel]))
    return found


def _of_row(problem: Problem, plan: Explained, index: int) -> float:
    """More budget, of which shares are shares; or a rule about several channels that gives way."""
    direction = np.array([float(row == index) for row in plan.rows])
    if index == 0:
        return least(plan, direction + [problem.rules[row].share for row in plan.rows])
    rule = problem.rules[index]
    ways = [direction] * math.isfinite(rule.high) + [-direction] * math.isfinite(rule.low)
    return max(0.0, *(least(plan, one) for one in ways))


def _of_channel(rule: Rule, plan: Explained, at: tuple[int, int], spend: float) -> float:
    """A rule about one channel: a lower floor, a higher cap, any move if it is locked.

    A minimum flight that keeps a channel on the ground earns nothing by giving way a little.
    """
    index, channel = at
    won = float(plan.next[channel]) + least(plan, -plan.weights[:, channel])
    if index == 0:
        return won if plan.up[channel] else -math.inf
    lost = least(plan, plan.weights[:, channel]) - float(plan.last[channel])
    if rule.low == rule.high:
        return max(0.0, lost, won)
    if rule.flight:
        return max(0.0, lost) if spend >= rule.flight / 2 else 0.0
    return max(0.0, won if math.isfinite(rule.high) else lost)


def _price(problem: Problem, solved: Solved, memory: Memory, index: int, dual: float, wanted: bool) -> Price:
    rule = problem.rules[index]
    change = _change(problem, index)
    if not wanted:
        return Price(rule.name, _told(dual), change, None)
    eased = asked_again(problem, index, _loosened(rule, change, index == 0))
    if index == 0:  # as who asks again would have it: no table and no plan of the smaller budget
        again = solve(eased, {}, (compared(eased),))
    else:
        again = solve(eased, memory, (solved.spend,))
    gain = None if again is None else _before_tolls(eased, again) - _before_tolls(problem, solved)
    return Price(rule.name, _told(dual), change, gain)


def _before_tolls(problem: Problem, solved: Solved) -> float:
    """Mean objective of a solution before its moves are charged for their doubt."""
    return solved.value + charged(problem, solved.spend)


def _change(problem: Problem, index: int) -> float:
    """By how much a rule is loosened for the re-solve; the budget by whole steps where there are some [currency]."""
    usual = STEP * (_amount(problem.rules[index]) or problem.budget.high / len(problem.names))
    step = max(rule.step for rule in problem.rules)
    return step * math.ceil(usual / step) if step and index == 0 else usual


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
