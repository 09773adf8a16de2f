"""The truth against plain runs of the world, one by one."""

import jax.numpy as jnp
import numpy as np
import pytest

from engine.config.loading import build
from engine.config.market import Market
from engine.simulate.journey import run
from engine.simulate.truth import HORIZON, truth
from engine.simulate.world import build_world

WEEKS = 30


@pytest.fixture(scope="module")
def world(small):
    return build_world(build(small(), Market, "small"), seed=1)


@pytest.fixture(scope="module")
def spend():
    plan = np.random.default_rng(5).uniform(0, 3_000, (WEEKS, 7))
    plan[:, 4] = 0
    return plan


@pytest.fixture(scope="module")
def known(world, spend):
    return truth(world, spend)


def total(world, plan, state=None):
    return float(run(world, jnp.asarray(plan), state).revenue.sum())


def test_incremental_revenue_is_a_run_less_the_run_without_the_channel(world, spend, known):
    assert known.revenue == pytest.approx(total(world, spend), rel=1e-12)
    assert known.baseline == pytest.approx(total(world, 0 * spend), rel=1e-12)
    for channel in (0, 2, 6):
        without = spend.copy()
        without[:, channel] = 0
        lost = known.revenue - total(world, without)
        assert known.incremental[channel] == pytest.approx(lost, rel=1e-8)
        assert known.roas[channel] == pytest.approx(lost / spend[:, channel].sum(), rel=1e-8)


def test_nothing_spent_has_no_roas(known):
    assert known.incremental[4] == 0
    assert np.isnan(known.roas[4]) and np.isnan(known.marginal_roas[4])


def test_marginal_roas_is_the_central_difference(world, spend, known):
    for channel in (0, 3, 5):
        more, less = spend.copy(), spend.copy()
        more[:, channel] *= 1 + 1e-4
        less[:, channel] *= 1 - 1e-4
        slope = (total(world, more) - total(world, less)) / (2e-4 * spend[:, channel].sum())
        assert known.marginal_roas[channel] == pytest.approx(slope, rel=1e-6)


def test_curves_are_runs_at_constant_spend_after_the_history(world, spend, known):
    end = run(world, jnp.asarray(spend)).end
    mean = np.broadcast_to(spend.mean(axis=0), (HORIZON, 7))
    assert (known.curves[0] == 0).all()
    assert (np.diff(known.curves, axis=0) >= -1e-9).all()
    for channel, point in ((0, 24), (2, 8), (6, 3)):
        plans = [mean * np.where(np.arange(7) == channel, known.multiples[row], 1.0) for row in (point, 0)]
        high, low = (total(world, plan, end) / HORIZON for plan in plans)
        assert known.curves[point, channel] == pytest.approx(high - low, rel=1e-8)


def test_a_kernel_is_what_a_little_more_in_the_first_week_changes_in_every_week(world, spend, known):
    end = run(world, jnp.asarray(spend)).end
    mean = np.broadcast_to(spend.mean(axis=0), (HORIZON, 7))
    for channel in (0, 5):
        pulse = np.zeros((HORIZON, 7))
        pulse[0, channel] = 1.0
        more, less = (np.asarray(run(world, jnp.asarray(mean + size * pulse), end).revenue) for size in (0.5, -0.5))
        assert known.kernel[:, channel] == pytest.approx(more - less, rel=1e-5, abs=1e-7)
