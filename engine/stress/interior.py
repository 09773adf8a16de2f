"""Interior points: the best money for the rest of a year, on thousands of paths at once.

On each path the mean outcome by points, less what rules charge, is made as large as can be by a primal-dual interior
point method (Nocedal and Wright, 2006, chapter 19). A rule is a row `weights . money <= limit` with a price, which is
what a unit beyond its limit is charged (an exact penalty): rules have one far above any return, so that they give way
only where they cannot all be kept; tolls on moves are rows with the price of the toll; hard rows have an infinite one
and are never broken. Channels meet in few rows alone, so a step solves a small system for each channel, and one for the
shared rows. Where a curve bends upwards its bend is left out of the model, so that each step leads upwards.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from engine.response.curves import Channel, bends, respond

ROUNDS = 12  # Newton steps, after which paths that are not settled go on
TURNS = 8  # of so many steps, at most
MISSED, GAP = 1e-6, 1e-5  # of a unit of money, and of the mean return: a path that misses no more is settled
FALL = 0.3  # of the barrier, from one round to the next
LAST = 1e-8  # of the mean return: the barrier that is left
REACH = 0.995  # of the way to the nearest limit: as far as a step goes
ROOM, PRICE = 0.02, 0.02  # of the mean cell, and of the mean return: at the start
STIFFNESS = 1e-7  # of the mean return: curvature that is added, so that systems can be solved where curves are flat
STIFFEST = 1e8  # times the mean return: rules are no stiffer in one step, so that systems can be solved beside them


@dataclass(frozen=True)
class Rows:
    """One-sided rules over the money of the decisions to come [units of money]."""

    own: Float[np.ndarray, "channel row decision"]  # of single channels; rows without weights are padding
    shared: Float[np.ndarray, "shared channel decision"]  # of several channels, each with a limit above and one below
    limit: Float[np.ndarray, "path rule"]  # of the first channel, of the second, ..., shared above, minus shared below
    price: Float[np.ndarray, "#path rule"]  # of a unit beyond it [objective]; infinite: hard, on every path
    apart: Float[np.ndarray, "path apart channel decision"] | None = None  # shared ones, after those, told path by path

    @cached_property
    def joint(self) -> Float[np.ndarray, "#path joint channel decision"]:
        """What several channels share, alike on all paths or path by path."""
        if self.apart is None:
            return self.shared[None]
        return np.concatenate([np.broadcast_to(self.shared, (len(self.apart), *self.shared.shape)), self.apart], axis=1)

    @cached_property
    def weights(self) -> Float[np.ndarray, "#path rule cell"]:
        """All rules over all cells."""
        channels, each, count = self.own.shape
        own = np.einsum("crn,cd->crdn", self.own, np.eye(channels)).reshape(channels * each, channels * count)
        joint = self.joint.reshape(*self.joint.shape[:2], channels * count)
        return np.concatenate([np.broadcast_to(own, (len(joint), *own.shape)), joint, -joint], axis=1)

    @cached_property
    def squares(self) -> Float[np.ndarray, "channel row square"]:
        """Each row of single channels times itself."""
        return (self.own[..., :, None] * self.own[..., None, :]).reshape(*self.own.shape[:2], -1)


@dataclass(frozen=True)
class Rest:
    """What the money of the decisions to come brings on each path, by what is known there."""

    curve: Channel  # whose draws are the points: those of the first channel, then those of the second, ...
    gain: tuple[Float[np.ndarray, "decision _"], ...]  # by channel: stock at its points per unit of money's contacts
    stock: Float[np.ndarray, "path point"]  # that is there anyway [currency/period]
    had: Float[np.ndarray, "path channel decision"]  # contacts that a unit of money buys
    worth: Float[np.ndarray, "path point"]  # of a unit of outcome [objective]
    cost: Float[np.ndarray, "channel decision"]  # of a unit of money [objective]


Money = Float[np.ndarray, "path channel decision"]
Reached = Float[np.ndarray, "path rule"]


class Here(NamedTuple):
    """Where paths are on their way."""

    money: Money
    room: Reached  # up to each limit
    beyond: Reached  # by which a limit is exceeded, but for hard ones
    price: Reached  # of each rule
    barrier: Float[np.ndarray, "path 1"]


def best(rest: Rest, rows: Rows, start: Money) -> Money:
    """The best money for the rest of each path [units of money].

    Args:
        rest: What it brings.
        rows: The rules.
        start: Money above 0 that keeps the hard rules; where nothing better is found, it stays.
    """
    hard = np.isinf(rows.price)
    usual = np.abs(_slopes(rest, start)[0]).mean(axis=(1, 2))[:, None] + np.finfo(float).tiny
    room = rows.limit - _applied(rows, start)
    here = Here(
        money=start.copy(),
        room=np.where(hard, room, np.maximum(room, ROOM)),
        beyond=np.full(room.shape, ROOM),
        price=np.minimum(PRICE * usual, rows.price / 2),
        barrier=ROOM * PRICE * usual,
    )
    left = np.arange(len(start))
    for _ in range(TURNS):
        some, under = _some(rest, left), _under(rows, left)
        there = _climbed(some, under, Here(*(part[left] for part in here)), usual[left])
        for whole, part in zip(here, there, strict=True):
            whole[left] = part
        left = left[~_is_settled(under, there, usual[left])]
        if not len(left):
            break
    better = objective(rest, rows, here.money) > objective(rest, rows, start)
    return np.where(better[:, None, None], here.money, start)


def _some(rest: Rest, paths: Int[np.ndarray, " some"]) -> Rest:
    return replace(rest, stock=rest.stock[paths], had=rest.had[paths], worth=rest.worth[paths])


def _under(rows: Rows, paths: Int[np.ndarray, " some"]) -> Rows:
    price = rows.price if len(rows.price) == 1 else rows.price[paths]
    apart = None if rows.apart is None else rows.apart[paths]
    return replace(rows, limit=rows.limit[paths], price=price, apart=apart)


def _climbed(rest: Rest, rows: Rows, here: Here, usual: Float[np.ndarray, "path 1"]) -> Here:
    """Some Newton steps; money and prices go as far as each of them can (Nocedal and Wright, 2006, section 19.2)."""
    hard = np.isinf(rows.price)
    for _ in range(ROUNDS):
        money, room, beyond, price, barrier = here
        barrier = np.maximum(barrier * FALL, LAST * usual)
        slope, bend = _slopes(rest, money)
        spare = np.where(hard, np.inf, rows.price - price)
        stiff = np.minimum(1 / (room / price + beyond / spare), STIFFEST * usual)
        missing = _applied(rows, money) - rows.limit + barrier / price - barrier / spare
        step = _step(rows, slope - _transposed(rows, price + stiff * missing, money), bend, stiff, STIFFNESS * usual)
        dearer = stiff * (_applied(rows, step) + missing)
        wider = (barrier - room * dearer) / price - room
        over = np.where(hard, 0.0, (barrier + beyond * dearer) / spare - beyond)
        far, most = _most([(room, wider), (beyond, over)]), _most([(price, dearer), (spare, -dearer)])
        here = Here(
            money + far[:, :, None] * step, room + far * wider, beyond + far * over, price + most * dearer, barrier
        )
    return here


def _is_settled(rows: Rows, here: Here, usual: Float[np.ndarray, "path 1"]) -> Bool[np.ndarray, " path"]:
    """Whether rules and prices fit: what is left to earn is about what rules have to spare at their prices."""
    hard = np.isinf(rows.price)
    beyond = np.where(hard, 0.0, here.beyond)
    missed = np.abs(_applied(rows, here.money) + here.room - beyond - rows.limit).max(axis=1)
    spare = np.where(hard, 0.0, rows.price - here.price)
    gap = (here.room * here.price + beyond * spare).sum(axis=1)
    return (missed <= MISSED) & (gap <= GAP * usual[:, 0])


def objective(rest: Rest, rows: Rows, money: Money) -> Float[np.ndarray, " path"]:
    """What money brings on each path, less what rules charge for it [objective]."""
    value = (respond(rest.curve, _stock(rest, money)) * rest.worth).sum(axis=1)
    charged = np.where(np.isinf(rows.price), 0.0, rows.price)
    over = np.maximum(_applied(rows, money) - rows.limit, 0.0)
    told: Float[np.ndarray, " path"] = value - (money * rest.cost).sum(axis=(1, 2)) - (over * charged).sum(axis=1)
    return told


def _stock(rest: Rest, money: Money) -> Float[np.ndarray, "path point"]:
    contacts = money * rest.had
    return np.concatenate([contacts[:, at] @ gain for at, gain in enumerate(rest.gain)], axis=1) + rest.stock


def _slopes(rest: Rest, money: Money) -> tuple[Money, Float[np.ndarray, "path channel decision decision"]]:
    """The slope of what money brings, and its bend downwards (minus the second derivatives, channel by channel)."""
    paths, channels, count = money.shape
    _, rate, turn = bends(rest.curve, _stock(rest, money))
    rate, turn = rate * rest.worth, np.maximum(-turn * rest.worth, 0.0)
    slope, bend = np.empty(money.shape), np.empty((paths, channels, count * count))
    ends = np.cumsum([0, *(gain.shape[1] for gain in rest.gain)])
    for channel, (gain, begin, end) in enumerate(zip(rest.gain, ends[:-1], ends[1:], strict=True)):
        slope[:, channel] = rate[:, begin:end] @ gain.T
        bend[:, channel] = turn[:, begin:end] @ (gain[:, None] * gain[None]).reshape(count * count, -1).T
    both = rest.had[..., :, None] * rest.had[..., None, :]
    return slope * rest.had - rest.cost, bend.reshape(both.shape) * both


def _applied(rows: Rows, money: Money) -> Reached:
    """What money comes to by each rule."""
    flat = money.reshape(len(money), -1)
    if rows.apart is None:
        return flat @ rows.weights[0].T
    return (rows.weights @ flat[:, :, None])[..., 0]


def _transposed(rows: Rows, prices: Reached, like: Money) -> Money:
    """What prices of rules come to by cell."""
    if rows.apart is None:
        return (prices @ rows.weights[0]).reshape(like.shape)
    return (prices[:, None] @ rows.weights).reshape(like.shape)


def _parted(
    rows: Rows, amounts: Reached
) -> tuple[Float[np.ndarray, "path channel row"], Float[np.ndarray, "path shared"], Float[np.ndarray, "path shared"]]:
    """Amounts of single channels' rules, and of shared ones above and below."""
    channels, each = rows.own.shape[:2]
    end, count = channels * each, rows.joint.shape[1]
    return amounts[:, :end].reshape(-1, channels, each), amounts[:, end : end + count], amounts[:, end + count :]


