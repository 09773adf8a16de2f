"""Exact answers that no analyst can have: what each channel did, and what each would do.

Every figure compares whole runs of the world that differ in spend alone, or is the derivative of such a run.
A figure counts inside the window of the history, or with a tail: `TAIL` further weeks, in which every channel
spends its mean of the history in all runs that are compared, so that they differ only by what the money of
the window does late. A plan is a budget; ROAS is the change of revenue over the change of all the money
really spent, which is less where a bid cap binds, and more where one channel makes people search in another.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from engine import finance
from engine.axes import Array
from engine.errors import InputError
from engine.simulate.batch import BATCH, Told, play_all
from engine.simulate.coalitions import alone, coalitions, missing, row_of, shapley
from engine.simulate.customers import LIFETIME, Customers, customers
from engine.simulate.journey import play
from engine.simulate.records import State, World

HORIZON = 52  # weeks of a response curve, of a pulse and of a carry-over kernel
TAIL = 104  # weeks after the window in which its money still works
MULTIPLES = np.linspace(0.0, 3.0, 25)  # of the historical mean spend
NOTHING = 1e-12  # of all spend: smaller changes of spend are rounding


class Change(NamedTuple):
    """What differs between runs with and without the money of each channel."""

    revenue: Float[np.ndarray, " channel"]  # [currency]
    spent: Float[np.ndarray, " channel"]  # of all channels together, induced spend included [currency]
    won: Float[np.ndarray, " channel"]  # new customers [people]

    @property
    def roas(self) -> Float[np.ndarray, " channel"]:
        """Revenue per unit of money really spent; NaN where no money was."""
        return np.asarray(finance.roas(self.revenue, np.where(self.spent == 0, np.nan, self.spent)))

    @property
    def cac(self) -> Float[np.ndarray, " channel"]:
        """Money per new customer [currency]; NaN where no money was spent."""
        return np.asarray(finance.cac(np.where(self.spent == 0, np.nan, self.spent), self.won))


class Horizon(NamedTuple):
    """What money of the window did, up to a last week in which it counts."""

    weeks: int
    revenue: float  # [currency]
    spent: float  # money really spent [currency]
    won: float  # new customers [people]
    baseline: float  # revenue with nothing spent in the window: all out [currency]
    leave_one_out: Change  # everything, less everything without this channel
    add_one_in: Change  # this channel alone, less nothing
    shapley: Change | None  # the mean over all orders of adding channels; None for more than 12 that spend
    marginal: Change  # derivative along the channel's own plan, per unit of its plan

    @property
    def interaction(self) -> float:
        """Revenue that channels bring only together: revenue less baseline less all leave-one-outs [currency]."""
        return self.revenue - self.baseline - float(self.leave_one_out.revenue.sum())


class Curves(NamedTuple):
    """What other amounts of one channel's money would bring, the others at their means."""

    money: Float[np.ndarray, "point channel"]  # that may be spent [currency]
    spent: Float[np.ndarray, "point channel"]  # change of all money really spent [currency]
    revenue: Float[np.ndarray, "point channel"]  # change of revenue [currency]


class Game(NamedTuple):
    """Which channels play, and in which coalitions."""

    who: Bool[np.ndarray, "coalition player"]
    players: Int[np.ndarray, " player"]  # their places among all channels
    channels: int  # how many there are


