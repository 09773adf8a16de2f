"""Linear noise: how far the luck of finitely many people carries a market from its mean field.

With N independent people the state x of a week strays from the mean field by little, so its covariance S obeys
S' = J S J' + M Q M' / N: J is the Jacobian of the mean field's week, Q the covariance of one person's events of
a week (moves that leave a stage are multinomial, further purchases Poisson and independent of them), and M what
an event adds to the state. The environment (clicks, word of mouth, goodwill, rivals, a sales team's queue) feels
people through J. Revenue, money spent and new customers, summed from the first week on, are part of the state,
so the deviation of a total is as exact as that of a week. Exact for people who do not influence each other, else
to leading order in 1 / N. Source: van Kampen (1976), The expansion of the master equation; for discrete time,
the first-order expansion of the law of total covariance.

Where the mean field has a kink (a sales team just fully busy, a bid just reached, a list just full) the
derivative is that of the side on which the mean field stands, the mean of both exactly on it. Near a kink, as
seen in standard deviations, and for stages of fewer than some ten people, use agents.
"""

from typing import NamedTuple

import equinox as eqx
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Float, Int
from scipy.special import ndtri

from engine.axes import Array
from engine.double import jax, jnp
from engine.errors import InputError, UntrustworthyError
from engine.simulate.journey import Week, advance, money_each
from engine.simulate.mechanics import Content, Mailing, Press, Reach
from engine.simulate.records import State, Trajectory, World
from engine.simulate.stages import Ladder
from engine.simulate.world import require_calendar

SURE = (Reach, Press, Mailing, Content)
"""Mechanics whose contacts and stocks do not depend on what people do, so that there is no luck in them."""
BLOCK = 104  # weeks that are linearised at once
NOTHING = 1e-100  # figures below it are none: their squares would leave the range of numbers in a derivative


class Outcome(NamedTuple):
    """A figure for each of what a plan is judged by; the last axis is the period, but for totals."""

    revenue: Float[Array, "*shape"]  # [currency/week], [currency] in total
    spent: Float[Array, "*shape"]  # money really spent, which falls short of a plan by bids [the same]
    customers: Float[Array, "*shape"]  # people who buy for the first time, or again after they were lost


class Noise(NamedTuple):
    """The mean field and its standard deviations from the luck of people, in terms of the whole population."""

    mean: Trajectory
    persons: float  # independent people; each stands for population / persons people
    people: Float[np.ndarray, "period segment stage"]  # standard deviation, at the end of the week
    covariance: Float[np.ndarray, "period place place"]  # [people^2]; places are segments by stages, stages fastest
    expected: Outcome  # mean by week
    weekly: Outcome  # standard deviation by week
    total: Outcome  # standard deviation of the sum over all weeks


class Bands(NamedTuple):
    """Normal bands that hold a share of what may happen, each apart; the first axis is low, high."""

    level: float
    people: Float[np.ndarray, "bound period segment stage"]
    weekly: Outcome
    total: Outcome


class Spread(NamedTuple):
    """The mean field and its covariances times the number of people: what is left when 1 / N is taken out."""

    told: Week
    people: Float[Array, "period place place"]  # of shares of the population
    expected: Float[Array, "period outcome"]
    weekly: Float[Array, "period outcome"]  # variances
    end: State
    known: Float[Array, "figure figure"]  # at the end: figures of the state that are random, then sums of outcomes


def noise(
    world: World, spend: Float[Array, "period channel"], state: State | None = None, people: float | int | None = None
) -> Noise:
    """What happens under a spend plan, and how far luck may carry it from there.

    The start is taken to be known. Observation, demand and news add noise of their own, which is not in here.

    Args:
        spend: Money that may be spent by week and channel [currency/week], not negative.
        state: Where to start; the start of the world's history if not given.
        people: Number of independent people, at least 1; the population if not given.

    Raises:
        InputError: The plan, the number of people or the calendar does not fit.
        UntrustworthyError: A figure is not a number.
    """
    begin = world.start if state is None else state
    persons = float(world.population) if people is None else float(people)
    money = _require(world, spend, begin, persons)
    blocks = _blocks(world, money, begin)
    told = Week(*(np.concatenate(parts) for parts in zip(*(block.told for block in blocks), strict=True)))
    own, expected, weekly = (
        np.concatenate([getattr(block, name) for block in blocks]) for name in ("people", "expected", "weekly")
    )
    _require_numbers(world, np.column_stack([expected, weekly, own.reshape(len(money), -1)]))
    total = np.diagonal(np.asarray(blocks[-1].known))[-len(Outcome._fields) :] / persons
    covariance = own * (float(world.population) ** 2 / persons)
    return Noise(
        mean=Trajectory(**told._asdict(), end=blocks[-1].end),
        persons=persons,
        people=_root(np.diagonal(covariance, axis1=1, axis2=2)).reshape(told.people.shape),
        covariance=covariance,
        expected=Outcome(*expected.T),
        weekly=Outcome(*_root(weekly / persons).T),
        total=Outcome(*_root(total)),
    )


