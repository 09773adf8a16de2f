"""A refresh: how much rows that an earlier fit has seen still count, and what moved since.

The posterior of the earlier fit becomes a discounted prior by the power prior: the likelihood of its rows to
the power of a weight (Ibrahim and Chen 2000, Power prior distributions for regression models). The weight falls with
the new evidence that has come, not with the calendar: without a new row the fit is the same.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

import numpy as np
from jaxtyping import Float

from engine.calibrate.fit import Change, ChannelReading, Fit, Refresh, Span
from engine.periods import PER_YEAR, Period
from engine.words import number

BEYOND = 3.0  # standard errors: a fit of ten channels and the same data speaks up once in forty times
BAND_WIDTH = 2 * 1.6448536269514722  # of a 90 % band, in standard deviations
MEDIAN_ERROR = math.sqrt(math.pi / 2)  # standard error of a normal sample's median over that of its mean


@dataclass(frozen=True)
class Last:
    """What a refresh needs of the fit before it."""

    roas: Mapping[str, tuple[float, float, float]]  # 5, 50 and 95 % of each channel's return on spend
    effective: float  # independent draws that these are told by
    seen: tuple[Span, ...]  # its periods and how they counted
    discount: float  # weight left to them once a year of new ones has come, in (0, 1]

    def fresh(self, starts: Sequence[date]) -> int:
        """How many of these periods it has not seen."""
        return sum(not any(span.start <= day <= span.end for span in self.seen) for day in starts)


def worth_of_rows(starts: Sequence[date], period: Period, last: Last) -> Float[np.ndarray, " period"]:
    """Weight of each period: 1 for a new one, else what it was, discounted for each year of new ones.

    >>> monday = [date(2027, 1, 4), date(2027, 1, 11)]
    >>> worth_of_rows(monday, "week", Last({}, 1.0, (Span(monday[0], monday[0], 1.0),), 0.5)).round(4).tolist()
    [0.9868, 1.0]
    """
    before = [[span.worth for span in last.seen if span.start <= day <= span.end] for day in starts]
    left = last.discount ** (last.fresh(starts) / PER_YEAR[period])
    return np.array([found[0] * left if found else 1.0 for found in before])


def spans_of(starts: Sequence[date], worth: Float[np.ndarray, " period"]) -> tuple[Span, ...]:
    """Periods in a row that count alike.

    >>> [span.worth for span in spans_of([date(2027, 1, 4), date(2027, 1, 11)], np.array([0.5, 1.0]))]
    [0.5, 1.0]
    """
    rows = zip(starts, worth.tolist(), strict=True)
    found = [(value, [day for day, _ in group]) for value, group in groupby(rows, key=lambda row: row[1])]
    return tuple(Span(days[0], days[-1], value) for value, days in found)


def median_error(band: tuple[float, float, float], effective: float) -> float:
    """Standard error of a median that is told by so many effective draws; `band` holds 5, 50 and 95 %.

    Returns are nearer to log-normal than to normal, so the width is read on the log where all of it is positive.

    >>> round(median_error((-1.645, 0.0, 1.645), 100.0), 4)
    0.1253
    """
    low, middle, high = band
    spread = middle * math.log(high / low) if low > 0 else high - low
    return MEDIAN_ERROR * spread / BAND_WIDTH / math.sqrt(effective)


def effective_draws(details: Mapping[str, float], draws: int) -> float:
    """How many independent draws a fit's figures are worth: its draws come from a sample that has its own size.

    Args:
        details: Of the check "convergence": `bulk` of chains, else `effective` of proposals.
        draws: Joint draws in the curves.
    """
    sample = details.get("bulk", details.get("effective", float(draws)))
    return 1.0 / (1.0 / max(sample, 1.0) + 1.0 / draws)


def refreshed(fit: Fit, last: Last, causes: Sequence[str]) -> Refresh:
    """What moved since the last fit.

    Args:
        fit: The new fit.
        last: The one before, of the same channels.
        causes: What is known to differ, new periods included.
    """
    check = next(check for check in fit.health.checks if check.name == "convergence")
    now = effective_draws(check.details, fit.curves.draws)
    changes = tuple(_change(reading, last.roas[reading.name], last.effective, now) for reading in fit.readings)
    return Refresh(last.discount, last.fresh(fit.starts), tuple(causes), changes, _sentence(changes, causes))


def _change(
    reading: ChannelReading, before: tuple[float, float, float], effective: float, effective_now: float
) -> Change:
    moved = reading.roas[1] - before[1]
    error = math.hypot(median_error(before, effective), median_error(reading.roas, effective_now))
    return Change(reading.name, before, reading.roas, moved, error, abs(moved) > BEYOND * error)


def _sentence(changes: Sequence[Change], causes: Sequence[str]) -> str:
    """What moved, by what, in one sentence."""
    told = ", ".join(causes) if causes else "same data, same questions"
    moved = [f"{one.name} {number(one.before[1])} -> {number(one.now[1])}" for one in changes if one.is_beyond]
    if not moved:
        return f"{told}: nothing moved beyond the noise of drawing"
    rest = "; nothing else moved beyond it" if len(moved) < len(changes) else ""
    cause = told if causes else "nothing that is recorded explains it, so another machine"
    return f"{', '.join(moved)}: {cause}; beyond the noise of drawing{rest}"
