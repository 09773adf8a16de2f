"""Tables of totals: what the best course of each total of a channel earns, and what no course of it exceeds.

Rules across channels speak of totals over the horizon, so how a channel spreads its money over time is its own matter.
At each of some totals a course is looked at on all draws; the plane that touches its outcome there becomes a line over
totals (see `shapes`). Where every curve is concave planes lie nowhere below the outcome, and the lines are a proof.
Where curves bend upwards, what lies above is an estimate: the best course is looked for among a few kinds of courses.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.optimize.over_time.course import Course, means, tangents, thinned
from engine.optimize.over_time.several import by_cell
from engine.optimize.over_time.shapes import Shapes, filled
from engine.optimize.rules import Problem
from engine.optimize.tables import Table
from engine.response.curves import inflection

AROUND = (0.4, 0.75, 1.0, 1.3, 2.2)  # of a plan's total: where concave curves are looked at
CLOSELY = (0.25, 0.5, 0.75, 0.9, 0.97, 1.0, 1.03, 1.1, 1.3, 1.8, 3.0)  # where others are
USUAL = (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0)  # of the mean channel's budget: where others are, too
FEW = 20  # draws on which kinds of courses are compared
SOME = 0.03  # share of curves that bend upwards from which on several kinds of courses are compared
TINY = 1e-300
ALOFT = (1.0, 1.15)  # of multiples of the least total above 0 that minimum flights allow: the same
MANY = 6  # such multiples
EVEN = 1e-9  # of the highest total: what is closer counts as one


@dataclass(frozen=True)
class Knot:
    """A course that was looked at, and the line over totals that it gives."""

    total: float  # [currency]
    money: Float[np.ndarray, " decision"]
    value: float  # mean objective
    height: float  # of the line at the total: the best course of it earns about this
    rise: float

    def at(self, total: float) -> float:
        """The height of its line over a total."""
        return self.height + self.rise * (total - self.total)


@dataclass(frozen=True)
class Known:
    """The table of one channel and the courses behind it."""

    table: Table
    knots: tuple[Knot, ...]

    def money(self, total: float) -> Float[np.ndarray, " decision"]:
        """The course of a total, between those of its neighbours."""
        totals = np.array([knot.total for knot in self.knots])
        courses = np.array([knot.money for knot in self.knots])
        return np.array([np.interp(total, totals, row) for row in courses.T])


@dataclass(frozen=True)
class View:
    """One channel as its table is made: what its courses earn, and which are allowed."""

    problem: Problem
    channel: int
    shapes: Shapes
    limits: tuple[float, float]  # least and most total [currency]
    cost: Float[np.ndarray, " decision"]  # of a unit of money, with rules that are priced instead of kept [objective]
    bent: bool  # whether some of its curves bend upwards

    @property
    def has_gap(self) -> bool:
        """Whether it spends nothing, or at least a minimum flight."""
        return self.limits[0] == 0.0 and self.shapes.must_fly

    @property
    def course(self) -> Course:
        """What its money does."""
        return self.problem.courses[self.channel]

    def knots(self, money: Float[np.ndarray, "knot decision"]) -> list[Knot]:
        """The knots of some courses."""
        payoff, totals = self.problem.payoffs[self.channel], money.sum(axis=1)
        outcome, plane, slope = tangents(self.course, money, payoff.chances(self.course.draws))
        moved, (less, more), rounding = totals - payoff.anchor, payoff.toll, EVEN * payoff.anchor
        charge = np.where(moved < -rounding, -less, np.where(moved > rounding, more, 0.0))
        value = payoff.margin * outcome - money @ self.cost - charge * moved
        slope = payoff.margin * slope - self.cost - charge[:, None]
        found = []
        raised = payoff.margin * (plane - outcome)  # of the plane above the outcome, next to 0 where curves are steep
        for at, (own, total, rises) in enumerate(zip(money, totals.tolist(), slope, strict=True)):
            height, rise = self._line(rises, own, total)
            more = max(0.0, height - float(rises @ own)) + float(raised[at])
            found.append(Knot(total, own, float(value[at]), float(value[at]) + more, rise))
        return found

    def _line(self, slope: np.ndarray, money: np.ndarray, total: float) -> tuple[float, float]:
        """The line over totals of a plane; as an estimate, decisions without a flight stay on the ground."""
        if self.bent and self.shapes.vertices is None and not self.shapes.rows and self.shapes.flight.any():
            return filled(self.shapes.low, np.where(money > 0, self.shapes.high, self.shapes.low), slope, total)
        return self.shapes.line(slope, total)


def tabled(view: View, courses: list[Float[np.ndarray, " decision"]]) -> Known:
    """The table of one channel; around some courses it is as good as exact."""
    knots = _knots(view, courses)
    if not view.bent:
        return Known(_least_of_lines(view, knots), tuple(knots))
    rows = [(knots[0].total, knots[0].value, knots[0].height, knots[0].rise)]
    for left, right in itertools.pairwise(knots):
        top = None if view.has_gap and left is knots[0] else _crossing(left, right)
        if top is not None:
            share = (top - left.total) / (right.total - left.total)
            between = left.value + share * (right.value - left.value)
            rows.append((top, between, max(left.at(top), between), (left.rise + right.rise) / 2))
        rows.append((right.total, right.value, right.height, right.rise))
    spend, value, upper, rise = (np.array(column) for column in zip(*rows, strict=True))
    gap = (0.0, knots[1].total) if view.has_gap and len(knots) > 1 else None
    return Known(Table(spend, value, rise, upper, gap), tuple(knots))


def _least_of_lines(view: View, knots: list[Knot]) -> Table:
    """The table under all lines at once, a proof where every curve is concave; a kink has one line for each side."""
    payoff, edge = view.problem.payoffs[view.channel], EVEN * view.problem.payoffs[view.channel].anchor
    lines = [(knot.total, knot.height, knot.rise) for knot in knots]
    for knot in knots if any(payoff.toll) else ():
        if abs(knot.total - payoff.anchor) <= edge:
            lines += [(knot.total, knot.height, knot.rise + toll) for toll in (payoff.toll[0], -payoff.toll[1])]
    total, height, rise = np.array(lines).T
    level = height - rise * total
    one, other = np.triu_indices(len(lines), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        met = (level[other] - level[one]) / (rise[one] - rise[other])
    known = np.array([knot.total for knot in knots])
    begin = known[1] if view.has_gap and len(known) > 1 else known[0]
    spend = np.unique(np.concatenate([known, met[np.isfinite(met) & (met > begin) & (met < known[-1])]]))
    value = np.interp(spend, known, [knot.value for knot in knots])
    upper = np.maximum((level + rise * spend[:, None]).min(axis=1), value)
    if view.has_gap:
        upper[0] = value[0]  # where nothing is spent there is one course
    slope = np.diff(upper) / np.diff(spend) if len(spend) > 1 else rise[:1]
    steepness = np.minimum.accumulate(np.append(slope, slope[-1])) if len(spend) > 1 else slope
    return Table(spend, value, steepness, upper, (0.0, float(begin)) if view.has_gap and len(known) > 1 else None)


def bends_upwards(problem: Problem, channel: int) -> bool:
    """Whether some curve of a channel bends upwards somewhere in what its courses can reach."""
    course = problem.courses[channel]
    least, most = (by_cell(problem, side)[channel] for side in (problem.lower, problem.upper))
    low, high = course.stock(least), course.stock(most)
    return bool(np.any((low < inflection(course.channel) * (1 - EVEN)) & (high > low)))


def _crossing(left: Knot, right: Knot) -> float | None:
    """Where the lines of two knots cross between them, if the first falls off the second there."""
    if left.rise - right.rise <= EVEN * abs(left.rise):
        return None
    at = (right.at(0.0) - left.at(0.0)) / (left.rise - right.rise)
    edge = EVEN * (right.total - left.total)
    return at if left.total + edge < at < right.total - edge else None


def _knots(view: View, courses: list[Float[np.ndarray, " decision"]]) -> list[Knot]:
    """Knots of rising totals: the least and the most, and some around each plan's."""
    least, most = view.limits
    grid = view.problem.grid
    even = np.ones(view.course.decisions) if grid is None else grid.lengths.astype(float)
    spent = [money for money in courses if least + EVEN * most < money.sum()]
    shape = spent[0] / spent[0].sum() if spent else even / even.sum()
    parts = CLOSELY if view.bent else AROUND
    wanted = {float(part * money.sum()): money / money.sum() for money in spent for part in parts}
    usual = view.problem.budget.high / len(view.problem.names)
    wanted |= {part * usual: shape for part in (USUAL if view.bent or not spent else ())}
    payoff = view.problem.payoffs[view.channel]
    wanted |= {payoff.anchor: shape} if any(payoff.toll) else {}
    wanted |= {least: shape, most: shape}
    if view.has_gap:
        flights = range(1, min(len(even), MANY) + 1)
        wanted |= {
            float(part * flights_of * view.shapes.lightest): even / even.sum()
            for part in ALOFT
            for flights_of in flights
        }
    rounding = EVEN * most
    totals = [total for total in sorted(wanted) if least <= total <= most]
    totals = [total for at, total in enumerate(totals) if not at or total > totals[at - 1] + rounding]
    trials = [[view.shapes.course(wanted[total], total)] for total in totals]
    if view.bent or view.shapes.flight.any():
        trials = _more_kinds(view, trials, even / even.sum())
    return view.knots(np.array(_best(view, trials)))


