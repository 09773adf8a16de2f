"""Draws in which no plan of several decisions reaches a goal, proven draw by draw.

In one draw a curve lies below its concave envelope: from the least stock of a row a straight line to where it touches
the curve, and the curve itself beyond. What a channel earns then lies below planes over its decisions, each of which
touches the envelopes at one course, and a linear program over all rules says what no plan exceeds (cutting planes;
Kelley, The cutting-plane method for solving convex programs, 1960). Planes are added between the best course so far and
where the program would spend, as long as its bound reaches the goal and no envelope is known to (Ben-Ameur and Neto,
Acceleration of cutting-plane and column generation algorithms, 2007).
"""

from dataclasses import dataclass

import highspy
import numpy as np
from jaxtyping import Bool, Float

from engine.optimize.over_time import several
from engine.optimize.over_time.course import Course
from engine.optimize.rules import Problem
from engine.response.curves import inflection, respond, respond_with_rate

ROUNDS = 25  # of planes
INWARDS = 0.3  # of the way from the best course so far to where the program would spend: there planes are added
HALVINGS = 50  # of where a straight line touches a curve
DOUBLINGS = 60  # of the stock up to which that is looked for
SAFE = 1e-6  # relative: what rounding may take off an envelope, and far more than it takes off a bound
TINY = 1e-9  # of a channel's largest stock: where a curve can be infinitely steep, it is touched no nearer to 0
UNIT = 100.0  # what the mean cell's money is scaled to

Money = Float[np.ndarray, "draw cell"]


@dataclass(frozen=True)
class Envelope:
    """The concave envelopes of one channel's rows."""

    course: Course
    least: Float[np.ndarray, "row draw"]  # stock at which they begin [currency/period]
    value: Float[np.ndarray, "row draw"]  # there
    line: Float[np.ndarray, "row draw"]  # slope of the straight line from there
    touch: Float[np.ndarray, "row draw"]  # stock from which on the envelope is the curve


def unreachable(
    problem: Problem, goal: float, reached: Bool[np.ndarray, " draw"], near: Money
) -> Bool[np.ndarray, " draw"]:
    """Draws in which no plan under the rules earns the goal; minimum flights and charges for doubt are left out.

    Args:
        problem: The question, of several decisions.
        goal: What is to be earned, after cost [objective].
        reached: Draws of which it is known that a plan reaches the goal; they are not looked at.
        near: For each draw a plan near which planes begin [currency].
    """
    envelopes = [_envelope(problem, channel) for channel in range(len(problem.names))]
    never, open_draws = np.zeros(len(reached), bool), np.flatnonzero(~reached)
    programs = {draw: _Program(problem, goal) for draw in open_draws.tolist()}
    money, centre, top = near[open_draws], near[open_draws], np.full(len(open_draws), -np.inf)
    for _ in range(ROUNDS):
        if not len(open_draws):
            break
        heights, slopes = _planes(problem, envelopes, money, open_draws)
        better = heights.sum(axis=1) > top
        centre, top = np.where(better[:, None], money, centre), np.maximum(top, heights.sum(axis=1))
        bounds, plans = np.empty(len(open_draws)), np.empty_like(money)
        for at, draw in enumerate(open_draws.tolist()):
            bounds[at], plans[at] = programs[draw].bounded(heights[at], slopes[at], money[at])
        out = bounds < goal - SAFE * np.abs(goal)
        never[open_draws[out]] = True
        left = ~out & np.isfinite(bounds) & (top < goal)
        open_draws, centre, top = open_draws[left], centre[left], top[left]
        money = centre + INWARDS * (plans[left] - centre)
    return never


def _envelope(problem: Problem, channel: int) -> Envelope:
    course = problem.courses[channel]
    least = course.stock(several.by_cell(problem, problem.lower)[channel])
    value, bend = respond(course.channel, least), np.broadcast_to(inflection(course.channel), least.shape)
    low = np.maximum(least, bend)
    high = np.maximum(2 * low, TINY * float(course.gain.max()))
    for _ in range(DOUBLINGS):
        short = _rises(course, high, least, value) & (least < bend)
        if not short.any():
            break
        high = np.where(short, 2 * high, high)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        short = _rises(course, middle, least, value)
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    touch = np.where(least < bend, high, least)
    apart = np.where(touch > least, touch - least, 1.0)
    line = np.where(touch > least, (respond(course.channel, touch) - value) / apart * (1 + SAFE), 0.0)
    return Envelope(course, least, value, line, touch)


def _rises(course: Course, stock: np.ndarray, least: np.ndarray, value: np.ndarray) -> Bool[np.ndarray, "row draw"]:
    """Whether a curve is steeper at a stock than the straight line to it, so that the line touches further on."""
    there, rate = respond_with_rate(course.channel, stock)
    rises: np.ndarray = there - value < rate * (stock - least)
    return rises


