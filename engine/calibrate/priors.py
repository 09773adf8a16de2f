"""What is believed before the data speak, in words of the business, and the coordinates that follow from it.

Every channel has four coordinates, and each of them is standard normal before the data: the maps below
turn a standard normal into the believed distribution, so no Jacobian is needed anywhere, a parameter
that the data say nothing about keeps a normal of mean 0 and spread 1, and how far its spread has shrunk
below 1 is exactly what the data taught.
"""

import math
from collections.abc import Mapping
from types import ModuleType
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from engine.axes import Array
from engine.periods import PER_YEAR, Period
from engine.response.curves import Kind

COORDINATES = ("share", "retain", "halfway", "slope")  # of one channel, in this order

MEDIA_SHARE = 0.35
"""Expected share of the outcome that all channels together cause, before data: published decompositions of
consumer brands mostly lie between a tenth and two thirds."""

CROWDED, CROWDED_WIDTH = 0.85, 0.05
"""A total contribution above this share of the outcome is doubted, with this spread: little would be left
for people who buy anyway."""

SPEND_POWER = 0.5
"""How the expected contribution follows spend: 1 expects the same return everywhere, 0 the same contribution
everywhere; in between, small channels are expected to return more on each unit of money."""

SHARE_SHAPE = 1.7
"""Weibull shape of a channel's contribution: an exponential (1) holds nothing to be the likeliest contribution
of any channel, which understated returns by half on simulated markets; at 1.7 five in a hundred channels bring
less than a fifth, and five more than twice, of what is expected."""

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
and 3: history mostly sees the bend, neither only the foot nor only the ceiling. Wider beliefs add a far pocket of
almost straight curves that chains reach too seldom to count."""

SLOPE_MEDIAN, SLOPE_SPREAD = 1.15, 0.35
"""Hill slope: log-normal, .65 to 2.0 in 90 %. Meridian fixes it at 1; history identifies it weakly, so the
verdict on it is part of the health of every fit."""

NOISE_SHAPE, NOISE_SCALE = 1.5, 0.01
"""Inverse gamma of the noise variance, outcome scaled to a mean of one: a noise of about a tenth, held with
the weight of three observations."""

_WEIBULL_MEAN = math.gamma(1 + 1 / SHARE_SHAPE)  # of a scale of one

REACH = 7.0  # coordinates are cut off here: beyond seven standard deviations nothing is lost


class Priors(NamedTuple):
    """The constants of the coordinate maps, one entry per channel."""

    share: Float[np.ndarray, " channel"]  # expected contribution over outcome
    retain_low: Float[np.ndarray, " channel"]  # first shape of the Kumaraswamy distribution
    retain_high: Float[np.ndarray, " channel"]  # second shape
    weeks: Float[np.ndarray, ""]  # weeks in one period


class Parameters(NamedTuple):
    """What the coordinates stand for, in scaled units: outcome over its mean, dose over its mean when spent."""

    share: Float[Array, "*draw channel"]  # contribution over outcome, in history
    retain: Float[Array, "*draw channel"]  # per period, in [0, 1)
    halfway: Float[Array, "*draw channel"]  # doses
    slope: Float[Array, "*draw channel"]


def believe(kinds: tuple[Kind, ...], spend: Float[np.ndarray, " channel"], period: Period) -> Priors:
    """The priors of channels of these kinds that spent this much in all."""
    weight = (spend / spend.sum()) ** SPEND_POWER
    return Priors(
        share=MEDIA_SHARE * weight / weight.sum(),
        retain_low=np.array([RETAIN[kind][0] for kind in kinds]),
        retain_high=np.array([RETAIN[kind][1] for kind in kinds]),
        weeks=np.array(PER_YEAR["week"] / PER_YEAR[period]),
    )


def interpret(place: Float[Array, "*draw coordinate"], priors: Priors, special: ModuleType) -> Parameters:
    """The parameters at a place in the standard-normal coordinates.

    share ~ Weibull, weekly retain ~ Kumaraswamy, halfway and slope ~ log-normal; each by its quantile
    function at the normal probability of the coordinate. A quarter as well as a day takes the weekly
    retain to the power of its weeks.

    Args:
        place: Coordinates, four blocks of one entry per channel, in the order of `COORDINATES`.
        priors: Constants of the maps.
        special: `jax.scipy.special` inside a compiled function, `scipy.special` on numpy arrays.
    """
    xp = place.__array_namespace__()
    count = place.shape[-1] // len(COORDINATES)
    share, retain, halfway, slope = (place[..., i * count : (i + 1) * count] for i in range(len(COORDINATES)))
    beyond = special.log_ndtr(-xp.clip(retain, -REACH, REACH))  # log of the probability still above
    weekly = xp.log(-xp.expm1(beyond / priors.retain_high)) / priors.retain_low
    return Parameters(
        share=priors.share / _WEIBULL_MEAN * (-special.log_ndtr(-xp.clip(share, -REACH, REACH))) ** (1 / SHARE_SHAPE),
        retain=xp.exp(weekly * priors.weeks),
        halfway=HALFWAY_MEDIAN * xp.exp(HALFWAY_SPREAD * halfway),
        slope=SLOPE_MEDIAN * xp.exp(SLOPE_SPREAD * slope),
    )


def half_life(retain: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Periods after which half of a stock is left.

    >>> half_life(np.array([0.5, 0.25])).tolist()
    [1.0, 0.5]
    """
    return -math.log(2) / np.log(np.clip(retain, 1e-12, 1 - 1e-12))
