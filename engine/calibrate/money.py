"""Scaled draws back into money: one national curve per channel and draw.

One geo: an exact change of units. Several: each geo has the shared curve on its own size, and the
nation's response to a budget split as in history is their sum, which is not quite a curve of the family; the
nearest one is fitted per draw, shape and all, and how far it is off is reported, in response and in slope: a planner
goes by slopes.
"""

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from engine.calibrate.density import stock_of
from engine.calibrate.problem import Media, Problem
from engine.data.dataset import Dataset
from engine.periods import PER_YEAR, step
from engine.response.adstock import ADSTOCKS
from engine.response.curves import Channel, Curves, Family, History
from engine.response.saturation import SATURATIONS, Saturation

REACH = (0.05, 4.0)  # multiples of the usual spend between which a national curve is fitted
LEVELS = 24  # at which it is fitted
PLANNED = (1.0, 1.3)  # multiples of today's spend at which its slope is judged
PRUDENCE = 0.5
"""Mean absolute deviations that a planned move must be worth. The planner seeks out whatever errors curves have, the
more so the less there is to gain; measured in `experiments/decisions`."""
STEPS = 20  # of Levenberg and Marquardt
NEARBY = 1e-6  # in the log of a shape parameter, for differences
ROUNDING = 1e-9  # of a range, kept away from its ends
TINY = 1e-300  # stands for 0 where a log is taken
SUPPORT = (5.0, 95.0)  # percentiles of the stock that the data show


class Miss(NamedTuple):
    """How far national curves are from the sum over geos, in the mean over draws; 0 where there is one geo."""

    response: float  # at the worst level, over the largest summed response in reach
    marginal: float  # over the mean slope, at the worse of `PLANNED`


class Projection(NamedTuple):
    """The curves in money, and the worst that any channel is off."""

    curves: Curves
    miss: Miss


class Summed(NamedTuple):
    """The response of a nation whose geos share a budget as in history."""

    response: Float[np.ndarray, "draw level"]  # [outcome/period]
    marginal: Float[np.ndarray, "draw level"]  # [outcome/currency]


def to_curves(dataset: Dataset, problem: Problem, media: Media) -> Projection:
    """National curves in the data's own money."""
    channels, misses = [], []
    for index in range(len(dataset.channels)):
        channel, miss = _channel(dataset, problem, media, index)
        channels.append(channel)
        misses.append(miss)
    return Projection(_curves(dataset, channels), Miss(*(max(each) for each in zip(*misses, strict=True))))


def by_geo(dataset: Dataset, problem: Problem, media: Media) -> Curves | None:
    """The curve of every channel in every geo, in the data's own money; None where there is one geo.

    Geos share a curve per head, so that of a geo is the same curve with ceiling and halfway times its heads: exact, and
    in the family that was fitted, where the nation's is a sum of such curves and so only near one.
    """
    if len(dataset.geos) == 1:
        return None
    entries = []
    for index, name in enumerate(dataset.channels):
        own = _per_head(problem, media, index)
        for at, geo in enumerate(dataset.geos):
            parameters = own * np.where(np.arange(own.shape[1]) < 2, problem.panel.size[at], 1.0)
            one = _curve(dataset, problem, media, index, (dataset.driver[:, at, index], parameters))
            entries.append(replace(one, name=f"{name}/{geo}", part_of=name, geo=geo))
    return _curves(dataset, entries)


def _curves(dataset: Dataset, channels: list[Channel]) -> Curves:
    return Curves(
        currency=dataset.currency,
        outcome=dataset.outcome_name,
        period=dataset.period,
        channels=tuple(channels),
        outcome_value=1.0 if dataset.is_money else None,
        prudence=PRUDENCE,
        made_from=dataset.made_from,
        until=step(dataset.starts[-1], 1, dataset.period),
    )


def _channel(dataset: Dataset, problem: Problem, media: Media, index: int) -> tuple[Channel, Miss]:
    driver = dataset.driver[:, :, index].sum(axis=1)
    year = math.floor(PER_YEAR[dataset.period])
    mean, today = float(driver.mean()), float(driver[-year:].mean())
    parameters, miss = _national(problem, media, index, (mean, today or mean))
    return _curve(dataset, problem, media, index, (driver, parameters)), miss