class Truth(NamedTuple):
    """What each channel did over the history, and would do in the year after it."""

    spend: Float[np.ndarray, " channel"]  # that might be spent over the history: the plan [currency]
    spent: Float[np.ndarray, " channel"]  # of it, what really was [currency]
    in_window: Horizon
    with_tail: Horizon
    multiples: Float[np.ndarray, " point"]  # of the historical mean spend
    steady: Curves  # a week, at a constant spend, in the mean over HORIZON weeks, less the same without the channel
    pulse: Curves  # over HORIZON weeks, after so much more money in the first of them
    kernel: Float[np.ndarray, "period channel"]  # revenue in each week after 1 more in the first [1]
    customers: Customers

    @property
    def revenue(self) -> float:
        """Over the history [currency]."""
        return self.in_window.revenue

    @property
    def baseline(self) -> float:
        """Revenue of the history with no spend at all [currency]."""
        return self.in_window.baseline

    @property
    def incremental(self) -> Float[np.ndarray, " channel"]:
        """Revenue of the history lost without this channel alone [currency]."""
        return self.in_window.leave_one_out.revenue

    @property
    def roas(self) -> Float[np.ndarray, " channel"]:
        """Incremental revenue over the change of all money really spent; NaN where nothing was spent."""
        return self.in_window.leave_one_out.roas

    @property
    def marginal_roas(self) -> Float[np.ndarray, " channel"]:
        """Revenue of 1 more that is really spent, as the channel spent; NaN where it would not be spent."""
        return self.in_window.marginal.roas

    @property
    def curves(self) -> Float[np.ndarray, "point channel"]:
        """Incremental revenue a week at a constant spend [currency/week]."""
        return self.steady.revenue


def truth(world: World, spend: Float[Array, "period channel"], end: State | None = None, tail: int = TAIL) -> Truth:
    """The truth about a history, and about the year after it.

    Runs go through one compiled program, whatever the length of the history (see `play_all`).

    Args:
        end: The state at the end of the history, if known.
        tail: Weeks after the window in which its money still counts, where a figure says so.

    Raises:
        InputError: The world's calendar ends before all that is asked of the weeks after the history.
    """
    money = np.asarray(spend, float)
    _require_weeks(world, len(money), tail)
    after = play(world, money).end if end is None else end
    mean = money.mean(axis=0)
    in_window, with_tail, full = _looking_back(world, money, tail)
    steady, pulse, kernel = _looking_ahead(world, after, mean)
    told = Told(*(part[0, : len(money)] for part in full))
    won = told.won.sum(axis=0)
    average = finance.cac(in_window.spent, float(won.sum()))
    return Truth(
        spend=money.sum(axis=0),
        spent=told.spent.sum(axis=0),
        in_window=in_window,
        with_tail=with_tail,
        multiples=MULTIPLES,
        steady=steady,
        pulse=pulse,
        kernel=kernel,
        customers=customers(world, after, mean, won, np.array([average, *in_window.leave_one_out.cac])),
    )


def _require_weeks(world: World, weeks: int, tail: int) -> None:
    """Refuse a history that the world's calendar does not look far enough beyond."""
    held = len(world.calendar.demand) - world.calendar.before
    beyond = max(tail, HORIZON, LIFETIME)
    if weeks + beyond > held:
        raise InputError(
            f"a history of {weeks} weeks is too long: its truth looks {beyond} weeks further, and a simulated "
            f"world holds {held}; ask for at most {held - beyond} weeks"
        )


def _looking_back(world: World, money: Float[np.ndarray, "period channel"], tail: int) -> tuple[Horizon, Horizon, Told]:
    """The window without and with its tail, and every week of what was spent as it was.

    Only channels that spend are players: without money a channel's figures are exactly 0.
    """
    weeks, count = money.shape
    late = np.broadcast_to(money.mean(axis=0), (tail, count))
    players = np.flatnonzero(money.sum(axis=0) > 0)
    who = coalitions(len(players))
    factors = np.zeros((len(who), count))
    factors[:, players] = who
    totals = np.concatenate(
        [
            _totals(play_all(world, world.start, _plans(rows, money, late))[0], weeks)
            for rows in np.split(factors, range(BATCH, len(factors), BATCH))
        ]
    )
    as_it_was = _plans(np.ones((count, count)), money, late)
    full, slopes = play_all(world, world.start, as_it_was, _plans(np.eye(count), money, 0 * late))
    turns = _totals(slopes, weeks)[players] / money.sum(axis=0)[players, None, None]
    in_window, with_tail = (
        _horizon(length, Game(who, players, count), totals[:, place], turns[:, place])
        for place, length in enumerate((weeks, weeks + tail))
    )
    return in_window, with_tail, full


