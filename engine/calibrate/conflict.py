"""Whether an experiment agrees with what the history alone would have said of it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.calibrate.density import Evidence, one_draw, predicted
from engine.calibrate.importance import effective, smooth
from engine.calibrate.problem import Media

LEAST_EFFECTIVE = 20.0  # draws that must speak for the history without the test


@dataclass(frozen=True)
class Agreement:
    """One experiment beside the rest of the evidence, in its own standard errors."""

    name: str
    found: float  # what the test found
    expected: float  # what history and the other tests expect of it
    spread: float  # of that expectation
    known: bool  # whether enough draws speak for it: a test that outweighs all else has nothing to be compared with

    @property
    def distance(self) -> float:
        """Standard deviations between test and expectation."""
        return (self.found - self.expected) / float(np.hypot(1.0, self.spread))


def agreements(names: tuple[str, ...], evidence: Evidence, media: Media) -> tuple[Agreement, ...]:
    """Every experiment against the posterior without it: draws are weighed by one over the test's likelihood."""
    draws = len(media.rows)
    expected = np.stack(
        [predicted(one_draw(media.parameters, draw), media.ceiling[draw], evidence) for draw in range(draws)]
    )
    return tuple(_one(name, expected[:, at], float(evidence.tests.found[at])) for at, name in enumerate(names))


def _one(name: str, expected: Float[np.ndarray, " draw"], found: float) -> Agreement:
    weights, _ = smooth(0.5 * (found - expected) ** 2)
    mean = float(weights @ expected)
    spread = float(np.sqrt(weights @ (expected - mean) ** 2))
    return Agreement(name, found, mean, spread, effective(weights) * len(weights) >= LEAST_EFFECTIVE)
