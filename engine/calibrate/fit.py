"""Fit: the curves that history supports, what each part contributed, and whether to trust it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import numpy as np
from jaxtyping import Float

from engine.response.curves import Curves

Verdict = Literal["good", "weak", "bad"]
Speed = Literal["fast", "nuts"]
BAND = (5.0, 95.0)  # percentiles of every band


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
    marginal_roas: tuple[float, float, float]  # of the next unit of money at the latest year's mean spend
    half_life: tuple[float, float, float]  # [periods]


@dataclass(frozen=True)
class Fit:
    """One calibration, whatever its speed."""

    curves: Curves
    health: Health
    contributions: tuple[Contribution, ...]
    readings: tuple[ChannelReading, ...]
    starts: tuple[date, ...]
    settings: Mapping[str, str | int | float]
