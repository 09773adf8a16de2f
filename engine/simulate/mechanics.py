"""What one week's spend becomes: contacts with people, by a mechanic of its own for each kind of channel.

Every mechanic is a record of parameters, one for each channel that it serves, and a step
(record, stock, spend, scene) -> (Contact, stock): contacts per person reached and week, the share of people
reached, the money really spent, and what is kept for the next week. Contacts never fall with spend, and no
contact is bought for nothing.
"""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
from jaxtyping import Float

from engine.axes import Array
from engine.double import jnp

Each = Float[Array, " _served"]
"""One number for each channel that a mechanic serves."""
Stock = Float[Array, "_stock _served"]
"""What a mechanic keeps from week to week, for each channel that it serves."""


class Scene(NamedTuple):
    """What a mechanic sees of the world at the start of a week."""

    population: Float[Array, ""]  # people
    searchers: Each  # queries of the week per person, by the channel's query rates
    talkers: Float[Array, ""]  # customers + advocate weight x advocates, per person
    news: Each  # what a story of the week is worth, 1 in the mean


class Contact(NamedTuple):
    """What reaches people in a week."""

    per_person: Each  # contacts of one person reached [1/week]
    reached: Each  # share of the people
    spent: Each  # money that was really spent [currency/week]


class Reach(eqx.Module):
    """Bought contacts: per person reached, spend / (cost per contact x audience)."""

    cost_per_contact: Each  # [currency]
    audience: Each  # share of the people


class Search(eqx.Module):
    """Clicks bought in an auction: the cost of the next click rises as fewer queries are left."""

    cost_per_click: Each  # of the first click [currency]
    most_clicks: Each  # clicks per query
    highest_bid: Each  # cost of a further click above which no money is spent [currency]; may be infinite


class Press(eqx.Module):
    """Stories: effort raises an intensity that excites itself and decays (mean of a Hawkes process)."""

    cost_per_story: Each  # of the first story [currency]
    easy_stories: Each  # [1/week]
    organic_stories: Each  # [1/week]
    branching: Each  # stories that one story leads to, in [0, 1)
    retain: Each  # share of the excitation left after a week
    audience: Each  # share of the people
    story_reach: Each  # share of the audience that one story reaches


class Referral(eqx.Module):
    """Rewarded shares of customers, each a contact with one other person."""

    cost_per_share: Each  # of the first share [currency]
    most_shares: Each  # of one customer [1/week]


class Mailing(eqx.Module):
    """Mails to subscribers, new (first stock) and seasoned (second stock), as shares of the people."""

    signup_share: Each  # of the spend
    cost_per_signup: Each  # [currency]
    cost_per_mail: Each  # of the first mail [currency]
    most_mails: Each  # to one subscriber [1/week]
    organic_signups: Each  # [1/week] of the people who could still subscribe
    largest: Each  # share of the people who could subscribe
    leave_new: Each  # hazard [1/week]
    leave_seasoned: Each  # hazard [1/week]
    mature: Each  # hazard of a new subscriber to become seasoned [1/week]


class Content(eqx.Module):
    """Pages per person: in the making (all stocks but the last), then ranking (the last)."""

    cost_per_page: Each  # [currency]
    advance: Each  # share of the pages of one step that reach the next in a week
    decay: Each  # share of the ranking pages that drop out in a week
    visits_per_page: Each  # [1/week]
    most_visits: Each  # of one person [1/week]


Mechanic = Reach | Search | Press | Referral | Mailing | Content


