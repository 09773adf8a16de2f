"""What people know of a channel before the data speak, in words of the business."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.config.loading import Closed, Money, Positive, Share

Life = Annotated[float, Field(ge=0.01, le=10_000, allow_inf_nan=False)]
Elasticity = Annotated[float, Field(gt=0, le=5, allow_inf_nan=False)]


class Range(Closed):
    """Two values between which the truth lies with 90 %: five in a hundred lie below, five above.

    What lies between is log-normal, so both ends are above 0 and the median is the root of their product.
    """

    low: Money
    high: Positive

    @model_validator(mode="after")
    def _low_is_lower(self) -> "Range":
        if self.low == 0:
            middle = f"{self.high / 100:g} and {self.high:g} put the middle at {self.high / 10:g}"
            raise ValueError(
                f"low is 0, and a range from nothing has no middle; write a low above 0 that the truth is under with "
                f"5 % ({middle})"
            )
        if not self.low < self.high:
            raise ValueError(f"low {self.low:g} is not below high {self.high:g}")
        return self


class ShareRange(Range):
    """A range of shares of the outcome."""

    high: Share


class LifeRange(Range):
    """A range of half-lives [periods]: a hundredth of one is no carry-over, ten thousand never ends."""

    low: Life
    high: Life


class ElasticityRange(Range):
    """A range of elasticities."""

    low: Elasticity
    high: Elasticity


class Beliefs(Closed):
    """What is known of one channel; every part may be left out.

    `roas` and `share` speak of the same, its contribution over the whole history, so one of them is enough. Both, and
    `half_life`, are weighed with the belief that the next unit of money returns about the same everywhere, which may
    move their ends: `peso calibrate --prior-only` shows what comes of them. An elasticity is believed as it stands.
    """

    roas: Range | None = None  # outcome caused by history's spend, over that spend [currency/currency]
    share: ShareRange | None = None  # of the outcome of history that the channel caused
    half_life: LifeRange | None = None  # of its carry-over [periods]
    elasticity: ElasticityRange | None = None  # % more outcome, sooner or later, for 1 % more of its usual activity
    follows_demand: Literal["no", "some", "much"] | None = None  # how far demand steers its spend; judged if absent

    @model_validator(mode="after")
    def _contribution_once(self) -> "Beliefs":
        if self.roas is not None and self.share is not None:
            raise ValueError("roas and share both tell what it contributed")
        return self
