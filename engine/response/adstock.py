"""Adstock: how spend of one period works on in later ones.

Every family is a kernel: the share of one period's spend that works `lag` periods later. Kernels are
not negative and sum to one, so a constant spend has a stock equal to itself.
"""

from collections.abc import Callable
from typing import NamedTuple

from jaxtyping import Float

from engine.axes import Array
from engine.response.interval import Interval

REACH = 104  # lags after which a delayed kernel is cut off [periods]


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


class Adstock(NamedTuple):
    """One family: its kernel by lag, and what the kernel takes beside it, in order, with the range of each."""

    kernel: Callable[..., Array]
    shape: dict[str, Interval]


ADSTOCKS: dict[str, Adstock] = {
    "geometric": Adstock(geometric, {"retain": Interval(0.0, 1.0)}),
    "delayed": Adstock(delayed, {"retain": Interval(0.0, 1.0), "peak": Interval(0.0, 52.0)}),
}


def adstock(
    spend: Float[Array, "period *rest"],
    retain: Float[Array, "*rest"],
    initial: Float[Array, "*rest"],
) -> Float[Array, "period *rest"]:
    """Geometric stock of a spend history: s_t = (1 - retain) x_t + retain s_(t-1), s_-1 = `initial`.

    Computed by doubling: after k rounds every stock holds the last 2^k periods exactly, so T periods
    take log2(T) additions of whole arrays instead of T dependent steps.

    Args:
        spend: Money by period [currency/period].
        retain: Share of the stock that survives a period, in [0, 1).
        initial: Stock before the first period [currency/period].

    >>> import numpy as np
    >>> adstock(np.array([8.0, 0.0, 0.0]), np.array(0.5), np.array(0.0)).tolist()
    [4.0, 2.0, 1.0]
    """
    xp = spend.__array_namespace__()
    first = (1 - retain) * spend[:1] + retain * initial
    stock = xp.concat([first, (1 - retain) * spend[1:]])
    back, factor = 1, retain
    while back < spend.shape[0]:
        stock = stock + factor * xp.concat([xp.zeros_like(stock[:back]), stock[:-back]])
        back, factor = 2 * back, factor * factor
    return stock
