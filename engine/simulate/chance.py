"""Randomness keyed by event: the same word for the same event, whatever else happens or is asked first.

word = threefry2x32(key = (seed, stream), counter = (who, week)), read by inverse distribution functions
only, so two runs that differ in one thing share all other luck. Source of the generator: Salmon, Moraes,
Dror, Shaw (2011), Parallel random numbers: as easy as 1, 2, 3.
"""

import zlib
from enum import IntEnum

import jax.numpy as jnp
import numpy as np
from jax.extend.random import threefry_2x32
from jaxtyping import Float, Int
from scipy.special import ndtri

BLOCK = 2048  # events drawn at once, so that draws of every length share a compiled program


class Stream(IntEnum):
    """One stream of luck for each kind of event."""

    SPEND_WEEK = 1
    SPEND_QUARTER = 2
    SPEND_PHASE = 3
    CONTROL = 4
    OUTCOME = 5


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


def normal(seed: int, stream: Stream, who: str, week: Int[np.ndarray, " event"]) -> Float[np.ndarray, " event"]:
    """One standard normal number for each event."""
    return ndtri(uniform(seed, stream, who, week))
