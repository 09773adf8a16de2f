"""Two speeds, one answer: joint draws of the coordinates and what is known about how they were found."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.calibrate.fit import Speed
from engine.calibrate.importance import BATCH, laplace, propose, sample
from engine.calibrate.mode import Search, search, starts
from engine.calibrate.nuts import Chains, run_chains, thin
from engine.calibrate.problem import Problem
from engine.errors import UntrustworthyError

PROPOSALS = 8192  # of the last round, where one look at the density is cheap
FEWEST_PROPOSALS = 1024
CELLS = 50_000_000  # periods x geos x channels x proposals of the last round: a few seconds' work
STARTS = 16
LEAST_EFFECTIVE = 50.0  # effective proposals below which importance weights are worse than Laplace alone
PILOT = 1000  # fast draws that set the scale of the chains


@dataclass(frozen=True)
class Posterior:
    """Joint draws, equally weighted, and the traces of their making."""

    places: Float[np.ndarray, "draw coordinate"]
    search: Search
    effective: float  # effective number of proposals behind the fast draws
    pareto: float  # tail shape of the importance weights
    is_laplace: bool  # whether the weights were too poor and the draws are Laplace's alone
    chains: Chains | None  # of the minutes speed


def draw_posterior(problem: Problem, speed: Speed, seed: int, draws: int) -> Posterior:
    """Joint draws of the coordinates.

    Raises:
        UntrustworthyError: No start reached a finite density.
    """
    random_starts, random_draws = (np.random.default_rng(one) for one in np.random.SeedSequence(seed).spawn(2))
    evidence = problem.evidence
    found = search(evidence, starts(STARTS, 4 * len(problem.priors.share), random_starts))
    if not found.modes:
        raise UntrustworthyError(
            "no start of the search reached a finite density; run `peso check` on the data and look for extreme values"
        )
    proposals = _affordable(problem)
    wanted = draws if speed == "fast" else max(draws, PILOT)
    drawn = sample(found.modes, evidence, proposals, wanted, random_draws)
    effective = drawn.effective * proposals
    is_laplace = effective < LEAST_EFFECTIVE
    places = propose(laplace(found.modes), wanted, random_draws) if is_laplace else drawn.places
    chains = run_chains(places, evidence, seed) if speed == "nuts" else None
    if chains:
        places = thin(chains, draws)
    return Posterior(places, found, effective, drawn.pareto, is_laplace, chains)


def _affordable(problem: Problem) -> int:
    """Proposals in the last round: fewer where one look at the density is costly, in whole batches."""
    return BATCH * int(np.clip(CELLS // problem.panel.dose.size, FEWEST_PROPOSALS, PROPOSALS) // BATCH)
