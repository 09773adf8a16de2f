"""What calibration believes before it sees an outcome, drawn: the only file here that knows the engine's inside.

Simulation-based calibration needs joint draws of everything the outcome is made of: curves, baseline and noise.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.calibrate.baseline import COMPONENTS
from engine.calibrate.density import one_draw, place_parameters, ties
from engine.calibrate.money import to_curves
from engine.calibrate.problem import Problem, explain, prepare
from engine.config.model import Model
from engine.data.dataset import Dataset
from engine.response.curves import Curves

SPARE = 60  # places tried for each that is kept


@dataclass(frozen=True)
class Beliefs:
    """Joint draws from the prior; row d of every part belongs together."""

    curves: Curves  # in the money of the frame, whose mean outcome is the scale of the prior
    base: Float[np.ndarray, "draw period"]  # all but level, marketing and noise [mean outcome]
    noise: Float[np.ndarray, " draw"]  # standard deviation [mean outcome]


def drawn_beliefs(frame: Dataset, model: Model, count: int, seed: int) -> Beliefs:
    """Joint draws from calibration's prior for these periods and this spend.

    Args:
        frame: Its spend and its mean outcome are looked at, not the course of its outcome.
        model: The baseline and the channels.
        count: Draws.
        seed: Of the draws.
    """
    random = np.random.default_rng(seed)
    problem = prepare(frame, model)
    places = random.standard_normal((SPARE * count, len(problem.hint)))
    parameters, ceiling = place_parameters(places, problem.evidence), explain(problem, places).ceiling
    tied = [
        float(ties(one_draw(parameters, draw), ceiling[draw], problem.evidence)) for draw in range(len(places))
    ]  # at most 0, where all channels return the same and leave room for a baseline
    kept = places[random.uniform(size=len(places)) < np.exp(tied)][:count]
    if len(kept) < count:
        raise ValueError(f"{len(kept)} of {len(places)} places were kept and {count} are needed; raise SPARE")
    curves = to_curves(frame, problem, explain(problem, kept)).curves
    noise = place_parameters(kept, problem.evidence).noise
    return Beliefs(curves, _base(problem, count, random), noise)


def _base(problem: Problem, count: int, random: np.random.Generator) -> Float[np.ndarray, "draw period"]:
    """Trend and season; the level follows from the mean outcome and has next to no prior."""
    design = problem.baseline
    moving = design.component != COMPONENTS.index("level")
    effect = random.standard_normal((count, int(moving.sum()))) * design.spread[moving]
    return effect @ design.columns[:, moving].T
