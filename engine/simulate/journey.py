"""The mean field: what happens to shares of people, week by week, exactly in the limit of many people.

A person's moves are competing Poisson triggers. With hazards h of the moves that leave a stage and their sum
H, the move has probability h / H (1 - exp(-H)) and staying exp(-H); its true cause is one cause with that
cause's part of h. A customer's further purchases of a week are Poisson.
"""

import dataclasses
from typing import NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Float, Int

from engine.axes import Array
from engine.double import jax, jnp
from engine.simulate.mechanics import STEPS, Scene, reach
from engine.simulate.records import Media, State, Trajectory, World
from engine.simulate.stages import Ladder

YEAR = 52  # weeks
RARE = 1e-100  # hazards below it saturate nothing, and their squares would leave the range of numbers in a slope


class Exposure(NamedTuple):
    """What a week does to people; a cause is each channel, then nobody (the journey's own), then word of mouth."""

    hazard: Float[Array, "*period cause segment event"]  # per person [1/week]
    touch: Float[Array, "*period channel segment"]  # effective contacts per person [1/week]
    reached: Float[Array, "*period channel"]  # share of the people in reach
    spent: Float[Array, "*period channel"]  # money that was really spent [currency/week]
    after: State  # the state after the week, with nobody moved yet


class Contacts(NamedTuple):
    """What one week's money becomes, and what it leaves behind."""

    touch: Float[Array, "channel segment"]  # effective contacts per person [1/week]
    reached: Float[Array, " channel"]  # share of the people in reach
    spent: Float[Array, " channel"]  # money that was really spent [currency/week]
    stocks: tuple[Array, ...]
    memory: Float[Array, " channel"]
    goodwill: Float[Array, "channel segment"]


class Week(NamedTuple):
    """One week of a Trajectory."""

    people: Float[Array, "segment stage"]
    flows: Float[Array, "segment event"]
    caused: Float[Array, "cause event"]
    credit: Float[Array, " cause"]
    revenue: Float[Array, ""]
    touches: Float[Array, " channel"]
    spent: Float[Array, " channel"]
    reached: Float[Array, " channel"]
    goodwill: Float[Array, " channel"]


@eqx.filter_jit
def run(world: World, spend: Float[Array, "period channel"], state: State | None = None) -> Trajectory:
    """What happens in the world under a spend plan, from `state` or from the start of the history.

    Args:
        spend: Money that may be spent by week and channel [currency/week], not negative.

    Weeks that the world's calendar does not hold give NaN.
    """
    begin = world.start if state is None else state
    end, told = jax.lax.scan(lambda now, money: advance(world, now, money), begin, spend)
    return Trajectory(**told._asdict(), end=end)


@eqx.filter_jit
def revenue(world: World, spend: Float[Array, "period channel"], state: State | None = None) -> Float[Array, " period"]:
    """Revenue by week alone [currency/week]: `run` without its bookkeeping."""

    def week(now: State, money: Float[Array, " channel"]) -> tuple[State, Float[Array, ""]]:
        after, told = advance(world, now, money)
        return after, told.revenue

    earned: Float[Array, " period"] = jax.lax.scan(week, world.start if state is None else state, spend)[1]
    return earned


def play(world: World, spend: Float[Array, "period channel"], state: State | None = None) -> Trajectory:
    """The same as `run`, a year at a time, so that histories of any length share a compiled program."""
    begin = world.start if state is None else state
    years = []
    for first in range(0, len(spend), YEAR):
        years.append(run(world, jnp.asarray(spend[first : first + YEAR], float), begin))
        begin = years[-1].end
    if not years:
        return run(world, jnp.asarray(spend, float), begin)
    return Trajectory(
        **{name: np.concatenate([getattr(year, name) for year in years]) for name in Week._fields}, end=begin
    )


@eqx.filter_jit
def watch(
    world: World,
    spend: Float[Array, "period channel"],
    people: Float[Array, "period segment stage"],
    state: State | None = None,
) -> Exposure:
    """What each week does to people, where it is known who is in which stage; `after` is the state at the end.

    Args:
        spend: Money that may be spent [currency/week].
        people: At the start of each week, as shares of the population, by whichever engine moved them.

    Every field of the answer has the axis `period` first, but for `after`.
    """

    def week(now: State, given: tuple[Array, Array]) -> tuple[State, tuple[Array, ...]]:
        money, crowd = given
        seen = expose(world, dataclasses.replace(now, people=crowd), money)
        return seen.after, (seen.hazard, seen.touch, seen.reached, seen.spent)

    begin = world.start if state is None else state
    end, (hazard, touch, reached, spent) = jax.lax.scan(week, begin, (spend, people))
    return Exposure(hazard, touch, reached, spent, end)


