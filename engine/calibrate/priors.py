"""What is believed before the data speak, in words of the business, and the coordinates that follow from it.

Every belief is a map from a standard normal coordinate: no Jacobian is needed anywhere. What is believed of all
channels together stands in the density (`density.ties`) and makes the prior of some coordinates narrower.
"""

import math
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from engine.axes import Array
from engine.config.beliefs import Range
from engine.config.model import ChannelColumns
from engine.data.dataset import Dataset
from engine.errors import InputError
from engine.periods import PER_YEAR
from engine.response.adstock import ADSTOCKS
from engine.response.curves import Kind
from engine.response.saturation import SATURATIONS

GLOBAL = ("noise", "level")  # coordinates that all channels share, after those of each

MEDIA_SHARE, MEDIA_SPREAD = 0.25, 0.7
"""Share of the outcome that all channels together cause, before data: log-normal, 8 to 79 % in 90 %; published
decompositions of consumer brands mostly lie between a tenth and two thirds. Drawn, so that channels whose own
return the data do not tell take the return of the others, not one that was made up."""

CROWDED, CROWDED_WIDTH = 0.85, 0.05
"""A total contribution above this share of the outcome is doubted, with this spread: little would be left
for people who buy anyway."""

SHARE_SHAPE = 1.7
"""Weibull shape of a channel's contribution: an exponential (1) holds nothing to be the likeliest contribution
of any channel, which understated returns by half on simulated markets; at 1.7 five in a hundred channels bring
less than a fifth, and five more than twice, of what is expected."""

SCATTER, FREEDOM = 1.0, 3.0
"""Spread of the logs of the channels' marginal returns at today's pace around their mean: today's budget was
made by people who moved money from where it did little to where it did more. How well they did is not known: with an
inverse gamma belief in the variance of that scatter, integrated out, the logs are multivariate t with so many
degrees of freedom; a history whose channels all seem to return the same is believed to be near its best."""

RISING_WIDTH = 0.35
"""A channel whose next money returns more than all money before it did is doubted, by the log of how much more: who
runs it for years would have found out. Without this, the four channels behind the worst plans of
`experiments/decisions` had median responses of 2.5 to 11 times today's at three times the money, with upper ends of 9
to 36; 1.9 to 2.4 was true.
"""

RETAIN: Mapping[Kind, tuple[float, float]] = {
    "paid": (1.2, 2.0),
    "shared": (1.4, 1.8),
    "earned": (1.6, 1.6),
    "owned": (1.8, 1.6),
}
"""Kumaraswamy shapes of the share of a stock that survives one week. Means .37 .43 .49 .53: paid search lasts
days and television weeks (half-lives of 1 to 6 weeks in the meta-analysis of Leone 1995 and in industry
reviews), coverage and content last longer. No kind excludes 0 or .9."""

HALFWAY_MEDIAN, HALFWAY_SPREAD = 1.5, 0.7
"""Halfway spend over the mean of the periods with spend: log-normal. Two thirds of the belief lie between .7
and 3: history mostly sees the bend, neither only the foot nor only the ceiling."""

NOISE_MEDIAN, NOISE_SPREAD = 0.06, 0.9
"""Spread of a period's chance, of the mean outcome: log-normal."""


class Following(NamedTuple):
    """How much demand one standard deviation of a channel's spend may hide."""

    unexplained: float  # in spreads of the slow part of the noise
    moving: float  # in spreads of all slow movement of the outcome, what media bring included


FOLLOWS: Mapping[str | None, Following] = {
    None: Following(0.6, 0.1),
    "no": Following(0.1, 0.0),
    "some": Following(0.6, 0.2),
    "much": Following(1.2, 0.5),
}
"""By what the model file tells of a channel; None where it tells nothing. A channel whose correlation with hidden
demand is r hides r / sqrt(1 - r^2) of what is left unexplained: .6 is a correlation of one half, 1.2 of three quarters.
Spend that tracks demand closely leaves nothing unexplained, so some doubt remains even then: of all slow movement of
the outcome a tenth, a fifth (some) or a half (much) may be demand's. Bands of 80 and 95 % held 71 and 84 of a hundred
true returns where spend followed demand; with 1.2 and a twentieth, 73 and 85 (`experiments/recovery`)."""

_WEIBULL_MEAN = math.gamma(1 + 1 / SHARE_SHAPE)  # of a scale of one
REACH = 7.0  # coordinates are cut off here: beyond seven standard deviations nothing is lost
HALF_LIVES = ("geometric", "buildup", "two_speed")  # families whose half-life is (nearly) that of their retain
TAIL_90 = 1.6448536269514722  # standard deviations that hold 90 %


