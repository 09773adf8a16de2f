"""Saturation: the share of a channel's ceiling that a dose of spend reaches.

A dose is spend over the halfway spend, so every family is 0 at 0, 1/2 at 1 and rises towards 1. The
formulas use only the array API standard: numpy arrays give the planner its tables without any
compilation, JAX arrays give calibration its gradients, and both give the same numbers.
"""

from collections.abc import Callable
from typing import NamedTuple

from jaxtyping import Float

from engine.axes import Array

LARGEST_ODDS = 80.0  # exp(80) is the largest round power that float32 holds; beyond it a share is 0 or 1


def hill(dose: Float[Array, "..."], slope: Float[Array, "..."]) -> Float[Array, "..."]:
    """dose^slope / (1 + dose^slope), S-shaped where the slope is above 1; finite, as is its gradient.

    Computed as the logistic of slope * log(dose): the textbook quotient is NaN in float32 at large
    doses. The gradient at a dose of exactly 0 is given as 0.

    >>> import numpy as np
    >>> hill(np.array([0.0, 1.0, 3.0]), np.array(1.0)).tolist()
    [0.0, 0.5, 0.75]
    """
    xp = dose.__array_namespace__()
    spent = dose > 0
    odds = xp.clip(slope * xp.log(xp.where(spent, dose, 1.0)), -LARGEST_ODDS, LARGEST_ODDS)
    return xp.where(spent, 1 / (1 + xp.exp(-odds)), 0.0)


def hill_steepness(dose: Float[Array, "..."], slope: Float[Array, "..."]) -> Float[Array, "..."]:
    """Derivative of `hill` by the dose: slope * share * (1 - share) / dose."""
    xp = dose.__array_namespace__()
    spent = dose > 0
    share = hill(dose, slope)
    return xp.where(spent, slope * share * (1 - share) / xp.where(spent, dose, 1.0), 0.0)


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


def michaelis_menten(dose: Float[Array, "..."]) -> Float[Array, "..."]:
    """dose / (1 + dose): a Hill curve of slope 1."""
    return dose / (1 + dose)


def michaelis_menten_steepness(dose: Float[Array, "..."]) -> Float[Array, "..."]:
    """Derivative of `michaelis_menten` by the dose."""
    return (1 / (1 + dose)) ** 2


def exponential(dose: Float[Array, "..."]) -> Float[Array, "..."]:
    """1 - 2^-dose: each further halfway spend wins half of what is left."""
    xp = dose.__array_namespace__()
    return -xp.expm1(-_LN2 * dose)


def exponential_steepness(dose: Float[Array, "..."]) -> Float[Array, "..."]:
    """Derivative of `exponential` by the dose."""
    xp = dose.__array_namespace__()
    return _LN2 * xp.exp(-_LN2 * dose)


def tanh(dose: Float[Array, "..."]) -> Float[Array, "..."]:
    """tanh(dose * atanh(1/2)), known elsewhere as logistic saturation (1 - e^-x) / (1 + e^-x)."""
    xp = dose.__array_namespace__()
    return xp.tanh(_ATANH_HALF * dose)


def tanh_steepness(dose: Float[Array, "..."]) -> Float[Array, "..."]:
    """Derivative of `tanh` by the dose."""
    return _ATANH_HALF * (1 - tanh(dose) ** 2)


def always_concave(*_: Float[Array, "..."]) -> float:
    """The inflection of a family that has none."""
    return 0.0


_LN2 = 0.6931471805599453
_ATANH_HALF = 0.5493061443340549


class Saturation(NamedTuple):
    """One family: its share of the ceiling by dose, the derivative of it, and where it bends.

    `shape` names what it takes beside the dose, in order. Each family is convex from 0 to its
    inflection and concave from there on: the planner's bounds rest on that, and the laws test it.
    """

    share: Callable[..., Array]
    steepness: Callable[..., Array]
    inflection: Callable[..., Array]
    shape: tuple[str, ...] = ()


SATURATIONS: dict[str, Saturation] = {
    "hill": Saturation(hill, hill_steepness, hill_inflection, ("slope",)),
    "michaelis_menten": Saturation(michaelis_menten, michaelis_menten_steepness, always_concave),
    "exponential": Saturation(exponential, exponential_steepness, always_concave),
    "tanh": Saturation(tanh, tanh_steepness, always_concave),
}
