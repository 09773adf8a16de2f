"""Saturation: the share of a channel's ceiling that a dose of spend reaches.

A dose is spend over the halfway spend, so every family is 0 at 0, 1/2 at 1 and rises, towards 1 where it
has a ceiling. The formulas use only the array API standard: numpy arrays give the planner its tables without any
compilation, JAX arrays give calibration its gradients, and both give the same numbers.

Each family has two functions: its share, and its share together with the derivative by the dose, which
share most of their work.
"""

from collections.abc import Callable
from typing import NamedTuple

from jaxtyping import Float

from engine.axes import Array
from engine.response.bending import (
    ATANH_HALF,
    LN2,
    LN3,
    above_0,
    always_concave,
    burr_curvature,
    burr_inflection,
    burr_odds,
    burr_peak,
    burr_trough,
    exponential_curvature,
    finite_exp,
    hill_curvature,
    hill_inflection,
    hill_peak,
    hill_trough,
    logistic_curvature,
    logistic_inflection,
    logistic_peak,
    logistic_trough,
    michaelis_menten_curvature,
    power_curvature,
    tanh_curvature,
    tanh_trough,
)
from engine.response.interval import Interval


def hill(dose: Float[Array, "..."], slope: Float[Array, "..."]) -> Float[Array, "..."]:
    """dose^slope / (1 + dose^slope), S-shaped where the slope is above 1; finite, as is its gradient.

    Computed as 1 / (1 + dose^-slope): the textbook quotient is NaN in float32 at large doses.
    The gradient at a dose of exactly 0 is given as 0.

    >>> import numpy as np
    >>> hill(np.array([0.0, 1.0, 3.0]), np.array(1.0)).tolist()
    [0.0, 0.5, 0.75]
    """
    return (dose > 0) / (1 + _odds_against(dose, slope))


