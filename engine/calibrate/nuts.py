"""The minutes speed: the no-U-turn sampler over the same density, chains side by side, with its diagnosis.

The coordinates are whitened by the mean and covariance of a pilot, so chains walk in nearly round coordinates from the
start and need only find a step. R-hat and effective size follow Vehtari, Gelman, Simpson, Carpenter, Bürkner (2021),
Rank-normalization, folding, and localization: numpyro's estimators on rank-normalised split chains.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from numpyro import diagnostics
from numpyro.infer import NUTS
from numpyro.infer.hmc import HMCState
from scipy import special, stats

from engine.axes import Array
from engine.calibrate.density import Evidence, log_density
from engine.compiling import quickly
from engine.double import jax

CHAINS = 4
SCATTER = 1.5  # of the chains' first places, in the fast draws' widths: wider than the target, as R-hat asks
ACCEPT = 0.9  # aimed-at acceptance: the ridge between share, halfway and slope asks for small steps
SOFTENING = 1e-3  # added to the pilot's variances, the prior's being 1: no direction is taken as exactly known
R_HAT, ENOUGH = 1.01, 700.0  # chains go on until R-hat is below, and the bulk effective size at least this


class Length(NamedTuple):
    """How long chains run."""

    block: int  # draws of each chain between two looks at them; the first block is the warm-up
    blocks: int  # at most, after the warm-up
    deepest: int  # doublings of a trajectory


LONG = Length(150, 8, 8)
BRIEF = Length(100, 2, 5)


@dataclass(frozen=True)
class Chains:
    """All draws of all chains, and whether they may be believed."""

    places: Float[np.ndarray, "chain draw coordinate"]
    r_hat: float  # the worst over the coordinates
    bulk: float  # the smallest bulk effective sample size over the coordinates
    divergences: int


class Frame(NamedTuple):
    """The coordinates in which chains walk."""

    centre: Float[Array, " coordinate"]
    lower: Float[Array, "coordinate coordinate"]


def run_chains(
    pilot: Float[np.ndarray, "draw coordinate"], evidence: Evidence, seed: int, length: Length = LONG
) -> Chains:
    """Run `CHAINS` chains side by side until they agree, or for as long as they may.

    The pilot's covariance stays: what a chain alone learns of it in a warm-up is worse. Each chain finds a step in the
    warm-up, and then all take the median of these: one chain that was lost there does not stop the others.

    Args:
        pilot: Draws near the density's, many more than there are coordinates; they set the scale, not the answer.
        evidence: What the density looks at.
        seed: Of the chains.
        length: How long they run.
    """
    lower = np.linalg.cholesky(np.cov(pilot.T) + SOFTENING * np.eye(pilot.shape[1]))
    frame = Frame(pilot.mean(axis=0), lower)
    chance = np.random.SeedSequence([seed, 2]).generate_state(1)[0]
    blank = jax.eval_shape(lambda: _begun(_kernel(frame, evidence, length), chance, frame, length))
    state = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), blank)
    state = _walked(state, chance, frame, evidence, length)[0]
    blocks: list[Float[np.ndarray, "chain draw coordinate"]] = []
    diverging = 0
    while len(blocks) < length.blocks:
        state, white, diverged = _walked(state, chance, frame, evidence, length)
        blocks.append(frame.centre + np.asarray(white) @ lower.T)
        diverging += int(diverged.sum())
        places = np.concatenate(blocks, axis=1)
        r_hat, bulk = worst_r_hat(places), smallest_bulk(places)
        if r_hat < R_HAT and bulk >= ENOUGH:
            break
    return Chains(places, r_hat, bulk, diverging)


def _kernel(frame: Frame, evidence: Evidence, length: Length) -> NUTS:
    return NUTS(
        potential_fn=jax.jit(lambda white: -log_density(frame.centre + frame.lower @ white, evidence)),
        adapt_mass_matrix=False,
        target_accept_prob=ACCEPT,
        max_tree_depth=length.deepest,
    )


def _begun(kernel: NUTS, seed: Array, frame: Frame, length: Length) -> HMCState:
    """Chains before their first step."""
    key_place, key_run = jax.random.split(jax.random.PRNGKey(seed))
    places = SCATTER * jax.random.normal(key_place, (CHAINS, len(frame.centre)))
    keys = jax.random.split(key_run, CHAINS)
    begun: HMCState = jax.vmap(lambda key, place: kernel.init(key, length.block, place, (), {}))(keys, places)
    return begun


@quickly
def _walked(
    state: HMCState, seed: Array, frame: Frame, evidence: Evidence, length: Length
) -> tuple[HMCState, Float[Array, "chain draw coordinate"], Bool[Array, "draw chain"]]:
    """One block of draws in the frame's coordinates, and where a trajectory diverged; one program for any data.

    Before the first block the state is blank.
    """
    kernel = _kernel(frame, evidence, length)
    begun, fresh = _begun(kernel, seed, frame, length), state.i.max() == 0
    state = jax.tree.map(lambda one, other: jax.numpy.where(fresh, one, other), begun, state)

    def step(state: HMCState, _: None) -> tuple[HMCState, tuple[Array, Array]]:
        moved = jax.vmap(lambda one: kernel.sample(one, (), {}))(state)
        return moved, (moved.z, moved.diverging)

    state, (places, diverging) = jax.lax.scan(step, state, length=length.block)
    own = state.adapt_state
    stride = jax.numpy.median(own.step_size)
    state = state._replace(adapt_state=own._replace(step_size=jax.numpy.broadcast_to(stride, own.step_size.shape)))
    return state, places.swapaxes(0, 1), diverging


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
