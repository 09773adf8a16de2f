"""Cells of tables: numbers rounded for people, so that what adds up still does, with the exact ones behind them."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from engine.optimize.ranges import Range
from engine.report.figures import rate
from engine.report.page.records import Cell
from engine.words import number, percent, plain

UNBROKEN = "\u00a0"  # a space at which no line ends
LONGEST = 6  # digits of the total of a column, from which on it is told in thousands, millions and so on


class Scale(NamedTuple):
    """How the amounts of a column are rounded: all alike, so that they can be added by eye."""

    size: float
    name: str  # empty for 1
    places: int = 0

    def head(self, what: str, currency: str) -> str:
        """The heading of a column with its unit."""
        unit = UNBROKEN.join(word for word in (plain(currency), self.name) if word)
        return f"{what} ({unit})" if unit else what


def scale_of(largest: float) -> Scale:
    """The rounding in which the largest amount of a column has three to six digits before its point.

    >>> scale_of(9_211_007.0), scale_of(880.0), scale_of(2.5), scale_of(4e10)
    (Scale(size=1000.0, name='k', places=0), Scale(size=1.0, name='', places=0),
     Scale(size=1.0, name='', places=2), Scale(size=1000000.0, name='m', places=0))
    """
    size = abs(largest)
    if size < 100:
        return Scale(1.0, "", 2)
    for limit, unit, name in ((1e12, 1e9, "bn"), (1e9, 1e6, "m"), (10.0**LONGEST, 1e3, "k")):
        if size >= limit:
            return Scale(unit, name)
    return Scale(1.0, "")


def adding(values: Sequence[float], total: float, scale: Scale) -> list[float]:
    """Amounts in the unit of a scale, rounded so that they add up to their rounded total (largest remainder).

    >>> adding([1.4, 1.4, 1.4], 4.2, Scale(1.0, ""))
    [2.0, 1.0, 1.0]
    """
    step = 10.0**-scale.places
    parts = [value / scale.size / step for value in values]
    floors = [math.floor(part) for part in parts]
    short = round(total / scale.size / step) - sum(floors)
    if 0 <= short <= len(parts):
        raised = sorted(range(len(parts)), key=lambda at: floors[at] - parts[at])[:short]
        whole = [floor + (at in raised) for at, floor in enumerate(floors)]
    else:  # the total is of something else than these parts
        whole = [round(part) for part in parts]
    return [one * step for one in whole]


def figured(shown: float, exact: float, scale: Scale, signed: bool = False) -> Cell:
    """A rounded amount in front of the exact one."""
    told = f"{shown:{'+' if signed and round(shown, scale.places) else ''},.{scale.places}f}"
    return Cell(told.replace("-0.00", "0.00") if not round(shown, scale.places) else told, exact)


def amounts(values: Sequence[float], scale: Scale, total: float | None = None) -> list[Cell]:
    """The cells of a column of amounts; they add up to a total where one is given."""
    shown = [value / scale.size for value in values] if total is None else adding(values, total, scale)
    return [figured(one, exact, scale) for one, exact in zip(shown, values, strict=True)]


def ranged(values: Range, scale: Scale) -> tuple[Cell, Cell]:
    """The ends of a range."""
    return figured(values.p05 / scale.size, values.p05, scale), figured(values.p95 / scale.size, values.p95, scale)


def text(words: str) -> Cell:
    """A cell of words, with everything made visible that is not printable."""
    return Cell(plain(words))


def share(value: float, signed: bool = False) -> Cell:
    """A share as a percentage."""
    return Cell(percent(value, signed), value)


def ratio(value: float | None) -> Cell:
    """Outcome per unit of money; nothing where it has none."""
    return Cell(rate(value), value)


def count(value: float) -> Cell:
    """A number of about three figures."""
    return Cell(number(value), value)


EMPTY = Cell("")
