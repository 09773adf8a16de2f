"""The sales queue, opportunity by opportunity, and what queueing theory says of it in the long run.

An opportunity arrives, waits for a free slot, first come first served, may lose its patience, is worked for an
exponential time and ends won or lost. Nothing here knows the weekly law of the journey, nor the line of the
events engine, so that all can check each other. Sources: Erlang (1917); Palm (1957) and Mandelbaum and Zeltyn
(2007) for queues that people leave.
"""

import math
from collections.abc import Generator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import simpy
from jaxtyping import Float, Int

from engine.errors import InputError
from engine.words import number

MOST = 500_000.0  # opportunities of a run, or places of a queue; some 50 microseconds each


class Outcome(IntEnum):
    """What has become of an opportunity by the end of a run."""

    WAITING = 0
    WORKED = 1
    WON = 2
    LOST = 3
    ABANDONED = 4


class _Luck(IntEnum):
    """One stream for each kind of event, so that more opportunities re-deal nothing to those before them."""

    COUNT = 1
    MOMENT = 2
    PATIENCE = 3
    WORK = 4
    WIN = 5


@dataclass(frozen=True)
class Team:
    """Who works opportunities, and how fast; all hazards are of one worked opportunity."""

    reps: int
    load: int  # opportunities that a rep works at a time
    win: float  # hazard to be won [1/week]
    lose: float  # hazard to be lost [1/week]
    patience: float | None = None  # mean wait after which an opportunity leaves [weeks]; None: it never does

    def __post_init__(self) -> None:
        for name, count in (("reps", self.reps), ("load", self.load)):
            if count < 1 or not float(count).is_integer():
                raise InputError(f"sales team: {name} is {count}; write a whole number of at least 1")
        for name, hazard in (("win", self.win), ("lose", self.lose)):
            if not 0 <= hazard < math.inf:
                raise InputError(f"sales team: the hazard {name} is {hazard}; write a number of 0 or more a week")
        if self.win + self.lose == 0:
            raise InputError("sales team: the hazards win and lose are both 0, so no work ever ends; raise one")
        if self.patience is not None and not 0 < self.patience < math.inf:
            raise InputError(f"sales team: patience is {self.patience} weeks; write more than 0, or none at all")

    @property
    def slots(self) -> int:
        """Opportunities worked at a time."""
        return int(self.reps * self.load)

    @property
    def pace(self) -> float:
        """Hazard of a worked opportunity to end, won or lost [1/week]."""
        return self.win + self.lose


@dataclass(frozen=True, eq=False)
class Pipeline:
    """What happened in a queue; times are weeks since the start, NaN for what has not happened."""

    team: Team
    weeks: int
    arrived: Float[np.ndarray, " opportunity"]
    started: Float[np.ndarray, " opportunity"]
    ended: Float[np.ndarray, " opportunity"]
    outcome: Int[np.ndarray, " opportunity"]  # of Outcome
    moment: Float[np.ndarray, " event"]  # when the counts below may have changed
    waiting: Int[np.ndarray, " event"]  # opportunities in the queue from then on
    worked: Int[np.ndarray, " event"]  # slots taken from then on


class Weekly(NamedTuple):
    """A pipeline by week."""

    arrived: Int[np.ndarray, " period"]
    won: Int[np.ndarray, " period"]
    lost: Int[np.ndarray, " period"]
    abandoned: Int[np.ndarray, " period"]
    waiting: Int[np.ndarray, " period"]  # at the end of the week
    worked: Int[np.ndarray, " period"]  # at the end of the week


class Steady(NamedTuple):
    """The long run of a queue under a steady stream of opportunities."""

    must_wait: float  # share of the opportunities that find every slot taken
    wait: float  # mean over all opportunities, those who leave included [weeks]
    waiting: float  # mean number in the queue
    worked: float  # mean number of slots taken
    abandoned: float  # share of the opportunities that leave unserved
    won: float  # [1/week]


