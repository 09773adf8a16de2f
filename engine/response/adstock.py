"""Adstock: how spend of one period works on in later ones.

Every family is a kernel: the share of one period's spend that works `lag` periods later. Kernels are
not negative and sum to one, so a constant spend has a stock equal to itself.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from engine.axes import Array
from engine.response.interval import Interval

REACH = 104  # lags after which delayed and Weibull kernels are cut off [periods]


def geometric(lag: Float[Array, "..."], retain: Float[Array, "..."]) -> Float[Array, "..."]:
    """(1 - retain) * retain^lag: the stock loses the same share every period.

    >>> import numpy as np
    >>> geometric(np.arange(3.0), np.array(0.5)).tolist()
    [0.5, 0.25, 0.125]
    """
    return (1 - retain) * retain**lag


def delayed(lag: Float[Array, "..."], retain: Float[Array, "..."], peak: Float[Array, "..."]) -> Float[Array, "..."]:
    """retain^((lag - peak)^2), scaled to sum to one: the effect is largest `peak` periods later.

    Exponents count from the lag nearest to the peak, so that nothing vanishes where `retain` is 0: all
    of the effect then falls on that lag.
    Source: Jin, Wang, Sun, Chan, Koehler (2017), Bayesian methods for media mix modeling.

    >>> import numpy as np
    >>> delayed(np.arange(4.0), np.array(0.0), np.array(1.2)).tolist()
    [0.0, 1.0, 0.0, 0.0]
    """
    xp = lag.__array_namespace__()

    def weight(lag: Array, retain: Array, peak: Array) -> Array:
        nearest = xp.round(peak)  # (lag - peak)^2 - (nearest - peak)^2, exactly 0 at the nearest lag:
        return retain ** ((lag - nearest) * (lag + nearest - 2 * peak))

    total = xp.sum(weight(xp.arange(float(REACH)), retain[..., None], peak[..., None]), axis=-1)
    return xp.where(lag < REACH, weight(lag, retain, peak) / total, 0.0)


def weibull_cdf(
    lag: Float[Array, "..."], shape: Float[Array, "..."], scale: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Each lag keeps the share exp(-(lag / scale)^shape) of the one before, scaled to sum to one; never rises.

    The share kept changes with age: with a small shape the effect fades at nearly the same rate at any age,
    with a large one it holds for about `scale` periods and then ends. `scale` is counted in periods.
    Source: the carry-over called Weibull CDF in the package Robyn, a running product of survival functions.

    >>> import numpy as np
    >>> weights = weibull_cdf(np.arange(4.0), np.array(2.0), np.array(2.0))
    >>> np.log(weights[:-1] / weights[1:]).round(9).tolist()
    [0.25, 1.0, 2.25]
    """
    xp = lag.__array_namespace__()
    lost = (xp.arange(1.0, REACH, dtype=lag.dtype) / scale[..., None]) ** shape[..., None]
    kept = xp.exp(-xp.cumulative_sum(lost, axis=-1, include_initial=True))
    return _looked_up(lag, kept / xp.sum(kept, axis=-1, keepdims=True))


def weibull_pdf(
    lag: Float[Array, "..."], shape: Float[Array, "..."], scale: Float[Array, "..."]
) -> Float[Array, "..."]:
    """The density of a Weibull delay at 1, 2, ... periods, scaled to sum to one; lag 0 is the first period.

    Above a shape of 1 the effect first rises, to its most about scale * (1 - 1 / shape)^(1 / shape) periods
    after the money is spent. `scale` is counted in periods.
    Source: the carry-over called Weibull PDF in the package Robyn.

    >>> import numpy as np
    >>> weibull_pdf(np.arange(3.0), np.array(1.0), np.array(1 / np.log(2))).round(6).tolist()
    [0.5, 0.25, 0.125]
    """
    xp = lag.__array_namespace__()
    ages = xp.arange(1.0, REACH + 1, dtype=lag.dtype)
    logs = (shape[..., None] - 1) * xp.log(ages) - (ages / scale[..., None]) ** shape[..., None]
    density = xp.exp(logs - xp.max(logs, axis=-1, keepdims=True))
    return _looked_up(lag, density / xp.sum(density, axis=-1, keepdims=True))


def _looked_up(lag: Float[Array, "..."], weights: Float[Array, "..."]) -> Float[Array, "..."]:
    """The weight of each lag from weights by lag on the last axis; nothing beyond them."""
    xp = lag.__array_namespace__()
    place = xp.astype(xp.clip(lag, 0, REACH - 1), xp.int32)[..., None]
    axes = max(place.ndim, weights.ndim)
    table = xp.reshape(weights, (1,) * (axes - weights.ndim) + weights.shape)
    found = xp.take_along_axis(table, xp.reshape(place, (1,) * (axes - place.ndim) + place.shape), axis=-1)
    return xp.where(lag < REACH, found[..., 0], 0.0)


