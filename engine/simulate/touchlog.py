"""Touch logs: who was touched when by which channel, and what truly caused each step of their journeys.

Logs are made after the fact, for some people only, from what they are known to have done. Within a week a
person's contacts are Poisson and each may trigger an event, so, given what happened,
  the first trigger, the move, came at -log(1 - u (1 - exp(-H))) / H of the week and is of one cause with that
  cause's part of the hazards H of all moves that were open;
  contacts that would have triggered one too, but came after it, are Poisson(h (1 - moment)), uniform after it;
  contacts without any effect are Poisson(contact - h), uniform over the week;
  a further purchase is of one cause with that cause's part of its hazard; who moves buys before moving.
All told, touches of a channel in a week are Poisson with the mean that the channel's contacts have, whatever
the channel did. Everything is decided by words keyed by seed, person and week (for touches also by the name of
the channel), so a person's log is the same in every panel.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from engine.config.model import Kind
from engine.data.columnar import Coded, write_parquet
from engine.errors import InputError
from engine.simulate.chance import Stream, draw, poisson, uniform
from engine.simulate.crowd import Lives
from engine.simulate.exposures import Weeks, buyers, expected_rows, rates, touch_costs
from engine.simulate.records import World
from engine.words import number, plain

MOST_ROWS = 20_000_000  # of a log: 41 bytes each, and twice that while it is put together
MOST_TOUCHES = 1_000  # of one channel for a person in a week, in the mean
NUMBERED = 2**12  # touches of a person in a week that have words of their own
WORKED = 2**17  # person-weeks worked at once
UNTOUCHED = ("organic", "word_of_mouth")  # what stands for a channel where none is the cause
UNTOUCHED_CAUSES = ("nobody", "word_of_mouth")
WEEK = 7 * 24 * 3600 * 10**6  # microseconds
LATEST = float(np.nextafter(1.0, 0.0))  # moment of a week


@dataclass(frozen=True, eq=False)
class TouchLog:
    """A row for each touch, move and further purchase of some people, person by person, each in order of time.

    A row that caused a move or a purchase names its cause; its channel is the same, or what stands for none.
    """

    person: Int[np.ndarray, " row"]
    time: Shaped[np.ndarray, " row"]  # to the microsecond
    week: Int[np.ndarray, " row"]  # since the start of the history
    channel: Int[np.ndarray, " row"]  # place in `channels`
    cost: Float[np.ndarray, " row"]  # the channel's money of the week by everybody's touches of it [currency]
    stage_before: Int[np.ndarray, " row"]  # place in `stages`
    stage_after: Int[np.ndarray, " row"]
    converted: Bool[np.ndarray, " row"]  # a first or a further purchase
    value: Float[np.ndarray, " row"]  # of that purchase [currency]
    true_cause: Int[np.ndarray, " row"]  # place in `causes`; -1 where nothing was caused
    channels: tuple[str, ...]  # those of the world, then UNTOUCHED
    kinds: tuple[Kind | None, ...]  # of each channel
    causes: tuple[str, ...]  # the world's channels, then UNTOUCHED_CAUSES
    stages: tuple[str, ...]
    currency: str
    start: date  # of week 0


class _Law(NamedTuple):
    """Tables that decide what is logged; a cell is a week, segment and stage."""

    causes: Float[np.ndarray, "period segment event cause"]  # hazards, summed up to and with each cause
    total: Float[np.ndarray, "period segment stage"]  # hazard of any move
    idle: Float[np.ndarray, "channel cell"]
    late: Float[np.ndarray, "channel cell"]
    move: Int[np.ndarray, "stage stage"]  # the move between two stages, -1 if there is none
    cost: Float[np.ndarray, "period cause"]  # of a touch [currency]
    seeds: tuple[int, ...]  # of each channel


class _Life(NamedTuple):
    """What some people did, a place for each person and week, person by person."""

    who: Int[np.ndarray, " place"]
    week: Int[np.ndarray, " place"]  # since the start of the history
    period: Int[np.ndarray, " place"]  # of the run
    segment: Int[np.ndarray, " place"]
    before: Int[np.ndarray, " place"]
    after: Int[np.ndarray, " place"]
    bought: Int[np.ndarray, " place"]
    cell: Int[np.ndarray, " place"]


class _Rows(NamedTuple):
    """Rows in the making."""

    place: Int[np.ndarray, " row"]
    moment: Float[np.ndarray, " row"]  # of the week, in [0, 1)
    channel: Int[np.ndarray, " row"]
    before: Int[np.ndarray, " row"]
    after: Int[np.ndarray, " row"]
    converted: Bool[np.ndarray, " row"]
    caused: Bool[np.ndarray, " row"]


def log_touches(
    world: World, weeks: Weeks, lives: Lives, seed: int, tell: Callable[[str], None] = lambda _: None
) -> TouchLog:
    """The touch log of some people, from what they did in some weeks.

    Args:
        weeks: As everybody lived them.
        lives: Of these people in these weeks, each person once.
        seed: Of all luck in the log, in [0, 2**32).
        tell: Hears how far the work is.

    Raises:
        InputError: Lives and weeks do not fit, a channel's name is taken, or the log would be too long.
    """
    _require(world, weeks, lives)
    _require_room(world, weeks, _standing(world, lives))
    law = _law(world, weeks, seed)
    people, step = len(lives.panel.ids), max(1, WORKED // max(1, len(weeks.hazard)))
    made = []
    for first in range(0, max(people, 1), step):
        tell(f"touches of {first} of {people} people")
        made.append(_log_some(world, weeks, law, _live(world, weeks, lives, slice(first, first + step)), seed))
    columns = {name: np.concatenate([part[name] for part in made]) for name in made[0]}
    return TouchLog(
        **columns,
        channels=world.channels + UNTOUCHED,
        kinds=(*world.kinds, None, None),
        causes=world.channels + UNTOUCHED_CAUSES,
        stages=world.ladder.stages,
        currency=world.currency,
        start=world.start_date,
    )


def require_room(world: World, weeks: Weeks, people: int) -> None:
    """Refuse a log of some of the people that would be too long, before anything is drawn.

    Raises:
        InputError: With how long it would be, and how many people would do.
    """
    _require_room(world, weeks, people * weeks.people)


def write_touches(path: Path, log: TouchLog, made_from: str = "") -> None:
    """Write a log as Parquet, with its schema, currency and period beside the table.

    Args:
        made_from: The hash of what the log was made from.

    Raises:
        InputError: The optional package for Parquet is missing.
        StorageError: The folder cannot be written.
    """
    kinds = tuple(sorted({kind for kind in log.kinds if kind is not None}))
    kind = np.array([-1 if each is None else kinds.index(each) for each in log.kinds])
    coded = {
        "channel": Coded(log.channel, log.channels),
        "kind": Coded(kind[log.channel], kinds),
        "stage_before": Coded(log.stage_before, log.stages),
        "stage_after": Coded(log.stage_after, log.stages),
        "true_cause": Coded(log.true_cause, log.causes),
    }
    names = ("person", "time", "week", "channel", "kind", "cost", "stage_before", "stage_after", "converted", "value")
    columns = {name: coded.get(name) or getattr(log, name) for name in (*names, "true_cause")}
    notes = {"schema": "peso.touches/1", "currency": log.currency, "period": "week", "made_from": made_from}
    write_parquet(path, columns, {**notes, "start": log.start.isoformat()})


def _require(world: World, weeks: Weeks, lives: Lives) -> None:
    """Refuse what does not belong together."""
    for name in UNTOUCHED + UNTOUCHED_CAUSES:
        if name in world.channels:
            raise InputError(f"market {world.name}: a touch log needs the name {name!r} for itself; rename the channel")
    ids = lives.panel.ids
    if np.unique(ids).size != ids.size:
        raise InputError(f"{ids.size} people are to be logged, but some are the same; name each once")
    if len(lives.stages) != len(weeks.hazard):
        raise InputError(
            f"people lived {len(lives.stages)} weeks, but {len(weeks.hazard)} are told; give weeks of the same run"
        )


def _require_room(world: World, weeks: Weeks, people: Float[np.ndarray, "period segment stage"]) -> None:
    worst = weeks.contact.max(axis=(0, 2, 3), initial=0.0)
    if (worst > MOST_TOUCHES).any():
        raise InputError(
            f"market {world.name}: channel {plain(world.channels[int(worst.argmax())])!r} touches a person "
            f"{number(worst.max())} times a week, and a log tells {MOST_TOUCHES:,} apart; spend less on it"
        )
    rows, asked = expected_rows(world, weeks, people), people[0].sum() if len(people) else 0.0
    if rows > MOST_ROWS:
        raise InputError(
            f"a touch log of {asked:,.0f} people over {len(people)} weeks would have about {number(rows)} rows, more "
            f"than {number(float(MOST_ROWS))}; log at most {int(asked * MOST_ROWS / rows):,} people, or fewer weeks"
        )


def _standing(world: World, lives: Lives) -> Float[np.ndarray, "period segment stage"]:
    """How many of the people stood where at the start of each week."""
    shape = (len(world.segments), len(world.ladder.stages))
    cells = [lives.panel.segment * shape[1] + stages for stages in (lives.panel.stage, *lives.stages[:-1])]
    counted = [np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape) for cell in cells]
    return np.array(counted[: len(lives.stages)], float).reshape(-1, *shape)


def _law(world: World, weeks: Weeks, seed: int) -> _Law:
    ladder = world.ladder
    by_channel = rates(world, weeks)
    move = np.full((len(ladder.stages), len(ladder.stages)), -1)
    move[ladder.source, ladder.target] = np.arange(len(ladder.moves))
    return _Law(
        causes=np.cumsum(np.moveaxis(weeks.hazard, 1, -1), axis=-1),
        total=weeks.hazard[..., :-1].sum(axis=1) @ ladder.leaves,
        idle=np.moveaxis(by_channel.idle, 1, 0).reshape(len(world.channels), -1),
        late=np.moveaxis(by_channel.moves, 1, 0).reshape(len(world.channels), -1),
        move=move,
        cost=np.pad(touch_costs(world, weeks), ((0, 0), (0, len(UNTOUCHED)))),
        seeds=tuple(int(uniform(seed, Stream.TOUCH, name, np.array([0]))[0] * 2.0**32) for name in world.channels),
    )


def _live(world: World, weeks: Weeks, lives: Lives, some: slice) -> _Life:
    """The lives of some people, person by person."""
    periods = len(weeks.hazard)
    ids, segment = lives.panel.ids[some], lives.panel.segment[some]
    segments = np.repeat(segment, periods)
    period = np.tile(np.arange(periods), ids.size)
    stages = np.concatenate([lives.panel.stage[None, some], lives.stages[:, some]]).T.astype(np.int64)
    before, after = stages[:, :-1].ravel(), stages[:, 1:].ravel()
    return _Life(
        who=np.repeat(ids, periods),
        week=weeks.first + period,
        period=period,
        segment=segments,
        before=before,
        after=after,
        bought=lives.purchases[:, some].T.ravel().astype(np.int64),
        cell=(period * len(world.segments) + segments) * len(world.ladder.stages) + before,
    )


def _log_some(world: World, weeks: Weeks, law: _Law, life: _Life, seed: int) -> dict[str, np.ndarray]:
    """The columns of some people's log."""
    moved = np.flatnonzero(life.before != life.after)
    moves, turn = _moves(world, law, life, moved, seed)
    idle, late = zip(*(_touches(law, life, moved, turn, channel) for channel in range(len(law.seeds))), strict=True)
    parts = [*idle, _baskets(world, law, life, turn, seed), moves, *late]
    rows = _Rows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    order = np.lexsort((rows.moment, rows.place))  # what happens in one moment stays in the order of its parts
    rows = _Rows(*(column[order] for column in rows))
    period = life.period[rows.place]
    first = np.datetime64(world.start_date, "us") + WEEK * weeks.first
    return {
        "person": life.who[rows.place].astype(np.int64),
        "time": first + (period * WEEK + np.floor(rows.moment * WEEK).astype(np.int64)),
        "week": life.week[rows.place].astype(np.int32),
        "channel": rows.channel.astype(np.int16),
        "cost": law.cost[period, rows.channel],
        "stage_before": rows.before.astype(np.int8),
        "stage_after": rows.after.astype(np.int8),
        "converted": rows.converted,
        "value": weeks.each[period, life.segment[rows.place]] * rows.converted,
        "true_cause": np.where(rows.caused, rows.channel, -1).astype(np.int16),
    }


