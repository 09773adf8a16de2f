"""Branch and bound on envelopes: a plan and a rigorous bound for curves of any shape.

The relaxed problem replaces each curve by its envelope; in its solution at most one channel, and one more
for each group that is at its limit, lies inside an envelope segment (Udell and Boyd, Maximizing a sum of
sigmoids, 2014), and only these can make the bound too high. Cutting the range of the worst of them there
and solving both halves closes the gap.
"""

import heapq
import itertools
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.optimize.closeness import SEARCHED
from engine.optimize.dynamic import best_on_grid
from engine.optimize.envelope import Envelope, Group, Split, envelope, filled, segments
from engine.optimize.tables import Table

NODES = 20_000  # most nodes before the search gives up and says so
LATE = 8  # nodes after which a plan is looked for on a grid too
STEPS = 500  # of that grid

Domain = dict[int, tuple[int, int]]  # first and last knot of each channel that is not free to use its whole table


@dataclass(frozen=True)
class Found:
    """A plan and its bound."""

    spend: Float[np.ndarray, " channel"]
    bound: float
    nodes: int
    gridded: bool = False  # whether the plan was looked for on a grid too


@dataclass(frozen=True)
class Best:
    """The best plan so far, by the tables' values; the value of the best by their upper lines ends the search."""

    spend: Float[np.ndarray, " channel"] | None
    value: float
    upper: float

    def or_better(self, spend: Float[np.ndarray, " channel"], value: float, upper: float) -> "Best":
        """The better of this plan and another."""
        most = max(self.upper, upper)
        return Best(spend, value, most) if value > self.value else replace(self, upper=most)

    @property
    def enough(self) -> float:
        """The bound at which this is good enough: what tables leave open no search can close."""
        return self.upper + SEARCHED * abs(self.upper) if np.isfinite(self.upper) else self.upper


class UndecidedError(Exception):
    """The search gave up before it found a plan, or that there is none."""


class Relaxation:
    """The problem with envelopes in place of the curves; parts of domains that were looked at before are kept."""

    def __init__(self, tables: list[Table], least: float, most: float, groups: tuple[Group, ...]) -> None:
        self.tables, self.limits, self.groups = tables, (least, most), groups
        self.whole = [envelope(table, 0, len(table.spend) - 1) for table in tables]
        self.segments = segments(self.whole)
        self.parts: dict[tuple[int, int, int], Envelope] = {}

    def part(self, domain: Domain, channel: int) -> Envelope:
        """The envelope of a channel on its part of the domain."""
        if channel not in domain:
            return self.whole[channel]
        key = (channel, *domain[channel])
        if key not in self.parts:
            self.parts[key] = envelope(self.tables[channel], *domain[channel])
        return self.parts[key]

    def split(self, domain: Domain) -> Split | None:
        """The best split over the envelopes on a domain."""
        own = {channel: self.part(domain, channel) for channel in domain}
        return filled(self.segments.exchanged(own) if own else self.segments, *self.limits, self.groups)

    def worth(self, domain: Domain, relaxed: Split) -> tuple[float, float]:
        """What a relaxed split is worth by the tables, and by their upper lines; minus infinity in a forbidden gap."""
        value = upper = 0.0
        inside = {channel for channel, _ in relaxed.inside}
        for channel, (table, corner) in enumerate(zip(self.tables, relaxed.corner.tolist(), strict=True)):
            if channel in inside:
                spend = float(relaxed.spend[channel])
                if _forbidden(table, spend):
                    return -np.inf, -np.inf
                value += float(np.interp(spend, table.spend, table.value))
                upper += float(np.interp(spend, table.spend, table.upper))
            else:
                knot = self.part(domain, channel).corners[corner]
                value, upper = value + float(table.value[knot]), upper + float(table.upper[knot])
        return value, upper


def search(tables: list[Table], least: float, most: float, groups: tuple[Group, ...] = ()) -> Found | None:
    """The best plan whose total lies between `least` and `most`; None where there is none.

    Raises:
        UndecidedError: No plan was found in `NODES` nodes, and some were left.
    """
    relaxation, root = Relaxation(tables, least, most, groups), Domain()
    top = relaxation.split(root)
    if top is None:
        return None
    best, gridded = Best(None, -np.inf, -np.inf), False
    queue, order, nodes, leaves = [(-top.bound, 0, root, top)], itertools.count(1), 0, -np.inf
    while queue and nodes < NODES and -queue[0][0] > best.enough:
        bound, _, domain, relaxed = heapq.heappop(queue)
        nodes += 1
        best = best.or_better(relaxed.spend, *relaxation.worth(domain, relaxed))
        if nodes == LATE and not groups:
            best, gridded = _on_grid(relaxation, best), True
        halves = [] if -bound <= best.enough else _cut(relaxation, domain, relaxed)
        leaves = leaves if halves else max(leaves, -bound)
        for half in halves:
            inner = relaxation.split(half)
            if inner is not None:
                heapq.heappush(queue, (max(-inner.bound, bound), next(order), half, inner))
    if best.spend is None:
        if queue:
            raise UndecidedError
        return None
    limit = max(leaves, best.upper, -queue[0][0] if queue else -np.inf)
    return Found(best.spend, limit, nodes, gridded)


def _on_grid(relaxation: Relaxation, best: Best) -> Best:
    """The best plan so far, or the best of a grid where that is better."""
    tables, (least, most) = relaxation.tables, relaxation.limits
    grid = best_on_grid(tables, most, least == most, STEPS)
    if grid is None or least > grid.sum() * (1 + 1e-12):
        return best
    spends = list(zip(grid.tolist(), tables, strict=True))
    value = sum(float(np.interp(x, table.spend, table.value)) for x, table in spends)
    upper = sum(float(np.interp(x, table.spend, table.upper)) for x, table in spends)
    return best.or_better(grid, value, upper)


def _forbidden(table: Table, spend: float) -> bool:
    """Whether a spend lies below the minimum flight and above nothing."""
    if table.gap is None:
        return False
    rounding = 1e-11 * float(table.spend[-1])
    return bool(table.gap[0] + rounding < spend < table.gap[1] - rounding)


def _cut(relaxation: Relaxation, domain: Domain, relaxed: Split) -> list[Domain]:
    """The domain in two, cut where the relaxed split profits most from an envelope; empty where none does."""
    worst, cut = 0.0, None
    for channel, corner in relaxed.inside:
        table, spend = relaxation.tables[channel], float(relaxed.spend[channel])
        first, last = domain.get(channel, (0, len(table.spend) - 1))
        corners = relaxation.part(domain, channel).corners
        left, right = int(corners[corner]), int(corners[corner + 1])
        x, y = table.spend[[left, right]], table.upper[[left, right]]
        if right == left + 1:
            if not (table.gap and left == 0):
                continue
            excess, halves = np.inf, ((first, left), (right, last))
        elif _forbidden(table, spend):
            excess, halves = np.inf, ((first, 0), (1, last))
        else:
            at = min(max(int(np.searchsorted(table.spend, spend)), left + 1), right - 1)
            excess = float(np.interp(spend, x, y) - np.interp(spend, table.spend, table.upper))
            halves = ((first, at), (at, last))
        if excess > worst:
            worst, cut = excess, (channel, halves)
    if cut is None:
        return []
    channel, halves = cut
    return [{**domain, channel: half} for half in halves]
