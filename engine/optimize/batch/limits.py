"""What each row of a batch may spend, and what its moves are charged: the rules of a problem for all rows at once."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from engine.optimize.batch.variations import Variants
from engine.optimize.closeness import ROUNDING
from engine.optimize.rules import Problem, Rule, nearby
from engine.optimize.tables import Payoff, doubt

Rowed = Float[np.ndarray, "channel row"]
SLACK = 1e-7  # of all that is spent: what passes as rounding when rules are checked


@dataclass(frozen=True)
class Limits:
    """The range of every channel and group by row, and what moves are charged [currency, objective per currency]."""

    low: Rowed  # the minimum flight where a channel must fly or may
    high: Rowed
    idle: Bool[np.ndarray, "channel row"]  # whether it may spend nothing instead
    least: Float[np.ndarray, " row"]  # of the total
    most: Float[np.ndarray, " row"]
    members: tuple[tuple[bool, ...], ...]  # of each group
    group_low: Float[np.ndarray, "group row"]
    group_high: Float[np.ndarray, "group row"]
    anchor: Rowed
    less: Rowed
    more: Rowed


def apart(problem: Problem) -> bool:
    """Whether rules across channels are bounds of groups that share no channel, and nothing is counted or tiered."""
    if problem.is_discrete or any(payoff.tiers.steps for payoff in problem.payoffs):
        return False
    groups = {tuple(rule.weights.tolist()) for rule in problem.rows}
    return all(set(one) <= {0.0, 1.0} for one in groups) and all(sum(each) <= 1 for each in zip(*groups, strict=True))


def limits(problem: Problem, given: Variants) -> Limits:
    """The limits of all rows of a problem whose groups are apart."""
    fixed = problem.budget.low == problem.budget.high
    lower, high, flight = _own(problem, given.budget)
    flies, grounded = lower > 0, flight > high * (1 + ROUNDING)
    high = np.where(grounded & ~flies, 0.0, high)
    lower = np.where(flies, np.maximum(lower, flight), lower)
    idle = (flight > 0) & ~flies & ~grounded
    low = np.where(idle, np.minimum(flight, high), lower)
    members, bounds = _groups(problem, given.budget)
    least = given.budget if fixed else np.zeros_like(given.budget)
    anchor, less, more = _tolls(problem, given)
    return Limits(low, high, idle, least, given.budget, members, *bounds, anchor, less, more)


def _own(problem: Problem, budget: Float[np.ndarray, " row"]) -> tuple[Rowed, Rowed, Float[np.ndarray, "channel one"]]:
    """Least and most spend of each channel by its own rules and the budget, and its minimum flight."""
    low, high = (start + np.zeros((len(problem.names), len(budget))) for start in (0.0, budget))
    flight = np.zeros((len(problem.names), 1))
    for rule in problem.rules[1:]:
        if (channel := rule.channel) is not None:
            least, most = _sides(rule, budget)
            low[channel], high[channel] = np.maximum(low[channel], least), np.minimum(high[channel], most)
            flight[channel] = max(flight[channel, 0], rule.flight)
    return low, high, flight


def _groups(
    problem: Problem, budget: Float[np.ndarray, " row"]
) -> tuple[tuple[tuple[bool, ...], ...], tuple[np.ndarray, np.ndarray]]:
    """The members of each group and its bounds by row."""
    members: dict[tuple[bool, ...], tuple[np.ndarray, np.ndarray]] = {}
    for rule in problem.rows:
        inside = tuple((rule.weights > 0).tolist())
        low, high = members.get(inside, (np.zeros_like(budget), np.full_like(budget, np.inf)))
        least, most = _sides(rule, budget)
        members[inside] = np.maximum(low, least), np.minimum(high, most)
    bounds = list(members.values())
    low, high = (np.array([one[side] for one in bounds]).reshape(len(bounds), len(budget)) for side in (0, 1))
    return tuple(members), (low, high)


def _sides(rule: Rule, budget: Float[np.ndarray, " row"]) -> tuple[np.ndarray, np.ndarray]:
    """The lower and the upper limit of a rule by row; a share is one of the row's own budget."""
    low, high = np.full_like(budget, rule.low), np.full_like(budget, rule.high)
    if rule.share:
        low, high = (np.where(np.isfinite(side), rule.share * budget, side) for side in (low, high))
    return low, high


def tolls(held: Limits, spend: Rowed) -> Float[np.ndarray, " row"]:
    """What the moves of each row are charged for their doubt [objective]."""
    moved = spend - held.anchor
    charged: np.ndarray = (np.where(moved < 0, -held.less, held.more) * moved).sum(0)
    return charged


def _tolls(problem: Problem, given: Variants) -> tuple[Rowed, Rowed, Rowed]:
    """Today's split of each row's budget, and what a move to less and to more than it is charged."""
    none, history = np.zeros((len(problem.names), len(given.budget))), problem.history
    if not problem.prudence or not history.sum():
        return none, none, none
    fixed = problem.budget.low == problem.budget.high
    today = history[:, None] * (given.budget / history.sum() if fixed else np.ones_like(given.budget))
    low, high = nearby(problem, today)
    less, more = none.copy(), none.copy()
    for channel, payoff in enumerate(problem.payoffs):
        for view in range(given.views):
            rows = np.flatnonzero(given.view == view)
            seen = payoff if given.odds is None else replace(payoff, odds=given.odds[view])
            price, effect = given.price[rows, channel], given.effect[rows, channel]
            asked = np.stack([today[channel, rows], low[channel, rows], high[channel, rows]]) / price
            rate = problem.prudence * effect / price
            less[channel, rows], more[channel, rows] = rate * _doubts(seen, asked)
    return today, less, more


def _doubts(payoff: Payoff, asked: Float[np.ndarray, "three row"]) -> Float[np.ndarray, "two row"]:
    """The doubt of moves to less and to more by row, each anchor and range looked at once."""
    different, which = np.unique(asked, axis=1, return_inverse=True)
    found = [doubt(payoff, anchor, low, high) for anchor, low, high in different.T.tolist()]
    return np.array(found).T[:, which.ravel()]


def kept(
    problem: Problem, given: Variants, rows: Int[np.ndarray, " some"], spend: Float[np.ndarray, "channel some"]
) -> Bool[np.ndarray, " some"]:
    """Whether the splits of some rows keep every rule, checked one by one from their definition."""
    budget, slack = given.budget[rows], SLACK * spend.sum(0)
    fine = np.isfinite(slack)
    for index, rule in enumerate(problem.rules):
        amount = rule.weights @ spend
        low, high = _sides(rule, budget)
        if index == 0:
            low, high = (budget if rule.low == rule.high else low), budget
        fine &= (amount >= low - slack) & (amount <= high + slack)
        fine &= ~((amount > slack) & (amount < rule.flight - slack))
    return fine
