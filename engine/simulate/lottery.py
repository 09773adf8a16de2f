"""A week's odds as thresholds on 32-bit words, and what a person's two words then decide.

Word 0 decides the move. Moves that advance are stacked from 0 up, those that regress from the top down, so
that more of a touch can only turn a stay, or a step back, into a step ahead: two runs that differ a little
differ for few people. Word 1 decides further purchases by the inverse distribution function of Poisson's law.
Each probability is exact to 2**-32.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8, UInt32
from scipy.special import gammainc

from engine.axes import Array
from engine.double import jnp
from engine.errors import InputError
from engine.simulate.records import World
from engine.words import number

WORD = 2.0**32
MOST = 64  # further purchases of a person in a week that can be told apart
DEPTHS = (2, 4, 6, 8, 12, 16, 24, 32, 48, MOST)  # numbers of thresholds that programs are compiled for


class Rules(NamedTuple):
    """A ladder as plain numbers that compare by value, so that every process compiles its program once."""

    stages: int
    moves: tuple[tuple[int, int, bool], ...]  # source, target, whether it advances
    buyers: tuple[int, int]  # the places of customers and advocates
    segments: int

    def leaving(self, stage: int, advances: bool) -> list[int]:
        """The moves that leave a stage in one direction, the one at the word's end first.

        Among steps back that is the last of the ladder, the farthest from purchase, so that a weaker pull back
        makes no person's step the worse one.
        """
        some = [index for index, (source, _, ahead) in enumerate(self.moves) if (source, ahead) == (stage, advances)]
        return some if advances else some[::-1]


class Odds(NamedTuple):
    """Thresholds of a week: word 0 below `moves`, or its complement for moves back; word 1 below `purchases`."""

    moves: UInt32[np.ndarray, "segment move"]  # of this and all moves nearer to the word's end
    purchases: UInt32[np.ndarray, "segment buyer threshold"]  # of customers and advocates; k: k + 1 or more


def rules(world: World) -> Rules:
    """The rules of a world's ladder."""
    ladder = world.ladder
    moves = zip(ladder.source.tolist(), ladder.target.tolist(), ladder.moves, strict=True)
    return Rules(
        stages=len(ladder.stages),
        moves=tuple((source, target, move.advances) for source, target, move in moves),
        buyers=(ladder.stage("customer"), ladder.stage("advocate")),
        segments=len(world.segments),
    )


def odds(world: World, hazard: Float[np.ndarray, "segment event"]) -> Odds:
    """The thresholds that a week's hazards ask for.

    Args:
        hazard: The sum over all causes, per person [1/week].

    Raises:
        InputError: A hazard is no number, or people buy more often than can be told apart.
    """
    if not (np.isfinite(hazard).all() and (hazard >= 0).all()):
        raise InputError(f"market {world.name}: a week's hazards hold {hazard.min():g}; check its calendar and effects")
    law, ladder = rules(world), world.ladder
    total = hazard[:, :-1] @ ladder.leaves  # [segment stage]
    share = np.divide(-np.expm1(-total), total, out=np.ones_like(total), where=total > 0)
    chance = hazard[:, :-1] * share[:, ladder.source]
    stacked = np.zeros_like(chance)
    for stage in range(law.stages):
        for advances in (True, False):
            leaving = law.leaving(stage, advances)
            stacked[:, leaving] = np.cumsum(chance[:, leaving], axis=1)
    pace = hazard[:, -1:] * np.array([1.0, float(world.hazards.advocate_repeat)])  # [segment buyer]
    return Odds(_words(stacked), _tails(world, pace))


def _tails(world: World, pace: Float[np.ndarray, "segment buyer"]) -> UInt32[np.ndarray, "segment buyer threshold"]:
    """P(X >= k) of Poisson's law for k = 1, 2, ... as long as any is worth a word, as one of a few depths."""
    tails = _words(gammainc(np.arange(1.0, MOST + 2), pace[:, :, None]))
    needed = int(tails.any(axis=(0, 1)).sum())
    if needed > MOST:
        worst = int(pace.max(axis=1).argmax())
        raise InputError(
            f"market {world.name}: people of {world.segments[worst]} buy {number(float(pace.max()))} times a week, and "
            f"agents tell at most {MOST} purchases apart; count in larger baskets, or use --engine mean"
        )
    return tails[:, :, : next(depth for depth in DEPTHS if depth >= needed)]


def _words(share: Float[np.ndarray, "*shape"]) -> UInt32[np.ndarray, "*shape"]:
    """Probabilities as thresholds: a word is below one with this probability, to 2**-32."""
    return np.minimum(np.round(share * WORD), WORD - 1).astype(np.uint32)


def move(
    law: Rules, stage: UInt8[Array, " person"], word: UInt32[Array, " person"], moves: UInt32[Array, "move *each"]
) -> UInt8[Array, " person"]:
    """The stage after the week, by the thresholds of one segment or of each person; stages that are none are kept.

    Thresholds are chosen by comparison, not looked up: a chain of selections fills vector registers, a gather
    does not. Later selections overrule earlier ones, so the move nearest to the word's end comes last.
    """
    here = stage.astype(jnp.uint32)
    after = here
    for advances, luck in ((False, ~word), (True, word)):
        leaving = [law.leaving(source, advances) for source in range(law.stages)]
        for place in reversed(range(max(map(len, leaving)))):
            limit, target = jnp.zeros_like(here), here
            for source, some in enumerate(leaving):
                if place < len(some):
                    limit = jnp.where(here == source, moves[some[place]], limit)
                    target = jnp.where(here == source, jnp.uint32(law.moves[some[place]][1]), target)
            after = jnp.where(luck < limit, target, after)
    return after.astype(jnp.uint8)


def purchases(
    law: Rules,
    stage: UInt8[Array, " person"],
    word: UInt32[Array, " person"],
    tails: UInt32[Array, "buyer threshold *each"],
) -> UInt8[Array, " person"]:
    """Further purchases in a week of people who are in `stage` at its start; thresholds as for `move`."""
    customer, advocate = (stage == place for place in law.buyers)
    bought = jnp.zeros_like(stage)
    for threshold in range(tails.shape[1]):
        limit = jnp.where(customer, tails[0, threshold], jnp.where(advocate, tails[1, threshold], jnp.uint32(0)))
        bought = bought + (word < limit).astype(jnp.uint8)
    return bought


def apportion(share: Float[np.ndarray, " part"], whole: int) -> Int[np.ndarray, " part"]:
    """Whole numbers in proportion to shares, by largest remainders; they add up to `whole`.

    >>> apportion(np.array([0.5, 0.25, 0.25]), 7).tolist()
    [3, 2, 2]
    """
    wanted = share / share.sum() * whole
    had = np.floor(wanted + 1e-5)  # what is a whole number but for rounding is one
    left = whole - int(had.sum())
    order = np.argsort(had - wanted, kind="stable")
    had[order[:left]] += 1
    return had.astype(np.int64)
