"""World, State and Trajectory: the records that a simulation is made of."""

from datetime import date

import equinox as eqx
from jaxtyping import Float, Int

from engine.axes import Array
from engine.config.model import Kind
from engine.simulate.mechanics import Mechanic


class State(eqx.Module):
    """Everything that one week hands to the next."""

    week: Int[Array, ""]  # since the start of the history
    people: Float[Array, "segment stage"]  # shares of the population
    stocks: tuple[Float[Array, " _stock"], ...]  # what each channel's mechanic keeps
    memory: Float[Array, " channel"]  # fast stock of contacts per person reached [1/week]
    goodwill: Float[Array, "channel segment"]  # slow stock of effective contacts per person [1/week]


class Hazards(eqx.Module):
    """The one table of hazards: what each cause adds to each event, per person and week."""

    base: Float[Array, " event"]  # without any touch
    talk: Float[Array, " event"]  # if everybody were a customer
    effect: Float[Array, "channel event"]  # of one effective contact; for search, of one click per query
    advocate_repeat: Float[Array, ""]  # repeat rate of advocates, as a multiple of that of customers
    advocate_weight: Float[Array, ""]  # talk of advocates, as a multiple of that of customers


class Media(eqx.Module):
    """How contacts become touches, channel by channel."""

    mechanics: tuple[Mechanic, ...]
    habits: Float[Array, "channel segment"]  # contacts as a multiple of the mean person's
    queries: Float[Array, "channel stage"]  # searches of a person in the market [1/week]; 0 but for search
    retain: Float[Array, " channel"]  # share of the memory left after a week
    retain_slow: Float[Array, " channel"]  # share of the goodwill left after a week
    slow_share: Float[Array, " channel"]  # of the effect that goes through goodwill
    wear: Float[Array, " channel"]  # what each further contact of a week loses of its worth
    needs_two: Float[Array, " channel"]  # 1 where it takes two contacts a week to have an effect, else 0


class Calendar(eqx.Module):
    """What nobody decides, week by week; the first entry lies `before` weeks before the history starts."""

    demand: Float[Array, " week"]  # as a multiple of the mean
    season: Float[Array, " week"]  # the part of demand that the season explains
    control: Float[Array, " week"]  # the visible index
    before: int = eqx.field(static=True)


class World(eqx.Module):
    """A market come to life: everything that a simulation needs, and the state in which its history starts."""

    name: str = eqx.field(static=True)
    currency: str = eqx.field(static=True)
    start_date: date = eqx.field(static=True)
    channels: tuple[str, ...] = eqx.field(static=True)
    kinds: tuple[Kind, ...] = eqx.field(static=True)
    segments: tuple[str, ...] = eqx.field(static=True)
    population: Float[Array, ""]  # people
    in_market: Float[Array, ""]  # share of the people in an average week
    price: Float[Array, ""]  # of a purchase [currency]
    value: Float[Array, " segment"]  # money per purchase as a multiple of the price
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
    touches: Float[Array, "period channel"]  # effective contacts, in the mean over people [1/week]
    end: State
