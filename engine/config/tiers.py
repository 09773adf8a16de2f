"""Prices by amount and numbers of channels, as a scenario has them."""

import itertools
from typing import Annotated

from pydantic import Field, model_validator

from engine.config.loading import Closed, Positive
from engine.config.relative import Multiple

Count = Annotated[int, Field(ge=0, le=10_000)]


class Tier(Closed):
    """What money costs beyond an amount: of what a channel spends over the horizon, only what is above it."""

    above: Positive  # [currency]
    price: Annotated[Multiple, Field(ge=0.01)]  # 0.9: a tenth cheaper than the first money


class Active(Closed):
    """How many channels spend anything at all over the horizon."""

    least: Count = Field(default=0, alias="min")
    most: Count | None = Field(default=None, alias="max")
    each: Positive | None = None  # what a channel must spend to count towards `min`; a thousandth of an even share

    @model_validator(mode="after")
    def _in_order(self) -> "Active":
        if self.most is not None and self.least > self.most:
            raise ValueError(f"min {self.least} is above max {self.most}")
        if self.each is not None and not self.least:
            raise ValueError("each says what counts towards min, and min is not given; give min, or leave each out")
        return self

    @property
    def is_given(self) -> bool:
        """Whether it asks for anything."""
        return bool(self.least) or self.most is not None


def require_rising(tiers: tuple[Tier, ...]) -> None:
    """Each tier begins above the one before.

    Raises:
        ValueError: One does not.
    """
    above = [tier.above for tier in tiers]
    if any(one >= two for one, two in itertools.pairwise(above)):
        raise ValueError(f"tiers begin at {', '.join(f'{one:.10g}' for one in above)}, and each must be above the last")
