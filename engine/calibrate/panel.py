"""History as the model sees it: per head, scaled to means of one, with a weight for every row."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.data.dataset import Dataset
from engine.errors import InputError
from engine.periods import PER_YEAR

OPENING = 4  # weeks whose mean spend stands for the stock before them
FEWEST = 12  # periods below which nothing can be told apart


@dataclass(frozen=True)
class Panel:
    """Scaled history; a national data set has one geo of size one.

    Outcome and dose are per head of a geo's size, so that one curve can serve geos of any size.
    """

    outcome: Float[np.ndarray, "period geo"]  # per head, over its national mean
    dose: Float[np.ndarray, "period geo channel"]  # driver per head, over its mean where there is any
    opening: Float[np.ndarray, "geo channel"]  # stock before the first period [doses]
    opening_periods: int  # the first ones, whose mean that is
    today: Float[np.ndarray, " channel"]  # mean dose of the latest year, geos by size
    size: Float[np.ndarray, " geo"]  # relative, mean one
    outcome_scale: float  # outcome per unit of scaled outcome and size
    dose_scale: Float[np.ndarray, " channel"]  # currency per dose and size
    sized_by: str  # where `size` comes from, for people


def scale(dataset: Dataset) -> Panel:
    """Scale a data set.

    Raises:
        InputError: Too few periods, an outcome that is never positive, or a channel without any spend.
    """
    periods = len(dataset.starts)
    if periods < FEWEST:
        raise InputError(f"the data hold {periods} periods, calibration needs {FEWEST} or more; add history")
    if not dataset.outcome.sum() > 0:
        raise InputError(f"outcome {dataset.outcome_name!r} adds up to nothing; check the column and its sign")
    idle = [name for name, total in zip(dataset.channels, dataset.driver.sum((0, 1)), strict=True) if not total > 0]
    if idle:
        raise InputError(f"channel {idle[0]!r} was never used in these data; remove it from the model")
    size, sized_by = _size(dataset)
    per_head = dataset.driver / size[:, None]
    dose_scale = np.array([one[one > 0].mean() for one in np.moveaxis(per_head, -1, 0)])
    dose = per_head / dose_scale
    year = math.floor(PER_YEAR[dataset.period])
    first = max(1, round(OPENING * PER_YEAR[dataset.period] / PER_YEAR["week"]))
    outcome_scale = float(dataset.outcome.sum() / size.sum() / periods)
    return Panel(
        outcome=dataset.outcome / size / outcome_scale,
        dose=dose,
        opening=dose[:first].mean(axis=0),
        opening_periods=first,
        today=np.einsum("tgc,g->c", dose[-year:], size) / size.sum() / len(dose[-year:]),
        size=size,
        outcome_scale=outcome_scale,
        dose_scale=dose_scale,
        sized_by=sized_by,
    )


def _size(dataset: Dataset) -> tuple[Float[np.ndarray, " geo"], str]:
    """Relative size of each geo: people where known, else its mean outcome."""
    if len(dataset.geos) == 1:
        return np.ones(1), "one geo"
    if (dataset.population != 1).any():
        return dataset.population / dataset.population.mean(), "population"
    means = dataset.outcome.mean(axis=0)
    if not (means > 0).all():
        return np.ones(len(dataset.geos)), "equal sizes"
    return means / means.mean(), "mean outcome"
