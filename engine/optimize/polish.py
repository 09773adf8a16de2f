"""A last step: from a plan on the knots to the exact optimum of its own concave stretch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from engine.optimize.rules import Problem
from engine.optimize.tables import KINK, Payoff
from engine.optimize.together import Together, together

ROUNDS = 20  # Newton steps: each squares the error, or takes a channel to a limit
NUDGE = 1e-4  # relative step of the second derivative
FLATTEST = 1e-9  # of the strongest bend: weaker ones count as this


@dataclass(frozen=True)
class Ground:
    """What a plan is polished on: the problem's curves and limits, each looked up once."""

    earns: Together
    lower: Float[np.ndarray, " channel"]
    upper: Float[np.ndarray, " channel"]
    flight: Float[np.ndarray, " channel"]
    most: float  # the budget
    weights: Float[np.ndarray, "rule channel"]
    low: Float[np.ndarray, " rule"]
    high: Float[np.ndarray, " rule"]
    least: Float[np.ndarray, " rule"]  # minimum flights, 0 for rules of another kind
    across: tuple[int, ...]  # rules about several channels
    cost: Float[np.ndarray, " channel"]
    anchor: Float[np.ndarray, " channel"]
    toll: Float[np.ndarray, "channel 2"]
    kinks: Float[
        np.ndarray, "channel kink"
    ]  # spends at which a slope changes at once; not a number where there is none

    def charge(self, spend: Float[np.ndarray, " channel"]) -> Float[np.ndarray, " channel"]:
        """What is taken off each channel's outcome: its cost and the toll on its move."""
        moved = spend - self.anchor
        return self.cost * spend + np.where(moved < 0, -self.toll[:, 0], self.toll[:, 1]) * moved

    def worth(self, spend: Float[np.ndarray, " channel"]) -> float:
        """Mean objective of a plan."""
        return float((self.earns.means(spend)[0] - self.charge(spend)).sum())

    def slope(self, spend: Float[np.ndarray, " channel"]) -> Float[np.ndarray, " channel"]:
        """Mean outcome that one more unit of money earns on each channel, before all charges [objective]."""
        return self.earns.means(np.where(spend > 0, spend, 1e-9 * (spend.sum() or self.most)))[1]

    def sides(
        self, spend: Float[np.ndarray, " channel"]
    ) -> tuple[Float[np.ndarray, " channel"], Float[np.ndarray, " channel"]]:
        """`sides` of the problem."""
        slope, spend = self.slope(spend), np.where(spend > 0, spend, 1e-9 * (spend.sum() or self.most))
        moved, rounding = spend - self.anchor, KINK * self.anchor
        less, more = self.toll.T
        last, following = self.earns.leaning(spend)
        return (
            last * slope - self.cost - np.where(moved <= rounding, -less, more),
            following * slope - self.cost - np.where(moved < -rounding, -less, more),
        )

    def keeps(self, spend: Float[np.ndarray, " channel"], slack: float = 1e-7) -> bool:
        """Whether no rule is broken, as `broken` tells it one by one."""
        amount, scale = self.weights @ spend, slack * float(np.abs(spend).sum())
        within = (amount >= self.low - scale) & (amount <= self.high + scale)
        flies = (amount <= scale) | (amount >= self.least - scale) | (self.least == 0)
        return bool(np.all(within & flies))


def ground(problem: Problem) -> Ground:
    """What plans of a problem are polished on."""
    rules, payoffs = problem.rules, problem.payoffs
    return Ground(
        together(payoffs),
        problem.lower,
        problem.upper,
        problem.flight,
        problem.budget.high,
        np.array([rule.weights for rule in rules]),
        np.array([rule.low for rule in rules]),
        np.array([rule.high for rule in rules]),
        np.array([rule.flight for rule in rules]),
        tuple(index for index, rule in enumerate(rules) if rule.channel is None),
        np.array([payoff.cost for payoff in payoffs]),
        np.array([payoff.anchor for payoff in payoffs]),
        np.array([payoff.toll for payoff in payoffs]),
        _kinks(payoffs),
    )


