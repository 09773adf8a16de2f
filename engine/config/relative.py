"""Multiples of what was, or was planned to be, spent."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from engine.config.loading import Closed, Money, Name

LARGEST_MULTIPLE = 10.0  # what is larger is a percentage that was meant as a share
LARGEST_RETURN = 1000.0  # outcome per unit of money


def _no_percentage(multiple: float) -> float:
    if multiple > LARGEST_MULTIPLE:
        raise ValueError(
            f"this is {multiple:g} times as much, not {multiple:g} %, where at most {LARGEST_MULTIPLE:g} times is "
            f"taken; write {multiple / 100:g} for {multiple:g} %"
        )
    return multiple


def _no_far_return(least: float) -> float:
    if least > LARGEST_RETURN:
        raise ValueError(
            f"this is an outcome of {least:g} for each unit of money, where at most {LARGEST_RETURN:g} is taken; "
            "write 1.5 for a return of 150 %"
        )
    return least


Factor = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Multiple = Annotated[float, Field(ge=0, allow_inf_nan=False), AfterValidator(_no_percentage)]
Return = Annotated[float, Field(gt=0, allow_inf_nan=False), AfterValidator(_no_far_return)]


class Relative(Closed):
    """Bounds as multiples of what history spent on the channel, or an earlier plan gave it, in as many periods."""

    least: Multiple = Field(default=0.0, alias="min")
    most: Factor | None = Field(default=None, alias="max")

    @model_validator(mode="after")
    def _in_order(self) -> "Relative":
        if self.most is not None and self.least > self.most:
            raise ValueError(f"min {self.least:g} is above max {self.most:g}")
        return self


class LastPlan(Closed):
    """An earlier plan, and bounds for each channel as multiples of what it gave the channel."""

    file: Name | None = None  # a plan.json; relative to the scenario's own file
    channels: dict[Name, Annotated[tuple[Money, ...], Field(strict=False, min_length=1)]] = Field(default_factory=dict)
    """Money of channels in all, or by decision [currency]; it counts before what the file says."""
    least: Multiple = Field(default=0.0, alias="min")
    most: Factor | None = Field(default=None, alias="max")

    @model_validator(mode="after")
    def _consistent(self) -> "LastPlan":
        if self.file is None and not self.channels:
            raise ValueError("a file is needed, or the money of channels; give one of them")
        if self.most is not None and self.least > self.most:
            raise ValueError(f"min {self.least:g} is above max {self.most:g}")
        return self
