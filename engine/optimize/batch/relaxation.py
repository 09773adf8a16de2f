"""The relaxed problem of many rows at once: a price of money each, the split that it asks for, and a rigorous bound.

Whatever the prices are, what every channel can earn at the most after paying them, plus what the money that may be
spent is worth at them, is an upper bound (weak duality). Bisection finds the prices at which it is least. There at
most one channel of each group is between two answers, and takes what is left of the group's money.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from engine.axes import Array
from engine.optimize.batch.answering import Question, Rows, Setting, answers, demand, question, worth
from engine.optimize.batch.arrays import Backend
from engine.optimize.batch.pieces import Pieces
from engine.optimize.closeness import ROUNDING

HALVINGS = 34  # of the range of a price: what is left of it is below a millionth of the price
STRIDE = 1e-9  # how far below its upper end, as a share of it, the middle of a range that begins at 0 is thought to be
SUMS = 1e-13  # of what is added up: what rounding may have taken off a bound
MARKED = 1e-9  # of what a row is worth: a channel that is overrated by less is not divided
INSIDE = 1e-11  # of a minimum flight: nearer than this to nothing or to all of it is rounding

Pair = tuple[Array, Array]


class Relaxed(NamedTuple):
    """The best relaxed split of each row."""

    spend: Float[Array, "channel row"]
    bound: Float[Array, " row"]  # no split of the row is worth more; minus infinity where there is none
    worth: Float[Array, " row"]  # of the split by the tables; minus infinity where a minimum flight forbids it
    channel: Int[Array, " row"]  # whose worth is overrated the most
    overrated: Float[Array, " row"]  # by how much; 0 where nothing is left to divide


class Units(NamedTuple):
    """Limits of each group and, last, of the channels of none, as far as their channels can go [currency]."""

    low: Float[Array, "unit row"]
    high: Float[Array, "unit row"]


def relax(setting: Setting, backend: Backend, pieces: Pieces, rows: Rows) -> Relaxed:
    """The relaxed splits of some rows and their bounds."""
    xp = rows.low.__array_namespace__()
    asked, units = question(setting, backend, pieces, rows), _units(setting, rows)

    def wanted(price: Array) -> Array:
        return demand(setting, backend, asked, price)

    dear, cheap, shares = _price_of_money(setting, backend, (asked, units), wanted)
    price, lower = dear + xp.zeros_like(rows.low), cheap + xp.zeros_like(rows.low)
    if setting.members:
        price, lower = _prices_in_groups(setting, backend, (asked, shares), (dear, cheap), wanted)
    (scarce, at_scarce), (plenty, at_plenty) = (answers(setting, backend, asked, one) for one in (price, lower))
    room = xp.maximum(plenty - scarce, 0.0)
    taken = _in_turn(setting, room, shares - totals(setting, scarce))
    share = taken / xp.where(room > 0, room, 1.0)
    credit = at_scarce + share * (at_plenty - at_scarce)
    profit = at_scarce - price * scarce + pieces.excess * rows.effect
    money = _money_worth(setting, units, rows, dear, price)
    rounding = SUMS * (xp.sum(xp.abs(at_scarce) + xp.abs(price * scarce), axis=0) + xp.abs(money))
    bound = xp.sum(profit, axis=0) + money + rounding
    return _told(backend, (asked, units), scarce + taken, credit, bound)


def _told(backend: Backend, known: tuple[Question, Units], spend: Array, credit: Array, bound: Array) -> Relaxed:
    """The splits as they are told: what they are worth, and which channel of each is overrated the most."""
    xp = spend.__array_namespace__()
    (asked, units), slack = known, ROUNDING * known[0].rows.most
    rows = asked.rows
    forbidden = rows.idle & (spend > INSIDE * rows.low) & (spend < (1 - INSIDE) * rows.low)
    excess = xp.where(forbidden, np.inf, credit - worth(backend, asked.pieces.upper, rows, spend))
    earned = xp.where(forbidden, -np.inf, worth(backend, asked.pieces.value, rows, spend))
    none = (
        xp.any(units.low > units.high + slack, axis=0)
        | xp.any(rows.lowest > rows.high + slack, axis=0)
        | (xp.sum(units.low, axis=0) > rows.most + slack)
        | (xp.sum(units.high, axis=0) < rows.least - slack)
    )
    scale, most = xp.abs(bound) + xp.sum(xp.abs(credit), axis=0), xp.max(excess, axis=0)
    return Relaxed(
        spend,
        xp.where(none, -np.inf, bound),
        xp.where(none, -np.inf, xp.sum(earned, axis=0)),
        xp.argmax(excess, axis=0),
        xp.where(most > MARKED * scale, most, 0.0),
    )


def totals(setting: Setting, spend: Float[Array, "channel row"]) -> Float[Array, "unit row"]:
    """Spend of each group and, last, of the channels of none."""
    xp = spend.__array_namespace__()
    if not setting.members:
        return xp.sum(spend, axis=0, keepdims=True)
    return xp.stack([xp.sum(xp.take(spend, unit, axis=0), axis=0) for unit in _channels(setting)])


@functools.cache
def _channels(setting: Setting) -> tuple[Int[np.ndarray, " _some"], ...]:
    """The channels of each group and, last, those of none; the answer is shared and not to be changed."""
    inside = np.array(setting.members, bool).reshape(-1, setting.channels)
    return tuple(np.flatnonzero(one) for one in (*inside, ~inside.any(axis=0)))


def _units(setting: Setting, rows: Rows) -> Units:
    """The limits of each group, no wider than those of its channels together."""
    xp = rows.low.__array_namespace__()
    low, high = totals(setting, rows.lowest), totals(setting, rows.high)
    groups = len(setting.members)
    return Units(
        xp.concat([xp.maximum(low[:groups], rows.group_low), low[groups:]]),
        xp.concat([xp.minimum(high[:groups], rows.group_high), high[groups:]]),
    )


def _middle(low: Array, high: Array) -> Array:
    """A price between two: 0 between signs, else near their geometric mean, so that any size is found soon."""
    xp = low.__array_namespace__()
    larger, smaller = xp.maximum(xp.abs(low), xp.abs(high)), xp.minimum(xp.abs(low), xp.abs(high))
    mean = xp.sqrt(larger) * xp.sqrt(xp.maximum(smaller, STRIDE * larger))
    return xp.where((low < 0) & (high > 0), 0.0, xp.where(high > 0, mean, -mean))


def _price_range(asked: Question) -> Pair:
    """A price at which every channel wants all it may have, and one at which it wants the least."""
    xp, rows = asked.rows.low.__array_namespace__(), asked.rows
    steepest = rows.effect * asked.pieces.steepest / rows.price
    high = 2 * xp.max(steepest + xp.abs(rows.cost) + rows.more + rows.less, axis=0)
    high = xp.where(high > 0, high, 1.0)
    return -high, high


def _price_of_money(
    setting: Setting, backend: Backend, known: tuple[Question, Units], wanted: Callable[[Array], Array]
) -> tuple[Array, Array, Array]:
    """The price at which the total is what may be spent, one just below it, and what each group takes of it."""
    (asked, units), rows = known, known[0].rows
    xp = rows.low.__array_namespace__()

    def taken(price: Array) -> Array:
        return xp.clip(
            totals(setting, wanted(price + xp.zeros_like(rows.low))), units.low, xp.maximum(units.low, units.high)
        )

    low, high = _price_range(asked)
    target = xp.clip(xp.sum(taken(xp.zeros_like(low)), axis=0), rows.least, rows.most)

    def total(price: Array) -> Array:
        return xp.sum(taken(price), axis=0)

    cheap, dear = backend.repeat(_halving(total, target), (low, high), HALVINGS)
    scarce = taken(dear)
    room = xp.maximum(taken(cheap) - scarce, 0.0)
    left = target - xp.sum(scarce, axis=0)
    return dear, cheap, scarce + xp.clip(left - (xp.cumsum(room, axis=0) - room), 0.0, room)


def _prices_in_groups(
    setting: Setting,
    backend: Backend,
    known: tuple[Question, Array],
    money: Pair,
    wanted: Callable[[Array], Array],
) -> Pair:
    """The price in its group by channel, at which the group takes its share, and one just below it."""
    (asked, shares), (dear, cheap) = known, money
    xp = dear.__array_namespace__()
    channels = _channels(setting)
    unit_of = np.zeros(setting.channels, int)
    for unit, inside in enumerate(channels):
        unit_of[inside] = unit

    def spent(price: Array) -> Array:
        return totals(setting, wanted(xp.take(price, unit_of, axis=0)))

    dear, cheap = dear + xp.zeros_like(shares), cheap + xp.zeros_like(shares)
    at_limit = np.arange(len(channels))[:, None] < len(setting.members)
    wants_more, wants_less = at_limit & (spent(dear) > shares), at_limit & (spent(cheap) < shares)
    lowest, highest = _price_range(asked)
    low = xp.where(wants_more, dear, xp.where(wants_less, lowest, cheap))
    high = xp.where(wants_more, highest, xp.where(wants_less, cheap, dear))
    found = backend.repeat(_halving(spent, shares), (low, high), HALVINGS)
    held = wants_more | wants_less  # the others pay the price of all money
    low, high = xp.where(held, found[0], low), xp.where(held, found[1], high)
    return xp.take(high, unit_of, axis=0), xp.take(low, unit_of, axis=0)


def _halving(total: Callable[[Array], Array], target: Array) -> Callable[[Pair], Pair]:
    """A step that halves the range of a price at which a falling total meets its target; on it the range ends."""

    def halve(ends: Pair) -> Pair:
        middle = _middle(*ends)
        there = total(middle)
        xp = there.__array_namespace__()
        return xp.where(there >= target, middle, ends[0]), xp.where(there <= target, middle, ends[1])

    return halve


def _in_turn(setting: Setting, room: Array, left: Array) -> Array:
    """What each channel takes of what is left for its group: the first all it can, then the next."""
    xp = room.__array_namespace__()
    taken = xp.zeros_like(room)
    for unit, channels in enumerate(_channels(setting)):
        inside = np.isin(np.arange(setting.channels), channels)[:, None]
        own = xp.where(inside, room, 0.0)
        taken = taken + xp.clip(left[unit] - (xp.cumsum(own, axis=0) - own), 0.0, own)
    return taken


def _money_worth(setting: Setting, units: Units, rows: Rows, dear: Array, price: Array) -> Array:
    """What the money that may be spent is worth at the prices: the least total bound on it that is rigorous."""
    xp = dear.__array_namespace__()
    total = xp.maximum(dear * rows.least, dear * rows.most)
    for unit, channels in enumerate(_channels(setting)[:-1]):
        above = price[channels[0]] - dear
        total = total + xp.maximum(above * units.low[unit], above * units.high[unit])
    return total
