"""The path table of a touch log: which channels people met on their way to a purchase, and what came of it.

A path is the channel touches of one person in order of time, up to and with the one of a purchase; after a
purchase the next path begins. The path that is open at the end of the log led nowhere.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from engine.errors import InputError
from engine.simulate.touchlog import UNTOUCHED, TouchLog
from engine.words import plain

ARROW = " > "
UNMET = "organic"  # the path of a purchase before which no channel was met


class Route(NamedTuple):
    """One path and all that came of it."""

    path: str  # "tv > search > newsletter"
    conversions: int
    value: float  # of these conversions [currency]
    nulls: int  # people for whom it is open at the end


class _Table(NamedTuple):
    """The paths of a log, in order: their touches, where each one begins among them, and what came of it."""

    touches: Int[np.ndarray, " touch"]
    begins: Int[np.ndarray, " _edge"]  # of each path, and the end of the last
    conversions: list[bool]
    value: list[float]


def path_table(log: TouchLog) -> list[Route]:
    """Every path that occurs in a log: conversions and their value, and people with it open at the end.

    Conversions and value add up to those of the log; nulls to the people who met a channel after their last
    conversion. The most frequent come first. Purchases before which no channel was met stand as `organic`.

    Raises:
        InputError: A channel's name holds the arrow that stands between channels.
    """
    for name in log.channels:
        if ARROW in name:
            raise InputError(f"channel {plain(name)!r} holds {ARROW!r}, which stands between channels; rename it")
    table = _paths(log)
    text, width = table.touches.tobytes(), table.touches.itemsize
    found: dict[bytes, list[float]] = {}
    for index, converted in enumerate(table.conversions):
        key = text[table.begins[index] * width : table.begins[index + 1] * width]
        count = found.setdefault(key, [0, 0.0, 0])
        count[0] += converted
        count[1] += table.value[index]
        count[2] += not converted and bool(key)
    routes = [
        Route(_named(log, np.frombuffer(key, table.touches.dtype)), int(conversions), value, int(nulls))
        for key, (conversions, value, nulls) in found.items()
        if conversions or nulls
    ]
    return sorted(routes, key=lambda route: (-route.conversions, -route.nulls, route.path))


def path_rows(routes: list[Route]) -> tuple[list[str], list[list[Any]]]:
    """Header and rows of paths.csv."""
    return list(Route._fields), [list(route) for route in routes]


def _paths(log: TouchLog) -> _Table:
    """A path begins with each person and after each conversion."""
    rows = log.person.size
    begins = np.ones(rows, bool)
    begins[1:] = log.converted[:-1] | (log.person[1:] != log.person[:-1])
    first = np.flatnonzero(begins)
    last = np.append(first[1:], rows)[: first.size] - 1
    is_touch = log.channel < len(log.channels) - len(UNTOUCHED)
    met = np.concatenate([[0], np.cumsum(is_touch)])
    return _Table(
        touches=log.channel[is_touch],
        begins=np.append(met[first], met[-1]),
        conversions=log.converted[last].tolist(),
        value=log.value[last].tolist(),
    )


def _named(log: TouchLog, touches: Int[np.ndarray, " touch"]) -> str:
    return ARROW.join(log.channels[place] for place in touches.tolist()) or UNMET
