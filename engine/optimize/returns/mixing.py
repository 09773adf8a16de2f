"""Columns: courses of single channels that are known, mixed so that every rule and least return is kept.

The best mixture (Dantzig and Wolfe, 1960) has prices at which the next courses are looked for. Where curves are concave
the mixture itself is a plan that keeps all; where they are not it promises too much.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import linprog

from engine.optimize.over_time import several
from engine.optimize.returns.row import SLACK, Return, mean_outcome
from engine.optimize.rule import Rule
from engine.optimize.rules import Problem
from engine.optimize.tables import outcomes

Prices = Float[np.ndarray, " row"]


@dataclass(frozen=True)
class Column:
    """A course of one channel, what it is worth, and what it brings beyond what each row asks."""

    channel: int
    money: Float[np.ndarray, " decision"]
    value: float
    room: Float[np.ndarray, " row"]


@dataclass(frozen=True)
class Mixture:
    """The best mixture of columns that keeps all rules and rows."""

    spend: Float[np.ndarray, " cell"]
    value: float  # of the columns, mixed: no prices bound the plans by less
    shares: Float[np.ndarray, " column"]
    prices: Prices  # of the rows


def worth(problem: Problem, spend: Float[np.ndarray, " cell"]) -> float:
    """Mean objective of a plan less its tolls, over all draws."""
    return float(_values(problem, spend).sum())


def _values(problem: Problem, spend: np.ndarray) -> Float[np.ndarray, " channel"]:
    """Mean objective of each channel less its toll."""
    if problem.ways:
        outcome = several.outcomes(problem, spend) @ several.chances(problem)
        charge = several.charges(problem, spend) + several.tolls(problem, spend)
    else:
        points = [spend[at : at + 1] for at in range(len(spend))]
        pairs = list(zip(problem.payoffs, points, strict=True))
        outcome = np.array([float(payoff.average(outcomes(payoff, point))[0]) for payoff, point in pairs])
        charge = np.array([float(payoff.charge(point)[0]) for payoff, point in pairs])
    return np.array([payoff.margin for payoff in problem.payoffs]) * outcome - charge


def columns_of(problem: Problem, rows: tuple[Return, ...], spend: np.ndarray) -> list[Column]:
    """A plan as one column for each channel."""
    values, money = _values(problem, spend), several.by_cell(problem, spend)
    found = []
    for channel, own in enumerate(money):
        brings = mean_outcome(problem.payoffs, problem.ways, spend, channel)
        room = [row.members[channel] * (row.scale[channel] * brings - row.least * own.sum()) for row in rows]
        found.append(Column(channel, own, float(values[channel]), np.array(room)))
    return found


def mixed(problem: Problem, rows: tuple[Return, ...], columns: list[Column], even: bool = False) -> Mixture | None:
    """The best mixture of columns that keeps all rules and rows, and the prices of the rows; None where none does.

    With `even` the least room by any row, as a share of what it asks of the budget, is made as large as can be.
    """
    count, cells = len(problem.names), len(problem.names) * problem.decisions
    money = np.zeros((len(columns), cells))
    for row, column in zip(money, columns, strict=True):
        several.by_cell(problem, row)[column.channel] = column.money
    owner = np.array([column.channel for column in columns])
    one = (owner == np.arange(count)[:, None]).astype(float)
    unit = max(float(problem.budget.high) if np.isfinite(problem.budget.high) else 0.0, float(money.max()), 1e-300)
    asked = np.array([row.least for row in rows]) * unit
    room = np.array([column.room for column in columns]).T / asked[:, None]
    value = np.array([column.value for column in columns])
    size = max(float(np.abs(value).max()), 1e-300)
    limits, most = _rows_of(problem.rules, money / unit, unit)
    more = np.ones((len(rows), 1)) if even else np.zeros((len(rows), 0))
    upper = np.block([[limits, np.zeros((len(limits), more.shape[1]))], [-room, more]])
    cost = np.append(np.zeros(len(value)), -1.0) if even else -value / size
    ends = [(0.0, 1.0)] * len(columns) + [(None, None)] * more.shape[1]
    equal = np.concatenate([one, np.zeros((count, more.shape[1]))], axis=1)
    found = linprog(cost, upper, np.append(most, np.zeros(len(rows))), equal, np.ones(count), ends, method="highs")
    if found.status != 0:
        return None
    prices = -np.array(found.ineqlin.marginals)[len(limits) :] / asked * (1.0 if even else size)
    shares = found.x[: len(columns)]
    return Mixture(shares @ money, float(shares @ value), shares, np.maximum(0.0, prices))


def _rows_of(
    rules: tuple[Rule, ...], money: Float[np.ndarray, "column cell"], unit: float
) -> tuple[Float[np.ndarray, "limit column"], Float[np.ndarray, " limit"]]:
    """The rules, minimum flights and whole numbers aside, as upper limits over columns."""
    weights, most = [np.zeros(len(money))], [0.0]
    for rule in rules:
        amount, slack = money @ rule.weights, SLACK * 1e-3
        if np.isfinite(rule.high):
            weights.append(amount)
            most.append(rule.high / unit + slack)
        if np.isfinite(rule.low):
            weights.append(-amount)
            most.append(slack - rule.low / unit)
    return np.array(weights), np.array(most)
