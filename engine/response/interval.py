"""Interval: the numbers that a parameter may be, and how that is said."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float


class Interval(NamedTuple):
    """The numbers between two ends; whether an end belongs to it is said for each.

    >>> str(Interval(0.0, 1.0)), str(Interval(0.0, closed_low=False))
    ('[0, 1)', '(0, inf)')
    """

    low: float
    high: float = math.inf
    closed_low: bool = True
    closed_high: bool = False

    def holds(self, values: Float[np.ndarray, " draw"]) -> Bool[np.ndarray, " draw"]:
        """Which values are finite and lie in the interval.

        >>> Interval(0.0, 1.0).holds(np.array([0.0, 1.0, np.nan])).tolist()
        [True, False, False]
        """
        above = values >= self.low if self.closed_low else values > self.low
        below = values <= self.high if self.closed_high else values < self.high
        return np.isfinite(values) & above & below

    def __str__(self) -> str:
        """The interval as mathematics writes it."""
        ends = f"{self.low:g}, {self.high:g}"
        return f"{'[' if self.closed_low else '('}{ends}{']' if self.closed_high else ')'}"
