"""From a fit and a scenario to its what-if page: the plan, the best plans of other budgets, and the page of them."""

import importlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.config.scenario import Scenario
from engine.errors import InfeasibleError, InputError
from engine.optimize.budgets.frontier import Tell, unheard, with_money
from engine.optimize.closeness import ROUNDING
from engine.optimize.plan import Plan, optimize
from engine.optimize.rules import Problem, channel_limits, problem_of
from engine.optimize.share_rules import of_total
from engine.report.whatif_page.html import page_html
from engine.report.whatif_page.levers import what_if_of, without_shares
from engine.response.curves import Curves
from engine.study.ask import curves_of, warned
from engine.study.question import question

SPAN = (0.5, 1.5)  # of the plan's money: the budgets whose best splits the page knows
USUAL, SEVERAL, MOST = 17, 5, 41  # budgets: of one split, of several decisions, and at most
CLOSE = 1e-6  # of a budget: no further from the plan's own it is the same


def whatif_page(
    fit: Path, scenario: Path, accept_weak_fit: bool = False, budgets: int | None = None, tell: Tell = unheard
) -> str:
    """The HTML of the what-if page of a scenario file on a fit folder or a curves file, at most 150 kB.

    Args:
        fit: The fit folder, or the curves file.
        scenario: The question; its best plan is what the page opens with.
        accept_weak_fit: Whether to plan on a fit that is not to be trusted.
        budgets: For how many budgets, from half to one and a half of the plan's, best splits are made; unless given,
            17, and 5 where there are several decisions, whose plans take longer; the plan's own is one of them.
        tell: Is told how far the work is.

    Raises:
        InputError: The scenario does not fit the curves, or the page would hold hardly any draw.
        InfeasibleError: No plan keeps every rule of the scenario.
        UntrustworthyError: The fit is not to be trusted and `accept_weak_fit` is false.
    """
    if budgets is not None and not 2 <= budgets <= MOST:
        raise InputError(f"{budgets} budgets: a what-if page knows the best splits of 2 to {MOST}; give another number")
    known = curves_of(fit, accept_weak_fit)
    asked = question(scenario, known)
    tell("the plan")
    plan = warned(optimize(known, asked, priced=False), fit)
    if not plan.spend:
        raise InputError(f"{scenario}: its plan spends nothing, so there is no money to move; ask of another budget")
    count = budgets or (SEVERAL if len(plan.decisions) > 1 else USUAL)
    plans = sorted((plan, *_of_other_budgets(known, asked, plan, count, tell)), key=lambda one: one.spend)
    planned = next(at for at, one in enumerate(plans) if one is plan)
    return page_html(what_if_of(known, asked, tuple(plans), planned))


def _of_other_budgets(curves: Curves, asked: Scenario, plan: Plan, count: int, tell: Tell) -> list[Plan]:
    """The best plans of other budgets, of those with which the rules can be kept."""
    bare = asked.model_copy(update={"budget": asked.budget.model_copy(update={"reserve": 0.0})})
    ends = _ends(problem_of(curves, with_money(bare, SPAN[1] * plan.spend)), bare, plan.spend)
    found: list[Plan] = []
    amounts = _amounts(ends, plan.spend, count)
    for number, amount in enumerate(amounts, start=2):
        tell(f"{number} of {len(amounts) + 1} budgets")
        try:
            best = optimize(curves, with_money(bare, amount), priced=False)
        except InfeasibleError:  # rules across channels may leave no plan of this money
            continue
        if all(abs(best.spend - one.spend) > CLOSE * plan.spend for one in (plan, *found)):
            found.append(best)
    return found


def _amounts(ends: tuple[float, float], money: float, count: int) -> list[float]:
    """So many budgets between two ends, evenly on either side of the one that is planned already, without it.

    >>> _amounts((50.0, 150.0), 100.0, 5)
    [50.0, 75.0, 125.0, 150.0]
    """
    low, high = min(ends[0], money), max(ends[1], money)
    below = round((count - 1) * (money - low) / (high - low)) if high > low else 0
    under, over = max(1, below), max(1, count - 1 - below)
    found = [*np.linspace(low, money, under + 1)[:-1].tolist(), *np.linspace(money, high, over + 1)[1:].tolist()]
    return [amount for amount in found if amount > 0 and abs(amount - money) > CLOSE * money]


def _ends(wide: Problem, asked: Scenario, money: float) -> tuple[float, float]:
    """The least and the highest budget that are looked at: as far from the plan's as rules can be kept."""
    low, high = channel_limits(without_shares(wide))
    least, most = max(SPAN[0] * money, float(low.sum())), min(SPAN[1] * money, float(high.sum()))
    if not wide.rows or wide.is_discrete or asked.budget.quarters:
        return least, most
    return _reach(wide, money, least), _reach(wide, money, most)


def _reach(wide: Problem, begin: float, end: float) -> float:
    """The farthest budget from one towards another with which the rules can be kept, to a hundredth of the way."""
    feasible = importlib.import_module("engine.optimize.conflict.feasible")  # its solver takes long to load
    kept = 0.0  # share of the way
    for step in (1.0, *(0.5**halving for halving in range(1, 8))):
        money = begin + (kept + step) * (end - begin)
        budget = replace(wide.budget, low=money if np.isfinite(wide.budget.low) else wide.budget.low, high=money)
        if feasible.can_be_kept([budget, *(of_total(rule, money) for rule in wide.rules[1:])], ROUNDING):
            kept += step
        if kept == 1:
            break
    return begin + kept * (end - begin)
