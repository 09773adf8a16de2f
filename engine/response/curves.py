"""Curves: what spend does to outcome, one row per joint draw; the record a planner plans with."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int

from engine.axes import Array
from engine.errors import InputError
from engine.periods import PER_YEAR, Period
from engine.response.adstock import ADSTOCKS
from engine.response.interval import Interval
from engine.response.saturation import SATURATIONS

Kind = Literal["paid", "earned", "shared", "owned"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Role = Literal["brand", "activation"]
ROLES: tuple[Role, ...] = get_args(Role)
LAGS = 208  # that a half-life looks at [periods]


@dataclass(frozen=True)
class Family:
    """A named member of a table of functions and its parameters, one value per draw."""

    name: str
    parameters: dict[str, Float[Array, " draw"]]

    @property
    def parts(self) -> tuple["Family", ...]:
        """The families of its draws, in order: itself alone."""
        return (self,)

    @property
    def draws(self) -> int:
        """Number of draws."""
        return len(next(iter(self.parameters.values()), ()))


@dataclass(frozen=True)
class Mixture:
    """Several families for the draws of one channel, in order: the first part holds the first draws."""

    parts: tuple[Family, ...]

    @property
    def parameters(self) -> dict[str, Float[np.ndarray, " draw"]]:
        """The parameters that every part takes, over all draws."""
        shared = [name for name in self.parts[0].parameters if all(name in part.parameters for part in self.parts)]
        return {name: np.concatenate([part.parameters[name] for part in self.parts]) for name in shared}

    @property
    def draws(self) -> int:
        """Number of draws of all parts."""
        return sum(part.draws for part in self.parts)


def joined(parts: Sequence[Family]) -> Family | Mixture:
    """Draws that follow each other as one family, or as a mixture where they differ in family.

    Neighbours of one family become one part.

    >>> one, two = Family("geometric", {"retain": np.zeros(2)}), Family("geometric", {"retain": np.ones(1) / 2})
    >>> joined([one, two]).parameters["retain"].tolist()
    [0.0, 0.0, 0.5]
    """
    runs = [tuple(run) for _, run in itertools.groupby(parts, key=lambda part: part.name)]
    merged = tuple(Family(run[0].name, Mixture(run).parameters) if len(run) > 1 else run[0] for run in runs)
    return merged[0] if len(merged) == 1 else Mixture(merged)


def chosen(channel: "Channel", some: Int[np.ndarray, " draw"]) -> "Channel":
    """A channel with some of its draws, by rising number."""
    return replace(channel, adstock=_chosen(channel.adstock, some), saturation=_chosen(channel.saturation, some))


def _chosen(family: Family | Mixture, some: Int[np.ndarray, " draw"]) -> Family | Mixture:
    parts, begin = [], 0
    for part in family.parts:
        own = some[(some >= begin) & (some < begin + part.draws)] - begin
        if len(own):
            parts.append(Family(part.name, {name: values[own] for name, values in part.parameters.items()}))
        begin += part.draws
    return joined(parts)


@dataclass(frozen=True)
class History:
    """What was spent on a channel so far [currency/period]."""

    mean: float
    max: float
    last: tuple[float, ...] = ()  # the latest periods, oldest first
    support: tuple[float, float] | None = None  # 5 and 95 % points of the stock that the data show; None: unknown


@dataclass(frozen=True)
class Channel:
    """One channel's response: ceiling * share(stock / halfway), with stock the adstocked spend.

    It may be a part of a channel: what that spends in one geo, on one segment, or both.
    """

    name: str
    kind: Kind
    adstock: Family | Mixture
    saturation: Family | Mixture
    history: History
    part_of: str | None = None  # the channel whose part it is; None: it is whole
    geo: str | None = None
    segment: str | None = None
    role: Role | None = None  # what it is for: a brand, or sales at once

    def __post_init__(self) -> None:
        tables = (
            ("adstock", self.adstock, {name: one.shape for name, one in ADSTOCKS.items()}),
            ("saturation", self.saturation, {name: _MONEY | one.shape for name, one in SATURATIONS.items()}),
        )
        for role, family, table in tables:
            place = f"channel {self.name!r}"
            if isinstance(family, Family):
                _require_family(place, family, table)
                continue
            if not family.parts:
                raise InputError(f"{place}: its {role} has no family; give at least one")
            for number, part in enumerate(family.parts, start=1):
                _require_family(f"{place}, {role}, part {number}", part, table)
                _require_even(f"{place}, {role}, part {number}", part)


_MONEY = {"ceiling": Interval(0.0), "halfway": Interval(0.0, closed_low=False)}  # what every saturation takes


def _require_family(place: str, family: Family, table: dict[str, dict[str, Interval]]) -> None:
    """Refuse a family that is not in the table, and parameters that it does not take or that are out of range."""
    if family.name not in table:
        raise InputError(f"{place}: family {family.name!r} is not known; use one of {', '.join(table)}")
    wanted = table[family.name]
    if set(family.parameters) != set(wanted):
        odd = sorted(set(wanted) ^ set(family.parameters))
        raise InputError(
            f"{place}: family {family.name!r} takes {', '.join(sorted(wanted))}; missing or unknown: {', '.join(odd)}"
        )
    for name, values in family.parameters.items():
        fine = wanted[name].holds(values)
        if not fine.all():
            row = int(np.argmin(fine))
            raise InputError(
                f"{place}: {name} of draw {row + 1} is {values[row]:g}, outside {wanted[name]}; correct that value"
            )


def _require_even(place: str, part: Family) -> None:
    """Refuse a part of a mixture whose lists differ in length or are empty."""
    counts = {name: len(values) for name, values in part.parameters.items()}
    if len(set(counts.values())) != 1:
        low, high = min(counts, key=lambda k: counts[k]), max(counts, key=lambda k: counts[k])
        raise InputError(
            f"{place}: {low} has {counts[low]} draws but {high} has {counts[high]}; every list needs one value per draw"
        )
    if not part.draws:
        raise InputError(f"{place} holds no draw; leave that part out")


@dataclass(frozen=True)
class Curves:
    """The response of every channel; draw d of every channel belongs together."""

    currency: str
    outcome: str
    period: Period
    channels: tuple[Channel, ...]
    outcome_value: float | None = None  # money per unit of outcome, 1 where it is money; None: unknown, or revenue
    prudence: float = 0.0  # deviations that a move's gain should be worth, where a scenario is silent
    made_from: str = field(default="", compare=False)  # digest of the file or data behind it
    until: date | None = None  # the first day after the history; None: unknown

    def __post_init__(self) -> None:
        names = [channel.name for channel in self.channels]
        if not names:
            raise InputError("the curves hold no channel; add at least one")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"channel {twice[0]!r} stands twice; give each channel its own name")
        _require_parts(self.channels)
        counts = {name: count for channel in self.channels for name, count in _counts(channel).items()}
        if len(set(counts.values())) != 1:
            low, high = min(counts, key=lambda k: counts[k]), max(counts, key=lambda k: counts[k])
            raise InputError(
                f"{low} has {counts[low]} draws but {high} has {counts[high]}; every list needs one value per draw"
            )
        if not self.draws:
            raise InputError("the curves hold no draw; give every parameter at least one value")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the channels, in order."""
        return tuple(channel.name for channel in self.channels)

    @property
    def wholes(self) -> tuple[str, ...]:
        """Names of the channels that have parts, in order."""
        return tuple(dict.fromkeys(channel.part_of for channel in self.channels if channel.part_of is not None))

    @property
    def draws(self) -> int:
        """Number of joint draws."""
        return self.channels[0].saturation.draws

    @property
    def value(self) -> float:
        """Money per unit of outcome."""
        return 1.0 if self.outcome_value is None else self.outcome_value

    @property
    def is_money(self) -> bool:
        """Whether what a plan counts is money: revenue, or an outcome with a value."""
        return self.outcome_value is not None or self.outcome == "revenue"

    @property
    def measure(self) -> str:
        """What a plan counts: the outcome, or its value where a unit of it is not worth just 1."""
        return self.outcome if self.value == 1 else f"value of {self.outcome}"


