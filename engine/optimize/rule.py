"""A rule: what a scenario allows, as a named row over the cells of a plan."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Rule:
    """`low <= weights . spend <= high`, over spend by cell [currency].

    A cell is one decision of one channel: all decisions of the first channel, then all of the second. A minimum
    flight is a rule with `flight` set: its cell spends nothing, or at least that.
    """

    name: str
    weights: Float[np.ndarray, " cell"]
    low: float = -math.inf
    high: float = math.inf
    flight: float = 0.0
    share: float = 0.0  # of a known total that its limit is, which grows with the total; 0 where it is an amount
    typed: Callable[[float], str] | None = None  # a new limit as the scenario has it, where that is not money

    @property
    def channel(self) -> int | None:
        """The one cell that the rule is about; None for a rule about several."""
        touched = self.weights.nonzero()[0]
        return int(touched[0]) if len(touched) == 1 and self.weights[touched[0]] == 1 else None

    def loosened(self, amount: float) -> "Rule":
        """The same rule, `amount` easier to keep on each side it has [currency]."""
        flight = max(0.0, self.flight - amount)
        return replace(self, low=self.low - amount, high=self.high + amount, flight=flight)
