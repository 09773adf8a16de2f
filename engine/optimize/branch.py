"""Branch and bound on envelopes: a plan and a rigorous bound for curves of any shape.

The relaxed problem replaces each curve by its envelope; in its solution at most one channel, and one more
for each group that is at its limit, lies inside an envelope segment (Udell and Boyd, Maximizing a sum of
sigmoids, 2014), and only these can make the bound too high. Cutting the range of the worst of them there
and solving both halves closes the gap.
"""

import heapq
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.optimize.dynamic import best_on_grid
from engine.optimize.envelope import Envelope, Group, Split, envelope, split
from engine.optimize.tables import Table

CLOSED = 5e-5  # relative gap at which the search ends: a fifth of what a certificate may show
NODES = 20_000  # most nodes before the search gives up and says so
STEPS = 500  # of the grid that gives the first plan

Domain = tuple[tuple[int, int], ...]  # first and last knot of each channel


@dataclass(frozen=True)
class Found:
    """A plan and its bound."""

    spend: Float[np.ndarray, " channel"]
    bound: float
    nodes: int


def search(tables: list[Table], least: float, most: float, groups: tuple[Group, ...] = ()) -> Found | None:
    """The best plan whose total lies between `least` and `most`; None where there is none.    """
    memory: dict[tuple[int, int, int], Envelope] = {}

    def relax(domain: Domain) -> Split | None:
        parts = []
        for channel, (first, last) in enumerate(domain):
            key = (channel, first, last)
            if key not in memory:
                memory[key] = envelope(tables[channel], first, last)
            parts.append(memory[key])
        return split(parts, least, most, groups)

    root: Domain = tuple((0, len(table.spend) - 1) for table in tables)
    top = relax(root)
    if top is None:
        return None
    best, best_value = _start(tables, least, most, top, bool(groups))
    queue, order, nodes, closed = [(-top.bound, 0, root, top)], 1, 0, -np.inf
    while queue and nodes < NODES:
        bound, _, domain, relaxed = heapq.heappop(queue)
        if -bound <= best_value + CLOSED * abs(best_value):
            closed = max(closed, -bound)
            break
        nodes += 1
        value = _value(tables, relaxed)
        if value > best_value:
            best, best_value = relaxed.spend, value
        children = _cut(tables, memory, domain, relaxed)
        if not children:
            closed = max(closed, relaxed.bound)
        for child in children:
            inner = relax(child)
            if inner is not None and inner.bound > best_value + CLOSED * abs(best_value):
                heapq.heappush(queue, (-min(inner.bound, -bound), order, child, inner))
                order += 1
            elif inner is not None:
                closed = max(closed, inner.bound)
    if queue:
        closed = max(closed, -queue[0][0])
    if best is None:
        return None
    return Found(best, max(closed, best_value), nodes)


def _start(
    tables: list[Table], least: float, most: float, top: Split, grouped: bool
) -> tuple[np.ndarray | None, float]:
    """A first plan: the relaxed one where it is allowed, or the best of a grid where that is better."""
    best, best_value = (top.spend, _value(tables, top)) if _value(tables, top) > -np.inf else (None, -np.inf)
    if best is not None and top.bound - best_value <= CLOSED * abs(best_value):
        return best, best_value
    if grouped:
        return best, best_value
    grid = best_on_grid(tables, most, least == most, STEPS)
    if grid is not None and least <= grid.sum() * (1 + 1e-12):
        value = sum(float(np.interp(x, t.spend, t.value)) for x, t in zip(grid, tables, strict=True))
        if value > best_value:
            return grid, value
    return best, best_value


def _value(tables: list[Table], relaxed: Split) -> float:
    """Objective of a relaxed split by the tables; minus infinity where it lies in a forbidden gap."""
    total = 0.0
    for spend, table in zip(relaxed.spend.tolist(), tables, strict=True):
        if table.gap and table.gap[0] < spend < table.gap[1] * (1 - 1e-12):
            return -np.inf
        total += float(np.interp(spend, table.spend, table.value))
    return total


def _cut(
    tables: list[Table], memory: dict[tuple[int, int, int], Envelope], domain: Domain, relaxed: Split
) -> list[Domain]:
    """The domain in two, cut where the relaxed split profits most from an envelope; empty where none does."""
    worst, cut = 0.0, None
    for channel, corner in relaxed.inside:
        first, last = domain[channel]
        corners = memory[channel, first, last].corners
        left, right = int(corners[corner]), int(corners[corner + 1])
        table, spend = tables[channel], relaxed.spend[channel]
        x, y = table.spend[[left, right]], table.upper[[left, right]]
        if right == left + 1:
            if not (table.gap and left == 0):
                continue
            excess, halves = np.inf, ((first, left), (right, last))
        else:
            at = min(max(int(np.searchsorted(table.spend, spend)), left + 1), right - 1)
            excess = float(np.interp(spend, x, y) - np.interp(spend, table.spend, table.upper))
            halves = ((first, at), (at, last))
        if excess > worst:
            worst, cut = excess, (channel, halves)
    if cut is None:
        return []
    channel, halves = cut
    return [domain[:channel] + (half,) + domain[channel + 1 :] for half in halves]
