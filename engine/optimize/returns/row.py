"""A least return, as a row over what channels bring and spend; it is no row of a linear program."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from engine.optimize.over_time.course import by_draw
from engine.optimize.over_time.decisions import Way
from engine.optimize.rule import Rule
from engine.optimize.tables import Payoff, outcomes, steepness

SLACK = 1e-6  # of what the money must bring: what is let pass as rounding
LITTLE = 1e-9  # of all money: where less is spent, the next unit is looked at from there


@dataclass(frozen=True)
class Return:
    """Money on some channels brings at least so much for each unit of it, or none is spent.

    On average it is `sum(scale * mean outcome) >= least * sum(spend)` over the members, means over all draws alike,
    over the horizon. At the margin it is about the next unit of money of one channel.
    """

    key: str  # what the scenario calls it: least_roas, most_cac or least_marginal_roas
    asked: float  # the figure under it
    of: str  # the channel or group that it is asked of
    members: Bool[np.ndarray, " channel"]
    least: float  # outcome, as a plan counts it, per money
    scale: Float[np.ndarray, " channel"]  # of each channel's outcome: 1, or what its effect is a multiple of
    marginal: bool = False
    holes: tuple[tuple[float, float], ...] = ()  # spends between two that are allowed, where limits cannot say so

    @property
    def name(self) -> str:
        """The rule in the user's words."""
        return f"{self.key} {self.asked:g} of {self.of}"

    @property
    def channel(self) -> int | None:
        """The one channel that it is about; None for a row about several."""
        found = np.flatnonzero(self.members)
        return int(found[0]) if len(found) == 1 else None

    def is_settled(self, decisions_over_time: bool) -> bool:
        """Whether limits of its channel say all of it, so that it need not be looked after any more."""
        return not decisions_over_time and self.channel is not None and not self.holes

    @property
    def rule(self) -> Rule:
        """Its name as that of a rule, where rules that are not kept are named."""
        return Rule(self.name, self.members.astype(float))

    def eased(self, share: float) -> "Return":
        """The same row with a lower least return, by a share of it."""
        asked = self.asked / (1 - share) if self.key == "most_cac" else self.asked * (1 - share)
        return replace(self, asked=asked, least=self.least * (1 - share))

    def told(self, least: float) -> str:
        """A return as the scenario would have it."""
        figure = self.asked * self.least / least if self.key == "most_cac" and least > 0 else least
        figure = math.inf if self.key == "most_cac" and least <= 0 else figure
        rounded = _easier(figure, self.key == "most_cac")
        return f"{self.key} {rounded:g} of {self.of}"

    def room(self, payoffs: Sequence[Payoff], ways: Sequence[Way], spend: Float[np.ndarray, " cell"]) -> float:
        """What is brought beyond what must be, of a marginal row per unit of money; below 0 where it is not kept."""
        at = np.flatnonzero(self.members).tolist()
        totals = spend.reshape(len(payoffs), -1).sum(axis=1)
        if self.marginal:
            payoff, money = payoffs[at[0]], totals[at[:1]]
            return 0.0 if not money[0] else float(self.scale[at[0]] * steepness(payoff, money).mean()) - self.least
        brought = sum(float(self.scale[c]) * mean_outcome(payoffs, ways, spend, c) for c in at)
        return brought - self.least * float(totals[at].sum())

    def is_kept(self, payoffs: Sequence[Payoff], ways: Sequence[Way], spend: Float[np.ndarray, " cell"]) -> bool:
        """Whether a spend keeps it, from its definition and all draws."""
        totals = spend.reshape(len(payoffs), -1).sum(axis=1)
        money = 1.0 if self.marginal else float(totals[self.members].sum())
        if float(totals[self.members].sum()) <= LITTLE * float(spend.sum()):
            return True
        return self.room(payoffs, ways, spend) >= -SLACK * self.least * money


def mean_outcome(
    payoffs: Sequence[Payoff], ways: Sequence[Way], spend: Float[np.ndarray, " cell"], channel: int
) -> float:
    """Mean outcome of one channel over all draws alike."""
    money = spend.reshape(len(payoffs), -1)[channel]
    if ways:
        return float(by_draw(ways[channel].course, money).mean())
    return float(outcomes(payoffs[channel], money).mean())


def _easier(figure: float, upwards: bool) -> float:
    """A figure with four digits, rounded to where it is easier to keep."""
    if not 0 < figure < math.inf:
        return figure
    unit = 10.0 ** (3 - math.floor(math.log10(figure)))
    return (math.ceil(figure * unit) if upwards else math.floor(figure * unit)) / unit
