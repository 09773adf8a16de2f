"""Amounts rounded for people, so that what adds up still does where it is read."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from engine.words import money, plain

UNBROKEN = "\u00a0"  # a space at which no line ends
LEAST, SMALL, PLACED = 1e-5, 0.05, 100.0  # amounts of a range: from the first on with places, from the second with two
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


TENTHS = Scale(0.01, "", 1)
"""Shares, as percentages."""


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
    short = round(round(total / scale.size, scale.places) / step) - sum(floors)
    if 0 <= short <= len(parts):
        raised = sorted(range(len(parts)), key=lambda at: floors[at] - parts[at])[:short]
        whole = [floor + (at in raised) for at, floor in enumerate(floors)]
    else:  # the total is of something else than these parts
        whole = [round(part) for part in parts]
    return [one * step for one in whole]


def written(shown: float, places: int, signed: bool = False) -> str:
    """A rounded number; nothing is 0, never less or more than it.

    >>> written(-0.3, 0), written(0.004, 2, signed=True), written(1234.5, 1, signed=True)
    ('0', '0.00', '+1,234.5')
    """
    rounded = round(shown, places) or 0.0
    return f"{rounded:{'+' if signed and rounded else ''},.{places}f}"


def evenly(*amounts: float, currency: str = "", signed: bool = False) -> list[str]:
    """A figure and the ends of its range, all with as many places where they are small: two, or three figures.

    >>> evenly(0.362, 0.166, 1.1), evenly(2.0, 1.0, 3.0), evenly(1234.0, -2.5)
    (['0.36', '0.17', '1.10'], ['2', '1', '3'], ['1,234', '-2.5'])
    >>> evenly(0.00165, 0.0014)
    ['0.00165', '0.00140']
    >>> evenly(0.1, -0.2, currency="EUR", signed=True)
    ['EUR +0.10', 'EUR -0.20']
    """
    largest = max(map(abs, amounts))
    if not LEAST <= largest < PLACED or all(one == round(one) for one in amounts):
        return [money(one, currency, signed) for one in amounts]
    places = 2 if largest >= SMALL else 2 - math.floor(math.log10(largest))
    return [f"{plain(currency)} {written(one, places, signed)}".strip() for one in amounts]
