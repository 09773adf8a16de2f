"""The mean field: what happens to shares of people, week by week, exactly in the limit of many people.

A person's moves are competing Poisson triggers. With hazards h of the moves that leave a stage and their sum
H, the move has probability h / H (1 - exp(-H)) and staying exp(-H); its true cause is one cause with that
cause's part of h.
"""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from engine.axes import Array
from engine.simulate.mechanics import STEPS, Scene
from engine.simulate.records import Media, State, Trajectory, World
from engine.simulate.stages import ADVOCATE, BUY, CHANGE, CUSTOMER, EVENTS, LEAVES, MOVES, REPEAT, SOURCE, STAGES

YEAR = 52  # weeks
FOLLOWS_MARKET = np.array([float(move.in_market) for move in MOVES] + [0.0])
"""One for events that only people in the market take part in [event]."""
FOLLOWS_DEMAND = np.array([float(move.in_market) for move in MOVES] + [1.0])
"""One for events that follow demand [event]."""
BUYERS = np.array([float(stage in ("customer", "advocate")) for stage in STAGES])
"""One for stages that buy again and so are always in the market [stage]."""


@eqx.filter_jit
def run(world: World, spend: Float[Array, "period channel"], state: State | None = None) -> Trajectory:
    """What happens in the world under a spend plan, from `state` or from the start of the history.

    Args:
        spend: Money by week and channel [currency/week], not negative.

    Weeks that the world's calendar does not hold give NaN.
    """
    begin = world.start if state is None else state

    def week(now: State, money: Float[Array, " channel"]) -> tuple[State, tuple[Array, ...]]:
        return advance(world, now, money)

    end, (people, flows, caused, credit, touches) = jax.lax.scan(week, begin, spend)
    return Trajectory(people, flows, caused, credit, credit.sum(axis=1), touches, end)


@eqx.filter_jit
def revenue(world: World, spend: Float[Array, "period channel"], state: State | None = None) -> Float[Array, " period"]:
    """Revenue by week alone [currency/week]: `run` without its bookkeeping."""
    begin = world.start if state is None else state

    def week(now: State, money: Float[Array, " channel"]) -> tuple[State, Array]:
        after, (_, _, _, credit, _) = advance(world, now, money)
        return after, credit.sum()

    sales: Float[Array, " period"] = jax.lax.scan(week, begin, spend)[1]
    return sales


def play(world: World, spend: Float[Array, "period channel"], state: State | None = None) -> Trajectory:
    """The same as `run`, a year at a time, so that histories of any length share a compiled program."""
    begin = world.start if state is None else state
    years = []
    for first in range(0, len(spend), YEAR):
        years.append(run(world, jnp.asarray(spend[first : first + YEAR], float), begin))
        begin = years[-1].end
    if not years:
        return run(world, jnp.asarray(spend, float), begin)
    told = [field.name for field in dataclasses.fields(Trajectory) if field.name != "end"]
    return Trajectory(**{name: np.concatenate([getattr(year, name) for year in years]) for name in told}, end=begin)


def advance(world: World, now: State, money: Float[Array, " channel"]) -> tuple[State, tuple[Array, ...]]:
    """One week: the state after it, and people, flows, caused, credit and touches as in Trajectory."""
    hazard, touch, ready = expose(world, now, money)
    exposed = exposure(hazard.sum(axis=0)[:, :-1], now.people)
    repeaters = now.people[:, CUSTOMER] + world.hazards.advocate_repeat * now.people[:, ADVOCATE]
    happened = hazard * jnp.concatenate([exposed, repeaters[:, None]], axis=1)
    flows = happened.sum(axis=0)
    people = now.people + flows[:, :-1] @ CHANGE
    money_each = world.price * world.population * world.value
    credit = (happened[:, :, BUY] + happened[:, :, REPEAT]) @ money_each
    caused = happened.sum(axis=1)
    reached = (touch * now.people.sum(axis=1)).sum(axis=1)
    told = (world.population * people, world.population * flows, world.population * caused, credit, reached)
    return dataclasses.replace(ready, people=people), told