def _planes(
    problem: Problem, envelopes: list[Envelope], money: Money, draws: np.ndarray
) -> tuple[Float[np.ndarray, "draw channel"], Money]:
    """Heights and slopes of planes above each channel's objective at a plan of each draw."""
    heights, slopes = np.empty((len(draws), len(envelopes))), np.empty_like(money)
    count = problem.decisions
    for channel, one in enumerate(envelopes):
        payoff, way = problem.payoffs[channel], problem.ways[channel]
        own = slice(channel * count, (channel + 1) * count)
        height, slope = _plane(one, money[:, own], draws)
        heights[:, channel] = payoff.margin * height - money[:, own] @ way.cost
        slopes[:, own] = payoff.margin * slope - way.cost
    return heights, slopes


def _plane(
    one: Envelope, money: Float[np.ndarray, "draw decision"], draws: np.ndarray
) -> tuple[Float[np.ndarray, " draw"], Float[np.ndarray, "draw decision"]]:
    course = one.course
    whole = np.zeros((course.draws, course.decisions))
    whole[draws] = money
    stock = np.einsum("dk,krd->rd", whole, course.gain) + course.offset
    near = np.maximum(stock, np.maximum(one.touch, TINY * float(course.gain.max()) * float(money.sum(axis=1).max())))
    value, rate = respond_with_rate(course.channel, near)
    on_line = (stock < one.touch) & (one.touch > one.least)  # at its least stock it may be below by a rounding
    height = np.where(on_line, one.value + one.line * (stock - one.least), value + rate * (stock - near))
    slope = np.where(on_line, one.line, rate)
    weight = course.weight[:, None]
    heights, slopes = (
        course.constant + (weight * height).sum(axis=0),
        np.einsum("rd,krd->dk", weight * slope, course.gain),
    )
    return heights[draws], slopes[draws]


class _Program:
    """The linear program of one draw: money by cell, and what each channel earns at the most under its planes."""

    def __init__(self, problem: Problem, goal: float) -> None:
        rules = [rule for rule in problem.rules if not rule.flight]
        self.cells, self.channels = len(problem.names) * problem.decisions, len(problem.names)
        self.decisions, self.scale = problem.decisions, max(abs(goal), 1e-300) / UNIT
        self.money = max(problem.budget.high, 1e-300) / (UNIT * self.cells)
        self.solver = highspy.Highs()
        for option, setting in (("output_flag", False), ("threads", 1), ("presolve", "off")):
            self.solver.setOptionValue(option, setting)
        self.solver.changeObjectiveSense(highspy.ObjSense.kMaximize)
        free = np.full(self.channels, np.inf)
        cost = np.append(np.zeros(self.cells), np.ones(self.channels))
        ends = np.append(problem.lower / self.money, -free), np.append(problem.upper / self.money, free)
        empty = np.zeros(0, np.int32)
        self.solver.addCols(len(cost), cost, *ends, 0, np.zeros(len(cost), np.int32), empty, np.zeros(0))
        self.box = problem.lower / self.money, problem.upper / self.money
        self.rules, self.rows, self.limits = len(rules), list[np.ndarray](), list[tuple[float, float]]()
        for rule in rules:
            self._row(rule.weights, rule.low / self.money, rule.high / self.money, None)

    def _row(self, weights: np.ndarray, low: float, high: float, channel: int | None) -> None:
        """Add a row over money; with a channel it is a plane, below which lies what that earns."""
        self.rows.append(weights)
        self.limits.append((low, high))
        places, values = weights.nonzero()[0], weights[weights != 0]
        if channel is not None:
            places, values = np.append(places, self.cells + channel), np.append(values, 1.0)
        self.solver.addRow(low, high, len(places), places.astype(np.int32), values)

    def bounded(
        self, heights: np.ndarray, slopes: np.ndarray, money: np.ndarray
    ) -> tuple[float, Float[np.ndarray, " cell"]]:
        """What no plan exceeds after planes at a plan were added, infinite where that is not known; and where it is."""
        unit = self.money / self.scale
        for channel in range(self.channels):
            own = np.arange(self.cells) // self.decisions == channel
            level = (heights[channel] - float(slopes[own] @ money[own])) / self.scale
            self._row(np.where(own, -slopes * unit, 0.0), -np.inf, level, channel)
        self.solver.run()
        if self.solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return np.inf, money
        found = np.maximum(np.array(self.solver.getSolution().col_value)[: self.cells], 0.0) * self.money
        return self._limit(np.array(self.solver.getSolution().row_dual)) * self.scale, found

    def _limit(self, duals: np.ndarray) -> float:
        """What no plan exceeds by weak duality, whatever the prices of rows: those of one channel's planes weigh them.

        The first rows are rules, and then come planes of one channel after the other, again and again.
        """
        low, high = np.array(self.limits).T
        limits = np.where(duals > 0, high, low)
        duals = np.where(np.isfinite(limits), duals, 0.0)
        planes = duals[self.rules :].reshape(-1, self.channels)
        if not np.all(planes.sum(axis=0) > 0):
            return np.inf
        duals[self.rules :] = (planes / planes.sum(axis=0)).ravel()
        beyond = -duals @ np.array(self.rows)
        return float(
            duals @ np.where(duals == 0, 0.0, limits) + np.where(beyond > 0, self.box[1], self.box[0]) @ beyond
        )
