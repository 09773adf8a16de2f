"""Channels as players: every coalition of them, and what each is worth on average (Shapley 1953)."""

from math import factorial

import numpy as np
from jaxtyping import Bool, Float

MOST = 12  # channels of which every coalition is played: 4096


def coalitions(count: int) -> Bool[np.ndarray, "coalition channel"]:
    """Who plays: every coalition of up to `MOST` channels; of more, nobody, each alone, all but each, and all.

    Row r of every coalition has channel c where bit c of r is set.

    >>> coalitions(2).astype(int).tolist()
    [[0, 0], [1, 0], [0, 1], [1, 1]]
    """
    if count <= MOST:
        return (np.arange(2**count)[:, None] >> np.arange(count)) % 2 == 1
    one = np.eye(count, dtype=bool)
    nobody = np.zeros((1, count), bool)
    return np.concatenate([nobody, one, ~one, ~nobody])


def row_of(who: Bool[np.ndarray, "coalition channel"], wanted: Bool[np.ndarray, " channel"]) -> int:
    """The row of one coalition."""
    return int(np.flatnonzero((who == wanted).all(axis=1))[0])


def alone(
    who: Bool[np.ndarray, "coalition channel"], worth: Float[np.ndarray, "coalition *measure"]
) -> Float[np.ndarray, "channel *measure"]:
    """Add-one-in: the worth of each channel alone, less that of nobody."""
    one = np.eye(who.shape[1], dtype=bool)
    return worth[[row_of(who, each) for each in one]] - worth[row_of(who, np.zeros(len(one), bool))]


def missing(
    who: Bool[np.ndarray, "coalition channel"], worth: Float[np.ndarray, "coalition *measure"]
) -> Float[np.ndarray, "channel *measure"]:
    """Leave-one-out: the worth of all channels, less that of all but each."""
    one = np.eye(who.shape[1], dtype=bool)
    return worth[row_of(who, np.ones(len(one), bool))] - worth[[row_of(who, ~each) for each in one]]


def shapley(
    who: Bool[np.ndarray, "coalition channel"], worth: Float[np.ndarray, "coalition *measure"]
) -> Float[np.ndarray, "channel *measure"] | None:
    """What each channel adds, in the mean over all orders in which channels could be added one by one; exact.

    Channel c gets the sum over coalitions S without c of |S|! (n - |S| - 1)! / n! (worth(S + c) - worth(S)),
    and all of them together the worth of all less that of nobody. None if not every coalition was played.

    >>> shapley(coalitions(2), np.array([1.0, 3.0, 4.0, 10.0])).tolist()
    [4.0, 5.0]
    """
    rows, count = who.shape
    if rows != 2**count:
        return None
    weight = np.array([factorial(size) * factorial(count - size - 1) / factorial(count) for size in range(count)])
    gains = [np.zeros(worth.shape[1:])] * count
    for channel in range(count):
        having = np.flatnonzero(who[:, channel])
        added = worth[having] - worth[having - 2**channel]
        gains[channel] = np.tensordot(weight[who[having].sum(axis=1) - 1], added, axes=1)
    return np.stack(gains) if gains else np.zeros((0, *worth.shape[1:]))
