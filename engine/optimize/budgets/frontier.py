"""Frontiers: the best plan of every budget, and of every balance between two groups of channels.

Each point is a plan with value, bound and gap. The return of the next unit of money is told at the margin and over the
whole step to the next point, because on S-curves the marginal return rises before it falls: where it does, a budget
that looks worn out by its margin pays again some way further on.
"""

import importlib
import itertools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from engine.config.loading import LARGEST_MONEY
from engine.config.scenario import Budget, ChannelRules, Goal, Scenario
from engine.config.tiers import Active
from engine.errors import InfeasibleError, InputError
from engine.optimize import goals
from engine.optimize.budgets.any_budget import Question
from engine.optimize.budgets.targets import best_at, sized, target_of
from engine.optimize.closeness import ROUNDING
from engine.optimize.multipliers import explained, least
from engine.optimize.over_time import several
from engine.optimize.plan import Plan, Range, by_draw, optimize, spread
from engine.optimize.prices import binding
from engine.optimize.rules import Problem, channel_limits, compared, history_spend, open_returns, problem_of
from engine.optimize.solve import solve
from engine.optimize.tables import Payoff, steepness
from engine.optimize.tiers import EVEN, Tiers
from engine.response.curves import Curves

Tell = Callable[[str], None]  # is told how far the work is
RISES = 0.01  # relative growth of the marginal return between two budgets from which it is told

LOW, SPENDS, FLAT = 1e-4, 100, 1e-6  # spends at which a curve is looked at, and relative growth that is none


@dataclass(frozen=True)
class Point:
    """The best plan of one budget."""

    budget: float  # that was asked for [currency]
    spend: tuple[float, ...]  # by channel [currency]
    outcome: Range  # over the joint draws [currency or outcome over the horizon]
    profit: Range | None  # where the goal has a margin [currency]
    net: float  # what the plan is chosen by: mean objective after tolls
    bound: float  # no plan of this budget has more of it
    gap: float  # from net to bound, relative
    certified: bool
    marginal: float | None  # mean outcome of the next unit of money, after the charge for doubt; None: has no place
    step: float | None  # mean outcome of each unit up to the next budget, before it; None at the last

    @property
    def spent(self) -> float:
        """What the plan spends [currency]."""
        return float(sum(self.spend))

    @property
    def average(self) -> float | None:
        """Mean outcome of each unit of money; None where nothing is spent."""
        return self.outcome.mean / self.spent if self.spent > 0 else None


@dataclass(frozen=True)
class BreakEven:
    """The budget that is best where each unit of money must bring so much; the next unit brings no more than that."""

    by: str  # "revenue" or "margin"
    price: float  # outcome that a unit of money must bring
    money: float  # [currency]


@dataclass(frozen=True)
class Frontier:
    """The best plans of a range of budgets."""

    scenario: str
    currency: str
    measure: str  # what the outcome is
    unit: str  # of the outcome: the currency; empty where it is not money
    start: date
    end: date
    periods: int
    period: str
    channels: tuple[str, ...]
    kinds: tuple[str, ...]
    asked: float  # the scenario's own budget [currency]
    points: tuple[Point, ...]  # by rising budget
    without_plan: tuple[float, ...]  # budgets with which no plan keeps the rules [currency]
    today: tuple[float, Range] | None  # history's money and what its split brings; None without history
    break_even: tuple[BreakEven, ...]
    prudence: float
    made_from: str
    risk: str = "mean"  # the measure that plans are chosen by; margins and break-even budgets are of the mean
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()  # what a reader must know before acting on it
    turns: tuple[str, ...] = ()  # what can make the marginal return grow

    @property
    def rises(self) -> tuple[tuple[float, float], ...]:
        """Neighbouring budgets between which the marginal return grows: something begins to pay there."""
        return tuple(
            (one.budget, two.budget)
            for one, two in itertools.pairwise(self.points)
            if one.marginal is not None and two.marginal is not None and two.marginal > one.marginal * (1 + RISES)
        )

    @property
    def nearest(self) -> Point:
        """The point nearest to the scenario's own budget."""
        return min(self.points, key=lambda point: abs(point.budget - self.asked))


def asked_money(curves: Curves, scenario: Scenario) -> float:
    """The budget of a scenario in money; a target is met first."""
    if target_of(scenario):
        return sized(curves, scenario).money
    budget = scenario.budget
    if budget.of_history is not None:
        return float(problem_of(curves, scenario).budget.high) / (1 - budget.reserve)
    return float(budget.total or budget.at_most or 0.0)


