"""The linear block in closed form: integrated out of the density, and drawn exactly afterwards.

Rows are whitened first (`chance.py`), so their noise is sigma^2 times the identity. With effects
theta ~ N(0, diag(spread^2)) in the outcome's own units and the singular values s and left vectors P of
Z diag(spread), the residual r of n whitened rows has, up to a constant, the log density

    -1/2 [ (r'r - sum_k s_k^2 / t_k (P_k'r)^2) / sigma^2 + (n - K) log sigma^2 + sum_k log t_k ],

with t_k = s_k^2 + sigma^2.

Source: the marginal likelihood of Bayesian linear regression, e.g. Bishop (2006), Pattern recognition and machine
learning, section 3.5, in the basis in which design and prior are both diagonal.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from engine.axes import Array
from engine.calibrate.baseline import Design
from engine.calibrate.chance import Chance, whiten

TINY = 1e-13  # of the largest power: directions below it are unknown to the rows


class LinearBlock(NamedTuple):
    """What the density needs of the linear block; arrays of one shape whatever rows are held out."""

    outcome: Float[np.ndarray, "period geo"]  # whitened
    chance: Chance  # how rows are whitened
    basis: Float[np.ndarray, "column row"]  # P', left singular vectors of the whitened, scaled columns
    strength: Float[np.ndarray, " column"]  # s, singular values
    rows: Float[np.ndarray, ""]  # n, rows that are seen, each by its weight


def linear_block(outcome: Float[np.ndarray, "period geo"], chance: Chance, baseline: Design) -> LinearBlock:
    """The linear block of the rows that are seen."""
    left, strength, _ = _decomposed(outcome.shape, chance, baseline)
    return LinearBlock(
        outcome=whiten(outcome, chance), chance=chance, basis=left.T, strength=strength, rows=np.array(_counted(chance))
    )


def _counted(chance: Chance) -> float:
    """Rows that are seen, each by its weight."""
    return float(((chance.weight != 0) * chance.seen[:, None] ** 2).sum())


def _decomposed(
    shape: tuple[int, ...], chance: Chance, baseline: Design
) -> tuple[Float[np.ndarray, "row column"], Float[np.ndarray, " column"], Float[np.ndarray, "column effect"]]:
    white, strength, right = _directions(shape, chance, baseline)
    left = np.where(strength > 0, white @ right / np.where(strength > 0, strength, 1.0), 0.0)
    return left, strength, right.T


def _directions(
    shape: tuple[int, ...], chance: Chance, baseline: Design
) -> tuple[Float[np.ndarray, "row effect"], Float[np.ndarray, " column"], Float[np.ndarray, "effect column"]]:
    """The whitened, scaled columns, their singular values and their right singular vectors."""
    scaled = (baseline.columns * baseline.spread).reshape(*shape, -1)
    white = whiten(scaled, chance).reshape(-1, len(baseline.spread))
    power, right = np.linalg.eigh(white.T @ white)
    known = power > TINY * power.max(initial=1e-300)
    return white, np.sqrt(np.where(known, power, 0.0)), right


def log_marginal(residual: Float[Array, "period geo"], noise: Float[Array, ""], block: LinearBlock) -> Float[Array, ""]:
    """Log density of a whitened residual with the linear effects integrated out, up to a constant."""
    flat = residual.reshape(-1)
    return _log_density(flat @ flat, block.basis @ flat, block.strength, noise**2, block.rows)


def log_marginals(
    rows: Float[np.ndarray, "period geo"], noise: Float[np.ndarray, " level"], chance: Chance, baseline: Design
) -> Float[np.ndarray, " level"]:
    """`log_marginal` of rows at several spreads of the noise; half the work of building a block for them."""
    white, strength, right = _directions(rows.shape, chance, baseline)
    flat = whiten(rows, chance).reshape(-1)
    known = np.where(strength > 0, (flat @ white) @ right / np.where(strength > 0, strength, 1.0), 0.0)
    found: np.ndarray = _log_density(flat @ flat, known, strength, noise**2, np.array(_counted(chance)))
    return found


def _log_density(
    square: Float[Array, ""],
    known: Float[Array, " column"],
    strength: Float[Array, " column"],
    variance: Float[Array, "*level"],
    rows: Float[Array, ""],
) -> Float[Array, "*level"]:
    """The log density of this module's first lines, from r'r and P'r."""
    xp = known.__array_namespace__()
    total = strength**2 + variance[..., None]
    left = square - xp.sum(strength**2 / total * known**2, axis=-1)
    size = (rows - strength.shape[0]) * xp.log(variance) + xp.sum(xp.log(total), axis=-1)
    return -0.5 * (left / variance + size)


def draw_linear(
    media: Float[np.ndarray, "draw period geo"],
    noise: Float[np.ndarray, " draw"],
    block: LinearBlock,
    baseline: Design,
    random: np.random.Generator,
) -> Float[np.ndarray, "draw column"]:
    """Draw effects given what the media of each draw explain and its noise [scaled outcome]."""
    shape = media.shape[1:]
    left, strength, right = _decomposed(shape, block.chance, baseline)
    white = np.moveaxis(whiten(np.moveaxis(media, 0, -1), block.chance), -1, 0)
    residual = (block.outcome - white).reshape(len(media), -1)
    total = strength**2 + noise[:, None] ** 2
    mean = (residual @ left) * strength / total
    spread = noise[:, None] / np.sqrt(total)
    drawn = (mean + spread * random.standard_normal(mean.shape)) @ right
    return drawn * baseline.spread
