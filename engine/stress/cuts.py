"""Cuts: what there is to spend while the money is cut, one rule for whoever holds a plan and whoever makes it anew.

Cuts that follow each other are one. Its weeks have what is left of their money together: all of it may be spent in the
first of them, and no more than that in all. A cut for ever has no end: there the money of the whole year binds alone.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from engine.stress.levels import Levels
from engine.stress.setting import Setting


class Cuts(NamedTuple):
    """The cuts of some paths, or of all of them alike."""

    inside: Bool[np.ndarray, "#path cut period"]  # the periods of each cut that binds; none where a path has fewer
    pace: Float[np.ndarray, "#path period"]  # of money beside that of other weeks of the same decision


def cuts_of(setting: Setting, world: Levels) -> Cuts:
    """The cuts that bind: with one among them that ends.

    A decision that is cut in part is spent in its weeks by what there is in them, and evenly where all of it is cut.
    """
    periods, edges = setting.periods, setting.grid.edges
    there, ends = np.broadcast_arrays(world.money[:, :periods], world.cut[:, :periods] > 0)
    if not ends.any():
        return Cuts(np.zeros((1, 0, periods), bool), np.ones((1, periods)))
    number = numbered(there < 1)
    every = number[:, None] == np.arange(number.max() + 1)[:, None]
    inside = every & (every & ends[:, None]).any(axis=2, keepdims=True)
    cut = inside.any(axis=1)
    whole = np.repeat(np.logical_and.reduceat(cut, edges[:-1], axis=1), setting.grid.lengths, axis=1)
    return Cuts(inside[:, inside.any(axis=(0, 2))], np.where(cut & ~whole, there, 1.0))


def numbered(cut: Bool[np.ndarray, "path period"]) -> Int[np.ndarray, "path period"]:
    """The number of the cut that a period is in; -1: none.

    >>> numbered(np.array([[True, True, False, True]])).tolist()
    [[0, 0, -1, 1]]
    """
    begins = cut & ~np.pad(cut, ((0, 0), (1, 0)))[:, :-1]
    return np.where(cut, np.cumsum(begins, axis=1) - 1, -1)


def left_of(
    cuts: Cuts, there: Float[np.ndarray, "#path period"], spent: Float[np.ndarray, "path period"], begin: int
) -> Float[np.ndarray, "path cut"]:
    """What can be spent in each cut from a period on; infinite where nothing of it is to come [currency].

    Args:
        cuts: The cuts.
        there: The money that there is [currency/period].
        spent: What is spent; only what is over counts [currency/period].
        begin: The first period to come.
    """
    past = np.einsum("pct,pt->pc", *_alike(cuts.inside[:, :, :begin], spent[:, :begin]))
    left = np.einsum("pct,pt->pc", *_alike(cuts.inside, there)) - past
    found: Float[np.ndarray, "path cut"] = np.where(cuts.inside[:, :, begin:].any(axis=2), np.maximum(left, 0), np.inf)
    return found


def charged(
    cuts: Cuts, share: Float[np.ndarray, "#path channel period"], edges: tuple[int, ...], at: int
) -> Float[np.ndarray, "#path cut channel decision"]:
    """The share of the money of each decision from `at` on that falls into the periods of each cut.

    Args:
        cuts: The cuts.
        share: How money is spread over the periods of its decision.
        edges: The first period of each decision, and the end.
        at: The first decision to come.
    """
    begin, starts = edges[at], np.array(edges[at:-1]) - edges[at]
    own = cuts.inside[:, :, None, begin:] * share[:, None, :, begin:]
    whole = np.add.reduceat(share[:, None, :, begin:], starts, axis=3)
    found: Float[np.ndarray, "#path cut channel decision"] = np.add.reduceat(own, starts, axis=3) / np.where(
        whole > 0, whole, 1.0
    )
    return found


def _alike(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both told for the same paths."""
    count = max(len(one), len(other))
    return np.broadcast_to(one, (count, *one.shape[1:])), np.broadcast_to(other, (count, *other.shape[1:]))
