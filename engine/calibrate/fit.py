"""Fit: the curves that history supports, what each part contributed, and whether to trust it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from engine.response.curves import Curves

Verdict = Literal["good", "weak", "bad"]
Speed = Literal["fast", "nuts"]
BAND = (5.0, 95.0)  # percentiles of every band


def graded(figure: float, good: float, least: float) -> Verdict:
    """The verdict on a figure of which more is better.

    >>> graded(0.9, 0.7, 0.3), graded(0.5, 0.7, 0.3), graded(0.1, 0.7, 0.3)
    ('good', 'weak', 'bad')
    """
    return "good" if figure >= good else "weak" if figure >= least else "bad"


@dataclass(frozen=True)
class Check:
    """One look at the fit: its verdict, the figure behind it, and what to do about it."""

    name: str
    verdict: Verdict
    figure: float | None  # what the verdict rests on; None where it cannot be told
    sentence: str
    details: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Health:
    """All checks and what they come to; a plan made from a bad fit is refused."""

    trust: Verdict
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Contribution:
    """What one component added in each period, over all geos, with its band of 5 to 95 %."""

    component: str  # a channel, or a part of the baseline
    is_channel: bool
    mean: Float[np.ndarray, " period"]  # [outcome/period]
    low: Float[np.ndarray, " period"]
    high: Float[np.ndarray, " period"]


@dataclass(frozen=True)
class ChannelReading:
    """One channel in figures; a triple holds the 5th, 50th and 95th percentile over the draws."""

    name: str
    spend: float  # in all of history [currency]
    share: tuple[float, float, float]  # of the outcome of all history
    roas: tuple[float, float, float]  # outcome per money spent
    marginal_roas: tuple[float, float, float] | None  # of the next money at the latest year's mean; None: not running
    half_life: tuple[float, float, float]  # [periods]


class Span(NamedTuple):
    """Periods in a row that counted alike."""

    start: date  # of the first of them
    end: date  # of the last of them: its first day
    worth: float  # weight of each period in the likelihood, in (0, 1]


@dataclass(frozen=True)
class Change:
    """The return of one channel in the last fit and in this; a triple holds the 5th, 50th and 95th percentile."""

    name: str
    before: tuple[float, float, float]  # outcome per money spent
    now: tuple[float, float, float]
    change: float  # of the median
    sampling_error: float  # standard error of that change which drawing alone explains
    is_beyond: bool  # whether it is more than drawing alone explains


@dataclass(frozen=True)
class Refresh:
    """What moved since the last fit, and why."""

    discount: float  # weight left to a row of the last fit once a year of new rows has come
    new_periods: int
    causes: tuple[str, ...]  # what is known to differ from the last fit
    changes: tuple[Change, ...]
    sentence: str


@dataclass(frozen=True)
class Fit:
    """One calibration, whatever its speed."""

    curves: Curves
    health: Health
    contributions: tuple[Contribution, ...]
    readings: tuple[ChannelReading, ...]
    starts: tuple[date, ...]
    settings: Mapping[str, str | int | float]
    counted: tuple[Span, ...] = ()  # how the periods counted; none where it was not asked
    by_geo: Curves | None = None  # the same curves in each geo, where there are several
    refresh: Refresh | None = None  # beside the last fit, where one was named