def bands(noise: Noise, level: float = 0.9) -> Bands:
    """Normal bands around the mean field, not below 0.

    Args:
        level: Share of what may happen that a band holds, in (0, 1).

    Raises:
        InputError: The level is no share.
    """
    if not 0 < level < 1:
        raise InputError(f"bands at the level {level:g} are asked for; ask for a level between 0 and 1, such as 0.9")
    half = float(ndtri((1 + level) / 2))

    def around(mean: Array, deviation: Array) -> Float[np.ndarray, "bound *shape"]:
        centre = np.asarray(mean)
        return np.maximum(np.stack([centre - half * deviation, centre + half * deviation]), 0.0)

    weekly = [around(*pair) for pair in zip(noise.expected, noise.weekly, strict=True)]
    total = [around(mean.sum(), sd) for mean, sd in zip(noise.expected, noise.total, strict=True)]
    return Bands(level, around(noise.mean.people, noise.people), Outcome(*weekly), Outcome(*total))


def _root(variance: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Standard deviations; a variance of 0 may have been rounded to just below."""
    return np.sqrt(np.maximum(variance, 0.0))


def _require(
    world: World, spend: Float[Array, "period channel"], begin: State, persons: float
) -> Float[np.ndarray, "period channel"]:
    """The plan, if its noise can be told."""
    money = np.asarray(spend, float)
    if money.ndim != 2 or money.shape[1] != len(world.channels) or not len(money):
        raise InputError(
            f"market {world.name}: spend has the shape {money.shape}; write a week or more by {len(world.channels)} "
            "channels"
        )
    if not (np.isfinite(money).all() and (money >= 0).all()):
        raise InputError(f"market {world.name}: spend holds {money.min():g}; write finite money of at least 0")
    if not (np.isfinite(persons) and persons >= 1):
        raise InputError(f"market {world.name}: noise of {persons:g} people is asked for; ask for at least 1")
    require_calendar(world, int(begin.week) + len(money))
    return money


def _require_numbers(world: World, figures: Float[np.ndarray, "period _figure"]) -> None:
    """Refuse what is not a number, with the first week of it."""
    wrong = ~np.isfinite(figures).all(axis=1)
    if wrong.any():
        raise UntrustworthyError(
            f"market {world.name}: the linear noise of week {int(wrong.argmax()) + 1} is not a number, for the mean "
            "field or a slope of it is none there; use agents, which need no slopes"
        )


def _blocks(world: World, money: Float[np.ndarray, "period channel"], begin: State) -> list[Spread]:
    """A plan of any length, some weeks at a time, so that memory does not grow with it."""
    size = len(random_places(world)) + len(Outcome._fields)
    state, known = begin, jnp.zeros((size, size))
    blocks: list[Spread] = []
    for first in range(0, len(money), BLOCK):
        blocks.append(spread(world, jnp.asarray(money[first : first + BLOCK]), state, known))
        state, known = blocks[-1].end, blocks[-1].known
    return blocks


@eqx.filter_jit
def spread(
    world: World,
    spend: Float[Array, "period channel"],
    state: State,
    known: Float[Array, "figure figure"],
) -> Spread:
    """The covariances of `noise` for one person, for use inside other compiled functions; nothing is checked.

    First the mean field runs, then all its weeks are linearised at once, then their covariances follow.

    Args:
        known: Covariance of the figures of `random_places` and of the sums so far, times the number of people.
    """
    lively = random_places(world)
    size, people = len(lively), world.start.people.size

    def live(now: State, money: Array) -> tuple[State, tuple[State, Week]]:
        now = jax.tree.map(lambda leaf: jnp.where(jnp.abs(leaf) < NOTHING, 0, leaf), now)
        after, told = advance(world, now, money)
        return after, (now, told)

    def linear(now: State, money: Array, told: Week) -> tuple[Array, Array]:
        luck = _luck(world, now.week, told.flows, now.people, size)
        return _slopes(world, now, money, lively), luck

    def follow(covariance: Array, week: tuple[Array, Array]) -> tuple[Array, tuple[Array, Array]]:
        slopes, luck = week
        outcome = slopes[size:] @ covariance[:size, :size] @ slopes[size:].T + luck[size:, size:]
        keep = jnp.concatenate([slopes, np.eye(size + len(Outcome._fields))[:, size:]], axis=1)  # sums stay
        covariance = keep @ covariance @ keep.T + luck
        covariance = (covariance + covariance.T) / 2
        return covariance, (covariance[:people, :people], jnp.diagonal(outcome))

    end, (states, told) = jax.lax.scan(live, state, spend)
    last, (covariance, weekly) = jax.lax.scan(follow, known, jax.vmap(linear)(states, spend, told))
    return Spread(told, covariance, jax.vmap(lambda week: _outcome(world, week))(told), weekly, end, last)


def random_places(world: World) -> Int[np.ndarray, " place"]:
    """Places of the figures of a state that depend on what people do, people first, among all floats of a state."""
    media, start = world.media, world.start
    lively = [type(mechanic) not in SURE for mechanic in media.mechanics]
    served = np.zeros(len(world.channels))
    for group, moves in zip(media.groups, lively, strict=True):
        served[list(group)] = moves
    marks = State(
        week=np.array(0),
        people=np.ones(start.people.shape),
        stocks=tuple(np.full(stock.shape, float(moves)) for stock, moves in zip(start.stocks, lively, strict=True)),
        memory=served,
        goodwill=np.repeat(served[:, None], len(world.segments), axis=1),
        voice=np.array(float(world.rivals is not None)),
    )
    return np.flatnonzero(np.concatenate([leaf.ravel() for leaf in jax.tree.leaves(_floats(marks))]))


def _floats(state: State) -> State:
    """A state without what only counts weeks."""
    return eqx.filter(state, eqx.is_inexact_array)


def _outcome(world: World, told: Week) -> Float[Array, " outcome"]:
    return jnp.stack([told.revenue, told.spent.sum(), told.flows[:, world.ladder.event("buy")].sum()])


def _slopes(
    world: World, now: State, money: Float[Array, " channel"], lively: Int[np.ndarray, " place"]
) -> Float[Array, "figure place"]:
    """Derivatives of the next state's random figures, then of the week's outcomes, by this state's.

    Directions lie along the last axis, which is several times faster on a CPU than the first. A figure that is
    sure has no variance, so nothing is lost by leaving its column out; the same holds for an empty stage, where
    a derivative only has to be a number.
    """
    rest = eqx.filter(now, eqx.is_inexact_array, inverse=True)
    flat, unravel = ravel_pytree(_floats(now))

    def week(figures: Array) -> Array:
        after, told = advance(world, eqx.combine(unravel(figures), rest), money)
        return jnp.concatenate([ravel_pytree(_floats(after))[0], _outcome(world, told)])

    def along(direction: Array) -> Array:
        return jax.jvp(week, (flat,), (direction,))[1]

    slopes = jax.vmap(along, in_axes=1, out_axes=1)(jnp.asarray(np.eye(flat.size)[:, lively]))
    return slopes[np.concatenate([lively, flat.size + np.arange(len(Outcome._fields))])]


def _luck(world: World, week: Array, flows: Array, people: Array, places: int) -> Float[Array, "figure figure"]:
    """M Q M': the covariance that one person's events of a week add to the state and to the outcomes."""
    ladder, segments, events = world.ladder, len(world.segments), len(world.ladder.events)
    adds = np.zeros((segments, events, segments, len(ladder.stages)))
    adds[np.arange(segments), :-1, np.arange(segments)] = ladder.change
    shares = adds.reshape(segments, events, -1)
    fresh, further = (np.eye(events)[ladder.event(name)] for name in ("buy", "repeat"))
    none = np.zeros((segments, events, places - shares.shape[2]))
    outcome = Outcome(
        revenue=world.population * money_each(world, week)[:, None] * (fresh + further),
        spent=np.zeros((segments, events)),
        customers=world.population * np.tile(fresh, (segments, 1)),
    )
    matter = jnp.concatenate([shares, none, jnp.stack(outcome, axis=2)], axis=2)
    told = lots(ladder, flows / world.population, people) @ matter
    return matter.reshape(-1, matter.shape[2]).T @ told.reshape(-1, matter.shape[2])


def lots(
    ladder: Ladder, flows: Float[Array, "segment event"], people: Float[Array, "segment stage"]
) -> Float[Array, "segment event event"]:
    """Q: the covariance of one person's events of a week, over all who the person may be.

    Of n people in a stage, moves with the means m have the covariance diag m - m m' / n; further purchases are
    Poisson, so their variance is their mean.

    Args:
        flows: Expected moves and further purchases of the week, as shares of the population.
        people: Shares of the population before the week.
    """
    mean = jnp.maximum(flows, 0.0)  # an empty stage may have been rounded to just below
    there = people[:, ladder.source]
    chance = jnp.where(there > 0, mean[:, :-1] / jnp.where(there > 0, there, 1.0), 0.0)
    together = ladder.leaves @ ladder.leaves.T  # 1 where two moves leave one stage
    exclude = together * mean[:, :-1, None] * chance[:, None, :]
    return mean[:, :, None] * np.eye(mean.shape[1]) - jnp.pad(exclude, ((0, 0), (0, 1), (0, 1)))