def poisson_arrivals(per_week: Float[np.ndarray, " period"], seed: int) -> Float[np.ndarray, " opportunity"]:
    """Moments of a Poisson process whose rate changes from week to week, in order [weeks].

    Args:
        per_week: Expected number by week, 0 or more.
        seed: Of this run's luck; a longer series begins with the moments of the shorter one.
    """
    rate = np.asarray(per_week, float)
    if not (np.isfinite(rate).all() and (rate >= 0).all()):
        raise InputError("sales queue: opportunities per week must be numbers of 0 or more; look for gaps in them")
    _require_room(float(rate.sum()))
    count = np.random.default_rng([seed, _Luck.COUNT]).poisson(rate)
    week = np.repeat(np.arange(rate.size), count)
    return np.sort(week + np.random.default_rng([seed, _Luck.MOMENT]).random(week.size))


def simulate_pipeline(team: Team, arrived: Float[np.ndarray, " opportunity"], weeks: int, seed: int) -> Pipeline:
    """What becomes of opportunities that arrive at given moments, from an empty queue, until `weeks` are over.

    Args:
        arrived: In order, within 0 and `weeks` [weeks]; those present from the start arrive at 0.
        seed: Of this run's luck; opportunity number k has the same patience and work in every run of a seed.
    """
    arrived = np.asarray(arrived, float)
    if arrived.size and not ((np.diff(arrived) >= 0).all() and arrived[0] >= 0 and arrived[-1] <= weeks):
        raise InputError(f"sales queue: moments of arrival must rise from 0 to at most {weeks} weeks; sort them")
    _require_room(float(arrived.size))
    clock = simpy.Environment()
    desk = _Desk(
        clock=clock,
        slots=simpy.Resource(clock, capacity=team.slots),
        patience=(team.patience or np.inf) * _waits(seed, _Luck.PATIENCE, arrived.size),
        work=_waits(seed, _Luck.WORK, arrived.size) / team.pace,
        is_win=np.random.default_rng([seed, _Luck.WIN]).random(arrived.size) * team.pace < team.win,
        started=np.full(arrived.size, np.nan),
        ended=np.full(arrived.size, np.nan),
        outcome=np.zeros(arrived.size, int),
        events=[],
    )
    for which, moment in enumerate(arrived):
        clock.process(_live(desk, which, float(moment)))
    clock.run(until=np.nextafter(float(weeks), np.inf))
    events = np.array(desk.events).reshape(-1, 3)
    moment, waiting, worked = events[np.diff(events[:, 0], append=np.inf) > 0].T  # how each moment ended
    counts = waiting.astype(int), worked.astype(int)
    return Pipeline(team, weeks, arrived, desk.started, desk.ended, desk.outcome, moment, *counts)


def by_week(pipeline: Pipeline) -> Weekly:
    """A pipeline's flows in each week, and its queue at each week's end."""
    ends = np.arange(1, pipeline.weeks + 1)

    def flow(moments: Float[np.ndarray, " some"]) -> Int[np.ndarray, " period"]:
        return np.diff(np.searchsorted(np.sort(moments), ends, side="right"), prepend=0)

    left = [pipeline.ended[pipeline.outcome == kind] for kind in (Outcome.WON, Outcome.LOST, Outcome.ABANDONED)]
    last = np.searchsorted(pipeline.moment, ends, side="right")
    stocks = [np.concatenate([[0], counts])[last] for counts in (pipeline.waiting, pipeline.worked)]
    return Weekly(flow(pipeline.arrived), *(flow(moments) for moments in left), *stocks)


def erlang_c(slots: int, offered: float) -> float:
    """Share of arrivals that must wait in M/M/c, which nobody leaves; 1 if more is offered than slots can work.

    Args:
        offered: Arrivals x mean time of work, in [0, slots) for a queue that does not grow without end.

    >>> round(erlang_c(1, 0.6), 12), round(erlang_c(2, 1.0), 12)
    (0.6, 0.333333333333)
    """
    if offered >= slots:
        return 1.0
    blocked = 1.0  # Erlang's loss formula, slot by slot
    for slot in range(1, slots + 1):
        blocked = offered * blocked / (slot + offered * blocked)
    return blocked / (1 - offered / slots * (1 - blocked))


