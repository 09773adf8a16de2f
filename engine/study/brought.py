"""What a schedule brings on curves period by period, with what was spent before it still at work."""

import numpy as np
from jaxtyping import Float

from engine.config.scenario import Scenario
from engine.optimize.timing import LONGEST, conditions
from engine.response.curves import Channel, Curves, kernel, pace, respond


def brought(
    curves: Curves, scenario: Scenario, money: Float[np.ndarray, "period channel"]
) -> Float[np.ndarray, "channel period draw"]:
    """The outcome that comes in each period by channel and draw, as a history counts it [value of outcome].

    Unlike a plan's own figure it counts what money of before the horizon still brings, and nothing after its end.

    Args:
        curves: What spend does.
        scenario: Its start, prices and effects; discounts are left out.
        money: Spent in the first periods of the horizon, at the prices of the scenario [currency/period].
    """
    plain = scenario.model_copy(update={"goal": scenario.goal.model_copy(update={"discount_rate": 0.0})})
    return np.stack([_of_channel(channel, curves, plain, money[:, at]) for at, channel in enumerate(curves.channels)])


def _of_channel(
    channel: Channel, curves: Curves, scenario: Scenario, money: Float[np.ndarray, " period"]
) -> Float[np.ndarray, "period draw"]:
    periods, usual, last = len(money), pace(channel, curves.period), channel.history.last[-LONGEST:]
    found = conditions(channel, curves, scenario, periods)
    series = np.concatenate([np.full(LONGEST - len(last), usual), last, money * found.had])
    weights = kernel(channel, len(series))
    lag, now = np.arange(len(series))[:, None], LONGEST + np.arange(periods)
    reached = np.where(lag <= now, series[np.maximum(now - lag, 0)], 0.0)
    older = (1 - np.cumsum(weights, axis=1)[:, LONGEST:]).clip(0.0)  # of what lies before all that is looked at
    stock = (weights @ reached + usual * older).T
    return respond(channel, stock) * found.worth[:, None]
