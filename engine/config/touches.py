"""Touches that money can buy: one record for each mechanic, by kind of channel."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from engine.config.loading import Closed, Positive, Share
from engine.config.model import Kind
from engine.config.people import Effect
from engine.config.quantities import BelowOne, Hazard, PositiveShare, Whole


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
    qualified: Hazard = 0.0
    accepted: Hazard = 0.0
    opportunity: Hazard = 0.0
    customer: Hazard = 0.0
    advocate: Hazard = 0.0
    lapsed: Hazard = 0.0
    rival: Hazard = 0.0


class Search(Touch):
    """Demand capture: clicks cost more the larger the part of all queries that is bought, and end with them."""

    kind: ClassVar[Kind] = "paid"
    mechanic: Literal["search"]
    cost_per_click: Positive  # of the first clicks [currency]
    most_clicks: PositiveShare  # clicks per query that money can buy at most
    highest_bid: Positive | None = None  # cost of a further click above which no money is spent [currency]
    queries: Queries

    @model_validator(mode="after")
    def _has_queries(self) -> "Search":
        if sum(self.queries.model_dump().values()) == 0:
            raise ValueError("queries are all 0, so nobody searches and no click can be bought")
        if self.effect.notice > 0:
            raise ValueError("effect.notice is above 0, but who searches is aware already")
        if self.highest_bid is not None and self.highest_bid <= self.cost_per_click:
            raise ValueError(
                f"highest_bid {self.highest_bid:g} is not above cost_per_click {self.cost_per_click:g}, "
                "so no click would ever be bought"
            )
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
    luck: Annotated[float, Field(ge=0, le=2)] = 0.0  # deviation of the logarithm of a week's news value (mean 1)


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
