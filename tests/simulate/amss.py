"""A test world: the example of the Aggregate Marketing System Simulator as a mean field of shares of people.

Its rules apply one after the other within a week (market, satiation, habit, TV, search, sales), so they are no
competing hazards and the engine's journey cannot state them. What can be shared is shared: every reach of this
world is `capped`, the engine's own law of bought contacts. Everything is a share of the population; money is in
total. Rules and figures: Zhang and Vaver (2017), The Aggregate Marketing System Simulator, its example scenario.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from engine.axes import Array
from engine.simulate.mechanics import capped

POPULATION = 2.4e8  # people
PRICE = 80.0
YEAR = 52  # weeks

# Situations of a person; only those in the market and unsatiated are ever active. Favorability: unaware,
# negative, neutral, somewhat favorable, favorable.
OUT, OUT_SATIATED, IN_SATIATED, INACTIVE, EXPLORING, PURCHASING = range(6)
ENTERING = np.array([0.375, 0.425, 0.2])  # activity of people who enter the market or are no longer satiated
ACTIVITY = np.array([0.60, 0.30, 0.10])
FAVORABILITY = np.array([0.03, 0.07, 0.65, 0.20, 0.05])
IN_MARKET = 0.68  # share of the people, times the season

AUDIENCE, COST_PER_CONTACT, HALF_EFFECT = 0.4, 0.005, 1.56
TV_MOVES = np.array(
    [[0.4, 0, 0.4, 0.2, 0], [0, 0.9, 0.1, 0, 0], [0, 0, 0.6, 0.4, 0], [0, 0, 0, 0.8, 0.2], [0, 0, 0, 0, 1]]
)
QUERIES = np.array([0.01, 0.01, 0.01, 0.01, 0.3, 0.4])  # share of a situation's people who search in a week
CLICKS = np.array([0.005, 0.005, 0.005, 0.005, 0.08, 0.10])  # per impression
COST_PER_CLICK, KEYWORDS, GLANCE = 1.1, 4.5, 0.1  # keywords: share of queries per budget and person
SEARCH_MOVES = np.eye(6)
SEARCH_MOVES[3:, 3:] = [[0.05, 0.95, 0], [0, 0.85, 0.15], [0, 0, 1]]
ALONE = np.array([0.014, 0, 0.2, 0.3, 0.9])  # chance to buy if there were no competitor [favorability]
RIVAL = np.maximum(0.8 - 0.5 * ALONE, 0.0)
OWN = np.maximum(ALONE, 0.8) - RIVAL


class Week(NamedTuple):
    """What a week is told, and nobody in it decides."""

    in_market: Float[Array, "*period"]  # target share of the people
    tv: Float[Array, "*period"]  # spend [currency/week]
    search: Float[Array, "*period"]  # budget of the year [currency/year]
    search_on: Bool[Array, "*period"]


class Told(NamedTuple):
    """What came out of a week."""

    revenue: Float[Array, "*period"]  # [currency/week]
    spend: Float[Array, "*period"]  # TV and search together [currency/week]
    queries: Float[Array, "*period"]  # [1/week]
    impressions: Float[Array, "*period"]  # [1/week]
    clicks: Float[Array, "*period"]  # [1/week]
    rival_sales: Float[Array, "*period"]  # [1/week]


def plan(season: Float[Array, " period"], flight: Float[Array, " period"]) -> Week:
    """The vignette's weeks: yearly budgets, TV in proportion to its flights, search off for 2 weeks in 13."""
    years = flight.reshape(-1, YEAR)
    budgets = np.array([54.5e6, 47.5e6, 42.0e6, 45.5e6])
    number = np.arange(1, len(season) + 1)
    return Week(
        in_market=IN_MARKET * season,
        tv=(budgets[:, None] * years / years.sum(axis=1, keepdims=True)).ravel(),
        search=np.repeat([6e6, 12e6, 18e6, 24e6], YEAR),
        search_on=number % 13 > 1,
    )


def start(week: Week) -> Float[Array, "situation favorability"]:
    """Nobody satiated, the market at its first target."""
    share = week.in_market[0]
    situation = jnp.concatenate([jnp.stack([1 - share, 0.0, 0.0]), share * ENTERING])
    return situation[:, None] * FAVORABILITY


