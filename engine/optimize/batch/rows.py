"""Rows of a batch planned together: one table per channel, all rows divided by waves, then valued over all draws."""

import time
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from engine.optimize.batch.answering import Rows, Setting
from engine.optimize.batch.arrays import Backend
from engine.optimize.batch.division import Ranges, divide
from engine.optimize.batch.limits import Limits, kept
from engine.optimize.batch.pieces import Pieces, pieces_of
from engine.optimize.batch.relaxation import Relaxed, relax
from engine.optimize.batch.variations import Variants
from engine.optimize.closeness import TABLES
from engine.optimize.rules import Problem
from engine.optimize.solve import LEAST_OUTCOME, LEAST_PROFIT
from engine.optimize.tables import Payoff, Table, objective, tabulate

WANTED = 3e-4  # relative gap at which a row is divided no further: tables and draws differ by a little more
NUMBERS = 12_288  # of one array that is worked on at once: it should stay in a processor's own memory
STEP = 8  # rows at once are a multiple of it: a single one would be added up in another order
SMALL = 0.05  # of the middle row's worth: tables are made for rows worth at least that
AT_KNOT = 1e-13  # of a spend: nearer than this to a knot it is that knot

Some = Int[np.ndarray, " some"]  # numbers of some rows


@dataclass(frozen=True)
class Work:
    """A problem with all its rows, and how arrays are worked on."""

    problem: Problem
    given: Variants
    limits: Limits
    backend: Backend


@dataclass(frozen=True)
class Found:
    """What is found of each row; not a number while it is unknown. A bound of minus infinity: no split is allowed."""

    spend: Float[np.ndarray, "channel row"]
    value: Float[np.ndarray, " row"]
    bound: Float[np.ndarray, " row"]
    gap: Float[np.ndarray, " row"]

    @staticmethod
    def unknown(channels: int, rows: int) -> "Found":
        """Nothing known yet of so many rows."""
        return Found(np.full((channels, rows), np.nan), *(np.full(rows, np.nan) for _ in range(3)))

    def put(self, rows: int | Some, spend: np.ndarray, told: tuple[object, object, object]) -> None:
        """Enter some rows: their spend, and their value, bound and gap."""
        self.spend[:, rows] = spend
        self.value[rows], self.bound[rows], self.gap[rows] = told


def plan_together(work: Work, view: int, found: Found) -> Float[np.ndarray, " three"]:
    """Plan all rows of one view of the odds and enter them; seconds for tables, division and valuation come back."""
    rows = np.flatnonzero(work.given.view == view)
    if not rows.size:
        return np.zeros(3)
    clock = [time.perf_counter()]
    payoffs = [_bare(payoff, work.given, view) for payoff in work.problem.payoffs]
    tables = _tables(work, payoffs, rows)
    clock.append(time.perf_counter())
    held, pieces, setting = work.limits, pieces_of(tables), _setting(work, tables)
    floor = _floor(work, tables)

    def near(bound: np.ndarray, worth: np.ndarray) -> np.ndarray:
        scale = np.maximum(np.where(np.isfinite(bound), np.abs(bound), 0.0), floor)
        return (bound == -np.inf) | (bound <= worth + WANTED * scale)

    def relaxed(ranges: Ranges) -> Relaxed:
        return _relaxed(work, pieces, setting, ranges)

    root = Ranges(rows, *(each.take(rows, axis=1) for each in (held.low, held.high, held.idle)))
    divided = divide(root, len(floor), relaxed, near)
    clock.append(time.perf_counter())
    spend, bound = divided.spend.take(rows, axis=1), divided.bound[rows]
    allowed = kept(work.problem, work.given, rows, spend) & np.isfinite(divided.worth[rows])
    value = np.where(allowed, _value(work, (payoffs, tables), rows, spend), np.nan)
    bound = np.fmax(bound, value)
    gap = (bound - value) / np.maximum(np.maximum(np.abs(bound), floor[rows]), 1e-300)
    found.put(rows, np.where(allowed, spend, np.nan), (value, bound, gap))
    clock.append(time.perf_counter())
    return np.diff(clock)


def _bare(payoff: Payoff, given: Variants, view: int) -> Payoff:
    """A payoff without cost and tolls, which rows charge beside the table, under the odds of a view."""
    odds = payoff.odds if given.odds is None else given.odds[view]
    return replace(payoff, cost=0.0, anchor=0.0, toll=(0.0, 0.0), odds=odds)


def _tables(work: Work, payoffs: list[Payoff], rows: Some) -> list[Table]:
    """One table per channel over all that its rows can reach, in money as it buys without factors."""
    held, price = work.limits, work.given.price[rows].T
    least = np.where(held.idle, 0.0, held.low)[:, rows] / price
    most = np.maximum(held.high[:, rows] / price, least)
    tolerance = TABLES * _scale(work, payoffs, rows) / len(payoffs)
    return [
        tabulate(payoff, float(low.min()), float(high.max()), 0.0, tolerance)
        for payoff, low, high in zip(payoffs, least, most, strict=True)
    ]