def expose(
    world: World, now: State, money: Float[Array, " channel"]
) -> tuple[Float[Array, "cause segment event"], Float[Array, "channel segment"], State]:
    """The week's hazards by true cause, its touches, and the state after it with nobody moved yet."""
    demand = world.calendar.demand.at[now.week + world.calendar.before].get(mode="fill", fill_value=jnp.nan)
    talkers = now.people[:, CUSTOMER].sum() + world.hazards.advocate_weight * now.people[:, ADVOCATE].sum()
    touch, stocks, memory, goodwill = contact(world, now, money, demand, talkers)
    follow = jnp.where(FOLLOWS_DEMAND > 0, demand, 1.0) * jnp.where(FOLLOWS_MARKET > 0, world.in_market, 1.0)
    causes = jnp.concatenate(
        [
            touch[:, :, None] * world.hazards.effect[:, None, :],
            jnp.broadcast_to(world.hazards.base, (1, touch.shape[1], len(EVENTS))),
            jnp.broadcast_to(talkers * world.hazards.talk, (1, touch.shape[1], len(EVENTS))),
        ]
    )
    return causes * follow, touch, State(now.week + 1, now.people, stocks, memory, goodwill)


def exposure(
    hazard: Float[Array, "segment move"], people: Float[Array, "segment stage"]
) -> Float[Array, "segment move"]:
    """People who can make each move, times (1 - exp(-H)) / H: times the move's hazard, this is its flow."""
    total = hazard @ LEAVES  # [segment stage]
    safe = jnp.where(total > 0, total, 1.0)
    share = jnp.where(total > 0, -jnp.expm1(-safe) / safe, 1.0)
    return (people * share)[:, SOURCE]


def contact(
    world: World, now: State, money: Float[Array, " channel"], demand: Float[Array, ""], talkers: Float[Array, ""]
) -> tuple[
    Float[Array, "channel segment"], tuple[Array, ...], Float[Array, " channel"], Float[Array, "channel segment"]
]:
    """Effective contacts by channel and segment; then the stocks, memory and goodwill after the week."""
    media, stocks, per_person, reached = world.media, [], [], []
    market = demand * jnp.where(BUYERS > 0, 1.0, world.in_market)  # queries follow demand [stage]
    for index, mechanic in enumerate(media.mechanics):
        queries = media.habits[index] @ now.people @ (market * media.queries[index])
        scene = Scene(world.population, queries, talkers)
        made, kept = STEPS[type(mechanic)](mechanic, now.stocks[index], money[index], scene)
        per_person.append(made.per_person)
        reached.append(made.reached)
        stocks.append(kept)
    memory = media.retain * now.memory + (1 - media.retain) * jnp.stack(per_person)
    fast = jnp.stack(reached)[:, None] * worth(memory[:, None] * media.habits, media)
    goodwill = media.retain_slow[:, None] * now.goodwill + (1 - media.retain_slow)[:, None] * fast
    touch = (1 - media.slow_share)[:, None] * fast + media.slow_share[:, None] * goodwill
    return touch, tuple(stocks), memory, goodwill


def worth(contacts: Float[Array, "channel segment"], media: Media) -> Float[Array, "channel segment"]:
    """Effective contacts of a person with Poisson(contacts) of them in a week.

    If contact j is worth (1 - wear)^(j - 1), the mean worth of a Poisson number of contacts is
    (1 - exp(-wear x contacts)) / wear: all of them at wear 0, reach at wear 1. Where two contacts are
    needed it is the share of people with two or more.
    """
    wear = media.wear[:, None]
    safe = jnp.where(wear > 0, wear, 1.0)
    once = jnp.where(wear > 0, -jnp.expm1(-safe * contacts) / safe, contacts)
    twice = -jnp.expm1(-contacts) - contacts * jnp.exp(-contacts)
    return jnp.where(media.needs_two[:, None] > 0, twice, once)