def with_money(scenario: Scenario, amount: float) -> Scenario:
    """The scenario with another budget, all of which is spent unless the scenario only limits it."""
    if not 0 < amount <= LARGEST_MONEY:
        raise InputError(
            f"a budget of {amount:g} cannot be planned, where more than 0 and at most {LARGEST_MONEY:g} can; ask nearer"
        )
    budget, name = scenario.budget, "total" if scenario.budget.at_most is None else "at_most"
    quarters = None
    if budget.quarters:
        quarters = tuple(amount * each / sum(budget.quarters) for each in budget.quarters)
    return scenario.model_copy(update={"budget": Budget(**{name: amount}, reserve=budget.reserve, quarters=quarters)})


def unheard(what: str) -> None:
    """Nobody watches how far the work is."""


def frontier(
    curves: Curves, scenario: Scenario, budgets: Sequence[float], asked: float, tell: Tell = unheard
) -> Frontier:
    """The best plan of each budget, certified one by one.

    Args:
        curves: What spend does, joint draws.
        scenario: The question; its rules hold at every budget.
        budgets: Rising, each above 0 [currency].
        asked: The scenario's own budget [currency].
        tell: Is told how far the work is.

    Raises:
        InputError: The scenario does not fit the curves.
        InfeasibleError: No budget has a plan that keeps the rules.
    """
    goals.require_one_figure(scenario, "a frontier")
    begin = time.perf_counter()
    plan, points, without = _planned(curves, scenario, budgets, tell)
    return Frontier(
        scenario=scenario.name,
        currency=curves.currency,
        measure=goals.counted(curves, scenario.goal).measure,
        unit=curves.currency if goals.is_money(curves, scenario.goal) else "",
        start=plan.start,
        end=plan.end,
        periods=plan.periods,
        period=plan.period,
        channels=curves.names,
        kinds=tuple(channel.kind for channel in curves.channels),
        asked=asked,
        points=_stepped(points),
        without_plan=tuple(without),
        today=today(curves, scenario),
        break_even=break_even(curves, scenario),
        prudence=plan.prudence,
        made_from=curves.made_from,
        risk=plan.risk,
        turns=turns(problem_of(curves, with_money(scenario, points[-1].budget))),
        seconds=time.perf_counter() - begin,
    )


def _planned(
    curves: Curves, scenario: Scenario, budgets: Sequence[float], tell: Tell
) -> tuple[Plan, list[Point], list[float]]:
    """The plan of the first budget that has one, the points, and the budgets without a plan."""
    plans, points, without = [], [], []
    refusal, room = "", _room(curves, scenario, max(budgets))
    for number, amount in enumerate(budgets, start=1):
        tell(f"{number} of {len(budgets)} budgets")
        question = with_money(scenario, amount)
        try:
            plan = optimize(curves, question, priced=False)
        except InfeasibleError as fault:
            without.append(amount)
            refusal = refusal or str(fault)
            continue
        plans.append(plan)
        is_full = amount >= room * (1 - ROUNDING)
        marginal = None if is_full else next_unit(problem_of(curves, question), plan.cells)
        points.append(_point(plan, amount, marginal))
    if not points:
        raise InfeasibleError(f"none of {len(budgets)} budgets has a plan; at the first one: {refusal}")
    return plans[0], points, without


def _room(curves: Curves, scenario: Scenario, money: float) -> float:
    """The most that all channels can take by their own rules; where they take more than twice this money, as much."""
    return float(channel_limits(problem_of(curves, with_money(scenario, 2 * money)))[1].sum())


def turns(problem: Problem) -> tuple[str, ...]:
    """What in a question can make the next unit of a larger budget return more than that of a smaller one."""
    most = several.by_cell(problem, np.minimum(problem.upper, problem.budget.high)).sum(axis=1)
    pairs = list(zip(problem.payoffs, problem.names, most, strict=True))
    found = {
        "an S-shaped curve": [name for payoff, name, high in pairs if _is_convex(payoff, float(high))],
        "a lower price from some amount on": [name for payoff, name, _ in pairs if _falls(payoff.tiers)],
    }
    told = [f"{what} ({', '.join(names)})" for what, names in found.items() if names]
    rules = {
        "a minimum flight": bool(problem.flight.any()),
        "money in steps": any(rule.step for rule in problem.rules),
        "how many channels may be active": any(rule.active for rule in problem.rules),
        "a least return": bool(problem.returns),
    }
    return (*told, *(what for what, is_there in rules.items() if is_there))