def _require_parts(channels: tuple[Channel, ...]) -> None:
    """Refuse a name that is that of a channel with parts and of an entry too, and parts that differ in kind."""
    kinds: dict[str, Kind] = {}
    names = {channel.name for channel in channels}
    for channel in channels:
        whole = channel.part_of
        if whole is None:
            continue
        if whole in names:
            raise InputError(
                f"channel {channel.name!r} is a part of {whole!r}, and an entry has that name too; "
                "give the parts other names than the channel, and leave out an entry for all of it"
            )
        if kinds.setdefault(whole, channel.kind) != channel.kind:
            raise InputError(
                f"channel {whole!r} has parts that are {kinds[whole]} and {channel.kind}; give all of them one kind"
            )


def pace(channel: Channel, period: Period) -> float:
    """Spend per period that "history" stands for in a question [currency/period].

    The mean of the last year where the curves give a whole year, else the mean of all history: a cut of
    15 % is meant from today's budget, not from that of three years ago.
    """
    year = round(PER_YEAR[period])
    last = channel.history.last[-year:]
    return float(np.mean(last)) if len(last) == year > 1 else channel.history.mean


def kernel(channel: Channel, lags: int) -> Float[np.ndarray, "draw lag"]:
    """The share of one period's spend that works in each of the `lags` periods from it on."""
    rows = []
    for part in channel.adstock.parts:
        family = ADSTOCKS[part.name]
        shape = (part.parameters[name][:, None] for name in family.shape)
        rows.append(family.kernel(np.arange(float(lags))[None, :], *shape))
    return rows[0] if len(rows) == 1 else np.concatenate(rows)


