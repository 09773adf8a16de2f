"""A rule: what a scenario allows, as a named row over the cells of a plan."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float


@dataclass(frozen=True)
class Active:
    """How many channels must spend at least `each`, and how many may spend anything at all."""

    least: int = 0
    most: int | None = None  # no limit
    each: float = 0.0  # [currency over the horizon]


@dataclass(frozen=True)
class Rule:
    """`low <= weights . spend <= high`, over spend by cell [currency].

    A cell is one decision of one channel: all decisions of the first channel, then all of the second. A minimum
    flight is a rule with `flight` set: its cell spends nothing, or at least that. With `step` a cell spends a whole
    number of steps; `active` counts the channels whose cells have a weight. Both are no rows of a linear program:
    `engine.optimize.discrete` keeps them.
    """

    name: str
    weights: Float[np.ndarray, " cell"]
    low: float = -math.inf
    high: float = math.inf
    flight: float = 0.0
    share: float = 0.0  # of a known total that its limit is, which grows with the total; 0 where it is an amount
    typed: Callable[[float], str] | None = None  # a new limit as the scenario has it, where that is not money
    step: float = 0.0  # [currency]
    active: Active | None = None

    @property
    def is_discrete(self) -> bool:
        """Whether it asks for whole numbers, of steps or of channels."""
        return bool(self.step) or self.active is not None

    @property
    def channel(self) -> int | None:
        """The one cell that the rule is about; None for a rule about several."""
        touched = self.weights.nonzero()[0]
        return int(touched[0]) if len(touched) == 1 and self.weights[touched[0]] == 1 else None

    def keeps_numbers(self, spend: Float[np.ndarray, " cell"], decisions: int, slack: float) -> bool:
        """Whether a spend is a whole number of steps, or so many channels are active, but for `slack` money."""
        amount = float(self.weights @ spend)
        if self.step and abs(amount - self.step * round(amount / self.step)) > slack:
            return False
        if self.active is None:
            return True
        totals = (self.weights * spend).reshape(-1, decisions).sum(axis=1)[self.members(decisions)]
        few = self.active.most is None or int((totals > slack).sum()) <= self.active.most
        return few and int((totals >= self.active.each - slack).sum()) >= self.active.least

    def is_full(self, spend: Float[np.ndarray, " cell"], decisions: int, slack: float) -> bool:
        """Whether no more channels may be active, or no fewer may spend what counts."""
        if self.active is None:
            return False
        totals = (self.weights * spend).reshape(-1, decisions).sum(axis=1)[self.members(decisions)]
        if self.active.most is not None:
            return int((totals > slack).sum()) >= self.active.most
        return int((totals >= self.active.each - slack).sum()) <= self.active.least

    def members(self, decisions: int) -> Bool[np.ndarray, " channel"]:
        """The channels that it is about."""
        return np.any(self.weights.reshape(-1, decisions) != 0, axis=1)

    def loosened(self, amount: float) -> "Rule":
        """The same rule, `amount` easier to keep on each side it has [currency]."""
        flight = max(0.0, self.flight - amount)
        return replace(self, low=self.low - amount, high=self.high + amount, flight=flight)