def steady(team: Team, per_week: float) -> Steady:
    """The long run if opportunities arrive at random at a steady rate: Erlang C, with patience Erlang A.

    Args:
        per_week: Opportunities [1/week], more than 0; without patience fewer than the team can work.

    >>> long_run = steady(Team(reps=1, load=1, win=0.5, lose=0.5), 0.5)
    >>> long_run.must_wait, long_run.wait, long_run.won
    (0.5, 1.0, 0.25)
    """
    if not 0 < per_week < math.inf:
        raise InputError(f"sales queue: {per_week} opportunities a week; write a number above 0")
    offered = per_week / team.pace
    if team.patience is not None:
        return _with_patience(team, per_week, team.patience)
    if offered >= team.slots:
        raise InputError(
            f"sales queue: {number(per_week)} opportunities a week keep {number(offered)} slots busy, but there are "
            f"{team.slots}, so the queue grows without end; add reps, or say after how long opportunities leave"
        )
    must_wait = erlang_c(team.slots, offered)
    wait = must_wait / (team.slots * team.pace - per_week)
    return Steady(must_wait, wait, per_week * wait, offered, 0.0, per_week * team.win / team.pace)


def _with_patience(team: Team, per_week: float, patience: float) -> Steady:
    """Erlang A from the chances of each number present: births at one rate, deaths by work and by patience.

    The queue is no longer than if nobody were served, so Poisson with mean per_week x patience bounds it; nor
    than if nobody left, so it falls at least geometrically where the team can work all that arrives.
    """
    longest = per_week * patience
    idle = math.log(team.slots * team.pace / per_week)
    tail = longest + 40 * math.sqrt(longest) + 100
    places = team.slots + min(tail, 50 / idle if idle > 0 else math.inf)
    _require_room(places)
    present = np.arange(1, math.ceil(places) + 1)
    working = np.minimum(present, team.slots)
    leaving = working * team.pace + (present - working) / patience
    odds = np.concatenate([[0.0], np.cumsum(np.log(per_week / leaving))])
    chance = np.exp(odds - odds.max())
    chance /= chance.sum()
    waiting = float(chance[1:] @ (present - working))
    worked = float(chance[1:] @ working)
    return Steady(
        must_wait=float(chance[team.slots :].sum()),
        wait=waiting / per_week,
        waiting=waiting,
        worked=worked,
        abandoned=waiting / longest,
        won=worked * team.win,
    )


@dataclass(frozen=True, eq=False)
class _Desk:
    """A running queue: everybody's luck, dealt beforehand, and what has been written down."""

    clock: simpy.Environment
    slots: simpy.Resource
    patience: Float[np.ndarray, " opportunity"]
    work: Float[np.ndarray, " opportunity"]
    is_win: np.ndarray
    started: Float[np.ndarray, " opportunity"]
    ended: Float[np.ndarray, " opportunity"]
    outcome: Int[np.ndarray, " opportunity"]
    events: list[tuple[float, int, int]]

    def note(self) -> None:
        """Write the queue down as it is now."""
        self.events.append((self.clock.now, len(self.slots.queue), self.slots.count))


def _live(desk: _Desk, which: int, arrives: float) -> Generator[simpy.Event, None, None]:
    """One opportunity's life."""
    clock, patience = desk.clock, float(desk.patience[which])
    yield clock.timeout(arrives)
    with desk.slots.request() as turn:
        if not turn.triggered:
            desk.note()
            yield turn if math.isinf(patience) else turn | clock.timeout(patience)
        if turn.triggered:
            desk.started[which], desk.outcome[which] = clock.now, Outcome.WORKED
            desk.note()
            yield clock.timeout(float(desk.work[which]))
            desk.outcome[which] = Outcome.WON if desk.is_win[which] else Outcome.LOST
        else:
            desk.outcome[which] = Outcome.ABANDONED
        desk.ended[which] = clock.now
    desk.note()


def _waits(seed: int, stream: _Luck, count: int) -> Float[np.ndarray, " opportunity"]:
    """Exponential times of mean one, the same for opportunity k however many follow it."""
    return np.random.default_rng([seed, stream]).exponential(size=count)


def _require_room(places: float) -> None:
    """Refuse what would not fit into memory and time."""
    if places > MOST:
        raise InputError(
            f"sales queue: {number(places)} opportunities are more than the {number(MOST)} that fit one at a time; "
            "take fewer weeks, or let the mean field tell the week's wins"
        )
