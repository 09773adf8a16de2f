"""A scenario: one budget question, as TOML."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from engine.config.loading import Closed, Money, Name, Positive, Share

Kind = Literal["paid", "earned", "shared", "owned"]
LARGEST_MULTIPLE = 10.0  # what is larger is a percentage that was meant as a share


def _no_percentage(multiple: float) -> float:
    if multiple > LARGEST_MULTIPLE:
        raise ValueError(
            f"this is {multiple:g} times as much, not {multiple:g} %, where at most {LARGEST_MULTIPLE:g} times is "
            f"taken; write {multiple / 100:g} for {multiple:g} %"
        )
    return multiple


Factor = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Multiple = Annotated[float, Field(ge=0, allow_inf_nan=False), AfterValidator(_no_percentage)]


class Horizon(Closed):
    """The time that is planned, in periods of the curves."""

    start: date = Field(ge=date(1900, 1, 1), le=date(2999, 12, 31))
    periods: int = Field(ge=1, le=1040)
    decide: Literal["horizon"] = "horizon"  # one split for the whole horizon

    @field_validator("decide", mode="before")
    @classmethod
    def _only_whole(cls, value: Any) -> Any:
        if value in ("quarter", "month"):
            raise ValueError(f'{value} decisions are not planned by this version and "horizon" is the one to use')
        return value


class Budget(Closed):
    """How much may be spent over the horizon: exactly one of the three."""

    later = ("target_outcome", "target_roas")

    total: Positive | None = None  # all of it is spent [currency]
    at_most: Positive | None = None  # what does not pay stays unspent [currency]
    of_history: Annotated[Multiple, Field(gt=0)] | None = None
    """Total as a multiple of what history spent in as many periods: 0.85 is a cut of 15 %."""

    @model_validator(mode="after")
    def _exactly_one(self) -> "Budget":
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one of total, at_most and of_history is needed, {len(given)} are given")
        return self


class Goal(Closed):
    """What the plan makes as large as it can."""

    maximise: Literal["outcome", "profit"] = "outcome"
    margin: Share | None = None  # of the outcome in money; needed for profit
    discount_rate: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = 0.0  # a year
    prudence: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] | None = None  # deviations; the fit's

    @model_validator(mode="after")
    def _margin_with_profit(self) -> "Goal":
        if self.maximise == "profit" and self.margin is None:
            raise ValueError("profit needs a margin: the share of revenue left after its own costs")
        if self.maximise == "outcome" and (self.margin is not None or self.discount_rate):
            raise ValueError('margin and discount_rate go with maximise = "profit"')
        return self


class Flight(Closed):
    """The dates between which a channel may spend; even inside, nothing outside."""

    first: date | None = Field(default=None, alias="from")
    last: date | None = Field(default=None, alias="until")  # the first day without spend

    @model_validator(mode="after")
    def _in_order(self) -> "Flight":
        if self.first and self.last and self.first >= self.last:
            raise ValueError(f"from {self.first} is not before until {self.last}")
        return self


class Relative(Closed):
    """Bounds as multiples of what history spent on the channel in as many periods."""

    least: Multiple = Field(default=0.0, alias="min")
    most: Factor | None = Field(default=None, alias="max")

    @model_validator(mode="after")
    def _in_order(self) -> "Relative":
        if self.most is not None and self.least > self.most:
            raise ValueError(f"min {self.least:g} is above max {self.most:g}")
        return self


class ChannelRules(Closed):
    """What the plan may do with one channel over the horizon [currency]."""

    later = ("quarter_floor", "quarter_cap", "committed")

    floor: Money = 0.0
    cap: Money | None = None
    minimum_flight: Money = 0.0  # nothing, or at least this
    locked: Money | None = None  # exactly this
    relative: Relative | None = None
    flight: Flight | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "ChannelRules":
        if self.cap is not None and self.floor > self.cap:
            raise ValueError(f"floor {self.floor:g} is above cap {self.cap:g}")
        if self.cap is not None and self.minimum_flight > self.cap:
            raise ValueError(f"minimum_flight {self.minimum_flight:g} is above cap {self.cap:g}")
        if self.locked is not None and (self.floor or self.cap is not None or self.minimum_flight or self.relative):
            raise ValueError("locked fixes the spend and goes without floor, cap, minimum_flight and relative")
        return self


class ShareBounds(Closed):
    """Bounds of a group as shares of total spend."""

    least: Share = Field(default=0.0, alias="min")
    most: Share = Field(default=1.0, alias="max")

    @model_validator(mode="after")
    def _in_order(self) -> "ShareBounds":
        if self.least > self.most:
            raise ValueError(f"min {self.least:g} is above max {self.most:g}")
        return self


class Group(Closed):
    """Rules for several channels together, named by kind or one by one."""

    kinds: tuple[Kind, ...] = Field(strict=False, default=())
    channels: tuple[Name, ...] = Field(strict=False, default=())
    share: ShareBounds = ShareBounds()
    floor: Money = 0.0  # [currency]
    cap: Money | None = None  # [currency]

    @model_validator(mode="after")
    def _one_way(self) -> "Group":
        if bool(self.kinds) == bool(self.channels):
            raise ValueError("either kinds or channels is needed, and not both")
        if self.cap is not None and self.floor > self.cap:
            raise ValueError(f"floor {self.floor:g} is above cap {self.cap:g}")
        return self


class Shock(Closed):
    """One change of the world between two dates."""

    name: Name = "shock"
    kind: Literal["price", "effectiveness", "outage", "demand"]
    channels: tuple[Name, ...] = Field(strict=False, default=())  # none named: all
    factor: Multiple | None = None  # price: cost of a contact; effectiveness, demand: outcome
    first: date | None = Field(default=None, alias="from")
    last: date | None = Field(default=None, alias="until")

    @model_validator(mode="after")
    def _consistent(self) -> "Shock":
        if (self.factor is None) != (self.kind == "outage"):
            raise ValueError("price, effectiveness and demand need a factor, and an outage takes none")
        if self.kind == "price" and (self.factor or 0.0) < 0.01:
            raise ValueError("a price factor near 0 would make contacts free, and one above 0 is needed: 0.01 or more")
        if self.kind == "demand" and self.channels:
            raise ValueError("demand moves every channel, and channels are not to be named")
        if self.first and self.last and self.first >= self.last:
            raise ValueError(f"from {self.first} is not before until {self.last}")
        return self


class Scenario(Closed):
    """One budget question."""

    later = ("ramp", "risk")

    name: Name
    horizon: Horizon
    budget: Budget
    goal: Goal = Goal()
    every_channel: ChannelRules | None = None  # for each channel not named below
    channels: dict[Name, ChannelRules] = Field(default_factory=dict)
    groups: dict[Name, Group] = Field(default_factory=dict)
    shocks: tuple[Shock, ...] = Field(strict=False, default=())