def _moves(
    world: World, law: _Law, life: _Life, moved: Int[np.ndarray, " moved"], seed: int
) -> tuple[_Rows, Float[np.ndarray, " place"]]:
    """A row for each move, and the moment of every place's move, 1 where there is none."""
    before, after = life.before[moved], life.after[moved]
    event = law.move[before, after]
    luck = draw(seed, Stream.CAUSE, life.who[moved], life.week[moved])
    cause = _choose(world, law, life, (moved, event), luck[0])
    total = law.total[life.period[moved], life.segment[moved], before]
    turn = np.ones(life.who.size)
    turn[moved] = np.minimum(-np.log1p(luck[1] * np.expm1(-total)) / total, LATEST)
    bought = event == world.ladder.event("buy")
    return _Rows(moved, turn[moved], cause, before, after, bought, np.ones(moved.size, bool)), turn


def _baskets(world: World, law: _Law, life: _Life, turn: Float[np.ndarray, " place"], seed: int) -> _Rows:
    """A row for each further purchase; who moves in the week buys before that."""
    place, nth = _each(life.bought)
    luck = draw(seed, Stream.BASKET, life.who[place], life.week[place] * NUMBERED + nth)
    event = np.where(buyers(world)[life.before[place]] > 0, world.ladder.event("repeat"), -1)
    cause = _choose(world, law, life, (place, event), luck[0])
    stage, always = life.before[place], np.ones(place.size, bool)
    return _Rows(place, luck[1] * turn[place], cause, stage, stage, always, always)


