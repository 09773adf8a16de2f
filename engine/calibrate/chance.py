"""Chance: how the noise of one row goes with that of others, and the filter that makes rows independent.

The noise of a geo per head is white noise plus a slow part, an autoregression of first order (demand that
nobody recorded); their sum is an ARMA(1, 1), whitened by one recursion. In panels, part of the noise is
shared by all geos of a period. Which of these a history shows is told by its likelihood (`noise.scan`).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from engine.axes import Array
from engine.response.adstock import adstock


class Chance(NamedTuple):
    """The shape of the noise."""

    weight: Float[np.ndarray, "#period geo"]  # root of the relative precision of a row
    seen: Float[np.ndarray, " period"]  # root of its weight: 1, or 0 where it is held out; those come last
    keep: Float[np.ndarray, ""]  # phi: share of the slow part that survives a period
    echo: Float[np.ndarray, ""]  # psi: of the innovations' own recursion
    first: Float[np.ndarray, ""]  # innovation over total spread: what the first row is worth
    shared: Float[np.ndarray, ""]  # factor by which the geos' common direction shrinks, in [0, 1)


def chance(
    weight: Float[np.ndarray, " geo"],
    seen: Bool[np.ndarray, " period"],
    keep: float = 0.0,
    slow: float = 0.0,
    shared: float = 0.0,
) -> Chance:
    """The shape of noise with a slow part of `slow` times the white variance and a shared part of `shared` times it."""
    echo, first = 0.0, 1.0
    if keep and slow:
        around = slow * (1 - keep**2) + 1 + keep**2
        echo = (around - np.sqrt(around**2 - 4 * keep**2)) / (2 * keep)
        first = float(np.sqrt(1 / (1 + (keep - echo) ** 2 / (1 - keep**2))))
    return Chance(
        weight[None, :],
        seen.astype(float),
        np.array(keep if slow else 0.0),
        np.array(echo),
        np.array(first),
        np.array(1 - 1 / np.sqrt(1 + shared)),
    )


def whiten(rows: Float[Array, "period geo *rest"], chance: Chance) -> Float[Array, "period geo *rest"]:
    """Rows whose noise is independent with one spread; held-out rows are zero."""
    xp = rows.__array_namespace__()
    bare = (Ellipsis, *((None,) * (rows.ndim - 2)))
    scaled = rows * chance.weight[bare]
    common = chance.weight / xp.sqrt(xp.sum(chance.weight**2, axis=1, keepdims=True))
    together = xp.sum(common[bare] * scaled, axis=1, keepdims=True)
    scaled = scaled - chance.shared * common[bare] * together
    moved = xp.concat([chance.first * scaled[:1], scaled[1:] - chance.keep * scaled[:-1]])
    echo = xp.asarray(chance.echo)
    white = adstock(moved, echo, xp.zeros_like(echo)) / (1 - echo)
    return white * chance.seen[(slice(None), None, *((None,) * (rows.ndim - 2)))]


def log_volume(chance: Chance, geos: int) -> float:
    """Log of the determinant of the whitening filter: what a likelihood needs to compare shapes."""
    counted = chance.seen**2
    return float(counted[0] * geos * np.log(chance.first) + counted.sum() * np.log(1 - chance.shared))


def slow_spread(chance: Chance) -> float:
    """Spread of the slow part over that of an innovation.

    gamma_s = sigma^2 (1 - phi psi) (phi - psi) / (phi (1 - phi^2)): the first autocovariance of an ARMA(1, 1) over phi.
    """
    keep, echo = float(chance.keep), float(chance.echo)
    return float(np.sqrt((1 - keep * echo) * (keep - echo) / (keep * (1 - keep**2)))) if keep else 0.0


def draw_chance(
    noise: Float[np.ndarray, " draw"], chance: Chance, random: np.random.Generator
) -> Float[np.ndarray, "draw period geo"]:
    """Noise of every row, draw by draw, with its whole spread [outcome of a row]; periods are drawn apart."""
    shape = (len(noise), len(chance.seen), chance.weight.shape[1])
    common = chance.weight / np.sqrt((chance.weight**2).sum(axis=1, keepdims=True))
    extra = np.sqrt((1 - chance.shared) ** -2 - 1)
    own = random.standard_normal(shape) + extra * random.standard_normal((*shape[:2], 1)) * common
    return own * noise[:, None, None] / (chance.first * chance.weight)
