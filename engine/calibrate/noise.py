"""Which shape of the noise a history shows: the most plausible of a grid, with the linear effects integrated out."""

import itertools

import numpy as np
from jaxtyping import Float

from engine.calibrate.baseline import Design
from engine.calibrate.chance import Chance, chance, log_volume
from engine.calibrate.linear import linear_block, log_marginal

KEEP = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98)  # of the slow part, per period
SLOW = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # its variance over that of the white part
SHARED = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)  # variance of the part that all geos share over that of a geo
LEVELS = np.geomspace(0.002, 0.5, 32)  # spreads tried [scaled outcome]


def scan(
    residual: Float[np.ndarray, "period geo"], weight: Float[np.ndarray, " geo"], columns: Design
) -> tuple[Chance, float]:
    """The most plausible shape of the noise in a residual that still holds the baseline, and its spread.

    First how much of it all geos share, then how slow it is.
    """
    geos = residual.shape[1]
    seen = np.ones(len(residual), bool)
    shares = [0.0, *(part * geos for part in SHARED)] if geos > 1 else [0.0]
    best = max((_weighed(residual, chance(weight, seen, shared=part), columns), part) for part in shares)
    shapes = [(0.0, 0.0), *itertools.product(KEEP, SLOW)]
    found = [_weighed(residual, chance(weight, seen, *shape, best[1]), columns) for shape in shapes]
    row = max(range(len(found)), key=lambda at: found[at])
    return chance(weight, seen, *shapes[row], best[1]), found[row][1]


def _weighed(residual: Float[np.ndarray, "period geo"], shape: Chance, columns: Design) -> tuple[float, float]:
    """Log likelihood of a shape at its best spread, and that spread."""
    block = linear_block(residual, shape, columns)
    tried = [float(log_marginal(block.outcome, np.array(level), block)) for level in LEVELS]
    row = int(np.argmax(tried))
    return tried[row] + log_volume(shape, residual.shape[1]), float(LEVELS[row])
