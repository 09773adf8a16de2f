"""World, State and Trajectory: the records that a simulation is made of."""

from datetime import date

import equinox as eqx
from jaxtyping import Float, Int

from engine.axes import Array
from engine.config.model import Kind
from engine.simulate.mechanics import Mechanic, Stock
from engine.simulate.stages import Ladder


class State(eqx.Module):
    """Everything that one week hands to the next."""

    week: Int[Array, ""]  # since the start of the history
    people: Float[Array, "segment stage"]  # shares of the population
    stocks: tuple[Stock, ...]  # what each group's mechanic keeps
    memory: Float[Array, " channel"]  # fast stock of contacts per person reached [1/week]
    goodwill: Float[Array, "channel segment"]  # slow stock of effective contacts per person [1/week]
    voice: Float[Array, ""]  # own paid money, smoothed [currency/week]


class Hazards(eqx.Module):
    """The one table of hazards: what each cause adds to each event, per person and week."""

    base: Float[Array, "segment event"]  # without any touch
    talk: Float[Array, " event"]  # if everybody were a customer
    effect: Float[Array, "channel event"]  # of one effective contact; for search, of one click per query
    advocate_repeat: Float[Array, ""]  # repeat rate of advocates, as a multiple of that of customers
    advocate_weight: Float[Array, ""]  # talk of advocates, as a multiple of that of customers


class Media(eqx.Module):
    """How contacts become touches, channel by channel; channels of one mechanic are a group, computed at once."""

    mechanics: tuple[Mechanic, ...]  # of each group
    groups: tuple[tuple[int, ...], ...] = eqx.field(static=True)  # places of the channels of each group
    habits: Float[Array, "channel segment"]  # contacts as a multiple of the mean person's
    queries: Float[Array, "channel stage"]  # searches of a person in the market [1/week]; 0 but for search
    retain: Float[Array, " channel"]  # share of the memory left after a week
    retain_slow: Float[Array, " channel"]  # share of the goodwill left after a week
    slow_share: Float[Array, " channel"]  # of the effect that goes through goodwill
    wear: Float[Array, " channel"]  # what each further contact of a week loses of its worth
    needs_two: Float[Array, " channel"]  # 1 where it takes two contacts a week to have an effect, else 0
    paid: Float[Array, " channel"]  # 1 where the money counts in the share of voice


class Calendar(eqx.Module):
    """What nobody decides, week by week; the first entry lies `before` weeks before the history starts."""

    demand: Float[Array, " week"]  # as a multiple of the mean
    season: Float[Array, " week"]  # the part of demand that the season explains
    control: Float[Array, " week"]  # the index
    price: Float[Array, " week"]  # what is paid, as a multiple of the price
    rivals: Float[Array, " week"]  # what rivals spend [currency/week]
    news: Float[Array, "week channel"]  # what a story is worth, 1 in the mean
    before: int = eqx.field(static=True)


class Rivalry(eqx.Module):
    """How rivals' share of voice pulls people away."""

    pull: Float[Array, ""]
    usual: Float[Array, ""]  # their share of voice at mean spend
    retain: Float[Array, ""]  # share of own voice left after a week


class Capacity(eqx.Module):
    """How many opportunities a sales team can work."""

    slots: Float[Array, ""]  # opportunities worked at a time
    abandon: Float[Array, ""]  # hazard of an opportunity that nobody works to be lost [1/week]


class World(eqx.Module):
    """A market come to life: everything that a simulation needs, and the state in which its history starts."""

    name: str = eqx.field(static=True)
    currency: str = eqx.field(static=True)
    start_date: date = eqx.field(static=True)
    channels: tuple[str, ...] = eqx.field(static=True)
    kinds: tuple[Kind, ...] = eqx.field(static=True)
    segments: tuple[str, ...] = eqx.field(static=True)
    ladder: Ladder = eqx.field(static=True)
    population: Float[Array, ""]  # people
    in_market: Float[Array, ""]  # share of the people in an average week
    price: Float[Array, ""]  # of a purchase [currency]
    margin: Float[Array, ""]  # share of revenue left before marketing
    discount_rate: Float[Array, ""]  # a year
    elasticity: Float[Array, ""]  # of purchases by the price paid
    value: Float[Array, " segment"]  # money per purchase as a multiple of the price
    rivals: Rivalry | None
    sales: Capacity | None
    hazards: Hazards
    media: Media
    calendar: Calendar
    start: State


class Trajectory(eqx.Module):
    """What happened: `cause` is every channel, then nobody (the journey's own hazards), then word of mouth."""

    people: Float[Array, "period segment stage"]  # at the end of the week
    flows: Float[Array, "period segment event"]  # people who moved, and repeat purchases
    caused: Float[Array, "period cause event"]  # the same by true cause
    credit: Float[Array, "period cause"]  # revenue by the true cause of each purchase [currency/week]
    revenue: Float[Array, " period"]  # [currency/week]
    touches: Float[Array, "period channel"]  # effective contacts, in the mean over people [1/week]; of search, a query
    spent: Float[Array, "period channel"]  # money that was really spent [currency/week]
    reached: Float[Array, "period channel"]  # share of the people in reach; of a mailing, subscribers
    goodwill: Float[Array, "period channel"]  # slow stock at the end of the week, in the mean over people [1/week]
    end: State
