"""A market to simulate: its people, their journey, what they buy, and the touches that money can buy.

Every hazard and effect is written per person and week. A hazard h means that a person left alone makes
the move within a week with probability 1 - exp(-h).
"""

import math
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from engine.config.loading import Closed, Finite, Name, Positive, Share
from engine.config.model import Kind

Hazard = Annotated[float, Field(ge=0, le=50, allow_inf_nan=False)]
PositiveShare = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
BelowOne = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Whole = Annotated[int, Field(ge=1, le=520)]


class Purchase(Closed):
    """What a purchase is worth and how often customers come back."""

    price: Positive  # of one purchase [currency]
    margin: Share  # of the price that is left before marketing
    repeat: Hazard  # further purchases of a customer [1/week]
    advocate_factor: Hazard = 1.0  # an advocate repeats this many times as often as a customer


class Season(Closed):
    """How demand moves over the year and from year to year."""

    amplitude: Share = 0.0  # demand swings by exp(+-amplitude)
    peak_week: Annotated[int, Field(ge=1, le=53)] = 48  # week of the year with most demand
    growth: Annotated[float, Field(gt=-0.5, lt=1.0)] = 0.0  # of demand, a year


class Event(Closed):
    """A week of the year in which demand is higher or lower than the season says."""

    week: Annotated[int, Field(ge=1, le=53)]
    lift: Positive  # demand is multiplied by this


class Control(Closed):
    """A series that everybody can see and nobody here decides, such as a competitor's price index (mean 1)."""

    name: Name
    persistence: BelowOne  # share of a deviation that is left a week later
    deviation: Share  # standard deviation of its logarithm
    elasticity: Finite  # of demand by the index


class Journey(Closed):
    """Hazards of the moves that people make without any touch [1/week]."""

    notice: Hazard  # unaware -> aware
    consider: Hazard  # aware -> considering, for people in the market
    buy: Hazard  # considering -> customer, for people in the market
    reconsider: Hazard  # lapsed -> considering, for people in the market
    praise: Hazard  # customer -> advocate
    leave: Hazard  # customer -> lapsed
    quiet: Hazard  # advocate -> customer
    forget: Hazard  # aware -> unaware
    cool: Hazard  # considering -> aware


class Effect(Closed):
    """Probability that one contact triggers each move of the person contacted; `repeat` counts further purchases."""

    notice: Share = 0.0
    consider: Share = 0.0
    buy: Share = 0.0
    reconsider: Share = 0.0
    praise: Share = 0.0
    repeat: Share = 0.0


class Talk(Closed):
    """Hazards that word of mouth would add if everybody were a customer [1/week]."""

    notice: Hazard = 0.0
    consider: Hazard = 0.0
    buy: Hazard = 0.0
    reconsider: Hazard = 0.0
    praise: Hazard = 0.0
    repeat: Hazard = 0.0


class WordOfMouth(Closed):
    """What customers say unasked: hazard = effect x (customers + advocate_weight x advocates) / population."""

    advocate_weight: Hazard = 1.0
    effect: Talk = Talk()


class Segment(Closed):
    """A part of the people that buys and uses media in its own way."""

    share: PositiveShare  # of the population
    value: Positive = 1.0  # money per purchase, as a multiple of the price
    habits: dict[Name, Positive] = Field(default_factory=dict)  # contacts by channel or kind, as a multiple


class Carry(Closed):
    """How long contacts work: a fast stock of memory and a slow one of goodwill."""

    half_life: Hazard = 0.0  # of the fast stock [weeks]
    slow_half_life: Hazard = 26.0  # of goodwill [weeks]
    slow_share: BelowOne = 0.0  # of the effect that goes through goodwill


class Spending(Closed):
    """How money was spent in the past."""

    mean: Positive  # [currency/week]
    on: Whole = 1  # weeks of a flight
    off: Annotated[int, Field(ge=0, le=520)] = 0  # weeks between flights
    off_level: Share = 0.0  # spend between flights, as a share of that in flights
    season: Annotated[float, Field(ge=0, le=3)] = 0.0  # spend follows season ** this
    noise: Annotated[float, Field(ge=0, le=2)] = 0.0  # deviation of log spend from week to week
    swing: Annotated[float, Field(ge=0, le=2)] = 0.0  # deviation of log spend from quarter to quarter


class Touch(Closed):
    """What channels of every mechanic have."""

    history: Spending
    effect: Effect
    carry: Carry = Carry()
    wear: Share = 0.0  # what each further contact of a week loses of the worth of the one before
    frequency: Literal[1, 2] = 1  # contacts a week that it takes: with 2 the response is S-shaped


class Reach(Touch):
    """Bought contacts: contacts per person = spend / (cost per contact x audience)."""

    kind: ClassVar[Kind] = "paid"
    mechanic: Literal["reach"]
    cost_per_contact: Positive  # [currency]
    audience: PositiveShare = 1.0  # of the population that can be contacted


class Queries(Closed):
    """Searches of one person in the market by the stage of the journey [1/week]."""

    aware: Hazard = 0.0
    considering: Hazard = 0.0
    customer: Hazard = 0.0
    advocate: Hazard = 0.0
    lapsed: Hazard = 0.0