def _curve(
    dataset: Dataset,
    problem: Problem,
    media: Media,
    index: int,
    known: tuple[Float[np.ndarray, " period"], Float[np.ndarray, "draw parameter"]],
) -> Channel:
    """A channel of some driver, of the nation or of a geo, and of ceiling, halfway and shape by draw."""
    driver, parameters = known
    year = math.floor(PER_YEAR[dataset.period])  # periods kept as the latest history
    adstock, saturation = problem.structure
    carry = [values[:, index] for values in media.parameters.carry]
    history = History(
        mean=float(driver.mean()),
        max=float(driver.max()),
        last=tuple(float(money) for money in driver[-year:]),
        support=_support(driver, problem.panel.opening_periods, carry, adstock),
    )
    return Channel(
        name=dataset.channels[index],
        kind=dataset.kinds[index],
        adstock=Family(adstock, dict(zip(ADSTOCKS[adstock].shape, carry, strict=True))),
        saturation=Family(
            saturation,
            dict(zip(("ceiling", "halfway", *SATURATIONS[saturation].shape), parameters.T, strict=True)),
        ),
        history=history,
    )


def _support(
    driver: Float[np.ndarray, " period"], opening: int, carry: list[np.ndarray], family: str
) -> tuple[float, float]:
    """The stocks that the data show, under the median kernel [currency/period]."""
    typical = tuple(np.median(values)[None] for values in carry)
    stock = stock_of(driver[:, None, None], driver[:opening].mean()[None, None], typical, family)
    low, high = np.percentile(stock, SUPPORT)
    return float(low), float(high)


def _per_head(problem: Problem, media: Media, index: int) -> Float[np.ndarray, "draw parameter"]:
    """Ceiling and halfway per head, and shape, by draw."""
    panel = problem.panel
    halfway = media.parameters.halfway[:, index] * panel.dose_scale[index]
    ceiling = media.ceiling[:, index] * panel.outcome_scale
    return np.stack([ceiling, halfway, *(values[:, index] for values in media.parameters.bend)], axis=1)


def _national(
    problem: Problem, media: Media, index: int, usual: tuple[float, float]
) -> tuple[Float[np.ndarray, "draw parameter"], Miss]:
    """Ceiling, halfway and shape of the nation by draw; `usual` are the mean spend of all history and today's."""
    panel = problem.panel
    family = SATURATIONS[problem.structure.saturation]
    own = _per_head(problem, media, index)
    if len(panel.size) == 1:
        return own, Miss(0.0, 0.0)
    head = panel.dose[:, :, index].mean(axis=0) * panel.dose_scale[index] / usual[0]  # of one unit of money, by geo
    levels = np.geomspace(REACH[0] * min(usual), REACH[1] * max(usual), LEVELS)
    target = sum_over_geos(family, own, head, panel.size, levels)
    begin = own.copy()
    begin[:, 0] *= panel.size.sum()
    begin[:, 1] /= np.average(head, weights=panel.size)
    found, off = fit_curve(family, levels, target.response, begin)
    planned = usual[1] * np.array(PLANNED)
    wanted = sum_over_geos(family, own, head, panel.size, planned).marginal
    miss = np.abs(_marginal(family, found, planned) - wanted).mean(axis=0)
    typical = wanted.mean(axis=0)
    return found, Miss(float(off.mean()), float((miss / np.where(typical > 0, typical, 1.0)).max()))


def sum_over_geos(
    family: Saturation,
    own: Float[np.ndarray, "draw parameter"],
    head: Float[np.ndarray, " geo"],
    size: Float[np.ndarray, " geo"],
    spend: Float[np.ndarray, " level"],
) -> Summed:
    """Response and slope of all geos together.

    Args:
        family: Of the curve that geos share.
        own: Its ceiling and halfway per head, then its shape.
        head: What each head of a geo gets of one unit of the nation's money.
        size: Heads of each geo.
        spend: Of the nation [currency/period].
    """
    ceiling, halfway, *bend = (column[:, None, None] for column in own.T)
    share, steepness = family.with_steepness(spend[:, None] * head / halfway, *bend)
    return Summed(ceiling[:, 0] * (share @ size), (ceiling / halfway)[:, 0] * (steepness @ (size * head)))


