"""Learning: what a plan keeps for channels that are being tested."""

from typing import Annotated

from pydantic import Field, model_validator

from engine.config.loading import Closed, Name, Positive, Share


class Learn(Closed):
    """Money that goes at least to channels which are tested."""

    share: Annotated[Share, Field(gt=0)] | None = None  # of total spend
    amount: Positive | None = None  # [currency over the horizon]
    channels: tuple[Name, ...] = Field(strict=False, default=())
    """None named: those of which knowing the response before planning is worth most."""
    most: Annotated[int, Field(ge=1, le=100)] | None = None  # how many these are; 2 unless given

    @model_validator(mode="after")
    def _consistent(self) -> "Learn":
        if (self.share is None) == (self.amount is None):
            raise ValueError("either a share of the budget or an amount is needed, and not both")
        if self.channels and self.most is not None:
            raise ValueError("most is for channels that are found by what knowing them is worth; leave it out")
        return self
