"""What no plan earns more than in each draw, for all draws at once and without solving any.

Money is priced (Lagrange): whatever the price, the budget's worth and what each channel earns at best beyond the price
of its money are together no less than the best plan's earnings. Between two spends of a grid a curve exceeds its chord
by no more than its bend allows. Prices are sought for each draw; rules across channels but the budget are left out, so
that what is found stays a bound.
"""

import numpy as np
from jaxtyping import Float

from engine.optimize.rules import Problem
from engine.optimize.tables import Payoff, objective, outcomes, steepness
from engine.response.curves import inflection

POINTS = 160  # of each channel's grid
FINEST = 1e-9  # of the width: the first step from the least spend
HALVINGS = 14  # of the range of prices
FARTHEST = 5.0  # inverse hyperbolic sine of the highest price, in mean slopes of the channels

Grid = Float[np.ndarray, "point draw"]


def ceilings(problem: Problem) -> Float[np.ndarray, " draw"]:
    """What no plan of one decision earns more than, by draw, less its tolls [objective]."""
    limits = zip(problem.payoffs, problem.lower.tolist(), problem.upper.tolist(), strict=True)
    spends, tops, ends = [], [], []
    for payoff, low, high in limits:
        spend = _grid(payoff, low, high)
        value, above = _measured(payoff, spend)
        spends.append(spend)
        ends.append(value)
        tops.append(above)
    return _priced(problem, spends, ends, tops)


def _grid(payoff: Payoff, low: float, high: float) -> Float[np.ndarray, " point"]:
    if high <= low:
        return np.array([low])
    even = np.linspace(0, 1, POINTS) ** 2.5
    fine = np.geomspace(FINEST, even[1], POINTS // 8)[:-1]
    spend = low + (high - low) * np.concatenate([[0.0], fine, even[1:]])
    kinks = np.array([payoff.anchor, *(above for above, _ in payoff.tiers.steps)])  # a curve bends one way between them
    return np.union1d(spend, kinks[(kinks > low) & (kinks < high)])


def _measured(payoff: Payoff, spend: np.ndarray) -> tuple[Grid, Float[np.ndarray, "interval draw"]]:
    """The objective at a grid by draw, and the most by which it exceeds its chord between two points.

    Of a concave curve that is a quarter of the width times the fall of its slope, of a convex one nothing; where one
    turns into the other it is at most the whole rise.
    """
    value, earned = objective(payoff, spend), outcomes(payoff, spend)
    rise, width = np.diff(earned, axis=0), np.diff(spend)[:, None]
    with np.errstate(invalid="ignore"):
        before, after = (side / payoff.tiers.rate(spend) for side in payoff.tiers.sides(spend))
        slope = steepness(payoff, spend)
        fall = slope[:-1] * after[:-1, None] - slope[1:] * before[1:, None]
    stock, bend = payoff.stock(spend), inflection(payoff.channel)
    concave, convex = np.all(stock[:-1] >= bend, axis=1), np.all(stock[1:] <= bend, axis=1)
    corner = np.where(np.isfinite(fall), np.maximum(fall, 0.0) * width / 4, rise)
    return value, payoff.margin * np.where(convex, 0.0, np.where(concave, np.minimum(corner, rise), rise))


def _priced(
    problem: Problem, spends: list[np.ndarray], ends: list[np.ndarray], tops: list[np.ndarray]
) -> Float[np.ndarray, " draw"]:
    """The lowest bound over prices of money, by bisection on whether channels together want more than the budget."""
    budget = problem.budget
    slopes = [
        np.abs(value[-1] - value[0]) / (x[-1] - x[0]) for x, value in zip(spends, ends, strict=True) if len(x) > 1
    ]
    draws = ends[0].shape[1]
    usual = np.mean(slopes, axis=0) if slopes else np.ones(draws)
    usual = np.maximum(usual, 1e-300)
    low, high, best = np.full(draws, -FARTHEST), np.full(draws, FARTHEST), np.full(draws, np.inf)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        price = usual * np.sinh(middle)  # below 0 where money has to be spent that does not pay
        worth, wanted = _at(spends, ends, tops, price)
        best = np.minimum(best, worth + np.where(price < 0, price * max(budget.low, 0.0), price * budget.high))
        scarce = np.where(price < 0, wanted >= budget.low, wanted > budget.high)
        low, high = np.where(scarce, middle, low), np.where(scarce, high, middle)
    return best


def _at(
    spends: list[np.ndarray], ends: list[np.ndarray], tops: list[np.ndarray], price: np.ndarray
) -> tuple[Float[np.ndarray, " draw"], Float[np.ndarray, " draw"]]:
    """What all channels earn at the most beyond the price of their money, and about what they spend then, by draw."""
    worth, wanted = np.zeros(len(price)), np.zeros(len(price))
    for spend, value, above in zip(spends, ends, tops, strict=True):
        net = value - spend[:, None] * price
        if len(spend) > 1:
            worth += (np.maximum(net[:-1], net[1:]) + above).max(axis=0)
        else:
            worth += net[0]
        wanted += spend[net.argmax(axis=0)]
    return worth, wanted
