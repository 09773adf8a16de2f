"""Courses: what one channel's money does when it is decided several times over the horizon.

A course is the money of one channel by decision [currency]. Its outcome is exact: each period has its own stock, draw
by draw, of what the course brought until then and of what was there before. As a function of the course it is a mean
of curves of straight sums, so straight lines above the curves make planes above the outcome.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from engine.response.curves import Channel, bends, chosen, respond, respond_with_rate

CHUNK = 20_000  # numbers evaluated at once: a dozen arrays of this size stay in the cache
IDLE = 1e-12  # of the largest gain: a row that is reached with less does not count
TINY = 1e-300
NEAR_ZERO = 1e-6  # of the largest stock: where a curve can be infinitely steep, it is touched no nearer to 0


@dataclass(frozen=True)
class Course:
    """How money by decision becomes stock by row of periods, and what a row counts."""

    channel: Channel
    gain: Float[np.ndarray, "decision row draw"]  # stock [currency/period] per money of a decision [currency]
    offset: Float[np.ndarray, "row draw"]  # stock that is there whatever is decided [currency/period]
    weight: Float[np.ndarray, " row"]  # value and discount of the row
    constant: Float[np.ndarray, " draw"]  # less what comes anyway, so that no money brings nothing

    @property
    def draws(self) -> int:
        """How many draws there are."""
        return int(self.constant.size)

    @property
    def decisions(self) -> int:
        """How many decisions there are."""
        return len(self.gain)

    def stock(self, money: Float[np.ndarray, " decision"]) -> Float[np.ndarray, "row draw"]:
        """The stock of each row [currency/period]."""
        return np.tensordot(money, self.gain, axes=1) + self.offset


def incremental(
    channel: Channel,
    gain: Float[np.ndarray, "decision row draw"],
    offset: Float[np.ndarray, "row draw"],
    weight: Float[np.ndarray, " row"],
) -> Course:
    """A course whose outcome is what its money adds to what comes anyway; rows that no money reaches are left out."""
    reached = gain.max(axis=(0, 2)) > IDLE * gain.max()
    reached[0] |= not reached.any()  # a channel without an open date keeps a row, in which nothing comes
    bare = Course(
        channel, np.ascontiguousarray(gain[:, reached]), offset[reached], weight[reached], np.zeros(gain.shape[2])
    )
    return replace(bare, constant=-by_draw(bare, np.zeros(len(gain))))


def by_draw(course: Course, money: Float[np.ndarray, " decision"]) -> Float[np.ndarray, " draw"]:
    """Outcome of a course, draw by draw."""
    total, step = course.constant.copy(), max(1, CHUNK // course.draws)
    for begin in range(0, len(course.weight), step):
        rows = slice(begin, begin + step)
        stock = np.tensordot(money, course.gain[:, rows], axes=1) + course.offset[rows]
        total += course.weight[rows] @ respond(course.channel, stock)
    return total


def means(
    course: Course, money: Float[np.ndarray, "course decision"], odds: Float[np.ndarray, " draw"]
) -> Float[np.ndarray, " course"]:
    """Mean outcome of several courses."""
    outcome = np.full(len(money), float(course.constant @ odds))
    for gain, offset, chances in _pieces(course, odds, len(money)):
        stock = (money @ gain).reshape(len(money), *offset.shape) + offset
        outcome += respond(course.channel, stock).reshape(len(money), -1) @ chances
    return outcome


def tangents(
    course: Course, money: Float[np.ndarray, "course decision"], odds: Float[np.ndarray, " draw"]
) -> tuple[Float[np.ndarray, " course"], Float[np.ndarray, " course"], Float[np.ndarray, "course decision"]]:
    """Mean outcome of several courses; height there, and slope, of a plane that lies nowhere below concave curves.

    Next to 0, where a curve can be infinitely steep, it is touched at a stock a little higher.
    """
    count = len(money)
    outcome = np.full(count, float(course.constant @ odds))
    plane, slope = outcome.copy(), np.zeros(money.shape)
    least = (NEAR_ZERO * course.gain.max() * np.maximum(money.sum(axis=1), TINY))[:, None, None]
    for gain, offset, chances in _pieces(course, odds, count):
        stock = (money @ gain).reshape(count, *offset.shape) + offset
        near = np.maximum(stock, least)
        value, rate = respond_with_rate(course.channel, near)
        height = value
        if (stock < near).any():
            height = value + rate * (stock - near)
            value = respond(course.channel, stock)
        outcome += value.reshape(count, -1) @ chances
        plane += height.reshape(count, -1) @ chances
        slope += (rate.reshape(count, -1) * chances) @ gain.T
    return outcome, plane, slope


Piece = tuple[Float[np.ndarray, "decision number"], Float[np.ndarray, "some draw"], Float[np.ndarray, " number"]]


def _pieces(course: Course, odds: Float[np.ndarray, " draw"], courses: int) -> Iterator[Piece]:
    """Some rows at a time, so that what is computed of them stays in the cache: gain, offset and chances."""
    step = max(1, CHUNK // (course.draws * courses))
    for begin in range(0, len(course.weight), step):
        rows = slice(begin, begin + step)
        chances = (course.weight[rows, None] * odds).ravel()
        yield course.gain[:, rows].reshape(course.decisions, -1), course.offset[rows], chances


def even_draws(draws: int, some: int) -> Int[np.ndarray, " few"]:
    """Numbers of about `some` draws of `draws`, evenly chosen."""
    return np.arange(0, draws, max(1, draws // some))


def thinned(course: Course, draws: int) -> Course:
    """The course on some of its draws, evenly chosen."""
    some = even_draws(course.draws, draws)
    return Course(
        chosen(course.channel, some),
        np.ascontiguousarray(course.gain[:, :, some]),
        np.ascontiguousarray(course.offset[:, some]),
        course.weight,
        course.constant[some],
    )


def bent(
    course: Course, money: Float[np.ndarray, " decision"], odds: Float[np.ndarray, " draw"]
) -> tuple[float, Float[np.ndarray, " decision"], Float[np.ndarray, "decision decision"]]:
    """Mean outcome of a course, its slope and its bend (second derivatives)."""
    outcome = float(course.constant @ odds)
    slope, bend = np.zeros(course.decisions), np.zeros((course.decisions, course.decisions))
    for gain, offset, chances in _pieces(course, odds, 1):
        value, rate, turn = bends(course.channel, (money @ gain).reshape(offset.shape) + offset)
        outcome += float(value.ravel() @ chances)
        slope += gain @ (rate.ravel() * chances)
        bend += (gain * (chances * turn.ravel())) @ gain.T
    return outcome, slope, bend
