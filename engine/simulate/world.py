"""From a market to a world: parameters as arrays, a calendar, and a start near the steady state."""

import dataclasses
from datetime import date

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from engine import periods
from engine.axes import Array
from engine.config import market as written
from engine.errors import InputError
from engine.simulate import mechanics
from engine.simulate.chance import Stream, normal
from engine.simulate.journey import play
from engine.simulate.records import Calendar, Hazards, Media, State, World
from engine.simulate.stages import EVENTS, MOVES, STAGES

WARM_UP = 520  # weeks at mean spend before the history: the slowest stocks need years
AHEAD = 1040  # weeks that a world's calendar holds from the start of the history on
LAGS = 52  # weeks after which a deviation of the control is forgotten
YEAR = 365.25  # days


def build_world(market: written.Market, seed: int = 0) -> World:
    """The world of a market; `seed` decides the course of its control series, and nothing else.

    Its history starts after `WARM_UP` weeks of mean spend, with everybody unaware before that.
    """
    channels, segments = tuple(market.channels.values()), tuple(market.segments.values())
    calendar = build_calendar(market, seed)
    cold = World(
        name=market.name,
        currency=market.currency,
        start_date=market.start,
        channels=tuple(market.channels),
        kinds=tuple(channel.kind for channel in channels),
        segments=tuple(market.segments),
        population=jnp.array(market.population),
        in_market=jnp.array(market.in_market),
        price=jnp.array(market.purchase.price),
        value=jnp.array([segment.value for segment in segments]),
        hazards=_hazards(market),
        media=_media(market),
        calendar=calendar,
        start=_cold_state(channels, segments),
    )
    mean = jnp.array([channel.history.mean for channel in channels])
    warm = play(cold, jnp.broadcast_to(mean, (WARM_UP, len(channels))))
    return dataclasses.replace(cold, start=warm.end)


def require_calendar(world: World, weeks: int) -> None:
    """Refuse a run that ends after the world's calendar.

    Raises:
        InputError: With both numbers.
    """
    held = len(world.calendar.demand) - world.calendar.before
    if weeks > held:
        raise InputError(f"{weeks} weeks are asked for, but a simulated world holds {held}; ask for fewer weeks")


def build_calendar(market: written.Market, seed: int) -> Calendar:
    """Season, control index and demand of every week that a world holds."""
    week = np.arange(-WARM_UP, AHEAD)
    days = periods.starts(periods.step(market.start, -WARM_UP, "week"), week.size, "week")
    index = _control(market.control, seed, week)
    seasonal = _season(market.season, days)
    demand = seasonal * np.exp(np.log1p(market.season.growth) * np.maximum(week, 0) * 7 / YEAR)
    for event in market.events.values():
        demand = demand * np.where([_week_of_year(day) == event.week for day in days], event.lift, 1.0)
    if market.control:
        demand = demand * index**market.control.elasticity
    return Calendar(jnp.array(demand), jnp.array(seasonal), jnp.array(index), WARM_UP)


def event_weeks(market: written.Market, days: tuple[date, ...]) -> Float[np.ndarray, "period event"]:
    """One where an event of the market falls into a week, else zero."""
    flags = [[float(_week_of_year(day) == event.week) for event in market.events.values()] for day in days]
    return np.array(flags).reshape(len(days), len(market.events))


def _week_of_year(day: date) -> int:
    return (day.timetuple().tm_yday - 1) // 7 + 1


def _season(season: written.Season, days: tuple[date, ...]) -> Float[np.ndarray, " week"]:
    """exp(amplitude cos(angle)), over its mean, the Bessel function I0(amplitude)."""
    angle = np.array([2 * np.pi * (day.timetuple().tm_yday - 7 * season.peak_week + 3) / YEAR for day in days])
    return np.exp(season.amplitude * np.cos(angle)) / np.i0(season.amplitude)


def _control(control: written.Control | None, seed: int, week: np.ndarray) -> Float[np.ndarray, " week"]:
    """A log-normal series with mean 1 whose logarithm loses the same share of its deviation every week.

    The first-order autoregression is written as the sum of its last shocks, so a week's value does not
    depend on where the calendar begins.
    """
    if control is None:
        return np.ones(week.size)
    shocks = normal(seed, Stream.CONTROL, control.name, np.arange(week[0] - LAGS, week[-1] + 1))
    weight = control.persistence ** np.arange(LAGS + 1)
    wave = np.convolve(shocks, weight / np.sqrt(np.sum(weight**2)), mode="valid")
    return np.exp(control.deviation * wave - control.deviation**2 / 2)