def _kinks(payoffs: Sequence[Payoff]) -> Float[np.ndarray, "channel kink"]:
    """Today's spend where moves are charged, and the amounts at which prices change."""
    rows = [[p.anchor if any(p.toll) else math.nan, *(above for above, _ in p.tiers.steps)] for p in payoffs]
    width = max(len(row) for row in rows)
    return np.array([row + [math.nan] * (width - len(row)) for row in rows])


def mean_value(problem: Problem, spend: Float[np.ndarray, " channel"]) -> float:
    """Mean objective of a plan over all draws, less what its moves are charged for their doubt."""
    return ground(problem).worth(spend)


def charged(problem: Problem, spend: Float[np.ndarray, " channel"]) -> float:
    """What a plan's moves from today's split are charged for their doubt, at least 0 [objective]."""
    return sum(float(payoff.doubted(spend[channel : channel + 1])[0]) for channel, payoff in enumerate(problem.payoffs))


def marginal(problem: Problem, spend: Float[np.ndarray, " channel"]) -> Float[np.ndarray, " channel"]:
    """Mean objective that one more unit of money earns on each channel; the middle of both sides at a kink.

    Where nothing is spent it is taken at a billionth of the money, because the slope at 0 can be infinite.
    """
    last, following = sides(problem, spend)
    return (last + following) / 2


def sides(
    problem: Problem, spend: Float[np.ndarray, " channel"]
) -> tuple[Float[np.ndarray, " channel"], Float[np.ndarray, " channel"]]:
    """Mean objective that the last unit of money earned on each channel, and that the next one earns.

    They differ at today's spend alone, from which moves to both sides are charged.
    """
    return ground(problem).sides(spend)


def untolled(problem: Problem) -> Problem:
    """The problem without charges for the doubt of moves."""
    return replace(problem, payoffs=tuple(replace(payoff, toll=(0.0, 0.0)) for payoff in problem.payoffs))


def movable(
    problem: Problem, spend: Float[np.ndarray, " channel"]
) -> tuple[Bool[np.ndarray, " channel"], Bool[np.ndarray, " channel"]]:
    """Channels that can spend a little more, and a little less, without breaking a rule of their own."""
    return _movable((problem.lower, problem.upper, problem.flight, problem.budget.high), spend)


