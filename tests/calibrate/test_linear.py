"""The linear block: its closed form against brute force."""

import numpy as np
import pytest
from scipy import special

from engine.calibrate.baseline import Design
from engine.calibrate.linear import draw_linear, linear_block
from engine.calibrate.priors import NOISE_SCALE, NOISE_SHAPE

COLUMN = np.array([[1.0], [0.5], [-0.3], [2.0]])
SPREAD = np.array([2.0])
WEIGHT = np.array([1.0, 0.7, 1.3, 1.0])
BASELINE = Design(COLUMN, SPREAD, np.zeros(1, dtype=int))


def closed(outcome):
    block = linear_block(outcome, WEIGHT, BASELINE)
    reduced = block.projector @ block.outcome
    left = block.outcome @ block.outcome - reduced @ reduced
    return -block.shape * np.log(block.scale + 0.5 * left)


def brute(outcome):
    """Log of the integral over the effect and the noise, on a fine grid."""
    noise = np.exp(np.linspace(np.log(0.005), np.log(8.0), 600))[:, None]
    effect = np.linspace(-12.0, 12.0, 6001)[None, :]
    joint = -(2 * NOISE_SHAPE) * np.log(noise) - NOISE_SCALE / noise**2  # inverse gamma of the variance, by log noise
    joint = joint - np.log(noise) - 0.5 * (effect / noise / SPREAD[0]) ** 2
    for row in range(4):
        off = (outcome[row] - COLUMN[row, 0] * effect) * WEIGHT[row] / noise
        joint = joint - np.log(noise) - 0.5 * off**2
    return special.logsumexp(joint)


def test_the_integrated_density_is_the_integral():
    one, other = np.array([0.9, 0.6, -0.1, 2.2]), np.array([0.2, 1.0, 0.5, 0.3])
    assert closed(one) - closed(other) == pytest.approx(brute(one) - brute(other), abs=1e-6)


@pytest.fixture(scope="module")
def problem():
    random = np.random.default_rng(5)
    columns = random.normal(size=(60, 3))
    outcome = columns @ [1.0, -0.5, 0.2] + 0.1 * random.normal(size=60)
    return outcome, Design(columns, np.array([10.0, 5.0, 1.0]), np.zeros(3, dtype=int))


def test_drawn_effects_are_the_ridge_solution_with_its_spread(problem):
    outcome, baseline = problem
    block = linear_block(outcome, np.ones(60), baseline)
    drawn = draw_linear(np.zeros((20_000, 60)), block, baseline, np.random.default_rng(0))
    precision = baseline.columns.T @ baseline.columns + np.diag(baseline.spread**-2.0)
    ridge = np.linalg.solve(precision, baseline.columns.T @ outcome)
    assert np.allclose(drawn.effect.mean(axis=0), ridge, atol=4e-4)
    variance = (drawn.noise**2).mean()
    assert np.allclose(np.cov(drawn.effect.T), np.linalg.inv(precision) * variance, atol=2e-5)
    left = outcome @ outcome - outcome @ baseline.columns @ ridge
    exact = (NOISE_SCALE + left / 2) / (NOISE_SHAPE + 30 - 1)  # mean of the inverse gamma
    assert variance == pytest.approx(exact, rel=0.01)


def test_held_out_rows_have_no_say(problem):
    outcome, baseline = problem
    weight = np.r_[np.ones(40), np.zeros(20)]
    changed = np.r_[outcome[:40], 1e6 * np.ones(20)]
    one, other = linear_block(outcome, weight, baseline), linear_block(changed, weight, baseline)
    for a, b in zip(one, other, strict=True):
        assert np.array_equal(a, b)
    assert float(one.shape) == NOISE_SHAPE + 20
    short = Design(baseline.columns[:40], baseline.spread, baseline.component)
    assert np.allclose(one.projector[:, :40], linear_block(outcome[:40], np.ones(40), short).projector)
