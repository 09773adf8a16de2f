"""The one definition of how plausible a set of curves is, for every speed.

outcome = baseline + sum over channels of ceiling * saturation(adstock(dose) / halfway) + noise, with the linear
baseline integrated out; experiments say what the difference of two such responses was. What is left are
standard-normal coordinates, a few per channel, and two that all share.
"""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Float, Int
from scipy import special

from engine.axes import Array
from engine.calibrate.chance import whiten
from engine.calibrate.linear import LinearBlock, log_marginal
from engine.calibrate.priors import (
    CROWDED,
    CROWDED_WIDTH,
    FREEDOM,
    RISING_WIDTH,
    SCATTER,
    Parameters,
    Priors,
    Structure,
    interpret,
)
from engine.compiling import quickly
from engine.double import jax
from engine.response.adstock import ADSTOCKS, adstock
from engine.response.saturation import SATURATIONS

FAR = 2.5  # standard deviations within which the belief in an elasticity is taken as normal


class Tests(NamedTuple):
    """Experiments: each compares the response of some channels between two arms."""

    dose: Float[Array, "period geo arm"]  # of one channel in one arm of one test
    opening: Float[Array, "geo arm"]
    channel: Int[Array, " arm"]
    weight: Float[Array, "arm period geo"]  # sign, share of people and what had come in by then, in standard errors
    owner: Float[Array, "test arm"]  # 1 where an arm belongs to a test
    found: Float[Array, " test"]  # outcome's change in standard errors


class Otherwise(NamedTuple):
    """What is believed of the logs of elasticities, taken as normal, before any of them is told."""

    mean: Float[Array, " channel"]
    precision: Float[Array, "channel channel"]  # rows and columns of channels of which nothing is told are 0


class Evidence(eqx.Module):
    """Everything the density looks at; the shapes of its arrays do not depend on what is held out."""

    dose: Float[Array, "period geo channel"]
    opening: Float[Array, "geo channel"]
    today: Float[Array, " channel"]  # mean dose of the latest year
    price: Float[Array, " channel"]  # money of one dose over the mean of all channels
    importance: Float[Array, " geo"]  # size of a geo over the sum of periods and sizes
    priors: Priors
    otherwise: Otherwise
    linear: LinearBlock
    tests: Tests
    structure: Structure = eqx.field(static=True)


def log_density(place: Float[Array, " coordinate"], evidence: Evidence) -> Float[Array, ""]:
    """Log of prior times marginal likelihood at a place, up to a constant; it bends where a coordinate is cut off."""
    parameters = interpret(place, evidence.priors, evidence.structure, jax.scipy.special)
    response, ceiling = contributions(parameters, evidence)
    linear = evidence.linear
    residual = linear.outcome - whiten(response.sum(axis=-1), linear.chance)
    likelihood = log_marginal(residual, parameters.noise, linear)
    missed = evidence.tests.found - predicted(parameters, ceiling, evidence)
    return likelihood - 0.5 * (missed @ missed) - 0.5 * (place @ place) + ties(parameters, ceiling, evidence)


def ties(parameters: Parameters, ceiling: Float[Array, "*draw channel"], evidence: Evidence) -> Float[Array, "*draw"]:
    """What is believed of all channels together: what is usual of them, and the elasticities that are told."""
    return usual(parameters, ceiling, evidence) + stated(log_elasticity(parameters, ceiling, evidence), evidence)


