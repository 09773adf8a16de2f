"""Shapes: how a channel's total may be spread over its decisions, by its own rules.

A straight function of a course is largest, for a given total, at some shape; as a function of the total that is never
more than a straight line. With these lines planes over courses become lines over totals.
"""

from dataclasses import dataclass, field

import highspy
import numpy as np
from jaxtyping import Float

Row = tuple[Float[np.ndarray, " decision"], float, float]  # weights of decisions, least and most
MOST_VERTICES = 4096
TINY = 1e-12
MOST_KINDS = 4  # courses that begin in different decisions


@dataclass(frozen=True)
class Shapes:
    """The courses of one channel that its own rules allow."""

    low: Float[np.ndarray, " decision"]  # [currency]
    high: Float[np.ndarray, " decision"]
    rows: tuple[Row, ...]
    ratios: tuple[tuple[float, float], ...] | None = None  # of each decision to the one before, where they alone matter
    vertices: Float[np.ndarray, "vertex decision"] | None = None  # with `ratios`: shares at all their limits
    programs: list[highspy.Highs] = field(default_factory=list)  # the program, once it was needed

    @property
    def limits(self) -> tuple[Float[np.ndarray, " decision"], Float[np.ndarray, " decision"]]:
        """Least and most share of the total that each decision can have."""
        if self.vertices is None:
            alone = float(len(self.low) == 1)
            return np.full(len(self.low), alone), np.ones(len(self.low))
        return self.vertices.min(axis=0), self.vertices.max(axis=0)

    def course(self, shape: Float[np.ndarray, " decision"], total: float) -> Float[np.ndarray, " decision"]:
        """A total spread by some shares as far as the limits of each decision allow."""
        money = np.clip(total * shape, self.low, self.high)
        left = total - float(money.sum())
        room = self.high - money if left > 0 else money - self.low
        space = float(room.sum())
        return money + left * room / space if space > 0 else money

    def kinds(self, shape: Float[np.ndarray, " decision"], total: float) -> list[Float[np.ndarray, " decision"]]:
        """Courses of a total, each of a kind of its own: by given shares, early, late, in the middle or at the ends."""
        count = len(self.low)
        found = [self.course(shape, total)]
        if self.vertices is not None:
            place = np.arange(count) - (count - 1) / 2
            for lean in (place, -place, np.abs(place), -np.abs(place)):
                found.append(total * self.vertices[int(np.argmax(self.vertices @ lean))])
        elif not self.rows:
            for first in dict.fromkeys(np.linspace(0, count - 1, min(count, MOST_KINDS)).astype(int).tolist()):
                found.append(_poured(self.low, self.high, np.roll(np.arange(count), -first), total))
        return found

    def line(self, slope: Float[np.ndarray, " decision"], total: float) -> tuple[float, float]:
        """A line over totals that `slope . money` of allowed courses never exceeds: its height at a total, its rise.

        At the total itself some allowed course reaches it, or it is none of an allowed course.
        """
        if self.vertices is not None:
            rise = float((self.vertices @ slope).max())
            return rise * total, rise
        if not self.rows:
            return filled(self.low, self.high, slope, total)
        return self._programmed(slope, total)

    def _programmed(self, slope: np.ndarray, total: float) -> tuple[float, float]:
        if not self.programs:
            self.programs.append(_program(self))
        solver, count = self.programs[0], len(self.low)
        unit = max(total, TINY * float(self.high.max()), np.finfo(float).tiny)
        scale = max(float(np.abs(slope).max()), np.finfo(float).tiny)
        every = np.arange(count, dtype=np.int32)
        solver.changeColsCost(count, every, slope / scale)
        solver.changeColsBounds(count, every, self.low / unit, self.high / unit)
        for at, (_, low, high) in enumerate(self.rows, start=1):
            solver.changeRowBounds(at, low / unit, high / unit)
        solver.changeRowBounds(0, total / unit, total / unit)
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:  # no course of this total: the box alone
            return filled(self.low, self.high, slope, total)
        rise = float(solver.getSolution().row_dual[0]) * scale
        return float(solver.getInfo().objective_function_value) * scale * unit, rise


def shapes(low: np.ndarray, high: np.ndarray, rows: list[Row]) -> Shapes:
    """The shapes of a channel: by ratios alone where only ramps bind, else by its bounds and rows."""
    rows = [row for row in rows if np.any(row[0] != 1.0)]  # what is said of the total is no matter of shape
    ratios = _ratios(rows, len(low))
    if ratios is None or _binds(low, high):
        return Shapes(low, high, tuple(rows))
    return Shapes(low, high, tuple(rows), ratios, extremes(ratios))


def _binds(low: np.ndarray, high: np.ndarray) -> bool:
    """Whether bounds of single decisions cut into what ratios allow."""
    return bool(np.any(low > 0) or np.any(high < high.max() * (1 - TINY)))


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
    return float(slope @ low + slope[order] @ taken), rise


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
