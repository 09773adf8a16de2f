"""Rows of a table into arrays by period and geo: each place is filled once, and none is left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from engine.config.lookalike import look
from engine.config.model import Data
from engine.data.table import MOST_ALIKE, Table, refuse, shown, untamed
from engine.data.timeline import Timeline
from engine.errors import InputError

NATIONAL = "national"  # the one geo of a table without geos
MOST_GEOS = 20_000  # above this the geo column is a row number or a customer


@dataclass(frozen=True)
class Panel:
    """Where each row of a table belongs: its period, its geo and, in a long table, its channel."""

    table: Table
    timeline: Timeline
    geos: tuple[str, ...]
    geo: Int[np.ndarray, " row"]
    layers: tuple[str, ...]  # the channels of a long table; one nameless layer of a wide one
    layer: Int[np.ndarray, " row"]

    @property
    def shape(self) -> tuple[int, int]:
        """Periods and geos."""
        return len(self.timeline.starts), len(self.geos)

    def placed(self, values: Float[np.ndarray, " row"]) -> Float[np.ndarray, "period geo"]:
        """One value per row of a wide table as an array by period and geo."""
        placed = np.empty(self.shape)
        placed[self.timeline.index, self.geo] = values
        return placed


def panel(table: Table, timeline: Timeline, data: Data, layers: tuple[str, ...]) -> Panel:
    """Where each row belongs.

    Raises:
        InputError: Two rows stand for the same place, or no row does.
    """
    geos, geo = _labels(table, data.geo) if data.geo else ((NATIONAL,), np.zeros(len(table.lines), dtype=np.int64))
    layer = np.zeros(len(table.lines), dtype=np.int64)
    if data.long:
        known = {name: at for at, name in enumerate(layers)}
        layer = np.array([known[untamed(text)] for text in table.columns[data.long.channel]], dtype=np.int64)
    found = Panel(table, timeline, geos, geo, layers or ("",), layer)
    _require_once(found, data)
    _require_each(found, data)
    return found


def _labels(table: Table, column: str) -> tuple[tuple[str, ...], Int[np.ndarray, " row"]]:
    """The different texts of a column in order of appearance, and the number of each row's text."""
    texts = [untamed(text) for text in table.columns[column]]
    labels = {text: at for at, text in enumerate(dict.fromkeys(texts))}
    seen: dict[str, str] = {}
    for label in labels:
        twin = seen.setdefault(look(label), label)
        if not label.strip():
            where = table.at(texts.index(label), column)
            raise InputError(f"{where}: the geo is blank; name it, or delete the row")
        if twin != label:
            where = table.at(texts.index(label), column)
            raise InputError(f"{where}: {label!a} looks like the geo {twin!a}; write each geo in one way")
    if len(labels) > MOST_GEOS:
        raise InputError(f"{table.place}, column {shown(column)}: {len(labels)} geos; name a coarser column as geo")
    return tuple(labels), np.array([labels[text] for text in texts], dtype=np.int64)


def _place(found: Panel) -> Int[np.ndarray, " row"]:
    """The number of each row's place."""
    return (found.timeline.index * len(found.geos) + found.geo) * len(found.layers) + found.layer


def _require_once(found: Panel, data: Data) -> None:
    place = _place(found)
    order = np.argsort(place, kind="stable")
    again = np.flatnonzero(place[order][1:] == place[order][:-1])
    if not again.size:
        return
    pairs = sorted((int(order[at + 1]), int(order[at])) for at in again)
    told = [_twice(found, data, row, first) for row, first in pairs[:MOST_ALIKE]]
    refuse(told, len(pairs) - len(told))


def _twice(found: Panel, data: Data, row: int, first: int) -> str:
    table = found.table
    day = found.timeline.starts[found.timeline.index[row]]
    whose = f" of {shown(found.geos[found.geo[row]])}" if data.geo else ""
    whose += f" for channel {shown(found.layers[found.layer[row]])}" if data.long else ""
    remedy = "keep one of them"
    if not data.geo:
        apart = _tells_apart(table, data, row, first)
        if apart:
            remedy += f", or, if column {shown(apart)} tells them apart, declare it as geo, or choose one with where"
    return (
        f"{table.at(row, data.date)}: the {found.timeline.period} {day}{whose} stands already on {table.unit} "
        f"{table.lines[first]} (a duplicate); {remedy}"
    )


def _tells_apart(table: Table, data: Data, row: int, first: int) -> str | None:
    """A column of names in which two rows differ."""
    for name, texts in table.columns.items():
        if name == data.date or texts[row] == texts[first]:
            continue
        some = set(texts)
        if len(some) <= len(texts) / 2 and not any(text.strip()[:1].isdigit() for text in list(some)[:50]):
            return name
    return None


def _require_each(found: Panel, data: Data) -> None:
    """Every geo has every period; a long table may leave channels out where blanks count as zero."""
    present = np.zeros((*found.shape, len(found.layers)), dtype=bool)
    present.reshape(-1)[_place(found)] = True
    by_layer = not (data.long and data.blank == "zero")
    absent = np.argwhere(~present if by_layer else ~present.any(axis=2, keepdims=True))
    if not absent.size:
        return
    told = [_absent(found, data, tuple(int(at) for at in place)) for place in absent[:MOST_ALIKE]]
    refuse(told, len(absent) - len(told))


def _absent(found: Panel, data: Data, place: Sequence[int]) -> str:
    at, geo, layer = place
    day = found.timeline.starts[at]
    whose = f"geo {shown(found.geos[geo])}" if data.geo else "the table"
    if data.long and found.layers[layer]:
        whose += f", channel {shown(found.layers[layer])}"
    also = ', or declare blank = "zero" under [data]' if data.long else ""
    return (
        f"{found.table.place}: {whose} has no row for {day}, a gap; add it (missing is not zero: write zeros only if "
        f"there was nothing{also})"
    )
