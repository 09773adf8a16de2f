"""Branch and bound on envelopes: a plan and a rigorous bound for curves of any shape.

The relaxed problem replaces each curve by its envelope; in its solution at most one channel, and one more
for each group that is at its limit, lies inside an envelope segment (Udell and Boyd, Maximizing a sum of
sigmoids, 2014), and only these can make the bound too high. Cutting the range of the worst of them there
and solving both halves closes the gap.
"""

import heapq
import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.optimize.closeness import SEARCHED
from engine.optimize.dynamic import best_on_grid
from engine.optimize.envelope import Envelope, Group, Split, envelope, split
from engine.optimize.tables import Table

NODES = 20_000  # most nodes before the search gives up and says so
STEPS = 500  # of the grid that gives the first plan

Domain = tuple[tuple[int, int], ...]  # first and last knot of each channel


@dataclass(frozen=True)
class Found:
    """A plan and its bound."""

    spend: Float[np.ndarray, " channel"]
    bound: float
    nodes: int


class UndecidedError(Exception):
    """The search gave up before it found a plan, or that there is none."""


def search(tables: list[Table], least: float, most: float, groups: tuple[Group, ...] = ()) -> Found | None:
    """The best plan whose total lies between `least` and `most`; None where there is none.

    Raises:
        UndecidedError: No plan was found in `NODES` nodes, and some were left.
    """
    memory: dict[tuple[int, int, int], Envelope] = {}

    def relax(domain: Domain) -> Split | None:
        return split(_envelopes(tables, domain, memory), least, most, groups)

    root: Domain = tuple((0, len(table.spend) - 1) for table in tables)
    top = relax(root)
    if top is None:
        return None
    best, best_value = _start(tables, least, most, top, bool(groups))
    queue, order, nodes, leaves = [(-top.bound, 0, root, top)], itertools.count(1), 0, -np.inf
    while queue and nodes < NODES and -queue[0][0] > _enough(best_value):
        bound, _, domain, relaxed = heapq.heappop(queue)
        nodes += 1
        here = (relaxed.spend, _value(tables, relaxed))
        best, best_value = max((best, best_value), here, key=lambda plan: plan[1])
        halves = _cut(tables, memory, domain, relaxed)
        leaves = leaves if halves else max(leaves, -bound)
        for half in halves:
            inner = relax(half)
            if inner is not None:
                heapq.heappush(queue, (max(-inner.bound, bound), next(order), half, inner))
    if best is None:
        if queue:
            raise UndecidedError
        return None
    return Found(best, max(leaves, best_value, -queue[0][0] if queue else -np.inf), nodes)


def _enough(value: float) -> float:
    """The bound at which a plan of this value is good enough."""
    return value + SEARCHED * abs(value) if np.isfinite(value) else value


def _envelopes(tables: list[Table], domain: Domain, memory: dict[tuple[int, int, int], Envelope]) -> list[Envelope]:
    """The envelope of each channel on its part of the domain; those made before are taken over."""
    parts = []
    for channel, (first, last) in enumerate(domain):
        key = (channel, first, last)
        if key not in memory:
            memory[key] = envelope(tables[channel], first, last)
        parts.append(memory[key])
    return parts


def _start(
    tables: list[Table], least: float, most: float, top: Split, grouped: bool
) -> tuple[np.ndarray | None, float]:
    """A first plan: the relaxed one where it is allowed, or the best of a grid where that is better."""
    best, best_value = (top.spend, _value(tables, top)) if _value(tables, top) > -np.inf else (None, -np.inf)
    if best is not None and top.bound - best_value <= SEARCHED * abs(best_value):
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
        if _forbidden(table, spend):
            return -np.inf
        total += float(np.interp(spend, table.spend, table.value))
    return total


def _forbidden(table: Table, spend: float) -> bool:
    """Whether a spend lies below the minimum flight and above nothing."""
    if table.gap is None:
        return False
    rounding = 1e-11 * float(table.spend[-1])
    return bool(table.gap[0] + rounding < spend < table.gap[1] - rounding)


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
    return [(*domain[:channel], half, *domain[channel + 1 :]) for half in halves]
