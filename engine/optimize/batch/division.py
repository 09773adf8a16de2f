"""Branch and bound over many rows at once: the range of the most overrated channel is divided until a row is proven.

All rows go through one wave after the other; in each, the part with the highest bound of every row that is not yet
proven is divided in two, and all the halves are relaxed together. What a row gets does not depend on its neighbours.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from engine.optimize.batch.relaxation import Relaxed

WAVES = 80  # most divisions of one row; rows that need more are left to another route


@dataclass(frozen=True)
class Ranges:
    """What some parts of rows may spend by channel [currency]."""

    row: Int[np.ndarray, " part"]
    low: Float[np.ndarray, "channel part"]
    high: Float[np.ndarray, "channel part"]
    idle: Bool[np.ndarray, "channel part"]  # whether nothing may be spent as well, though `low` is above 0

    def at(self, chosen: np.ndarray) -> "Ranges":
        """Some of the parts."""
        return Ranges(self.row[chosen], *(one.take(chosen, axis=1) for one in (self.low, self.high, self.idle)))


@dataclass(frozen=True)
class Parts:
    """Parts of rows that were relaxed and not divided yet."""

    ranges: Ranges
    bound: Float[np.ndarray, " part"]
    channel: Int[np.ndarray, " part"]  # to be divided
    cut: Float[np.ndarray, " part"]  # there [currency]; not a number where nothing is left to divide

    def at(self, chosen: np.ndarray) -> "Parts":
        """Some of the parts."""
        return Parts(self.ranges.at(chosen), self.bound[chosen], self.channel[chosen], self.cut[chosen])


@dataclass(frozen=True)
class Divided:
    """The best split of each row that was seen, what the tables say it is worth, and a rigorous bound."""

    spend: Float[np.ndarray, "channel row"]
    worth: Float[np.ndarray, " row"]  # minus infinity where no split was found
    bound: Float[np.ndarray, " row"]  # minus infinity where there is none


def divide(
    root: Ranges,
    rows: int,
    relaxed: Callable[[Ranges], Relaxed],
    near: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> Divided:
    """The best splits of rows.

    Args:
        root: The ranges of every row that is asked for.
        rows: How many rows there are; of those not asked for nothing is told.
        relaxed: The relaxed splits of some parts.
        near: Whether bound and worth of each row are near enough.
    """
    parts, told = _parts(root, relaxed(root), np.full(len(root.row), np.inf))
    best, spend = np.full(rows, -np.inf), np.full((len(told.spend), rows), np.nan)
    best[root.row], spend[:, root.row] = told.worth, told.spend
    done = np.full(rows, -np.inf)  # the highest bound of parts that are not divided any more
    for _ in range(WAVES):
        top = _highest(parts, done)
        wanted = ~near(top, best)[parts.ranges.row] & (parts.bound > best[parts.ranges.row])
        ready = wanted & np.isfinite(parts.cut)
        np.maximum.at(done, parts.ranges.row[~ready], parts.bound[~ready])
        parts = parts.at(np.flatnonzero(ready))
        if not len(parts.bound):
            break
        chosen = _first_of_each_row(parts)
        halves, limit = _halves(parts.at(np.flatnonzero(chosen)))
        found, told = _parts(halves, relaxed(halves), limit)
        _improve(best, spend, halves.row, told)
        parts = _joined(parts.at(np.flatnonzero(~chosen)), found)
    return Divided(spend, best, np.maximum(_highest(parts, done), best))


def _parts(ranges: Ranges, told: Relaxed, limit: np.ndarray) -> tuple[Parts, Relaxed]:
    """Relaxed parts, none with a bound above `limit`, that of the part they come from."""
    told = Relaxed(*(np.asarray(one) for one in told))
    each = np.arange(len(ranges.row))
    cut, low, high = told.spend[told.channel, each], ranges.low[told.channel, each], ranges.high[told.channel, each]
    low = np.where(ranges.idle[told.channel, each], 0.0, low)
    divisible = (told.overrated > 0) & (cut > low) & (cut < high)
    bound = np.minimum(told.bound, limit)
    return Parts(ranges, bound, told.channel, np.where(divisible, cut, np.nan)), told


def _highest(parts: Parts, done: np.ndarray) -> Float[np.ndarray, " row"]:
    """The highest bound of all parts of each row."""
    top = done.copy()
    np.maximum.at(top, parts.ranges.row, parts.bound)
    return top


def _first_of_each_row(parts: Parts) -> Bool[np.ndarray, " part"]:
    """The part of each row with the highest bound, the oldest where several have it."""
    order = np.lexsort((np.arange(len(parts.bound)), -parts.bound, parts.ranges.row))
    row = parts.ranges.row[order]
    chosen = np.zeros(len(order), bool)
    chosen[order[np.append(True, row[1:] != row[:-1])]] = True
    return chosen


def _halves(parts: Parts) -> tuple[Ranges, np.ndarray]:
    """Each part in two: with less than the cut of its channel, and with more; the bounds of where they come from.

    Where the cut lies within a minimum flight the one half spends nothing, and the other at least the flight.
    """
    ranges, each = parts.ranges, np.arange(len(parts.bound))
    place = (parts.channel, each)
    within = ranges.idle[place] & (parts.cut < ranges.low[place])
    under, over, most = ranges.low.copy(), ranges.low.copy(), ranges.high.copy()
    idle_under, idle_over = ranges.idle.copy(), ranges.idle.copy()
    most[place] = np.where(within, 0.0, parts.cut)
    under[place] = np.where(within, 0.0, ranges.low[place])
    over[place] = np.where(within, ranges.low[place], parts.cut)
    idle_under[place], idle_over[place] = ranges.idle[place] & ~within, False
    return Ranges(
        np.concatenate([ranges.row, ranges.row]),
        np.concatenate([under, over], axis=1),
        np.concatenate([most, ranges.high], axis=1),
        np.concatenate([idle_under, idle_over], axis=1),
    ), np.concatenate([parts.bound, parts.bound])


def _improve(best: np.ndarray, spend: np.ndarray, row: np.ndarray, told: Relaxed) -> None:
    """Take over what is worth more than the best so far; the first half of a row before the second."""
    half = len(row) // 2
    for side in (slice(0, half), slice(half, None)):
        better = told.worth[side] > best[row[side]]
        at = row[side][better]
        best[at], spend[:, at] = told.worth[side][better], told.spend[:, side][:, better]


def _joined(one: Parts, other: Parts) -> Parts:
    ranges = Ranges(
        np.concatenate([one.ranges.row, other.ranges.row]),
        *(
            np.concatenate([getattr(part.ranges, name) for part in (one, other)], axis=1)
            for name in ("low", "high", "idle")
        ),
    )
    return Parts(
        ranges,
        *(np.concatenate([getattr(part, name) for part in (one, other)]) for name in ("bound", "channel", "cut")),
    )
