"""Which noise a history shows: the shape that made it, and the most plausible one by the exact covariance."""

import numpy as np
import pytest
from scipy.linalg import toeplitz

from engine.calibrate.baseline import Design
from engine.calibrate.noise import KEEP, SLOW, Noise, scan

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


def found(rows: np.ndarray, weeks: float = 1.0) -> Noise:
    """What `scan` says of weekly rows whose baseline is a level."""
    geos = rows.shape[1]
    return scan(rows, np.ones(geos), only_a_level(geos), weeks)


def test_white_noise_is_seen_as_white():
    """The best of 36 slow shapes would hold .36 of the noise's spread in every second white history."""
    slow = [found(noisy(0.0, 0.0, 0.0, 1, seed)).slow / LEVEL for seed in range(12)]
    assert np.mean(slow) < 0.2 and np.median(slow) < 0.12


@pytest.mark.parametrize("scale", [1.0, 60.0])
def test_a_slow_part_is_seen_with_its_size(scale):
    """However large beside the mean outcome."""
    rows = [1 + scale * (noisy(0.9, 10.0, 0.0, 1, seed) - 1) for seed in range(6)]
    sizes = [found(one).slow / scale for one in rows]
    assert np.mean(sizes) == pytest.approx(LEVEL * np.sqrt(10), rel=0.25)
    shape = found(rows[0]).shape
    assert 0.7 <= float(shape.keep) <= 0.98 and float(shape.shared) == 0


def test_days_remember_as_their_weeks_do():
    """What keeps .9 a week keeps .985 a day: the same shapes are tried, whatever the period."""
    rows = noisy(0.9 ** (1 / 7), 10.0, 0.0, 1, 3)
    assert 0.5 ** (1 / 7) < float(found(rows, 1 / 7).shape.keep) <= 0.98 ** (1 / 7)


@pytest.mark.parametrize("shared", [0.0, 1.0, 10.0])
def test_what_all_geos_share_is_seen(shared):
    """The factor 1 - 1 / sqrt(1 + tau) of four geos, within a step of its grid."""
    tau = (1 - float(found(noisy(0.0, 0.0, shared, 4, 5)).shape.shared)) ** -2 - 1
    assert 4 * shared / 3.5 <= tau + 0.13 and tau <= max(0.13, 4 * shared * 3.5)


@pytest.mark.parametrize("slow", [0.3, 3.0])
def test_the_shape_is_the_most_plausible_one_by_the_exact_covariance(slow):
    """The filter's likelihood errs by its first periods, so its best may be second best by so much."""
    rows = noisy(0.8, slow, 0.0, 1, 7)
    shape = found(rows).shape

    def height(keep: float, part: float) -> float:
        """Log likelihood at the best spread, the level known."""
        covariance = np.eye(ROWS) + part * toeplitz(keep ** np.arange(float(ROWS)))
        mean = np.linalg.solve(covariance, np.ones(ROWS))
        left = rows[:, 0] - mean @ rows[:, 0] / mean.sum()
        quadratic = left @ np.linalg.solve(covariance, left)
        return -0.5 * ROWS * np.log(quadratic) - 0.5 * np.linalg.slogdet(covariance)[1] - 0.5 * np.log(mean.sum())

    heights = {(keep, part): height(keep, part) for keep in KEEP for part in SLOW}
    chosen = min(heights, key=lambda one: abs(one[0] - float(shape.keep)) + abs(_echo(*one) - float(shape.echo)))
    assert heights[chosen] > max(heights.values()) - 1.0


def _echo(keep: float, slow: float) -> float:
    """The root below one of psi / (1 + psi^2) = -rho: the first two autocovariances of the differenced noise."""
    zero, one = slow * (1 - keep**2) + 1 + keep**2, -keep
    return float(min(np.roots([one, zero, one]).real, key=abs))
