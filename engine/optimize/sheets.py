"""Sheets: what one channel brings at some spends, summed over its draws or by draw, and how far chords are off it.

A channel's mean outcome is a sum over cells, one for each row of periods and each draw. Every cell's curve is convex
up to its bend and concave from there on. Between two knots a concave curve lies above its chord, at most by the corner
of its end tangents: a quarter of the width times the fall of its slope, or less. A sum of such corners needs sums of
slopes at the knots alone, so no knot has to know its neighbours. Where a cell bends within an interval, or starts from
nothing, its own chord and tangents say more.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from engine.optimize.timing import Timing
from engine.response.curves import Channel, inflection, respond_with_rate

CHUNK = 12_000  # numbers that are worked on at once: what arises on the way then stays in a core's cache
NOTHING = float(np.nextafter(0.0, 1.0))  # the least bend: at a spend of 0 no slope is relied on

Knots = Float[np.ndarray, " knot"]
Odds = Float[np.ndarray, " draw"] | None  # chance of each draw, summing to 1; None: all the same


@dataclass(frozen=True)
class Cells:
    """A channel under its timing: one curve for each row of periods and each draw."""

    channel: Channel
    timing: Timing
    bend: Float[np.ndarray, "row draw"]  # the spend up to which each is convex, from which on it is concave; above 0
    bends: tuple[float, float]  # the least and the greatest of them


def cells(channel: Channel, timing: Timing) -> Cells:
    """The cells of a channel."""
    gain = np.where(timing.gain > 0, timing.gain, np.inf)
    bend = np.maximum(inflection(channel) / gain, NOTHING)
    return Cells(channel, timing, bend, (float(bend.min()), float(bend.max())))


@dataclass(frozen=True)
class Sums:
    """A channel's mean over its draws, by knot."""

    value: Knots  # outcome over the horizon
    slope: Knots  # its derivative by the spend
    bent: Knots  # the part of the slope that comes from cells on their concave side

    def at(self, order: Int[np.ndarray, " other"]) -> "Sums":
        """Some of the knots, in the given order."""
        return Sums(self.value[order], self.slope[order], self.bent[order])

    def joined(self, other: "Sums") -> "Sums":
        """The knots of both, one after the other."""
        pairs = ((self.value, other.value), (self.slope, other.slope), (self.bent, other.bent))
        return Sums(*(np.concatenate(pair) for pair in pairs))


@dataclass(frozen=True)
class Turns:
    """What each cell does on the interval within which it turns concave, times the periods of its row."""

    interval: Int[np.ndarray, "row draw"]  # -1 for a cell that is concave from the first knot on
    numbers: Float[np.ndarray, "4 row draw"]  # slope at both ends, most above and below its chord

    def sums(self, odds: Odds, intervals: int) -> Float[np.ndarray, "4 interval"]:
        """Their means over the draws, by interval."""
        draws = self.interval.shape[1]
        chance = np.full(draws, 1 / draws) if odds is None else odds
        inside = (self.interval >= 0) & (self.interval < intervals)
        where = np.where(inside, self.interval, intervals).ravel()
        found = [np.bincount(where, (part * chance).ravel(), intervals + 1)[:intervals] for part in self.numbers]
        return np.array(found)


@dataclass(frozen=True)
class Sheet:
    """A channel's outcomes and slopes at its knots, draw by draw: its sums under any odds are products with them."""

    knots: Knots
    value: Float[np.ndarray, "knot draw"]
    slope: Float[np.ndarray, "knot draw"]
    mixed: slice  # knots at which some cells are convex and others concave
    bent: Float[np.ndarray, "mixed draw"]  # the concave cells' part of the slope at these knots
    turns: Turns

    @property
    def size(self) -> int:
        """Numbers held."""
        return self.value.size + self.slope.size + self.bent.size + 5 * self.turns.interval.size

    def sums(self, odds: Float[np.ndarray, " draw"]) -> Sums:
        """The sums under some odds."""
        slope = self.slope @ odds
        bent = slope.copy()
        bent[: self.mixed.start] = 0.0
        bent[self.mixed] = self.bent @ odds
        return Sums(self.value @ odds, slope, bent)


