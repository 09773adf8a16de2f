"""The linear block in closed form: integrated out of the density, and drawn exactly afterwards.

With theta ~ N(0, sigma^2 diag(spread^2)) and sigma^2 ~ InverseGamma(shape, scale), the residual r of n
weighted rows has, up to a constant, the log density

    -(shape + n/2) log(scale + (r'r - |A r|^2) / 2),   A = L^-1 Z',   L L' = Z'Z + diag(spread^-2).

Source: the conjugate linear model, e.g. Gelman et al. (2013), Bayesian data analysis, ch. 14.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import linalg

from engine.calibrate.baseline import Design
from engine.calibrate.priors import NOISE_SCALE, NOISE_SHAPE


class LinearBlock(NamedTuple):
    """What the density needs of the linear block; arrays of one shape whatever rows are held out."""

    outcome: Float[np.ndarray, " row"]  # weighted
    weight: Float[np.ndarray, " row"]  # root of the precision of a row, zero where it is held out
    projector: Float[np.ndarray, "column row"]  # A
    shape: Float[np.ndarray, ""]  # of the noise, after the data
    scale: Float[np.ndarray, ""]  # of the noise, before the data


def linear_block(
    outcome: Float[np.ndarray, " row"], weight: Float[np.ndarray, " row"], baseline: Design
) -> LinearBlock:
    """The linear block for rows of these weights; a weight of zero leaves a row out."""
    weighted = baseline.columns * weight[:, None]
    lower = _factor(weighted, baseline.spread)
    return LinearBlock(
        outcome=outcome * weight,
        weight=weight,
        projector=linalg.solve_triangular(lower, weighted.T, lower=True),
        shape=np.array(NOISE_SHAPE + 0.5 * np.count_nonzero(weight)),
        scale=np.array(NOISE_SCALE),
    )


def _factor(weighted: Float[np.ndarray, "row column"], spread: Float[np.ndarray, " column"]) -> np.ndarray:
    lower: np.ndarray = linalg.cholesky(weighted.T @ weighted + np.diag(spread**-2.0), lower=True)
    return lower


class LinearDraws(NamedTuple):
    """Exact draws of the linear block, one per draw of the media."""

    effect: Float[np.ndarray, "draw column"]  # theta [scaled outcome]
    noise: Float[np.ndarray, " draw"]  # sigma of a row of weight one [scaled outcome]


def draw_linear(
    media: Float[np.ndarray, "draw row"], block: LinearBlock, baseline: Design, random: np.random.Generator
) -> LinearDraws:
    """Draw effects and noise given what the media of each draw explain [scaled outcome]."""
    residual = block.outcome - media * block.weight
    reduced = residual @ block.projector.T
    left = (residual**2).sum(axis=1) - (reduced**2).sum(axis=1)
    variance = (block.scale + 0.5 * left) / random.gamma(block.shape, size=len(media))
    lower = _factor(baseline.columns * block.weight[:, None], baseline.spread)
    chance = random.standard_normal(reduced.shape) * np.sqrt(variance)[:, None]
    effect = linalg.solve_triangular(lower.T, (reduced + chance).T, lower=False).T
    return LinearDraws(effect=effect, noise=np.sqrt(variance))
