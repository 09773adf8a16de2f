"""Curves: what spend does to outcome, one row per joint draw; the record a planner plans with."""

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from engine.axes import Array
from engine.errors import InputError
from engine.periods import PER_YEAR, Period
from engine.response.adstock import ADSTOCKS
from engine.response.saturation import SATURATIONS, Saturation

Kind = Literal["paid", "earned", "shared", "owned"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Family:
    """A named member of a table of functions and its parameters, one value per draw."""

    name: str
    parameters: dict[str, Float[np.ndarray, " draw"]]


@dataclass(frozen=True)
class History:
    """What was spent on a channel so far [currency/period]."""

    mean: float
    max: float
    last: tuple[float, ...] = ()  # the latest periods, oldest first


@dataclass(frozen=True)
class Channel:
    """One channel's response: ceiling * share(stock / halfway), with stock the adstocked spend."""

    name: str
    kind: Kind
    adstock: Family
    saturation: Family
    history: History

    def __post_init__(self) -> None:
        for family, table, common in (
            (self.adstock, ADSTOCKS, ()),
            (self.saturation, SATURATIONS, ("ceiling", "halfway")),
        ):
            if family.name not in table:
                raise InputError(
                    f"channel {self.name!r}: family {family.name!r} is not known; use one of {', '.join(table)}"
                )
            wanted = {*common, *table[family.name].shape}
            if set(family.parameters) != wanted:
                odd = sorted(wanted ^ set(family.parameters))
                raise InputError(
                    f"channel {self.name!r}: family {family.name!r} takes {', '.join(sorted(wanted))}; "
                    f"missing or unknown: {', '.join(odd)}"
                )
            for name, values in family.parameters.items():
                _require_range(self.name, name, values)


_RANGES = {  # parameter: lowest allowed, whether the lowest itself is allowed, highest (not allowed)
    "ceiling": (0.0, True, math.inf),
    "halfway": (0.0, False, math.inf),
    "slope": (0.0, False, 50.0),
    "retain": (0.0, True, 1.0),
    "peak": (0.0, True, 52.0),
}


def _require_range(channel: str, name: str, values: Float[np.ndarray, " draw"]) -> None:
    low, closed, high = _RANGES[name]
    fine = np.isfinite(values) & ((values >= low) if closed else (values > low)) & (values < high)
    if not fine.all():
        row = int(np.argmin(fine))
        raise InputError(
            f"channel {channel!r}: {name} of draw {row + 1} is {values[row]:g}, outside "
            f"{'[' if closed else '('}{low:g}, {high:g}); correct that value"
        )


@dataclass(frozen=True)
class Curves:
    """The response of every channel; draw d of every channel belongs together."""

    currency: str
    outcome: str
    period: Period
    channels: tuple[Channel, ...]
    outcome_value: float | None = None  # money per unit of outcome, 1 where it is money; None: unknown, or revenue
    made_from: str = field(default="", compare=False)  # digest of the file or data behind it

    def __post_init__(self) -> None:
        names = [channel.name for channel in self.channels]
        if not names:
            raise InputError("the curves hold no channel; add at least one")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"channel {twice[0]!r} stands twice; give each channel its own name")
        counts = {
            f"{channel.name}.{name}": len(values)
            for channel in self.channels
            for family in (channel.adstock, channel.saturation)
            for name, values in family.parameters.items()
        }
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
    def draws(self) -> int:
        """Number of joint draws."""
        return len(self.channels[0].saturation.parameters["ceiling"])

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
    family = ADSTOCKS[channel.adstock.name]
    shape = (channel.adstock.parameters[name][:, None] for name in family.shape)
    return family.kernel(np.arange(float(lags))[None, :], *shape)


def respond(channel: Channel, stock: Float[Array, "*point draw"]) -> Float[Array, "*point draw"]:
    """Outcome of one period at a given stock [outcome/period], draw by draw."""
    family, parameters, shape = _saturation(channel)
    return parameters["ceiling"] * family.share(stock / parameters["halfway"], *shape)


def respond_with_rate(
    channel: Channel, stock: Float[Array, "*point draw"]
) -> tuple[Float[Array, "*point draw"], Float[Array, "*point draw"]]:
    """`respond` and its derivative by the stock [outcome/currency], draw by draw."""
    family, parameters, shape = _saturation(channel)
    share, steepness = family.with_steepness(stock / parameters["halfway"], *shape)
    return parameters["ceiling"] * share, parameters["ceiling"] / parameters["halfway"] * steepness


def inflection(channel: Channel) -> Float[np.ndarray, " draw"]:
    """The stock below which the response is convex, above which it is concave [currency/period]."""
    family, parameters, shape = _saturation(channel)
    return family.inflection(*shape) * parameters["halfway"]


def _saturation(channel: Channel) -> tuple[Saturation, dict[str, Array], list[Array]]:
    """The family of a channel, its parameters, and those of its shape in order."""
    family, parameters = SATURATIONS[channel.saturation.name], channel.saturation.parameters
    return family, parameters, [parameters[name] for name in family.shape]