class Structure(NamedTuple):
    """Which families a calibration takes into account."""

    adstock: str = "buildup"
    saturation: str = "burr"

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Of one channel, in order; the noise comes after those of all channels."""
        return ("share", "halfway", *ADSTOCKS[self.adstock].shape, *SATURATIONS[self.saturation].shape)

    def size(self, channels: int) -> int:
        """Number of coordinates of this many channels."""
        return len(self.coordinates) * channels + len(GLOBAL)


ANY = Structure()
"""The surfaces that hold the others: Burr's curve is Hill's at a tail of 1, an exponential at a large tail and a
slope of 1, close to a logarithm at a small tail; a build-up in series with a decay is geometric where nothing
builds up, and delayed where it does. Drawing their shape with everything else averages over families by how well
each predicts."""


class Priors(NamedTuple):
    """The constants of the coordinate maps, one entry per channel; where a range was told it wins."""

    share: Float[np.ndarray, " channel"]  # of all money
    share_told: Float[np.ndarray, "two channel"]  # mean and spread of its log, nan where nothing was told
    retain: Float[np.ndarray, "two channel"]  # shapes of the Kumaraswamy distribution of a week
    life_told: Float[np.ndarray, "two channel"]  # mean and spread of the log half-life [periods], nan if not told
    elasticity_told: Float[np.ndarray, "two channel"]  # the same of its elasticity at today's pace
    weeks: Float[np.ndarray, ""]  # weeks in one period


class Parameters(NamedTuple):
    """What the coordinates stand for, in scaled units: outcome over its mean, dose over its mean when spent."""

    share: Float[Array, "*draw channel"]  # contribution over outcome, in history
    halfway: Float[Array, "*draw channel"]  # doses
    carry: tuple[Float[Array, "*draw channel"], ...]  # what the adstock family takes, in its order
    bend: tuple[Float[Array, "*draw channel"], ...]  # what the saturation family takes, in its order
    noise: Float[Array, "*draw"]  # spread of one row of weight one [scaled outcome]


def structure_of(saturation: str, adstock: str) -> Structure:
    """The structure of a model file's names; "any" is the surface that holds the others.

    Raises:
        InputError: A name is unknown.
    """
    for name, table, what in ((saturation, SATURATIONS, "saturation"), (adstock, ADSTOCKS, "adstock")):
        if name != "any" and name not in table:
            raise InputError(f"[curves] {what} = {name!r} is not known; use any, {', '.join(table)}")
    return Structure(
        ANY.adstock if adstock == "any" else adstock, ANY.saturation if saturation == "any" else saturation
    )


def require_heard(structure: Structure, told: Mapping[str, ChannelColumns]) -> None:
    """Refuse a told half-life that the carry-over family has no place for.

    Raises:
        InputError: Naming the channel.
    """
    if structure.adstock in HALF_LIVES:
        return
    for name, channel in told.items():
        if channel.half_life is not None:
            raise InputError(
                f"half_life of {name!r} is told, and [curves] adstock = {structure.adstock!r} has no parameter for it; "
                f"remove one of them, or use any, {', '.join(HALF_LIVES)}"
            )


def believe(dataset: Dataset, told: Mapping[str, ChannelColumns]) -> Priors:
    """The priors of a data set's channels, with what the model file tells of each."""
    spend, paid = dataset.driver.sum(axis=(0, 1)), dataset.spend.sum(axis=(0, 1))
    known = [told.get(name) for name in dataset.channels]
    units = paid / float(dataset.outcome.sum())
    shares = [
        _told(one.share, 1.0) if one and one.share else _told(one.roas if one else None, unit)
        for one, unit in zip(known, units, strict=True)
    ]
    return Priors(
        share=spend / spend.sum(),
        share_told=np.stack(shares, axis=1),
        retain=np.array([RETAIN[kind] for kind in dataset.kinds]).T,
        life_told=np.stack([_told(one.half_life if one else None) for one in known], axis=1),
        elasticity_told=np.stack([_told(one.elasticity if one else None) for one in known], axis=1),
        weeks=np.array(PER_YEAR["week"] / PER_YEAR[dataset.period]),
    )


def _told(given: Range | None, unit: float = 1.0) -> Float[np.ndarray, " two"]:
    """Mean and spread of the log of a quantity whose 90 % range is told; nan where it is not."""
    if given is None:
        return np.full(2, np.nan)
    least = math.log(given.low * unit)
    most = math.log(given.high * unit)
    return np.array([(least + most) / 2, (most - least) / 2 / TAIL_90])