@jax.jit
def run(people: Float[Array, "situation favorability"], weeks: Week) -> tuple[Array, Told]:
    """The people after all weeks, and what came out of each."""
    return jax.lax.scan(advance, people, weeks)


def advance(people: Float[Array, "situation favorability"], week: Week) -> tuple[Array, Told]:
    """One week, rule after rule."""
    people = habit(desatiate(market(people, week.in_market)))
    people, (queries, impressions, clicks) = search(tv(people, week.tv), week)
    people, own, rival = sales(people)
    spend = week.tv + COST_PER_CLICK * POPULATION * clicks
    told = [POPULATION * volume for volume in (queries, impressions, clicks, rival)]
    return people, Told(PRICE * POPULATION * own, spend, *told)


def market(people: Float[Array, "situation favorability"], target: Float[Array, ""]) -> Array:
    """As few people as needed enter or leave; those who enter unsatiated take up activity, those who leave none."""
    now = people[IN_SATIATED:].sum()
    enter = jnp.maximum(target - now, 0.0) / (1 - now)
    leave = jnp.maximum(now - target, 0.0) / now
    out, out_satiated, in_satiated, active = people[OUT], people[OUT_SATIATED], people[IN_SATIATED], people[INACTIVE:]
    away = jnp.stack(
        [
            (1 - enter) * out + leave * active.sum(axis=0),
            (1 - enter) * out_satiated + leave * in_satiated,
            (1 - leave) * in_satiated + enter * out_satiated,
        ]
    )
    return jnp.concatenate([away, (1 - leave) * active + ENTERING[:, None] * enter * out])


def desatiate(people: Float[Array, "situation favorability"]) -> Array:
    """All who were satiated are so no longer."""
    nobody = jnp.zeros_like(people[OUT])
    active = people[INACTIVE:] + ENTERING[:, None] * people[IN_SATIATED]
    return jnp.concatenate([jnp.stack([people[OUT] + people[OUT_SATIATED], nobody, nobody]), active])


def habit(people: Float[Array, "situation favorability"]) -> Array:
    """Without advertising, activity and favorability fall back to their natural shares."""
    situation = people.sum(axis=1)
    situation = jnp.concatenate([situation[:INACTIVE], situation[INACTIVE:].sum() * ACTIVITY])
    return situation[:, None] * FAVORABILITY


def tv(people: Float[Array, "situation favorability"], spend: Float[Array, ""]) -> Array:
    """Contacts fall on the audience at random; the more of them a person reached has, the likelier the effect."""
    contacts = spend / (COST_PER_CONTACT * AUDIENCE * POPULATION)
    reached = capped(jnp.ones_like(contacts), contacts)
    often = contacts / jnp.where(reached > 0, reached, 1.0)
    moved = AUDIENCE * reached * often / (often + HALF_EFFECT) * people
    return people - moved + moved @ TV_MOVES


def search(people: Float[Array, "situation favorability"], week: Week) -> tuple[Array, tuple[Array, ...]]:
    """Searchers see and click; queries, impressions and clicks each fall at random on those whom the last reached."""
    asking = QUERIES[:, None] * people
    shown = jnp.where(week.search_on, KEYWORDS * week.search / POPULATION, 0.0) * asking
    clicked = CLICKS[:, None] * shown
    asked = capped(asking, asking)
    saw = capped(asked, shown)
    came = capped(saw, clicked)
    moved = GLANCE * (saw - came) + came
    volumes = (asking.sum(), shown.sum(), clicked.sum())
    return people - moved + SEARCH_MOVES.T @ moved, volumes


def sales(people: Float[Array, "situation favorability"]) -> tuple[Array, Array, Array]:
    """People in purchase buy here or at the competitor; whoever buys is satiated and inactive."""
    own, rival = OWN * people[PURCHASING], RIVAL * people[PURCHASING]
    bought = own + rival
    return people.at[PURCHASING].add(-bought).at[IN_SATIATED].add(bought), own.sum(), rival.sum()
