"""What every channel of many rows answers to a price of money: its best spend, and what that is worth.

Curves are those of one table per channel. A factor of prices stretches a curve along its spend and one of effects
along its outcome, so neither needs tables of its own; cost and tolls are added to the price.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from engine.axes import Array
from engine.optimize.batch.arrays import Backend
from engine.optimize.batch.pieces import Lines, Pieces


@dataclass(frozen=True)
class Setting:
    """What is the same for all rows, and decides which steps a program has."""

    channels: int
    members: tuple[tuple[bool, ...], ...] = ()  # of each group, by channel; groups share no channel
    tolled: bool = False
    ended: bool = False  # whether the ends of a range are answers of their own: S-shapes, or minimum flights
    flown: bool = False  # whether there are minimum flights


class Rows(NamedTuple):
    """What differs by row; everything by channel is in the user's money, over the horizon."""

    price: Float[Array, "channel row"]  # factors of the price of a contact
    effect: Float[Array, "channel row"]  # factors of the outcome
    low: Float[Array, "channel row"]
    high: Float[Array, "channel row"]
    idle: Bool[Array, "channel row"]  # whether nothing may be spent as well, though `low` is above 0
    cost: Float[Array, "channel row"]  # of a unit of money [objective]
    anchor: Float[Array, "channel row"]  # from where moves are charged
    less: Float[Array, "channel row"]  # what a unit of money is charged to less than that [objective]
    more: Float[Array, "channel row"]
    least: Float[Array, " row"]  # of the total
    most: Float[Array, " row"]
    group_low: Float[Array, "group row"]
    group_high: Float[Array, "group row"]

    @property
    def lowest(self) -> Float[Array, "channel row"]:
        """The least spend, nothing where that is allowed."""
        return self.low.__array_namespace__().where(self.idle, 0.0, self.low)


class Stretch(NamedTuple):
    """The part of each channel's concave stretch that a row may use, and what it is worth at its ends."""

    low: Float[Array, "channel row"]
    high: Float[Array, "channel row"]
    at_low: Float[Array, "channel row"]
    at_high: Float[Array, "channel row"]
    at_anchor: Float[Array, "channel row"]
    there: Bool[Array, "channel row"]


class Question(NamedTuple):
    """Rows with all that is known before any price is."""

    pieces: Pieces
    rows: Rows
    stretches: tuple[Stretch, ...]
    ends: tuple[tuple[Array, Array], ...]  # spends that are answers of their own, and what they are worth


