"""Goals: what a unit of each channel's outcome is worth to a plan, and in which words that is told."""

import difflib
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from engine.config.goal import Goal, Lifetime
from engine.config.scenario import Scenario
from engine.errors import InputError
from engine.finance import clv
from engine.response.curves import Channel, Curves

OF_CUSTOMERS = ("customers", "clv")


def counted(curves: Curves, goal: Goal) -> Curves:
    """The curves as the goal reads them: a goal about customers counts them, whatever each is worth elsewhere."""
    return replace(curves, outcome_value=None) if goal.maximise in OF_CUSTOMERS else curves


def margins(curves: Curves, goal: Goal) -> Float[np.ndarray, " channel"]:
    """What a unit of each channel's outcome adds to the objective, before the money is charged."""
    if goal.maximise == "profit":
        return _by_channel(curves, goal.margins, goal.margin)
    if goal.maximise == "clv":
        return lifetime_values(curves, goal)
    return np.ones(len(curves.channels))


def lifetime_values(curves: Curves, goal: Goal) -> Float[np.ndarray, " channel"]:
    """What a customer won by each channel is worth [currency]; none where the goal does not say."""
    if goal.maximise != "clv":
        return np.zeros(0)
    usual = goal.lifetime_value if goal.lifetime is None else value_of(goal.lifetime)
    return _by_channel(curves, goal.lifetime_values, usual)


def value_of(lifetime: Lifetime) -> float:
    """The lifetime value of a customer whose revenue falls by those who leave (`finance.clv`) [currency].

    >>> value_of(Lifetime(revenue=10.0, retention=0.5, weeks=2, margin=0.4))
    6.0
    """
    revenue = lifetime.revenue * lifetime.retention ** np.arange(lifetime.weeks)
    return float(clv(revenue, lifetime.margin, lifetime.discount_rate))


def measure(curves: Curves, goal: Goal) -> str:
    """The name of what is maximised."""
    names = {"profit": "profit", "customers": curves.outcome, "clv": "lifetime value"}
    return names.get(goal.maximise, curves.measure)


def is_money(curves: Curves, goal: Goal) -> bool:
    """Whether the outcome of a plan is told in money."""
    return counted(curves, goal).is_money


def unit(curves: Curves, goal: Goal) -> str:
    """The currency, where what is maximised is money; else nothing."""
    return curves.currency if goal.maximise == "clv" or is_money(curves, goal) else ""


def require_goal(curves: Curves, scenario: Scenario) -> None:
    """Refuse a goal that the curves do not count, or that leaves channels out.

    Raises:
        InputError: One sentence that says which.
    """
    goal, place = scenario.goal, f"scenario {scenario.name!r}"
    if goal.maximise == "profit" and not curves.is_money:
        raise InputError(
            f"{place}: profit needs an outcome in money, and the curves give {curves.outcome!r} "
            "without outcome_value; add outcome_value to the curves"
        )
    if goal.maximise in OF_CUSTOMERS and "customer" not in curves.outcome.lower():
        raise InputError(
            f"{place}: the goal {goal.maximise} needs an outcome counted in customers, and the curves count "
            f"{curves.outcome!r}; calibrate on customers that were won, or leave the goal out"
        )
    known = {*curves.names, *(channel.part_of for channel in curves.channels if channel.part_of)}
    for key, figures in (("margins", goal.margins), ("lifetime_values", goal.lifetime_values)):
        for name in figures:
            if name not in known:
                close = difflib.get_close_matches(name, sorted(known), n=1)
                hint = f"did you mean {close[0]!r}? " if close else ""
                raise InputError(
                    f"{place}: goal.{key} names {name!r}, which the curves do not have; {hint}channels there: "
                    f"{', '.join(curves.names)}"
                )
    missing = [name for name, found in zip(curves.names, margins(curves, goal), strict=True) if np.isnan(found)]
    if missing:
        several, one = ("margins", "margin") if goal.maximise == "profit" else ("lifetime_values", "lifetime_value")
        raise InputError(
            f"{place}: goal.{several} leaves out {', '.join(missing)}; add them, or give goal.{one} for all others"
        )


def require_one_figure(scenario: Scenario, what: str) -> None:
    """Refuse margins by channel where the outcome of a unit of money must follow from what it adds to the goal.

    Raises:
        InputError: Margins or lifetime values differ between channels.
    """
    goal = scenario.goal
    for key, figures in (("margins", goal.margins), ("lifetime_values", goal.lifetime_values)):
        if figures:
            raise InputError(
                f"scenario {scenario.name!r}: {what} tells the outcome of the next unit of money, which goal.{key} by "
                "channel leaves open; give one figure for all channels"
            )


def _by_channel(curves: Curves, figures: dict[str, float], usual: float | None) -> Float[np.ndarray, " channel"]:
    """A figure for each channel: its own, or that of its whole, or the usual one; not a number where there is none."""
    return np.array([_figure(channel, figures, usual) for channel in curves.channels], float)


def _figure(channel: Channel, figures: dict[str, float], usual: float | None) -> float:
    for name in (channel.name, channel.part_of):
        if name is not None and name in figures:
            return figures[name]
    return np.nan if usual is None else usual
