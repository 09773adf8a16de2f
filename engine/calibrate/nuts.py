"""The minutes speed: the no-U-turn sampler over the same density, chains side by side, with its diagnosis.

The coordinates are whitened by the mean and covariance of the fast draws, so warm-up starts near the right
widths and need only correct them. R-hat and effective size follow Vehtari, Gelman, Simpson, Carpenter, Bürkner (2021),
Rank-normalization, folding, and localization: numpyro's estimators on rank-normalised split chains.
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float
from numpyro import diagnostics
from numpyro.infer import NUTS
from numpyro.infer.hmc import HMCState
from scipy import special, stats

from engine.axes import Array
from engine.calibrate.density import Evidence, log_density
from engine.compiling import quickly

CHAINS = 4
SCATTER = 1.5  # of the chains' first places, in the fast draws' widths: wider than the target, as R-hat asks
ACCEPT = 0.85  # aimed-at acceptance: the ridge between share, halfway and slope asks for small steps
SOFTENING = 1e-3  # added to the pilot's variances, the prior's being 1: no direction is taken as exactly known


class Length(NamedTuple):
    """How long chains run."""

    warmup: int  # the pilot has given the widths already
    kept: int  # draws of each chain
    deepest: int  # doublings of a trajectory


LONG = Length(250, 750, 8)
BRIEF = Length(150, 200, 5)


@dataclass(frozen=True)
class Chains:
    """All draws of all chains, and whether they may be believed."""

    places: Float[np.ndarray, "chain draw coordinate"]
    r_hat: float  # the worst over the coordinates
    bulk: float  # the smallest bulk effective sample size over the coordinates
    divergences: int


def run_chains(
    pilot: Float[np.ndarray, "draw coordinate"], evidence: Evidence, seed: int, length: Length = LONG
) -> Chains:
    """Run `CHAINS` chains side by side.

    Args:
        pilot: Fast draws, more than there are coordinates; they set the scale, not the answer.
        evidence: What the density looks at.
        seed: Of the chains.
        length: How long they run.
    """
    centre = pilot.mean(axis=0)
    lower = np.linalg.cholesky(np.cov(pilot.T) + SOFTENING * np.eye(pilot.shape[1]))
    key_start, key_run = jax.random.split(jax.random.key(seed))
    begin = SCATTER * jax.random.normal(key_start, (CHAINS, pilot.shape[1]))
    keys = jax.random.split(key_run, CHAINS)
    white, diverging = map(np.asarray, _walked(begin, keys, (centre, lower), evidence, length))
    places = centre + white @ lower.T
    return Chains(places, worst_r_hat(places), smallest_bulk(places), int(diverging.sum()))


@quickly
def _walked(
    begin: Float[Array, "chain coordinate"],
    keys: Array,
    frame: tuple[Float[Array, " coordinate"], Float[Array, "coordinate coordinate"]],
    evidence: Evidence,
    length: Length,
) -> tuple[Float[Array, "chain draw coordinate"], Bool[Array, "chain draw"]]:
    """Places in the frame's coordinates after warm-up, and where a trajectory diverged; one program for any data."""
    centre, lower = frame
    kernel = NUTS(
        potential_fn=jax.jit(lambda white: -log_density(centre + lower @ white, evidence)),
        dense_mass=True,
        target_accept_prob=ACCEPT,
        max_tree_depth=length.deepest,
    )

    def start(key: Array, place: Array) -> HMCState:
        return kernel.init(key, length.warmup, init_params=place, model_args=(), model_kwargs={})

    def step(state: HMCState, _: None) -> tuple[HMCState, tuple[Array, Array]]:
        moved = jax.vmap(lambda one: kernel.sample(one, (), {}))(state)
        return moved, (moved.z, moved.diverging)

    places, diverging = jax.lax.scan(step, jax.vmap(start)(keys, begin), length=sum(length[:2]))[1]
    return places[length.warmup :].swapaxes(0, 1), diverging[length.warmup :].T


def thin(chains: Chains, draws: int) -> Float[np.ndarray, "draw coordinate"]:
    """Evenly spaced draws of all chains together."""
    together = chains.places.reshape(-1, chains.places.shape[-1])
    return together[np.linspace(0, len(together) - 1, draws).round().astype(int)]


def worst_r_hat(values: Float[np.ndarray, "chain draw coordinate"]) -> float:
    """The larger of the bulk and the folded split R-hat, over all coordinates."""
    folded = np.abs(values - np.median(values, axis=(0, 1)))
    return float(max(diagnostics.split_gelman_rubin(_ranked(one)).max() for one in (values, folded)))


def smallest_bulk(values: Float[np.ndarray, "chain draw coordinate"]) -> float:
    """The smallest bulk effective sample size over all coordinates."""
    ranked = _ranked(values)
    half = ranked.shape[1] // 2
    split = np.concatenate([ranked[:, :half], ranked[:, -half:]])
    return float(diagnostics.effective_sample_size(split).min())


def _ranked(values: Float[np.ndarray, "chain draw coordinate"]) -> Float[np.ndarray, "chain draw coordinate"]:
    """Normal scores of the ranks over all chains, coordinate by coordinate."""
    flat = values.reshape(-1, values.shape[-1])
    scores: np.ndarray = special.ndtri((stats.rankdata(flat, axis=0) - 0.375) / (len(flat) + 0.25))
    return scores.reshape(values.shape)