def question(setting: Setting, backend: Backend, pieces: Pieces, rows: Rows) -> Question:
    """Rows with what the ends of their ranges are worth."""
    xp = rows.low.__array_namespace__()
    stretches = []
    for rank in range(pieces.begin.shape[0] // setting.channels):
        block = slice(rank * setting.channels, (rank + 1) * setting.channels)
        low = xp.maximum(rows.low, pieces.begin[block] * rows.price)
        high = xp.minimum(rows.high, pieces.end[block] * rows.price)
        there = low <= high
        low, high = xp.where(there, low, rows.low), xp.where(there, high, rows.low)
        line, anchor = _part(pieces.lines, block), xp.clip(rows.anchor, low, high)
        at_low, at_high, at_anchor = (worth(backend, line, rows, at) for at in (low, high, anchor))
        stretches.append(Stretch(low, high, at_low, at_high, at_anchor, there))
    ends = []
    if setting.ended:
        spends = [rows.low, rows.high]
        spends += [rows.lowest] * setting.flown + [xp.clip(rows.anchor, rows.low, rows.high)] * setting.tolled
        ends = [(at, worth(backend, pieces.upper, rows, at)) for at in spends]
    return Question(pieces, rows, tuple(stretches), tuple(ends))


def worth(
    backend: Backend, lines: Lines, rows: Rows, spend: Float[Array, "channel row"]
) -> Float[Array, "channel row"]:
    """The objective of a spend on each channel, by lines that stand for its curve, less its cost and its toll."""
    xp = spend.__array_namespace__()
    at = spend / rows.price
    part = xp.clip(lines.first + backend.search(lines.rising, at) - 1, lines.first, lines.last)
    left, right = xp.take(lines.spend, part), xp.take(lines.spend, part + 1)
    low, high = xp.take(lines.height, part), xp.take(lines.height, part + 1)
    share = xp.clip((at - left) / xp.where(right > left, right - left, 1.0), 0.0, 1.0)
    return rows.effect * (low + (high - low) * share) - _charge(rows, spend)


def demand(
    setting: Setting, backend: Backend, asked: Question, price: Float[Array, "channel row"]
) -> Float[Array, "channel row"]:
    """The best spend at a price of money."""
    if setting.ended or len(asked.stretches) > 1:
        return answers(setting, backend, asked, price)[0]
    stretch, rows = asked.stretches[0], asked.rows
    xp, (above, below) = price.__array_namespace__(), _charged(rows, price)
    spend = _wanted(setting, backend, asked, 0, above)[0]
    if setting.tolled:
        down = _wanted(setting, backend, asked, 0, below)[0]
        spend = xp.where(spend > rows.anchor, spend, xp.minimum(down, rows.anchor))
    return xp.clip(spend, stretch.low, stretch.high)


def answers(
    setting: Setting, backend: Backend, asked: Question, price: Float[Array, "channel row"]
) -> tuple[Float[Array, "channel row"], Float[Array, "channel row"]]:
    """The best spend at a price of money, and its worth before that price."""
    xp = price.__array_namespace__()
    spend, earned = _on_stretch(setting, backend, asked, 0, price)
    if not setting.ended and len(asked.stretches) == 1:
        return spend, earned
    gain = xp.where(asked.stretches[0].there, earned - price * spend, -np.inf)
    others = [
        (*_on_stretch(setting, backend, asked, rank, price), asked.stretches[rank].there)
        for rank in range(1, len(asked.stretches))
    ]
    others += [(at, value, True) for at, value in asked.ends]
    for at, value, there in others:
        other = xp.where(there, value - price * at, -np.inf)
        better = other > gain
        spend, earned = xp.where(better, at, spend), xp.where(better, value, earned)
        gain = xp.maximum(gain, other)
    return spend, earned


def _on_stretch(
    setting: Setting, backend: Backend, asked: Question, rank: int, price: Float[Array, "channel row"]
) -> tuple[Float[Array, "channel row"], Float[Array, "channel row"]]:
    """The best spend on one concave stretch of each channel at a price, and its worth."""
    xp, stretch, rows = price.__array_namespace__(), asked.stretches[rank], asked.rows
    above, below = _charged(rows, price)
    spend, height = _wanted(setting, backend, asked, rank, above)
    earned = rows.effect * height - _charge(rows, spend)
    if setting.tolled:  # moves to more pay the one toll, moves to less are spared the other; between, none is made
        down, height = _wanted(setting, backend, asked, rank, below)
        rises, falls = spend > rows.anchor, down < rows.anchor
        fallen = xp.where(falls, rows.effect * height - _charge(rows, down), stretch.at_anchor)
        earned = xp.where(rises, earned, fallen)
        spend = xp.where(rises, spend, xp.where(falls, down, rows.anchor))
    earned = xp.where(spend <= stretch.low, stretch.at_low, xp.where(spend >= stretch.high, stretch.at_high, earned))
    return xp.clip(spend, stretch.low, stretch.high), earned


def _charged(rows: Rows, price: Float[Array, "channel row"]) -> tuple[Array, Array]:
    """What the next unit of money must bring, above the spend from which moves are charged and below it."""
    net = price + rows.cost
    return net + rows.more, net - rows.less


def _wanted(
    setting: Setting, backend: Backend, asked: Question, rank: int, slope: Float[Array, "channel row"]
) -> tuple[Float[Array, "channel row"], Float[Array, "channel row"]]:
    """Where the slope of a concave stretch falls to a wanted one, in the row's money, and the height there."""
    xp, rows, pieces = slope.__array_namespace__(), asked.rows, asked.pieces
    block = slice(rank * setting.channels, (rank + 1) * setting.channels)
    works = rows.effect > 0
    sought = slope * rows.price / xp.where(works, rows.effect, 1.0)
    sought = xp.where(works, sought, xp.where(slope >= 0, np.inf, -np.inf))
    found = backend.search(pieces.falling[block], -sought) + pieces.lines.first[block]
    knot = xp.clip(found, pieces.lines.first[block], pieces.lines.last[block] + 1)
    return xp.take(pieces.lines.spend, knot) * rows.price, xp.take(pieces.lines.height, knot)


def _charge(rows: Rows, spend: Float[Array, "channel row"]) -> Float[Array, "channel row"]:
    """What is taken off for a spend: its cost, and the toll on its move."""
    moved = spend - rows.anchor
    return rows.cost * spend + moved.__array_namespace__().where(moved < 0, -rows.less, rows.more) * moved


def _part(lines: Lines, block: slice) -> Lines:
    """Some of the lines."""
    return Lines(lines.rising[block], lines.spend, lines.height, lines.first[block], lines.last[block])
