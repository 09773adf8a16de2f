"""The quantities that a market is written in."""

from typing import Annotated

from pydantic import Field

Hazard = Annotated[float, Field(ge=0, le=50, allow_inf_nan=False)]
Multiple = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
PositiveShare = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
BelowOne = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Whole = Annotated[int, Field(ge=1, le=520)]
