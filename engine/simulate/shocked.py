"""Many plans under as many weathers in one world: prices, effects, demand, rivals and sales slots that change by week.

Paths are worked through in batches of one size and half a year at a time, so that any number of paths of any length
shares one compiled program. A price is what everybody pays, so voice stays money: of rivals' as of one's own.
"""

import dataclasses
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from engine.axes import Array
from engine.compiling import quickly
from engine.double import jax, jnp
from engine.simulate.journey import advance
from engine.simulate.mechanics import Content, Mailing, Mechanic, Press, Reach, Referral, Search
from engine.simulate.records import Calendar, Media, State, World
from engine.simulate.world import require_calendar

BATCH = 64  # paths at once
SPAN = 26  # weeks at once
PRICES: dict[type, tuple[str, ...]] = {
    Reach: ("cost_per_contact",),
    Search: ("cost_per_click",),
    Press: ("cost_per_story",),
    Referral: ("cost_per_share",),
    Mailing: ("cost_per_signup", "cost_per_mail"),
    Content: ("cost_per_page",),
}
"""What each mechanic pays for."""


@dataclass(frozen=True)
class Weather:
    """What each week is like, as a multiple of what it would be; in a series a single path stands for all."""

    contacts: Float[np.ndarray, "_path week channel"]  # that a unit of money buys: 1 / price
    effect: Float[np.ndarray, "_path week channel"]  # of a contact, in the week in which it works
    demand: Float[np.ndarray, "_path week"]
    rivals: Float[np.ndarray, "_path week"]  # what they spend
    slots: Float[np.ndarray, "_path week"]  # opportunities that the sales team works at a time
    luck: Int[np.ndarray, " path"]  # which of some calendars each path has


class Earned(NamedTuple):
    """What is told of each week of each path."""

    revenue: Float[Array, "*path week"]  # [currency/week]
    spent: Float[Array, "*path week channel"]  # money that was really spent [currency/week]


class Faced(NamedTuple):
    """What a path meets, week by week."""

    money: Float[Array, "*path week channel"]
    contacts: Float[Array, "*path week channel"]
    effect: Float[Array, "*path week channel"]
    slots: Float[Array, "*path week"]
    calendar: dict[str, Array]


def fair(paths: int, weeks: int, channels: int) -> Weather:
    """A weather in which everything is as it would be."""
    one, each = np.ones((1, weeks)), np.ones((1, weeks, channels))
    return Weather(each, each, one, one, one, np.zeros(paths, int))


def earned(
    world: World,
    begin: State,
    plans: Float[np.ndarray, "_path week channel"],
    weather: Weather,
    calendars: tuple[Calendar, ...] = (),
) -> Earned:
    """What each path earns in its weather, from a state on.

    Args:
        plans: Money that may be spent; a single path stands for all [currency/week].
        calendars: From which paths have their luck; the world's own alone if none is given.

    A path's answer does not depend on the paths beside it.

    Raises:
        InputError: The world's calendar ends before the plans.
    """
    week, weeks = int(begin.week), plans.shape[1]
    require_calendar(world, week + weeks)
    lucks = _lucks(calendars or (world.calendar,), week, weeks)
    chosen, which = _unlike(plans, weather)  # rare shocks leave most paths alike
    parts = []
    for first in range(0, len(chosen), BATCH):
        some = chosen[first : first + BATCH]
        told = _batch(world, begin, _faced(plans, weather, lucks, np.resize(some, BATCH)))
        parts.append([part[: len(some), :weeks] for part in told])
    return Earned(*(np.concatenate(each)[which] for each in zip(*parts, strict=True)))


def _unlike(
    plans: Float[np.ndarray, "_path week channel"], weather: Weather
) -> tuple[Int[np.ndarray, " chosen"], Int[np.ndarray, " path"]]:
    """Paths of which no two are alike, and for every path the one of them that it is like."""
    every = [plans, *(getattr(weather, field.name) for field in fields(weather))]
    told = [part.reshape(len(part), -1).astype(float) for part in every if len(part) > 1]
    if not told:
        return np.zeros(1, int), np.zeros(len(weather.luck), int)
    chosen, which = np.unique(np.concatenate(told, axis=1), axis=0, return_index=True, return_inverse=True)[1:]
    return chosen, which.reshape(-1)


