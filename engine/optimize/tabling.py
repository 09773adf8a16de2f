"""Tabling: the tables of all channels of a problem, from measurements that earlier problems on the same curves left.

Tables are coarse first. Where the relaxed problem puts its money they are made fine, and only there: far from any good
plan it does not matter how closely a curve is known. Problems that differ in charges, margins or odds of the draws
share their measurements.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool

from engine.optimize.envelope import Group, envelope, split
from engine.optimize.rules import Problem
from engine.optimize.sheets import Sheet, sheet, summed, turned
from engine.optimize.tables import LEAST_MARGIN, Measured, Payoff, Table, measured, off_by, refined, table

AROUND = 2  # intervals to either side of a place that are made fine
STALE = 2.0  # times the wanted tolerance: measurements coarser than this are made finer
LARGEST = 80_000_000  # numbers held by draw, for all channels together: 640 MB


@dataclass(frozen=True)
class Entry:
    """What is known of one channel: its means over all draws alike, and its draws, where they were asked for."""

    found: Measured
    tolerance: float  # [outcome]: up to which its knots were placed
    drawn: tuple[Measured, Sheet] | None = None


Key = tuple[int, float, float, float, float]  # channel, least and most spend, minimum flight, where moves start
Memory = dict[Key, Entry]


def tables(problem: Problem, memory: Memory, tolerance: float) -> list[Table]:
    """One table for each channel, `upper` nowhere much more than `tolerance` above the objective [objective]."""
    made = []
    for payoff, key in zip(problem.payoffs, _keys(problem), strict=True):
        wanted = tolerance / max(payoff.margin, LEAST_MARGIN)
        entry = memory.get(key)
        if entry is None or not _is_of(entry, payoff):
            memory[key] = Entry(measured(_plain(payoff), *key[1:4], tolerance), wanted)
        elif entry.tolerance > STALE * wanted:
            memory[key] = Entry(refined(entry.found, None, wanted), wanted)
        made.append(table(payoff, _weighed(payoff, key, memory)))
    return made


def focused(
    problem: Problem, memory: Memory, tolerances: tuple[float, float], groups: tuple[Group, ...]
) -> list[Table]:
    """Tables that keep the first tolerance everywhere, and the second where the relaxed problem spends its money.

    Where draws have odds, tables have the knots that were placed for all draws alike.
    """
    if any(payoff.odds is not None for payoff in problem.payoffs):
        plain = zip(problem.payoffs, _keys(problem), strict=True)
        if not all(key in memory and _is_of(memory[key], payoff) for payoff, key in plain):
            focused(replace(problem, payoffs=tuple(map(_plain, problem.payoffs))), memory, tolerances, groups)
        return tables(problem, memory, tolerances[0])
    coarse = tables(problem, memory, tolerances[0])
    envelopes = [envelope(one, 0, len(one.spend) - 1) for one in coarse]
    low = max(problem.budget.low, 0.0)
    top = split(envelopes, low, problem.budget.high, groups)
    if top is None:
        return coarse
    made = []
    for channel, (payoff, key) in enumerate(zip(problem.payoffs, _keys(problem), strict=True)):
        entry, old = memory[key], coarse[channel]
        places = envelopes[channel].corners[max(0, int(top.corner[channel]) - 1) :][:4]
        wanted = tolerances[1] / max(payoff.margin, LEAST_MARGIN)
        finer = refined(entry.found, None, wanted, _near(len(old.spend), places))
        memory[key] = replace(entry, found=finer)
        made.append(old if finer is entry.found else table(payoff, finer))
    return made


def _near(knots: int, places: np.ndarray) -> Bool[np.ndarray, " interval"]:
    """The intervals around some knots."""
    interval = np.arange(knots - 1)
    near: np.ndarray = (np.abs(interval[:, None] + 0.5 - places) < AROUND + 0.5).any(axis=1)
    return near


def _keys(problem: Problem) -> list[Key]:
    """What the measurements of each channel depend on."""
    limits = zip(problem.lower.tolist(), problem.upper.tolist(), problem.flight.tolist(), strict=True)
    return [
        (channel, low, high, flight, payoff.anchor if any(payoff.toll) else -1.0)
        for channel, (payoff, (low, high, flight)) in enumerate(zip(problem.payoffs, limits, strict=True))
    ]


def _is_of(entry: Entry, payoff: Payoff) -> bool:
    """Whether it is this channel that was measured, not another under the same limits."""
    curve = entry.found.curve
    return curve.timing is payoff.timing and curve.channel is payoff.channel


def _plain(payoff: Payoff) -> Payoff:
    """The payoff with all draws alike."""
    return payoff if payoff.odds is None else replace(payoff, odds=None)


def _weighed(payoff: Payoff, key: Key, memory: Memory) -> Measured:
    """What was measured of a channel, under the payoff's odds."""
    entry = memory[key]
    if payoff.odds is None:
        return entry.found
    found, held = entry.drawn or (entry.found, None)
    if held is None and _room(memory) >= 3 * len(found.knots) * len(payoff.odds):
        held = sheet(found.curve, found.knots)
        memory[key] = replace(entry, drawn=(found, held))
    if held is None:
        sums, turns = summed(found.curve, payoff.odds, found.knots), turned(found.curve, found.knots)
    else:
        sums, turns = held.sums(payoff.odds), held.turns
    return replace(found, sums=sums, off=off_by(found, sums, turns, payoff.odds))


def _room(memory: Memory) -> int:
    """Numbers that may still be held by draw."""
    return LARGEST - sum(entry.drawn[1].size for entry in memory.values() if entry.drawn)