def reach(contacts: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Share of people with a contact or more, of people with Poisson(contacts) of them each: 1 - exp(-contacts)."""
    return -jnp.expm1(-contacts)


def capped(most: Float[Array, "*shape"], bought: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """What is had of `bought` when no more than `most` exists: most x reach(bought / most); 0 of nothing."""
    safe = jnp.where(most > 0, most, 1.0)
    return jnp.where(most > 0, safe * reach(bought / safe), 0.0)


def step_reach(record: Reach, stock: Stock, spend: Each, scene: Scene) -> tuple[Contact, Stock]:
    """Contacts of one person of the audience."""
    people = record.audience * scene.population
    return Contact(spend / (record.cost_per_contact * people), record.audience, spend), stock


def step_search(record: Search, stock: Stock, spend: Each, scene: Scene) -> tuple[Contact, Stock]:
    """Clicks per query: spend buys queries of the week one by one, each further one dearer, until one is too dear.

    Of q queries that can be had, money b buys q (1 - exp(-b / (c q))) clicks, the next one at c exp(b / (c q)).
    """
    had = record.most_clicks * scene.searchers * scene.population
    limited = jnp.isfinite(record.highest_bid)
    dearest = jnp.where(limited, record.highest_bid / record.cost_per_click, 1.0)
    most = record.cost_per_click * had * jnp.log(dearest)
    spent = jnp.where(had > 0, jnp.where(limited, jnp.minimum(spend, most), spend), 0.0)  # nobody searches: no bill
    clicks = capped(record.most_clicks * scene.searchers, spent / (record.cost_per_click * scene.population))
    queries = jnp.where(scene.searchers > 0, scene.searchers, 1.0)
    return Contact(clicks / queries, jnp.ones_like(clicks), spent), stock


def step_press(record: Press, stock: Stock, spend: Each, scene: Scene) -> tuple[Contact, Stock]:
    """Stories: organic, won by effort (as spend at first, then as its square root), and led to by earlier ones."""
    effort = spend / (record.cost_per_story * record.easy_stories)
    won = record.easy_stories * (jnp.sqrt(1 + 2 * effort) - 1)
    stories = record.organic_stories + won + record.branching * stock[0]
    excitation = record.retain * stock[0] + (1 - record.retain) * stories
    return Contact(stories * record.story_reach * scene.news, record.audience, spend), excitation[None]


def step_referral(record: Referral, stock: Stock, spend: Each, scene: Scene) -> tuple[Contact, Stock]:
    """Rewarded shares per person: capped by the patience of all who could share."""
    bought = spend / (record.cost_per_share * scene.population)
    return Contact(capped(record.most_shares * scene.talkers, bought), jnp.ones_like(spend), spend), stock


def step_mailing(record: Mailing, stock: Stock, spend: Each, scene: Scene) -> tuple[Contact, Stock]:
    """Mails to those on the list at the start of the week; sign-ups join at its end."""
    subscribers = stock.sum(axis=0)
    room = jnp.maximum(record.largest - subscribers, 0.0)
    for_signups = record.signup_share * spend / (record.cost_per_signup * scene.population)
    signups = room * reach(record.organic_signups + for_signups / record.largest)
    for_mails = (1 - record.signup_share) * spend / (record.cost_per_mail * scene.population)
    mails = capped(record.most_mails * subscribers, for_mails)
    out = record.leave_new + record.mature
    gone = stock[0] * reach(out)
    seasoned = stock[1] * jnp.exp(-record.leave_seasoned) + gone * record.mature / out
    each = jnp.where(subscribers > 0, mails / jnp.where(subscribers > 0, subscribers, 1.0), 0.0)
    return Contact(each, subscribers, spend), jnp.stack([stock[0] - gone + signups, seasoned])


def step_content(record: Content, stock: Stock, spend: Each, scene: Scene) -> tuple[Contact, Stock]:
    """Visits of one person to the pages that rank at the start of the week."""
    visits = capped(record.most_visits, stock[-1] * record.visits_per_page)
    moving = record.advance * stock[:-1]
    made = spend / (record.cost_per_page * scene.population)
    building = stock[:-1] - moving + jnp.concatenate([made[None], moving[:-1]])
    ranking = stock[-1] * (1 - record.decay) + moving[-1]
    return Contact(visits, jnp.ones_like(visits), spend), jnp.concatenate([building, ranking[None]])


STEPS: dict[type, Callable[..., tuple[Contact, Stock]]] = {
    Reach: step_reach,
    Search: step_search,
    Press: step_press,
    Referral: step_referral,
    Mailing: step_mailing,
    Content: step_content,
}
"""The step of every mechanic."""