def _touches(
    law: _Law, life: _Life, moved: Int[np.ndarray, " moved"], turn: Float[np.ndarray, " place"], channel: int
) -> tuple[_Rows, _Rows]:
    """Rows of a channel's touches that caused nothing: without effect, and too late to have one."""
    seed, never = law.seeds[channel], turn[moved]
    luck = draw(seed, Stream.TOUCH, life.who, life.week)
    idle, nth_idle = _each(poisson(luck[0], law.idle[channel], life.cell))
    pace = law.late[channel][life.cell[moved]] * (1 - never)
    late, nth_late = _each(poisson(luck[1][moved], pace, np.arange(moved.size)))
    late = moved[late]
    when = draw(seed, Stream.MOMENT, life.who[idle], life.week[idle] * NUMBERED + nth_idle)[0]
    later = draw(seed, Stream.MOMENT, life.who[late], life.week[late] * NUMBERED + nth_late)[1]
    later = np.minimum(turn[late] + later * (1 - turn[late]), LATEST)
    stage = np.where(when > turn[idle], life.after[idle], life.before[idle])
    nothing, neither = np.zeros(idle.size, bool), np.zeros(late.size, bool)
    return (
        _Rows(idle, when, np.full(idle.size, channel), stage, stage, nothing, nothing),
        _Rows(late, later, np.full(late.size, channel), life.after[late], life.after[late], neither, neither),
    )


