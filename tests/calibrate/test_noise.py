"""Which noise a history shows: the shape that made it, and the most plausible one by the exact covariance."""

import numpy as np
import pytest
from scipy.linalg import toeplitz

from engine.calibrate.baseline import Design
from engine.calibrate.chance import slow_spread
from engine.calibrate.noise import KEEP, SLOW, scan

LEVEL = 0.05  # spread of the white noise
ROWS = 156


def only_a_level(geos: int) -> Design:
    """A baseline of one constant."""
    return Design(np.ones((ROWS * geos, 1)), np.array([3.0]), np.zeros(1, dtype=int))


def noisy(keep: float, slow: float, shared: float, geos: int, seed: int) -> np.ndarray:
    """A level with noise of `slow` times the white variance, `shared` times a geo's variance common to all."""
    random = np.random.default_rng(seed)
    covariance = np.eye(ROWS) + slow * toeplitz(keep ** np.arange(float(ROWS)))
    own = random.standard_normal((ROWS, geos)) + np.sqrt(shared) * random.standard_normal((ROWS, 1))
    return 1 + LEVEL * np.linalg.cholesky(covariance) @ own


@pytest.mark.parametrize("seed", range(4))
def test_white_noise_is_seen_as_white(seed):
    shape, noise = scan(noisy(0.0, 0.0, 0.0, 1, seed), np.ones(1), only_a_level(1))
    assert noise == pytest.approx(LEVEL, rel=0.25)
    assert slow_spread(shape) < 0.5


@pytest.mark.parametrize("seed", range(4))
def test_a_slow_part_is_seen_with_its_size(seed):
    shape, noise = scan(noisy(0.9, 10.0, 0.0, 1, seed), np.ones(1), only_a_level(1))
    assert 0.7 <= float(shape.keep) <= 0.98
    assert slow_spread(shape) * noise == pytest.approx(LEVEL * np.sqrt(10), rel=0.6)
    assert float(shape.shared) == 0


@pytest.mark.parametrize("shared", [0.0, 1.0, 10.0])
def test_what_all_geos_share_is_seen(shared):
    """The factor 1 - 1 / sqrt(1 + tau) of four geos, within a step of its grid."""
    shape, noise = scan(noisy(0.0, 0.0, shared, 4, 5), np.ones(4), only_a_level(4))
    tau = (1 - float(shape.shared)) ** -2 - 1
    assert 4 * shared / 3.5 <= tau + 0.13 and tau <= max(0.13, 4 * shared * 3.5)
    assert noise == pytest.approx(LEVEL, rel=0.25)


@pytest.mark.parametrize("slow", [0.3, 3.0])
def test_the_shape_is_the_most_plausible_one_by_the_exact_covariance(slow):
    """The filter's likelihood errs by its first periods, so its best may be second best by so much."""
    rows = noisy(0.8, slow, 0.0, 1, 7)
    found, _ = scan(rows, np.ones(1), only_a_level(1))

    def height(keep: float, part: float) -> float:
        """Log likelihood at the best spread, the level known."""
        covariance = np.eye(ROWS) + part * toeplitz(keep ** np.arange(float(ROWS)))
        mean = np.linalg.solve(covariance, np.ones(ROWS))
        left = rows[:, 0] - mean @ rows[:, 0] / mean.sum()
        quadratic = left @ np.linalg.solve(covariance, left)
        return -0.5 * ROWS * np.log(quadratic) - 0.5 * np.linalg.slogdet(covariance)[1] - 0.5 * np.log(mean.sum())

    heights = {(keep, part): height(keep, part) for keep in KEEP for part in SLOW}
    chosen = min(heights, key=lambda one: abs(one[0] - float(found.keep)) + abs(_echo(*one) - float(found.echo)))
    assert heights[chosen] > max(heights.values()) - 1.0


def _echo(keep: float, slow: float) -> float:
    """The root below one of psi / (1 + psi^2) = -rho: the first two autocovariances of the differenced noise."""
    zero, one = slow * (1 - keep**2) + 1 + keep**2, -keep
    return float(min(np.roots([one, zero, one]).real, key=abs))
