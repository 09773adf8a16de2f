"""The belief before the data as weighed draws: what is believed of all channels together narrows each of them.

Coordinates alone are standard normal; ties between channels (`density.usual`, `density.stated`) come on top. So what
the data taught is how far a spread fell below that of these draws, not below 1.
"""

from typing import NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Float
from scipy import special

from engine.calibrate.density import (
    Evidence,
    Otherwise,
    ceilings,
    log_elasticity,
    one_draw,
    place_parameters,
    predicted,
    stated,
    usual,
)
from engine.calibrate.priors import Parameters
from engine.double import jax

SEED = 0
MOST, FEWEST = 4096, 512  # draws, where one is cheap and where it is not
CELLS = 10_000_000  # periods x geos x channels x draws: a second or two
PANEL = 20_000  # cells of a draw, beyond which some geos stand for all
CHUNK = 500_000  # cells looked at together
DOUBTS = 200  # draws that tell how wide the belief in an experiment's outcome is


class PriorDraws(NamedTuple):
    """Draws of the coordinates, and what is believed of each beyond them."""

    places: Float[np.ndarray, "draw coordinate"]
    usual: Float[np.ndarray, " draw"]  # log belief in channels together, but for elasticities that are told
    elastic: Float[np.ndarray, "draw channel"]  # log elasticity at today's pace


def draw_prior(evidence: Evidence) -> PriorDraws:
    """Draws of a problem's coordinates; the same for the same size, whatever the data."""
    bare: Evidence = _thinned(jax.tree.map(np.asarray, evidence))
    size = bare.dose.size
    channels = bare.dose.shape[-1]
    places = np.random.default_rng(SEED).standard_normal(
        (int(np.clip(CELLS // size, FEWEST, MOST)), bare.structure.size(channels))
    )
    rows = max(1, CHUNK // size)
    parts = [_part(places[row : row + rows], bare) for row in range(0, len(places), rows)]
    believed, elastic = zip(*parts, strict=True)
    return PriorDraws(places, np.concatenate(believed), np.concatenate(elastic))


def _part(places: Float[np.ndarray, "draw coordinate"], evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    parameters: Parameters = place_parameters(places, evidence)
    ceiling = ceilings(parameters, evidence)
    return usual(parameters, ceiling, evidence), log_elasticity(parameters, ceiling, evidence)


def _thinned(evidence: Evidence) -> Evidence:
    """Fewer geos, evenly chosen, where the panel is large: their mean response stands for that of all."""
    periods, geos, channels = evidence.dose.shape
    keep = max(1, PANEL // (periods * channels))
    if keep >= geos:
        return evidence
    at = np.linspace(0, geos - 1, keep).astype(int)
    importance = evidence.importance[at] * evidence.importance.sum() / evidence.importance[at].sum()
    parts = (evidence.dose[:, at], evidence.opening[at], importance)
    thinned: Evidence = eqx.tree_at(lambda one: (one.dose, one.opening, one.importance), evidence, parts)
    return thinned


def otherwise(evidence: Evidence) -> Otherwise:
    """What is believed of the elasticities that are told, before they are."""
    channels = evidence.dose.shape[-1]
    known = np.flatnonzero(~np.isnan(evidence.priors.elasticity_told[0]))
    mean, precision = np.zeros(channels), np.zeros((channels, channels))
    if len(known):
        drawn = draw_prior(evidence)
        weights = special.softmax(drawn.usual)
        elastic = drawn.elastic[:, known]
        mean[known] = weights @ elastic
        covariance = np.cov(elastic.T, aweights=weights).reshape(len(known), len(known))
        precision[np.ix_(known, known)] = np.linalg.inv(covariance)
    return Otherwise(mean, precision)


def readable(places: Float[np.ndarray, "draw coordinate"], evidence: Evidence) -> Float[np.ndarray, "draw coordinate"]:
    """Coordinates, but the logs of contributions in the place of theirs.

    The coordinate of a contribution speaks of its size beside all media's; data that tell a contribution exactly leave
    it as wide as they leave that level.
    """
    share = place_parameters(places, evidence).share
    return np.concatenate([np.log(share), places[:, share.shape[1] :]], axis=1)


def spreads(evidence: Evidence) -> Float[np.ndarray, " coordinate"]:
    """Standard deviation of each coordinate before the data, of a contribution that of its log."""
    drawn = draw_prior(evidence)
    bare: Evidence = jax.tree.map(np.asarray, evidence)
    weights = special.softmax(drawn.usual + stated(drawn.elastic, bare))
    places = readable(drawn.places, bare)
    mean = weights @ places
    found: np.ndarray = np.sqrt(weights @ (places - mean) ** 2)
    return found


def doubts(evidence: Evidence) -> Float[np.ndarray, " test"]:
    """Standard deviation of what each experiment might find, before any data [its standard errors].

    Of each channel on its own: what ties channels together is left out.
    """
    bare: Evidence = _thinned(jax.tree.map(np.asarray, evidence))
    size = bare.structure.size(bare.dose.shape[-1])
    parameters = place_parameters(np.random.default_rng(SEED).standard_normal((DOUBTS, size)), bare)
    ceiling = ceilings(parameters, bare)
    might = [predicted(one_draw(parameters, draw), ceiling[draw], bare) for draw in range(DOUBTS)]
    found: np.ndarray = np.std(might, axis=0)
    return found
