"""The best plan of several decisions, with its bound.

Rules across channels speak of totals over the horizon. So each channel's best course of every total is tabulated (see
`totals`), the totals are found as for one split, and from the plan that they make an ascent (see `ascent`) leads to the
top. Tables are made anew around it until plan and bound meet. Rules that tell decisions of several channels apart are
priced in the tables at what they cost the plan (Lagrange), and kept by the ascent.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.optimize.closeness import ROUNDING
from engine.optimize.over_time.ascent import reached, shadow_prices
from engine.optimize.over_time.columns import Column, mixed
from engine.optimize.over_time.course import even_draws, thinned
from engine.optimize.over_time.several import by_cell, flat, gross, is_flat, mean_value, own_rows, spread_over_time
from engine.optimize.over_time.shapes import Shapes, shapes
from engine.optimize.over_time.totals import Known, View, bends_upwards, tabled
from engine.optimize.rule import Rule
from engine.optimize.rules import Problem, broken, channel_limits
from engine.optimize.side_by_side import each
from engine.optimize.solve import LEAST_OUTCOME, LEAST_PROFIT, Memory, Solved, solve
from engine.optimize.solve import _routed as routed

PASSES = 5  # most times that tables are made
CLOSE = 2e-4  # relative gap at which the search ends
KEPT = 2  # latest plans around which tables are made, beside the best one
DUST = 1e-6  # of the mean cell's money
ROUGH = 64  # draws on which the first search goes, where there are many more

Ranked = list[tuple[float, np.ndarray]]  # plans that keep the rules and what they are worth, the best first


@dataclass(frozen=True)
class Frame:
    """What all searches of one question share."""

    question: Problem  # of totals
    shapes: tuple[Shapes, ...]  # of each channel's courses
    limits: tuple[Float[np.ndarray, " channel"], Float[np.ndarray, " channel"]]  # of totals [currency]
    bent: tuple[bool, ...]  # channels of which some curve bends upwards
    special: tuple[int, ...]  # rules that tell decisions of several channels apart


@dataclass(frozen=True)
class Reached:
    """What a search has reached."""

    plans: Ranked
    bound: float
    inner: str  # how the totals were found


def solved(problem: Problem, memory: Memory, starts: tuple[np.ndarray, ...] = ()) -> Solved | None:
    """The best plan of several decisions by cell; None where no plan is found that keeps the rules."""
    if np.any(problem.lower > problem.upper * (1 + ROUNDING)):
        return None
    frame = _frame(problem)
    if np.any(frame.limits[0] > frame.limits[1] * (1 + ROUNDING)):
        return None
    simple = solve(frame.question, memory)
    if simple is None:
        return None
    first = [spread_over_time(problem, simple.spend), *starts]
    rough = _on_few_draws(problem)
    if rough is not None:
        found = _searched(rough, frame, first)
        first = [spend for _, spend in found.plans[:1]] if found and found.plans else first
    found = _searched(problem, frame, first)
    if found is None or not found.plans:
        return None
    for start in starts:  # never worse than a plan that is known
        found = replace(
            found, plans=_joined(problem, found.plans, [start] if _is_better(problem, start, found) else [])
        )
    value, spend = found.plans[0]
    least = LEAST_PROFIT if any(way.cost.any() for way in problem.ways) else LEAST_OUTCOME
    told, proven = _told(problem, frame.bent, found.inner), not any(frame.bent)
    return Solved(_tidy(problem, spend), value, max(found.bound, value), told, gross(problem), least, proven)


def _frame(problem: Problem) -> Frame:
    """What all searches share."""
    low, high = (by_cell(problem, side) for side in (problem.lower, problem.upper))
    rows = own_rows(problem)
    channels = range(len(problem.names))
    held = tuple(shapes(low[channel], high[channel], rows[channel]) for channel in channels)
    bent = tuple(bends_upwards(problem, channel) for channel in channels)
    special = tuple(at for at, rule in enumerate(problem.rules) if _is_special(problem, rule))
    return Frame(flat(problem), held, channel_limits(problem), bent, special)


def _is_better(problem: Problem, start: Float[np.ndarray, " cell"], found: Reached) -> bool:
    return not broken(problem, start) and mean_value(problem, start) > found.plans[0][0]


def _searched(problem: Problem, frame: Frame, first: list[Float[np.ndarray, " cell"]]) -> Reached | None:
    """Tables and ascents in turn, until plan and bound meet; None where no totals keep the rules."""
    plans, bound, inner = _joined(problem, [], first), np.inf, ""
    latest, columns = plans, list[Column]()
    prices = shadow_prices(problem, plans[0][1]) if frame.special and plans else np.zeros(len(problem.rules))
    for _ in range(PASSES):
        known, costs, constant = _tables(problem, frame, [*plans[:1], *latest], prices)
        found, inner = routed(frame.question, [one.table for one in known])
        if found is None:
            return None
        bound = min(bound, found.bound + constant) if frame.special else found.bound + constant
        if plans and _meet(bound, plans[0][0]):
            break
        spends = [np.concatenate([one.money(total) for one, total in zip(known, found.spend.tolist(), strict=True)])]
        if frame.special:
            columns += _columns(known, costs)
            mixture = mixed(problem, columns)
            spends += [mixture.spend, mixture.main] if mixture else []
            prices = mixture.prices if mixture else prices
        news = _joined(problem, [], spends)
        plans, latest = _ranked([*plans, *news]), [*news, *latest][:KEPT]
        if plans and _meet(bound, plans[0][0]):
            break
    return Reached(plans, bound, inner)


def _on_few_draws(problem: Problem) -> Problem | None:
    """The question on some of its draws; None where there are not many more."""
    draws = problem.courses[0].draws
    if draws < 2 * ROUGH:
        return None
    ways = tuple(replace(way, course=thinned(way.course, ROUGH)) for way in problem.ways)
    some, odds = even_draws(draws, ROUGH), problem.payoffs[0].odds
    few = None if odds is None or not odds[some].sum() else odds[some] / odds[some].sum()
    return replace(problem, ways=ways, payoffs=tuple(replace(payoff, odds=few) for payoff in problem.payoffs))


def _tidy(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Float[np.ndarray, " cell"]:
    """The plan with nothing where a solver's tolerance left next to nothing."""
    tidy = np.where(spend < DUST * spend.sum() / len(spend), 0.0, spend)
    return spend if broken(problem, tidy) else tidy


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
    return _ranked(found)


