"""Event by event: people one at a time, on exponential clocks, as an independent check of the other engines.

Every person lives in a process of its own. At the start of a week one clock for each cause and move starts;
the first to ring within the week moves the person, and names the true cause of the move. Further purchases
ring on clocks of their own. Opportunities wait in line for one of the sales team's slots, first come first
served, and lose patience on a clock. Nothing here knows h / H (1 - exp(-H)), nor the fluid law of the
queue: the law of the mean field has to come out.
"""

import dataclasses
from collections.abc import Callable, Generator
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np
import simpy
from jaxtyping import Float, Int

from engine.axes import Array
from engine.double import jnp
from engine.errors import InputError
from engine.simulate.journey import Week, expose, money_each, told_week, watch
from engine.simulate.lottery import apportion
from engine.simulate.records import Trajectory, World

MOST = 50_000  # people: more take minutes a year
NOBODY = -2  # the cause that stands last but one: the journey itself


class EventRun(NamedTuple):
    """What happened to the people of an event-by-event run."""

    people: Int[np.ndarray, "period segment stage"]  # at the end of the week
    caused: Int[np.ndarray, "period cause segment event"]  # moves and repeat purchases by true cause
    told: Trajectory  # the same in terms of the population


class Team(NamedTuple):
    """A sales team and the line in front of it."""

    slots: simpy.Resource  # opportunities worked at a time
    patience: float  # mean wait after which an opportunity is lost [weeks]
    stage: int  # of opportunities
    lose: int  # the move of those who lose patience


@dataclasses.dataclass
class Board:
    """What everybody can see in a running week; the one thing here that changes."""

    hazard: Float[np.ndarray, "cause segment event"]
    monday: simpy.Event
    ends: float
    people: Int[np.ndarray, "segment stage"]
    caused: Int[np.ndarray, "cause segment event"]
    team: Team | None


def simulate_events(
    world: World,
    spend: Float[Array, "period channel"],
    people: int,
    seed: int,
    tell: Callable[[str], None] = lambda _: None,
) -> EventRun:
    """A run of some people, who stand for the whole population, from the start of the world's history.

    Args:
        spend: Money that may be spent [currency/week].
        people: Number simulated; each segment gets its share, rounded.
        seed: Of all luck; a person's clocks of a week depend on seed, person and week alone, so plans share them.
        tell: Hears of each week.

    Raises:
        InputError: Nobody or too many are asked for, or so few that a sales team has not a slot for them.
    """
    if not 1 <= people <= MOST:
        raise InputError(f"{people} people are asked for event by event; ask for 1 to {MOST:,}, or use --engine agents")
    clock = simpy.Environment()
    shares = np.asarray(world.start.people)
    sizes = apportion(shares.sum(axis=1), people)
    first = np.stack([apportion(row, int(size)) for row, size in zip(shares, sizes, strict=True)])
    causes = len(world.channels) + 2
    nothing = np.zeros((causes, len(world.segments), len(world.ladder.events)))
    board = Board(nothing, clock.event(), 0.0, first.copy(), nothing.astype(int), _team(clock, world, people))
    cells = np.repeat(np.arange(first.size), first.ravel())
    for who, place in enumerate(zip(*(axis.tolist() for axis in np.unravel_index(cells, first.shape)), strict=True)):
        clock.process(_live(clock, board, (seed, who), world, place))
    weeks: list[tuple[np.ndarray, np.ndarray, Week]] = []
    clock.process(_weeks(clock, board, world, np.asarray(spend, float), weeks.append))
    done = len(spend)
    for week in range(done):
        tell(f"week {week + 1} of {done}")
        clock.run(until=week + 1.5)
    counted, caused, told = zip(*weeks, strict=True)
    whole = {name: np.stack([np.asarray(getattr(week, name)) for week in told]) for name in Week._fields}
    shares = jnp.asarray(np.stack([first, *counted]) / people)
    end = dataclasses.replace(watch(world, jnp.asarray(spend), shares[:-1]).after, people=shares[-1])
    return EventRun(np.stack(counted), np.stack(caused), Trajectory(**whole, end=end))


def _team(clock: simpy.Environment, world: World, people: int) -> Team | None:
    if world.sales is None:
        return None
    slots, ladder = float(world.sales.slots) * people / float(world.population), world.ladder
    if slots < 1:
        least = int(np.ceil(float(world.population) / float(world.sales.slots)))
        raise InputError(
            f"market {world.name}: for {people} firms the sales team has {slots:.2g} slots; ask for {least} or more"
        )
    patience = 1 / float(world.sales.abandon)
    return Team(simpy.Resource(clock, round(slots)), patience, ladder.stage("opportunity"), ladder.event("lose"))


