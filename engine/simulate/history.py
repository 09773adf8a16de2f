"""What was spent in the past, and what an analyst gets to see of it."""

import dataclasses

import numpy as np
from jaxtyping import Float

from engine import periods
from engine.axes import Array
from engine.config.market import Market
from engine.data.dataset import Dataset
from engine.simulate.chance import Stream, normal
from engine.simulate.records import Trajectory, World
from engine.simulate.spending import flights, seasonal
from engine.simulate.world import event_weeks, require_calendar


def historical_spend(market: Market, world: World, weeks: int, seed: int) -> Float[np.ndarray, "period channel"]:
    """Past spend by week and channel [currency/week]: flights, season, and luck that is the seed's alone.

    Each channel's expected spend is its mean; a longer history begins with the shorter one.
    """
    require_calendar(world, weeks)
    first = world.calendar.before
    season = np.asarray(world.calendar.season)[first : first + weeks]
    demand = np.asarray(world.calendar.demand)[first : first + weeks]
    share = market.demand_following
    columns = [
        flights(channel.history, name, np.arange(weeks), seed)
        * seasonal(channel.history, season, market.season.amplitude)
        * (1 - share + share * demand)
        for name, channel in market.channels.items()
    ]
    return np.stack(columns, axis=1)


def observe(
    market: Market, world: World, trajectory: Trajectory, spend: Float[Array, "period channel"], seed: int
) -> Dataset:
    """What an analyst gets of the first weeks of a world: spend, noisy revenue, the control and the events.

    Noise is log-normal with mean 1 and the market's coefficient of variation.
    """
    weeks = len(spend)
    days = periods.starts(market.start, weeks, "week")
    deviation = np.sqrt(np.log1p(market.noise**2))
    luck = np.exp(deviation * normal(seed, Stream.OUTCOME, "revenue", np.arange(weeks)) - deviation**2 / 2)
    index = np.asarray(world.calendar.control)[world.calendar.before :][:weeks]
    money = np.asarray(spend, float)[:, None, :]
    return Dataset(
        period="week",
        starts=days,
        geos=("all",),
        population=np.array([market.population]),
        currency=market.currency,
        outcome_name="revenue",
        outcome=(np.asarray(trajectory.revenue) * luck)[:, None],
        is_money=True,
        channels=world.channels,
        kinds=world.kinds,
        spend=money,
        driver=money,
        control_names=(market.control.name,) if market.control else (),
        controls=index[:, None, None] if market.control else np.zeros((weeks, 1, 0)),
        event_names=tuple(market.events),
        events=event_weeks(market, days)[:, None, :],
    )


def rounded(dataset: Dataset, places: int = 2) -> Dataset:
    """The data set as it stands in a file: money to the cent, indices to six places."""
    cents = np.round(dataset.spend, places)
    return dataclasses.replace(
        dataset,
        outcome=np.round(dataset.outcome, places),
        spend=cents,
        driver=cents,
        controls=np.round(dataset.controls, 6),
    )
