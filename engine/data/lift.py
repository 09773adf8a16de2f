"""LiftTest: what one experiment found, laid upon the periods and geos of a history."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from jaxtyping import Bool, Float

from engine.data.part_periods import Reading


@dataclass(frozen=True)
class LiftTest:
    """One experiment: money changed in some periods and geos, and the outcome that this brought.

    Of the people in its geos the `share` saw the changed money, the others did not. So the outcome's change is
    `share` times the difference between a history in which everybody there saw the change and one in which
    nobody did; `engine.data.experiments.arms` gives the drivers of both. That difference is nothing before the changed
    money, so the periods before the last counted one bring it whole, whatever day the test began on; of the last one,
    and where days and periods do not agree, `reading` tells how much was counted (`engine.data.part_periods`).
    """

    name: str
    channels: tuple[str, ...]
    columns: tuple[int, ...]  # places of these channels in the data set
    start: date  # first day of the changed money
    end: date  # last day of it
    until: date  # last day whose outcome counts
    first: int  # period of `start`
    last: int  # period of `end`
    final: int  # period of `until`
    inside: Float[np.ndarray, " period"]  # share of each period's days in start to end
    counted: Float[np.ndarray, " period"]  # share of each period's days in start to `until`: whose outcome counts
    reading: Reading  # how the effect of each period becomes what was counted
    geos: Bool[np.ndarray, " geo"]  # where the test took place
    share: float  # of the people there who saw the changed money, in (0, 1]
    spend_change: tuple[float, ...]  # by channel, over the whole test [currency]
    outcome_change: float  # over all counted days [currency, or units]
    standard_error: float  # of outcome_change, widened by what periods cannot tell, by what rows told already, by age
    stated_error: float  # the standard error as it was written down
    in_history: bool = False  # whether the data set's spend and outcome hold the changed money and what it brought

    @property
    def is_in_rows(self) -> bool:
        """Whether its outcome is a sum of rows that the history holds, and a fit reads.

        A test between people of the same geos is not: it tells their difference, the rows tell their sum.
        """
        return self.in_history and self.share == 1
