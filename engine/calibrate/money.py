"""Scaled draws back into money: one national curve per channel and draw.

One geo: an exact change of units. Several: each geo has the shared curve on its own size, and the
nation's response to a budget split as in history is their sum, which is not quite a Hill curve; the
nearest Hill curve is fitted per draw and how far it is off is reported.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from engine.calibrate.problem import Media, Problem
from engine.data.dataset import Dataset
from engine.periods import PER_YEAR
from engine.response.curves import Channel, Curves, Family, History
from engine.response.saturation import hill

LEVELS = np.geomspace(0.05, 4.0, 32)  # multiples of the mean spend at which a national curve is fitted
STEPS = 30  # of Levenberg and Marquardt


class Hill(NamedTuple):
    """Hill curves by draw."""

    ceiling: Float[np.ndarray, " draw"]
    halfway: Float[np.ndarray, " draw"]
    slope: Float[np.ndarray, " draw"]


class Projection(NamedTuple):
    """The curves in money and the worst distance between a fitted and a summed national curve."""

    curves: Curves
    error: float  # over the largest summed response in reach


def to_curves(dataset: Dataset, problem: Problem, media: Media) -> Projection:
    """National curves in the data's own money."""
    spend = dataset.driver.sum(axis=1)
    year = math.floor(PER_YEAR[dataset.period])  # periods kept as the latest history
    channels, errors = [], []
    for index, name in enumerate(dataset.channels):
        curve, error = _national(problem, media, index, spend[:, index].mean())
        errors.append(error)
        channels.append(
            Channel(
                name=name,
                kind=dataset.kinds[index],
                adstock=Family("geometric", {"retain": media.parameters.retain[:, index]}),
                saturation=Family("hill", curve._asdict()),
                history=History(
                    mean=float(spend[:, index].mean()),
                    max=float(spend[:, index].max()),
                    last=tuple(float(money) for money in spend[-year:, index]),
                ),
            )
        )
    curves = Curves(
        currency=dataset.currency,
        outcome=dataset.outcome_name,
        period=dataset.period,
        channels=tuple(channels),
        outcome_value=1.0 if dataset.is_money else None,
        made_from=dataset.made_from,
    )
    return Projection(curves, max(errors))


def _national(problem: Problem, media: Media, index: int, mean: float) -> tuple[Hill, float]:
    panel = problem.panel
    halfway = media.parameters.halfway[:, index] * panel.dose_scale[index]  # per head
    ceiling = media.ceiling[:, index] * panel.outcome_scale
    slope = media.parameters.slope[:, index]
    if len(panel.size) == 1:
        return Hill(ceiling, halfway, slope), 0.0
    head = panel.dose[:, :, index].mean(axis=0) * panel.dose_scale[index]  # mean spend per head by geo
    dose = LEVELS[:, None, None] * head / halfway[:, None]
    shares = hill(dose, slope[:, None])  # level, draw, geo
    summed = (shares @ panel.size).T * ceiling[:, None]
    middle = halfway * mean / np.average(head, weights=panel.size)
    return fit_hill(LEVELS * mean, summed, Hill(ceiling * panel.size.sum(), middle, slope))


def fit_hill(
    spend: Float[np.ndarray, " level"], response: Float[np.ndarray, "draw level"], begin: Hill
) -> tuple[Hill, float]:
    """The Hill curves nearest to responses in least squares, and the worst miss over the largest response.

    Levenberg and Marquardt on the logs of ceiling, halfway and slope, all draws side by side.
    """
    top = response.max(axis=1, keepdims=True)
    target = response / np.where(top > 0, top, 1.0)
    place = np.log(np.stack([begin.ceiling / np.where(top > 0, top, 1.0)[:, 0], begin.halfway, begin.slope], axis=1))
    damping = np.full(len(place), 1e-3)
    value, jacobian = _hill_and_slopes(spend, place)
    for _ in range(STEPS):
        residual = target - value
        gram = np.einsum("dla,dlb->dab", jacobian, jacobian) + damping[:, None, None] * np.eye(3)
        move = np.linalg.solve(gram, np.einsum("dla,dl->da", jacobian, residual)[..., None])[..., 0]
        trial = place + np.clip(move, -1.0, 1.0)
        trial_value, trial_jacobian = _hill_and_slopes(spend, trial)
        better = ((target - trial_value) ** 2).sum(axis=1) < (residual**2).sum(axis=1)
        place = np.where(better[:, None], trial, place)
        value = np.where(better[:, None], trial_value, value)
        jacobian = np.where(better[:, None, None], trial_jacobian, jacobian)
        damping = np.clip(np.where(better, damping / 5, damping * 5), 1e-12, 1e6)
    ceiling, halfway, slope = np.exp(place).T
    error = float(np.abs(target - value).max()) if top.max() > 0 else 0.0
    return Hill(ceiling * top[:, 0], halfway, slope), error


def _hill_and_slopes(
    spend: Float[np.ndarray, " level"], place: Float[np.ndarray, "draw three"]
) -> tuple[Float[np.ndarray, "draw level"], Float[np.ndarray, "draw level three"]]:
    """ceiling * hill and its derivatives by the logs of ceiling, halfway and slope."""
    ceiling, halfway, slope = (np.exp(column)[:, None] for column in place.T)
    share = hill(spend / halfway, np.broadcast_to(slope, (len(place), len(spend))))
    value = ceiling * share
    bend = value * (1 - share) * slope
    return value, np.stack([value, -bend, bend * np.log(spend / halfway)], axis=-1)