def half_life(channel: Channel) -> Float[np.ndarray, " draw"]:
    """Periods until half of the effect of one period's spend has come, draw by draw.

    Between whole periods, and beyond the lags looked at, what is still to come fades by a constant factor:
    for a geometric kernel that is exact, log(1/2) / log(retain).
    """
    coming = 1 - np.cumsum(kernel(channel, LAGS), axis=1)  # after each lag, of the whole effect
    coming = np.maximum(np.concatenate([np.ones((len(coming), 1)), coming], axis=1), np.finfo(float).tiny)
    at = np.minimum((coming > 0.5).sum(axis=1), LAGS)
    rows = np.arange(len(coming))
    before, after = coming[rows, at - 1], coming[rows, at]
    return at - 1 + np.log(before / 0.5) / np.log(before / after)


def most(channel: Channel, stock: Float[np.ndarray, "*point draw"]) -> Float[np.ndarray, "*point draw"]:
    """What one period cannot exceed at stocks up to `stock`: the ceiling, or the response where there is none."""
    return _rejoined(
        [
            np.broadcast_to(part.parameters["ceiling"], own.shape)
            if SATURATIONS[part.name].bounded
            else _respond(part, own)
            for part, own in _by_part(channel.saturation, stock)
        ]
    )


def respond(channel: Channel, stock: Float[Array, "*point draw"]) -> Float[Array, "*point draw"]:
    """Outcome of one period at a given stock [outcome/period], draw by draw."""
    return saturated(channel.saturation, stock)


def saturated(saturation: Family | Mixture, stock: Float[Array, "*point draw"]) -> Float[Array, "*point draw"]:
    """`respond` of a channel with this saturation."""
    return _rejoined([_respond(part, own) for part, own in _by_part(saturation, stock)])


def respond_with_rate(
    channel: Channel, stock: Float[Array, "*point draw"]
) -> tuple[Float[Array, "*point draw"], Float[Array, "*point draw"]]:
    """`respond` and its derivative by the stock [outcome/currency], draw by draw."""
    pairs = [_respond_with_rate(part, own) for part, own in _by_part(channel.saturation, stock)]
    return _rejoined([value for value, _ in pairs]), _rejoined([rate for _, rate in pairs])


def inflection(channel: Channel) -> Float[np.ndarray, " draw"]:
    """The stock below which the response is convex, above which it is concave [currency/period]."""
    return _rejoined(
        [
            SATURATIONS[part.name].inflection(*_shape(part)) * part.parameters["halfway"]
            for part in channel.saturation.parts
        ]
    )


