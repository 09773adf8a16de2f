"""Ceilings: planes that lie nowhere below what the courses of a part of all courses earn, whatever the curves' bends.

Within a part each row's stock has a least and a most. There a curve lies below its tangent at some stock in between,
plus half of a bend times the square of the distance; the least bend for which that holds is known from the curve at
both ends, at the tangent's place and where the curve bends upwards most. Over rows and draws these bends add up, those
of draws that are past their inflection against those of draws that are not: where the sum bends downwards in every
direction the tangent plane of the mean is a ceiling, as it is for a concave curve.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from engine.optimize.over_time.course import Course
from engine.optimize.over_time.spans import Limits, Span
from engine.response.curves import bends, downturn, inflection, respond, steepening

CLOSE = 1e-5  # of a stock: ends that are nearer to the tangent's place add nothing that can be measured
TINY = 1e-300
CHUNK = 10_000  # numbers evaluated at once: some thirty arrays of this size stay in the cache


@dataclass(frozen=True)
class Ceiling:
    """What no course of a span exceeds: a plane, and a parabola that bends upwards only, both known around a course."""

    money: Float[np.ndarray, " decision"]  # the course [currency]
    value: float  # its mean outcome
    height: float  # of the plane there
    slope: Float[np.ndarray, " decision"]  # of the plane
    tangent: Float[np.ndarray, " decision"]  # slope of the parabola, which is at the value there
    bend: Float[np.ndarray, "decision decision"]  # of the parabola
    top: float  # no course between the limits earns more

    def parabola(self, money: Float[np.ndarray, "course decision"]) -> Float[np.ndarray, " course"]:
        """The parabola over some courses."""
        apart = money - self.money
        return self.value + apart @ self.tangent + ((apart @ self.bend) * apart).sum(axis=1) / 2


@dataclass(frozen=True)
class Touched:
    """Each curve at a stock, with its derivatives."""

    stock: Float[np.ndarray, "row draw"]
    value: Float[np.ndarray, "row draw"]
    rate: Float[np.ndarray, "row draw"]
    bend: Float[np.ndarray, "row draw"]

    def above(self, value: Float[np.ndarray, "#row draw"], stock: Float[np.ndarray, "#row draw"]) -> np.ndarray:
        """How far a curve's value at another stock is above the tangent."""
        return value - self.value - self.rate * (stock - self.stock)

    def mean_bend(self, value: Float[np.ndarray, "#row draw"], stock: Float[np.ndarray, "#row draw"]) -> np.ndarray:
        """The bend of the parabola that touches each curve here and meets it at another stock; next to here its own."""
        apart = (stock - self.stock) ** 2
        return (2 * self.above(value, stock) + self.bend * self._near) / (apart + self._near)

    @cached_property
    def _near(self) -> Float[np.ndarray, "row draw"]:
        """The square of a distance at which a mean bend counts half."""
        return (CLOSE * self.stock) ** 2 + TINY


def ceiling(
    course: Course, span: Span, money: Float[np.ndarray, " decision"], odds: Float[np.ndarray, " draw"]
) -> Ceiling:
    """The ceiling over all courses of a span.

    Args:
        course: What the money does.
        span: The courses.
        money: One within their limits, best one that earns much; with money in every decision that may have some.
        odds: Of the draws.
    """
    value, tangent, bend, top = majorant(course, span.limits, money, odds)
    height, slope = value, tangent
    root = np.linalg.cholesky(span.extent(money))
    size, turned = np.linalg.eigh(root.T @ bend @ root)
    size, axes = np.maximum(size, 0.0), np.linalg.solve(root.T, turned)
    for upwards, axis in zip(size, axes.T, strict=True):
        if upwards > 0:  # along this axis a parabola that opens upwards lies below the line through its ends
            at = float(axis @ money)
            ends = -span.most_of(-axis) - at, span.most_of(axis) - at
            height -= upwards / 2 * ends[0] * ends[1]
            slope = slope + upwards / 2 * (ends[0] + ends[1]) * axis
    return Ceiling(money, value, float(height), slope, tangent, (axes * size) @ axes.T, top)


