"""Alternatives: other courses of single channels, tried from a plan that stands on top of its own hill.

Where curves bend upwards or flights have a least, the best plan may stand on another hill: with a channel's money in
other decisions, or a channel off or on in one of them. Such courses are ranked by what they earn after the prices of
the plan's rules, and the plan with the best of them climbs again.
"""

import itertools
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from engine.optimize.over_time.ascent import reached, shadow_prices
from engine.optimize.over_time.course import means
from engine.optimize.over_time.several import by_cell, chances, mean_value
from engine.optimize.over_time.shapes import Shapes
from engine.optimize.rules import Problem
from engine.optimize.side_by_side import each

ROUNDS = 6  # exchanges at most
TRIED = 3  # promising alternatives from which it is climbed in a round
MOST_TRIED = 8  # alternatives in a round
KINDS = 6  # of a channel that are ranked
UNPROMISING = 12  # over the number of channels: how many that promise nothing are tried, too
LEANS = 0.2  # of an even share: how far the first decision is from it
APART = 0.05  # of a total: courses that differ by less are the same
WORTH = 1e-4  # of the plan's worth: what an exchange must promise and bring
FEW = 4  # decisions whose every order is looked at
PARTS = (0.5, 2.0)  # of a channel's total: where its other courses are looked at beside the same
EVEN = 1e-9

Alternative = tuple[bool, float, int, np.ndarray]  # whether of the same total, what it promises, channel and course


def exchanged(problem: Problem, shapes: tuple[Shapes, ...], spend: Float[np.ndarray, " cell"]) -> np.ndarray:
    """The plan after the best exchanges of courses, one channel at a time; it keeps every rule, as the first does.

    Args:
        problem: The question.
        shapes: Which courses each channel's own rules allow.
        spend: A plan that keeps every rule, on top of its hill.
    """
    value = mean_value(problem, spend)
    for _ in range(ROUNDS):
        least = WORTH * abs(value)
        tops = (reached(problem, one) for one in _alternatives(problem, shapes, spend, least))
        better = ((mean_value(problem, top), top) for top in tops if top is not None)
        found = next((one for one in better if one[0] > value + least), None)
        if found is None:
            break
        value, spend = found
    return spend


def _alternatives(
    problem: Problem, shapes: tuple[Shapes, ...], spend: np.ndarray, least: float
) -> Iterator[Float[np.ndarray, " cell"]]:
    """Plans with another course of one channel, which need not keep the rules.

    First courses of the same total, which keep the rules about totals. Those that promise less than enough are tried
    where few channels leave time for it: they may lie at the foot of a higher hill.
    """
    money, prices = by_cell(problem, spend), by_cell(problem, _prices(problem, spend))
    found = each(lambda at: _best(problem, shapes[at], (at, money, prices[at])), range(len(money)))
    for same in (True, False):
        own = sorted((one for some in found for one in some if one[0] == same), key=lambda one: -one[1])
        unpromising = min(MOST_TRIED, UNPROMISING // len(money))
        tried = max(min(TRIED, sum(promise > least for _, promise, *_ in own)), unpromising)
        for _, _, channel, course in own[:tried]:
            changed = spend.copy()
            by_cell(problem, changed)[channel] = course
            yield changed


def _best(problem: Problem, shapes: Shapes, asked: tuple[int, np.ndarray, np.ndarray]) -> list[Alternative]:
    """The other courses of a channel that earn most at some prices: of the same total, and of others."""
    channel, money, prices = asked
    own, payoff, usual = money[channel], problem.payoffs[channel], float(money.sum()) / len(money)
    courses = np.array([own, *_others(shapes, own, usual)])
    totals = courses.sum(axis=1)
    outcome = means(problem.courses[channel], courses, chances(problem))
    net = payoff.margin * outcome - courses @ (problem.ways[channel].cost + prices) - payoff.doubted(totals)
    alike = np.abs(totals - totals[0]) <= EVEN * max(usual, totals[0])
    other = np.abs(courses - own).max(axis=1) > APART * max(usual, totals[0])
    sides = (np.flatnonzero(side & other) for side in (alike, ~alike))
    tops = [at for side in sides for at in side[np.argsort(-net[side], kind="stable")][:KINDS].tolist()]
    return [(bool(alike[at]), float(net[at] - net[0]), channel, courses[at]) for at in tops]


def _others(shapes: Shapes, own: Float[np.ndarray, " decision"], usual: float) -> Iterator[np.ndarray]:
    """Other courses of a channel: its own in another order, with one decision changed, of other kinds, or of none."""
    count, total = len(own), float(own.sum())

    def allowed(money: np.ndarray) -> bool:
        return shapes.allows(money, float(money.sum()))

    orders = (
        itertools.permutations(range(count)) if count <= FEW else (np.roll(range(count), by) for by in range(count))
    )
    yield from filter(allowed, (own[list(order)] for order in orders))
    flights = np.where(shapes.flight > 0, shapes.flight, usual / count)
    changed = (np.where(np.arange(count) == at, amount, own) for at in range(count) for amount in (0.0, flights[at]))
    yield from filter(allowed, changed)
    even, rising = np.full(count, 1 / count), np.linspace(1 - LEANS, 1 + LEANS, count) / count
    some = (own / total if total > 0 else even, even, rising, rising[::-1])  # evenly can be a saddle
    for one in {total, *(part * total for part in PARTS), usual, shapes.lightest} - {0.0}:
        yield from shapes.kinds(some, one)
    yield from filter(allowed, [np.zeros(count)])


def _prices(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Float[np.ndarray, " cell"]:
    """What a unit of each cell's money costs by the rules of several channels [objective/currency]."""
    found = np.zeros(len(spend))
    for rule, price in zip(problem.rules, shadow_prices(problem, spend).tolist(), strict=True):
        if np.count_nonzero(by_cell(problem, rule.weights).any(axis=1)) > 1:
            found += price * rule.weights
    return found
