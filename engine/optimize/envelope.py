"""Envelopes: the smallest concave curve above a table, and the best split of a budget over them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

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
class Split:
    """The best split of a budget over envelopes; at most one channel lies inside a segment."""

    bound: float  # the value of the split on the envelopes
    spend: Float[np.ndarray, " channel"]
    inside: int  # the channel that lies inside a segment, or -1
    corner: int  # the first corner of that segment
    price: float  # value of the next unit of money


def split(envelopes: list[Envelope], least: float, most: float) -> Split | None:
    """The best split whose total lies between `least` and `most`; None where there is none.

    Taking segments by falling slope is exact: it is the greedy solution of a continuous knapsack.
    """
    start = np.array([part.start for part in envelopes])
    counts = [len(part.length) for part in envelopes]
    length = np.concatenate([part.length for part in envelopes])
    slope = np.concatenate([part.slope for part in envelopes])
    slack = 1e-9 * max(abs(most), 1e-300)
    room, need = most - start.sum(), least - start.sum()
    if room < -slack or length.sum() < need - slack:
        return None
    owner = np.repeat(np.arange(len(envelopes)), counts)
    order = np.lexsort((owner, -slope))
    wanted = need + np.maximum(0.0, length[order][slope[order] > 0].sum() - need)
    budget = min(max(room, 0.0), max(wanted, 0.0), float(length.sum()))
    filled = np.cumsum(length[order])
    whole = int(np.searchsorted(filled, budget * (1 + 1e-15), side="right"))
    taken = np.zeros(len(length))
    taken[order[:whole]] = length[order[:whole]]
    inside, corner = -1, -1
    if whole < len(order):
        rest = budget - (filled[whole - 1] if whole else 0.0)
        at = order[whole]
        if rest > 1e-12 * length[at]:
            taken[at] = rest
            inside = int(owner[at])
            corner = int(at - sum(counts[:inside]))
    spend = start + np.bincount(owner, weights=taken, minlength=len(envelopes))
    bound = sum(part.base for part in envelopes) + float(taken @ slope)
    price = float(slope[order[min(whole, len(order) - 1)]]) if len(order) else 0.0
    return Split(bound, spend, inside, corner, price)
