"""The setting of a stress test: a plan on its curves, week by week, ready to meet prices and effects of any path.

What a channel's money does is linear up to its stock: a period's stock is what each earlier period bought times the
share of it that works then, and what is there anyway. So one table of shares by draw serves every path. Without shocks
the sum over periods is the plan's own outcome, draw by draw.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from jaxtyping import Float, Int
from numpy.lib.stride_tricks import sliding_window_view

from engine.config.scenario import Scenario
from engine.errors import InputError
from engine.optimize.goals import counted, margins
from engine.optimize.over_time.decisions import Grid, anyway, grid
from engine.optimize.plan import Plan
from engine.optimize.timing import Conditions, conditions, cycled
from engine.periods import starts
from engine.response.curves import Channel, Curves, chosen, kernel, respond


@dataclass(frozen=True)
class Setting:
    """A plan, the curves that it was made on, and the periods in which its money works."""

    curves: Curves  # as the goal counts them
    scenario: Scenario  # as it was planned: with the shocks that the plan reckons with, and no others
    grid: Grid
    days: tuple[date, ...]  # first day of each row: the periods of the horizon, then those of the tail
    money: Float[np.ndarray, "period channel"]  # the plan's [currency/period]
    found: tuple[Conditions, ...]  # what each channel finds in each row
    margins: Float[np.ndarray, " channel"]  # of a unit of outcome in the goal
    planned: Scenario  # as it was asked, with every shock

    @property
    def periods(self) -> int:
        """Periods of the horizon."""
        return len(self.money)

    @property
    def rows(self) -> int:
        """Periods of the horizon and of the tail after it."""
        return len(self.days)

    @property
    def tail(self) -> int:
        """Periods of the tail."""
        return self.rows - self.periods

    @property
    def names(self) -> tuple[str, ...]:
        """The channels."""
        return self.curves.names

    @property
    def spans(self) -> Int[np.ndarray, " span"]:
        """The first row of each decision, and that of the tail where there is one."""
        return np.array([*self.grid.edges[:-1], *([self.periods] if self.tail else [])])


def setting(curves: Curves, scenario: Scenario, plan: Plan) -> Setting:
    """The setting of a plan that was made of a scenario without its surprises (`foreseen`).

    Raises:
        InputError: The scenario asks for what a stress test does not know yet, or has two margins.
    """
    if any(rules.tiers for rules in (*scenario.channels.values(), *[one for one in (scenario.every_channel,) if one])):
        raise InputError(
            f"scenario {scenario.name!r}: prices by amount (tiers) are not stressed yet; leave them out, or give the "
            "price of the tier that the plan reaches as a shock with expected = true"
        )
    _require_one_margin(curves, scenario)
    seen, horizon = foreseen(scenario), scenario.horizon
    told = counted(curves, scenario.goal)
    rows = horizon.periods + (horizon.tail if horizon.from_history else 0)
    return Setting(
        curves=told,
        scenario=seen,
        grid=grid(curves, seen),
        days=starts(horizon.start, rows, curves.period),
        money=np.array(plan.schedule),
        found=tuple(conditions(channel, told, seen, rows) for channel in told.channels),
        margins=margins(curves, scenario.goal),
        planned=scenario,
    )


def _require_one_margin(curves: Curves, scenario: Scenario) -> None:
    """Refuse a margin of the stress test that is not the one by which the plan makes profit."""
    asked = scenario.stress.margin
    if asked is None or scenario.goal.maximise != "profit":
        return
    for name, own in zip(curves.names, margins(curves, scenario.goal).tolist(), strict=True):
        if own != asked:
            raise InputError(
                f"scenario {scenario.name!r}: stress.margin = {asked:g} and the goal's margin of {name} is {own:g}, so "
                "policies would be ranked by another profit than they plan for; leave stress.margin out"
            )


def foreseen(scenario: Scenario) -> Scenario:
    """The scenario as a plan that is stressed is made of it: with the shocks that it is to reckon with, no others."""
    return scenario.model_copy(update={"shocks": tuple(shock for shock in scenario.shocks if shock.expected)})


@dataclass(frozen=True)
class Working:
    """How one channel's money works on some draws."""

    channel: Channel  # with these draws
    shares: Float[np.ndarray, "draw row period"]  # of what a period buys, by the row in which it works
    offset: Float[np.ndarray, "draw row"]  # stock that is there anyway [currency/period]
    without: Float[np.ndarray, "draw row"]  # outcome that comes anyway [outcome/period]

    def brought(self, bought: Float[np.ndarray, "repeat draw period"]) -> Float[np.ndarray, "repeat draw row"]:
        """Outcome by row that comes of what is bought in each period, beyond what comes anyway [outcome/period].

        Args:
            bought: Contacts, in money at the prices that the curves know [currency/period].
        """
        stock = np.matmul(bought.swapaxes(0, 1), self.shares.swapaxes(1, 2)).swapaxes(0, 1) + self.offset
        return _responses(self.channel, stock) - self.without


def working(setting: Setting, channel: int, draws: Int[np.ndarray, " draw"]) -> Working:
    """How the money of a channel works on some draws, by rising number."""
    one = chosen(setting.curves.channels[channel], draws)
    periods, rows = setting.periods, setting.rows
    if setting.planned.horizon.from_history:
        reach = np.pad(kernel(one, rows), ((0, 0), (periods - 1, 0)))  # nothing of money that is not spent yet
        shares = np.ascontiguousarray(sliding_window_view(reach, periods, axis=1)[:, :, ::-1])
        offset = anyway(one, setting.curves, periods, setting.tail).T
    else:
        turned = cycled(one, np.eye(1, periods)[0]).T  # by lag, what is left at the end comes in at the start
        shares = np.take(turned, (np.arange(periods)[:, None] - np.arange(periods)) % periods, axis=1)
        offset = np.zeros((len(draws), rows))
    return Working(one, shares, offset, _responses(one, offset))


def _responses(channel: Channel, stock: Float[np.ndarray, "*repeat draw row"]) -> Float[np.ndarray, "*repeat draw row"]:
    """The response of each draw to its own stocks."""
    told: Float[np.ndarray, "*repeat draw row"] = respond(channel, stock.swapaxes(-1, -2)).swapaxes(-1, -2)
    return told
