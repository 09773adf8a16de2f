"""Shapes: how a channel's total may be spread over its decisions, by its own rules.

A straight function of a course is largest, for a given total, at some shape; as a function of the total that is never
more than a straight line. With these lines planes over courses become lines over totals.
"""

import itertools
from dataclasses import dataclass, field, replace

import highspy
import numpy as np
from jaxtyping import Float

Row = tuple[Float[np.ndarray, " decision"], float, float]  # weights of decisions, least and most
MOST_VERTICES = 4096
TINY = 1e-12
ROUNDING = 4 * float(np.finfo(float).eps)  # of the terms of a sum, each: more than floating point takes off it
ALOFT = 10.0  # times the largest minimum flight: more is not needed for all decisions to fly
FEW = 4  # decisions of which every choice is looked at
MOST_KINDS = 4  # courses that begin in different decisions


@dataclass(frozen=True)
class Shapes:
    """The courses of one channel that its own rules allow."""

    low: Float[np.ndarray, " decision"]  # [currency]
    high: Float[np.ndarray, " decision"]
    rows: tuple[Row, ...]
    flight: Float[np.ndarray, " decision"]  # a decision spends nothing, or at least this [currency]
    vertices: Float[np.ndarray, "vertex decision"] | None = None  # where ramps alone matter: shares at their limits
    programs: list[highspy.Highs] = field(default_factory=list)  # the program, once it was needed

    def course(self, shape: Float[np.ndarray, " decision"], total: float) -> Float[np.ndarray, " decision"]:
        """A total spread by some shares as far as the limits of each decision allow."""
        money = np.clip(total * shape, self.low, self.high)
        left = total - float(money.sum())
        room = self.high - money if left > 0 else money - self.low
        space = float(room.sum())
        return money + left * room / space if space > 0 else money

    def kinds(
        self, shapes: tuple[Float[np.ndarray, " decision"], ...], total: float
    ) -> list[Float[np.ndarray, " decision"]]:
        """Allowed courses of a total, each of a kind of its own: by given shares, early, late, or in some decisions."""
        count = len(self.low)
        found = [self.course(shape, total) for shape in shapes]
        if self.vertices is not None:
            place = np.arange(count) - (count - 1) / 2
            for lean in (place, -place, np.abs(place), -np.abs(place)):
                found.append(total * self.vertices[int(np.argmax(self.vertices @ lean))])
        else:
            found += [self.course(some / some.sum(), total) for some in _choices(count)]
            found += [_poured(self.low, self.high, np.roll(np.arange(count), -first), total) for first in _few(count)]
        return [money for money in found if self.allows(money, total)]

    def allows(self, money: Float[np.ndarray, " decision"], total: float) -> bool:
        """Whether a course keeps the channel's own rules, but for rounding."""
        slack = 1e-9 * max(total, float(self.low.sum()))
        flies = (money <= slack) | (money >= self.flight - slack)
        kept = all(low - slack <= float(weights @ money) <= high + slack for weights, low, high in self.rows)
        within = bool(np.all((money >= self.low - slack) & (money <= self.high + slack)))
        return bool(flies.all()) and kept and within and abs(float(money.sum()) - total) <= slack

    @property
    def must_fly(self) -> bool:
        """Whether what it spends is a minimum flight somewhere: no decision may spend less without one."""
        return bool(self.flight.any()) and not np.any((self.flight == 0) & (self.high > 0))

    @property
    def lightest(self) -> float:
        """The least total above 0 that keeps minimum flights: with ramps all decisions fly, else one is enough."""
        flying = self.flight[self.flight > 0]
        if not self.must_fly:
            return 0.0
        if self.vertices is None or len(flying) < len(self.flight) or self.vertices.min() <= 0:
            return float(flying.min(initial=np.inf))
        aloft = Shapes(
            self.flight,
            np.full(len(self.flight), ALOFT * float(flying.max())),
            self.rows,
            self.flight,
        )
        found = aloft.totals(0.0, float(aloft.high.sum()))
        return found[0] if found else float(self.flight.sum())

    def totals(self, least: float, most: float) -> tuple[float, float] | None:
        """The least and the highest total between two that the channel's own rules allow; None where there is none."""
        if self.vertices is not None or not self.rows:
            return (least, most) if least <= most * (1 + TINY) else None
        ends = []
        for sign in (-1.0, 1.0):
            slope = np.full(len(self.low), sign)
            duals = self._duals(slope, (least, most), max(most, TINY))
            if duals is None:
                return None
            ends.append(sign * _limit(self, slope, duals, (least, most)))
        return max(least, ends[0]), min(most, ends[1])

    def line(self, slope: Float[np.ndarray, " decision"], total: float) -> tuple[float, float]:
        """A line over totals that `slope . money` of allowed courses never exceeds: its height at a total, its rise.

        At the total itself some allowed course reaches it but for rounding, or it is none of an allowed course. That
        no course exceeds it holds whatever a solver returns.
        """
        if self.vertices is not None:
            rise = float((self.vertices @ slope).max())
            return rise * total, rise
        if not self.rows:
            return filled(self.low, self.high, slope, total)
        return self._programmed(slope, total)

    def _programmed(self, slope: np.ndarray, total: float) -> tuple[float, float]:
        duals = self._duals(slope, (total, total), max(total, TINY * float(self.high.max()), np.finfo(float).tiny))
        if duals is None:  # no course of this total: the box alone
            return filled(self.low, self.high, slope, total)
        return _limit(self, slope, duals, (total, total)), float(duals[0])

    def _duals(self, slope: np.ndarray, total: tuple[float, float], unit: float) -> Float[np.ndarray, " row"] | None:
        """Prices of the total and of each row at the best course by a slope; None where no course is allowed."""
        scale = max(float(np.abs(slope).max()), np.finfo(float).tiny)
        solver = self._scaled(unit)
        solver.changeColsCost(len(self.low), np.arange(len(self.low), dtype=np.int32), slope / scale)
        solver.changeRowBounds(0, total[0] / unit, total[1] / unit)
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        return np.array(solver.getSolution().row_dual) * scale

    def _scaled(self, unit: float) -> highspy.Highs:
        """The program with its limits in another unit of money."""
        if not self.programs:
            self.programs.append(_program(self))
        solver, count = self.programs[0], len(self.low)
        solver.changeColsBounds(count, np.arange(count, dtype=np.int32), self.low / unit, self.high / unit)
        for at, (_, low, high) in enumerate(self.rows, start=1):
            solver.changeRowBounds(at, low / unit, high / unit)
        return solver


