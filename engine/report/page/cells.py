"""Cells of tables: numbers rounded for people, so that what adds up still does, with the exact ones behind them."""

from collections.abc import Sequence

from engine.optimize.ranges import Range
from engine.report.figures import rate
from engine.report.page.records import Cell
from engine.report.rounding import TENTHS, Scale, adding, written
from engine.words import percent, plain


def figured(shown: float, exact: float, scale: Scale, signed: bool = False) -> Cell:
    """A rounded amount in front of the exact one."""
    return Cell(written(shown, scale.places, signed), exact)


def single(exact: float, scale: Scale, signed: bool = False) -> Cell:
    """An amount that stands for itself."""
    return figured(exact / scale.size, exact, scale, signed)


def amounts(values: Sequence[float], scale: Scale, total: float | None = None) -> list[Cell]:
    """The cells of a column of amounts; they add up to a total where one is given."""
    shown = [value / scale.size for value in values] if total is None else adding(values, total, scale)
    return [figured(one, exact, scale) for one, exact in zip(shown, values, strict=True)]


def ranged(values: Range, scale: Scale, signed: bool = False) -> tuple[Cell, Cell]:
    """The ends of a range."""
    return single(values.p05, scale, signed), single(values.p95, scale, signed)


def text(words: str) -> Cell:
    """A cell of words, with everything made visible that is not printable."""
    return Cell(plain(words))


def share(value: float, signed: bool = False) -> Cell:
    """A share as a percentage."""
    return Cell(percent(value, signed), value)


def shares(values: Sequence[float]) -> list[Cell]:
    """Shares as percentages, rounded so that they add up to that of their sum."""
    shown = adding(values, sum(values), TENTHS)
    return [Cell(f"{written(one, TENTHS.places)} %", exact) for one, exact in zip(shown, values, strict=True)]


def ratio(value: float | None) -> Cell:
    """Outcome per unit of money; nothing where it has none."""
    return Cell(rate(value), value)


EMPTY = Cell("")
NOTHING = Cell("-")  # where there is none to tell
