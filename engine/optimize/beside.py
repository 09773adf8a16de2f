"""What is told beside a plan: history as it was, the worst draws, and the money that is kept for tests."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.config.scenario import Risk, Scenario
from engine.optimize.ranges import Range
from engine.optimize.risk.measures import measure_of
from engine.optimize.rules import Problem
from engine.optimize.selecting import is_named
from engine.response.curves import Curves


@dataclass(frozen=True)
class Past:
    """History as it was, with the money that it really spent in as many periods."""

    spend: float  # [currency over the horizon]
    change: Range  # the plan less history, draw by draw [objective]


@dataclass(frozen=True)
class Tail:
    """Mean of the worst share of draws, each split by its own worst."""

    level: float  # the share of draws
    plan: float  # [objective]
    baseline: float  # the same of what the plan is compared with [objective]


@dataclass(frozen=True)
class ForTests:
    """Money for channels that are being tested."""

    channels: tuple[str, ...]
    least: float  # that the scenario keeps for them [currency over the horizon]
    spend: float  # what the plan spends on them [currency over the horizon]


def tail_of(
    scenario: Scenario, problem: Problem, chosen: Float[np.ndarray, " draw"], baseline: Float[np.ndarray, " draw"]
) -> Tail | None:
    """The mean of the worst draws of a plan, and of what it is compared with; None where that was not asked for."""
    if scenario.risk.measure != "cvar":
        return None
    odds, level = problem.payoffs[0].odds, scenario.risk.level
    base = np.full(len(chosen), 1 / len(chosen)) if odds is None else odds
    measure = measure_of(Risk(measure="cvar", level=level), base)
    return Tail(level, measure.value(chosen), measure.value(baseline))


def for_tests_of(curves: Curves, scenario: Scenario, split: Float[np.ndarray, " channel"]) -> ForTests | None:
    """The money for tests in a split of money by channel; None where none was asked for."""
    learn = scenario.learn
    if learn is None or not learn.channels:
        return None
    inside = np.array([is_named(channel, learn.channels) for channel in curves.channels])
    least = learn.amount if learn.share is None else learn.share * float(split.sum())
    return ForTests(learn.channels, float(least or 0.0), float(split[inside].sum()))
