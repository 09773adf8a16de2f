"""The one definition of how plausible a set of curves is, for every speed.

outcome = baseline + sum over channels of ceiling * hill(adstock(dose) / halfway) + noise, with the linear
baseline and the noise integrated out; what is left is four standard-normal coordinates per channel.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy import special

from engine.axes import Array
from engine.calibrate.linear import LinearBlock
from engine.calibrate.panel import Panel
from engine.calibrate.priors import CROWDED, CROWDED_WIDTH, Parameters, Priors, interpret
from engine.response.adstock import adstock
from engine.response.saturation import hill


class Evidence(NamedTuple):
    """Everything the density looks at, as arrays; its shapes do not depend on what is held out."""

    dose: Float[Array, "period geo channel"]
    opening: Float[Array, "geo channel"]
    importance: Float[Array, " geo"]  # size of a geo over the sum of periods and sizes
    priors: Priors
    linear: LinearBlock


def gather(panel: Panel, priors: Priors, linear: LinearBlock) -> Evidence:
    """The evidence of a panel."""
    importance = panel.size / panel.size.sum() / len(panel.outcome)
    return Evidence(panel.dose, panel.opening, importance, priors, linear)


def log_density(place: Float[Array, " coordinate"], evidence: Evidence) -> Float[Array, ""]:
    """Log of prior times marginal likelihood at a place, up to a constant; smooth everywhere."""
    parameters = interpret(place, evidence.priors, jax.scipy.special)
    response, _ = contributions(parameters, evidence)
    linear = evidence.linear
    residual = linear.outcome - linear.weight * response.sum(axis=-1).reshape(-1)
    reduced = linear.projector @ residual
    left = residual @ residual - reduced @ reduced
    crowd = jnp.maximum(parameters.share.sum() - CROWDED, 0.0) / CROWDED_WIDTH
    return -0.5 * (place @ place) - 0.5 * crowd**2 - linear.shape * jnp.log(linear.scale + 0.5 * jnp.maximum(left, 0.0))


def contributions(
    parameters: Parameters, evidence: Evidence
) -> tuple[Float[Array, "period geo channel"], Float[Array, " channel"]]:
    """What each channel adds per head [scaled outcome], and its ceiling [scaled outcome], for one draw."""
    xp = evidence.dose.__array_namespace__()
    retain = xp.broadcast_to(parameters.retain, evidence.opening.shape)
    stock = adstock(evidence.dose, retain, evidence.opening)
    used = hill(stock / parameters.halfway, xp.broadcast_to(parameters.slope, stock.shape))
    mean_used = xp.sum(used * evidence.importance[:, None], axis=(0, 1))
    ceiling = parameters.share / mean_used
    return ceiling * used, ceiling


Slope = Callable[[Float[np.ndarray, " coordinate"], Evidence], tuple[Array, Array]]

slope_at = jax.jit(jax.value_and_grad(log_density))
densities_at = jax.jit(jax.vmap(log_density, in_axes=(0, None)))


def place_parameters(places: Float[np.ndarray, "draw coordinate"], priors: Priors) -> Parameters:
    """The parameters of many places at once, in numpy."""
    return interpret(places, priors, special)
