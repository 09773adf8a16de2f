"""What a customer costs and is worth, and what marketing leaves behind: CLV, CAC, payback, share, lists, goodwill.

A cohort is a mass of people who buy for the first time in the last week of the history. It is too small to
change anything: everybody else goes on under the mean spend, and the cohort moves with the chances that
people of the same segment and stage then have. Its value is linear in its size.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from engine import finance
from engine.axes import Array
from engine.simulate.journey import play
from engine.simulate.mechanics import Mailing
from engine.simulate.records import State, World

LIFETIME = 156  # weeks after the first purchase in which a customer's purchases count


class Customers(NamedTuple):
    """What customers won in the history cost and are worth, and what stands at its end.

    A segment's value is NaN where it has no customers. Marketing to customers is not taken off their value.
    """

    won: Float[np.ndarray, " segment"]  # new customers of the history; who lapsed and buys again is one
    cost: float  # CAC: all money spent per new customer [currency]
    revenue: Float[np.ndarray, " segment"]  # of one won at the end, over LIFETIME [currency]
    value: Float[np.ndarray, " segment"]  # CLV: the discounted margin on that [currency]
    mean_revenue: float  # over segments, as new customers of the history were spread [currency]
    mean_value: float  # the same mean of the value [currency]
    value_per_cost: float  # CLV / CAC
    payback: float  # weeks until margin has paid the cost; NaN if not within LIFETIME
    channel_payback: Float[np.ndarray, " channel"]  # the same for the incremental cost of each channel
    share: float  # customers and advocates, of those and rivals' customers; NaN where rivals have none
    lists: Float[np.ndarray, " channel"]  # subscribers at the end [people]; NaN for channels without a list
    goodwill: Float[np.ndarray, " channel"]  # slow stock at the end, in the mean over people [1/week]


def customers(
    world: World,
    end: State,
    mean: Float[np.ndarray, " channel"],
    won: Float[np.ndarray, " segment"],
    costs: Float[np.ndarray, "_one_and_channels"],
) -> Customers:
    """Customers and brand at the end of a history.

    Args:
        mean: Spend after the history [currency/week].
        won: New customers of the history by segment.
        costs: CAC in the mean, then the incremental one of each channel [currency].
    """
    each = cohort(world, end, mean)
    margin, rate = float(world.margin), float(world.discount_rate)
    values = np.asarray(finance.clv(each, margin, rate))
    weekly = _mean(each, won)
    value = float(_mean(values[None], won)[0])
    payback = np.array([finance.payback_weeks(weekly, margin, cost) for cost in costs])
    known = np.isfinite(costs) & (costs >= 0) & np.isfinite(value)
    payback = np.where(known, payback, np.nan)
    return Customers(
        won=won,
        cost=float(costs[0]),
        revenue=each.sum(axis=0),
        value=values,
        mean_revenue=float(weekly.sum()),
        mean_value=value,
        value_per_cost=float(finance.clv_to_cac(value, float(costs[0]))),
        payback=float(payback[0]),
        channel_payback=payback[1:],
        share=market_share(world, end),
        lists=subscribers(world, end),
        goodwill=np.asarray(end.goodwill) @ np.asarray(end.people).sum(axis=1),
    )


def _mean(
    each: Float[np.ndarray, "period segment"], won: Float[np.ndarray, " segment"]
) -> Float[np.ndarray, " period"]:
    """The mean over segments by new customers; NaN if there are none."""
    if won.sum() == 0:
        return np.full(len(each), np.nan)
    return np.where(won > 0, each, 0.0) @ (won / won.sum())


def cohort(
    world: World, end: State, mean: Float[np.ndarray, " channel"], weeks: int = LIFETIME
) -> Float[np.ndarray, "period segment"]:
    """Revenue expected of one customer won in the last week of a history, by week [currency/week].

    The first week holds the purchase that won it, `weeks` more follow. Chances are those of everybody: flows
    over the people of the stage at the start of the week, under the mean spend.
    """
    ladder = world.ladder
    source, buy, customer = ladder.source, ladder.event("buy"), ladder.stage("customer")
    ahead = play(world, np.broadcast_to(mean, (weeks, len(mean))), end)
    told = np.asarray(ahead.people)
    people = np.concatenate([np.asarray(end.people)[None] * float(world.population), told])[:weeks]
    flows = np.asarray(ahead.flows)
    chance = _over(flows[:, :, :-1], people[:, :, source])
    weight = np.zeros(len(ladder.stages))
    weight[customer], weight[ladder.stage("advocate")] = 1.0, float(world.hazards.advocate_repeat)
    again = _over(flows[:, :, -1], people @ weight)
    mass = np.zeros(people.shape[1:])
    mass[:, customer] = 1.0
    bought = [np.ones(len(mass))]
    for week in range(weeks):
        moved = np.where(mass[:, source] > 0, mass[:, source] * chance[week], 0.0)
        bought.append(moved[:, buy] + again[week] * (mass @ weight))
        mass = mass + moved @ ladder.change
    return np.stack(bought) * _money(world, int(end.week) - 1, weeks + 1)


def _over(part: Float[Array, "*shape"], whole: Float[Array, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """A share of people; NaN where there are none."""
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)


def _money(world: World, first: int, weeks: int) -> Float[np.ndarray, "period segment"]:
    """What a purchase of a segment brings in some weeks [currency]."""
    begin = first + world.calendar.before
    index = np.asarray(world.calendar.price)[begin : begin + weeks]
    return float(world.price) * index[:, None] * np.asarray(world.value)


def market_share(world: World, state: State) -> float:
    """Customers and advocates, of those and of rivals' customers; NaN where rivals have none."""
    held = np.asarray(state.people).sum(axis=0)
    own = held[world.ladder.stage("customer")] + held[world.ladder.stage("advocate")]
    theirs = held[world.ladder.stage("rival")]
    return float(own / (own + theirs)) if theirs > 0 else float("nan")


def subscribers(world: World, state: State) -> Float[np.ndarray, " channel"]:
    """People on the list of each channel; NaN for channels without a list."""
    listed = np.full(len(world.channels), np.nan)
    for group, mechanic, stock in zip(world.media.groups, world.media.mechanics, state.stocks, strict=True):
        if isinstance(mechanic, Mailing):
            listed[list(group)] = np.asarray(stock).sum(axis=0) * float(world.population)
    return listed
