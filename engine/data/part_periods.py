"""Tests whose days are not whole periods: how much of what the periods tell had come in by the last counted day.

A history by week or month knows neither on which day of a period money was spent nor on which its outcome came. A test
that begins, ends or is counted within a period is therefore read by the mean of a range of carry-overs, and the error
that is left belongs into its standard error.
"""

from bisect import bisect_right
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import nnls

from engine.axes import Array
from engine.periods import Period, step

LIVES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Half-lives of carry-over that are held to be equally likely [days]: what is believed of a week's carry-over holds
from a twentieth to nine tenths, which is from 2 to 46 days; one day stands for none."""

KNOWN = 0.05  # how closely a weight is asked for: one that matters less than this to what was counted stays near one


class Reading(NamedTuple):
    """By which weights the effect of a test, as periods tell it, becomes what was counted until its last day."""

    earlier: float  # of periods before the last counted one
    carried: float  # of what money of earlier periods brings in the last one
    fresh: float  # of what money of the last counted period brings in it
    blur: float  # spread of the relative error that is left, over carry-overs


WHOLE = Reading(1.0, 1.0, 1.0, 0.0)  # of a test that begins, ends and is counted at the turns of periods


_DAY = timedelta(days=1)


class Days(NamedTuple):
    """The days of a test."""

    start: date  # first day of the changed money
    end: date  # last day of it
    until: date  # last day whose outcome counts


def reading(starts: tuple[date, ...], period: Period, days: Days) -> Reading:
    """The weights that come closest to what was counted, in relative error over `LIVES`.

    Money flows evenly over the days of the test, and what it does fades by the same share every day, from its own day
    on. A curve knows the money of each period and what follows from money spread evenly over the whole of it; both are
    linear here. Non-negative least squares, held to one where nothing depends on a weight.

    Args:
        starts: First days of the history's periods.
        period: Their length.
        days: Of the test, within the history.
    """
    turns = [day.toordinal() for day in (*starts, step(starts[-1], 1, period))]
    begin, stop, after = (day.toordinal() for day in (days.start, days.end + _DAY, days.until + _DAY))
    if {begin, stop, after} <= set(turns):
        return WHOLE
    first, last, final = (bisect_right(turns, day) - 1 for day in (begin, stop - 1, after - 1))
    told = np.zeros((last + 1 - first, 2, len(LIVES)))  # what the money of a period brings before the last, and in all
    for at in range(first, last + 1):
        money = (min(turns[at + 1], stop) - max(turns[at], begin)) / (stop - begin)
        told[at - first] = [money * _come(turns[at], turns[at + 1], turns[by]) for by in (final, final + 1)]
    earlier = told[:, 0].sum(axis=0)
    fresh = told[-1, 1] if last == final else np.zeros(len(LIVES))
    parts = np.stack([earlier, told[:, 1].sum(axis=0) - earlier - fresh, fresh], axis=1)
    return _closest(parts / _come(begin, stop, after)[:, None])


def _come(begin: int, stop: int, by: int) -> Float[np.ndarray, " life"]:
    """The share of an effect that has come before the day `by`, of money spent evenly on the days `begin` to `stop`."""
    left = np.maximum(by - np.arange(begin, stop), 0)
    share: Float[np.ndarray, " life"] = (1 - 0.5 ** (left / np.array(LIVES)[:, None])).mean(axis=1)
    return share


def _closest(parts: Float[np.ndarray, "life part"]) -> Reading:
    """The weights under which parts add up to one, about, whatever the carry-over."""
    held = KNOWN * np.eye(parts.shape[1])
    weights: Array = nnls(np.concatenate([parts, held]), np.concatenate([np.ones(len(parts)), held.sum(axis=1)]))[0]
    earlier, carried, fresh = weights.tolist()
    if not parts[:, 1].any():
        carried = fresh
    if not parts[:, 2].any():
        fresh = carried
    return Reading(earlier, carried, fresh, float(np.sqrt(np.mean((parts @ weights - 1) ** 2))))