def majorant(
    course: Course,
    limits: tuple[Float[np.ndarray, " decision"], Float[np.ndarray, " decision"]],
    money: Float[np.ndarray, " decision"],
    odds: Float[np.ndarray, " draw"],
) -> tuple[float, Float[np.ndarray, " decision"], Float[np.ndarray, "decision decision"], float]:
    """Value, slope and bend at a course of a quadratic function above the mean outcome between limits, and its top."""
    value = top = float(course.constant @ odds)
    slope, bend = np.zeros(course.decisions), np.zeros((course.decisions, course.decisions))
    every = np.array([money, *limits])
    step = max(1, CHUNK // course.draws)
    for begin in range(0, len(course.weight), step):
        rows = slice(begin, begin + step)
        gain = course.gain[:, rows].reshape(course.decisions, -1)
        stock, *ends = (every @ gain).reshape(3, -1, course.draws) + course.offset[rows]
        touched = Touched(stock, *bends(course.channel, stock))
        left, right = zip(ends, respond(course.channel, np.array(ends)), strict=True)
        chances = (course.weight[rows, None] * odds).ravel()
        value += float(touched.value.ravel() @ chances)
        top += float(right[1].ravel() @ chances)
        slope += gain @ (touched.rate.ravel() * chances)
        bend += (gain * (chances * _steepest(course, touched, left, right).ravel())) @ gain.T
    return value, slope, bend, top


End = tuple[Float[np.ndarray, "row draw"], Float[np.ndarray, "row draw"]]  # stock and value


def _steepest(course: Course, here: Touched, left: End, right: End) -> Float[np.ndarray, "row draw"]:
    """The least bend of a parabola that touches each curve at a stock and is nowhere below it between two ends.

    The parabola's bend must be that of the curve itself, and at every stock the mean bend from there to the touching
    point, nearer ones counting more. That mean is largest at an end, or, where the bend has its peak on the way, it is
    bounded from the curve's distance to its tangent at the peak and at the end, between which it is convex. On the near
    side of the peak the bend only falls to the left, so the mean from there is never the largest.
    """
    peak = steepening(course.channel)[None]
    to_left, to_right = here.mean_bend(left[1], left[0]), here.mean_bend(right[1], right[0])
    found = np.maximum(np.maximum(to_left, to_right), here.bend)
    if not peak.any():
        return found
    at_peak, _, sharpest = bends(course.channel, peak)
    past = here.stock > peak
    astride = past & (left[0] < peak)
    if astride.any():
        top = np.maximum(here.above(at_peak, peak), here.above(left[1], left[0]))
        far = np.where(top > 0, here.stock - peak, here.stock - left[0])
        passing = np.maximum(2 * top / np.maximum(far**2, TINY), here.mean_bend(at_peak, peak))
        found = np.where(astride, np.maximum(found, passing), found)
    ahead = ~past & (right[0] > peak)
    return np.where(ahead, np.maximum(found, sharpest), found) if ahead.any() else found


def raised(
    course: Course, corners: Float[np.ndarray, "corner decision"], limits: Limits, odds: Float[np.ndarray, " draw"]
) -> Float[np.ndarray, " corner"]:
    """By how much what corners earn must be raised so that their mixtures, mixed alike, never earn more.

    0 where the least bends of the curves add up to one that is upwards in every direction: there the mean is convex.
    Elsewhere a parabola around the corners' middle makes it so (the method alpha-BB; Androulakis, Maranas and Floudas,
    1995). NaN where a curve bends downwards without end.
    """
    apart = corners - corners.mean(axis=0)
    bend = _least_bends(course, limits, odds)
    if not np.isfinite(bend).all():
        return np.full(len(corners), np.nan)
    size, axes = np.linalg.eigh(bend)
    return ((apart @ axes) ** 2 @ np.maximum(-size, 0.0)) / 2


def _least_bends(
    course: Course, limits: Limits, odds: Float[np.ndarray, " draw"]
) -> Float[np.ndarray, "decision decision"]:
    """A bend that the mean outcome has at least between limits; of NaN where a curve bends downwards without end."""
    trough, concave = downturn(course.channel)[None], inflection(course.channel)[None] <= 0
    at_trough, found = bends(course.channel, trough)[2], np.zeros((course.decisions, course.decisions))
    step = max(1, CHUNK // course.draws)
    for begin in range(0, len(course.weight), step):
        rows = slice(begin, begin + step)
        gain = course.gain[:, rows].reshape(course.decisions, -1)
        low, high = (np.array(limits) @ gain).reshape(2, -1, course.draws) + course.offset[rows]
        least = np.minimum(bends(course.channel, low)[2], bends(course.channel, high)[2])
        least = np.where((low < trough) & (high > trough), np.minimum(least, at_trough), least)
        chances = course.weight[rows, None] * odds
        least = np.where((low <= 0) & concave & (chances > 0), np.nan, least)  # next to 0 it may be steep without end
        found += (gain * (chances * least).ravel()) @ gain.T
    return found