def hill_with_steepness(
    dose: Float[Array, "..."], slope: Float[Array, "..."]
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """`hill`, and its derivative slope * share * (1 - share) / dose, in which nothing cancels."""
    against = _odds_against(dose, slope)
    share = (dose > 0) / (1 + against)
    return share, slope * (against * share) * share / above_0(dose)


def _odds_against(dose: Float[Array, "..."], slope: Float[Array, "..."]) -> Float[Array, "..."]:
    """dose^-slope, finite at every dose."""
    return finite_exp(-slope * dose.__array_namespace__().log(above_0(dose)))


def michaelis_menten(dose: Float[Array, "..."]) -> Float[Array, "..."]:
    """dose / (1 + dose): a Hill curve of slope 1."""
    return dose / (1 + dose)


def michaelis_menten_with_steepness(dose: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """`michaelis_menten`, and its derivative 1 / (1 + dose)^2."""
    rest = 1 / (1 + dose)
    return dose * rest, rest**2


def exponential(dose: Float[Array, "..."]) -> Float[Array, "..."]:
    """1 - 2^-dose: each further halfway spend wins half of what is left."""
    xp = dose.__array_namespace__()
    return -xp.expm1(-LN2 * dose)


def exponential_with_steepness(dose: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """`exponential`, and its derivative log(2) * 2^-dose."""
    xp = dose.__array_namespace__()
    return exponential(dose), LN2 * xp.exp(-LN2 * dose)


def tanh(dose: Float[Array, "..."]) -> Float[Array, "..."]:
    """tanh(dose * atanh(1/2)), known elsewhere as logistic saturation (1 - e^-x) / (1 + e^-x)."""
    xp = dose.__array_namespace__()
    return xp.tanh(ATANH_HALF * dose)


def tanh_with_steepness(dose: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """`tanh`, and its derivative atanh(1/2) / cosh^2, written so that nothing cancels or overflows."""
    xp = dose.__array_namespace__()
    faded = xp.exp(-2 * ATANH_HALF * dose)
    return tanh(dose), 4 * ATANH_HALF * faded / (1 + faded) ** 2


def logistic(dose: Float[Array, "..."], slope: Float[Array, "..."]) -> Float[Array, "..."]:
    """A logistic function of the dose, shifted to be 0 at 0 and 1 in the end: S-shaped where the slope is above 1.

    (1 - e^-x) / (1 + m * e^-x) with x = slope * log(3) * dose and m = 3^slope - 2. A slope of 1 is `tanh`;
    above it the curve bends at the dose log(m) / log(m + 2), always before half of the ceiling.

    >>> import numpy as np
    >>> logistic(np.array([0.0, 1.0, 2.0]), np.array(1.0)).round(12).tolist()
    [0.0, 0.5, 0.8]
    """
    xp = dose.__array_namespace__()
    rate = LN3 * slope
    faded = xp.exp(-rate * dose)
    return -xp.expm1(-rate * dose) / (1 + (xp.expm1(rate) - 1) * faded)


def logistic_with_steepness(
    dose: Float[Array, "..."], slope: Float[Array, "..."]
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """`logistic`, and its derivative slope * log(3) * (1 + m) * e^-x / (1 + m * e^-x)^2."""
    xp = dose.__array_namespace__()
    rate = LN3 * slope
    faded, grown = xp.exp(-rate * dose), xp.expm1(rate)
    below = 1 + (grown - 1) * faded
    return -xp.expm1(-rate * dose) / below, rate * (grown * faded / below) / below


def power(dose: Float[Array, "..."], slope: Float[Array, "..."]) -> Float[Array, "..."]:
    """dose^slope / 2, with a slope up to 1: the constant elasticity of economics, which has no ceiling.

    What stands as `ceiling` is twice the response at the halfway spend. The gradient at a dose of exactly 0
    is given as 0.

    >>> import numpy as np
    >>> power(np.array([0.0, 1.0, 4.0]), np.array(0.5)).tolist()
    [0.0, 0.5, 1.0]
    """
    xp = dose.__array_namespace__()
    return 0.5 * (dose > 0) * xp.exp(slope * xp.log(above_0(dose)))


def power_with_steepness(
    dose: Float[Array, "..."], slope: Float[Array, "..."]
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """`power`, and its derivative slope * share / dose."""
    share = power(dose, slope)
    return share, slope * share / above_0(dose)


def burr(dose: Float[Array, "..."], slope: Float[Array, "..."], tail: Float[Array, "..."]) -> Float[Array, "..."]:
    """1 - (1 + k * dose^slope)^-tail with k = 2^(1/tail) - 1: one surface that holds the other shapes.

    A tail of 1 is `hill`; as the tail grows the curve becomes that of Weibull, 1 - 2^-(dose^slope), which
    is `exponential` at a slope of 1; a small tail leaves growth as slow as a logarithm's.
    Computed through log(1 + k * dose^slope), so that neither small shares nor what is left of the ceiling
    cancel. The gradient at a dose of exactly 0 is given as 0.
    Source: Burr (1942), Cumulative frequency functions; the distribution of type XII, scaled to its median.

    >>> import numpy as np
    >>> burr(np.array([0.0, 1.0, 3.0]), np.array(1.0), np.array(1.0)).round(12).tolist()
    [0.0, 0.5, 0.75]
    """
    xp = dose.__array_namespace__()
    _, log_left = burr_odds(dose, slope, tail)
    return -xp.expm1(log_left) * (dose > 0)


def burr_with_steepness(
    dose: Float[Array, "..."], slope: Float[Array, "..."], tail: Float[Array, "..."]
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """`burr`, and its derivative slope * tail / dose * z / (1 + z) * (1 + z)^-tail, with z = k * dose^slope."""
    xp = dose.__array_namespace__()
    odds, log_left = burr_odds(dose, slope, tail)
    spent = dose > 0
    steepness = slope * tail * (odds / (1 + odds)) * xp.exp(log_left) / above_0(dose)
    return -xp.expm1(log_left) * spent, steepness * spent


class Saturation(NamedTuple):
    """One family: its share of the ceiling by dose, the same with its derivative, and where it bends.

    `curvature` is the second derivative, from a dose, its share and its derivative. From 0 it rises up to `peak`, falls
    from there to `trough`, and only rises from there, towards 0; where `peak` is 0 it begins to fall at once, or rises.

    `shape` names what each takes beside the dose, in order, with the range of each. Each family is convex
    from 0 to its inflection and concave from there on: the planner's bounds rest on that, and the laws
    test it. A `bounded` family tends to 1.
    """

    share: Callable[..., Array]
    with_steepness: Callable[..., tuple[Array, Array]]
    inflection: Callable[..., Array]
    curvature: Callable[..., Array]
    peak: Callable[..., Array]
    trough: Callable[..., Array]
    shape: dict[str, Interval]
    bounded: bool = True


_SLOPE = Interval(0.0, 50.0, closed_low=False)

SATURATIONS: dict[str, Saturation] = {
    "hill": Saturation(
        hill, hill_with_steepness, hill_inflection, hill_curvature, hill_peak, hill_trough, {"slope": _SLOPE}
    ),
    "michaelis_menten": Saturation(
        michaelis_menten,
        michaelis_menten_with_steepness,
        always_concave,
        michaelis_menten_curvature,
        always_concave,
        always_concave,
        {},
    ),
    "exponential": Saturation(
        exponential,
        exponential_with_steepness,
        always_concave,
        exponential_curvature,
        always_concave,
        always_concave,
        {},
    ),
    "tanh": Saturation(tanh, tanh_with_steepness, always_concave, tanh_curvature, always_concave, tanh_trough, {}),
    "logistic": Saturation(
        logistic,
        logistic_with_steepness,
        logistic_inflection,
        logistic_curvature,
        logistic_peak,
        logistic_trough,
        {"slope": Interval(1.0, 30.0, closed_high=True)},
    ),
    "power": Saturation(
        power,
        power_with_steepness,
        always_concave,
        power_curvature,
        always_concave,
        always_concave,
        {"slope": Interval(0.0, 1.0, closed_low=False, closed_high=True)},
        bounded=False,
    ),
    "burr": Saturation(
        burr,
        burr_with_steepness,
        burr_inflection,
        burr_curvature,
        burr_peak,
        burr_trough,
        {"slope": _SLOPE, "tail": Interval(0.05, 1000.0, closed_high=True)},
    ),
}