def _limit(held: Shapes, slope: np.ndarray, duals: np.ndarray, total: tuple[float, float]) -> float:
    """What `slope . money` of no allowed course exceeds, by weak duality at any prices of the total and the rows.

    A row at a price is worth no more than the price times the limit on its side, and what slopes are beyond all
    prices no more than the box allows; a price on a side without a limit counts as none.
    """
    weights = np.array([np.ones(len(held.low)), *(row[0] for row in held.rows)])
    low, high = np.array([total, *(row[1:] for row in held.rows)]).T
    limits = np.where(duals > 0, high, low)
    duals = np.where(np.isfinite(limits), duals, 0.0)
    beyond = slope - duals @ weights
    box = np.where(beyond > 0, held.high, held.low)
    terms = np.concatenate([duals * np.where(duals == 0, 0.0, limits), beyond * box])
    reached = np.abs(duals) @ np.abs(weights) + np.abs(slope)  # what rounding of the prices' sum can be a share of
    size = float(np.abs(terms).sum() + reached @ held.high)
    return float(terms.sum()) + ROUNDING * len(terms) * size


def _choices(count: int) -> list[Float[np.ndarray, " decision"]]:
    """Some decisions of all: every choice where there are few, else each run that begins or ends the time."""
    if count <= FEW:
        return [np.array(one, float) for one in itertools.product((0, 1), repeat=count) if any(one)]
    runs = [(np.arange(count) < length).astype(float) for length in range(1, count + 1)]
    return [*runs, *(run[::-1] for run in runs[:-1])]


def _few(count: int) -> list[int]:
    """Decisions in which a course may begin."""
    return list(dict.fromkeys(np.linspace(0, count - 1, min(count, MOST_KINDS)).astype(int).tolist()))