def advance(world: World, now: State, money: Float[Array, " channel"]) -> tuple[State, Week]:
    """One week: the state after it, and what happened in it."""
    ladder = world.ladder
    seen = expose(world, now, money)
    exposed = exposure(ladder, seen.hazard.sum(axis=0)[:, :-1], now.people)
    happened = seen.hazard * jnp.concatenate([exposed, repeaters(world, now.people)[:, None]], axis=1)
    flows = happened.sum(axis=0)
    people = now.people + flows[:, :-1] @ ladder.change
    bought = happened[:, :, ladder.event("buy")] + happened[:, :, ladder.event("repeat")]
    credit = bought @ (world.population * money_each(world, now.week))
    share = now.people.sum(axis=1)
    told = Week(
        people=world.population * people,
        flows=world.population * flows,
        caused=world.population * happened.sum(axis=1),
        credit=credit,
        revenue=credit.sum(),
        touches=seen.touch @ share,
        spent=seen.spent,
        reached=seen.reached,
        goodwill=seen.after.goodwill @ share,
    )
    return dataclasses.replace(seen.after, people=people), told


def told_week(
    world: World,
    seen: Exposure,
    people: Int[np.ndarray, "segment stage"],
    caused: Float[np.ndarray, "cause segment event"],
    each: Float[np.ndarray, " segment"],
) -> Week:
    """A week of counted people in terms of the population.

    Args:
        people: At the end of the week.
        caused: Moves and further purchases by true cause.
        each: What a purchase brings [currency].
    """
    ladder, scale = world.ladder, float(world.population) / people.sum()
    bought = caused[:, :, ladder.event("buy")] + caused[:, :, ladder.event("repeat")]
    credit, share = scale * bought @ each, people.sum(axis=1) / people.sum()
    return Week(
        people=scale * people,
        flows=scale * caused.sum(axis=0),
        caused=scale * caused.sum(axis=1),
        credit=credit,
        revenue=credit.sum(),
        touches=np.asarray(seen.touch) @ share,
        spent=np.asarray(seen.spent),
        reached=np.asarray(seen.reached),
        goodwill=np.asarray(seen.after.goodwill) @ share,
    )


def repeaters(world: World, people: Float[Array, "segment stage"]) -> Float[Array, " segment"]:
    """People who buy again: customers, and advocates as often as they do so more often."""
    ladder = world.ladder
    return people[:, ladder.stage("customer")] + world.hazards.advocate_repeat * people[:, ladder.stage("advocate")]


def money_each(world: World, week: Array) -> Float[Array, " segment"]:
    """What a purchase brings in a week [currency]."""
    return world.price * at(world, world.calendar.price, week) * world.value


def at(world: World, series: Float[Array, "week *rest"], week: Array) -> Float[Array, "*rest"]:
    """The value of a calendar's series in a week of the history; NaN if the calendar does not hold it."""
    return series.at[week + world.calendar.before].get(mode="fill", fill_value=jnp.nan)


def expose(world: World, now: State, money: Float[Array, " channel"]) -> Exposure:
    """The week's hazards by true cause, its touches, and the state after it with nobody moved yet."""
    hazards, ladder = world.hazards, world.ladder
    demand = at(world, world.calendar.demand, now.week)
    made = contact(world, now, money, demand)
    voice, pull = _competition(world, now, made.spent)
    cheaper = at(world, world.calendar.price, now.week) ** world.elasticity
    only = _only(ladder, {"buy": cheaper, "repeat": cheaper, "lose": pull, "win": 1 / pull})
    follow = jnp.where(ladder.follows_demand > 0, demand, 1.0) * jnp.where(
        ladder.follows_market > 0, world.in_market, 1.0
    )
    clicked = searching(world, demand)[np.append(ladder.source, ladder.stage("customer"))]  # as often as searched
    searched = world.media.queries.sum(axis=1) > 0
    follows = jnp.where(searched[:, None], clicked, follow) * only
    follow = follow * only
    causes = jnp.concatenate(
        [
            made.touch[:, :, None] * hazards.effect[:, None, :] * follows[:, None, :],
            (hazards.base * follow)[None],
            jnp.broadcast_to(talkers(world, now.people) * hazards.talk * follow, (1, *hazards.base.shape)),
        ]
    )
    after = State(now.week + 1, now.people, made.stocks, made.memory, made.goodwill, voice)
    return Exposure(_attended(world, now.people, causes), made.touch, made.reached, made.spent, after)


def searching(world: World, demand: Float[Array, "*period"]) -> Float[Array, "*period stage"]:
    """People of each stage who are in the market in a week, as a share of the stage that demand may raise above 1."""
    share = jnp.where(world.ladder.always_in_market > 0, 1.0, world.in_market)
    return jnp.asarray(demand)[..., None] * share


def talkers(world: World, people: Float[Array, "segment stage"]) -> Float[Array, ""]:
    """Customers and advocates by the weight of what they say, per person."""
    ladder = world.ladder
    advocates = people[:, ladder.stage("advocate")].sum()
    return people[:, ladder.stage("customer")].sum() + world.hazards.advocate_weight * advocates


