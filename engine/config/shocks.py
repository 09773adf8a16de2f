"""Shocks: changes of the world that a plan meets, from a date on, surely or by chance."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from engine.config.goal import Rate
from engine.config.loading import Closed, Finite, Name, Positive, Share
from engine.config.relative import LARGEST_MULTIPLE

ShockKind = Literal[
    "price",
    "effectiveness",
    "outage",
    "demand",
    "season",
    "competitor",
    "curves",
    "budget",
    "capacity",
    "delay",
]
OF_CHANNELS = ("price", "effectiveness", "outage", "season", "competitor", "curves")  # that may name channels
WITHOUT_FACTOR = ("outage", "delay")
MOVED = ("season", "delay")  # that say by how many periods
UNFORESEEN = ("budget", "capacity", "delay")  # of which a plan of the best split knows nothing
CLOSE = 1e-9  # of 1: how far chances may add up from it
LARGEST_LEVEL = 0.5  # of paths: the worse half
LEAST = 0.01  # of factors by which something is divided
WIDEST = 1000  # times: p95 beside p05
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2999, 12, 31)  # as of horizons
HALF = 50  # percent: from there on "so many percent of what it was" may be meant


def _no_percentage(factor: float) -> float:
    if factor < 0:
        less = min(-factor if factor <= -1 else -100 * factor, 100)
        raise ValueError(
            f"a factor multiplies, and none is below 0; write {1 - less / 100:g} for {less:g} % less or cheaper"
        )
    if factor > LARGEST_MULTIPLE:
        raise ValueError(
            f"a factor multiplies, and this is {factor:g} times as much, where at most {LARGEST_MULTIPLE:g} times is "
            f"taken; write {_meant(factor)}"
        )
    return factor


def _meant(percent: float) -> str:
    """What to write where a percentage stands for a factor.

    >>> _meant(15.0)
    '1.15 for 15 % more or dearer, 0.85 for 15 % less or cheaper'
    """
    share, told = percent / 100, []
    if 1 + share <= LARGEST_MULTIPLE:
        told.append(f"{1 + share:g} for {percent:g} % more or dearer")
    if share <= 1:
        told.append(f"{1 - share:g} for {percent:g} % less or cheaper")
    if percent >= HALF and share <= LARGEST_MULTIPLE:
        told.append(f"{share:g} for {percent:g} % of what it was")
    return ", ".join(told) or _meant(15.0)


Times = Annotated[float, Field(allow_inf_nan=False), AfterValidator(_no_percentage)]
Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]


class Spread(Closed):
    """A factor that is not known: in one of three forms.

    `low`, `mode`, `high`: a triangle; `p05`, `p95`: log-normal, with nine of ten factors between them; `values` and
    their `chances`: one of a list, all alike where no chances are given.
    """

    low: Times | None = None
    mode: Times | None = None
    high: Times | None = None
    p05: Annotated[Times, Field(gt=0)] | None = None
    p95: Annotated[Times, Field(gt=0)] | None = None
    values: tuple[Times, ...] = Field(strict=False, default=())
    chances: tuple[Share, ...] = Field(strict=False, default=())

    @model_validator(mode="after")
    def _one_form(self) -> "Spread":
        triangle, band = (self.low, self.mode, self.high), (self.p05, self.p95)
        given = [any(one is not None for one in triangle), any(one is not None for one in band), bool(self.values)]
        whole = None not in triangle or None not in band or bool(self.values)
        if sum(given) != 1 or not whole:
            raise ValueError("a spread is low, mode and high; or p05 and p95; or values: give one of these whole")
        for name, points in (("low, mode, high", triangle), ("p05, p95", band)):
            found = [one for one in points if one is not None]
            if found != sorted(found):
                raise ValueError(f"{name} are {', '.join(f'{one:g}' for one in found)}; give them by rising size")
        if self.p05 and self.p95 and self.p95 / self.p05 > WIDEST:
            raise ValueError(f"p95 is more than {WIDEST} times p05, which says nothing; bring the two nearer together")
        self._chances()
        return self

    def _chances(self) -> None:
        if self.chances and len(self.chances) != len(self.values):
            raise ValueError(f"{len(self.chances)} chances stand beside {len(self.values)} values; give one for each")
        if self.chances and abs(sum(self.chances) - 1) > CLOSE:
            raise ValueError(f"the chances add up to {sum(self.chances):g}; they must add up to 1")

    @property
    def least(self) -> float:
        """The smallest factor that can come; of a log-normal one its 5 % point."""
        return min(one for one in (self.low, self.p05, *self.values) if one is not None)


class Shock(Closed):
    """One change of the world between two dates."""

    name: Name = "shock"
    kind: ShockKind
    channels: tuple[Name, ...] = Field(strict=False, default=())  # none named: all
    factor: Times | Spread | None = None
    """price: cost of a contact; effectiveness, demand, curves: outcome; season: of a peak; competitor: what rivals
    spend; budget: the money; capacity: the people who sell."""
    elasticity: Annotated[Finite, Field(ge=-5, le=0)] | None = None  # competitor: % of outcome for 1 % more of rivals
    shift: Annotated[int, Field(ge=-52, le=104)] | None = None  # season, delay: periods by which it comes later
    first: Day | None = Field(default=None, alias="from")
    last: Day | None = Field(default=None, alias="until")  # the first day after it, but for its recovery
    onset: Annotated[int, Field(ge=0, le=260)] = 0  # periods in which it comes on, evenly
    recovery: Annotated[int, Field(ge=0, le=260)] = 0  # periods after `until` in which it goes, evenly
    chance: Share = 1.0  # that it comes at all
    within: Annotated[int, Field(ge=1, le=520)] = 1  # it begins in one of so many periods, each as likely
    driver: Name | None = None  # what moves it; shocks with one driver share their luck. Its own name if absent
    known_after: Annotated[int, Field(ge=0, le=520)] | None = None
    """Periods after its begin until a new plan reckons with it; 0 if absent, and never for effectiveness and curves,
    which nobody sees without a test."""
    expected: bool = False  # whether the plan that a stress test starts from reckons with it, too

    @model_validator(mode="after")
    def _consistent(self) -> "Shock":
        if (self.factor is None) != (self.kind in WITHOUT_FACTOR):
            raise ValueError(f"{self.kind} needs a factor; an outage takes none, and a delay has a shift")
        if self.kind == "price" and _least(self.factor) < LEAST:
            raise ValueError(
                f"a price factor near 0 would make contacts free, and one above 0 is needed: {LEAST} or more"
            )
        if self.kind in ("competitor", "season") and _least(self.factor) < LEAST:
            raise ValueError(f"{self.kind} needs a factor above 0: {LEAST} or more")
        if self.channels and self.kind not in OF_CHANNELS:
            raise ValueError(f"{self.kind} moves every channel, and channels are not to be named")
        if (self.shift is None) != (self.kind not in MOVED):
            raise ValueError("season and delay need a shift in periods, and the other kinds take none")
        if self.kind == "delay" and (self.shift or 0) < 0:
            raise ValueError("a delay is of 0 periods or more")
        if (self.elasticity is None) != (self.kind != "competitor"):
            raise ValueError(
                "competitor needs an elasticity, by how many % outcome changes for 1 % more of rivals' money, as -0.1, "
                "and the other kinds take none"
            )
        return self._in_order()

    def _in_order(self) -> "Shock":
        if self.first and self.last and self.first >= self.last:
            raise ValueError(f"from {self.first} is not before until {self.last}")
        if self.kind == "outage" and (self.onset or self.recovery):
            raise ValueError("an outage is there or it is not, and takes no onset and no recovery")
        if self.recovery and not self.last:
            raise ValueError("recovery follows until, and no date is given there")
        if self.kind == "season" and not (self.first and self.last):
            raise ValueError("season needs from and until: the time in which the peak was to come")
        if self.expected and (self.is_random or self.kind in UNFORESEEN):
            raise ValueError(
                "a plan reckons with what surely comes: expected goes without chance, within, a spread "
                f"as factor, and the kinds {', '.join(UNFORESEEN)}"
            )
        return self

    @property
    def is_random(self) -> bool:
        """Whether chance decides if, when or how strongly it comes."""
        return self.chance < 1 or self.within > 1 or isinstance(self.factor, Spread)

    @property
    def is_plannable(self) -> bool:
        """Whether a plan of the best split can reckon with it."""
        return not self.is_random and self.kind not in UNFORESEEN

    @property
    def size(self) -> float:
        """Its factor, where that is one number; 1 where it has none."""
        return self.factor if isinstance(self.factor, float | int) else 1.0


def _least(factor: float | Spread | None) -> float:
    if isinstance(factor, Spread):
        return factor.least
    return 1.0 if factor is None else factor


Periods = Annotated[float, Field(ge=1e-3, le=1e4, allow_inf_nan=False)]


class Sales(Closed):
    """The people behind an outcome: each unit of it comes from leads, and a lead needs one of them for a while."""

    leads: Annotated[float, Field(ge=1e-12, le=1e6, allow_inf_nan=False)]  # behind a unit of outcome [1/outcome]
    other_leads: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)] = 0.0  # without marketing [1/period]
    people: Annotated[int, Field(ge=1, le=100_000)]
    handling: Periods  # that one of them works on a lead, in the mean
    patience: Periods  # after which a lead that waits is lost, in the mean
    service: Literal["exponential", "fixed", "lognormal"] = "exponential"  # how the time for a lead varies
    variation: Annotated[float, Field(gt=0, le=5, allow_inf_nan=False)] = 1.0  # of log-normal times: sd / mean


class Cash(Closed):
    """When money moves."""

    customers_pay_after: Annotated[int, Field(ge=0, le=104)] = 0  # periods after the outcome
    media_paid_after: Annotated[int, Field(ge=0, le=104)] = 0  # periods after the money is committed


def _no_confidence(level: float) -> float:
    if level > LARGEST_LEVEL:
        share = next((part for part in (1 - level, level / 100, 1 - level / 100) if 0 < part <= LARGEST_LEVEL), 0.05)
        raise ValueError(
            f"this is a share of all paths, the worst, of which {LARGEST_LEVEL:g} is the most; "
            f"write {share:.6g} for the worst {100 * share:.6g} %"
        )
    return level


Level = Annotated[float, Field(ge=0.001, allow_inf_nan=False), AfterValidator(_no_confidence)]
Band = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]


class Stress(Closed):
    """What a stress test of the plan reckons with, beside the shocks."""

    paths: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    target: Positive | None = None  # outcome that is to be reached; the plan's own mean if absent
    margin: Share | None = None  # of the outcome, for profit and cash; that of the goal if absent
    discount_rate: Rate = 0.0  # for the present value
    level: Level = 0.05  # of paths that value at risk and CVaR tell
    correlation: dict[Name, dict[Name, Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]]] = Field(
        default_factory=dict
    )  # of the sizes of drivers by name, each pair once
    reserve: Band = 0.1  # policy "reserve": share of the money held back
    band: Band = 0.05  # policies "reserve" and "trigger": how far results may be from the latest plan
    notice: dict[Name, Annotated[int, Field(ge=0, le=520)]] = Field(default_factory=dict)
    """Periods before a decision begins in which a channel's money for it can no longer be changed."""
    sales: Sales | None = None
    cash: Cash = Cash()
