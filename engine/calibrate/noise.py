"""Which noise a history shows: a grid of shapes, each weighed by its likelihood, the linear effects integrated out."""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import special

from engine.calibrate.baseline import Design
from engine.calibrate.chance import Chance, chance, log_volume, slow_spread
from engine.calibrate.linear import log_marginals

KEEP = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98)  # of the slow part, per week
SLOW = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # its variance over that of the white part
SHARED = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)  # variance of the part that all geos share over that of a geo
LEVELS = np.geomspace(0.003, 1.5, 40)  # spreads tried, over that of the residual
TINY = 1e-6  # least spread of a residual that is told apart from none [scaled outcome]
WHITE = 0.5  # probability, before the data, that nothing of the noise is slow


class Noise(NamedTuple):
    """What the noise of a history looks like."""

    shape: Chance  # the most plausible one
    slow: float  # spread of its slow part, averaged over the shapes by how plausible they are [scaled outcome]


def scan(
    residual: Float[np.ndarray, "period geo"], weight: Float[np.ndarray, " geo"], columns: Design, weeks: float
) -> Noise:
    """The noise in a residual that still holds the baseline.

    First how much of it all geos share, then how slow it is. Many shapes stand against a white one, and the best of
    many fits any chance a little better: half of the belief is that of white noise, and the slow part's size is an
    average over all shapes.

    Args:
        residual: Outcome per head less what media bring [scaled outcome].
        weight: Root precision of each geo's rows.
        columns: The baseline.
        weeks: In one period.
    """
    geos = residual.shape[1]
    seen = np.ones(len(residual), bool)
    shares = [0.0, *(part * geos for part in SHARED)] if geos > 1 else [0.0]
    best = max((_weighed(residual, chance(weight, seen, shared=part), columns)[0], part) for part in shares)[1]
    slow = list(itertools.product((keep**weeks for keep in KEEP), SLOW))
    shapes = [chance(weight, seen, *shape, best) for shape in ((0.0, 0.0), *slow)]
    before = np.log([WHITE, *((1 - WHITE) / len(slow),) * len(slow)])
    heights, spreads = np.transpose([_weighed(residual, shape, columns) for shape in shapes])
    plausible = special.softmax(heights + before)
    sizes = spreads * [slow_spread(shape) for shape in shapes]
    return Noise(shapes[int(np.argmax(plausible))], float(plausible @ sizes))


def _weighed(residual: Float[np.ndarray, "period geo"], shape: Chance, columns: Design) -> tuple[float, float]:
    """Log likelihood of a shape at its best spread, and that spread."""
    levels = LEVELS * max(float(residual.std()), TINY)
    tried = log_marginals(residual, levels, shape, columns)
    row = int(np.argmax(tried))
    return float(tried[row]) + log_volume(shape, residual.shape[1]), float(levels[row])
