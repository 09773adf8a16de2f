"""Chance: how the noise of one row goes with that of others, and the filter that makes rows independent.

The noise of a geo per head is white noise plus a slow part, an autoregression of first order (demand that
nobody recorded); their sum is an ARMA(1, 1), whitened by one recursion. In panels, part of the noise is
shared by all geos of a period. Which of these a history shows is told by its likelihood (`noise.scan`).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy import linalg, signal

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
        echo = 2 * keep / (around + np.sqrt(around**2 - 4 * keep**2))  # the root below 1, without a difference
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


class Noisy(NamedTuple):
    """Noise by its parts [outcome of a row]."""

    slow: Float[np.ndarray, "draw period geo"]  # what a period hands on to the next
    white: Float[np.ndarray, "draw period geo"]  # what it does not, shared by geos or not


def draw_chance(
    noise: Float[np.ndarray, " draw"],
    chance: Chance,
    random: np.random.Generator,
    before: Float[np.ndarray, "draw geo"] | None = None,
) -> Noisy:
    """Noise of every row, draw by draw.

    Args:
        noise: Spread of an innovation [outcome of a row].
        chance: Its shape; what is seen does not matter here.
        random: Where chance comes from.
        before: The slow part in the period before the first; drawn like any other if absent.
    """
    shape = (len(noise), len(chance.seen), chance.weight.shape[1])
    common = chance.weight / np.sqrt((chance.weight**2).sum(axis=1, keepdims=True))
    extra = np.sqrt((1 - chance.shared) ** -2 - 1)

    def drawn(spread: float) -> Float[np.ndarray, "draw period geo"]:
        own = random.standard_normal(shape) + extra * random.standard_normal((*shape[:2], 1)) * common
        return spread * own * noise[:, None, None] / chance.weight

    white = drawn(np.sqrt(_white_share(chance)))
    if not chance.keep:
        return Noisy(np.zeros(shape), white)
    pushes = drawn(slow_spread(chance) * float(np.sqrt(1 - chance.keep**2)))
    if before is None:
        pushes[:, 0] /= np.sqrt(1 - chance.keep**2)
    else:
        pushes[:, 0] += chance.keep * before
    return Noisy(signal.lfilter([1.0], [1.0, -float(chance.keep)], pushes, axis=1), white)


def split(
    rows: Float[np.ndarray, "draw period geo"],
    noise: Float[np.ndarray, " draw"],
    chance: Chance,
    random: np.random.Generator,
) -> Noisy:
    """Which part of noise that was seen is slow, drawn as the rows leave it open; the parts add up to the rows.

    Chance is drawn whole, and what it misses of the rows is split by expectation: with Q the inverse of an
    autoregression's correlations (three diagonals) and r the slow part's variance over the white one's, the slow part
    is expected to be (I + Q / r)^-1 of the rows, geo by geo. All periods count alike here.
    Source: Durbin and Koopman (2002), A simple and efficient simulation smoother for state space time series
    analysis, Biometrika 89.
    """
    if not chance.keep:
        return Noisy(np.zeros_like(rows), rows)
    drawn = draw_chance(noise, chance, random)
    missed = np.moveaxis(rows - drawn.slow - drawn.white, 1, 0)
    expected = linalg.solveh_banded(_smoothing(chance), missed.reshape(len(missed), -1)).reshape(missed.shape)
    slow = drawn.slow + np.moveaxis(expected, 0, 1)
    return Noisy(slow, rows - slow)


def _smoothing(chance: Chance) -> Float[np.ndarray, "diagonal period"]:
    """The matrix I + Q / r of `split`: above its diagonal, and on it."""
    keep = float(chance.keep)
    ends = np.zeros(len(chance.seen))
    ends[[0, -1]] = keep**2
    inverse = np.stack([np.full(len(ends), -keep), 1 + keep**2 - ends]) / (1 - keep**2)
    found: np.ndarray = np.array([[0.0], [1.0]]) + inverse * _white_share(chance) / slow_spread(chance) ** 2
    return found


def _white_share(chance: Chance) -> float:
    """Variance of the white part over that of an innovation: psi / phi, from the first autocovariance of ARMA(1, 1)."""
    return float(chance.echo / chance.keep) if chance.keep else 1.0


def shared_part(white: Float[np.ndarray, "period geo"], chance: Chance) -> Float[np.ndarray, "period geo"]:
    """What is expected to be shared by all geos in the white noise of each period [outcome of a row]."""
    common = chance.weight / np.sqrt((chance.weight**2).sum(axis=1, keepdims=True))
    together = (white * chance.weight * common).sum(axis=1, keepdims=True)
    found: np.ndarray = (1 - (1 - chance.shared) ** 2) * together * common / chance.weight
    return found