def _lucks(calendars: tuple[Calendar, ...], week: int, weeks: int) -> dict[str, Float[np.ndarray, "luck week *rest"]]:
    """Every series of some calendars, from a week of the history on."""
    names = [field.name for field in fields(Calendar) if field.name != "before"]
    return {
        name: np.stack([np.asarray(getattr(one, name))[one.before + week :][:weeks] for one in calendars])
        for name in names
    }


def _faced(
    plans: Float[np.ndarray, "_path week channel"],
    weather: Weather,
    lucks: dict[str, Float[np.ndarray, "luck week *rest"]],
    paths: Int[np.ndarray, " path"],
) -> Faced:
    """What some paths meet, in whole spans; the weeks that fill up the last one are not read."""
    weeks = plans.shape[1]
    rows = np.minimum(np.arange(weeks + -weeks % SPAN), weeks - 1)

    def of(series: np.ndarray) -> np.ndarray:
        return series[np.minimum(paths, len(series) - 1)[:, None], rows]

    calendar = {name: series[weather.luck[paths][:, None], rows] for name, series in lucks.items()}
    calendar["demand"] = calendar["demand"] * of(weather.demand)
    calendar["rivals"] = calendar["rivals"] * of(weather.rivals)
    return Faced(of(plans), of(weather.contacts), of(weather.effect), of(weather.slots), calendar)


def _batch(world: World, begin: State, faced: Faced) -> Earned:
    """Some paths, a span after the other."""
    count, weeks = faced.slots.shape
    now = jax.tree.map(lambda leaf: np.broadcast_to(np.asarray(leaf), (count, *np.shape(leaf))), begin)
    parts = []
    for first in range(0, weeks, SPAN):
        inside = slice(first, first + SPAN)
        told, now = _span(world, now, jax.tree.map(lambda series, inside=inside: series[:, inside], faced))
        parts.append([np.asarray(part) for part in told])
    return Earned(*(np.concatenate(each, axis=1) for each in zip(*parts, strict=True)))


@quickly
def _span(world: World, states: State, faced: Faced) -> tuple[Earned, State]:
    """Some weeks of every path from its own state, and the state after them."""

    def play(begin: State, met: Faced) -> tuple[Earned, State]:
        here = dataclasses.replace(world, calendar=Calendar(**met.calendar, before=0))

        def step(now: State, given: tuple[Array, ...]) -> tuple[State, Earned]:
            money, *levels = given
            after, told = advance(changed(here, *levels), now, money)
            return after, Earned(told.revenue, told.spent)

        first = dataclasses.replace(begin, week=jnp.zeros_like(begin.week))
        end, told = jax.lax.scan(step, first, (met.money, met.contacts, met.effect, met.slots))
        return told, end

    answer: tuple[Earned, State] = jax.vmap(play)(states, faced)
    return answer


def changed(
    world: World, contacts: Float[Array, " channel"], effect: Float[Array, " channel"], slots: Float[Array, ""]
) -> World:
    """The world with other contacts per unit of money, effects of contacts, and slots of its sales team."""
    hazards = dataclasses.replace(world.hazards, effect=world.hazards.effect * effect[:, None])
    sales = None if world.sales is None else dataclasses.replace(world.sales, slots=world.sales.slots * slots)
    return dataclasses.replace(world, media=_priced(world.media, contacts), hazards=hazards, sales=sales)


def _priced(media: Media, contacts: Float[Array, " channel"]) -> Media:
    """The media at other prices; a highest bid below the first click's price buys nothing."""
    mechanics: list[Mechanic] = []
    for group, mechanic in zip(media.groups, media.mechanics, strict=True):
        had = contacts[np.array(group)]
        costs = {name: getattr(mechanic, name) / had for name in PRICES[type(mechanic)]}
        if isinstance(mechanic, Search):
            costs["highest_bid"] = jnp.maximum(mechanic.highest_bid, costs["cost_per_click"])
        mechanics.append(dataclasses.replace(mechanic, **costs))
    return dataclasses.replace(media, mechanics=tuple(mechanics))
