"""Spans: parts of all courses of one channel, as a proof divides them.

Where ramps alone matter a course is a total and a multiple of the one before for each further decision; a range of each
is a fan, whose courses are mixtures of a few corners. Elsewhere a part is a box of decisions within the channel's own
rules.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float

from engine.optimize.over_time.shapes import Shapes, extremes, filled

INSIDE = 1e-3  # of a decision's limits: how near to 0 a course is looked at, where curves can be infinitely steep
NARROW = 1e-6  # relative: spans that are no wider are not divided
FLAT = 1e-9  # of the square of the widest decision: what counts as no width
SWEEPS = 2  # in which rules narrow the limits of a box
MOST_CORNERS = 64  # of a fan's shapes: each is looked at
THIRD = 3.0  # a total from nothing on is divided at this part of its most
EVEN = 1e-9
TINY = 1e-300

Limits = tuple[Float[np.ndarray, " decision"], Float[np.ndarray, " decision"]]
Total = tuple[float, float]  # least and most [currency]
Corners = tuple[Float[np.ndarray, "corner decision"], Float[np.ndarray, "corner decision"]]


@dataclass(frozen=True)
class Fan:
    """Courses of some totals whose decisions are within multiples of the one before."""

    total: Total
    ratios: Float[np.ndarray, "step 2"]  # least and most multiple, above 0

    @cached_property
    def shares(self) -> Float[np.ndarray, "corner decision"]:
        """The corners of its shapes, as shares of the total."""
        return extremes(tuple((low, high) for low, high in self.ratios.tolist()))

    @cached_property
    def limits(self) -> Limits:
        """Least and most of each decision [currency]."""
        return self.total[0] * self.shares.min(axis=0), self.total[1] * self.shares.max(axis=0)

    @property
    def corners(self) -> Corners:
        """Courses of the least and of the most total of which all its courses are mixtures."""
        return self.total[0] * self.shares, self.total[1] * self.shares

    def between(self, least: float, most: float) -> "Fan | None":
        """Its courses of some totals."""
        return replace(self, total=(least, most)) if least <= most else None

    def line(self, slope: Float[np.ndarray, " decision"], total: float) -> tuple[float, float]:
        """A line over totals that `slope . money` never exceeds: its height at a total, its rise."""
        rise = float((self.shares @ slope).max())
        return rise * total, rise

    def most_of(self, axis: Float[np.ndarray, " decision"]) -> float:
        """What `axis . money` never exceeds."""
        rise = float((self.shares @ axis).max())
        return rise * (self.total[1] if rise > 0 else self.total[0])

    def extent(self, money: Float[np.ndarray, " decision"]) -> Float[np.ndarray, "decision decision"]:
        """How far its courses are about from one of them, as a matrix of squares."""
        apart = np.concatenate(self.corners) - money
        return _regular(apart.T @ apart / len(apart))

    def nearest(self, money: Float[np.ndarray, " decision"]) -> Float[np.ndarray, " decision"]:
        """The course with each multiple and the total of another moved into their ranges."""
        steps = np.clip(money[1:] / np.maximum(money[:-1], TINY), self.ratios[:, 0], self.ratios[:, 1])
        shape = np.cumprod(np.concatenate([[1.0], steps]))
        least, most = self.total
        return shape / shape.sum() * min(max(float(money.sum()), least + INSIDE * (most - least)), most)

    def halves(self, own: float) -> "list[Fan | Box] | None":
        """In two by the total, near to one of its own, or by the multiple that moves most; None where it is narrow."""
        middle = np.sqrt(self.ratios.prod(axis=1))
        shape = np.cumprod(np.concatenate([[1.0], middle]))
        shape = shape / shape.sum()
        before = np.cumsum(shape)[:-1]
        moved = np.log(self.ratios[:, 1] / self.ratios[:, 0]) * np.sqrt(before * (1 - before))
        at = int(np.argmax(moved)) if len(moved) else 0
        by_total = np.log(self.total[1] / self.total[0]) if self.total[0] > 0 else np.inf
        if len(moved) and moved[at] > max(by_total, NARROW):
            sides = ((self.ratios[at, 0], middle[at]), (middle[at], self.ratios[at, 1]))
            unit = np.arange(len(moved))[:, None] == at
            return [replace(self, ratios=np.where(unit, side, self.ratios)) for side in sides]
        return None if by_total <= NARROW else _by_total(self, own)


@dataclass(frozen=True)
class Box:
    """Courses of some totals within limits of each decision, under the channel's own rules."""

    total: Total
    limits: Limits
    shapes: Shapes  # with these limits

    @property
    def corners(self) -> None:
        """Not known."""

    def between(self, least: float, most: float) -> "Box | None":
        """Its courses of some totals."""
        return box(self.shapes, self.limits, (least, most))

    def line(self, slope: Float[np.ndarray, " decision"], total: float) -> tuple[float, float]:
        """A line over totals that `slope . money` never exceeds: its height at a total, its rise."""
        low, high = self.limits
        near = min(max(total, float(low.sum())), float(high.sum()))  # no course has a total beyond
        height, rise = self.shapes.line(slope, near)
        return height + rise * (total - near), rise

    def most_of(self, axis: Float[np.ndarray, " decision"]) -> float:
        """What `axis . money` never exceeds, by limits and total alone."""
        (low, high), (least, most) = self.limits, self.total
        free = float(np.where(axis > 0, high, low).sum())
        return filled(low, high, axis, min(max(free, least), most))[0]

    def extent(self, money: Float[np.ndarray, " decision"]) -> Float[np.ndarray, "decision decision"]:
        """How far its courses are about from one of them, as a matrix of squares: thinner where the total limits."""
        (low, high), (least, most) = self.limits, self.total
        wide = np.maximum(high - money, money - low) ** 2
        thin = 1 - min(1.0, (most - least) ** 2 / max(float(wide.sum()), TINY))
        return _regular(np.diag(wide) - thin * np.outer(wide, wide) / max(float(wide.sum()), TINY))

    def nearest(self, money: Float[np.ndarray, " decision"]) -> Float[np.ndarray, " decision"]:
        """The course nearest to another within limits of decisions, with money in each."""
        low, high = self.limits
        return np.clip(money, low + INSIDE * (high - low), high)

    def halves(self, own: float) -> "list[Fan | Box] | None":
        """In two at a minimum flight, or by what is widest, its total or a decision; None where it is narrow."""
        (low, high), flight = self.limits, self.shapes.flight
        least, most = self.total
        astride = np.flatnonzero((low < flight * (1 - EVEN)) & (high > 0) & (flight > 0))
        if len(astride):
            at = int(astride[np.argmax(high[astride])])
            return self._cut(at, (0.0, min(float(flight[at]), float(high[at]))))
        by_total = (most - least) / max(most, TINY)
        width = (high - low) / max(most, TINY) - by_total * high / max(float(high.sum()), TINY)
        at = int(np.argmax(width))
        if width[at] * len(width) > by_total:
            middle = (float(low[at]) + float(high[at])) / 2
            return self._cut(at, (middle, middle))
        return None if by_total <= NARROW else _by_total(self, own)

    def _cut(self, at: int, ends: tuple[float, float]) -> "list[Fan | Box]":
        """In two at a decision: up to the first of two amounts, and from the second on."""
        (low, high), unit = self.limits, np.eye(len(self.limits[0]))[at].astype(bool)
        sides = [(low, np.where(unit, ends[0], high)), (np.where(unit, ends[1], low), high)]
        if ends[1] < self.shapes.flight[at] * (1 - EVEN):
            sides.pop()  # it would fly with less than a flight
        return [half for limits in sides if (half := box(self.shapes, limits, self.total)) is not None]


