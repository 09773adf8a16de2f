"""What money brings by period: by the curves, as the plan that spends it reckons."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from jaxtyping import Float

from engine.optimize.over_time.decisions import anyway
from engine.optimize.plan import Plan
from engine.optimize.ranges import Range, spread
from engine.optimize.timing import turned
from engine.periods import PERIODS, starts
from engine.response.curves import Channel, Curves, kernel, respond

SAME = 1e-6  # of the outcome: closer than this the parts are those of the plan


@dataclass(frozen=True)
class Lasting:
    """How the money of a channel works over some periods, and what comes without it."""

    channel: Channel
    weights: Float[np.ndarray, "draw lag"]  # share of one period's spend that works so much later
    before: Float[np.ndarray, "row draw"] | None  # stock that is there anyway; None: the end runs on into the start

    @property
    def anyway(self) -> Float[np.ndarray, "row draw"]:
        """What comes without any money [outcome]; nothing where the end runs on into the start."""
        rows = self.weights.shape[::-1]
        return np.zeros(rows) if self.before is None else respond(self.channel, self.before)

    def brings(self, bought: Float[np.ndarray, " period"]) -> Float[np.ndarray, "row draw"]:
        """What a schedule adds in each period to what comes anyway [outcome]."""
        rows, periods = self.weights.shape[1], len(bought)
        spent_at = np.subtract.outer(np.arange(rows), np.arange(rows)).T  # by lag and row
        if self.before is None:
            return respond(self.channel, (self.weights @ bought[spent_at % periods]).T)
        within = (spent_at >= 0) & (spent_at < periods)
        stock = self.weights @ np.where(within, bought[spent_at % periods], 0.0)
        return respond(self.channel, stock.T + self.before) - self.anyway


def lasting(channel: Channel, curves: Curves, periods: int, reach: int | None) -> Lasting:
    """How the money of a channel works over a horizon, and so many periods after it, as `Plan.reach` says."""
    if reach is None:
        return Lasting(channel, turned(channel, periods), None)
    return Lasting(channel, kernel(channel, periods + reach), anyway(channel, curves, periods, reach))


def begins_of(plan: Plan) -> list[int]:
    """The first period of each decision."""
    period = next(one for one in PERIODS if one == plan.period)
    days = starts(plan.start, plan.periods, period)
    return [days.index(date.fromisoformat(label[:10])) for label in plan.decisions]


def brought_by_decision(curves: Curves, plan: Plan) -> tuple[Range, ...] | None:
    """What comes in the periods of each decision, and after the last one where a plan counts that.

    None where it does not add up to what the plan says, as where shocks are planned for or the horizon began with money
    that others spent.
    """
    if curves.names != tuple(line.name for line in plan.lines) or curves.period != plan.period:
        return None
    works = (lasting(one, curves, plan.periods, plan.reach) for one in curves.channels)
    rows = np.sum([one.brings(money) for one, money in zip(works, np.array(plan.schedule).T, strict=True)], axis=0)
    by_period: Float[np.ndarray, "row draw"] = rows * (curves.value if plan.in_money else 1.0)
    if not is_explained(float(by_period.sum(axis=0).mean()), plan.chosen.outcome.mean):
        return None
    edges = begins_of(plan) + [plan.periods] * bool(plan.reach)
    return tuple(spread(row) for row in np.add.reduceat(by_period, edges, axis=0))


def is_explained(found: float, told: float, near: float = SAME) -> bool:
    """Whether what money brings by the curves is what a plan says that it does."""
    return abs(found - told) <= near * abs(told)
