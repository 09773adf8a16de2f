"""Agents: numbered people one by one, each week's hazards from what all of them are and did before.

People are sorted by segment, so a person is one byte, the stage. The outcome is the same, bit for bit, for
blocks of any size, worked in any order by any number of threads or processes, and after a restart: a
person's words depend on seed, person and week alone, and everything counted is a whole number. Where the mean
field is the limit of many people, this is any number of them, with their luck; two plans share that luck.
"""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Float, Int, UInt8, UInt32, UInt64

from engine.axes import Array
from engine.compiling import known
from engine.double import jax, jnp
from engine.errors import InputError
from engine.simulate.chance import Stream, words
from engine.simulate.crowd import Lives, Standing, census, choose, live_panel, require_room, seat, sizes
from engine.simulate.journey import Exposure, Week, expose, money_each, told_week
from engine.simulate.lottery import Odds, Rules, move, odds, purchases, rules
from engine.simulate.records import State, Trajectory, World
from engine.simulate.world import require_calendar

CHUNKS = {"cpu": 2**22}  # people worked at once, by kind of device
CHUNK = 2**26  # the same on any other, which has to be kept busy
ROW = 2**14  # people whose words fit a processor's nearest memory
HALVINGS = 7  # of a row before its bytes are widened: 128 ones fit a byte
WIDE: dict[str, bool | int | str] = {
    "xla_cpu_prefer_vector_width": "512"
}  # bits; XLA's own choice is 256, a third slower here
NOBODY = 15  # the stage of those who fill up a block


class Block(NamedTuple):
    """Some people of one segment and a week of theirs: all that is needed to work it, here or elsewhere."""

    law: Rules
    seed: int
    week: int
    first: int  # number of the first person
    people: int
    stages: UInt8[Array, " room"]  # of these people, then of nobody; given away to `live`
    moves: UInt32[np.ndarray, " move"]
    tails: UInt32[np.ndarray, "buyer threshold"]


class Part(NamedTuple):
    """A run of neighbouring numbers within a segment."""

    segment: int
    first: int
    people: int


class Worked(NamedTuple):
    """A block after its week."""

    stages: UInt8[Array, " room"]
    counts: Int[np.ndarray, " event"]


def usual_chunk() -> int:
    """People of a block on the device in use."""
    return CHUNKS.get(jax.default_backend(), CHUNK)


@dataclass(frozen=True)
class Work:
    """How a run is worked; nothing here changes what comes out."""

    chunk: int = field(default_factory=usual_chunk)  # people of a block
    memory: int = 4 * 2**30  # that may be taken [bytes]
    every: Callable[[Callable[[Block], Worked], Iterable[Block]], Iterable[Worked]] = map  # or an executor's map
    tell: Callable[[str], None] = lambda _: None  # hears of each week


class AgentRun(NamedTuple):
    """What the agents did: whole numbers of them, and the same in terms of the population."""

    people: Int[np.ndarray, "period segment stage"]  # agents at the end of the week
    flows: Int[np.ndarray, "period segment event"]  # agents who moved, and further purchases
    hazard: Float[np.ndarray, "period cause segment event"]  # that they lived under, per person [1/week]
    told: Trajectory  # each agent stands for population / agents people; causes by expectation, given the flows
    start: State | Standing  # where they began
    seed: int
    end: Standing  # to go on from