def _ranked(plans: Ranked) -> Ranked:
    """The best plan first."""
    return sorted(plans, key=lambda plan: -plan[0])


def _tables(
    problem: Problem, frame: Frame, plans: Ranked, prices: Float[np.ndarray, " rule"]
) -> tuple[list[Known], Float[np.ndarray, "channel decision"], float]:
    """A table for each channel, what priced rules cost its money, and what they add to the bound."""
    costs, constant = _priced(problem, frame, prices)

    def table(channel: int) -> Known:
        courses = [by_cell(problem, spend)[channel] for _, spend in plans]
        limits = float(frame.limits[0][channel]), float(frame.limits[1][channel])
        cost = problem.ways[channel].cost + costs[channel]
        return tabled(View(problem, channel, frame.shapes[channel], limits, cost, frame.bent[channel]), courses)

    return each(table, range(len(frame.shapes))), costs, constant


def _priced(
    problem: Problem, frame: Frame, prices: Float[np.ndarray, " rule"]
) -> tuple[Float[np.ndarray, "channel decision"], float]:
    """What rules that tell decisions of several channels apart cost a unit of money, and their limits' worth."""
    costs, constant = np.zeros((len(problem.names), problem.decisions)), 0.0
    for at in frame.special:
        rule, price = problem.rules[at], float(prices[at])
        limit = rule.high if price > 0 else rule.low
        if price and np.isfinite(limit):
            costs += price * by_cell(problem, rule.weights)
            constant += price * limit
    return costs, constant


def _columns(known: list[Known], costs: Float[np.ndarray, "channel decision"]) -> list[Column]:
    """The courses that tables know, worth what they are without priced rules."""
    return [
        Column(channel, knot.money, knot.value + float(costs[channel] @ knot.money))
        for channel, one in enumerate(known)
        for knot in one.knots
    ]


def _is_special(problem: Problem, rule: Rule) -> bool:
    """Whether a rule is about several channels and tells their decisions apart."""
    channels = np.flatnonzero(by_cell(problem, rule.weights).any(axis=1))
    return len(channels) > 1 and not is_flat(problem, rule)


def _told(problem: Problem, bent: tuple[bool, ...], inner: str) -> str:
    kind = f"{sum(bent)} channels with S-shaped curves, bound estimated" if any(bent) else "concave curves"
    return f"{problem.decisions} decisions, {kind}: tables of totals ({inner}), ascent on all draws"
