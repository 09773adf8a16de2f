"""Event by event: people one at a time, on exponential clocks, as an independent check of the mean field.

Every person lives in a process of its own. At the start of a week one clock for each cause and move starts;
the first to ring within the week moves the person, and names the true cause of the move. Further purchases
ring on clocks of their own. Nothing here knows h / H (1 - exp(-H)): the mean field's law has to come out.
"""

import dataclasses
from collections.abc import Generator
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import simpy
from jaxtyping import Float, Int

from engine.axes import Array
from engine.simulate.journey import expose
from engine.simulate.records import World


class Counts(NamedTuple):
    """What happened to the people of an event-by-event run."""

    people: Int[np.ndarray, "period segment stage"]  # at the end of the week
    caused: Int[np.ndarray, "period cause segment event"]  # moves and repeat purchases by true cause


@dataclasses.dataclass
class Board:
    """What everybody can see in a running week; the one thing here that changes."""

    hazard: Float[np.ndarray, "cause segment event"]
    monday: simpy.Event
    people: Int[np.ndarray, "segment stage"]
    caused: Int[np.ndarray, "cause segment event"]


def simulate_events(world: World, spend: Float[Array, "period channel"], people: int, seed: int) -> Counts:
    """A run of some people, who stand for the whole population, from the start of the world's history.

    Args:
        people: Number simulated; each segment gets its share, rounded.
        seed: Of the generator that sets every clock.
    """
    luck = np.random.default_rng(seed)
    clock = simpy.Environment()
    first = _crowd(np.asarray(world.start.people) * people)
    causes = len(world.channels) + 2
    nothing = np.zeros((causes, len(world.segments), len(world.ladder.events)))
    board = Board(nothing, clock.event(), first.copy(), nothing.astype(int))
    for segment, row in enumerate(first):
        for stage, count in enumerate(row):
            for _ in range(count):
                clock.process(_live(clock, board, luck, world, (segment, stage)))
    weeks: list[Counts] = []
    clock.process(_weeks(clock, board, world, np.asarray(spend, float), weeks))
    clock.run()
    return Counts(np.stack([week.people for week in weeks]), np.stack([week.caused for week in weeks]))


def _crowd(share: Float[np.ndarray, "segment stage"]) -> Int[np.ndarray, "segment stage"]:
    """Whole people close to `share`, the number of each segment kept: largest remainders within it."""
    whole = np.floor(share).astype(int)
    for row, (had, wanted) in enumerate(zip(whole, share, strict=True)):
        missing = round(float(wanted.sum())) - int(had.sum())
        whole[row, np.argsort(had - wanted)[:missing]] += 1
    return whole


def _weeks(
    clock: simpy.Environment, board: Board, world: World, spend: Float[np.ndarray, "period channel"], told: list[Counts]
) -> Generator[simpy.Event, None, None]:
    """Every week: hazards from the people as they are, then everybody's clocks, then the count."""
    state = world.start
    total = board.people.sum()
    for money in spend:
        state = dataclasses.replace(state, people=jnp.asarray(board.people / total))
        seen = _expose(world, state, jnp.asarray(money))
        state = seen.after
        board.hazard, board.caused = np.asarray(seen.hazard), np.zeros_like(board.caused)
        monday, board.monday = board.monday, clock.event()
        monday.succeed()
        yield clock.timeout(1.0)
        told.append(Counts(board.people.copy(), board.caused))


def _live(
    clock: simpy.Environment, board: Board, luck: np.random.Generator, world: World, place: tuple[int, int]
) -> Generator[simpy.Event, None, None]:
    """One person's life: at most one move a week, any number of further purchases."""
    ladder = world.ladder
    customer, advocate, repeat = ladder.stage("customer"), ladder.stage("advocate"), ladder.event("repeat")
    pace_of = {customer: 1.0, advocate: float(world.hazards.advocate_repeat)}
    segment, stage = place
    yield board.monday
    while True:
        following = board.monday
        if stage in pace_of:
            board.caused[:, segment, repeat] += _rings(luck, pace_of[stage] * board.hazard[:, segment, repeat])
        moves = np.flatnonzero(stage == ladder.source)
        rates = board.hazard[:, segment, moves]
        waits = luck.exponential(size=rates.shape) / np.maximum(rates, 1e-300)
        cause, move = np.unravel_index(int(waits.argmin()), waits.shape) if waits.size else (0, 0)
        if waits.size and waits[cause, move] < 1.0:
            yield clock.timeout(float(waits[cause, move]))
            board.caused[cause, segment, moves[move]] += 1
            board.people[segment, stage] -= 1
            stage = int(ladder.target[moves[move]])
            board.people[segment, stage] += 1
        yield following


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
