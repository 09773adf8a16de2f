"""Bending: where the curves of saturation turn, and how sharply.

Every family is convex from 0 to its inflection and concave from there on. Its second derivative, the curvature, rises
from 0 up to a peak, falls from there to a trough, and only rises from there, towards 0. The planner's proofs rest on
both, and the laws test them. As in `saturation` a dose is spend over the halfway spend, and only the array API is used.
"""

import math

from jaxtyping import Float

from engine.axes import Array

LN2 = 0.6931471805599453
LN3 = 1.0986122886681098
ATANH_HALF = 0.5493061443340549
ATANH_ROOT_THIRD = 0.6584789484624083
LOG_2_PLUS_ROOT_3 = 1.3169578969248166


def hill_inflection(slope: Float[Array, "..."]) -> Float[Array, "..."]:
    """The dose below which the curve is convex, above which it is concave; 0 for a slope up to 1.

    >>> import numpy as np
    >>> hill_inflection(np.array([0.8, 3.0])).round(4).tolist()
    [0.0, 0.7937]
    """
    xp = slope.__array_namespace__()
    bent = slope > 1
    power = xp.where(bent, slope, 2.0)
    return xp.where(bent, ((power - 1) / (power + 1)) ** (1 / power), 0.0)


def hill_curvature(
    dose: Float[Array, "..."], share: Float[Array, "..."], steepness: Float[Array, "..."], slope: Float[Array, "..."]
) -> Float[Array, "..."]:
    """The second derivative of `hill`, steepness * (slope * (1 - 2 * share) - 1) / dose; 0 at a dose of 0."""
    return steepness * (slope * (1 - 2 * share) - 1) / above_0(dose)


def hill_peak(slope: Float[Array, "..."]) -> Float[Array, "..."]:
    """The dose of the largest second derivative: 0 for a slope up to 2.

    >>> import numpy as np
    >>> hill_peak(np.array([2.0, 3.0])).round(4).tolist()
    [0.0, 0.4024]
    """
    return burr_peak(slope, slope / slope)


def hill_trough(slope: Float[Array, "..."]) -> Float[Array, "..."]:
    """The dose of the least second derivative: 0 for a slope up to 1.

    >>> import numpy as np
    >>> hill_trough(np.array([1.0, 3.0])).round(4).tolist()
    [0.0, 1.1535]
    """
    return burr_trough(slope, slope / slope)


def michaelis_menten_curvature(
    dose: Float[Array, "..."], _share: Float[Array, "..."], steepness: Float[Array, "..."]
) -> Float[Array, "..."]:
    """The second derivative of `michaelis_menten`, -2 / (1 + dose)^3."""
    return -2 * steepness / (1 + dose)


def exponential_curvature(
    _dose: Float[Array, "..."], _share: Float[Array, "..."], steepness: Float[Array, "..."]
) -> Float[Array, "..."]:
    """The second derivative of `exponential`, -log(2)^2 * 2^-dose."""
    return -LN2 * steepness


def tanh_curvature(
    _dose: Float[Array, "..."], share: Float[Array, "..."], steepness: Float[Array, "..."]
) -> Float[Array, "..."]:
    """The second derivative of `tanh`, from that of the hyperbolic tangent, -2 tanh / cosh^2."""
    return -2 * ATANH_HALF * share * steepness


def tanh_trough() -> float:
    """The dose of the least second derivative: where the hyperbolic tangent is 1 / sqrt(3)."""
    return ATANH_ROOT_THIRD / ATANH_HALF


def logistic_inflection(slope: Float[Array, "..."]) -> Float[Array, "..."]:
    """The dose below which the curve is convex, above which it is concave: log(m) / log(m + 2).

    >>> import numpy as np
    >>> logistic_inflection(np.array([1.0, 2.0])).round(4).tolist()
    [0.0, 0.8856]
    """
    xp = slope.__array_namespace__()
    bent = slope > 1
    rate = LN3 * xp.where(bent, slope, 2.0)
    return xp.where(bent, xp.log(xp.expm1(rate) - 1) / rate, 0.0)


def logistic_curvature(
    dose: Float[Array, "..."], _share: Float[Array, "..."], steepness: Float[Array, "..."], slope: Float[Array, "..."]
) -> Float[Array, "..."]:
    """The second derivative of `logistic`, rate * steepness * (m * e^-x - 1) / (m * e^-x + 1)."""
    xp = dose.__array_namespace__()
    rate = LN3 * slope
    faded = (xp.expm1(rate) - 1) * xp.exp(-rate * dose)
    return rate * steepness * (faded - 1) / (faded + 1)


def logistic_peak(slope: Float[Array, "..."]) -> Float[Array, "..."]:
    """The dose of the largest second derivative: where the logistic function itself has passed (3 - sqrt(3)) / 6.

    >>> import numpy as np
    >>> logistic_peak(np.array([1.0, 3.0])).round(4).tolist()
    [0.0, 0.5771]
    """
    xp = slope.__array_namespace__()
    rate = LN3 * slope
    return xp.maximum(xp.log(xp.maximum(xp.expm1(rate) - 1, 1e-300)) - LOG_2_PLUS_ROOT_3, 0.0 * rate) / rate