class Search(Touch):
    """Demand capture: clicks cost more the larger the part of all queries that is bought, and end with them."""

    kind: ClassVar[Kind] = "paid"
    mechanic: Literal["search"]
    cost_per_click: Positive  # of the first clicks [currency]
    most_clicks: PositiveShare  # clicks per query that money can buy at most
    queries: Queries

    @model_validator(mode="after")
    def _has_queries(self) -> "Search":
        if sum(self.queries.model_dump().values()) == 0:
            raise ValueError("queries are all 0, so nobody searches and no click can be bought")
        if self.effect.notice > 0:
            raise ValueError("effect.notice is above 0, but who searches is aware already")
        return self


class Press(Touch):
    """Stories won by effort; a story leads to further stories with a decaying intensity."""

    kind: ClassVar[Kind] = "earned"
    mechanic: Literal["press"]
    cost_per_story: Positive  # effort behind the first stories [currency]
    easy_stories: Positive  # stories a week after which each one takes clearly more effort
    organic_stories: Hazard = 0.0  # without effort [1/week]
    branching: BelowOne  # further stories that one story leads to
    memory: Hazard = 1.0  # half-life of that excitation [weeks]
    audience: PositiveShare = 1.0
    story_reach: PositiveShare  # of the audience that one story reaches


class Referral(Touch):
    """Spend makes customers share: contacts grow with customers and advocates, and end with their patience."""

    kind: ClassVar[Kind] = "shared"
    mechanic: Literal["referral"]
    cost_per_share: Positive  # reward and running cost of the first shares [currency]
    most_shares: Positive  # of one customer [1/week]


class Mailing(Touch):
    """A list of subscribers, new and seasoned; spend buys sign-ups and mailings."""

    kind: ClassVar[Kind] = "owned"
    mechanic: Literal["mailing"]
    signup_share: Share  # of the spend that buys sign-ups; the rest buys mailings
    cost_per_signup: Positive  # [currency]
    cost_per_mail: Positive  # of one mail to one subscriber [currency]
    most_mails: Positive  # to one subscriber [1/week]
    organic_signups: Share = 0.0  # of the people not on the list [1/week]
    largest: PositiveShare  # share of the population that could ever subscribe
    leave_new: Hazard = 0.30  # with weeks_new, 34 % are lost in the first 30 days
    leave_seasoned: Hazard = 0.0034  # and 56 % are left after a year
    weeks_new: Positive = 1.75  # mean time until a subscriber who stays is seasoned


class Content(Touch):
    """Pages that take months to rank and lose rank slowly; visits are capped by interest."""

    kind: ClassVar[Kind] = "owned"
    mechanic: Literal["content"]
    cost_per_page: Positive  # [currency]
    steps: Annotated[int, Field(ge=1, le=5)] = 2  # of the Erlang delay between spend and rank
    delay: Annotated[float, Field(ge=1, le=104)] = 12.0  # mean of that delay [weeks]
    decay: PositiveShare = 0.01  # of the ranking pages that drop out [1/week]
    visits_per_page: Positive  # [1/week]
    most_visits: Positive  # of one person, however many pages there are [1/week]


MECHANICS: tuple[type[Touch], ...] = (Reach, Search, Press, Referral, Mailing, Content)
_NAMES = tuple(record.__name__.lower() for record in MECHANICS)


def _mechanic(channel: Any) -> str | None:
    name = channel.get("mechanic") if isinstance(channel, dict) else getattr(channel, "mechanic", None)
    return name.capitalize() if isinstance(name, str) and name in _NAMES else None


Channel = Annotated[
    Annotated[Reach, Tag("Reach")]
    | Annotated[Search, Tag("Search")]
    | Annotated[Press, Tag("Press")]
    | Annotated[Referral, Tag("Referral")]
    | Annotated[Mailing, Tag("Mailing")]
    | Annotated[Content, Tag("Content")],
    Discriminator(
        _mechanic,
        custom_error_type="mechanic",
        custom_error_message=f"a channel needs a mechanic, one of {', '.join(_NAMES)}",
    ),
]


class Market(Closed):
    """One market: the whole truth of a simulated world."""

    name: Name
    currency: Name
    period: Literal["week"] = "week"
    start: date  # first day of the history
    population: Positive
    in_market: PositiveShare  # of the people, in an average week
    noise: BelowOne  # coefficient of variation of observed revenue
    demand_following: Share = 0.0  # share of every channel's spend that follows demand
    purchase: Purchase
    season: Season = Season()
    events: dict[Name, Event] = Field(default_factory=dict)
    control: Control | None = None
    journey: Journey
    word_of_mouth: WordOfMouth = WordOfMouth()
    segments: dict[Name, Segment] = Field(min_length=1)
    channels: dict[Name, Channel] = Field(min_length=1)

    @model_validator(mode="after")
    def _adds_up(self) -> "Market":
        total = sum(segment.share for segment in self.segments.values())
        if not math.isclose(total, 1.0, abs_tol=1e-9):
            raise ValueError(f"the shares of the segments sum to {total:.6g} and must sum to 1")
        known = {*self.channels, *(channel.kind for channel in self.channels.values())}
        for name, segment in self.segments.items():
            if odd := sorted(set(segment.habits) - known):
                raise ValueError(
                    f"segments.{name}.habits names {odd[0]!r}, which is no channel or kind here "
                    f"(known: {', '.join(sorted(known))})"
                )
        if not 1900 < self.start.year < 2200:
            raise ValueError(f"start lies in {self.start.year}, outside the years 1901 to 2199")
        return self