def _step(
    rows: Rows,
    wanted: Money,
    bend: Float[np.ndarray, "path channel decision decision"],
    stiff: Reached,
    more: Float[np.ndarray, "path 1"],
) -> Money:
    """The Newton step: blocks of channels, and a small system for the rules that they share (Woodbury's identity)."""
    own, above, below = _parted(rows, stiff)
    channels, count = wanted.shape[1:]
    stiffness = np.matmul(own.swapaxes(0, 1), rows.squares).swapaxes(0, 1).reshape(bend.shape)
    block = bend + stiffness + more[..., None, None] * np.eye(count)
    joint, number = rows.joint, np.arange(rows.joint.shape[1])
    beside = np.broadcast_to(joint.transpose(0, 2, 3, 1), (len(wanted), channels, count, len(number)))
    sides = np.concatenate([wanted[..., None], beside], axis=-1)
    found = np.linalg.solve(block, sides)
    alone, apart = found[..., 0], found[..., 1:]
    small = _weighed(joint, apart)
    small[:, number, number] += 1 / (above + below)
    pull = np.linalg.solve(small, _weighed(joint, alone[..., None]))
    moved: Money = alone - (apart @ pull[:, None])[..., 0]
    return moved


def _weighed(
    joint: Float[np.ndarray, "#path joint channel decision"], amounts: Float[np.ndarray, "path channel decision some"]
) -> Float[np.ndarray, "path joint some"]:
    """What amounts come to by each rule that channels share."""
    if len(joint) == 1:
        return np.einsum("mcn,pcnk->pmk", joint[0], amounts)
    paths, channels, count, some = amounts.shape
    cells = channels * count
    return np.asarray(joint.reshape(paths, -1, cells) @ amounts.reshape(paths, cells, some))


def _most(pairs: list[tuple[np.ndarray, np.ndarray]]) -> Float[np.ndarray, "path 1"]:
    """The longest step of each path, at most 1, that keeps amounts above 0."""
    nearest = [(-change / amount).max(axis=1) for amount, change in pairs]
    return np.minimum(1.0, REACH / np.maximum(np.maximum(*nearest), REACH))[:, None]