def usual(parameters: Parameters, ceiling: Float[Array, "*draw channel"], evidence: Evidence) -> Float[Array, "*draw"]:
    """Log belief that there is room for a baseline, and that the budget was not foolish.

    Not foolish: the next money returns about the same in every channel, and not more than all money before it did.
    """
    xp = ceiling.__array_namespace__()
    crowd = xp.maximum(parameters.share.sum(axis=-1) - CROWDED, 0.0) / CROWDED_WIDTH
    running = evidence.today > 0  # of a channel that stands still today nobody judged the next unit of money
    count = running.sum()
    reached, steepness = _today(parameters, evidence)
    rate = xp.where(running, ceiling / parameters.halfway * steepness, 1.0)
    marginal = xp.where(running, xp.log(rate / evidence.price + 1e-9), 0.0)
    mean = marginal.sum(axis=-1, keepdims=True) / xp.maximum(count, 1)
    uneven = xp.where(running, marginal - mean, 0.0) / SCATTER
    tied = -0.5 * (FREEDOM + count - 1) * xp.log1p((uneven**2).sum(axis=-1) / FREEDOM)
    more = xp.where(running, evidence.today / parameters.halfway * steepness, 1.0) / xp.where(running, reached, 1.0)
    rising = xp.log(xp.maximum(more, 1.0)) / RISING_WIDTH
    return xp.asarray(tied - 0.5 * crowd**2 - 0.5 * (rising**2).sum(axis=-1))


def stated(elastic: Float[Array, "*draw channel"], evidence: Evidence) -> Float[Array, "*draw"]:
    """Log belief in what is told of elasticities, in the place of what is believed of them otherwise.

    The quotient of two normal densities in their logs. Beyond `FAR` standard deviations the other belief falls like
    an exponential: nobody knows its tails, and so what is told wins there, however wide its range.
    """
    xp = elastic.__array_namespace__()
    told = evidence.priors.elasticity_told
    known = ~xp.isnan(told[0])
    missed = xp.where(known, (elastic - xp.where(known, told[0], 0.0)) / xp.where(known, told[1], 1.0), 0.0)
    off = elastic - evidence.otherwise.mean
    square = ((off @ evidence.otherwise.precision) * off).sum(axis=-1)
    within = square <= FAR**2
    far = xp.sqrt(xp.where(within, FAR**2, square))
    other = xp.where(within, 0.5 * square, FAR * far - 0.5 * FAR**2)
    return xp.asarray(other - 0.5 * (missed**2).sum(axis=-1))


def log_elasticity(
    parameters: Parameters, ceiling: Float[Array, "*draw channel"], evidence: Evidence
) -> Float[Array, "*draw channel"]:
    """Log of the % more outcome that 1 % more of today's spend brings sooner or later."""
    xp = ceiling.__array_namespace__()
    rate = ceiling / parameters.halfway * _today(parameters, evidence)[1]  # what the next dose brings [scaled outcome]
    return xp.log(rate * evidence.today + 1e-12)


def _today(parameters: Parameters, evidence: Evidence) -> tuple[Float[Array, "*draw channel"], ...]:
    """The share of its ceiling that a channel reaches at today's pace, and how fast that share rises by dose."""
    dose = evidence.today / parameters.halfway
    found: tuple[Array, Array] = SATURATIONS[evidence.structure.saturation].with_steepness(dose, *parameters.bend)
    return found


def ceilings(parameters: Parameters, evidence: Evidence) -> Float[np.ndarray, "draw channel"]:
    """Ceilings of many draws at once [scaled outcome], in numpy: each draw is a column of its own."""
    draws, channels = parameters.share.shape
    carry, bend = (tuple(one.reshape(-1) for one in group) for group in (parameters.carry, parameters.bend))
    shape = (carry, bend, parameters.halfway.reshape(-1))
    used = _used(np.tile(evidence.dose, draws), np.tile(evidence.opening, draws), shape, evidence.structure)
    mean_used = np.einsum("tgc,g->c", used, evidence.importance)
    found: np.ndarray = parameters.share / mean_used.reshape(draws, channels)
    return found


def contributions(
    parameters: Parameters, evidence: Evidence
) -> tuple[Float[Array, "period geo channel"], Float[Array, " channel"]]:
    """What each channel adds per head [scaled outcome], and its ceiling [scaled outcome], for one draw."""
    xp = evidence.dose.__array_namespace__()
    shape = (parameters.carry, parameters.bend, parameters.halfway)
    used = _used(evidence.dose, evidence.opening, shape, evidence.structure)
    mean_used = xp.sum(used * evidence.importance[:, None], axis=(0, 1))
    ceiling = parameters.share / mean_used
    return ceiling * used, ceiling


