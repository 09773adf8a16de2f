"""What a span of weeks did to people of each segment and stage: their hazards, their contacts and what these cost.

This is all that a touch log has to know of a run, whichever engine ran it. A contact of a channel triggers an
event with its chance; so of Poisson(contact) contacts in a week those that trigger an event are Poisson with
the event's hazard, and those without any effect are Poisson with what is left (thinning; Kingman 1993, Poisson
Processes, section 5.1).
"""

import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from engine.axes import Array
from engine.double import jax, jnp
from engine.simulate.journey import money_each, searching, watch
from engine.simulate.records import State, World
from engine.simulate.world import require_calendar


class Weeks(NamedTuple):
    """Some weeks of a run, as everybody of a segment and stage lived them."""

    first: int  # week since the start of the history
    hazard: Float[np.ndarray, "period cause segment event"]  # per person [1/week]
    contact: Float[np.ndarray, "period channel segment stage"]  # effective contacts per person [1/week]
    spent: Float[np.ndarray, "period channel"]  # [currency/week]
    people: Float[np.ndarray, "period segment stage"]  # shares of the population at the start of the week
    each: Float[np.ndarray, "period segment"]  # money of a purchase [currency]


class Rates(NamedTuple):
    """Contacts of one person by what comes of them [1/week]; their sum is what is contacted."""

    idle: Float[np.ndarray, "period channel segment stage"]  # without any effect
    moves: Float[np.ndarray, "period channel segment stage"]  # that trigger a move
    repeats: Float[np.ndarray, "period channel segment stage"]  # that trigger a further purchase


def look_back(
    world: World, spend: Float[Array, "period channel"], people: Float[np.ndarray, "period segment stage"], start: State
) -> Weeks:
    """What weeks did in which people are known to have stood as they did.

    Args:
        spend: Money that could be spent [currency/week].
        people: At the start of each week, in any unit, such as agents.
        start: Before the first week; its people are not read.

    Raises:
        InputError: The world's calendar ends before the weeks do.
    """
    first = int(start.week)
    require_calendar(world, first + len(spend))
    shares = people / people.sum(axis=(1, 2), keepdims=True)
    seen = watch(world, jnp.asarray(spend, float), jnp.asarray(shares), start)
    days = np.arange(first, first + len(spend))
    contact = np.asarray(seen.touch)[..., None] * _searches(world, days)[:, :, None, :]
    each = np.asarray(jax.vmap(functools.partial(money_each, world))(days))
    return Weeks(first, np.asarray(seen.hazard), contact, np.asarray(seen.spent), shares, each)


def _searches(world: World, week: Int[np.ndarray, " period"]) -> Float[np.ndarray, "period channel stage"]:
    """How often people of each stage could be contacted, as multiples of a touch: for search by query, else once."""
    demand = np.asarray(world.calendar.demand)[week + world.calendar.before]
    market = np.asarray(searching(world, demand))
    queries = np.asarray(world.media.queries)
    searched = queries.sum(axis=1)[:, None] > 0
    return np.where(searched, queries * market[:, None, :], 1.0)


def rates(world: World, weeks: Weeks) -> Rates:
    """Contacts by what comes of them; where triggers alone exceed what is contacted, they are all there is."""
    by_channel = weeks.hazard[:, : len(world.channels)]
    moves = by_channel[..., :-1] @ world.ladder.leaves
    repeats = by_channel[..., -1:] * buyers(world)
    return Rates(np.maximum(weeks.contact - moves - repeats, 0.0), moves, repeats)


def buyers(world: World) -> Float[np.ndarray, " stage"]:
    """How often people of each stage buy again, as a multiple of a customer."""
    pace = np.zeros(len(world.ladder.stages))
    pace[world.ladder.stage("customer")] = 1.0
    pace[world.ladder.stage("advocate")] = float(world.hazards.advocate_repeat)
    return pace


def touch_costs(world: World, weeks: Weeks) -> Float[np.ndarray, "period channel"]:
    """The week's money by the touches that everybody together had in it [currency]; 0 in weeks without a touch.

    Money spent in a week may buy touches of later weeks (carry-over, pages that rank late); a touch costs
    what its channel spent in the week of the touch.
    """
    had = np.einsum("tcgs,tgs->tc", np.add.reduce(rates(world, weeks)), weeks.people) * float(world.population)
    return np.divide(weeks.spent, had, out=np.zeros_like(had), where=had > 0)


def expected_rows(world: World, weeks: Weeks, people: Float[np.ndarray, "period segment stage"]) -> float:
    """Rows that the touch log of some people can be expected to have.

    Args:
        people: Of the log, at the start of each week.
    """
    touched = np.add.reduce(rates(world, weeks)).sum(axis=1)
    untouched = weeks.hazard[:, len(world.channels) :].sum(axis=1)
    total = weeks.hazard[..., :-1].sum(axis=1) @ world.ladder.leaves
    first = np.divide(-np.expm1(-total), total, out=np.ones_like(total), where=total > 0)
    others = first * (untouched[..., :-1] @ world.ladder.leaves) + untouched[..., -1:] * buyers(world)
    return float(((touched + others) * people).sum())