def _scale(work: Work, payoffs: list[Payoff], rows: Some) -> float:
    """What a plan of the smallest row is about worth, from an even split: it only steers how fine tables are."""
    held, given = work.limits, work.given
    order = rows[np.argsort(given.budget[rows], kind="stable")]
    worths = []
    for row in (order[0], order[len(order) // 2]):
        even = np.clip(given.budget[row] / len(payoffs), held.low[:, row], held.high[:, row])
        earned = [
            effect * float(np.abs(objective(payoff, at[None])).mean())
            for payoff, at, effect in zip(payoffs, even / given.price[row], given.effect[row].tolist(), strict=True)
        ]
        worths.append(sum(earned))
    return max(worths[0], SMALL * worths[1], 1e-300)


def _floor(work: Work, tables: list[Table]) -> Float[np.ndarray, " row"]:
    """What a gap is measured against where a bound is near 0: a share of what all channels can earn in a row."""
    share = LEAST_PROFIT if any(payoff.cost for payoff in work.problem.payoffs) else LEAST_OUTCOME
    reached = work.limits.high / work.given.price.T
    most = [np.interp(one, table.spend, table.value) for one, table in zip(reached, tables, strict=True)]
    floor: np.ndarray = share * np.sum(work.given.effect.T * np.maximum(most, 0.0), axis=0)
    return floor


def _setting(work: Work, tables: list[Table]) -> Setting:
    """Which steps the rows need."""
    held = work.limits
    flown, tolled = bool(np.any(held.idle)), bool(np.any(held.less) or np.any(held.more))
    bent = not all(table.concave for table in tables)
    return Setting(len(tables), held.members, tolled, bent or flown, flown)


def _relaxed(work: Work, pieces: Pieces, setting: Setting, ranges: Ranges) -> Relaxed:
    """The relaxed splits of some parts of rows, worked on a few at once."""
    program, count = work.backend.compiled(relax), len(ranges.row)
    width = work.backend.rows or max(STEP, NUMBERS // setting.channels // STEP * STEP)
    told = []
    for first in range(0, count, width):
        size = min(width, count - first)
        filled = width if work.backend.rows else -(-size // STEP) * STEP
        part = ranges.at(first + np.minimum(np.arange(filled), size - 1))
        answer = program(setting, work.backend, pieces, _rows(work, part))
        told.append(Relaxed(*(np.asarray(one)[..., :size] for one in answer)))
    return Relaxed(*(np.concatenate(each, axis=-1) for each in zip(*told, strict=True)))


def _rows(work: Work, part: Ranges) -> Rows:
    """What differs by row, for some parts of them."""
    held, given, row = work.limits, work.given, part.row
    cost = np.array([[payoff.cost] for payoff in work.problem.payoffs])
    anchor, less, more, group_low, group_high = (
        each.take(row, axis=1) for each in (held.anchor, held.less, held.more, held.group_low, held.group_high)
    )
    return Rows(
        price=np.ascontiguousarray(given.price[row].T),
        effect=np.ascontiguousarray(given.effect[row].T),
        low=part.low,
        high=part.high,
        idle=part.idle,
        cost=cost + np.zeros_like(part.low),
        anchor=anchor,
        less=less,
        more=more,
        least=held.least[row],
        most=held.most[row],
        group_low=group_low,
        group_high=group_high,
    )


def _value(
    work: Work, curves: tuple[list[Payoff], list[Table]], rows: Some, spend: Float[np.ndarray, "channel some"]
) -> Float[np.ndarray, " some"]:
    """The mean objective of splits over all draws, less cost and tolls: from a table only where a spend is a knot."""
    held, total = work.limits, np.zeros(len(rows))
    for channel, (payoff, table) in enumerate(zip(*curves, strict=True)):
        money = np.where(np.isfinite(spend[channel]), spend[channel], 0.0)
        at = money / work.given.price[rows, channel]
        knot = np.minimum(np.searchsorted(table.spend, at * (1 - AT_KNOT)), len(table.spend) - 1)
        earned = table.value[knot]
        off = np.abs(table.spend[knot] - at) > AT_KNOT * at
        if off.any():
            different, which = np.unique(at[off], return_inverse=True)
            earned[off] = payoff.average(objective(payoff, different))[which]
        moved = money - held.anchor[channel, rows]
        toll = np.where(moved < 0, -held.less[channel, rows], held.more[channel, rows]) * moved
        total += work.given.effect[rows, channel] * earned - work.problem.payoffs[channel].cost * money - toll
    return total
