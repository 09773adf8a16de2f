"""A scenario: one budget question, as TOML."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.config.flighting import Flighting
from engine.config.goal import Goal as Goal
from engine.config.learn import Learn
from engine.config.loading import Closed, Money, Name, Positive, Share
from engine.config.relative import Factor as Factor
from engine.config.relative import LastPlan, Multiple, Return
from engine.config.relative import Relative as Relative
from engine.config.shocks import Shock as Shock
from engine.config.shocks import Stress
from engine.config.strategy import Kind, Role, ShareBounds, Strategy
from engine.config.tiers import Active, Tier, require_rising


class Horizon(Closed):
    """The time that is planned, in periods of the curves."""

    start: date = Field(ge=date(1900, 1, 1), le=date(2999, 12, 31))
    periods: int = Field(ge=1, le=1040)
    decide: Literal["horizon", "quarter", "month"] = "horizon"  # one split for all of it, or one a quarter or month
    carry_over: Literal["cycle", "history"] | None = None
    """What works at the start: "cycle", what the plan itself leaves at its end, so that the plan is a year like any
    other; or "history", what was spent before, and what is left at the end is valued over the `tail`. Unless given,
    "cycle" for one split and "history" for several."""
    tail: int = Field(default=26, ge=0, le=520)  # periods after the end over which what is left works on

    @property
    def from_history(self) -> bool:
        """Whether what was spent before the horizon works in it."""
        return (self.carry_over or ("cycle" if self.decide == "horizon" else "history")) == "history"


SIZES = ("total", "at_most", "of_history", "target_outcome", "target_roas", "target_marginal_roas", "target_cac")


class Budget(Closed):
    """How much may be spent over the horizon: exactly one of its sizes."""

    total: Positive | None = None  # all of it is spent [currency]
    at_most: Positive | None = None  # what does not pay stays unspent [currency]
    of_history: Annotated[Multiple, Field(gt=0)] | None = None
    """Total as a multiple of what history spent in as many periods: 0.85 is a cut of 15 %."""
    target_outcome: Positive | None = None  # the least money that brings so much [currency or outcome]
    target_roas: Positive | None = None  # the most money of which each unit returns so much on average
    target_marginal_roas: Positive | None = None  # the most money of which the last unit returns so much
    target_cac: Positive | None = None  # the most money that costs no more per unit of outcome [currency]
    reserve: Annotated[Share, Field(lt=1)] = 0.0  # share of it that is kept back for what may come
    quarters: tuple[Money, ...] | None = Field(strict=False, default=None)  # exactly this in each quarter [currency]

    @model_validator(mode="after")
    def _exactly_one(self) -> "Budget":
        given = [name for name in SIZES if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one of {', '.join(SIZES)} is needed, {len(given)} are given")
        if given[0].startswith("target") and (self.reserve or self.quarters):
            raise ValueError(f"{given[0]} finds the budget itself and goes without reserve and quarters")
        if self.quarters and self.total and abs(sum(self.quarters) - self.total) > 1e-6 * self.total:
            raise ValueError(f"quarters add up to {sum(self.quarters):.10g} and total is {self.total:.10g}")
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


class ChannelRules(Closed):
    """What the plan may do with one channel over the horizon [currency]."""

    floor: Money = 0.0
    cap: Money | None = None
    quarter_floor: Money = 0.0  # in each quarter
    quarter_cap: Money | None = None
    month_floor: Money = 0.0  # in each month
    month_cap: Money | None = None
    minimum_flight: Money = 0.0  # nothing, or at least this, in each decision
    committed: tuple[Money, ...] = Field(strict=False, default=())  # at least this in each decision, from the first on
    locked: Money | None = None  # exactly this over the horizon
    step: Positive | None = None  # a whole number of these, in each decision
    tiers: tuple[Tier, ...] = Field(strict=False, default=())  # prices beyond amounts, by rising amount
    max_change: Share | None = None  # from one decision to the next, instead of the ramp of all channels
    relative: Relative | None = None
    of_last_plan: Relative | None = None  # instead of the bounds that `last_plan` has for all channels
    least_roas: Return | None = None  # mean outcome of its money per unit of it, over the horizon; or no money
    least_marginal_roas: Return | None = None  # of the last unit of its money; or no money
    most_cac: Positive | None = None  # money per unit of outcome, over the horizon; or no money [currency]
    flight: Flight | None = None
    flighting: Flighting = "even"  # how money is spread over the periods of a decision

    @model_validator(mode="after")
    def _consistent(self) -> "ChannelRules":
        if self.cap is not None and self.floor > self.cap:
            raise ValueError(f"floor {self.floor:.10g} is above cap {self.cap:.10g}")
        for cap, name in ((self.quarter_cap, "quarter"), (self.month_cap, "month")):
            floor = getattr(self, f"{name}_floor")
            if cap is not None and floor > cap:
                raise ValueError(f"{name}_floor {floor:.10g} is above {name}_cap {cap:.10g}")
        if self.cap is not None and self.minimum_flight > self.cap:
            raise ValueError(f"minimum_flight {self.minimum_flight:.10g} is above cap {self.cap:.10g}")
        if self.locked is not None and (self.floor or self.cap is not None or self.minimum_flight or self.relative):
            raise ValueError("locked fixes the spend and goes without floor, cap, minimum_flight and relative")
        require_rising(self.tiers)
        return self


class Group(Closed):
    """Rules for several channels together: those that are of each of the sorts that are named."""

    kinds: tuple[Kind, ...] = Field(strict=False, default=())
    channels: tuple[Name, ...] = Field(strict=False, default=())
    roles: tuple[Role, ...] = Field(strict=False, default=())
    geos: tuple[Name, ...] = Field(strict=False, default=())
    segments: tuple[Name, ...] = Field(strict=False, default=())
    share: ShareBounds = ShareBounds()
    floor: Money = 0.0  # [currency]
    cap: Money | None = None  # [currency]
    least_roas: Return | None = None  # mean outcome of its money per unit of it, over the horizon
    most_cac: Positive | None = None  # money per unit of outcome, over the horizon [currency]
    active: Active = Active()

    @model_validator(mode="after")
    def _consistent(self) -> "Group":
        if not (self.kinds or self.channels or self.roles or self.geos or self.segments):
            raise ValueError("kinds, channels, roles, geos or segments is needed; those of all that are given count")
        if self.cap is not None and self.floor > self.cap:
            raise ValueError(f"floor {self.floor:.10g} is above cap {self.cap:.10g}")
        return self


class Ramp(Closed):
    """How fast the weekly pace of a channel may change from one decision to the next."""

    max_change: Share
    from_history: bool = False  # also from the pace of history to the first decision


class Risk(Closed):
    """How the draws of the curves count."""

    measure: Literal["mean", "cvar", "probability", "regret", "robust"] = "mean"
    level: Annotated[Share, Field(gt=0)] = 0.10  # cvar: the share of worst draws that is averaged
    weight: Share = 1.0  # of the measure beside the mean: 0.5 is the middle of both
    target: Positive | None = None  # probability: of an objective of at least this, less what prudence charges
    radius: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = 0.5
    """robust: how far the odds of draws may be from equal, as the root mean square of their relative deviation."""

    @property
    def is_given(self) -> bool:
        """Whether draws count otherwise than by their mean."""
        return self.measure != "mean" and self.weight > 0

    @model_validator(mode="after")
    def _target_with_probability(self) -> "Risk":
        if (self.measure == "probability") != (self.target is not None):
            raise ValueError('target goes with measure = "probability", and the other measures go without it')
        return self


class Scenario(Closed):
    """One budget question."""

    name: Name
    horizon: Horizon
    budget: Budget
    goal: Goal = Goal()
    risk: Risk = Risk()
    ramp: Ramp | None = None
    last_plan: LastPlan | None = None
    learn: Learn | None = None
    soft: dict[str, Annotated[int, Field(ge=1, le=99)]] = Field(default_factory=dict)
    """Rules that give way where no plan keeps all, by name as a plan tells it; those with the lowest number first."""
    every_channel: ChannelRules | None = None  # for each channel not named below
    channels: dict[Name, ChannelRules] = Field(default_factory=dict)
    groups: dict[Name, Group] = Field(default_factory=dict)
    active: Active = Active()  # of all channels
    roles: dict[Role, Annotated[tuple[Name, ...], Field(strict=False)]] = Field(default_factory=dict)
    """The channels that are for a brand, or for sales at once, instead of what the curves say of them."""
    strategy: Strategy | None = None  # the split above, which the plan fills
    shocks: tuple[Shock, ...] = Field(strict=False, default=())
    stress: Stress = Stress()

    @model_validator(mode="after")
    def _one_role_each(self) -> "Scenario":
        named = [name for names in self.roles.values() for name in names]
        if twice := sorted({name for name in named if named.count(name) > 1}):
            raise ValueError(f"roles name {twice[0]!r} twice, and a channel has one role; leave it out once")
        return self

    @model_validator(mode="after")
    def _decisions_where_there_are_some(self) -> "Scenario":
        """What is said of quarters or months needs a plan that decides them."""
        decide = self.horizon.decide
        every = {"every_channel": self.every_channel} | {f"channels.{name}": one for name, one in self.channels.items()}
        said = {
            "month": [f"{place}.{key}" for place, rules in every.items() for key in _set(rules, "month_")],
            "quarter": [f"{place}.{key}" for place, rules in every.items() for key in _set(rules, "quarter_")]
            + ["budget.quarters"] * (self.budget.quarters is not None),
            "decision": [f"{place}.{key}" for place, rules in every.items() for key in _set(rules, "max_", "commit")]
            + ["ramp"] * (self.ramp is not None),
        }
        if decide != "month" and said["month"]:
            raise ValueError(f'{said["month"][0]} needs decisions by month: horizon.decide = "month"')
        if decide == "horizon" and (first := [*said["quarter"], *said["decision"]][:1]):
            raise ValueError(f'{first[0]} needs several decisions: horizon.decide = "quarter" or "month"')
        return self

    @model_validator(mode="after")
    def _planned_together(self) -> "Scenario":
        """Whole steps, numbers of channels and prices by amount go with what they can be planned with."""
        in_one = self.horizon.decide == "horizon" and not self.horizon.from_history
        every = {"every_channel": self.every_channel} | {f"channels.{name}": one for name, one in self.channels.items()}
        tiers = [f"{place}.tiers" for place, rules in every.items() if rules and rules.tiers]
        if tiers and not in_one:
            raise ValueError(
                f'{tiers[0]} needs one split of a year like any other: horizon.decide = "horizon", without carry_over; '
                "plan that first, then decide by quarter or month without tiers, with the amounts of the tier that it "
                "reached as floor and cap of the channel and the price that it pays on average as a shock of kind price"
            )
        numbers = {"active": self.active} | {f"groups.{name}.active": one.active for name, one in self.groups.items()}
        whole = [f"{place}.step" for place, rules in every.items() if rules and rules.step]
        whole += [place for place, one in numbers.items() if one.is_given]
        returns = [key for one in (*every.values(), *self.groups.values()) for key in _set(one, "least_", "most_cac")]
        either = {returns[0] if returns else "": bool(returns)}
        alone = {
            f"risk.measure = {self.risk.measure!r} over several decisions": not in_one and self.risk.is_given,
            "soft rules": bool(self.soft),
            "a target": not (self.budget.total or self.budget.at_most or self.budget.of_history),
        }
        for places, beside in ((whole, either | alone), (tiers, either)):
            others = [name for name, given in beside.items() if given]
            if places and others:
                raise ValueError(f"{places[0]} cannot be planned beside {others[0]} yet; leave out one of them")
        return self


def _set(rules: ChannelRules | Group | None, *starts: str) -> list[str]:
    """The keys of some rules that begin in one of these ways and were given."""
    given = rules.model_fields_set if rules else set()
    return sorted(key for key in given if key.startswith(starts))