def shapes(low: np.ndarray, high: np.ndarray, rows: list[Row], flight: np.ndarray, most: float) -> Shapes:
    """The shapes of a channel: by ratios alone where only ramps bind, else by its bounds and rows."""
    rows = [row for row in rows if np.any(row[0] != 1.0)]  # what is said of the total is no matter of shape
    ratios = _ratios(rows, len(low))
    held = Shapes(low, high, tuple(rows), flight)
    if ratios is None or np.any(low > 0):
        return held
    vertices = extremes(ratios)
    binds = np.any(most * vertices.max(axis=0) > high * (1 + TINY))  # a cap of a decision cuts into what ratios allow
    return held if binds else replace(held, vertices=vertices)


def _ratios(rows: list[Row], count: int) -> tuple[tuple[float, float], ...] | None:
    """Least and most of each decision as multiples of the one before; None where rows say something else."""
    found = [[0.0, np.inf] for _ in range(count - 1)]
    for weights, low, high in rows:
        touched = np.flatnonzero(weights)
        if len(touched) != 2 or touched[1] != touched[0] + 1 or {low, high} - {0.0, np.inf, -np.inf}:
            return None
        before, after = weights[touched]
        ratio = -before / after
        if ratio < 0 or low == high:
            return None
        at_most = (high == 0.0) == (after > 0)
        pair = found[touched[0]]
        if at_most:
            pair[1] = min(pair[1], ratio)
        else:
            pair[0] = max(pair[0], ratio)
    if any(low > high or high == np.inf for low, high in found) or 2 ** (count - 1) > MOST_VERTICES:
        return None
    return tuple((low, high) for low, high in found)


def extremes(ratios: tuple[tuple[float, float], ...]) -> Float[np.ndarray, "vertex decision"]:
    """Every course whose steps are all at one of their two limits, as shares of its total."""
    courses = np.ones((1, 1))
    for low, high in ratios:
        courses = np.concatenate(
            [np.column_stack([courses, courses[:, -1] * ratio]) for ratio in dict.fromkeys((low, high))]
        )
    return courses / courses.sum(axis=1, keepdims=True)


def _poured(low: np.ndarray, high: np.ndarray, order: np.ndarray, total: float) -> Float[np.ndarray, " decision"]:
    """The course that fills decisions one after the other."""
    room = (high - low)[order]
    taken = np.clip(total - float(low.sum()) - (np.cumsum(room) - room), 0.0, room)
    money = low.copy()
    money[order] += taken
    return money


def filled(low: np.ndarray, high: np.ndarray, slope: np.ndarray, total: float) -> tuple[float, float]:
    """The best filling of a box: from its least, the steepest decisions first."""
    order = np.argsort(-slope, kind="stable")
    room = (high - low)[order]
    left = total - float(low.sum())
    taken = np.clip(left - (np.cumsum(room) - room), 0.0, room)
    partly = np.flatnonzero(taken < room)
    rise = float(slope[order[partly[0]]]) if len(partly) else float(slope[order[-1]])
    beyond = max(left - float(room.sum()), 0.0)  # more than the box holds: no course, but the line goes on
    return float(slope @ low + slope[order] @ taken) + rise * beyond, rise


def _program(held: Shapes) -> highspy.Highs:
    """The linear program of courses of one total; its costs and limits are set for each question."""
    count = len(held.low)
    solver = highspy.Highs()
    for option, value in (("output_flag", False), ("threads", 1), ("presolve", "off")):
        solver.setOptionValue(option, value)
    solver.changeObjectiveSense(highspy.ObjSense.kMaximize)
    nothing = np.zeros(0)
    ends = np.zeros(count), np.ones(count)
    solver.addCols(count, np.zeros(count), *ends, 0, np.zeros(count, np.int32), nothing.astype(np.int32), nothing)
    weights = np.array([np.ones(count), *(row[0] for row in held.rows)])
    free = np.full(len(weights), np.inf)
    starts = np.arange(0, weights.size, count, dtype=np.int32)
    columns = np.tile(np.arange(count, dtype=np.int32), len(weights))
    solver.addRows(len(weights), -free, free, weights.size, starts, columns, weights.ravel())
    return solver
