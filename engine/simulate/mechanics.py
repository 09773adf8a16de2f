"""What one week's spend becomes: contacts with people, by a mechanic of its own for each kind of channel.

Every mechanic is a record of parameters and a step (record, stock, spend, scene) -> (Contact, stock): its
contacts per person reached and week, the share of people reached, and what it keeps for the next week.
All are increasing in spend and zero contacts are bought at zero spend.
"""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Float

from engine.axes import Array


class Scene(NamedTuple):
    """What a mechanic sees of the world at the start of a week."""

    population: Float[Array, ""]  # people
    searchers: Float[Array, ""]  # queries of the week per person, by this channel's query rates
    talkers: Float[Array, ""]  # customers + advocate weight x advocates, per person


class Contact(NamedTuple):
    """What reaches people in a week."""

    per_person: Float[Array, ""]  # contacts of one person reached [1/week]
    reached: Float[Array, ""]  # share of the people


class Reach(eqx.Module):
    """Bought contacts: per person reached, spend / (cost per contact x audience)."""

    cost_per_contact: Float[Array, ""]  # [currency]
    audience: Float[Array, ""]  # share of the people


class Search(eqx.Module):
    """Clicks bought in an auction: the cost of the next click rises as fewer queries are left."""

    cost_per_click: Float[Array, ""]  # of the first click [currency]
    most_clicks: Float[Array, ""]  # clicks per query


class Press(eqx.Module):
    """Stories: effort raises an intensity that excites itself and decays (mean of a Hawkes process)."""

    cost_per_story: Float[Array, ""]  # of the first story [currency]
    easy_stories: Float[Array, ""]  # [1/week]
    organic_stories: Float[Array, ""]  # [1/week]
    branching: Float[Array, ""]  # stories that one story leads to, in [0, 1)
    retain: Float[Array, ""]  # share of the excitation left after a week
    audience: Float[Array, ""]  # share of the people
    story_reach: Float[Array, ""]  # share of the audience that one story reaches


class Referral(eqx.Module):
    """Rewarded shares of customers, each a contact with one other person."""

    cost_per_share: Float[Array, ""]  # of the first share [currency]
    most_shares: Float[Array, ""]  # of one customer [1/week]


class Mailing(eqx.Module):
    """Mails to subscribers, new (stock 0) and seasoned (stock 1), as shares of the people."""

    signup_share: Float[Array, ""]  # of the spend
    cost_per_signup: Float[Array, ""]  # [currency]
    cost_per_mail: Float[Array, ""]  # of the first mail [currency]
    most_mails: Float[Array, ""]  # to one subscriber [1/week]
    organic_signups: Float[Array, ""]  # [1/week] of the people who could still subscribe
    largest: Float[Array, ""]  # share of the people who could subscribe
    leave_new: Float[Array, ""]  # hazard [1/week]
    leave_seasoned: Float[Array, ""]  # hazard [1/week]
    mature: Float[Array, ""]  # hazard of a new subscriber to become seasoned [1/week]


class Content(eqx.Module):
    """Pages per person: in the making (all stocks but the last), then ranking (the last)."""

    cost_per_page: Float[Array, ""]  # [currency]
    advance: Float[Array, ""]  # share of the pages of one step that reach the next in a week
    decay: Float[Array, ""]  # share of the ranking pages that drop out in a week
    visits_per_page: Float[Array, ""]  # [1/week]
    most_visits: Float[Array, ""]  # of one person [1/week]


Mechanic = Reach | Search | Press | Referral | Mailing | Content
Stock = Float[Array, " _stock"]


def capped(most: Float[Array, ""], bought: Float[Array, ""]) -> Float[Array, ""]:
    """What is had of `bought` when no more than `most` exists: most (1 - exp(-bought / most)); 0 of nothing."""
    safe = jnp.where(most > 0, most, 1.0)
    return jnp.where(most > 0, -safe * jnp.expm1(-bought / safe), 0.0)


def step_reach(record: Reach, stock: Stock, spend: Float[Array, ""], scene: Scene) -> tuple[Contact, Stock]:
    """Contacts of one person of the audience."""
    people = record.audience * scene.population
    return Contact(spend / (record.cost_per_contact * people), record.audience), stock


def step_search(record: Search, stock: Stock, spend: Float[Array, ""], scene: Scene) -> tuple[Contact, Stock]:
    """Clicks per query: spend buys queries of the week one by one, until none is left."""
    clicks = spend / (record.cost_per_click * scene.population)
    had = capped(record.most_clicks * scene.searchers, clicks)
    queries = jnp.where(scene.searchers > 0, scene.searchers, 1.0)
    return Contact(had / queries, jnp.ones_like(had)), stock


def step_press(record: Press, stock: Stock, spend: Float[Array, ""], _scene: Scene) -> tuple[Contact, Stock]:
    """Stories: organic, won by effort (as spend at first, then as its square root), and led to by earlier ones."""
    effort = spend / (record.cost_per_story * record.easy_stories)
    won = record.easy_stories * (jnp.sqrt(1 + 2 * effort) - 1)
    stories = record.organic_stories + won + record.branching * stock[0]
    excitation = record.retain * stock[0] + (1 - record.retain) * stories
    return Contact(stories * record.story_reach, record.audience), excitation[None]


def step_referral(record: Referral, stock: Stock, spend: Float[Array, ""], scene: Scene) -> tuple[Contact, Stock]:
    """Rewarded shares per person: capped by the patience of all who could share."""
    bought = spend / (record.cost_per_share * scene.population)
    return Contact(capped(record.most_shares * scene.talkers, bought), jnp.ones_like(spend)), stock


def step_mailing(record: Mailing, stock: Stock, spend: Float[Array, ""], scene: Scene) -> tuple[Contact, Stock]:
    """Mails to those on the list at the start of the week; sign-ups join at its end."""
    subscribers = stock.sum()
    room = jnp.maximum(record.largest - subscribers, 0.0)
    for_signups = record.signup_share * spend / (record.cost_per_signup * scene.population)
    signups = -room * jnp.expm1(-record.organic_signups - for_signups / record.largest)
    for_mails = (1 - record.signup_share) * spend / (record.cost_per_mail * scene.population)
    mails = capped(record.most_mails * subscribers, for_mails)
    out = record.leave_new + record.mature
    gone = -stock[0] * jnp.expm1(-out)
    seasoned = stock[1] * jnp.exp(-record.leave_seasoned) + gone * record.mature / out
    each = jnp.where(subscribers > 0, mails / jnp.where(subscribers > 0, subscribers, 1.0), 0.0)
    return Contact(each, subscribers), jnp.stack([stock[0] - gone + signups, seasoned])


def step_content(record: Content, stock: Stock, spend: Float[Array, ""], scene: Scene) -> tuple[Contact, Stock]:
    """Visits of one person to the pages that rank at the start of the week."""
    visits = capped(record.most_visits, stock[-1] * record.visits_per_page)
    moving = record.advance * stock[:-1]
    made = spend / (record.cost_per_page * scene.population)
    building = stock[:-1] - moving + jnp.concatenate([made[None], moving[:-1]])
    ranking = stock[-1] * (1 - record.decay) + moving[-1]
    return Contact(visits, jnp.ones_like(visits)), jnp.concatenate([building, ranking[None]])


STEPS: dict[type, Callable[..., tuple[Contact, Stock]]] = {
    Reach: step_reach,
    Search: step_search,
    Press: step_press,
    Referral: step_referral,
    Mailing: step_mailing,
    Content: step_content,
}
"""The step of every mechanic."""
