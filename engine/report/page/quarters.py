"""What a plan brings in each of its decisions, worked out from its curves and its schedule."""

from datetime import date

import numpy as np
from jaxtyping import Float

from engine.config.scenario import Horizon
from engine.optimize.over_time.decisions import anyway
from engine.optimize.plan import Plan
from engine.optimize.ranges import Range, spread
from engine.optimize.timing import cycled
from engine.periods import PERIODS, starts
from engine.response.curves import Channel, Curves, kernel, respond

SAME = 1e-6  # of the outcome: closer than this the parts are those of the plan


def brought_by_decision(curves: Curves, plan: Plan) -> tuple[Range, ...] | None:
    """What comes in the periods of each decision, and after the last one where a plan counts that.

    None where it does not add up to what the plan says, as where shocks are planned for, tails are of another length
    or the horizon began with money that others spent.
    """
    if curves.names != tuple(line.name for line in plan.lines) or curves.period != plan.period:
        return None
    period = next(one for one in PERIODS if one == plan.period)
    days = starts(plan.start, plan.periods, period)
    begins = [days.index(date.fromisoformat(label[:10])) for label in plan.decisions]
    schedule, told = np.array(plan.schedule).T, plan.chosen.outcome.mean
    for tail in (None, Horizon.model_fields["tail"].default):
        rows = [
            _brought(channel, bought, curves, tail) for channel, bought in zip(curves.channels, schedule, strict=True)
        ]
        by_period = np.sum(rows, axis=0) * (curves.value if plan.in_money else 1.0)
        edges = begins if tail is None else [*begins, plan.periods]
        found = tuple(spread(row) for row in np.add.reduceat(by_period, edges, axis=0))
        if abs(sum(one.mean for one in found) - told) <= SAME * abs(told):
            return found
    return None


def _brought(
    channel: Channel, bought: Float[np.ndarray, " period"], curves: Curves, tail: int | None
) -> Float[np.ndarray, "row draw"]:
    """What a schedule adds in each period to what comes anyway; without a tail the end runs on into the start."""
    if tail is None:
        return respond(channel, cycled(channel, bought))
    weights = kernel(channel, len(bought) + tail)
    stock = np.array([np.convolve(bought, each)[: len(bought) + tail] for each in weights]).T
    before = anyway(channel, curves, len(bought), tail)
    return respond(channel, stock + before) - respond(channel, before)
