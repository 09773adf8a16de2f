"""A market to simulate: its people, their journey, what they buy, and the touches that money can buy.

Every hazard and effect is written per person and week. A hazard h means that a person left alone makes
the move within a week with probability 1 - exp(-h).
"""

import math
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.config.loading import Closed, Finite, Name, Positive, Share
from engine.config.lookalike import look
from engine.config.people import Journey, Pace, Segment, WordOfMouth
from engine.config.quantities import BelowOne, Hazard, PositiveShare
from engine.config.touches import Channel, Search, Spending


class Purchase(Closed):
    """What a purchase is worth and how often customers come back."""

    price: Positive  # of one purchase [currency]
    margin: Share  # of the price that is left before marketing
    repeat: Hazard  # further purchases of a customer [1/week]
    advocate_factor: Hazard = 1.0  # an advocate repeats this many times as often as a customer
    elasticity: Annotated[float, Field(ge=-10, le=0)] = 0.0  # of purchases by the price paid


class Season(Closed):
    """How demand moves over the year and from year to year."""

    amplitude: Share = 0.0  # demand swings by exp(+-amplitude)
    peak_week: Annotated[int, Field(ge=1, le=53)] = 48  # week of the year with most demand
    growth: Annotated[float, Field(gt=-0.5, lt=1.0)] = 0.0  # of demand, a year


class Event(Closed):
    """A week of the year in which demand is higher or lower than the season says."""

    week: Annotated[int, Field(ge=1, le=53)]
    lift: Positive  # demand is multiplied by this


class Promotion(Closed):
    """Weeks of every year in which the price is lower."""

    week: Annotated[int, Field(ge=1, le=53)]  # of the year, the first one
    weeks: Annotated[int, Field(ge=1, le=26)] = 1
    discount: BelowOne  # share of the price


class Control(Closed):
    """A series that nobody here decides, such as a competitor's price index (mean 1)."""

    name: Name
    persistence: BelowOne  # share of a deviation that is left a week later
    deviation: Share  # standard deviation of its logarithm
    elasticity: Finite  # of demand by the index
    hidden: bool = False  # whether an analyst does not get to see it: a confounder, if spend follows demand


class Rivals(Closed):
    """Competitors who advertise: their share of voice pulls people away, and holds those they have.

    Share of voice is theirs of all paid money, own money smoothed over `half_life`. Losses to rivals are
    multiplied by exp(pull x (share - usual share)), wins from them divided by it.
    """

    spending: Spending
    pull: Annotated[float, Field(ge=0, le=20)]
    half_life: Hazard = 8.0  # of own voice [weeks]
    hidden: bool = False  # whether an analyst does not get to see their spend


class Sales(Closed):
    """The people who work opportunities; what they cannot work waits and may be lost."""

    reps: Positive
    load: Positive  # opportunities that one of them works at a time
    patience: Positive  # mean wait after which an opportunity that nobody works is lost [weeks]


class LiftTest(Closed):
    """An experiment within the history: one channel's money changed for a share of the people only."""

    channel: Name
    week: Annotated[int, Field(ge=1, le=1040)]  # of the history, the first one
    weeks: Annotated[int, Field(ge=1, le=52)]
    factor: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]  # of the channel's spend there
    share: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]  # of the people, drawn at random by region
    wash_out: Annotated[int, Field(ge=0, le=52)] = 4  # weeks after it whose outcome still counts: late effects
    shared_noise: BelowOne = 0.0  # part of the variance of weekly revenue that both groups have alike: it cancels
    bias: Finite = 0.0  # error of the read-out that more noise-free weeks would not mend, as a share of the lift


class Observation(Closed):
    """What stands between what happened and what an analyst gets."""

    delay: BelowOne = 0.0  # share of the revenue not yet booked that has to wait another week
    missing: BelowOne = 0.0  # share of cells of spend, beyond the first 52 weeks, that were never recorded
    grain: Literal["week", "month"] = "week"  # a month has the weeks that start in it


TAKEN = ("price_index", "rival_spend", "weeks_in_month")  # names of controls that a panel may hold anyway
FIRMS_ADVANCE = ("qualify", "accept", "propose")
FIRMS_RETURN = ("reject", "stall")
FIRMS_STAGES = ("qualified", "accepted", "opportunity")


