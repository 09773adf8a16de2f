"""How money on a channel turns into stock over the horizon, under its flight and the scenario's shocks."""

from dataclasses import dataclass, field
from datetime import date

import numpy as np
from jaxtyping import Float

from engine.config.scenario import Scenario, Shock
from engine.optimize.flighting import closes, pattern, shared
from engine.optimize.selecting import is_named, rules_of
from engine.optimize.shocked import ON_OUTCOME, contacts, effect, strength
from engine.periods import PER_YEAR, Period, share_open, starts
from engine.response.curves import Channel, Curves, kernel

LONGEST = 520  # periods after which what is left of a kernel is folded into the rest


@dataclass(frozen=True)
class Timing:
    """The periods of one channel that differ, and what each adds per unit of money spent on the horizon.

    The horizon is one turn of a cycle: carry-over that leaves at its end enters at its start, so that all
    a dollar does is counted once and a constant spend has a stock equal to itself.
    """

    gain: Float[np.ndarray, "row draw"]  # stock [currency/period] per money over the horizon [currency]
    weight: Float[np.ndarray, " row"]  # periods, times value and discount, that have this gain
    cost: float  # money charged to profit per money spent (below 1 where later spend is discounted)
    active: bool  # whether there is any date on which money can be spent
    pace: Float[np.ndarray, " period"] = field(default_factory=lambda: np.zeros(0))  # share of the money by period
    offset: Float[np.ndarray, "row draw"] | float = 0.0  # stock that is there whatever is spent [currency/period]

    @property
    def peak(self) -> float:
        """The largest share of the money that is spent in one period."""
        return float(self.pace.max(initial=0.0))


@dataclass(frozen=True)
class Conditions:
    """What one channel finds in each period: open dates, prices and effects."""

    open: Float[np.ndarray, " period"]  # share of the period in which it can spend
    had: Float[np.ndarray, " period"]  # contacts that a unit of money buys
    worth: Float[np.ndarray, " period"]  # value of a unit of outcome, with effects and discount
    discount: Float[np.ndarray, " period"]


def conditions(channel: Channel, curves: Curves, scenario: Scenario, periods: int) -> Conditions:
    """What a channel finds in `periods` periods from the start of the horizon on."""
    days = starts(scenario.horizon.start, periods, curves.period)
    worth, had = curves.value * np.ones(periods), np.ones(periods)
    for shock in _shocks_on(channel, scenario):
        if shock.kind == "price":
            had = had * contacts(shock.size, strength(shock, days, curves.period))
        elif shock.kind in ON_OUTCOME:
            worth = worth * effect(shock, shock.size, days, curves.period)
    discount = (1 + scenario.goal.discount_rate) ** (-np.arange(periods) / PER_YEAR[curves.period])
    return Conditions(_open(channel, scenario, days, curves.period), had, worth * discount, discount)


def timing(channel: Channel, curves: Curves, scenario: Scenario) -> Timing:
    """The timing of one channel under a scenario."""
    found = conditions(channel, curves, scenario, scenario.horizon.periods)
    weights = pattern(channel, curves, scenario, found.open)
    pace = shared(weights, found.open, closes(channel, scenario))
    if not pace.any():
        return Timing(np.zeros((1, curves.draws)), np.array([found.worth.sum()]), 1.0, False, pace)
    cost, bought = float(np.sum(pace * found.discount)), pace * found.had
    if np.ptp(bought) <= 1e-12 * bought.max():
        gain = np.full((1, curves.draws), bought[0])
        return Timing(gain, np.array([found.worth.sum()]), cost, True, pace)
    return Timing(cycled(channel, bought), found.worth, cost, True, pace)


def _open(channel: Channel, scenario: Scenario, days: tuple[date, ...], period: Period) -> Float[np.ndarray, " period"]:
    """The share of each period in which the channel can spend."""
    flight = rules_of(channel, scenario).flight
    outages = [(shock.first, shock.last) for shock in _shocks_on(channel, scenario) if shock.kind == "outage"]
    if flight is None and not outages:
        return np.ones(len(days))
    within = (flight.first, flight.last) if flight else (None, None)
    return np.array(share_open(days, period, within, outages))


def _shocks_on(channel: Channel, scenario: Scenario) -> list[Shock]:
    planned = (shock for shock in scenario.shocks if shock.is_plannable)
    return [shock for shock in planned if not shock.channels or is_named(channel, shock.channels)]


def turned(channel: Channel, periods: int) -> Float[np.ndarray, "draw lag"]:
    """The share of one period's spend that works in each of so many periods when their end runs on into their start."""
    weights = kernel(channel, periods * max(1, -(-LONGEST // periods)))
    every = weights.reshape(len(weights), -1, periods).sum(1)
    return every / every.sum(1, keepdims=True)


def cycled(channel: Channel, bought: Float[np.ndarray, " period"]) -> Float[np.ndarray, "period draw"]:
    """Stock by period when the carry-over runs on from the end of the horizon into its start."""
    turns = np.stack([np.roll(bought, lag) for lag in range(len(bought))])
    return (turned(channel, len(bought)) @ turns).T
