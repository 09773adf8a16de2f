"""A sales team as a queue: how many of the leads that marketing brings it can serve, and what one more is worth.

Leads come at random (Poisson), wait in one line, first come first served, and are lost when their patience ends before
a rep is free; a rep works on one lead at a time. Exponential handling has closed forms (Erlang C and A); other laws are
simulated.
"""

import functools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
import simpy
from jaxtyping import Float, Int
from scipy.interpolate import PchipInterpolator
from scipy.optimize import isotonic_regression
from scipy.special import ndtri

from engine.axes import Array
from engine.errors import InputError
from engine.simulate.erlang import at_work, balance, further

MOST_REPS = 100_000
MOST_LEADS = 500_000  # watched at once: each keeps a clock in memory

GAPS, HANDLING, PATIENCE = range(3)  # streams of luck
LUCK = 20261122  # the seed of long runs

LEVELS = (0.99, 0.95, 0.9, 0.8, 0.65, 0.5, 0.35, 0.2, 0.1, 0.03)  # of the marginal lead, where long runs are made
FEWEST, MOST = 30_000, 60_000  # leads of a long run


@dataclass(frozen=True)
class Team:
    """Reps who each work on one lead at a time, and the patience of those who wait for them.

    >>> Team(reps=5, handling=0.5, patience=2.0).capacity
    10.0
    """

    reps: int
    handling: float  # mean time that a rep works on a lead [weeks]
    patience: float  # mean time in line after which a lead is lost [weeks]; inf: never
    service: Literal["exponential", "fixed", "lognormal"] = "exponential"  # law of the handling time
    variation: float | None = None  # its standard deviation over its mean; of lognormal handling only

    def __post_init__(self) -> None:
        if not 1 <= self.reps <= MOST_REPS or self.reps != int(self.reps):
            raise InputError(f"a sales team has {self.reps} reps; write a whole number from 1 to {MOST_REPS:,}")
        if not 0 < self.handling < np.inf:
            raise InputError(f"a rep handles a lead in {self.handling} weeks; write finite weeks above 0")
        if not self.patience > 0:
            raise InputError(f"leads wait {self.patience} weeks until lost; write weeks above 0, or inf for never")
        if self.service not in LAWS:
            raise InputError(f"handling times are {self.service!r}; write one of {', '.join(LAWS)}")
        if self.service == "lognormal" and not 0 < (self.variation or 0.0) < np.inf:
            raise InputError(
                f"lognormal handling times have the variation {self.variation}; write their standard deviation over "
                f"their mean, finite and above 0"
            )
        if self.service != "lognormal" and self.variation is not None:
            raise InputError(
                f"{self.service} handling times are given the variation {self.variation}; leave it out, or let them "
                f"be lognormal"
            )

    @property
    def capacity(self) -> float:
        """Leads that reps who are never idle serve [leads/week]."""
        return self.reps / self.handling


@dataclass(frozen=True)
class Line:
    """The line in the long run, at each rate of arrivals."""

    waits: Float[np.ndarray, "*shape"]  # share of leads that find all reps busy
    lost: Float[np.ndarray, "*shape"]  # share of leads that lose patience
    waiting: Float[np.ndarray, "*shape"]  # mean number in line
    wait: Float[np.ndarray, "*shape"]  # mean of all leads, of those lost until they leave [weeks]
    wait_in_line: Float[np.ndarray, "*shape"]  # mean of those that wait at all [weeks]


@dataclass(frozen=True)
class Weeks:
    """What happened to the leads, by week."""

    came: Int[np.ndarray, " week"]
    begun: Int[np.ndarray, " week"]  # taken on by a rep
    finished: Int[np.ndarray, " week"]
    lost: Int[np.ndarray, " week"]
    waiting: Int[np.ndarray, " week"]  # in line when the week ends
    wait: Float[np.ndarray, " week"]  # mean of those taken on or lost in the week; NaN: nobody was [weeks]


def erlang_c(team: Team, arrivals: Float[np.ndarray, "*shape"]) -> Line:
    """The line of leads that never lose patience; endless where arrivals reach the capacity.

    There the wait is infinite, everybody waits, and the line grows for ever. Of the patience nothing is read.

    Args:
        arrivals: Leads that come [leads/week].

    >>> erlang_c(Team(reps=2, handling=1.0, patience=np.inf), np.array([1.0, 2.0])).wait.round(3).tolist()
    [0.333, inf]
    """
    return erlang_a(replace(team, patience=np.inf), arrivals)