def _choose(
    world: World,
    law: _Law,
    life: _Life,
    happened: tuple[Int[np.ndarray, " event"], Int[np.ndarray, " event"]],
    luck: Float[np.ndarray, " event"],
) -> Int[np.ndarray, " event"]:
    """The true cause of each event, one of them with its part of the hazard."""
    place, event = happened
    known = np.maximum(event, 0)
    upto = law.causes[life.period[place], life.segment[place], known]
    wrong = np.flatnonzero((event < 0) | ~(upto[:, -1] > 0))
    if wrong.size:
        at, stages = place[wrong[0]], world.ladder.stages
        raise InputError(
            f"person {life.who[at]} in week {life.week[at]} went from {stages[life.before[at]]} to "
            f"{stages[life.after[at]]} with {life.bought[at]} purchases, which the week's hazards rule out; "
            f"give the weeks that these people lived"
        )
    return (luck[:, None] * upto[:, -1:] >= upto).sum(axis=1)


def _each(count: Int[np.ndarray, " place"]) -> tuple[Int[np.ndarray, " one"], Int[np.ndarray, " one"]]:
    """The place of each thing counted, and its number there from 0."""
    place = np.repeat(np.arange(count.size), count)
    return place, np.arange(place.size) - np.repeat(np.cumsum(count) - count, count)