def _weeks(
    clock: simpy.Environment,
    board: Board,
    world: World,
    spend: Float[np.ndarray, "period channel"],
    told: Callable[[tuple[np.ndarray, np.ndarray, Week]], None],
) -> Generator[simpy.Event, None, None]:
    """Every week: hazards from the people as they are, then everybody's clocks, then the count."""
    unlimited, state = dataclasses.replace(world, sales=None), world.start
    total = board.people.sum()
    for money in spend:
        state = dataclasses.replace(state, people=jnp.asarray(board.people / total))
        seen = _expose(unlimited, state, jnp.asarray(money))
        board.hazard, board.caused = np.asarray(seen.hazard), np.zeros_like(board.caused)
        each = np.asarray(money_each(world, state.week))
        monday, board.monday, board.ends = board.monday, clock.event(), clock.now + 1.0
        monday.succeed()
        yield clock.timeout(1.0)
        state = seen.after
        told(
            (board.people.copy(), board.caused, told_week(world, seen, board.people, board.caused.astype(float), each))
        )


def _live(
    clock: simpy.Environment, board: Board, key: tuple[int, int], world: World, place: tuple[int, int]
) -> Generator[simpy.Event, object, None]:
    """One person's life: at most one move a week, any number of further purchases."""
    ladder, repeat, segment, stage = world.ladder, world.ladder.event("repeat"), *place
    pace_of = {ladder.stage("customer"): 1.0, ladder.stage("advocate"): float(world.hazards.advocate_repeat)}
    slot = None
    yield board.monday
    while True:
        following, luck = board.monday, np.random.default_rng([*key, int(clock.now)])
        moves = np.flatnonzero(stage == ladder.source)
        rates = board.hazard[:, segment, moves]
        waits = luck.exponential(size=rates.shape) / np.maximum(rates, 1e-300)
        if stage in pace_of:
            board.caused[:, segment, repeat] += _rings(luck, pace_of[stage] * board.hazard[:, segment, repeat])
        if board.team and stage == board.team.stage:
            slot = slot or board.team.slots.request()
        cause, move = yield from _week(clock, board, luck.exponential(), waits, slot)
        if move >= 0:
            event = board.team.lose if cause < 0 and board.team else moves[move]
            _let_go(board, slot)
            slot = None
            board.caused[cause if cause >= 0 else NOBODY, segment, event] += 1
            board.people[segment, stage] -= 1
            stage = int(ladder.target[event])
            board.people[segment, stage] += 1
        yield following


def _week(
    clock: simpy.Environment,
    board: Board,
    patience: float,
    waits: Float[np.ndarray, "cause move"],
    slot: simpy.Event | None,
) -> Generator[simpy.Event, object, tuple[int, int]]:
    """A person's week until the first clock rings: its cause and move; cause -1 for lost patience, move -1 for none.

    Who stands in line waits until served, out of patience, or the week is over.

    Args:
        patience: As a multiple of the mean.
        waits: From being served on [weeks].
    """
    if slot is not None and board.team and not slot.triggered:
        patience, left = patience * board.team.patience, board.ends - clock.now
        yield slot | clock.timeout(min(patience, left))
        if not slot.triggered:
            return -1, 0 if patience < left else -1
    if not waits.size:
        return 0, -1
    cause, move = np.unravel_index(int(waits.argmin()), waits.shape)
    if clock.now + waits[cause, move] >= board.ends:
        return 0, -1
    yield clock.timeout(float(waits[cause, move]))
    return int(cause), int(move)


def _let_go(board: Board, slot: Any) -> None:
    """Give a slot back, or leave the line."""
    if slot is not None and board.team and slot.triggered:
        board.team.slots.release(slot)
    elif slot is not None:
        slot.cancel()


def _rings(luck: np.random.Generator, pace: Float[np.ndarray, " cause"]) -> Int[np.ndarray, " cause"]:
    """How often each clock rings in a week when it is set again after every ring."""
    rings = np.zeros(pace.size, int)
    for cause in np.flatnonzero(pace > 0):
        passed = luck.exponential() / pace[cause]
        while passed < 1.0:
            rings[cause] += 1
            passed += luck.exponential() / pace[cause]
    return rings


_expose = eqx.filter_jit(expose)