def erlang_a(team: Team, arrivals: Float[np.ndarray, "*shape"]) -> Line:
    """The line of leads whose patience is exponential (M/M/c+M); Erlang C's where patience has no end.

    Args:
        arrivals: Leads that come [leads/week].

    Raises:
        InputError: Handling times are not exponential: no closed form is known.

    >>> erlang_a(Team(reps=1, handling=1.0, patience=1.0), np.array([1.0])).waits.round(3).tolist()
    [0.632]
    """
    if team.service != "exponential":
        raise InputError(f"{team.service} handling times have no closed form; watch the team, or ask what is served")
    rates = _rates(arrivals)
    state = balance(*_scaled(team, rates))
    waits, each = state.full, state.each * team.handling
    lost = waits * each / team.patience if np.isfinite(team.patience) else np.zeros_like(rates)
    return Line(*(np.asarray(part) for part in (waits, lost, waits * rates * each, waits * each, each)))


def served(team: Team, arrivals: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Leads served in the long run at a constant rate, at most those that come and at most the capacity.

    Exponential handling has Erlang A's closed form. For other laws long runs are simulated once for a team, all on the
    same luck, at ten rates where one more lead is worth from 99 % to 3 % of a lead under exponential handling. Their
    slopes are pooled to fall, which takes the noise out of a curve that is held to be concave, and a monotone cubic
    through what exponential handling serves carries them to all rates, so that both ends are exact. What is told moves
    by up to 0.3 % of the capacity from luck to luck (one standard deviation, near the capacity).

    Args:
        arrivals: Leads that come [leads/week].

    Returns:
        Leads begun, and in the long run finished [leads/week].

    >>> served(Team(reps=4, handling=2.0, patience=np.inf), np.array([0.0, 1.5, 9.0])).tolist()
    [0.0, 1.5, 2.0]
    """
    rates = _rates(arrivals)
    plain = _served(team, rates)
    if team.service != "exponential" and np.isfinite(team.patience):
        plain = _bend(team)(plain / team.capacity) * team.capacity
    return np.asarray(np.minimum(plain, np.minimum(rates, team.capacity)))


def marginal(team: Team, arrivals: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Leads served for each further lead: the slope of `served`, near 1 for an idle team and near 0 for a full one.

    Exact for exponential handling, and the slope of the curve through the long runs for other laws. Where patience has
    no end it drops from 1 to 0 at the capacity.

    >>> marginal(Team(reps=4, handling=2.0, patience=np.inf), np.array([1.5, 9.0])).tolist()
    [1.0, 0.0]
    """
    rates = _rates(arrivals)
    if np.isinf(team.patience):
        return np.asarray(np.where(rates < team.capacity, 1.0, 0.0))
    slope = _marginal(team, rates)
    if team.service != "exponential":
        slope = slope * _bend(team).derivative()(_served(team, rates) / team.capacity)
    return np.asarray(np.clip(slope, 0.0, 1.0))


def watched(team: Team, arrivals: Float[np.ndarray, " week"], seed: int) -> Weeks:
    """A team lead by lead from an idle start, its leads coming at random at each week's rate.

    A lead's handling time and patience depend on the seed and the lead's number alone, and leads come when a clock of
    the seed reaches the leads expected so far: more leads, or more reps, share the luck of fewer.

    Args:
        arrivals: Leads expected in each week [leads/week].

    >>> weeks = watched(Team(reps=5, handling=0.5, patience=2.0), np.array([9.0, 9.0, 0.0]), seed=1)
    >>> bool(weeks.came[2] == 0 and weeks.came.sum() == weeks.begun.sum() + weeks.lost.sum() + weeks.waiting[2])
    True
    """
    rates = _rates(arrivals)
    if not rates.size or rates.sum() > MOST_LEADS:
        raise InputError(
            f"{rates.sum():,.0f} leads of {rates.size} weeks are to be watched; ask for a week or more, and for "
            f"{MOST_LEADS:,} leads at most"
        )
    if not 0 <= seed < 2**32:
        raise InputError(f"seed is {seed}; write a whole number from 0 to {2**32 - 1}")
    came, week = _arrivals(rates, seed)
    leads = Leads(came, _handling(team, seed, came.size), _patience(team, seed, came.size))
    begins = begin(int(team.reps), leads, until=float(rates.size))
    ends, gives_up = begins + leads.handling, leads.came + leads.patience
    left = np.minimum(begins, gives_up)  # the line
    came_by = np.bincount(week, minlength=rates.size)
    begun, finished = _by_week(begins, rates.size), _by_week(ends, rates.size)
    leaves = _by_week(left, rates.size)
    waited = _by_week(left, rates.size, left - leads.came)
    wait = np.divide(waited, leaves, out=np.full(rates.size, np.nan), where=leaves > 0)
    return Weeks(came_by, begun, finished, leaves - begun, np.cumsum(came_by - leaves), wait)


class Leads(NamedTuple):
    """Leads in the order in which they come."""

    came: Float[np.ndarray, " lead"]  # [weeks from the start]
    handling: Float[np.ndarray, " lead"]  # [weeks]
    patience: Float[np.ndarray, " lead"]  # [weeks]


@dataclass
class _Desk:
    """Who is free and who waits; the one thing here that changes."""

    clock: simpy.Environment
    free: int
    line: deque[int]
    handling: list[float]
    gives_up: list[float]
    begins: list[float]

    def arrive(self, ring: simpy.Event) -> None:
        """A lead goes to a free rep, or into the line."""
        if self.free:
            self.free -= 1
            self.take(ring.value)
        else:
            self.line.append(ring.value)

    def finish(self, ring: simpy.Event) -> None:
        """A rep takes the first in line who has not left it meanwhile."""
        while self.line:
            lead = self.line.popleft()
            if self.gives_up[lead] > self.clock.now:
                self.take(lead)
                return
        self.free += 1

    def take(self, lead: int) -> None:
        """A rep's work on a lead begins."""
        self.begins[lead] = self.clock.now
        self.clock.timeout(self.handling[lead]).callbacks.append(self.finish)


def begin(reps: int, leads: Leads, until: float | None = None) -> Float[np.ndarray, " lead"]:
    """When a rep takes each lead on; infinite for leads that are lost, or in line when the watch is over."""
    clock = simpy.Environment()
    gives_up = (leads.came + leads.patience).tolist()
    desk = _Desk(clock, reps, deque(), leads.handling.tolist(), gives_up, [np.inf] * leads.came.size)
    for lead, moment in enumerate(leads.came.tolist()):
        clock.timeout(moment, lead).callbacks.append(desk.arrive)
    clock.run(until=until)
    return np.array(desk.begins)


def _rates(arrivals: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    rates = np.asarray(arrivals, float)
    wrong = rates[~(np.isfinite(rates) & (rates >= 0))]
    if wrong.size:
        raise InputError(f"{wrong[0]} leads come to the sales team in a week; write finite numbers of at least 0")
    return rates


def _scaled(team: Team, rates: Float[np.ndarray, "*shape"]) -> tuple[int, float, Float[Array, "*shape"]]:
    """Reps, patience and load, with time in mean handling times."""
    return int(team.reps), team.patience / team.handling, rates * team.handling


def _served(team: Team, rates: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Leads served under exponential handling."""
    return np.asarray(at_work(*_scaled(team, rates)) / team.handling)


def _marginal(team: Team, rates: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """The slope of leads served under exponential handling."""
    return further(*_scaled(team, rates))


def _luck(seed: int, stream: int) -> np.random.Generator:
    """A stream whose first numbers are the same however many are drawn, so that a lead's luck is its own."""
    return np.random.default_rng([seed, stream])


def _arrivals(
    rates: Float[np.ndarray, " week"], seed: int
) -> tuple[Float[np.ndarray, " lead"], Int[np.ndarray, " lead"]]:
    """When leads come, and in which week: where the leads expected so far reach a clock of unit rate."""
    expected = np.concatenate([[0.0], np.cumsum(rates)])
    size = int(expected[-1] + 12 * np.sqrt(expected[-1]) + 60)  # fewer never suffice: chances below 1e-25
    rings = np.cumsum(_luck(seed, GAPS).standard_exponential(size))
    rings = rings[rings < expected[-1]]
    week = np.searchsorted(expected[1:], rings, side="right")
    return week + np.minimum((rings - expected[week]) / rates[week], np.nextafter(1.0, 0.0)), week


LAWS: dict[str, Callable[[Float[np.ndarray, " lead"], float], Float[np.ndarray, " lead"]]] = {
    "exponential": lambda luck, _: -np.log1p(-luck),
    "fixed": lambda luck, _: np.ones_like(luck),
    "lognormal": lambda luck, spread: np.exp(spread * ndtri(luck) - spread**2 / 2),
}
"""Handling times of mean 1 by luck in [0, 1) and the spread of their logarithm: the luckless take longest."""


def _handling(team: Team, seed: int, size: int) -> Float[np.ndarray, " lead"]:
    spread = float(np.sqrt(np.log1p((team.variation or 0.0) ** 2)))
    return team.handling * LAWS[team.service](_luck(seed, HANDLING).random(size), spread)


def _patience(team: Team, seed: int, size: int) -> Float[np.ndarray, " lead"]:
    return team.patience * _luck(seed, PATIENCE).standard_exponential(size)


def _by_week(
    moments: Float[np.ndarray, " lead"], weeks: int, weights: Float[np.ndarray, " lead"] | None = None
) -> Float[np.ndarray, " week"] | Int[np.ndarray, " week"]:
    """How many of the moments lie in each week, or the sum of their weights; those after the last are left out."""
    within = moments < weeks
    of = None if weights is None else weights[within]
    return np.bincount(moments[within].astype(int), weights=of, minlength=weeks)


def simulated(team: Team, rate: float) -> float:
    """Leads served in a long run at a constant rate, whatever the law of handling times [leads/week].

    The first fifth of the run is left out. Of the rest both the arrivals and the work that comes are scaled to their
    means, and the share served is that of the work: so neither an idle nor a full team has noise. A line that takes
    longer to settle than a run, because patience is very long, is seen while it still grows; few are lost then anyway.
    """
    within = team.reps + team.capacity * min(team.patience, MOST)  # leads that the line needs to settle
    size = int(np.clip(50 * within, FEWEST, MOST))
    counted = np.arange(size) >= size // 5
    gaps = _luck(LUCK, GAPS).standard_exponential(size)
    handling = _handling(team, LUCK, size)
    gaps[counted] /= gaps[counted].mean()
    handling[counted] *= team.handling / handling[counted].mean()
    begins = begin(int(team.reps), Leads(np.cumsum(gaps) / rate, handling, _patience(team, LUCK, size)))
    share = handling[counted & np.isfinite(begins)].sum() / handling[counted].sum()
    return float(min(share * rate, team.capacity))


@functools.cache
def _bend(team: Team) -> PchipInterpolator:
    """Leads served under the team's own law over those under exponential handling, both as shares of the capacity."""
    trial = team.capacity * np.geomspace(1e-4, 1e4, 8001)
    plain = replace(team, service="exponential", variation=None)
    slopes = np.minimum.accumulate(_marginal(plain, trial))
    rates = np.unique(np.interp(LEVELS[::-1], slopes[::-1], trial[::-1]))
    told = np.array([simulated(team, float(rate)) for rate in rates])
    return _curve(_served(plain, rates) / team.capacity, rates / team.capacity, told / team.capacity)


def _curve(
    plain: Float[np.ndarray, " run"], rates: Float[np.ndarray, " run"], told: Float[np.ndarray, " run"]
) -> PchipInterpolator:
    """A monotone cubic from (0, 0) to (1, 1) by what is told, once its slopes over the rates are pooled to fall."""
    gaps = np.diff(rates, prepend=0.0)
    slopes = isotonic_regression(np.diff(told, prepend=0.0) / gaps, weights=gaps, increasing=False).x
    pooled = np.minimum(np.cumsum(np.clip(slopes, 0.0, 1.0) * gaps), 1.0)
    at, first = np.unique(np.concatenate([[0.0], plain, [1.0]]), return_index=True)
    return PchipInterpolator(at, np.concatenate([[0.0], pooled, [1.0]])[first])
