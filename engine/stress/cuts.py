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
    """What cuts leave to who plans the rest anew."""

    inside: Bool[np.ndarray, "#path cut period"]  # the periods of each cut that binds; none where a path has fewer
    left: Float[np.ndarray, "path cut"]  # what can be spent in it from now on; infinite where it is over [currency]
    pace: Float[np.ndarray, "path period"]  # of money beside that of other weeks of the same decision


def cuts_of(setting: Setting, world: Levels) -> Bool[np.ndarray, "#path cut period"]:
    """The periods of each cut that binds: of those with one among them that ends."""
    there, ends = np.broadcast_arrays(world.money[:, : setting.periods], world.cut[:, : setting.periods] > 0)
    if not ends.any():
        return np.zeros((1, 0, setting.periods), bool)
    number = numbered(there < 1)
    every = number[:, None] == np.arange(number.max() + 1)[:, None]
    inside = every & (every & ends[:, None]).any(axis=2, keepdims=True)
    found: Bool[np.ndarray, "#path cut period"] = inside[:, inside.any(axis=(0, 2))]
    return found


def numbered(cut: Bool[np.ndarray, "path period"]) -> Int[np.ndarray, "path period"]:
    """The number of the cut that a period is in; -1: none.

    >>> numbered(np.array([[True, True, False, True]])).tolist()
    [[0, 0, -1, 1]]
    """
    begins = cut & ~np.pad(cut, ((0, 0), (1, 0)))[:, :-1]
    return np.where(cut, np.cumsum(begins, axis=1) - 1, -1)


def left_of(
    inside: Bool[np.ndarray, "#path cut period"],
    there: Float[np.ndarray, "#path period"],
    spent: Float[np.ndarray, "path period"],
    begin: int,
) -> Float[np.ndarray, "path cut"]:
    """What can be spent in each cut from a period on; infinite where nothing of it is to come [currency].

    Args:
        inside: The periods of each cut.
        there: The money that there is [currency/period].
        spent: What is spent; only what is over counts [currency/period].
        begin: The first period to come.
    """
    left = _within(inside, there) - _within(inside[:, :, :begin], spent[:, :begin])
    found: Float[np.ndarray, "path cut"] = np.where(inside[:, :, begin:].any(axis=2), np.maximum(left, 0), np.inf)
    return found


def pace_of(
    setting: Setting,
    inside: Bool[np.ndarray, "#path cut period"],
    money: tuple[Float[np.ndarray, "path cut"], Float[np.ndarray, " path"]],
    planned: Float[np.ndarray, "#path period"],
) -> Float[np.ndarray, "path period"]:
    """How fast the weeks of a cut are spent beside those around it, in decisions that are cut in part; else 1.

    As fast as what is left for each goes beside what was planned for it. So money that others leave has weeks to go to.

    Args:
        setting: The plan.
        inside: The periods of each cut.
        money: What is left for each cut, and for all other weeks to come [currency].
        planned: What was planned for the weeks to come; 0 where nothing can be bought [currency/period].
    """
    left, outside = money
    cut = inside.any(axis=1)
    whole = np.repeat(np.logical_and.reduceat(cut, setting.grid.edges[:-1], axis=1), setting.grid.lengths, axis=1)
    each, rest = _within(inside, planned), np.where(cut, 0.0, planned).sum(axis=1)
    own = np.where(np.isfinite(left), left, 0.0) * np.where(rest > 0, rest, 1.0)[:, None]
    other = each * np.where(rest > 0, np.maximum(outside, 0.0), 0.0)[:, None]
    ratio = np.where(own < other, own / np.where(own < other, other, 1.0), 1.0)
    paced = np.einsum("pct,pc->pt", *_alike(inside, ratio))
    return np.where(cut & ~whole, paced, 1.0)


def charged(
    inside: Bool[np.ndarray, "#path cut period"],
    share: Float[np.ndarray, "#path channel period"],
    edges: tuple[int, ...],
    at: int,
) -> Float[np.ndarray, "#path cut channel decision"]:
    """The share of the money of each decision from `at` on that falls into the periods of each cut.

    Args:
        inside: The periods of each cut.
        share: How money is spread over the periods of its decision.
        edges: The first period of each decision, and the end.
        at: The first decision to come.
    """
    begin, starts = edges[at], np.array(edges[at:-1]) - edges[at]
    own = inside[:, :, None, begin:] * share[:, None, :, begin:]
    whole = np.add.reduceat(share[:, None, :, begin:], starts, axis=3)
    found: Float[np.ndarray, "#path cut channel decision"] = np.add.reduceat(own, starts, axis=3) / np.where(
        whole > 0, whole, 1.0
    )
    return found


def _within(
    inside: Bool[np.ndarray, "#path cut some"], amounts: Float[np.ndarray, "#path some"]
) -> Float[np.ndarray, "path cut"]:
    """What amounts come to in each cut."""
    return np.asarray(np.einsum("pct,pt->pc", *_alike(inside, amounts)))


def _alike(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both told for the same paths."""
    count = max(len(one), len(other))
    return np.broadcast_to(one, (count, *one.shape[1:])), np.broadcast_to(other, (count, *other.shape[1:]))
