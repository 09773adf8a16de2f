"""Courses: what one channel's money does when it is decided several times over the horizon.

A course is the money of one channel by decision [currency]. Its outcome is exact: each period has its own stock, draw
by draw, of what the course brought until then and of what was there before. As a function of the course it is a mean
of curves of straight sums, so straight lines above the curves make planes above the outcome.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from engine.response.curves import Channel, chosen, respond_with_rate

CHUNK = 40_000  # numbers evaluated at once: what stays in the cache
IDLE = 1e-12  # of the largest gain: a row that is reached with less does not count
NUDGE = 1e-5  # of a stock: the step by which bends are measured
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
    stock = course.stock(money)
    total = course.constant.copy()
    for rows in _chunks(stock):
        total += course.weight[rows] @ respond_with_rate(course.channel, stock[rows])[0]
    return total


def means(
    course: Course, money: Float[np.ndarray, "course decision"], odds: Float[np.ndarray, " draw"]
) -> Float[np.ndarray, " course"]:
    """Mean outcome of several courses."""
    return np.concatenate([_looked_at(course, some, odds, False)[0] for some in _parts(course, money)])


def tangents(
    course: Course, money: Float[np.ndarray, "course decision"], odds: Float[np.ndarray, " draw"]
) -> tuple[Float[np.ndarray, " course"], Float[np.ndarray, " course"], Float[np.ndarray, "course decision"]]:
    """Mean outcome of several courses; height there, and slope, of a plane that lies nowhere below concave curves.

    Next to 0, where a curve can be infinitely steep, it is touched at a stock a little higher.
    """
    found = [_looked_at(course, some, odds, True) for some in _parts(course, money)]
    values, heights, slopes = zip(*found, strict=True)
    return np.concatenate(values), np.concatenate(heights), np.concatenate(slopes)


def _parts(course: Course, money: Float[np.ndarray, "course decision"]) -> list[Float[np.ndarray, "some decision"]]:
    """Courses in parts that stay in the cache."""
    each = max(1, CHUNK // course.offset.size)
    return [money[begin : begin + each] for begin in range(0, len(money), each)]


def _looked_at(
    course: Course, money: Float[np.ndarray, "course decision"], odds: Float[np.ndarray, " draw"], sloped: bool
) -> tuple[Float[np.ndarray, " course"], Float[np.ndarray, " course"], Float[np.ndarray, "course decision"]]:
    flat, count = course.gain.reshape(course.decisions, -1), len(money)
    stock = (money @ flat).reshape(-1, *course.offset.shape) + course.offset
    near = stock
    if sloped:
        least = NEAR_ZERO * course.gain.max() * np.maximum(money.sum(axis=1), TINY)
        near = np.maximum(stock, least[:, None, None])
    value, rate = respond_with_rate(course.channel, near)
    height = value
    if sloped and (stock < near).any():
        height = value + rate * (stock - near)
        value = respond_with_rate(course.channel, stock)[0]
    chances, constant = (course.weight[:, None] * odds).ravel(), float(course.constant @ odds)
    outcome, plane = (constant + part.reshape(count, -1) @ chances for part in (value, height))
    return outcome, plane, (rate.reshape(count, -1) * chances) @ flat.T


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


def _respond(course: Course, stock: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outcome and its derivative, row by row."""
    parts = [respond_with_rate(course.channel, stock[rows]) for rows in _chunks(stock)]
    return np.concatenate([value for value, _ in parts]), np.concatenate([rate for _, rate in parts])


def _chunks(stock: Float[np.ndarray, "row draw"]) -> list[slice]:
    """Rows in parts that stay in the cache."""
    step = max(1, CHUNK // max(1, stock.shape[1]))
    return [slice(begin, begin + step) for begin in range(0, len(stock), step)]


def bent(
    course: Course, money: Float[np.ndarray, " decision"], odds: Float[np.ndarray, " draw"]
) -> tuple[float, Float[np.ndarray, " decision"], Float[np.ndarray, "decision decision"]]:
    """Mean outcome of a course, its slope and its bend (second derivatives, by a small step of the stock)."""
    stock = course.stock(money)
    value, rate = _respond(course, stock)
    step = NUDGE * np.maximum(stock, NEAR_ZERO * stock.max())
    change = (_respond(course, stock + step)[1] - rate) / np.where(step > 0, step, 1.0)
    chances = (course.weight[:, None] * odds).ravel()
    flat = course.gain.reshape(course.decisions, -1)
    bend = (flat * (chances * change.ravel())) @ flat.T
    outcome = float(course.constant @ odds) + float(value.ravel() @ chances)
    return outcome, flat @ (rate.ravel() * chances), bend
