"""Columns: known courses of all channels, mixed so that every rule is kept (Dantzig and Wolfe, 1960).

Where rules tell decisions of several channels apart, prices that a plan has on its own hill say little about other
hills. A mixture of all courses that were looked at says more: it keeps every rule, and its prices are those at which
the courses of the next tables are looked for.
"""

from dataclasses import dataclass

import highspy
import numpy as np
from jaxtyping import Float

from engine.optimize.over_time.several import by_cell
from engine.optimize.rules import Problem

UNIT = 100.0  # what the mean cell's money, and the mean channel's worth, are scaled to


@dataclass(frozen=True)
class Column:
    """A course of a channel and what it is worth."""

    channel: int
    money: Float[np.ndarray, " decision"]
    value: float  # mean objective


@dataclass(frozen=True)
class Mixture:
    """The best mixture of columns under the rules."""

    spend: Float[np.ndarray, " cell"]
    main: Float[np.ndarray, " cell"]  # of each channel the column that it has most of; it need not keep the rules
    prices: Float[np.ndarray, " rule"]  # what a unit of room by each rule is worth, of a lower limit below 0


def mixed(problem: Problem, columns: list[Column]) -> Mixture | None:
    """The best mixture; None where the columns cannot keep the rules, minimum flights aside."""
    count, cells = len(problem.names), len(problem.names) * problem.decisions
    money = np.zeros((len(columns), cells))
    for row, column in zip(money, columns, strict=True):
        by_cell(problem, row)[column.channel] = column.money
    unit = max(float(money.sum(axis=1).mean()), 1e-300) / UNIT
    worth = max(float(np.mean([abs(column.value) for column in columns])), 1e-300) / UNIT
    rules = [at for at, rule in enumerate(problem.rules) if not rule.flight]
    weights = np.array([problem.rules[at].weights for at in rules]) @ money.T / unit
    low, high = (np.array([getattr(problem.rules[at], side) for at in rules]) / unit for side in ("low", "high"))
    owner = np.array([column.channel for column in columns])
    one = (owner == np.arange(count)[:, None]).astype(float)
    value = np.array([column.value for column in columns]) / worth
    solver = _solved(
        value, np.concatenate([one, weights]), np.append(np.ones(count), low), np.append(np.ones(count), high)
    )
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    solution = solver.getSolution()
    share = np.array(solution.col_value)
    prices = np.zeros(len(problem.rules))
    prices[rules] = np.array(solution.row_dual)[count:] * worth / unit
    main = sum((money[int(np.argmax(np.where(owner == at, share, -1.0)))] for at in range(count)), np.zeros(cells))
    return Mixture(share @ money, main, prices)


def _solved(
    value: Float[np.ndarray, " column"],
    weights: Float[np.ndarray, "row column"],
    low: Float[np.ndarray, " row"],
    high: Float[np.ndarray, " row"],
) -> highspy.Highs:
    """The program of shares of columns, solved."""
    solver, count = highspy.Highs(), len(value)
    for option, setting in (("output_flag", False), ("threads", 1)):
        solver.setOptionValue(option, setting)
    solver.changeObjectiveSense(highspy.ObjSense.kMaximize)
    nothing = np.zeros(0)
    ends = np.zeros(count), np.ones(count)
    solver.addCols(count, value, *ends, 0, np.zeros(count, np.int32), nothing.astype(np.int32), nothing)
    starts = np.arange(0, weights.size, count, dtype=np.int32)
    solver.addRows(
        len(weights),
        low,
        high,
        weights.size,
        starts,
        np.tile(np.arange(count, dtype=np.int32), len(weights)),
        weights.ravel(),
    )
    solver.run()
    return solver
