"""The people of an agents' run: who is in which segment, who starts in which stage, and what some of them did.

Seats are dealt without lots: within a segment, person i takes the seat i x stride + offset modulo the
segment's people, seats being sorted by stage. The stride is prime to the number of people and near its golden
section, so the quotas of stages are exact, and every run of neighbouring numbers is a fair sample of them.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8, UInt32, UInt64

from engine.axes import Array
from engine.double import jax
from engine.errors import InputError
from engine.simulate.chance import Stream, uniform, words
from engine.simulate.lottery import Rules, apportion, move, odds, purchases, rules
from engine.simulate.records import State, World
from engine.words import number

GOLDEN = (math.sqrt(5) - 1) / 2
SEATED = 2**16  # people who are seated at once
NEEDED = 2**29  # bytes that programs, blocks and libraries take, whatever the number of people


class Standing(NamedTuple):
    """A crowd at the end of a week: all that is needed to go on as if it had not been left."""

    state: State
    stages: UInt8[np.ndarray, " person"]


class Panel(NamedTuple):
    """Some people of a crowd."""

    ids: Int[np.ndarray, " person"]
    segment: Int[np.ndarray, " person"]
    stage: UInt8[np.ndarray, " person"]


class Lives(NamedTuple):
    """What the people of a panel did."""

    panel: Panel  # with their stages before the first week
    stages: UInt8[np.ndarray, "period person"]  # at the end of the week
    purchases: UInt8[np.ndarray, "period person"]  # further purchases in the week


def require_room(world: World, people: int, seed: int, weeks: int, memory: int) -> None:
    """Refuse a crowd that is none, cannot be numbered or would not fit.

    Args:
        memory: That may be taken [bytes].

    Raises:
        InputError: With what is needed, what there is, and what to do.
    """
    if people < 1:
        raise InputError(f"{people} agents are asked for; ask for at least 1, or use --engine mean, which needs none")
    if not 0 <= seed < 2**32:
        raise InputError(f"seed is {seed}; write a whole number from 0 to {2**32 - 1}")
    events = len(world.ladder.events) * len(world.segments)
    kept = 8 * weeks * events * (len(world.channels) + 8)
    needed = NEEDED + kept + 2 * people  # as they stand, and as they are worked
    most = min(2**32 - 1, (memory - NEEDED - kept) // 2)
    if needed > memory or people > most:
        raise InputError(
            f"{number(float(people))} agents need {number(needed / 2**30)} GiB of {number(memory / 2**30)} GiB "
            f"allowed; ask for at most {max(most, 0):,} agents, or use --engine mean, which is their limit"
        )


def sizes(world: World, people: int) -> Int[np.ndarray, " segment"]:
    """People of each segment; those of the first have the lowest numbers, and so on."""
    return apportion(np.asarray(world.start.people).sum(axis=1), people)


def seat(world: World, begin: State | Standing, people: int, seed: int) -> UInt8[np.ndarray, " person"]:
    """The stage of everybody before the first week.

    Raises:
        InputError: People as they stand are others than asked for, or in stages that do not exist.
    """
    if isinstance(begin, Standing):
        if len(begin.stages) != people:
            raise InputError(
                f"{people} agents are asked for, but {len(begin.stages)} stand at the start; ask for these"
            )
        if begin.stages.max() >= len(world.ladder.stages):
            raise InputError(
                f"a person stands in stage {begin.stages.max()}, but market {world.name} has the stages 0 to "
                f"{len(world.ladder.stages) - 1}; go on from a run of this market"
            )
        return begin.stages
    stages, last = np.empty(people, np.uint8), 0
    for seats in _deal(world, begin, people, seed):
        for first in range(0, seats.size, SEATED):
            some = np.arange(first, min(first + SEATED, seats.size), dtype=np.uint64)
            stages[last + first : last + first + some.size] = _sit(seats, some)
        last += seats.size
    return stages


def census(
    stages: UInt8[np.ndarray, " person"], crowd: Int[np.ndarray, " segment"], kinds: int
) -> Int[np.ndarray, "segment stage"]:
    """People by segment and stage, counted a few at a time: numpy counts bytes as words eight times as long."""
    held, last = np.zeros((len(crowd), kinds), np.int64), 0
    for segment, size in enumerate(crowd.tolist()):
        first, last = last, last + size
        for begin in range(first, last, SEATED):
            held[segment] += np.bincount(stages[begin : min(begin + SEATED, last)], minlength=kinds)
    return held


def choose(world: World, begin: State | Standing, people: int, seed: int, ids: Int[np.ndarray, " person"]) -> Panel:
    """Some people of a crowd by their numbers, before the first week.

    Raises:
        InputError: A number is nobody's.
    """
    if ids.size and (ids.min() < 0 or ids.max() >= people):
        raise InputError(
            f"people {ids.min()} to {ids.max()} are asked for; the crowd has the numbers 0 to {people - 1}"
        )
    last = np.cumsum(sizes(world, people))
    segment = np.searchsorted(last, ids, side="right")
    if isinstance(begin, Standing):
        return Panel(ids, segment, begin.stages[ids])
    stage = np.zeros(ids.size, np.uint8)
    for place, seats in enumerate(_deal(world, begin, people, seed)):
        here = segment == place
        stage[here] = _sit(seats, (ids[here] - (last[place] - seats.size)).astype(np.uint64))
    return Panel(ids, segment, stage)


class _Seats(NamedTuple):
    """The seats of a segment, sorted by stage."""

    size: int
    stride: int
    offset: int
    edges: list[int]  # the first seat of each stage but the first


def _deal(world: World, state: State, people: int, seed: int) -> list[_Seats]:
    """The seats of every segment."""
    dealt = []
    for name, size, shares in zip(world.segments, sizes(world, people).tolist(), np.asarray(state.people), strict=True):
        luck = uniform(seed, Stream.SEAT, name, np.array([0]))[0]
        edges = np.cumsum(apportion(shares, size))[:-1].tolist()
        dealt.append(_Seats(size, _stride(size), int(luck * size), edges))
    return dealt


def _sit(seats: _Seats, order: UInt64[np.ndarray, " person"]) -> UInt8[np.ndarray, " person"]:
    """The stages of people by their order within the segment."""
    taken = order * np.uint64(seats.stride) + np.uint64(seats.offset)
    taken -= taken // np.uint64(max(seats.size, 1)) * np.uint64(seats.size)
    place = taken.astype(np.uint32)
    stage = np.zeros(place.size, np.uint8)
    for edge in seats.edges:
        stage += place >= np.uint32(edge)
    return stage


def _stride(size: int) -> int:
    """The first number from the golden section of `size` on that is prime to it."""
    stride = max(1, int(size * GOLDEN))
    while math.gcd(stride, size) > 1:
        stride += 1
    return stride


def live_panel(
    world: World, hazard: Float[np.ndarray, "period cause segment event"], panel: Panel, seed: int, week: int
) -> Lives:
    """What the people of a panel do under given hazards, which they do not change.

    Args:
        hazard: Of a run of the agents, then this is what they did in it; or of any other engine.
        week: The first, since the start of the history.
    """
    law, stage = rules(world), panel.stage
    stages, bought = [], []
    for after, total in enumerate(hazard.sum(axis=1)):
        limits = odds(world, total)
        moves, tails = limits.moves[panel.segment].T, np.moveaxis(limits.purchases[panel.segment], 0, -1)
        key = (np.uint32(seed), np.uint32((week + after) % 2**32), panel.ids.astype(np.uint32))
        moved, made = _follow(stage, key, moves, tails, law=law)
        stage = np.asarray(moved)
        stages.append(stage)
        bought.append(np.asarray(made))
    return Lives(panel, np.array(stages, np.uint8), np.array(bought, np.uint8))


@functools.partial(jax.jit, static_argnames="law")
def _follow(
    stage: UInt8[Array, " person"],
    key: tuple[Array, Array, Array],
    moves: UInt32[Array, "move person"],
    tails: UInt32[Array, "buyer threshold person"],
    *,
    law: Rules,
) -> tuple[UInt8[Array, " person"], UInt8[Array, " person"]]:
    seed, week, ids = key
    one, two = words(seed, Stream.LIFE, ids, week)
    return move(law, stage, one, moves), purchases(law, stage, two, tails)
