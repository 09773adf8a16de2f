"""Ranges: figures over the joint draws, as a mean and quantiles."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Range:
    """Mean and 5, 50 and 95 % points over the joint draws."""

    mean: float
    p05: float
    p50: float
    p95: float


def spread(values: Float[np.ndarray, " draw"]) -> Range:
    """Mean and quantiles of some draws."""
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95]).tolist()
    return Range(float(values.mean()), low, middle, high)