def two_speed(
    lag: Float[Array, "..."], retain: Float[Array, "..."], retain_slow: Float[Array, "..."], slow: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Fast and slow goodwill: the share `slow` of the money works through the slow stock, the rest through the fast.

    >>> import numpy as np
    >>> two_speed(np.arange(3.0), np.array(0.0), np.array(0.5), np.array(0.5)).tolist()
    [0.75, 0.125, 0.0625]
    """
    return (1 - slow) * geometric(lag, retain) + slow * geometric(lag, retain_slow)


def buildup(lag: Float[Array, "..."], retain: Float[Array, "..."], onset: Float[Array, "..."]) -> Float[Array, "..."]:
    """Two geometric stocks in series: the effect builds up while `onset` fades, then fades by `retain`.

    The kernel is the convolution of both, (1 - retain) (1 - onset) * sum over i of retain^i onset^(lag - i);
    the two may change places. An onset of 0 is `geometric`.

    >>> import numpy as np
    >>> buildup(np.arange(3.0), np.array(0.5), np.array(0.5)).tolist()
    [0.25, 0.25, 0.1875]
    """
    xp = lag.__array_namespace__()
    longer, shorter = xp.maximum(retain, onset), xp.minimum(retain, onset)
    lasting = shorter > 0
    ratio = shorter / xp.where(longer > 0, longer, 1.0)
    gap = -xp.log(xp.where(lasting, ratio, 0.5))
    terms = (lag + 1) * _mean_left((lag + 1) * gap) / _mean_left(gap)  # sum of ratio^i for i up to the lag
    terms = xp.where(lasting, terms, xp.where(lag > 0, 1 + ratio, 1.0))
    return (1 - retain) * (1 - onset) * longer**lag * terms


def _mean_left(time: Float[Array, "..."]) -> Float[Array, "..."]:
    """(1 - e^-t) / t, the mean of e^-s for s from 0 to t; by its series where t is small."""
    xp = time.__array_namespace__()
    small = time < 0.01
    series = 1 - time / 2 * (1 - time / 3 * (1 - time / 4 * (1 - time / 5)))
    return xp.where(small, series, -xp.expm1(-time) / xp.where(small, 1.0, time))


class Adstock(NamedTuple):
    """One family: its kernel by lag, and what the kernel takes beside it, in order, with the range of each."""

    kernel: Callable[..., Array]
    shape: dict[str, Interval]


_RETAIN = Interval(0.0, 1.0)
_SHARE = Interval(0.0, 1.0, closed_high=True)
_WEIBULL = {
    "shape": Interval(0.0, 10.0, closed_low=False, closed_high=True),
    "scale": Interval(0.1, 52.0, closed_high=True),
}

ADSTOCKS: dict[str, Adstock] = {
    "geometric": Adstock(geometric, {"retain": _RETAIN}),
    "delayed": Adstock(delayed, {"retain": _RETAIN, "peak": Interval(0.0, 52.0)}),
    "weibull_cdf": Adstock(weibull_cdf, _WEIBULL),
    "weibull_pdf": Adstock(weibull_pdf, _WEIBULL),
    "two_speed": Adstock(two_speed, {"retain": _RETAIN, "retain_slow": _RETAIN, "slow": _SHARE}),
    "buildup": Adstock(buildup, {"retain": _RETAIN, "onset": _RETAIN}),
}


def adstock(
    spend: Float[Array, "period *rest"],
    retain: Float[Array, "*#rest"],
    initial: Float[Array, "*#rest"],
) -> Float[Array, "period *rest"]:
    """Geometric stock of a spend history: s_t = (1 - retain) x_t + retain s_(t-1), s_-1 = `initial`.

    Computed in blocks of about root-T periods: all blocks at once as if nothing had been before them, then what
    each hands on to the next. Two small products instead of T dependent steps.

    Args:
        spend: Money by period [currency/period].
        retain: Share of the stock that survives a period, in [0, 1).
        initial: Stock before the first period [currency/period].

    >>> import numpy as np
    >>> adstock(np.array([8.0, 0.0, 0.0]), np.array(0.5), np.array(0.0)).tolist()
    [4.0, 2.0, 1.0]
    """
    xp = spend.__array_namespace__()
    periods, rest = spend.shape[0], spend.shape[1:]
    size = max(1, math.isqrt(periods))
    blocks = -(-periods // size)
    padding = xp.zeros((blocks * size - periods, *rest), dtype=spend.dtype)
    fresh = xp.reshape(xp.concat([spend, padding]), (blocks, size, *rest)) * (1 - retain)
    within = xp.einsum("ij...,bj...->bi...", _fading(retain, size, 1), fresh)
    handed = xp.concat([xp.broadcast_to(initial, rest)[None], within[:-1, -1]])  # what each block starts with, bare
    before = xp.einsum("bk...,k...->b...", _fading(retain, blocks, size), handed)
    stock = within + xp.einsum("i...,b...->bi...", _powers(retain, np.arange(1, size + 1)), before)
    return xp.reshape(stock, (blocks * size, *rest))[:periods]


def _fading(retain: Float[Array, "*rest"], count: int, step: int) -> Float[Array, "row column *rest"]:
    """retain^(step * (row - column)), zero above the diagonal."""
    gap = np.subtract.outer(np.arange(count), np.arange(count))
    xp = retain.__array_namespace__()
    below = (gap >= 0)[(..., *(None,) * retain.ndim)]
    return xp.where(below, _powers(retain, step * np.maximum(gap, 0)), 0.0)


def _powers(retain: Float[Array, "*rest"], power: Int[np.ndarray, "..."]) -> Float[Array, "..."]:
    """retain to whole powers; finite, as is its gradient, where retain is 0."""
    xp = retain.__array_namespace__()
    spread = power[(..., *(None,) * retain.ndim)]
    lasting = retain > 0
    log = xp.log(xp.where(lasting, retain, 1.0))
    return xp.where(lasting | (spread == 0), xp.exp(xp.asarray(spread, dtype=retain.dtype) * log), 0.0)
