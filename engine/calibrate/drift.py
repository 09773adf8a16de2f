"""Slow drift of effectiveness: what a channel does may grow or fade over the years.

The effect of a channel at the place to start from is multiplied by a broken line in time whose mean, weighted by
the effect itself, is zero: drift moves a contribution from some years to others and adds none. So curves hold the
average effect of history, and the departure from it is a part of its own.
"""

import numpy as np
from jaxtyping import Float

from engine.calibrate.baseline import COMPONENTS, Design

DRIFT_SPREAD = 0.2  # a year, of the effect: of its slope, and of a change of that slope
FEWEST_YEARS = 2.0  # of history up to which a drift is one straight line


def drift_columns(
    effect: Float[np.ndarray, "period geo channel"],
    years: Float[np.ndarray, " period"],
    size: Float[np.ndarray, " geo"],
) -> Design:
    """One column for each channel and bend.

    Args:
        effect: What each channel is thought to add per head [scaled outcome].
        years: From the first period to each.
        size: Of each geo.
    """
    lines = _lines(years)
    weight = np.einsum("tgc,g->tc", effect, size)
    total = weight.sum(axis=0)
    mean = lines.T @ weight / np.where(total > 0, total, 1.0)  # line, channel
    around = lines[:, :, None] - mean
    columns = np.einsum("tgc,tlc->tgcl", effect, around).reshape(effect.shape[0] * effect.shape[1], -1)
    count = columns.shape[1]
    return Design(columns, np.full(count, DRIFT_SPREAD), np.full(count, COMPONENTS.index("drift")))


def _lines(years: Float[np.ndarray, " period"]) -> Float[np.ndarray, "period line"]:
    """A straight line, and with more than two years a bend in each year but the first."""
    length = years[-1] + (years[1] - years[0])
    bends = max(0, round(float(length)) - 1) if length > FEWEST_YEARS else 0
    knots = np.linspace(0.0, length, bends + 2)[1:-1]
    return np.concatenate([years[:, None], np.maximum(years[:, None] - knots, 0.0)], axis=1)