def simulate_agents(
    world: World,
    spend: Float[Array, "period channel"],
    people: int,
    seed: int,
    start: State | Standing | None = None,
    work: Work | None = None,
) -> AgentRun:
    """A run of some people, who stand for the whole population.

    Each segment gets its share of them and each stage its share of these, by largest remainders. The counts
    of a week make the next week's word of mouth, shares, queries and queues.

    Args:
        spend: Money that may be spent by week and channel [currency/week], not negative.
        people: Number of agents, below 2**32; one byte each.
        seed: Of all their luck, in [0, 2**32).
        start: Where to go on from: people as they stand, or a state for which they are seated anew; the start
            of the world's history if not given.

    Raises:
        InputError: The plan, the number of people or the calendar does not fit, or memory would not hold them.
    """
    work, begin = work or Work(), world.start if start is None else start
    money = _require(world, spend, begin, work)
    require_room(world, people, seed, money.shape[0], work.memory)
    if people > float(world.population):
        work.tell(f"{people} agents stand for fewer people: the market's population is {float(world.population):g}")
    stages = seat(world, begin, people, seed)
    state = begin.state if isinstance(begin, Standing) else begin
    parts = _parts(sizes(world, people), work.chunk)
    now = census(stages, sizes(world, people), len(world.ladder.stages))
    held = _held(stages, parts)
    del stages  # memory for one crowd less
    weeks: list[tuple[np.ndarray, np.ndarray, np.ndarray, Week]] = []
    for number, paid in enumerate(money):
        work.tell(f"week {number + 1} of {len(money)}")
        state = replace(state, people=jnp.asarray(now / people))
        seen, each = _look(world, state, jnp.asarray(paid))
        hazard = np.asarray(seen.hazard)
        blocks = _blocks(held, parts, odds(world, hazard.sum(axis=0)), (rules(world), seed, int(state.week)))
        flows = np.zeros(hazard.shape[1:], np.int64)
        for place, worked in enumerate(work.every(live, blocks)):
            held[place] = worked.stages
            flows[parts[place].segment] += worked.counts
        now = now + flows[:, :-1] @ world.ladder.change.astype(np.int64)
        state = replace(seen.after, people=jnp.asarray(now / people))
        weeks.append((now, flows, hazard, told_week(world, seen, now, _caused(hazard, flows), np.asarray(each))))
    counted, flown, hazards, told = zip(*weeks, strict=True)
    whole = Trajectory(**{name: np.stack([getattr(week, name) for week in told]) for name in Week._fields}, end=state)
    stages = np.concatenate([np.asarray(some)[: part.people] for some, part in zip(held, parts, strict=True)])
    end = Standing(state, stages)
    return AgentRun(np.stack(counted), np.stack(flown), np.stack(hazards), whole, begin, seed, end)


def replay_panel(world: World, run: AgentRun, ids: Int[np.ndarray, " person"]) -> Lives:
    """What some people of a run did in it, by their numbers, exactly."""
    panel = choose(world, run.start, len(run.end.stages), run.seed, ids)
    return live_panel(world, run.hazard, panel, run.seed, int(run.end.state.week) - len(run.hazard))


def _require(
    world: World, spend: Float[Array, "period channel"], begin: State | Standing, work: Work
) -> Float[np.ndarray, "period channel"]:
    """The plan, if it can be run."""
    money = np.asarray(spend, float)
    if money.ndim != 2 or money.shape[1] != len(world.channels) or not len(money):
        raise InputError(
            f"market {world.name}: spend has the shape {money.shape}; write a week or more by {len(world.channels)} "
            f"channels"
        )
    if not (np.isfinite(money).all() and (money >= 0).all()):
        raise InputError(f"market {world.name}: spend holds {money.min():g}; write finite money of at least 0")
    if work.chunk < 1:
        raise InputError(f"blocks of {work.chunk} people are asked for; ask for at least 1")
    state = begin.state if isinstance(begin, Standing) else begin
    require_calendar(world, int(state.week) + len(money))
    return money


def _parts(crowd: Int[np.ndarray, " segment"], chunk: int) -> list[Part]:
    """Everybody, in runs of at most `chunk`."""
    edges = np.concatenate([[0], np.cumsum(crowd)]).tolist()
    return [
        Part(segment, first, min(chunk, last - first))
        for segment, (begin, last) in enumerate(itertools.pairwise(edges))
        for first in range(begin, last, chunk)
    ]


def _held(stages: UInt8[np.ndarray, " person"], parts: list[Part]) -> list[UInt8[Array, " room"]]:
    """The stages of each part, filled up with nobody to one of a few sizes that programs are compiled for."""
    room = ROW
    while room < max(part.people for part in parts):
        room *= 4  # rows with nobody in them are not worked
    held = []
    for part in parts:
        held.append(np.full(room, NOBODY, np.uint8))
        held[-1][: part.people] = stages[part.first : part.first + part.people]
    return held