def _more_kinds(view: View, trials: list[list[np.ndarray]], even: np.ndarray) -> list[list[np.ndarray]]:
    """Courses of other kinds beside those over which curves often bend upwards, so that another kind may be better.

    Where there is a minimum flight those that do not keep it are left out, but at the least and the highest total.
    """
    rough, flies = thinned(view.course, FEW), bool(view.shapes.flight.any())
    bend = inflection(rough.channel)
    found = []
    for at, own in enumerate(trials):
        total = float(own[0].sum())
        if not flies and np.mean(rough.stock(own[0]) < bend) <= SOME:
            found.append(own)
            continue
        kinds = view.shapes.kinds((own[0] / max(total, TINY), even), total)
        if kinds or at in (0, len(trials) - 1):
            found.append(kinds or own)
    return found


def _best(view: View, trials: list[list[np.ndarray]]) -> list[Float[np.ndarray, " decision"]]:
    """The best of each list of courses, by a few draws."""
    if all(len(own) == 1 for own in trials):
        return [own[0] for own in trials]
    rough = thinned(view.course, FEW)
    every = np.array([money for own in trials for money in own])
    odds = np.full(rough.draws, 1 / rough.draws)
    worth = view.problem.payoffs[view.channel].margin * means(rough, every, odds) - every @ view.cost
    ends = np.cumsum([0, *(len(own) for own in trials)])
    return [every[a + int(np.argmax(worth[a:b]))] for a, b in itertools.pairwise(ends.tolist())]
