"""What was spent in the past."""

import numpy as np
from jaxtyping import Float

from engine.config.market import Market
from engine.simulate.records import World
from engine.simulate.spending import flights, seasonal
from engine.simulate.world import require_calendar


def historical_spend(market: Market, world: World, weeks: int, seed: int) -> Float[np.ndarray, "period channel"]:
    """Past spend by week and channel [currency/week]: flights, season, and luck that is the seed's alone.

    Each channel's expected spend is its mean, of which a share `market.demand_following` is multiplied by
    demand: season, growth, events and what the control does to it, whether anybody sees that or not. A longer
    history begins with the shorter one.
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
