"""The best places of the density: many starts, one compiled gradient, Newton's last digits, Laplace's widths."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import optimize

from engine.calibrate.density import Evidence, slope_at

START_SPREAD = 0.8  # of the starts around the prior's centre, in prior standard deviations
STEP = 1e-4  # of the central differences of the gradient
LEAST_CURVATURE = 0.5  # a mode's curvature is taken as at least this: no band much wider than the prior's
MOST_CURVATURE = 1e12  # and as at most this: no coordinate known better than to a millionth of its prior's spread
SAME = 0.1  # two places closer than this in every coordinate are one mode
NEAR = 8.0  # modes this much less plausible (log density) than the best are left out
MOST = 6  # modes kept
NEWTON_STEPS = 3
ITERATIONS = 300


@dataclass(frozen=True)
class Mode:
    """One local best place with the Gaussian that touches the density there."""

    place: Float[np.ndarray, " coordinate"]
    height: float  # log density
    covariance: Float[np.ndarray, "coordinate coordinate"]
    log_evidence: float  # Laplace's estimate of the log of its mass


@dataclass(frozen=True)
class Search:
    """What the starts found, the heaviest mode first."""

    modes: tuple[Mode, ...]
    heights: Float[np.ndarray, " start"]  # where each start ended


def starts(count: int, coordinates: int, random: np.random.Generator) -> Float[np.ndarray, "start coordinate"]:
    """The centre of the prior, then random places around it."""
    return np.concatenate([np.zeros((1, coordinates)), START_SPREAD * random.standard_normal((count - 1, coordinates))])


def climb(begin: Float[np.ndarray, " coordinate"], evidence: Evidence) -> tuple[np.ndarray, float]:
    """The local best place above a start, and its log density (-inf where the density is not finite)."""

    def downhill(place: np.ndarray) -> tuple[float, np.ndarray]:
        height, slope = slope_at(place, evidence)
        return -float(height), -np.asarray(slope)

    found = optimize.minimize(
        downhill, begin, jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS, "maxcor": 20, "ftol": 1e-11}
    )
    height = -float(found.fun)
    return found.x, height if np.isfinite(height) else -np.inf


def search(evidence: Evidence, begins: Float[np.ndarray, "start coordinate"]) -> Search:
    """Climb from every start and describe the distinct modes."""
    ends = [climb(begin, evidence) for begin in begins]
    heights = np.array([height for _, height in ends])
    kept: list[np.ndarray] = []
    for row in np.argsort(-heights, kind="stable"):
        place, height = ends[row]
        if not height > heights.max() - NEAR or len(kept) == MOST:
            break
        if all(np.abs(place - other).max() > SAME for other in kept):
            kept.append(place)
    modes = sorted((describe(place, evidence) for place in kept), key=lambda mode: -mode.log_evidence)
    return Search(modes=tuple(modes), heights=heights)


def describe(place: Float[np.ndarray, " coordinate"], evidence: Evidence) -> Mode:
    """The mode near a place, to the last digits, with Laplace's covariance and mass."""
    height = float(slope_at(place, evidence)[0])
    covariance, _ = _inverted(_curvature(place, evidence))
    for _ in range(NEWTON_STEPS):
        trial = place + covariance @ np.asarray(slope_at(place, evidence)[1])
        above = float(slope_at(trial, evidence)[0])
        if not above > height:
            break
        place, height = trial, above
    covariance, log_determinant = _inverted(_curvature(place, evidence))
    return Mode(place, height, covariance, log_evidence=height - 0.5 * log_determinant)


def _curvature(place: Float[np.ndarray, " coordinate"], evidence: Evidence) -> np.ndarray:
    """Minus the Hessian, by central differences of the compiled gradient: nothing more to compile."""
    steps = STEP * np.eye(len(place))
    rows = [
        np.asarray(slope_at(place - step, evidence)[1]) - np.asarray(slope_at(place + step, evidence)[1])
        for step in steps
    ]
    curvature = np.stack(rows) / (2 * STEP)
    return 0.5 * (curvature + curvature.T)


def _inverted(curvature: np.ndarray) -> tuple[np.ndarray, float]:
    """The covariance of a Gaussian of this curvature, kept within its bounds, and the log determinant of the latter."""
    values, vectors = np.linalg.eigh(curvature)
    kept = np.clip(values, LEAST_CURVATURE, MOST_CURVATURE)
    return (vectors / kept) @ vectors.T, float(np.log(kept).sum())
