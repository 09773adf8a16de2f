"""Randomness keyed by event: the same word for the same event, whatever else happens or is asked first.

word = threefry2x32(key = (seed, stream), counter = (who, week)), read by inverse distribution functions
only, so two runs that differ in one thing share all other luck. Source of the generator: Salmon, Moraes,
Dror, Shaw (2011), Parallel random numbers: as easy as 1, 2, 3.
"""

import functools
import zlib
from enum import IntEnum

import numpy as np
from jax.extend.random import threefry_2x32
from jaxtyping import Float, Int, UInt32
from scipy.special import gammainc, ndtri

from engine.axes import Array
from engine.double import jax, jnp

BLOCK = 2048  # events drawn at once, so that draws of every length share a compiled program
DRAWN = 2**15  # the same where there are many
ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))  # bits, of the four rounds between two injections of the key
PARITY = 0x1BD11BDA  # the third word of the key is the exclusive or of the other two and this


class Stream(IntEnum):
    """One stream of luck for each kind of event."""

    SPEND_WEEK = 1
    SPEND_QUARTER = 2
    SPEND_PHASE = 3
    CONTROL = 4
    OUTCOME = 5
    NEWS = 6
    LIFE = 7  # word 0 decides a person's move of the week, word 1 the further purchases
    SEAT = 8  # where the crowd of an agents' run starts
    MISSING = 9  # which cells of spend were never recorded
    LIFT = 10  # what the groups of a lift test bring
    CAUSE = 11  # of a move: word 0 its true cause, word 1 its moment
    BASKET = 12  # of a further purchase: word 0 its true cause, word 1 its moment
    TOUCH = 13  # of a channel: word 0 how many touches had no effect, word 1 how many came too late for one
    MOMENT = 14  # of a touch of a channel: word 0 when it had no effect, word 1 when it came too late for one


def uniform(seed: int, stream: Stream, who: str, week: Int[np.ndarray, " event"]) -> Float[np.ndarray, " event"]:
    """One number in (0, 1) for each event; `who` is a name, so order and number of others do not matter.

    >>> later = uniform(1, Stream.CONTROL, "price", np.array([7, 8]))
    >>> bool(later[1] == uniform(1, Stream.CONTROL, "price", np.array([8]))[0])
    True
    """
    key = jnp.array([seed & 0xFFFFFFFF, int(stream)], jnp.uint32)
    filled = np.pad(week, (0, -week.size % BLOCK))
    counter = np.concatenate([np.full(filled.size, zlib.crc32(who.encode())), filled % 2**32]).astype(np.uint32)
    word = np.asarray(threefry_2x32(key, jnp.asarray(counter)), np.float64)[: week.size]
    return (word + 0.5) / 2.0**32


def words(
    seed: UInt32[Array, ""], stream: Stream, who: UInt32[Array, " *event"], week: UInt32[Array, ""]
) -> tuple[UInt32[Array, " *event"], UInt32[Array, " *event"]]:
    """Two 32-bit words for each event of numbered people in a week; to be called inside a compiled function.

    The same generator as above with its 20 rounds written out: XLA fuses them with whatever reads the words,
    which is several times faster on a CPU than a rolled loop that has to store them. Rounds by 4, with the
    key injected after each: Salmon et al. (2011), section 4.1.

    Args:
        who: Numbers of people.
    """
    key = (seed, jnp.uint32(stream), seed ^ jnp.uint32(stream) ^ jnp.uint32(PARITY))
    first, second = who + key[0], jnp.broadcast_to(week, who.shape) + key[1]
    for turn in range(5):
        for bits in ROTATIONS[turn % 2]:
            first = first + second
            second = first ^ ((second << jnp.uint32(bits)) | (second >> jnp.uint32(32 - bits)))
        first = first + key[(turn + 1) % 3]
        second = second + key[(turn + 2) % 3] + jnp.uint32(turn + 1)
    return first, second


def normal(seed: int, stream: Stream, who: str, week: Int[np.ndarray, " event"]) -> Float[np.ndarray, " event"]:
    """One standard normal number for each event."""
    return ndtri(uniform(seed, stream, who, week))


def draw(
    seed: int, stream: Stream, who: Int[np.ndarray, " event"], when: Int[np.ndarray, " event"]
) -> Float[np.ndarray, "word event"]:
    """Two numbers in (0, 1) for each event of a numbered person at a numbered time, each modulo 2**32."""
    luck = np.empty((2, who.size))
    for first in range(0, who.size, DRAWN):
        size = min(DRAWN, who.size - first)
        counter = np.zeros((2, DRAWN), np.uint32)
        counter[:, :size] = who[first : first + size], when[first : first + size]
        luck[:, first : first + size] = np.stack(_draw(np.uint32(seed), *counter, stream=stream))[:, :size]
    return (luck + 0.5) / 2.0**32


@functools.partial(jax.jit, static_argnames="stream")
def _draw(
    seed: UInt32[Array, ""], who: UInt32[Array, " event"], when: UInt32[Array, " event"], *, stream: Stream
) -> tuple[UInt32[Array, " event"], UInt32[Array, " event"]]:
    return jax.vmap(lambda one, then: words(seed, stream, one, then))(who, jnp.asarray(when))


def poisson(
    luck: Float[np.ndarray, " event"], mean: Float[np.ndarray, " cell"], cell: Int[np.ndarray, " event"]
) -> Int[np.ndarray, " event"]:
    """Poisson numbers by inverse distribution function: more than k where luck is below P(X > k).

    Args:
        luck: In (0, 1).
        mean: Of each cell, at least 0.
        cell: Of each event.

    >>> poisson(np.array([0.9, 0.5, 0.01]), np.array([1.0]), np.array([0, 0, 0])).tolist()
    [0, 1, 4]
    """
    count = np.zeros(luck.size, np.int64)
    left, k = np.arange(luck.size), 0
    while left.size:
        k += 1
        left = left[luck[left] < gammainc(k, mean)[cell[left]]]
        count[left] = k
    return count
