"""Tiers: what money on a channel buys where its price depends on how much is spent.

Money up to the first amount buys at a price of 1, only what is beyond an amount at that tier's price. So what is bought
rises with the spend along straight lines, and a curve over it is a curve over the spend with bends at the amounts:
downwards where the price rises, upwards where it falls.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.config.scenario import Scenario
from engine.optimize.selecting import rules_of
from engine.response.curves import Channel

NEAR = 1e-9  # of an amount: a spend no further from it stands at it

Spends = Float[np.ndarray, " point"]


@dataclass(frozen=True)
class Tiers:
    """Prices by amount; with no steps every unit of money buys the same."""

    steps: tuple[tuple[float, float], ...] = ()  # amount [currency over the horizon] and price beyond it, rising

    @property
    def edges(self) -> Float[np.ndarray, " tier"]:
        """What is bought up to each amount [currency at a price of 1]."""
        return self.bought(np.array([above for above, _ in self.steps]))

    def bought(self, spend: Spends) -> Spends:
        """What a spend buys, in money at a price of 1.

        >>> Tiers(((100.0, 0.5), (200.0, 2.0))).bought(np.array([50.0, 150.0, 220.0])).tolist()
        [50.0, 200.0, 310.0]
        """
        if not self.steps:
            return spend
        above, bought, price = self._parts()
        at = np.searchsorted(above, spend, "right") - 1
        return bought[at] + (spend - above[at]) / price[at]

    def paid(self, bought: Spends) -> Spends:
        """The spend that buys so much: the inverse of `bought`."""
        if not self.steps:
            return bought
        above, known, price = self._parts()
        at = np.searchsorted(known, bought, "right") - 1
        return above[at] + (bought - known[at]) * price[at]

    def sides(self, spend: Spends) -> tuple[Spends, Spends]:
        """What the last unit of a spend bought, and what the next one buys; they differ at an amount alone."""
        above, _, price = self._parts()
        near = np.searchsorted(above * (1 - NEAR), spend, "right") - 1
        far = np.searchsorted(above * (1 + NEAR), spend, "left") - 1
        return 1 / price[np.maximum(far, 0)], 1 / price[np.maximum(near, 0)]

    def rate(self, spend: Spends) -> Spends:
        """What one more unit buys; the middle of both sides at an amount."""
        last, following = self.sides(spend)
        return (last + following) / 2

    def _parts(self) -> tuple[Spends, Spends, Spends]:
        above, price = np.array([(0.0, 1.0), *self.steps]).T
        return above, np.append(0.0, np.cumsum(np.diff(above) / price[:-1])), price


EVEN = Tiers()


def tiers_of(channel: Channel, scenario: Scenario) -> Tiers:
    """The prices by amount of one entry of the curves."""
    return Tiers(tuple((tier.above, tier.price) for tier in rules_of(channel, scenario).tiers))


def reached(tiers: Tiers, name: str, spend: float) -> tuple[str, ...]:
    """The tiers of a channel in which a spend buys, in words."""
    return tuple(
        f"tier of {name} above {above:,.0f} at {price:g} of the price" for above, price in tiers.steps if spend > above
    )