def _movable(
    limits: tuple[np.ndarray, np.ndarray, np.ndarray, float], spend: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    low, high, flight, most = limits
    high = np.where(high >= most, np.inf, high)  # the budget is a rule across channels
    slack = 1e-7 * float(spend.sum())
    grounded = (flight > 0) & (spend <= slack)
    least = np.where(spend > 0, np.maximum(low, flight), low)
    return ~grounded & (spend < high - slack), spend > least + slack


def free_channels(problem: Problem, spend: Float[np.ndarray, " channel"]) -> list[int]:
    """Channels that can move both ways a little without breaking a rule of their own."""
    up, down = movable(problem, spend)
    return np.flatnonzero(up & down).tolist()


def active_rows(problem: Problem, spend: Float[np.ndarray, " channel"]) -> list[int]:
    """Indices of the rules about several channels that the plan just keeps."""
    slack = 1e-7 * float(spend.sum())
    return [
        index
        for index, rule in enumerate(problem.rules)
        if rule.channel is None
        and min(abs(rule.weights @ spend - rule.low), abs(rule.weights @ spend - rule.high)) <= slack
    ]


def polished(problem: Problem, spend: Float[np.ndarray, " channel"]) -> Float[np.ndarray, " channel"]:
    """The plan after Newton steps that equalise marginal values under its active rules.

    A step is taken only where the plan keeps every rule and earns more; else the plan stays as it was.
    """
    return climbed(ground(problem), spend)


def climbed(on: Ground, spend: Float[np.ndarray, " channel"]) -> Float[np.ndarray, " channel"]:
    """`polished`, on a ground that is laid already."""
    best, best_value = spend, on.worth(spend)
    for _ in range(ROUNDS):
        step = _newton(on, best)
        if step is None:
            break
        for shorter in (1.0, 0.25, 0.0625):
            trial = np.clip(best + shorter * step, on.lower, on.upper)
            value = on.worth(trial) if on.keeps(trial) else -math.inf
            if value > best_value:
                break
        else:
            break
        best, best_value = trial, value
    return best


def _newton(on: Ground, spend: np.ndarray) -> np.ndarray | None:
    """The step to the top of a concave quadratic model on the active rules, shortened to keep all others.

    Where a curve is convex its bend enters without its sign, so that the step still leads upwards.
    """
    if not spend.any():
        return None
    up, down = _movable((on.lower, on.upper, on.flight, on.most), spend)
    last, following = on.sides(spend)
    free, rows = up & down & (last == following), _active(on, spend)
    prices, rows = _prices(on, (last + following) / 2, free, rows)
    worth = on.weights[rows].T @ prices
    free = (up & (following > worth)) | (down & (last < worth))  # from a limit or a kink only where it pays
    slope = np.where(following > worth, following, last)
    if not free.any():
        return None
    bend = np.maximum(_bend(on, spend), np.finfo(float).tiny)
    bend = np.maximum(bend, FLATTEST * bend[free].max())[free]
    matrix = on.weights[rows][:, free]
    prices = np.linalg.lstsq(matrix / bend @ matrix.T, matrix / bend @ slope[free], rcond=None)[0]
    step = np.zeros(len(spend))
    step[free] = (slope[free] - matrix.T @ prices) / bend
    return step * _room(on, spend, step, rows) if np.any(step) else None


def _active(on: Ground, spend: np.ndarray) -> list[int]:
    """`active_rows`, looked up at once."""
    amount, slack = on.weights @ spend, 1e-7 * float(spend.sum())
    near = np.minimum(np.abs(amount - on.low), np.abs(amount - on.high)) <= slack
    return [index for index in on.across if near[index]]


def _prices(
    on: Ground, slope: np.ndarray, free: np.ndarray, rows: list[int]
) -> tuple[Float[np.ndarray, " row"], list[int]]:
    """Multipliers of active rows, without the rows that the plan would rather leave."""
    while True:
        known = free if free.any() else np.ones(len(slope), bool)
        prices = np.linalg.lstsq(on.weights[rows][:, known].T, slope[known], rcond=None)[0]
        wrong = [
            0.0 if on.low[row] == on.high[row] else max(0.0, -price if math.isfinite(on.high[row]) else price)
            for row, price in zip(rows, prices.tolist(), strict=True)
        ]
        if max(wrong, default=0.0) <= 1e-9 * float(np.abs(slope).max()):
            return prices, rows
        worst = int(np.argmax(wrong))
        rows = rows[:worst] + rows[worst + 1 :]


def _bend(on: Ground, spend: np.ndarray) -> Float[np.ndarray, " channel"]:
    """Size of the second derivative of each channel's objective, kinks left out."""
    nudge = NUDGE * np.maximum(spend, 1e-6 * spend.sum())
    below = np.where(spend > nudge, spend - nudge, spend)
    bend: np.ndarray = np.abs(on.slope(spend + nudge) - on.slope(below)) / (spend + nudge - below)
    return bend


def _room(on: Ground, spend: np.ndarray, step: np.ndarray, held: list[int]) -> float:
    """The share of a step, at most all of it, that keeps within every limit but those of the rows it runs along.

    A kink ahead is a limit too: there the slope changes.
    """
    flies = (on.flight > 0) & (spend > 0)
    least = np.where(flies, np.maximum(on.lower, on.flight), on.lower)
    here = spend[:, None]
    most = np.minimum(on.upper, np.where(here < on.kinks * (1 - KINK), on.kinks, np.inf).min(axis=1))
    least = np.maximum(least, np.where(here > on.kinks * (1 + KINK), on.kinks, 0.0).max(axis=1))
    at, by = np.append(spend, on.weights @ spend), np.append(step, on.weights @ step)
    low, high = np.append(least, on.low), np.append(most, on.high)
    moves = by != 0
    moves[len(spend) + np.array(held, int)] = False
    limit = np.where(by > 0, high, low)[moves]
    return max(0.0, float(np.min((limit - at[moves]) / by[moves], initial=1.0)))
