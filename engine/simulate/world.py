"""From a market to a world: parameters as arrays, a calendar, and a start near the steady state."""

import dataclasses
from datetime import date, timedelta

import numpy as np
from jaxtyping import Float

from engine import periods
from engine.axes import Array
from engine.config import market as written
from engine.config import touches
from engine.config.people import Segment
from engine.double import jnp
from engine.errors import InputError
from engine.simulate import mechanics
from engine.simulate.chance import Stream, normal
from engine.simulate.journey import play
from engine.simulate.records import Calendar, Capacity, Hazards, Media, Rivalry, State, World
from engine.simulate.spending import flights, seasonal
from engine.simulate.stages import LADDERS, Ladder

WARM_UP = 520  # weeks at mean spend before the history: the slowest stocks need years
AHEAD = 1196  # weeks that a world's calendar holds from the start of the history on: 20 years and a tail
LAGS = 52  # weeks after which a deviation of the control is forgotten
YEAR = 365.25  # days


def build_world(market: written.Market, seed: int = 0) -> World:
    """The world of a market; `seed` decides its luck (control series, rivals' spend, news), and nothing else.

    Its history starts after `WARM_UP` weeks of mean spend, with everybody unaware before that.
    """
    channels, segments = tuple(market.channels.values()), tuple(market.segments.values())
    ladder = LADDERS[market.ladder]
    media = _media(market, ladder)
    cold = World(
        name=market.name,
        currency=market.currency,
        start_date=market.start,
        channels=tuple(market.channels),
        kinds=tuple(channel.kind for channel in channels),
        segments=tuple(market.segments),
        ladder=ladder,
        population=jnp.array(market.population),
        in_market=jnp.array(market.in_market),
        price=jnp.array(market.purchase.price),
        margin=jnp.array(market.purchase.margin),
        discount_rate=jnp.array(market.discount_rate),
        elasticity=jnp.array(market.purchase.elasticity),
        value=jnp.array([segment.value for segment in segments]),
        rivals=_rivals(market),
        sales=_capacity(market.sales),
        hazards=_hazards(market, ladder),
        media=media,
        calendar=build_calendar(market, seed),
        start=_cold_state(market, media, ladder),
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
    """Season, control index, demand, price, rivals' spend and news of every week that a world holds."""
    week = np.arange(-WARM_UP, AHEAD)
    days = periods.starts(periods.step(market.start, -WARM_UP, "week"), week.size, "week")
    index = _control(market.control, seed, week)
    season = _season(market.season, days)
    demand = season * np.exp(np.log1p(market.season.growth) * np.maximum(week, 0) * 7 / YEAR)
    for event in market.events.values():
        demand = demand * np.where([_week_of_year(day) == event.week for day in days], event.lift, 1.0)
    if market.control:
        demand = demand * index**market.control.elasticity
    theirs = np.zeros(week.size)
    if market.rivals:
        spending = market.rivals.spending
        theirs = flights(spending, "rivals", week, seed) * seasonal(spending, season, market.season.amplitude)
    return Calendar(
        demand=jnp.array(demand),
        season=jnp.array(season),
        control=jnp.array(index),
        price=jnp.array(_price(market, days)),
        rivals=jnp.array(theirs),
        news=jnp.array(_news(market, seed, week)),
        before=WARM_UP,
    )


def _price(market: written.Market, days: tuple[date, ...]) -> Float[np.ndarray, " week"]:
    """What is paid as a multiple of the price: 1 less the deepest discount of the week."""
    price = np.ones(len(days))
    for promotion in market.promotions.values():
        begun = [timedelta(weeks=ago) for ago in range(promotion.weeks)]  # which may lie in the year before
        runs = np.array([any(_week_of_year(day - ago) == promotion.week for ago in begun) for day in days])
        price = np.where(runs, np.minimum(price, 1 - promotion.discount), price)
    return price


def _news(market: written.Market, seed: int, week: np.ndarray) -> Float[np.ndarray, "week channel"]:
    """What a story of each week is worth to each press channel: log-normal with mean 1."""
    deviation = [getattr(channel, "luck", 0.0) for channel in market.channels.values()]
    columns = [
        np.exp(scale * normal(seed, Stream.NEWS, name, week) - scale**2 / 2) if scale else np.ones(week.size)
        for name, scale in zip(market.channels, deviation, strict=True)
    ]
    return np.stack(columns, axis=1)


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


def _rivals(market: written.Market) -> Rivalry | None:
    if market.rivals is None:
        return None
    theirs = market.rivals.spending.mean
    usual = theirs / (theirs + _usual_voice(market))
    return Rivalry(jnp.array(market.rivals.pull), jnp.array(usual), jnp.array(_retain(market.rivals.half_life)))


def _usual_voice(market: written.Market) -> float:
    return sum((channel.history.mean for channel in market.channels.values() if channel.kind == "paid"), 0.0)


def _capacity(sales: written.Sales | None) -> Capacity | None:
    if sales is None:
        return None
    return Capacity(jnp.array(sales.reps * sales.load), jnp.array(1 / sales.patience))


def _hazards(market: written.Market, ladder: Ladder) -> Hazards:
    journey = {**market.journey.model_dump(), "repeat": market.purchase.repeat}
    pace = [_events(ladder, segment.pace.model_dump()) for segment in market.segments.values()]
    return Hazards(
        base=jnp.stack(pace) * _events(ladder, journey),
        talk=_events(ladder, market.word_of_mouth.effect.model_dump()),
        effect=jnp.stack([_events(ladder, _effects(channel, ladder)) for channel in market.channels.values()]),
        advocate_repeat=jnp.array(market.purchase.advocate_factor),
        advocate_weight=jnp.array(market.word_of_mouth.advocate_weight),
    )


def _effects(channel: touches.Touch, ladder: Ladder) -> dict[str, float]:
    """Triggers of one contact by event; for search, of one click per query, so times the queries of the stage."""
    effects = channel.effect.model_dump()
    if not isinstance(channel, touches.Search):
        return effects
    rates = channel.queries.model_dump()
    sources = {**{move.name: move.source for move in ladder.moves}, "repeat": "customer"}
    return {event: chance * rates.get(sources.get(event, ""), 0.0) for event, chance in effects.items()}


def _events(ladder: Ladder, named: dict[str, float]) -> Float[Array, " event"]:
    return jnp.array([named.get(event, 0.0) for event in ladder.events])


def _media(market: written.Market, ladder: Ladder) -> Media:
    each = list(market.channels.values())
    groups: dict[tuple[type, int], list[int]] = {}
    for place, channel in enumerate(each):
        groups.setdefault((type(channel), getattr(channel, "steps", 0)), []).append(place)
    return Media(
        mechanics=tuple(_mechanic([each[place] for place in places]) for places in groups.values()),
        groups=tuple(tuple(places) for places in groups.values()),
        habits=_habits(market),
        queries=jnp.array([_queries(channel, ladder) for channel in each]),
        retain=jnp.array([_retain(channel.carry.half_life) for channel in each]),
        retain_slow=jnp.array([_retain(channel.carry.slow_half_life) for channel in each]),
        slow_share=jnp.array([channel.carry.slow_share for channel in each]),
        wear=jnp.array([channel.wear for channel in each]),
        needs_two=jnp.array([float(channel.frequency == 2) for channel in each]),
        paid=jnp.array([float(channel.kind == "paid") for channel in each]),
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


def _queries(channel: touches.Touch, ladder: Ladder) -> list[float]:
    rates = channel.queries.model_dump() if isinstance(channel, touches.Search) else {}
    return [rates.get(stage, 0.0) for stage in ladder.stages]


def _retain(half_life: float) -> float:
    """The share left after a week of something that halves in `half_life` weeks; nothing if that is 0."""
    return 0.5 ** (1 / half_life) if half_life > 0 else 0.0


def _mechanic(channels: list[touches.Touch]) -> mechanics.Mechanic:
    """The record of a mechanic that serves some channels, all of its kind."""
    record: type[mechanics.Mechanic] = getattr(mechanics, type(channels[0]).__name__)
    figures = [_figures(channel) for channel in channels]
    wanted = [field.name for field in dataclasses.fields(record)]
    return record(**{name: jnp.array([float(each[name]) for each in figures]) for name in wanted})


def _figures(channel: touches.Touch) -> dict[str, float]:
    """Everything that a mechanic's record may ask of a channel."""
    figures = {name: value for name, value in channel.model_dump().items() if isinstance(value, float | int)}
    if isinstance(channel, touches.Search):
        figures["highest_bid"] = np.inf if channel.highest_bid is None else channel.highest_bid
    if isinstance(channel, touches.Press):
        figures["retain"] = _retain(channel.memory)
    if isinstance(channel, touches.Mailing):
        figures["mature"] = 1 / channel.weeks_new
    if isinstance(channel, touches.Content):
        figures["advance"] = min(1.0, channel.steps / channel.delay)
    return figures


def _cold_state(market: written.Market, media: Media, ladder: Ladder) -> State:
    segments: tuple[Segment, ...] = tuple(market.segments.values())
    people = np.zeros((len(segments), len(ladder.stages)))
    people[:, 0] = [segment.share for segment in segments]
    each = list(market.channels.values())
    kept = {touches.Press: 1, touches.Mailing: 2}
    sizes = [kept.get(type(each[group[0]]), getattr(each[group[0]], "steps", -1) + 1) for group in media.groups]
    return State(
        week=jnp.array(-WARM_UP, jnp.int64),
        people=jnp.array(people),
        stocks=tuple(jnp.zeros((size, len(group))) for size, group in zip(sizes, media.groups, strict=True)),
        memory=jnp.zeros(len(each)),
        goodwill=jnp.zeros((len(each), len(segments))),
        voice=jnp.array(float(_usual_voice(market))),
    )
