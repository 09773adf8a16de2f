"""The best plan of several decisions, with its bound.

Rules across channels speak of totals over the horizon. So each channel's best course of every total is tabulated (see
`totals`), the totals are found as for one split, and from the plan that they make an ascent (see `ascent`) leads to the
top. Tables are made anew around it until plan and bound meet. Rules that tell decisions of several channels apart are
priced in the tables at what they cost the plan (Lagrange), and kept by the ascent.
"""

import numpy as np
from jaxtyping import Float

from engine.optimize.ascent import reached, shadow_prices
from engine.optimize.rule import Rule
from engine.optimize.rules import Problem
from engine.optimize.several import by_cell, flat, gross, is_flat, mean_value, own_rows, spread_over_time
from engine.optimize.shapes import shapes
from engine.optimize.solve import LEAST_OUTCOME, LEAST_PROFIT, Memory, Solved, solve
from engine.optimize.solve import _routed as routed
from engine.optimize.totals import Known, View, bends_upwards, tabled

PASSES = 5  # most times that tables are made
CLOSE = 1e-4  # relative gap at which the search ends
KEPT = 3  # plans around which tables are made

Ranked = list[tuple[float, np.ndarray]]  # plans that keep the rules and what they are worth, the best first


def solved(problem: Problem, memory: Memory, starts: tuple[np.ndarray, ...] = ()) -> Solved | None:
    """The best plan of several decisions by cell; None where no plan is found that keeps the rules."""
    question = flat(problem)
    simple = solve(question, memory)
    if simple is None:
        return None
    plans = _joined(problem, [], [spread_over_time(problem, simple.spend), *starts])
    bent = [bends_upwards(problem, channel) for channel in range(len(problem.names))]
    bound, inner = np.inf, ""
    for _ in range(PASSES):
        known, constant = _tables(problem, plans, bent)
        found, inner = routed(question, [one.table for one in known])
        if found is None:
            return None
        bound = found.bound + constant
        if plans and _meet(bound, plans[0][0]):
            break
        cells = np.concatenate([one.money(total) for one, total in zip(known, found.spend.tolist(), strict=True)])
        plans = _joined(problem, plans, [cells])
        if plans and _meet(bound, plans[0][0]):
            break
    if not plans:
        return None
    value, spend = plans[0]
    least = LEAST_PROFIT if any(way.cost.any() for way in problem.ways) else LEAST_OUTCOME
    return Solved(spend, value, max(bound, value), _told(problem, bent, inner), gross(problem), least, not any(bent))


def _meet(bound: float, value: float) -> bool:
    """Whether a plan is worth as much as its bound; a bound below the plan was a wrong estimate and is made anew."""
    return abs(bound - value) <= CLOSE * abs(bound)


def _joined(problem: Problem, plans: Ranked, spends: list[Float[np.ndarray, " cell"]]) -> Ranked:
    """The best plans so far, with what is at the top of the hills near some spends, which need not keep the rules."""
    found = list(plans)
    for spend in spends:
        top = reached(problem, spend)
        if top is not None:
            found.append((mean_value(problem, top), top))
    return sorted(found, key=lambda plan: -plan[0])[:KEPT]


def _tables(problem: Problem, plans: Ranked, bent: list[bool]) -> tuple[list[Known], float]:
    """A table for each channel, and what priced rules add to the bound."""
    low, high = (by_cell(problem, side) for side in (problem.lower, problem.upper))
    costs, constant = _priced(problem, plans)
    known = []
    for channel in range(len(problem.names)):
        held = shapes(low[channel], high[channel], own_rows(problem, channel))
        courses = [by_cell(problem, spend)[channel] for _, spend in plans]
        cost = problem.ways[channel].cost + costs[channel]
        known.append(tabled(View(problem, channel, held, cost, bent[channel]), courses))
    return known, constant


def _priced(problem: Problem, plans: Ranked) -> tuple[Float[np.ndarray, "channel decision"], float]:
    """What rules that tell decisions of several channels apart cost a unit of money, and their limits' worth."""
    costs, constant = np.zeros((len(problem.names), problem.decisions)), 0.0
    special = [at for at, rule in enumerate(problem.rules) if _is_special(problem, rule)]
    if not special or not plans:
        return costs, constant
    prices = shadow_prices(problem, plans[0][1])
    for at in special:
        rule, price = problem.rules[at], float(prices[at])
        limit = rule.high if price > 0 else rule.low
        if price and np.isfinite(limit):
            costs += price * by_cell(problem, rule.weights)
            constant += price * limit
    return costs, constant


def _is_special(problem: Problem, rule: Rule) -> bool:
    """Whether a rule is about several channels and tells their decisions apart."""
    channels = np.flatnonzero(by_cell(problem, rule.weights).any(axis=1))
    return len(channels) > 1 and not is_flat(problem, rule)


def _told(problem: Problem, bent: list[bool], inner: str) -> str:
    kind = f"{sum(bent)} channels with S-shaped curves, bound estimated" if any(bent) else "concave curves"
    return f"{problem.decisions} decisions, {kind}: tables of totals ({inner}), ascent on all draws"