class Market(Closed):
    """One market: the whole truth of a simulated world."""

    name: Name
    currency: Name
    period: Literal["week"] = "week"
    start: date  # first day of the history
    ladder: Literal["consumer", "business"] = "consumer"  # whether people buy for themselves or firms do
    population: Annotated[float, Field(ge=1, le=1e15, allow_inf_nan=False)]  # people, or firms
    in_market: PositiveShare  # of the people, in an average week
    noise: BelowOne  # coefficient of variation of observed revenue
    demand_following: Share = 0.0  # share of every channel's spend that follows demand
    discount_rate: BelowOne = 0.08  # of money, a year
    purchase: Purchase
    season: Season = Season()
    events: dict[Name, Event] = Field(default_factory=dict)
    promotions: dict[Name, Promotion] = Field(default_factory=dict)
    control: Control | None = None
    rivals: Rivals | None = None
    sales: Sales | None = None
    observation: Observation = Observation()
    lift_tests: dict[Name, LiftTest] = Field(default_factory=dict)
    journey: Journey
    word_of_mouth: WordOfMouth = WordOfMouth()
    segments: dict[Name, Segment] = Field(min_length=1)
    channels: dict[Name, Channel] = Field(min_length=1)

    @model_validator(mode="after")
    def _adds_up(self) -> "Market":
        total = sum(segment.share for segment in self.segments.values())
        if not math.isclose(total, 1.0, abs_tol=1e-9):
            raise ValueError(f"the shares of the segments sum to {total:.6g} and must sum to 1")
        if not 1900 < self.start.year < 2200:
            raise ValueError(f"start lies in {self.start.year}, outside the years 1901 to 2199")
        return self

    @model_validator(mode="after")
    def _told_apart(self) -> "Market":
        for kind, names in (("channels", self.channels), ("segments", self.segments)):
            seen: dict[str, str] = {}
            for name in names:
                twin = seen.setdefault(look(name), name)
                if twin != name:
                    raise ValueError(f"{kind} {twin!r} and {name!r} look alike; rename one of them")
        return self

    @model_validator(mode="after")
    def _names_what_is_there(self) -> "Market":
        known = {*self.channels, *(channel.kind for channel in self.channels.values())}
        for name, segment in self.segments.items():
            if odd := sorted(set(segment.habits) - known):
                raise ValueError(
                    f"segments.{name}.habits names {odd[0]!r}, which is no channel or kind here "
                    f"(known: {', '.join(sorted(known))})"
                )
        if self.control and self.control.name in TAKEN:
            raise ValueError(f"control.name is {self.control.name!r}, which a panel needs for itself; rename it")
        if "rivals" in self.channels:
            raise ValueError("channels.rivals has the name that luck knows the competitors by; rename the channel")
        for name, test in self.lift_tests.items():
            if test.channel not in self.channels:
                raise ValueError(
                    f"lift_tests.{name}.channel names {test.channel!r}, which is no channel here "
                    f"(known: {', '.join(self.channels)})"
                )
        return self

    @model_validator(mode="after")
    def _fits_its_ladder(self) -> "Market":
        if self.ladder == "business":
            idle = [move for move in FIRMS_ADVANCE if getattr(self.journey, move) == 0]
            if idle:
                raise ValueError(
                    f"journey.{idle[0]} is 0 in a business market, so no lead can ever become a customer; set it"
                )
            return self
        for place, record in self._records():
            for field in (*FIRMS_ADVANCE, *FIRMS_RETURN, *FIRMS_STAGES):
                if getattr(record, field, 0) not in (0, 1 if isinstance(record, Pace) else 0):
                    raise ValueError(
                        f"{place}.{field} is set, but people who buy for themselves have no such stage or move; "
                        'leave it out, or write ladder = "business"'
                    )
        if self.sales is not None:
            raise ValueError('[sales] needs opportunities to work; write ladder = "business", or leave it out')
        return self

    def _records(self) -> list[tuple[str, Closed]]:
        """Every record that names moves or stages, with its place."""
        each: list[tuple[str, Closed]] = [
            ("journey", self.journey),
            ("word_of_mouth.effect", self.word_of_mouth.effect),
        ]
        each += [(f"segments.{name}.pace", segment.pace) for name, segment in self.segments.items()]
        for name, channel in self.channels.items():
            each.append((f"channels.{name}.effect", channel.effect))
            if isinstance(channel, Search):
                each.append((f"channels.{name}.queries", channel.queries))
        return each
