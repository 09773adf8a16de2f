"""From modes to joint draws: heavy-tailed proposals that learn, then weights with their own diagnosis.

Rounds of proposals from a mixture of Student-t distributions start at Laplace's approximation; each round
moves towards the weighted mean and covariance of the one before (adaptive importance sampling, Cappe et
al. 2008). All rounds but the learning ones are kept; their weights are Pareto-smoothed together (Vehtari et
al. 2024, Pareto smoothed importance sampling), which also says whether they can be trusted.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import special

from engine.calibrate.density import Evidence, densities_at
from engine.calibrate.mode import Mode

TAIL = 25.0  # degrees of freedom of the proposals
BATCH = 256  # proposals evaluated at once
LEARNING = 4  # rounds that only learn
ENOUGH = 500.0  # effective proposals, after which no more are made where the tail of their weights is light
LIGHT = 0.7  # tail shape of weights that can be trusted (Vehtari et al. 2024)
TEMPER_TO = 0.10  # share of effective draws to which a learning round's weights are flattened
ROOM = 1.05  # the learned covariance is widened by this: too narrow a proposal is the costlier error


@dataclass(frozen=True)
class Proposal:
    """A mixture of Student-t distributions."""

    log_weight: Float[np.ndarray, " part"]
    centre: Float[np.ndarray, "part coordinate"]
    lower: Float[np.ndarray, "part coordinate coordinate"]  # Cholesky factors of the shapes


@dataclass(frozen=True)
class Draws:
    """Joint draws of the coordinates, equally weighted."""

    places: Float[np.ndarray, "draw coordinate"]
    effective: float  # number of proposals that the weights leave effective
    pareto: float  # tail shape of the weights; above 0.7 they are not to be trusted


class Effort(NamedTuple):
    """How much work sampling may be."""

    proposals: int  # of a round
    rounds: int  # at most


def laplace(modes: tuple[Mode, ...]) -> Proposal:
    """The mixture that touches the density at its modes."""
    mass = np.array([mode.log_evidence for mode in modes])
    return Proposal(
        log_weight=mass - special.logsumexp(mass),
        centre=np.stack([mode.place for mode in modes]),
        lower=np.linalg.cholesky(np.stack([mode.covariance for mode in modes])),
    )


def propose(proposal: Proposal, count: int, random: np.random.Generator) -> Float[np.ndarray, "draw coordinate"]:
    """Draw from the mixture."""
    part = random.choice(len(proposal.centre), size=count, p=np.exp(proposal.log_weight))
    normal = random.standard_normal((count, proposal.centre.shape[1]))
    heavy = np.sqrt(TAIL / random.chisquare(TAIL, size=count))
    return proposal.centre[part] + heavy[:, None] * np.einsum("nij,nj->ni", proposal.lower[part], normal)


def log_proposal(proposal: Proposal, places: Float[np.ndarray, "draw coordinate"]) -> Float[np.ndarray, " draw"]:
    """Log density of the mixture."""
    size = places.shape[1]
    constant = special.gammaln((TAIL + size) / 2) - special.gammaln(TAIL / 2) - 0.5 * size * np.log(TAIL * np.pi)
    parts = []
    for weight, centre, lower in zip(proposal.log_weight, proposal.centre, proposal.lower, strict=True):
        whitened = np.linalg.solve(lower, (places - centre).T)
        stretch = -0.5 * (TAIL + size) * np.log1p((whitened**2).sum(axis=0) / TAIL)
        parts.append(weight + constant - np.log(np.diag(lower)).sum() + stretch)
    together: Float[np.ndarray, " draw"] = special.logsumexp(np.stack(parts), axis=0)
    return together


def heights(places: Float[np.ndarray, "draw coordinate"], evidence: Evidence) -> Float[np.ndarray, " draw"]:
    """Log density at many places, `BATCH` at a time; -inf where it is not finite."""
    missing = -len(places) % BATCH
    padded = np.concatenate([places, np.repeat(places[-1:], missing, axis=0)])
    parts = [np.asarray(densities_at(padded[row : row + BATCH], evidence)) for row in range(0, len(padded), BATCH)]
    found = np.concatenate(parts)[: len(places)]
    return np.where(np.isfinite(found), found, -np.inf)


def sample(
    modes: tuple[Mode, ...], evidence: Evidence, effort: Effort, draws: int, random: np.random.Generator
) -> Draws:
    """Joint draws of the posterior around its modes.

    After `LEARNING` rounds all proposals are kept: each round's weights sum to one, and rounds count by their
    effective sizes. Rounds go on until those add up to `ENOUGH` and the largest weights are no outliers.

    Args:
        modes: The distinct modes; their mixture is the first proposal.
        evidence: What the density looks at.
        effort: How many proposals and rounds may be made.
        draws: Number of draws to hand back.
        random: Where chance comes from.
    """
    proposal = laplace(modes)
    kept, ratios, sizes = [], [], []
    for number in range(effort.rounds):
        places = propose(proposal, effort.proposals, random)
        ratio = heights(places, evidence) - log_proposal(proposal, places)
        if number >= LEARNING:
            kept.append(places)
            ratios.append(ratio - special.logsumexp(ratio))
            sizes.append(effective(special.softmax(ratio)) * effort.proposals)
            weights, pareto = smooth(
                np.concatenate([one + np.log(size) for one, size in zip(ratios, sizes, strict=True)])
            )
            if sum(sizes) >= ENOUGH and pareto <= LIGHT:
                break
        proposal = learn(proposal, places, ratio)
    chosen = _stratified(weights, draws, random)
    return Draws(np.concatenate(kept)[chosen], effective(weights) * len(weights), pareto)


def learn(
    proposal: Proposal, places: Float[np.ndarray, "draw coordinate"], ratios: Float[np.ndarray, " draw"]
) -> Proposal:
    """A proposal nearer to the density: each part moves to the weighted moments of the places it owns."""
    weights = _tempered(ratios)
    owner = _ownership(proposal, places) * weights[:, None]
    mass = owner.sum(axis=0)
    dimension = places.shape[1]
    centre, lower = proposal.centre.copy(), proposal.lower.copy()
    for part in range(len(mass)):
        share = owner[:, part] / max(mass[part], 1e-300)
        known = 1.0 / max((share**2).sum(), 1e-300)  # effective places behind the moments
        trust = known / (known + 4.0 * dimension)
        mean = share @ places
        spread = (places - mean).T @ ((places - mean) * share[:, None])
        before = lower[part] @ lower[part].T
        centre[part] = (1 - trust) * centre[part] + trust * mean
        shape = ROOM * (TAIL - 2) / TAIL
        lower[part] = np.linalg.cholesky((1 - trust) * before + trust * shape * spread + 1e-9 * np.eye(dimension))
    log_weight = np.log(np.maximum(mass, 1e-6))
    return Proposal(log_weight=log_weight - special.logsumexp(log_weight), centre=centre, lower=lower)


def _ownership(proposal: Proposal, places: np.ndarray) -> Float[np.ndarray, "draw part"]:
    parts = [
        log_proposal(Proposal(np.zeros(1), proposal.centre[i : i + 1], proposal.lower[i : i + 1]), places)
        + proposal.log_weight[i]
        for i in range(len(proposal.centre))
    ]
    owned: np.ndarray = special.softmax(np.stack(parts, axis=1), axis=1)
    return owned


def _tempered(ratios: Float[np.ndarray, " draw"]) -> Float[np.ndarray, " draw"]:
    """Weights flattened just enough that a tenth of the places stays effective."""
    power = 1.0
    weights: np.ndarray = special.softmax(power * ratios)
    while effective(weights) < TEMPER_TO and power > 1e-3:
        power *= 0.8
        weights = special.softmax(power * ratios)
    return weights


def effective(weights: Float[np.ndarray, " draw"]) -> float:
    """Kish's effective share of weighted draws.

    >>> effective(np.array([1.0, 1.0, 0.0, 0.0]))
    0.5
    """
    return float(weights.sum() ** 2 / (weights**2).sum() / len(weights))


def smooth(ratios: Float[np.ndarray, " draw"]) -> tuple[Float[np.ndarray, " draw"], float]:
    """Pareto-smoothed weights that sum to one, and the tail's shape.

    The largest weights are replaced by the expected order statistics of the generalised Pareto
    distribution fitted to them by Zhang and Stephens (2009).
    """
    weights: np.ndarray = special.softmax(ratios)
    tail = int(min(0.2 * len(weights), 3 * np.sqrt(len(weights))))
    order = np.argsort(weights, kind="stable")
    cut = weights[order[-tail - 1]]
    largest = order[-tail:]
    excess = weights[largest] - cut
    if not excess[-1] > 0 or not excess[0] > 0:
        return weights, 0.0
    shape, spread = _pareto(excess)
    level = (np.arange(tail) + 0.5) / tail
    quantile = spread * np.expm1(-shape * np.log1p(-level)) / shape if abs(shape) > 1e-9 else -spread * np.log1p(-level)
    smoothed = weights.copy()
    smoothed[largest] = np.minimum(cut + quantile, weights.max())
    return smoothed / smoothed.sum(), float(shape)


def _pareto(excess: Float[np.ndarray, " tail"]) -> tuple[float, float]:
    """Shape and scale of a generalised Pareto distribution: the posterior mean of Zhang and Stephens."""
    count = len(excess)
    trials = 30 + int(np.sqrt(count))
    quarter = excess[int(count / 4 + 0.5) - 1]
    grid = 1 - np.sqrt(trials / (np.arange(1, trials + 1) - 0.5))
    grid = grid / (3 * quarter) + 1 / excess[-1]
    shapes = np.log1p(-grid[:, None] * excess).mean(axis=1)
    fits = count * (np.log(-grid / shapes) - shapes - 1)
    weights: np.ndarray = special.softmax(fits)
    best = float(weights @ grid)
    shape = float(np.log1p(-best * excess).mean())
    return (count * shape + 5.0) / (count + 10.0), -shape / best


def _stratified(weights: np.ndarray, draws: int, random: np.random.Generator) -> np.ndarray:
    """Rows chosen in proportion to their weights with the least added chance, in random order."""
    points = (np.arange(draws) + random.uniform(size=draws)) / draws
    rows = np.searchsorted(np.cumsum(weights), points * weights.sum())
    chosen: np.ndarray = random.permutation(np.minimum(rows, len(weights) - 1))
    return chosen