def _is_convex(payoff: Payoff, high: float) -> bool:
    """Whether the mean curve of a channel grows ever faster anywhere up to some money, its tiers aside."""
    if high <= 0 or not payoff.timing.active:
        return False
    spends = np.geomspace(LOW * high, high, SPENDS)
    rates = payoff.average(steepness(replace(payoff, tiers=EVEN), spends))
    return bool(np.any(rates[1:] > rates[:-1] * (1 + FLAT)))


def _falls(tiers: Tiers) -> bool:
    return any(two < one for one, two in itertools.pairwise([1.0, *(price for _, price in tiers.steps)]))


def _point(plan: Plan, amount: float, marginal: float | None) -> Point:
    return Point(
        amount,
        plan.chosen.spend,
        plan.chosen.outcome,
        plan.chosen.value if plan.measure == "profit" else None,
        plan.net,
        plan.bound,
        plan.gap,
        plan.certified,
        marginal,
        None,
    )


def _stepped(points: list[Point]) -> tuple[Point, ...]:
    """Each point with what a unit of money brings on the way to the next one."""
    steps = [
        (two.outcome.mean - one.outcome.mean) / (two.budget - one.budget) for one, two in itertools.pairwise(points)
    ]
    return tuple(replace(point, step=step) for point, step in zip(points, [*steps, None], strict=True))


def next_unit(problem: Problem, spend: np.ndarray) -> float | None:
    """Mean outcome that one more unit of budget brings to a plan, wherever the rules let it go; None: nowhere.

    Where the budget is not all spent: what a unit must bring to be spent, which is nothing unless money is a cost.
    """
    margin, total, asked = problem.payoffs[0].margin, float(spend.sum()), problem
    if open_returns(problem):
        asked = importlib.import_module("engine.optimize.returns.pricing").priced_at(problem, spend)
    if problem.is_discrete:
        discrete = importlib.import_module("engine.optimize.discrete")
        asked = discrete.held(problem, spend)
        if 0 in binding(problem, spend) and not discrete.has_price(problem, spend, 0):
            return None
    if problem.ways:
        room = importlib.import_module("engine.optimize.over_time.room")  # its solver takes long to load
        holding = room.room(asked, spend)
        dual = -math.inf if holding is None else holding.of_money()
        cost = float(several.charges(problem, spend).sum()) / total if total > 0 else 0.0
    else:
        plan, costs = explained(asked, spend), np.array([payoff.cost for payoff in problem.payoffs])
        moved = np.array([1.0 if row == 0 else problem.rules[row].share for row in plan.rows])
        dual = least(plan, moved) if 0 in plan.rows else 0.0
        cost = float(costs @ spend) / total if total > 0 else float(costs.mean())
    if math.isinf(dual):
        return None
    return (dual + cost) / margin if margin > 0 else 0.0


def today(curves: Curves, scenario: Scenario) -> tuple[float, Range] | None:
    """What history spent in as many periods, and what its split brings in the scenario's world without its rules."""
    spent = float(history_spend(curves, scenario).sum())
    if not spent:
        return None
    every = {name: ChannelRules(tiers=rules.tiers) for name, rules in scenario.channels.items()}  # prices are no rules
    free: dict[str, Any] = {
        "every_channel": scenario.every_channel and ChannelRules(tiers=scenario.every_channel.tiers),
        "channels": every,
        "active": Active(),
        "groups": {},
        "strategy": None,
        "ramp": None,
        "soft": {},
    }
    problem = problem_of(curves, scenario.model_copy(update={"budget": Budget(at_most=spent), **free}))
    return spent, spread(by_draw(problem, compared(problem))[0].sum(0))


def break_even(curves: Curves, scenario: Scenario) -> tuple[BreakEven, ...]:
    """The best budget where a unit of money must bring 1 of revenue, and where it must bring 1 of margin.

    Best of all budgets, found with a price on money, not by the first budget whose next unit brings so much. Of plans
    without prudence. Nothing is told where the outcome is not money, or where no such budget spends anything.
    """
    if not goals.is_money(curves, scenario.goal):
        return ()
    goal = scenario.goal
    if goal.maximise == "profit":
        goal = Goal(maximise="profit", margin=1.0, discount_rate=goal.discount_rate)
    question = Question(curves, scenario.model_copy(update={"goal": goal}), problem_of, solve)
    prices = {"revenue": 1.0} | ({"margin": 1.0 / scenario.goal.margin} if scenario.goal.margin else {})
    found = []
    for by, price in prices.items():
        try:
            money = best_at(question, price)[0].spent
        except InfeasibleError:  # curves without end, or rules that no budget keeps
            continue
        found.append(BreakEven(by, price, money))
    return tuple(found)