def summed(curve: Cells, odds: Odds, knots: Knots) -> Sums:
    """The sums over all draws at some spends."""
    bend, (first, last) = curve.bend.ravel(), curve.bends
    weight = _weights(curve.timing, odds)
    rise = weight * curve.timing.gain.ravel()
    found = np.zeros((3, len(knots)))
    for part, value, rate in _blocks(curve, knots):
        found[0, part], found[1, part] = value @ weight, rate @ rise
        if knots[part.start] >= last:
            found[2, part] = found[1, part]
        elif knots[part.stop - 1] >= first:
            found[2, part] = (rate * (bend <= knots[part, None])) @ rise
    return Sums(*found)


def turned(curve: Cells, knots: Knots) -> Turns:
    """What each cell does where it turns concave.

    Beyond its bend a curve lies below the tangent at the interval's right end, before it above that at the left end,
    so it is off the chord by at most the difference of slopes times the way from there to the bend.
    """
    bend, timing = curve.bend, curve.timing
    interval = np.searchsorted(knots, bend) - 1
    at = np.clip(interval, 0, max(0, len(knots) - 2))
    left, right = knots[at], knots[np.minimum(at + 1, len(knots) - 1)]
    stock = np.stack([left, right]) * timing.gain
    value, rate = respond_with_rate(curve.channel, stock)
    slope = rate * timing.gain
    width = right - left
    chord = np.divide(value[1] - value[0], width, out=np.zeros_like(width), where=width > 0)
    above = np.maximum(chord - slope[1], 0.0) * np.clip(right - bend, 0.0, width)
    below = np.maximum(chord - slope[0], 0.0) * np.clip(bend - left, 0.0, width)
    return Turns(interval, np.stack([slope[0], slope[1], above, below]) * timing.weight[:, None])


def off_chords(knots: Knots, sums: Sums, turns: Float[np.ndarray, "4 interval"]) -> Float[np.ndarray, "2 interval"]:
    """The most by which the mean outcome is above, and below, its chord on each interval."""
    left, right, above, below = turns
    straight = sums.slope - sums.bent
    fall = sums.bent[:-1] - (sums.bent[1:] - right)
    rise = straight[1:] - (straight[:-1] - left)
    quarter = np.diff(knots) / 4
    return np.stack([quarter * np.maximum(fall, 0.0) + above, quarter * np.maximum(rise, 0.0) + below])


def sheet(curve: Cells, knots: Knots) -> Sheet:
    """A channel's outcomes and slopes at some spends, draw by draw."""
    bend, timing = curve.bend, curve.timing
    mixed = slice(*np.searchsorted(knots, curve.bends).tolist())
    draws = bend.shape[1]
    value, slope = np.empty((len(knots), draws)), np.empty((len(knots), draws))
    bent = np.empty((max(0, mixed.stop - mixed.start), draws))
    for part, earned, rate in _blocks(curve, knots):
        rise = rate * timing.gain.ravel()
        value[part], slope[part] = _by_draw(earned, timing), _by_draw(rise, timing)
        both = slice(max(part.start, mixed.start), min(part.stop, mixed.stop))
        if both.start < both.stop:
            own = rise[both.start - part.start : both.stop - part.start] * (bend.ravel() <= knots[both, None])
            bent[both.start - mixed.start : both.stop - mixed.start] = _by_draw(own, timing)
    return Sheet(knots, value, slope, mixed, bent, turned(curve, knots))


def _weights(timing: Timing, odds: Odds) -> Float[np.ndarray, " cell"]:
    """Periods of each row times the chance of each draw."""
    draws = timing.gain.shape[1]
    chance = np.full(draws, 1 / draws) if odds is None else odds
    return (timing.weight[:, None] * chance).ravel()


def _blocks(curve: Cells, knots: Knots) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Knots a few at a time, with the response of every cell at them and its derivative by the stock."""
    gain = curve.timing.gain
    step = max(1, CHUNK // gain.size)
    for begin in range(0, len(knots), step):
        part = slice(begin, min(begin + step, len(knots)))
        stock = knots[part, None, None] * gain
        value, rate = respond_with_rate(curve.channel, stock)
        yield part, value.reshape(len(stock), -1), rate.reshape(len(stock), -1)


def _by_draw(cells: Float[np.ndarray, "point cell"], timing: Timing) -> Float[np.ndarray, "point draw"]:
    """Cells summed over the rows of each draw, by the periods of each row."""
    summed_up: np.ndarray = np.einsum("prd,r->pd", cells.reshape(len(cells), *timing.gain.shape), timing.weight)
    return summed_up