def steepening(channel: Channel) -> Float[np.ndarray, " draw"]:
    """The stock at which the response bends upwards most: 0 where it does so at 0, or nowhere [currency/period]."""
    return _rejoined(
        [SATURATIONS[part.name].peak(*_shape(part)) * part.parameters["halfway"] for part in channel.saturation.parts]
    )


def downturn(channel: Channel) -> Float[np.ndarray, " draw"]:
    """The stock at which the response bends downwards most: 0 where it does so at 0 [currency/period]."""
    return _rejoined(
        [SATURATIONS[part.name].trough(*_shape(part)) * part.parameters["halfway"] for part in channel.saturation.parts]
    )


def bends(
    channel: Channel, stock: Float[Array, "*point draw"]
) -> tuple[Float[Array, "*point draw"], Float[Array, "*point draw"], Float[Array, "*point draw"]]:
    """`respond`, its derivative by the stock and its second derivative, draw by draw."""
    found = [_bends(part, own) for part, own in _by_part(channel.saturation, stock)]
    value, rate, bend = zip(*found, strict=True)
    return _rejoined(list(value)), _rejoined(list(rate)), _rejoined(list(bend))


def _bends(
    part: Family, stock: Float[Array, "*point draw"]
) -> tuple[Float[Array, "*point draw"], Float[Array, "*point draw"], Float[Array, "*point draw"]]:
    ceiling, halfway, family = part.parameters["ceiling"], part.parameters["halfway"], SATURATIONS[part.name]
    dose, shape = stock / halfway, _shape(part)
    share, steepness = family.with_steepness(dose, *shape)
    bend = family.curvature(dose, share, steepness, *shape)
    return ceiling * share, ceiling / halfway * steepness, ceiling / halfway**2 * bend


def _respond(part: Family, stock: Float[Array, "*point draw"]) -> Float[Array, "*point draw"]:
    share = SATURATIONS[part.name].share(stock / part.parameters["halfway"], *_shape(part))
    return part.parameters["ceiling"] * share


def _respond_with_rate(
    part: Family, stock: Float[Array, "*point draw"]
) -> tuple[Float[Array, "*point draw"], Float[Array, "*point draw"]]:
    ceiling, halfway = part.parameters["ceiling"], part.parameters["halfway"]
    share, steepness = SATURATIONS[part.name].with_steepness(stock / halfway, *_shape(part))
    return ceiling * share, ceiling / halfway * steepness


def _shape(part: Family) -> list[Float[Array, " draw"]]:
    """What its saturation takes beside the dose, in order."""
    return [part.parameters[name] for name in SATURATIONS[part.name].shape]


def _by_part(family: Family | Mixture, stock: Float[Array, "..."]) -> list[tuple[Family, Float[Array, "..."]]]:
    """Each part with the stock of its own draws; a family that is alone takes the stock as it is."""
    if isinstance(family, Family):
        return [(family, stock)]
    xp = stock.__array_namespace__()
    whole = xp.broadcast_to(stock, (*stock.shape[:-1], family.draws))
    ends = list(itertools.accumulate((part.draws for part in family.parts), initial=0))
    return [(part, whole[..., a:b]) for part, (a, b) in zip(family.parts, itertools.pairwise(ends), strict=True)]


def _rejoined(pieces: list[Float[Array, "..."]]) -> Float[Array, "..."]:
    """The draws of all parts, one after the other."""
    return pieces[0] if len(pieces) == 1 else pieces[0].__array_namespace__().concat(pieces, axis=-1)


def _counts(channel: Channel) -> dict[str, int]:
    """How many draws each list of a channel has; a mixture counts as one list."""
    counts = {}
    for role, family in (("adstock", channel.adstock), ("saturation", channel.saturation)):
        if isinstance(family, Mixture):
            counts[f"{channel.name}.{role}"] = family.draws
        else:
            counts |= {f"{channel.name}.{name}": len(values) for name, values in family.parameters.items()}
    return counts
