"""Spans: the spends of one channel whose money brings at least so much, on average or at its margin.

On any interval the mean outcome lies between straight lines of known slopes: each draw's curve is convex up to its bend
and concave from there on, so its slope is largest at the point nearest to the bend and least at one of the ends. So an
interval is surely inside, surely outside, or cut into pieces until it is next to nothing wide; what is left undecided
counts as inside. The spans hold every spend that is allowed, and no other but for rounding.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from engine.optimize.sheets import Cells, cells
from engine.optimize.tables import Payoff, gross
from engine.response.curves import respond_with_rate

POINTS = 96  # of the first look
NEAREST = 1e-12  # the first of them, as a share of the farthest: what is nearer to 0 is as there
PIECES = 8  # into which an undecided interval is cut
NARROW = 1e-10  # of its spend: an interval that is no wider is cut no further
MOST = 20_000  # undecided intervals after which no more is cut
DOUBLINGS = 60
SOME = 400_000  # numbers worked on at once

Spans = tuple[tuple[float, float], ...]  # rising and apart; the first begins at 0 where the very first money is enough


@dataclass(frozen=True)
class Asked:
    """One channel and what its money must bring."""

    payoff: Payoff
    cells: Cells
    least: float  # outcome per money
    marginal: bool


def spans(payoff: Payoff, least: float, usual: float, marginal: bool = False) -> Spans:
    """The spends above 0 that bring at least so much.

    Args:
        payoff: What the channel's money does; margin and charges do not count.
        least: Mean outcome per money, over all draws alike.
        usual: Some spend of the size in question [currency].
        marginal: Whether it is about the next unit of money, not the average.
    """
    asked = Asked(payoff, cells(payoff.channel, payoff.timing), least, marginal)
    far = _farthest(asked, usual)
    points = far * np.geomspace(NEAREST, 1.0, POINTS)
    left, right, found = points[:-1], points[1:], [np.zeros((0, 2))]
    while len(left):
        inside, doubtful = _looked_at(asked, left, right)
        cut = doubtful & (right - left > NARROW * right) & (doubtful.sum() <= MOST)
        kept = inside | (doubtful & ~cut)
        found.append(np.stack([left[kept], right[kept]], axis=1))
        edges = np.linspace(left[cut], right[cut], PIECES + 1)
        left, right = edges[:-1].ravel(), edges[1:].ravel()
    return _joined(np.concatenate(found), points[0])


def _farthest(asked: Asked, usual: float) -> float:
    """A spend from which on no money brings enough."""
    far, last = usual, asked.cells.bends[1]
    plain = Payoff(asked.payoff.channel, asked.payoff.timing)
    for _ in range(DOUBLINGS):
        if asked.marginal:
            enough = far > last and float(_slopes(asked, np.array([far]))[0]) < asked.least
        else:
            enough = gross(plain, far) < asked.least * far
        if enough:
            return far
        far *= 2
    return far


def _looked_at(
    asked: Asked, left: Float[np.ndarray, " interval"], right: Float[np.ndarray, " interval"]
) -> tuple[Bool[np.ndarray, " interval"], Bool[np.ndarray, " interval"]]:
    """Which intervals are surely inside, and which may be inside in part."""
    step = max(1, SOME // asked.cells.bend.size)
    parts = [slice(at, at + step) for at in range(0, len(left), step)]
    bounds = np.concatenate([_bounds(asked, left[part], right[part]) for part in parts], axis=1)
    inside = bounds[0] >= 0
    return inside, ~inside & (bounds[1] >= 0)


def _bounds(
    asked: Asked, left: Float[np.ndarray, " interval"], right: Float[np.ndarray, " interval"]
) -> Float[np.ndarray, "2 interval"]:
    """The least and the most that money brings beyond what it must, on each interval."""
    timing, bend = asked.payoff.timing, asked.cells.bend
    ends = np.stack([left, right])
    value, rate = respond_with_rate(asked.payoff.channel, ends[..., None, None] * timing.gain)
    nearest = np.clip(bend, left[:, None, None], right[:, None, None])
    steepest = respond_with_rate(asked.payoff.channel, nearest * timing.gain)[1]
    flattest, steepest = (_mean(asked, part * timing.gain) for part in (rate.min(axis=0), steepest))
    if asked.marginal:
        return np.stack([flattest, steepest]) - asked.least
    over = _mean(asked, value) - asked.least * ends
    return _between(over, flattest - asked.least, steepest - asked.least, right - left)


def _between(
    over: Float[np.ndarray, "2 interval"],
    flattest: Float[np.ndarray, " interval"],
    steepest: Float[np.ndarray, " interval"],
    width: Float[np.ndarray, " interval"],
) -> Float[np.ndarray, "2 interval"]:
    """The least and the most of a function of which both ends and the range of slopes are known.

    Between a line from the left end and one to the right end of the largest, or the least, slope there is.
    """
    turns = (steepest > 0) & (flattest < 0)
    spread = np.where(turns, steepest - flattest, 1.0)  # there alone a line from each end meets the other inside
    product = steepest * flattest * width
    peak = (steepest * over[1] - flattest * over[0] - product) / spread
    trough = (steepest * over[0] - flattest * over[1] + product) / spread
    most = np.where(turns, np.maximum(peak, over.max(axis=0)), over.max(axis=0))
    least = np.where(turns, np.minimum(trough, over.min(axis=0)), over.min(axis=0))
    return np.stack([least, most])


def _slopes(asked: Asked, spend: Float[np.ndarray, " point"]) -> Float[np.ndarray, " point"]:
    timing = asked.payoff.timing
    rate = respond_with_rate(asked.payoff.channel, spend[:, None, None] * timing.gain)[1]
    return _mean(asked, rate * timing.gain)


def _mean(asked: Asked, by_cell: Float[np.ndarray, "*point row draw"]) -> Float[np.ndarray, "*point"]:
    """Cells summed over rows, by the periods of each, and averaged over all draws alike."""
    found: np.ndarray = np.einsum("...rd,r->...", by_cell, asked.payoff.timing.weight) / by_cell.shape[-1]
    return found


def _joined(pieces: Float[np.ndarray, "piece 2"], nearest: float) -> Spans:
    """Pieces that touch as one span."""
    spans_found: list[tuple[float, float]] = []
    for left, right in pieces[np.argsort(pieces[:, 0])].tolist():
        if spans_found and left <= spans_found[-1][1] * (1 + NARROW):
            spans_found[-1] = (spans_found[-1][0], max(right, spans_found[-1][1]))
        else:
            spans_found.append((0.0 if left <= nearest else left, right))
    return tuple(spans_found)
