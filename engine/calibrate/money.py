"""Scaled draws back into money: one national curve per channel and draw.

One geo: an exact change of units. Several: each geo has the shared curve on its own size, and the
nation's response to a budget split as in history is their sum, which is not quite a curve of the family; the
nearest one of the same shape is fitted per draw and how far it is off is reported.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from engine.calibrate.density import stock_of
from engine.calibrate.problem import Media, Problem
from engine.data.dataset import Dataset
from engine.periods import PER_YEAR
from engine.response.adstock import ADSTOCKS
from engine.response.curves import Channel, Curves, Family, History
from engine.response.saturation import SATURATIONS, Saturation

LEVELS = np.geomspace(0.05, 4.0, 32)  # multiples of the mean spend at which a national curve is fitted
PRUDENCE = 0.4
"""Mean absolute deviations that a planned move must be worth. The planner seeks out whatever errors curves have, the
more so the less there is to gain; measured in `experiments/decisions`."""
STEPS = 30  # of Levenberg and Marquardt
SUPPORT = (5.0, 95.0)  # percentiles of the stock that the data show


class Scale(NamedTuple):
    """Ceiling and halfway of a curve by draw."""

    ceiling: Float[np.ndarray, " draw"]
    halfway: Float[np.ndarray, " draw"]


class Projection(NamedTuple):
    """The curves in money and the worst distance between a fitted and a summed national curve."""

    curves: Curves
    error: float  # over the largest summed response in reach


def to_curves(dataset: Dataset, problem: Problem, media: Media) -> Projection:
    """National curves in the data's own money."""
    spend = dataset.driver.sum(axis=1)
    year = math.floor(PER_YEAR[dataset.period])  # periods kept as the latest history
    adstock, saturation = problem.structure
    channels, errors = [], []
    for index, name in enumerate(dataset.channels):
        carry = [values[:, index] for values in media.parameters.carry]
        bend = [values[:, index] for values in media.parameters.bend]
        curve, error = _national(problem, media, index, spend[:, index].mean())
        errors.append(error)
        channels.append(
            Channel(
                name=name,
                kind=dataset.kinds[index],
                adstock=Family(adstock, dict(zip(ADSTOCKS[adstock].shape, carry, strict=True))),
                saturation=Family(
                    saturation, {**curve._asdict(), **dict(zip(SATURATIONS[saturation].shape, bend, strict=True))}
                ),
                history=History(
                    mean=float(spend[:, index].mean()),
                    max=float(spend[:, index].max()),
                    last=tuple(float(money) for money in spend[-year:, index]),
                    support=_support(spend[:, index], carry, adstock),
                ),
            )
        )
    curves = Curves(
        currency=dataset.currency,
        outcome=dataset.outcome_name,
        period=dataset.period,
        channels=tuple(channels),
        outcome_value=1.0 if dataset.is_money else None,
        prudence=PRUDENCE,
        made_from=dataset.made_from,
    )
    return Projection(curves, max(errors))


def _support(spend: Float[np.ndarray, " period"], carry: list[np.ndarray], family: str) -> tuple[float, float]:
    """The stocks that the data show, under the median kernel [currency/period]."""
    typical = tuple(np.median(values)[None] for values in carry)
    stock = stock_of(spend[:, None, None], spend[None, :1], typical, family)
    low, high = np.percentile(stock, SUPPORT)
    return float(low), float(high)


def _national(problem: Problem, media: Media, index: int, mean: float) -> tuple[Scale, float]:
    panel = problem.panel
    halfway = media.parameters.halfway[:, index] * panel.dose_scale[index]  # per head
    ceiling = media.ceiling[:, index] * panel.outcome_scale
    if len(panel.size) == 1:
        return Scale(ceiling, halfway), 0.0
    family = SATURATIONS[problem.structure.saturation]
    bend = [values[:, index, None] for values in media.parameters.bend]
    head = panel.dose[:, :, index].mean(axis=0) * panel.dose_scale[index]  # mean spend per head by geo
    dose = LEVELS[:, None, None] * head / halfway[:, None]
    shares = family.share(dose, *(np.broadcast_to(one, dose.shape) for one in bend))  # level, draw, geo
    summed = (shares @ panel.size).T * ceiling[:, None]
    middle = halfway * mean / np.average(head, weights=panel.size)
    return fit_scale(family, bend, LEVELS * mean, summed, Scale(ceiling * panel.size.sum(), middle))


def fit_scale(
    family: Saturation,
    bend: list[Float[np.ndarray, "draw 1"]],
    spend: Float[np.ndarray, " level"],
    response: Float[np.ndarray, "draw level"],
    begin: Scale,
) -> tuple[Scale, float]:
    """The curves of given shapes nearest to responses in least squares, and the worst miss over the largest response.

    Levenberg and Marquardt on the logs of ceiling and halfway, all draws side by side.
    """
    top = response.max(axis=1, keepdims=True)
    target = response / np.where(top > 0, top, 1.0)
    place = np.log(np.stack([begin.ceiling / np.where(top > 0, top, 1.0)[:, 0], begin.halfway], axis=1))
    damping = np.full(len(place), 1e-3)
    value, jacobian = _value_and_slopes(family, bend, spend, place)
    for _ in range(STEPS):
        residual = target - value
        gram = np.einsum("dla,dlb->dab", jacobian, jacobian) + damping[:, None, None] * np.eye(2)
        move = np.linalg.solve(gram, np.einsum("dla,dl->da", jacobian, residual)[..., None])[..., 0]
        trial = place + np.clip(move, -1.0, 1.0)
        trial_value, trial_jacobian = _value_and_slopes(family, bend, spend, trial)
        better = ((target - trial_value) ** 2).sum(axis=1) < (residual**2).sum(axis=1)
        place = np.where(better[:, None], trial, place)
        value = np.where(better[:, None], trial_value, value)
        jacobian = np.where(better[:, None, None], trial_jacobian, jacobian)
        damping = np.clip(np.where(better, damping / 5, damping * 5), 1e-12, 1e6)
    ceiling, halfway = np.exp(place).T
    error = float(np.abs(target - value).max()) if top.max() > 0 else 0.0
    return Scale(ceiling * top[:, 0], halfway), error


def _value_and_slopes(
    family: Saturation,
    bend: list[Float[np.ndarray, "draw 1"]],
    spend: Float[np.ndarray, " level"],
    place: Float[np.ndarray, "draw two"],
) -> tuple[Float[np.ndarray, "draw level"], Float[np.ndarray, "draw level two"]]:
    """The response and its derivatives by the logs of ceiling and halfway."""
    ceiling, halfway = (np.exp(column)[:, None] for column in place.T)
    dose = spend / halfway
    share, steepness = family.with_steepness(dose, *(np.broadcast_to(one, dose.shape) for one in bend))
    value = ceiling * share
    return value, np.stack([value, -ceiling * dose * steepness], axis=-1)