def predicted(parameters: Parameters, ceiling: Float[Array, " channel"], evidence: Evidence) -> Float[Array, " test"]:
    """What each experiment should have found [standard errors], for one draw."""
    tests = evidence.tests
    xp = tests.dose.__array_namespace__()
    if not tests.dose.shape[-1]:
        return xp.zeros_like(tests.found)
    carry, bend = (tuple(one[tests.channel] for one in group) for group in (parameters.carry, parameters.bend))
    used = _used(tests.dose, tests.opening, (carry, bend, parameters.halfway[tests.channel]), evidence.structure)
    brought = xp.sum(xp.moveaxis(used, -1, 0) * tests.weight, axis=(1, 2))
    return tests.owner @ (ceiling[tests.channel] * brought)


def _used(
    dose: Float[Array, "period geo column"],
    opening: Float[Array, "geo column"],
    shape: tuple[tuple[Array, ...], tuple[Array, ...], Array],
    structure: Structure,
) -> Float[Array, "period geo column"]:
    """The share of its ceiling that each column reaches."""
    carry, bend, halfway = shape
    stock = stock_of(dose, opening, carry, structure.adstock)
    return SATURATIONS[structure.saturation].share(stock / halfway, *bend)


def stock_of(
    dose: Float[Array, "period geo column"],
    opening: Float[Array, "geo column"],
    carry: tuple[Float[Array, " column"], ...],
    family: str,
) -> Float[Array, "period geo column"]:
    """The stock of a dose under a kernel, after a past in which it was always the opening."""
    xp = dose.__array_namespace__()
    wide = tuple(one[None, :] for one in carry)
    if family in STOCKS:
        return STOCKS[family](dose, opening, wide)
    lags = xp.arange(float(len(dose)))[:, None]
    weights = ADSTOCKS[family].kernel(lags, *carry)
    size = 2 * len(dose)  # no wrapping round
    spread = xp.fft.rfft(weights, n=size, axis=0)[:, None, :] * xp.fft.rfft(dose, n=size, axis=0)
    felt = xp.fft.irfft(spread, n=size, axis=0)[: len(dose)]
    before = 1 - xp.cumsum(weights, axis=0)
    return xp.maximum(felt, 0.0) + before[:, None, :] * opening


def _buildup(dose: Array, opening: Array, carry: tuple[Array, ...]) -> Array:
    return adstock(adstock(dose, carry[1], opening), carry[0], opening)


def _two_speed(dose: Array, opening: Array, carry: tuple[Array, ...]) -> Array:
    retain, retain_slow, slow = carry
    return (1 - slow) * adstock(dose, retain, opening) + slow * adstock(dose, retain_slow, opening)


STOCKS: dict[str, Callable[[Array, Array, tuple[Array, ...]], Array]] = {
    "geometric": lambda dose, opening, carry: adstock(dose, carry[0], opening),
    "buildup": _buildup,
    "two_speed": _two_speed,
}
"""Families whose stock is a recursion; the others are summed lag by lag."""


slope_at = quickly(jax.value_and_grad(log_density))
densities_at = quickly(jax.vmap(log_density, in_axes=(0, None)))


def place_parameters(places: Float[np.ndarray, "draw coordinate"], evidence: Evidence) -> Parameters:
    """The parameters of many places at once, in numpy."""
    priors = Priors(*(np.asarray(one) for one in evidence.priors))
    return interpret(places, priors, evidence.structure, special)


def one_draw(parameters: Parameters, draw: int) -> Parameters:
    """The parameters of one draw."""
    carry, bend = (tuple(one[draw] for one in group) for group in (parameters.carry, parameters.bend))
    return Parameters(parameters.share[draw], parameters.halfway[draw], carry, bend, parameters.noise[draw])