def _hazards(market: written.Market) -> Hazards:
    journey = {**market.journey.model_dump(), "repeat": market.purchase.repeat}
    return Hazards(
        base=_events(journey),
        talk=_events(market.word_of_mouth.effect.model_dump()),
        effect=jnp.stack([_events(_effects(channel)) for channel in market.channels.values()]),
        advocate_repeat=jnp.array(market.purchase.advocate_factor),
        advocate_weight=jnp.array(market.word_of_mouth.advocate_weight),
    )


def _effects(channel: written.Touch) -> dict[str, float]:
    """Triggers of one contact by event; for search, of one click per query, so times the queries of the stage."""
    effects = channel.effect.model_dump()
    if not isinstance(channel, written.Search):
        return effects
    rates = channel.queries.model_dump()
    sources = {**{move.name: move.source for move in MOVES}, "repeat": "customer"}
    return {event: chance * rates.get(sources[event], 0.0) for event, chance in effects.items()}


def _events(named: dict[str, float]) -> Float[Array, " event"]:
    return jnp.array([named.get(event, 0.0) for event in EVENTS])


def _media(market: written.Market) -> Media:
    channels = market.channels
    each = list(channels.values())
    return Media(
        mechanics=tuple(_mechanic(channel) for channel in each),
        habits=_habits(market),
        queries=jnp.array([_queries(channel) for channel in each]),
        retain=jnp.array([_retain(channel.carry.half_life) for channel in each]),
        retain_slow=jnp.array([_retain(channel.carry.slow_half_life) for channel in each]),
        slow_share=jnp.array([channel.carry.slow_share for channel in each]),
        wear=jnp.array([channel.wear for channel in each]),
        needs_two=jnp.array([float(channel.frequency == 2) for channel in each]),
    )


def _habits(market: written.Market) -> Float[Array, "channel segment"]:
    """Contacts of each segment's people as a multiple of the mean person's, so that totals do not change."""
    share = np.array([segment.share for segment in market.segments.values()])
    rows = [
        [segment.habits.get(name, segment.habits.get(channel.kind, 1.0)) for segment in market.segments.values()]
        for name, channel in market.channels.items()
    ]
    habits = np.array(rows, float)
    return jnp.array(habits / (habits @ share)[:, None])


def _queries(channel: written.Touch) -> list[float]:
    rates = channel.queries.model_dump() if isinstance(channel, written.Search) else {}
    return [rates.get(stage, 0.0) for stage in STAGES]


def _retain(half_life: float) -> float:
    """The share left after a week of something that halves in `half_life` weeks; nothing if that is 0."""
    return 0.5 ** (1 / half_life) if half_life > 0 else 0.0


def _mechanic(channel: written.Touch) -> mechanics.Mechanic:
    record: type[mechanics.Mechanic] = getattr(mechanics, type(channel).__name__)
    figures = {name: value for name, value in channel.model_dump().items() if isinstance(value, float | int)}
    if isinstance(channel, written.Press):
        figures["retain"] = _retain(channel.memory)
    if isinstance(channel, written.Mailing):
        figures["mature"] = 1 / channel.weeks_new
    if isinstance(channel, written.Content):
        figures["advance"] = min(1.0, channel.steps / channel.delay)
    wanted = {field.name for field in dataclasses.fields(record)}
    return record(**{name: jnp.array(float(figures[name])) for name in wanted})


def _cold_state(channels: tuple[written.Touch, ...], segments: tuple[written.Segment, ...]) -> State:
    people = np.zeros((len(segments), len(STAGES)))
    people[:, 0] = [segment.share for segment in segments]
    sizes = {written.Press: 1, written.Mailing: 2}
    return State(
        week=jnp.array(-WARM_UP, jnp.int64),
        people=jnp.array(people),
        stocks=tuple(
            jnp.zeros(channel.steps + 1 if isinstance(channel, written.Content) else sizes.get(type(channel), 0))
            for channel in channels
        ),
        memory=jnp.zeros(len(channels)),
        goodwill=jnp.zeros((len(channels), len(segments))),
    )
