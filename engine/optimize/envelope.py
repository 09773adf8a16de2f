"""Envelopes: the smallest concave curve above a table, and the best split of a budget over them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from engine.optimize.closeness import ROUNDING
from engine.optimize.tables import Table


def hull(
    spend: Float[np.ndarray, " knot"], upper: Float[np.ndarray, " knot"], first: int, last: int
) -> Int[np.ndarray, " corner"]:
    """Indices of the knots from `first` to `last` on which the concave envelope rests.

    >>> hull(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 0.1, 2.0, 2.5]), 0, 3).tolist()
    [0, 2, 3]
    """
    x, y = spend.tolist(), upper.tolist()
    corners = [first]
    for knot in range(first + 1, last + 1):
        while len(corners) > 1:
            a, b = corners[-2], corners[-1]
            if (y[b] - y[a]) * (x[knot] - x[a]) <= (y[knot] - y[a]) * (x[b] - x[a]):
                corners.pop()
            else:
                break
        corners.append(knot)
    return np.array(corners)


@dataclass(frozen=True)
class Envelope:
    """The envelope of one channel on one interval of its knots, as segments of falling slope."""

    corners: Int[np.ndarray, " corner"]
    start: float  # least spend [currency]
    base: float  # upper value there
    length: Float[np.ndarray, " segment"]  # [currency]
    slope: Float[np.ndarray, " segment"]  # objective per currency


def envelope(table: Table, first: int, last: int) -> Envelope:
    """The envelope of a table between two of its knots."""
    corners = hull(table.spend, table.upper, first, last)
    length = np.diff(table.spend[corners])
    return Envelope(
        corners,
        float(table.spend[first]),
        float(table.upper[first]),
        length,
        np.divide(np.diff(table.upper[corners]), length, out=np.zeros_like(length), where=length > 0),
    )


@dataclass(frozen=True)
class Group:
    """Channels whose spend together has bounds of its own; of two groups of one problem that share channels, one
    lies inside the other, and the inner one comes first."""

    members: Bool[np.ndarray, " channel"]
    low: float  # [currency]
    high: float


@dataclass(frozen=True)
class Split:
    """The best split of a budget over envelopes; few channels lie inside a segment."""

    bound: float  # the value of the split on the envelopes
    spend: Float[np.ndarray, " channel"]
    corner: Int[np.ndarray, " channel"]  # the last corner of each channel's envelope that it reaches
    inside: tuple[tuple[int, int], ...]  # channel and first corner of each segment that is taken in part


@dataclass(frozen=True)
class Segments:
    """The segments of all envelopes, by falling slope; those of equal slope by channel."""

    start: Float[np.ndarray, " channel"]  # least spends
    base: Float[np.ndarray, " channel"]  # upper values there
    slope: Float[np.ndarray, " segment"]
    length: Float[np.ndarray, " segment"]
    owner: Int[np.ndarray, " segment"]  # channel

    def exchanged(self, envelopes: dict[int, Envelope]) -> "Segments":
        """The segments with some channels' envelopes exchanged for others."""
        start, base = self.start.copy(), self.base.copy()
        kept = np.ones(len(start), bool)
        for channel, part in envelopes.items():
            start[channel], base[channel], kept[channel] = part.start, part.base, False
        others = segments(list(envelopes.values()))
        stays = kept[self.owner]
        at = np.searchsorted(-self.slope[stays], -others.slope)
        names = np.fromiter(envelopes, int, len(envelopes))
        pairs = (
            (self.slope[stays], others.slope),
            (self.length[stays], others.length),
            (self.owner[stays], names[others.owner]),
        )
        return Segments(start, base, *(np.insert(old, at, new) for old, new in pairs))


def segments(envelopes: list[Envelope]) -> Segments:
    """The segments of some envelopes."""
    owner = np.repeat(np.arange(len(envelopes)), [len(part.length) for part in envelopes])
    slope = np.concatenate([part.slope for part in envelopes])
    length = np.concatenate([part.length for part in envelopes])
    order = np.argsort(-slope, kind="stable")
    start, base = np.array([part.start for part in envelopes]), np.array([part.base for part in envelopes])
    return Segments(start, base, slope[order], length[order], owner[order])


def split(envelopes: list[Envelope], least: float, most: float, groups: tuple[Group, ...] = ()) -> Split | None:
    """The best split whose total lies between `least` and `most`; None where there is none.

    Taking segments by falling slope is exact for one budget (a continuous knapsack). With groups that are nested or
    apart it stays exact: from the innermost on, each group first takes the best of what its inner ones leave open up to
    its lower bound, and none beyond its upper one (what a group earns is a concave function of its money again).
    """
    return filled(segments(envelopes), least, most, groups)


def filled(parts: Segments, least: float, most: float, groups: tuple[Group, ...]) -> Split | None:
    """`split`, of segments that are in order already."""
    start, length, slope, owner = parts.start, parts.length, parts.slope, parts.owner
    slack = ROUNDING * abs(most)
    must, may = np.zeros(len(length)), length.copy()
    for group in groups:
        own = np.flatnonzero(group.members[owner])
        least_own, open_own = start[group.members].sum() + must[own].sum(), may[own] - must[own]
        before = least_own + np.cumsum(open_own) - open_own
        if max(least_own, group.low) > group.high + slack or least_own + open_own.sum() < group.low - slack:
            return None
        may[own] = must[own] + np.clip(group.high - before, 0.0, open_own)
        must[own] += np.clip(group.low - before, 0.0, open_own)
    free = may - must
    room = most - start.sum() - must.sum()
    need = least - start.sum() - must.sum()
    if room < -slack or free.sum() < need - slack:
        return None
    budget = min(max(room, 0.0), max(need, float(free[slope > 0].sum())), float(free.sum()))
    taken = must + np.clip(budget - (np.cumsum(free) - free), 0.0, free)
    spend = start + np.bincount(owner, weights=taken, minlength=len(start))
    full = taken >= (1 - 1e-12) * length
    corner = np.bincount(owner[full], minlength=len(start))
    partly = owner[(taken > 1e-12 * length) & ~full]
    inside = tuple(zip(partly.tolist(), corner[partly].tolist(), strict=True))
    return Split(float(parts.base.sum() + taken @ slope), spend, corner, inside)