def _blocks(
    held: list[UInt8[Array, " room"]], parts: list[Part], week: Odds, key: tuple[Rules, int, int]
) -> Iterator[Block]:
    """The week's work; a part's stages are given away when its block is asked for."""
    for place, (segment, first, people) in enumerate(parts):
        yield Block(*key, first, people, held[place], week.moves[segment], week.purchases[segment])


def live(block: Block) -> Worked:
    """A week of a block's people; nothing else is read or changed, so blocks can be worked anywhere."""
    key = (np.uint32(block.seed), np.uint32(block.week % 2**32), np.uint32(block.first))
    row = ROW if jax.default_backend() == "cpu" else block.stages.size
    rows = np.int32(-(-block.people // row))
    after, counts = _program()(block.stages, key, (block.moves, block.tails), rows, law=block.law, row=row)
    return Worked(after, np.asarray(counts).astype(np.int64))


@functools.cache
def _program() -> Callable[..., tuple[UInt8[Array, " person"], UInt64[Array, " event"]]]:
    """`_live`, compiled for wide vectors where this version of XLA knows how."""
    return jax.jit(_live, static_argnames=("law", "row"), donate_argnums=0, compiler_options=known(WIDE))


def _live(
    stages: UInt8[Array, " person"],
    key: tuple[Array, Array, Array],
    limits: tuple[UInt32[Array, " move"], UInt32[Array, "buyer threshold"]],
    rows: Array,
    *,
    law: Rules,
    row: int,
) -> tuple[UInt8[Array, " person"], UInt64[Array, " event"]]:
    """Row by row: what each person does, packed into 16 bits, and the count of it.

    There is always a row. Because XLA does not know that, it stores what a row's people do; else it would make
    their words again for each of the counts.
    """
    seed, week, first = key
    always = rows > 0

    def lived(stage: Array, ids: Array) -> Array:
        one, two = words(seed, Stream.LIFE, ids, week)
        after = move(law, stage, one, limits[0]).astype(jnp.uint16)
        bought = purchases(law, stage, two, limits[1]).astype(jnp.uint16)
        return (stage.astype(jnp.uint16) << 12) | (after << 8) | bought

    def paired(packed: Array) -> Array:
        return (packed >> 8).astype(jnp.uint8)

    def work(turn: Array, so_far: tuple[Array, Array]) -> tuple[Array, Array]:
        crowd, total = so_far
        begin = turn.astype(jnp.uint32) * row
        stage = jax.lax.dynamic_slice(crowd, (begin,), (row,))
        ids = first + begin + jnp.arange(row, dtype=jnp.uint32)
        packed = jax.lax.cond(always, lived, lambda *_: jnp.zeros(row, jnp.uint16), stage, ids)
        pair = jax.lax.cond(always, paired, lambda _: jnp.zeros(row, jnp.uint8), packed)
        crowd = jax.lax.dynamic_update_slice(crowd, pair & 15, (begin,))
        made = [_sum((pair == source * 16 + target).astype(jnp.uint8)) for source, target, _ in law.moves]
        return crowd, total + jnp.stack([*made, _sum(packed & 255)])

    nothing = jnp.zeros(len(law.moves) + 1, jnp.uint64)
    lives: tuple[Array, Array] = jax.lax.fori_loop(0, rows, work, (stages, nothing))
    return lives


def _sum(small: Array) -> UInt64[Array, ""]:
    """A sum of small numbers, halved in their own narrow type as long as they fit: bytes add fastest."""
    for _ in range(HALVINGS):
        half = small.shape[0] // 2
        small = small[:half] + small[half:]
    return small.sum(dtype=jnp.uint64)


@eqx.filter_jit
def _look(world: World, now: State, money: Float[Array, " channel"]) -> tuple[Exposure, Float[Array, " segment"]]:
    """What the week does to people, and what a purchase brings."""
    return expose(world, now, money), money_each(world, now.week)


def _caused(
    hazard: Float[np.ndarray, "cause segment event"], flows: Int[np.ndarray, "segment event"]
) -> Float[np.ndarray, "cause segment event"]:
    """Counts by true cause, as expected given the counts: in proportion to the causes' hazards."""
    total = hazard.sum(axis=0)
    return flows * np.divide(hazard, total, out=np.zeros_like(hazard), where=total > 0)
