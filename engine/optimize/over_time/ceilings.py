"""Ceilings: planes that lie nowhere below what the courses of a part of all courses earn, whatever the curves' bends.

Within a part each row's stock has a least and a most. There a curve lies below its tangent at some stock in between,
plus half of a bend times the square of the distance; the least bend for which that holds is known from the curve at
both ends, at the tangent's place and where the curve bends upwards most. Over rows and draws these bends add up, those
of draws that are past their inflection against those of draws that are not: where the sum bends downwards in every
direction the tangent plane of the mean is a ceiling, as it is for a concave curve.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.optimize.over_time.course import Course
from engine.response.curves import bends, respond, steepening

CLOSE = 1e-6  # of a stock: ends no further from the tangent's place add nothing that can be measured
TINY = 1e-300
CHUNK = 10_000  # numbers evaluated at once: some thirty arrays of this size stay in the cache


@dataclass(frozen=True)
class Ceiling:
    """A plane above the mean outcome of all courses between limits, and what all the limits together would earn."""

    height: float  # at the course at which it was looked for
    slope: Float[np.ndarray, " decision"]
    value: float  # mean outcome of that course
    top: float  # no course between the limits earns more


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
        """The bend of the parabola that touches each curve here and meets it at another stock."""
        apart = stock - self.stock
        close = np.abs(apart) <= CLOSE * self.stock
        return np.where(close, self.bend, 2 * self.above(value, stock) / np.where(close, 1.0, apart) ** 2)


def ceiling(
    course: Course,
    limits: tuple[Float[np.ndarray, " decision"], Float[np.ndarray, " decision"]],
    money: Float[np.ndarray, " decision"],
    odds: Float[np.ndarray, " draw"],
) -> Ceiling:
    """The ceiling over all courses between limits.

    Args:
        course: What the money does.
        limits: Least and most of each decision [currency].
        money: A course between them, best one that earns much; with money in every decision that may have some.
        odds: Of the draws.
    """
    value, slope, bend, top = majorant(course, limits, money, odds)
    height = value
    least, most = limits[0] - money, limits[1] - money
    scale = np.maximum(most, -least)
    size, axes = np.linalg.eigh(bend * np.outer(scale, scale))
    axes = axes / np.where(scale > 0, scale, 1.0)[:, None]
    for upwards, axis in zip(size, axes.T, strict=True):
        if upwards > 0:  # along this axis a parabola that opens upwards lies below the line through its ends
            ends = np.minimum(axis * least, axis * most).sum(), np.maximum(axis * least, axis * most).sum()
            height -= upwards / 2 * ends[0] * ends[1]
            slope = slope + upwards / 2 * (ends[0] + ends[1]) * axis
    return Ceiling(float(height), slope, value, top)


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
        left, right = ((end, respond(course.channel, end)) for end in ends)
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
    bounded from the curve's distance to its tangent at the peak and at the end, between which it is convex.
    """
    peak = steepening(course.channel)[None]
    at_peak, _, sharpest = bends(course.channel, peak)
    past = here.stock > peak
    to_right, bend = here.mean_bend(right[1], right[0]), here.bend
    found = np.maximum(bend, to_right)
    if past.any():
        to_left = here.mean_bend(left[1], left[0])
        astride = past & (left[0] < peak)
        if astride.any():
            top = np.maximum(here.above(at_peak, peak), here.above(left[1], left[0]))
            far = np.where(top > 0, here.stock - peak, here.stock - left[0])
            passing = np.maximum(2 * top / np.maximum(far**2, TINY), here.mean_bend(at_peak, peak))
            to_left = np.where(astride, passing, to_left)
        found = np.where(past, np.maximum(found, to_left), found)
    if not past.all():
        found = np.where(past | (right[0] <= peak), found, np.maximum(bend, sharpest))
    return found
