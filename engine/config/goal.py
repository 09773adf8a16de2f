"""Goals: what a plan makes as large as it can."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from engine.config.loading import Closed, Name, Positive, Share

HIGHEST_RATE = 2.0  # a year: what is not below is a percentage that was meant as a share


def _no_percentage(rate: float) -> float:
    if rate >= HIGHEST_RATE:
        raise ValueError(
            f"this is {100 * rate:g} % a year, where less than {100 * HIGHEST_RATE:g} % is taken; "
            f"write {rate / 100:g} for {rate:g} %"
        )
    return rate


Rate = Annotated[float, Field(ge=0, allow_inf_nan=False), AfterValidator(_no_percentage)]  # a year
Deviations = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]


class Lifetime(Closed):
    """A customer's expected revenue, week by week after it was won, from which its lifetime value follows."""

    revenue: Positive  # of a customer who is one, a week [currency]
    retention: Share  # of customers who stay from one week to the next
    weeks: int = Field(default=156, ge=1, le=1040)  # that count
    margin: Share  # of the revenue
    discount_rate: Rate = 0.0


class Goal(Closed):
    """What the plan makes as large as it can."""

    maximise: Literal["outcome", "profit", "customers", "clv"] = "outcome"
    margin: Share | None = None  # of the outcome in money; needed for profit
    margins: dict[Name, Share] = Field(default_factory=dict)  # by channel, before `margin`
    discount_rate: Rate = 0.0
    lifetime_value: Positive | None = None  # of a customer, margin less its own costs [currency]; needed for clv
    lifetime_values: dict[Name, Positive] = Field(default_factory=dict)  # by channel, before the one of all
    lifetime: Lifetime | None = None  # what a lifetime value follows from, instead of it
    prudence: Deviations | None = None  # the fit's

    @model_validator(mode="after")
    def _figures_of_the_goal(self) -> "Goal":
        """Each goal has its own figures, and no other goal has them."""
        figures = {
            "profit": {"margin": self.margin is not None, "margins": self.margins, "discount_rate": self.discount_rate},
            "clv": {
                "lifetime_value": self.lifetime_value is not None,
                "lifetime_values": self.lifetime_values,
                "lifetime": self.lifetime is not None,
            },
        }
        for goal, own in figures.items():
            given = [name for name, is_given in own.items() if is_given]
            if goal != self.maximise and given:
                raise ValueError(f'{" and ".join(own)} go with maximise = "{goal}", and {given[0]} is given')
        if self.maximise == "profit" and self.margin is None and not self.margins:
            raise ValueError("profit needs a margin: the share of revenue left after its own costs")
        if self.lifetime_value is not None and self.lifetime is not None:
            raise ValueError("a lifetime_value and a lifetime say the same; give one of them")
        if self.maximise == "clv" and not (self.lifetime_value or self.lifetime_values or self.lifetime):
            raise ValueError("clv needs a lifetime_value: what a customer is worth; or a lifetime it follows from")
        return self