def _only(ladder: Ladder, factors: dict[str, Array]) -> Float[Array, " event"]:
    """A factor for each event: those given, else 1."""
    return jnp.stack([jnp.asarray(factors.get(event, 1.0), float) for event in ladder.events])


def _competition(world: World, now: State, spent: Float[Array, " channel"]) -> tuple[Array, Array]:
    """Own voice after the week, and the factor by which rivals' share of voice raises losses to them."""
    if world.rivals is None:
        return now.voice, jnp.ones(())
    voice = world.rivals.retain * now.voice + (1 - world.rivals.retain) * (world.media.paid @ spent)
    theirs = at(world, world.calendar.rivals, now.week)
    both = theirs + voice
    share = jnp.where(both > 0, theirs / jnp.where(both > 0, both, 1.0), world.rivals.usual)  # nobody speaks: as usual
    return voice, jnp.exp(world.rivals.pull * (share - world.rivals.usual))


def _attended(
    world: World, people: Float[Array, "segment stage"], hazard: Float[Array, "cause segment event"]
) -> Float[Array, "cause segment event"]:
    """Hazards when a sales team cannot work all opportunities at once; `hazard` is that of those who are worked.

    Of n opportunities c slots work a share min(1, c / n), and the rest lose patience: the fluid limit of the
    queue M/M/c with abandonment. n is the mean over the week, (1 - exp(-H)) / H of those at its start, with
    the H of the share at its start; without that a full team would win up to H / 2 too little.
    """
    if world.sales is None:
        return hazard
    ladder, slots, abandon = world.ladder, world.sales.slots, world.sales.abandon
    decided = np.array([ladder.event("buy"), ladder.event("lose")])
    there = people[:, ladder.stage("opportunity")] * world.population
    share = jnp.minimum(1.0, slots / jnp.maximum(there.sum(), slots))
    total = share * hazard.sum(axis=0)[:, decided].sum(axis=1) + (1 - share) * abandon
    standing = (there * jnp.where(total > 0, reach(total) / jnp.where(total > 0, total, 1.0), 1.0)).sum()
    share = jnp.minimum(1.0, slots / jnp.maximum(standing, slots))
    worked = hazard.at[:, :, decided].multiply(share, unique_indices=True)  # unique: else no gradient
    return worked.at[len(world.channels), :, ladder.event("lose")].add((1 - share) * abandon)


def exposure(
    ladder: Ladder, hazard: Float[Array, "segment move"], people: Float[Array, "segment stage"]
) -> Float[Array, "segment move"]:
    """People who can make each move, times (1 - exp(-H)) / H: times the move's hazard, this is its flow."""
    total = hazard @ ladder.leaves  # [segment stage]
    safe = jnp.where(total > RARE, total, 1.0)
    share = jnp.where(total > RARE, reach(safe) / safe, 1.0)
    return (people * share)[:, ladder.source]


def contact(world: World, now: State, money: Float[Array, " channel"], demand: Float[Array, ""]) -> Contacts:
    """What the week's money becomes: contacts of people reached, and of them what works now and later."""
    media = world.media
    searchers = ((media.habits @ now.people) * media.queries * searching(world, demand)).sum(axis=1)
    news = at(world, world.calendar.news, now.week)
    talk = talkers(world, now.people)
    made, stocks = [], []
    for group, mechanic, stock in zip(media.groups, media.mechanics, now.stocks, strict=True):
        served = np.array(group)
        scene = Scene(world.population, searchers[served], talk, news[served])
        bought, kept = STEPS[type(mechanic)](mechanic, stock, money[served], scene)
        made.append(bought)
        stocks.append(kept)
    order = np.argsort(np.concatenate(media.groups))
    per_person, reached, spent = (jnp.concatenate(parts)[order] for parts in zip(*made, strict=True))
    memory = media.retain * now.memory + (1 - media.retain) * per_person
    fast = reached[:, None] * worth(memory[:, None] * media.habits, media)
    goodwill = media.retain_slow[:, None] * now.goodwill + (1 - media.retain_slow)[:, None] * fast
    touch = (1 - media.slow_share)[:, None] * fast + media.slow_share[:, None] * goodwill
    return Contacts(touch, reached, spent, tuple(stocks), memory, goodwill)


def worth(contacts: Float[Array, "channel segment"], media: Media) -> Float[Array, "channel segment"]:
    """Effective contacts of a person with Poisson(contacts) of them in a week.

    If contact j is worth (1 - wear)^(j - 1), the mean worth of a Poisson number of contacts is
    (1 - exp(-wear x contacts)) / wear: all of them at wear 0, reach at wear 1. Where two contacts are
    needed it is the share of people with two or more.
    """
    wear = media.wear[:, None]
    safe = jnp.where(wear > 0, wear, 1.0)
    once = jnp.where(wear > 0, reach(safe * contacts) / safe, contacts)
    twice = reach(contacts) - contacts * jnp.exp(-contacts)
    return jnp.where(media.needs_two[:, None] > 0, twice, once)
