"""Pieces: the tables of all channels as a few padded arrays, which a batch reads at every price.

A curve is a list of concave stretches with convex ones between them. At a price of money the best spend on a concave
stretch is where its slope falls to the price; on a convex one it is an end. So the concave stretches, each as the
segments of its envelope, and the ends of the range hold every answer, for any range inside the table.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from engine.axes import Array
from engine.optimize.envelope import hull
from engine.optimize.tables import Table

FULL = 64  # lines are filled up to a multiple of so many knots, so that other tables need no other program


class Lines(NamedTuple):
    """Several lines of straight parts, flat: row after row, each filled up to the same number of knots."""

    rising: Float[Array, "line knot"]  # spends [currency], filled up with infinity
    spend: Float[Array, " flat"]  # the same, filled up with the last
    height: Float[Array, " flat"]
    first: Int[Array, "line one"]  # where each line starts in the flat arrays
    last: Int[Array, "line one"]  # last part of each line


class Pieces(NamedTuple):
    """Concave stretches, `rank` by `rank`: the first of every channel, then the second of each that has one."""

    falling: Float[Array, "piece segment"]  # slopes with their sign turned, so that they rise; filled up with infinity
    lines: Lines  # envelope of the upper line, by piece
    begin: Float[Array, "piece one"]  # of the stretch [currency]; above the end where a channel has no such piece
    end: Float[Array, "piece one"]
    upper: Lines  # the whole upper line, by channel
    value: Lines  # the mean objective at the same knots
    steepest: Float[Array, "channel one"]  # slope anywhere on the upper line
    excess: Float[Array, "channel one"]  # by which the upper line can exceed what its convex ends tell [objective]


def pieces_of(tables: list[Table]) -> Pieces:
    """The pieces of one table per channel, without gaps."""
    stretches = [table.stretches or [(0, len(table.spend) - 1, True)] for table in tables]
    concave = [[(a, b) for a, b, is_concave in one if is_concave] for one in stretches]
    ranks = max(len(one) for one in concave) or 1
    lines = [_envelope(table, one, rank) for rank in range(ranks) for table, one in zip(tables, concave, strict=True)]
    falling = np.full((len(lines), _width([spend for spend, _ in lines])), np.inf)
    for at, (spend, height) in enumerate(lines):
        slope = np.diff(height) / np.diff(spend)
        falling[at, : len(slope)] = -np.minimum.accumulate(slope)  # a hull's slopes fall but for rounding
    absent = [not len(one) > rank for rank in range(ranks) for one in concave]
    return Pieces(
        falling,
        _lines([spend for spend, _ in lines], [height for _, height in lines]),
        np.array([[np.inf if gone else spend[0]] for gone, (spend, _) in zip(absent, lines, strict=True)]),
        np.array([[-np.inf if gone else spend[-1]] for gone, (spend, _) in zip(absent, lines, strict=True)]),
        _lines([table.spend for table in tables], [table.upper for table in tables]),
        _lines([table.spend for table in tables], [table.value for table in tables]),
        np.array([[float(np.max(np.diff(one.upper) / np.diff(one.spend), initial=0.0))] for one in tables]),
        np.array([[_convex_excess(table, one)] for table, one in zip(tables, stretches, strict=True)]),
    )


def _envelope(table: Table, concave: list[tuple[int, int]], rank: int) -> tuple[np.ndarray, np.ndarray]:
    """Spends and heights of the envelope of one concave stretch; a single knot where there is none."""
    first, last = concave[rank] if rank < len(concave) else (0, 0)
    corners = hull(table.spend, table.upper, first, last)
    return table.spend[corners], table.upper[corners]


def _convex_excess(table: Table, stretches: list[tuple[int, int, bool]]) -> float:
    """The most by which the upper line of a convex stretch is above the largest convex line below it.

    On any part of such a stretch the line less a price is then at most this much above the better end.
    """
    most = 0.0
    for first, last, concave in stretches:
        if not concave:
            corners = hull(table.spend, -table.upper, first, last)
            inside = slice(first, last + 1)
            below = np.interp(table.spend[inside], table.spend[corners], table.upper[corners])
            most = max(most, float(np.max(table.upper[inside] - below)))
    return most


def _lines(spends: list[np.ndarray], heights: list[np.ndarray]) -> Lines:
    width = _width(spends)
    rising, flat, height = (np.full((len(spends), width), np.inf) for _ in range(3))
    for at, (spend, high) in enumerate(zip(spends, heights, strict=True)):
        rising[at, : len(spend)] = spend
        flat[at], height[at] = spend[-1], high[-1]
        flat[at, : len(spend)], height[at, : len(spend)] = spend, high
    counts = np.array([[len(spend)] for spend in spends])
    first = width * np.arange(len(spends))[:, None]
    return Lines(rising, flat.ravel(), height.ravel(), first, first + np.maximum(counts - 2, 0))


def _width(spends: list[np.ndarray]) -> int:
    """So many knots that each line has room."""
    longest = max(len(spend) for spend in spends)
    return max(1, -(-longest // FULL)) * FULL