def logistic_trough(slope: Float[Array, "..."]) -> Float[Array, "..."]:
    """The dose of the least second derivative: where the logistic function itself has passed (3 + sqrt(3)) / 6.

    >>> import numpy as np
    >>> logistic_trough(np.array([1.0, 3.0])).round(4).tolist()
    [1.1987, 1.3762]
    """
    xp = slope.__array_namespace__()
    rate = LN3 * slope
    return xp.maximum(xp.log(xp.maximum(xp.expm1(rate) - 1, 1e-300)) + LOG_2_PLUS_ROOT_3, 0.0 * rate) / rate


def power_curvature(
    dose: Float[Array, "..."], _share: Float[Array, "..."], steepness: Float[Array, "..."], slope: Float[Array, "..."]
) -> Float[Array, "..."]:
    """The second derivative of `power`, (slope - 1) * steepness / dose; 0 at a dose of 0."""
    return (slope - 1) * steepness / above_0(dose)


def burr_odds(
    dose: Float[Array, "..."], slope: Float[Array, "..."], tail: Float[Array, "..."]
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """z = k * dose^slope, and the log of what is left of the ceiling, -tail * log(1 + z)."""
    xp = dose.__array_namespace__()
    odds = finite_exp(slope * xp.log(above_0(dose)) + xp.log(xp.expm1(LN2 / tail)))
    return odds, -tail * xp.log1p(odds)


def burr_inflection(slope: Float[Array, "..."], tail: Float[Array, "..."]) -> Float[Array, "..."]:
    """The dose below which the curve is convex, above which it is concave; 0 for a slope up to 1.

    The derivative is largest where k * dose^slope = (slope - 1) / (slope * tail + 1).

    >>> import numpy as np
    >>> burr_inflection(np.array([0.8, 3.0]), np.array([1.0, 1.0])).round(4).tolist()
    [0.0, 0.7937]
    """
    xp = slope.__array_namespace__()
    bent = slope > 1
    power = xp.where(bent, slope, 2.0)
    return xp.where(bent, ((power - 1) / (power * tail + 1) / xp.expm1(LN2 / tail)) ** (1 / power), 0.0)


def burr_curvature(
    dose: Float[Array, "..."],
    _share: Float[Array, "..."],
    steepness: Float[Array, "..."],
    slope: Float[Array, "..."],
    tail: Float[Array, "..."],
) -> Float[Array, "..."]:
    """The second derivative of `burr`, steepness / dose * (a - (a + b) * z / (1 + z)); 0 at a dose of 0.

    With a = slope - 1, b = slope * tail + 1 and z as in the derivative.
    """
    odds, _ = burr_odds(dose, slope, tail)
    return steepness * (slope - 1 - slope * (1 + tail) * (odds / (1 + odds))) / above_0(dose)


def burr_peak(slope: Float[Array, "..."], tail: Float[Array, "..."]) -> Float[Array, "..."]:
    """The dose of the largest second derivative: 0 for a slope up to 2.

    >>> import numpy as np
    >>> burr_peak(np.array([2.0, 3.0]), np.array([1.0, 1.0])).round(4).tolist()
    [0.0, 0.4024]
    """
    xp = slope.__array_namespace__()
    power = xp.where(slope > 2, slope, 3.0)
    larger, product, _ = _burr_roots(power, tail)
    return xp.where(slope > 2, (product / larger / xp.expm1(LN2 / tail)) ** (1 / power), 0.0)


def burr_trough(slope: Float[Array, "..."], tail: Float[Array, "..."]) -> Float[Array, "..."]:
    """The dose of the least second derivative: 0 for a slope up to 1.

    >>> import numpy as np
    >>> burr_trough(np.array([1.0, 3.0]), np.array([1.0, 1.0])).round(4).tolist()
    [0.0, 1.1535]
    """
    xp = slope.__array_namespace__()
    power = xp.where(slope > 1, slope, 3.0)
    larger, _, square = _burr_roots(power, tail)
    return xp.where(slope > 1, (larger / square / xp.expm1(LN2 / tail)) ** (1 / power), 0.0)


def _burr_roots(
    slope: Float[Array, "..."], tail: Float[Array, "..."]
) -> tuple[Float[Array, "..."], Float[Array, "..."], Float[Array, "..."]]:
    """The larger root's numerator, the product's and the denominator of z at which the third derivative is 0.

    With z = k * dose^slope, a = slope - 1 and b = slope * tail + 1 that derivative has the sign of
    a * (a - 1) - ((a + b) * slope + a - b + 2 * a * b) * z + b * (b + 1) * z^2. The larger root is the first over the
    third, the lesser one the second over the first, so that nothing cancels.
    """
    xp = slope.__array_namespace__()
    a, b = slope - 1, slope * tail + 1
    linear = (a + b) * slope + a - b + 2 * a * b
    root = xp.sqrt(linear**2 - 4 * a * (a - 1) * b * (b + 1))
    return (linear + root) / 2, a * (a - 1), b * (b + 1)


def above_0(dose: Float[Array, "..."]) -> Float[Array, "..."]:
    """A dose of which a logarithm may be taken, or by which may be divided: 0 as the least normal number."""
    xp = dose.__array_namespace__()
    return xp.maximum(dose, xp.finfo(dose.dtype).smallest_normal)


def finite_exp(logarithm: Float[Array, "..."]) -> Float[Array, "..."]:
    """The number of a logarithm, or the largest power of two within range where it is larger."""
    xp = logarithm.__array_namespace__()
    return xp.exp(xp.minimum(logarithm, -math.log(float(xp.finfo(logarithm.dtype).smallest_normal))))


def always_concave(*_: Float[Array, "..."]) -> float:
    """The inflection of a family that has none; also where its curvature begins to fall, or to rise."""
    return 0.0