def interpret(
    place: Float[Array, "*draw coordinate"], priors: Priors, structure: Structure, special: ModuleType
) -> Parameters:
    """The parameters at a place in the standard-normal coordinates.

    Args:
        place: Coordinates, blocks of one entry per channel in the order of `structure.coordinates`, then `GLOBAL`.
        priors: Constants of the maps.
        structure: The families.
        special: `jax.scipy.special` inside a compiled function, `scipy.special` on numpy arrays.
    """
    xp = place.__array_namespace__()
    names = structure.coordinates
    count = (place.shape[-1] - len(GLOBAL)) // len(names)
    normal = xp.clip(place, -REACH, REACH)
    beyond = special.log_ndtr(-normal)
    cut = {name: slice(at * count, (at + 1) * count) for at, name in enumerate(names)}
    at = {name: _Coordinate(normal[..., part], beyond[..., part]) for name, part in cut.items()}
    noise, level = (normal[..., row - len(GLOBAL)] for row in range(len(GLOBAL)))
    view = _View(priors, at, structure.saturation)
    media = MEDIA_SHARE * xp.exp(MEDIA_SPREAD * level)[..., None]
    weibull = priors.share * media / _WEIBULL_MEAN * (-at["share"].beyond) ** (1 / SHARE_SHAPE)
    return Parameters(
        share=_or_told(priors.share_told, at["share"].normal, weibull),
        halfway=HALFWAY_MEDIAN * xp.exp(HALFWAY_SPREAD * at["halfway"].normal),
        carry=tuple(MAPS[name](at[name], view) for name in ADSTOCKS[structure.adstock].shape),
        bend=tuple(MAPS[name](at[name], view) for name in SATURATIONS[structure.saturation].shape),
        noise=NOISE_MEDIAN * xp.exp(NOISE_SPREAD * noise),
    )


class _Coordinate(NamedTuple):
    """One coordinate of every channel, cut off at `REACH`."""

    normal: Float[Array, "*draw channel"]
    beyond: Float[Array, "*draw channel"]  # log of the probability above it


class _View(NamedTuple):
    """What the map of one coordinate may look at."""

    priors: Priors
    at: Mapping[str, _Coordinate]
    saturation: str


def _or_told(told: Float[Array, "two channel"], coordinate: Array, otherwise: Array) -> Array:
    """A log-normal where a range was told, the usual belief elsewhere."""
    xp = coordinate.__array_namespace__()
    known = ~xp.isnan(told[0])
    given = xp.exp(xp.where(known, told[0], 0.0) + xp.where(known, told[1], 0.0) * coordinate)
    return xp.where(known, given, otherwise)


def _kumaraswamy(coordinate: _Coordinate, low: Array | float, high: Array | float) -> Array:
    """A share between 0 and 1: the quantile (1 - (1 - p)^(1 / high))^(1 / low)."""
    xp = coordinate.beyond.__array_namespace__()
    return xp.exp(xp.log(-xp.expm1(coordinate.beyond / high)) / low)


def _retain(coordinate: _Coordinate, view: _View) -> Array:
    """The share of a stock that survives a period: a Kumaraswamy of a week to the power of its weeks, or as told."""
    xp = coordinate.normal.__array_namespace__()
    usual = _kumaraswamy(coordinate, view.priors.retain[0], view.priors.retain[1]) ** view.priors.weeks
    life = _or_told(view.priors.life_told, coordinate.normal, xp.ones_like(coordinate.normal))
    return xp.where(xp.isnan(view.priors.life_told[0]), usual, xp.exp(-math.log(2) / life))


def _onset(coordinate: _Coordinate, view: _View) -> Array:
    """A part of `retain`: the two stocks of a build-up may change places, so the longer is called the decay."""
    return _retain(view.at["retain"], view) * _kumaraswamy(coordinate, 0.8, 1.6) ** view.priors.weeks


def _within(low: float, high: float, median: float, spread: float, weekly: bool = False) -> "Map":
    """A log-normal of this median and spread of its log, in weeks if `weekly`, kept between two ends."""

    def transform(coordinate: _Coordinate, view: _View) -> Array:
        xp = coordinate.normal.__array_namespace__()
        unit = view.priors.weeks if weekly else 1.0
        return xp.clip(median / unit * xp.exp(spread * coordinate.normal), low, high)

    return transform


def _slope(coordinate: _Coordinate, view: _View) -> Array:
    """Of Hill's and Burr's curves log-normal, .55 to 2.5 in 90 %; powers lie below 1, S-shaped logistics above."""
    xp = coordinate.normal.__array_namespace__()
    if view.saturation == "power":
        return _kumaraswamy(coordinate, 4.0, 1.5)
    if view.saturation == "logistic":
        return 1 + xp.exp(-0.7 + 0.8 * xp.clip(coordinate.normal, -4.0, 4.0))
    return 1.2 * xp.exp(0.45 * coordinate.normal)


Map = Callable[[_Coordinate, _View], Array]

MAPS: Mapping[str, Map] = {
    "retain": _retain,
    "onset": _onset,
    "retain_slow": lambda coordinate, view: _kumaraswamy(coordinate, 8.0, 1.5) ** view.priors.weeks,
    "slow": lambda coordinate, _: _kumaraswamy(coordinate, 1.0, 4.0),
    "peak": _within(0.0, 51.0, 1.0, 0.7, weekly=True),
    "shape": _within(0.2, 10.0, 1.0, 0.4),
    "scale": _within(0.1, 52.0, 2.0, 0.7, weekly=True),
    "slope": _slope,
    "tail": _within(0.05, 1000.0, 1.6, 0.9),
}
"""How each parameter of a family follows from its coordinate. Build-up is mostly none and at times weeks; a slow
goodwill keeps nine tenths a week and takes a fifth of the money; curves fill up like Hill's or like exponentials,
seldom like logarithms."""
