"""The linear block: its closed form against brute force."""

import numpy as np
import pytest
from scipy import special

from engine.calibrate.baseline import Design
from engine.calibrate.chance import chance
from engine.calibrate.linear import draw_linear, linear_block, log_marginal, log_marginals

COLUMN = np.array([[1.0], [0.5], [-0.3], [2.0]])
SPREAD = np.array([2.0])
WEIGHT = np.array([1.0, 0.7])
BASELINE = Design(COLUMN, SPREAD, np.zeros(1, dtype=int))


def closed(outcome, noise):
    block = linear_block(outcome.reshape(2, 2), chance(WEIGHT, np.ones(2, bool)), BASELINE)
    return float(log_marginal(block.outcome, np.array(noise), block))


def brute(outcome, noise):
    """Log of the integral over the effect, on a fine grid."""
    effect = np.linspace(-14.0, 14.0, 40_001)
    joint = -0.5 * (effect / SPREAD[0]) ** 2 - np.log(SPREAD[0])
    for row in range(4):
        off = (outcome[row] - COLUMN[row, 0] * effect) * WEIGHT[row % 2] / noise
        joint = joint - np.log(noise) - 0.5 * off**2
    return special.logsumexp(joint)


@pytest.mark.parametrize("noise", [0.05, 0.4, 3.0])
def test_the_integrated_density_is_the_integral(noise):
    one, other = np.array([0.9, 0.6, -0.1, 2.2]), np.array([0.2, 1.0, 0.5, 0.3])
    assert closed(one, noise) - closed(other, 0.7) == pytest.approx(brute(one, noise) - brute(other, 0.7), abs=1e-6)


def test_more_columns_than_rows_and_columns_of_nothing_are_integrated_too():
    """Against the covariance sigma^2 I + Z S^2 Z' itself."""
    random = np.random.default_rng(3)
    columns = np.concatenate([random.normal(size=(10, 12)), np.zeros((10, 2)), np.ones((10, 2))], axis=1)
    baseline = Design(columns, random.uniform(0.1, 2.0, 16), np.zeros(16, dtype=int))
    outcome = random.normal(size=(10, 1))
    block = linear_block(outcome, chance(np.ones(1), np.ones(10, bool)), baseline)
    for noise in (0.03, 0.5):
        covariance = noise**2 * np.eye(10) + (columns * baseline.spread**2) @ columns.T
        quadratic = outcome[:, 0] @ np.linalg.solve(covariance, outcome[:, 0])
        exact = -0.5 * (quadratic + np.linalg.slogdet(covariance)[1])
        assert float(log_marginal(block.outcome, np.array(noise), block)) == pytest.approx(exact, rel=1e-7)
    shape = chance(np.ones(1), np.arange(10) < 8, 0.7, 2.0)
    block, levels = linear_block(outcome, shape, baseline), np.array([0.03, 0.5])
    each = [float(log_marginal(block.outcome, level, block)) for level in levels]
    assert log_marginals(outcome, levels, shape, baseline) == pytest.approx(each, rel=1e-9)


@pytest.fixture(scope="module")
def history():
    random = np.random.default_rng(5)
    columns = random.normal(size=(60, 3))
    outcome = columns @ [1.0, -0.5, 0.2] + 0.1 * random.normal(size=60)
    return outcome[:, None], Design(columns, np.array([1.0, 0.5, 0.1]), np.zeros(3, dtype=int))


def test_drawn_effects_are_the_ridge_solution_with_its_spread(history):
    """What the media explain is taken off first: here as much as half of the outcome."""
    outcome, baseline = history
    block = linear_block(outcome, chance(np.ones(1), np.ones(60, bool)), baseline)
    media = np.repeat(outcome[None] / 2, 20_000, axis=0)
    drawn = draw_linear(media, np.full(20_000, 0.3), block, baseline, np.random.default_rng(0))
    precision = baseline.columns.T @ baseline.columns / 0.3**2 + np.diag(baseline.spread**-2.0)
    ridge = np.linalg.solve(precision, baseline.columns.T @ outcome[:, 0] / 2 / 0.3**2)
    covariance = np.linalg.inv(precision)
    assert np.abs((drawn.mean(axis=0) - ridge) / np.sqrt(np.diag(covariance) / 20_000)).max() < 4
    assert np.allclose(np.cov(drawn.T) / covariance.max(), covariance / covariance.max(), atol=0.04)


def test_each_draw_has_its_own_noise(history):
    outcome, baseline = history
    block = linear_block(outcome, chance(np.ones(1), np.ones(60, bool)), baseline)
    noise = np.repeat([0.01, 1000.0], 4000)
    drawn = draw_linear(np.zeros((8000, 60, 1)), noise, block, baseline, np.random.default_rng(1))
    assert np.allclose(drawn[4000:].std(axis=0), baseline.spread, rtol=0.05)  # so much noise leaves the prior
    assert drawn[:4000].std(axis=0).max() < 0.003


def test_held_out_rows_have_no_say(history):
    outcome, baseline = history
    seen = np.arange(60) < 40
    changed = np.where(seen[:, None], outcome, 1e6)
    shape = chance(np.ones(1), seen, 0.8, 2.0)
    one, other = linear_block(outcome, shape, baseline), linear_block(changed, shape, baseline)
    assert np.array_equal(one.outcome, other.outcome) and float(one.rows) == 40
    short = Design(baseline.columns[:40], baseline.spread, baseline.component)
    alone = linear_block(outcome[:40], chance(np.ones(1), seen[:40], 0.8, 2.0), short)
    noise = np.array(0.2)
    assert float(log_marginal(one.outcome, noise, one)) == pytest.approx(
        float(log_marginal(alone.outcome, noise, alone))
    )