def _plans(
    factors: Float[np.ndarray, "plan channel"],
    money: Float[np.ndarray, "period channel"],
    late: Float[np.ndarray, "tail channel"],
) -> Float[np.ndarray, "plan week channel"]:
    """The window's money times a factor for each channel, and then the tail's."""
    return np.concatenate([factors[:, None, :] * money, np.broadcast_to(late, (len(factors), *late.shape))], axis=1)


def _totals(told: Told, weeks: int) -> Float[np.ndarray, "plan horizon measure"]:
    """Revenue, money spent and new customers of each plan: in the first weeks, and in all."""
    weekly = np.stack([told.revenue, told.spent.sum(axis=2), told.won.sum(axis=2)], axis=-1)
    return np.stack([weekly[:, :weeks].sum(axis=1), weekly.sum(axis=1)], axis=1)


def _horizon(
    weeks: int,
    game: Game,
    totals: Float[np.ndarray, "coalition measure"],
    turns: Float[np.ndarray, "player measure"],
) -> Horizon:
    """All figures of one horizon from the totals of each coalition, and the derivatives of those of all."""
    everybody, nobody = np.ones(len(game.players), bool), np.zeros(len(game.players), bool)
    revenue, spent, won = totals[row_of(game.who, everybody)].tolist()
    orders = shapley(game.who, totals)
    return Horizon(
        weeks=weeks,
        revenue=revenue,
        spent=spent,
        won=won,
        baseline=float(totals[row_of(game.who, nobody), 0]),
        leave_one_out=_change(game, missing(game.who, totals), spent),
        add_one_in=_change(game, alone(game.who, totals), spent),
        shapley=None if orders is None else _change(game, orders, spent),
        marginal=_change(game, turns, 1.0),
    )


def _change(game: Game, gains: Float[np.ndarray, "player measure"], scale: float) -> Change:
    """Gains of all channels, 0 for those that do not play; a change of spend that is but rounding is 0."""
    each = np.zeros((game.channels, 3))
    each[game.players] = gains
    revenue, spent, won = each.T
    return Change(revenue, np.where(np.abs(spent) > NOTHING * scale, spent, 0.0), won)


def _looking_ahead(
    world: World, after: State, mean: Float[np.ndarray, " channel"]
) -> tuple[Curves, Curves, Float[np.ndarray, "period channel"]]:
    """Steady curves, pulse curves and kernels over the weeks after the history."""
    count, points = len(mean), len(MULTIPLES)
    own = MULTIPLES[:, None, None] * np.eye(count)  # [point channel channel]
    levels = (1 - np.eye(count) + own).reshape(-1, 1, count)
    constant = np.broadcast_to(mean, (HORIZON, count))
    first = (np.arange(HORIZON) == 0)[:, None]
    plans = [
        levels * constant,
        constant + own.reshape(-1, 1, count) * constant * first,
        constant[None].repeat(count, 0),
    ]
    turned = [np.zeros_like(plans[0]), np.zeros_like(plans[1]), np.eye(count)[:, None, :] * first]
    told, slopes = play_all(world, after, np.concatenate(plans), np.concatenate(turned))
    tried = 2 * points * count
    totals = np.stack([told.spent.sum(axis=(1, 2)), told.revenue.sum(axis=1)])[:, :tried]
    totals = totals.reshape(2, 2, points, count)
    (steady_spent, pulse_spent), (steady, pulse) = totals - totals[:, :, :1]
    money = MULTIPLES[:, None] * mean
    return (
        Curves(money, steady_spent / HORIZON, steady / HORIZON),
        Curves(money, pulse_spent, pulse),
        slopes.revenue[tried:].T,
    )