Span = Fan | Box


def whole(shapes: Shapes, total: Total) -> Span | None:
    """All courses of a channel of some totals; None where there are none."""
    few = shapes.vertices is not None and len(shapes.vertices) <= MOST_CORNERS
    if shapes.vertices is None or not few or shapes.flight.any() or shapes.vertices.min() <= 0:
        return box(shapes, (shapes.low, shapes.high), total)
    steps = shapes.vertices[:, 1:] / shapes.vertices[:, :-1]
    return Fan(total, np.column_stack([steps.min(axis=0), steps.max(axis=0)]))


def box(shapes: Shapes, limits: Limits, total: Total) -> Box | None:
    """A box, its limits as narrow as the total and the channel's own rules make them; None where they cross."""
    (low, high), (least, most) = limits, total
    if shapes.vertices is not None:
        low = np.maximum(low, least * shapes.vertices.min(axis=0))
        high = np.minimum(high, most * shapes.vertices.max(axis=0))
    rows = [(np.ones(len(low)), least, most), *shapes.rows]
    for _ in range(SWEEPS):
        for weights, floor, cap in rows:
            touched = weights != 0
            small, large = np.minimum(weights * low, weights * high), np.maximum(weights * low, weights * high)
            sides = floor - (large.sum() - large), cap - (small.sum() - small)
            one, other = (side[touched] / weights[touched] for side in sides)
            low, high = low.copy(), high.copy()
            low[touched] = np.maximum(low[touched], np.minimum(one, other))
            high[touched] = np.minimum(high[touched], np.maximum(one, other))
    if np.any(low > high + EVEN * most):
        return None
    high = np.maximum(low, high)
    return Box(total, (low, high), replace(shapes, low=low, high=high, vertices=None))


def _by_total(span: Span, own: float) -> list[Span]:
    """A span in two by its total: half way, in ratios, from its own total to the farther end, or to both."""
    least, most = span.total
    floor = least if least > 0 else most / THIRD**2
    if floor < own < most:
        middle = float(np.sqrt(own * (most if most / own >= own / floor else floor)))
    else:
        middle = float(np.sqrt(floor * most))
    return [half for ends in ((least, middle), (middle, most)) if (half := span.between(*ends)) is not None]


def _regular(squares: Float[np.ndarray, "decision decision"]) -> Float[np.ndarray, "decision decision"]:
    """A matrix of squares that can be taken apart: no direction is without width."""
    return squares + FLAT * max(float(squares.diagonal().max()), TINY) * np.eye(len(squares))
