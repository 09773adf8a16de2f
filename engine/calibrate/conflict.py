"""Whether an experiment agrees with what all other evidence would have said of it.

The search is done again without the test. Weighing the draws of the whole posterior by one over the test's likelihood
would be cheaper, but it is wrong just where it matters: a test that is strong or far off leaves no draw that speaks
for the rest alone.
"""

from dataclasses import dataclass

import equinox as eqx
import numpy as np
from jaxtyping import Float

from engine.calibrate.density import Evidence, contributions, one_draw, place_parameters, predicted
from engine.calibrate.importance import Effort
from engine.calibrate.mode import climb, describe
from engine.calibrate.posterior import joint_draws
from engine.double import jax

EFFORT = Effort(proposals=512, rounds=12)
DRAWS = 100  # that tell what the rest expects of a test


@dataclass(frozen=True)
class Agreement:
    """One experiment beside the rest of the evidence, in its own standard errors."""

    name: str
    found: float  # what the test found
    expected: float  # what history and the other tests expect of it
    spread: float  # of that expectation
    effective: float  # proposals behind it; where they are too few it is Laplace's

    @property
    def distance(self) -> float:
        """Standard deviations between test and expectation."""
        return (self.found - self.expected) / float(np.hypot(1.0, self.spread))


def agreements(
    names: tuple[str, ...], evidence: Evidence, best: Float[np.ndarray, " coordinate"], random: np.random.Generator
) -> tuple[Agreement, ...]:
    """Every experiment beside a fit without it.

    Args:
        names: Of the experiments.
        evidence: Of everything.
        best: The best place under it, where each search begins.
        random: Where chance comes from.
    """
    return tuple(_agreement(name, at, evidence, best, random) for at, name in enumerate(names))


def _agreement(
    name: str, at: int, evidence: Evidence, best: Float[np.ndarray, " coordinate"], random: np.random.Generator
) -> Agreement:
    rest = without(evidence, at)
    ends = [climb(begin, rest) for begin in (np.zeros_like(best), best)]
    mode = describe(max(ends, key=lambda end: end[1])[0], rest)
    joint = joint_draws((mode,), rest, EFFORT, DRAWS, random)
    bare: Evidence = jax.tree.map(np.asarray, evidence)
    expected = np.array([_expected(place, bare)[at] for place in joint.places])
    return Agreement(name, float(bare.tests.found[at]), float(expected.mean()), float(expected.std()), joint.effective)


def without(evidence: Evidence, at: int) -> Evidence:
    """The same evidence with one test unheard; every array keeps its shape, so nothing compiles again."""
    heard = np.arange(len(evidence.tests.found)) != at
    owner, found = np.asarray(evidence.tests.owner), np.asarray(evidence.tests.found)
    silent = jax.device_put(evidence.tests._replace(owner=owner * heard[:, None], found=found * heard))
    changed: Evidence = eqx.tree_at(lambda one: one.tests, evidence, silent)
    return changed


def _expected(place: Float[np.ndarray, " coordinate"], evidence: Evidence) -> Float[np.ndarray, " test"]:
    parameters = one_draw(place_parameters(place[None], evidence), 0)
    _, ceiling = contributions(parameters, evidence)
    found: Float[np.ndarray, " test"] = predicted(parameters, ceiling, evidence)
    return found
