"""Joint draws of the coordinates at either speed, and what is known about how they were found.

Both speeds look at one density. Where importance weights are too poor the fast draws are Laplace's approximation,
which is another answer: `Joint.is_laplace` says so, and the check on convergence tells it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.calibrate.density import Evidence
from engine.calibrate.fit import Speed
from engine.calibrate.importance import BATCH, Effort, laplace, propose, sample
from engine.calibrate.mode import Mode, Search, search, starts
from engine.calibrate.nuts import Chains, run_chains, thin
from engine.calibrate.problem import Problem
from engine.errors import UntrustworthyError

PROPOSALS, FEWEST_PROPOSALS = 2048, 512  # of a round, where one look at the density is cheap and where it is not
CELLS = 20_000_000  # periods x geos x channels x proposals of a round
ROUNDS, FEWEST_ROUNDS = 20, 8
ALL_CELLS = 100_000_000  # of all rounds: ten seconds' work
STARTS = 6
LEAST_EFFECTIVE = 50.0  # effective proposals below which importance weights are worse than Laplace alone
PILOT = 1000  # fast draws that set the scale of the chains
KNOWN = 4.0  # effective proposals a coordinate that weigh as much as Laplace's covariance in that scale


@dataclass(frozen=True)
class Joint:
    """Joint draws around modes, equally weighted."""

    places: Float[np.ndarray, "draw coordinate"]
    effective: float  # proposals that the importance weights leave effective
    pareto: float  # tail shape of the weights
    is_laplace: bool  # whether the weights were too poor and the draws are Laplace's alone


@dataclass(frozen=True)
class Posterior:
    """Joint draws, equally weighted, and the traces of their making."""

    places: Float[np.ndarray, "draw coordinate"]
    search: Search
    effective: float  # effective number of proposals behind the fast draws
    pareto: float  # tail shape of the importance weights
    is_laplace: bool  # whether the weights were too poor and the fast draws are Laplace's alone
    chains: Chains | None  # of the minutes speed, whose draws `places` then are


def draw_posterior(problem: Problem, speed: Speed, seed: int, draws: int) -> Posterior:
    """Joint draws of the coordinates.

    Raises:
        UntrustworthyError: No start reached a finite density.
    """
    random_starts, random_draws = (np.random.default_rng(one) for one in np.random.SeedSequence(seed).spawn(2))
    evidence = problem.evidence
    begins = starts(STARTS, len(problem.hint), random_starts)
    begins[1] = problem.hint
    found = search(evidence, begins)
    if not found.modes:
        raise UntrustworthyError(
            "no start of the search reached a finite density; run `peso check` on the data and look for extreme values"
        )
    wanted = draws if speed == "fast" else max(draws, PILOT)
    fast = joint_draws(found.modes, evidence, _affordable(problem), wanted, random_draws)
    chains = run_chains(_pilot(found.modes, fast, random_draws), evidence, seed) if speed == "nuts" else None
    places = thin(chains, draws) if chains else fast.places
    return Posterior(places, found, fast.effective, fast.pareto, fast.is_laplace, chains)


def joint_draws(
    modes: tuple[Mode, ...], evidence: Evidence, effort: Effort, draws: int, random: np.random.Generator
) -> Joint:
    """Draws around modes by importance, or by Laplace alone where fewer than `LEAST_EFFECTIVE` proposals are effective.

    Args:
        modes: The distinct modes.
        evidence: What the density looks at.
        effort: How many proposals and rounds may be made.
        draws: Number of draws.
        random: Where chance comes from.
    """
    drawn = sample(modes, evidence, effort, draws, random)
    is_laplace = drawn.effective < LEAST_EFFECTIVE
    places = propose(laplace(modes), draws, random) if is_laplace else drawn.places
    return Joint(places, drawn.effective, drawn.pareto, is_laplace)


def _pilot(modes: tuple[Mode, ...], fast: Joint, random: np.random.Generator) -> Float[np.ndarray, "place coordinate"]:
    """Fast draws with Laplace's beside them, the more of these the fewer proposals are behind the fast ones.

    A covariance of as many effective draws as coordinates takes some directions for nearly known, and chains crawl
    along them: in 62 coordinates 13 times as many gradients as with Laplace's beside it.
    """
    places = fast.places[:PILOT]
    beside = round(places.size * KNOWN / max(fast.effective, LEAST_EFFECTIVE))
    return np.concatenate([places, propose(laplace(modes), beside, random)])


def _affordable(problem: Problem) -> Effort:
    """Fewer proposals where one look at the density is costly, in whole batches."""
    size = problem.panel.dose.size
    proposals = BATCH * int(np.clip(CELLS // size, FEWEST_PROPOSALS, PROPOSALS) // BATCH)
    return Effort(proposals, int(np.clip(ALL_CELLS // (size * proposals), FEWEST_ROUNDS, ROUNDS)))