def _marginal(
    family: Saturation, parameters: Float[np.ndarray, "draw parameter"], spend: Float[np.ndarray, " level"]
) -> Float[np.ndarray, "draw level"]:
    ceiling, halfway, *bend = (column[:, None] for column in parameters.T)
    slopes: np.ndarray = ceiling / halfway * family.with_steepness(spend / halfway, *bend)[1]
    return slopes


def fit_curve(
    family: Saturation,
    spend: Float[np.ndarray, " level"],
    response: Float[np.ndarray, "draw level"],
    begin: Float[np.ndarray, "draw parameter"],
) -> tuple[Float[np.ndarray, "draw parameter"], Float[np.ndarray, " draw"]]:
    """The curves of a family nearest to responses in least squares, and their worst miss over the largest response.

    Levenberg and Marquardt on the logs of ceiling, halfway and shape, all draws side by side; a shape stays inside
    the range of its family.
    """
    top = response.max(axis=1, keepdims=True)
    unit = np.where(top > 0, top, 1.0)
    target, ends = response / unit, _ends(family)
    place = np.clip(np.log(np.concatenate([np.maximum(begin[:, :1] / unit, TINY), begin[:, 1:]], axis=1)), *ends)
    damping = np.full(len(place), 1e-3)
    value, jacobian = _value_and_slopes(family, spend, place)
    for _ in range(STEPS):
        residual = target - value
        move = _step(jacobian, residual, damping)
        trial = np.clip(place + np.clip(move, -1.0, 1.0), *ends)
        trial_value, trial_jacobian = _value_and_slopes(family, spend, trial)
        better = ((target - trial_value) ** 2).sum(axis=1) < (residual**2).sum(axis=1)
        place = np.where(better[:, None], trial, place)
        value = np.where(better[:, None], trial_value, value)
        jacobian = np.where(better[:, None, None], trial_jacobian, jacobian)
        damping = np.clip(np.where(better, damping / 10, damping * 5), 1e-12, 1e6)
    found = np.exp(place)
    found[:, :1] *= top
    return found, np.where(top > 0, np.abs(target - value), 0.0).max(axis=1)


def _ends(family: Saturation) -> Float[np.ndarray, "two parameter"]:
    """The logs between which each parameter stays, just inside its range: the exponential of a log is rounded."""
    low = [max(one.low, TINY) * (1 + ROUNDING) for one in family.shape.values()]
    high = [one.high * (1 - ROUNDING) for one in family.shape.values()]
    return np.array([[-np.inf, -np.inf, *np.log(low)], [np.inf, np.inf, *np.log(high)]])


def _step(
    jacobian: Float[np.ndarray, "draw level parameter"],
    residual: Float[np.ndarray, "draw level"],
    damping: Float[np.ndarray, " draw"],
) -> Float[np.ndarray, "draw parameter"]:
    """Marquardt's step: damped in proportion to what each parameter moves."""
    gram = np.einsum("dla,dlb->dab", jacobian, jacobian)
    each = np.einsum("daa->da", gram) + 1e-9
    damped = gram + (damping[:, None] * each + 1e-12)[:, :, None] * np.eye(gram.shape[-1])
    return np.linalg.solve(damped, np.einsum("dla,dl->da", jacobian, residual)[..., None])[..., 0]


def _value_and_slopes(
    family: Saturation, spend: Float[np.ndarray, " level"], place: Float[np.ndarray, "draw parameter"]
) -> tuple[Float[np.ndarray, "draw level"], Float[np.ndarray, "draw level parameter"]]:
    """The response and its derivatives by the logs of the parameters, those of the shape by differences."""
    ceiling, halfway, *bend = (np.exp(column)[:, None] for column in place.T)
    dose = spend / halfway
    share, steepness = family.with_steepness(dose, *bend)
    moved = [
        family.share(dose, *(one * np.exp(NEARBY) if other == at else one for other, one in enumerate(bend)))
        for at in range(len(bend))
    ]
    value = ceiling * share
    return value, np.stack(
        [value, -ceiling * dose * steepness, *(ceiling * (other - share) / NEARBY for other in moved)], axis=-1
    )
