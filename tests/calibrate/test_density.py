"""The density: against the slowest code that could compute it."""

import math

import jax
import numpy as np
import pytest
from scipy import special

from engine.calibrate.density import densities_at, slope_at
from engine.calibrate.priors import CROWDED, CROWDED_WIDTH, NOISE_SCALE, NOISE_SHAPE, interpret
from engine.calibrate.problem import explain, hold_out, prepare
from engine.config.model import Baseline


@pytest.fixture(scope="module")
def problem(world):
    return prepare(world(channels=2, periods=60, people=(1.0, 3.0)).dataset, Baseline())


def media_by_loops(problem, place):
    """Contribution per head of each row, one number at a time."""
    panel, parameters = problem.panel, interpret(place, problem.priors, special)
    periods, geos, channels = panel.dose.shape
    added = np.zeros((periods, geos))
    for c in range(channels):
        used = np.zeros((periods, geos))
        for g in range(geos):
            stock = panel.opening[g, c]
            for t in range(periods):
                stock = (1 - parameters.retain[c]) * panel.dose[t, g, c] + parameters.retain[c] * stock
                dose = stock / parameters.halfway[c]
                used[t, g] = dose ** parameters.slope[c] / (1 + dose ** parameters.slope[c]) if dose > 0 else 0.0
        mean = sum(used[:, g].sum() * panel.size[g] for g in range(geos)) / periods / panel.size.sum()
        added += parameters.share[c] / mean * used
    return added


def density_by_loops(problem, place):
    residual = problem.weight * (problem.panel.outcome - media_by_loops(problem, place)).reshape(-1)
    weighted = problem.weight[:, None] * problem.baseline.columns
    covariance = np.eye(len(residual)) + weighted @ np.diag(problem.baseline.spread**2) @ weighted.T
    quadratic = residual @ np.linalg.solve(covariance, residual)
    share = interpret(place, problem.priors, special).share.sum()
    crowd = max(share - CROWDED, 0.0) / CROWDED_WIDTH
    shape = NOISE_SHAPE + len(residual) / 2
    return -0.5 * sum(x * x for x in place) - 0.5 * crowd**2 - shape * math.log(NOISE_SCALE + quadratic / 2)


@pytest.mark.parametrize("seed", range(4))
def test_density_equals_its_slow_twin(problem, seed):
    place = np.random.default_rng(seed).normal(size=8) * (1 + seed)
    height, slope = slope_at(place, problem.evidence)
    assert float(height) == pytest.approx(density_by_loops(problem, place), rel=1e-9)
    for index in range(8):
        step = 1e-6 * np.eye(8)[index]
        difference = density_by_loops(problem, place + step) - density_by_loops(problem, place - step)
        assert float(slope[index]) == pytest.approx(difference / 2e-6, rel=1e-4, abs=1e-4)


def test_many_places_at_once_are_the_same_places(problem):
    places = np.random.default_rng(0).normal(size=(256, 8))
    together = densities_at(places, problem.evidence)
    assert np.allclose(together[:3], [slope_at(place, problem.evidence)[0] for place in places[:3]], rtol=1e-12)


def test_exchanging_channels_exchanges_coordinates(world):
    history = world(channels=3, periods=60).dataset
    order = [2, 0, 1]
    turned = type(history)(
        **{
            **vars(history),
            "channels": tuple(history.channels[i] for i in order),
            "kinds": tuple(history.kinds[i] for i in order),
            "spend": history.spend[:, :, order],
            "driver": history.driver[:, :, order],
        }
    )
    one, other = prepare(history, Baseline()), prepare(turned, Baseline())
    place = np.random.default_rng(1).normal(size=(4, 3))
    heights = slope_at(place.reshape(-1), one.evidence)[0], slope_at(place[:, order].reshape(-1), other.evidence)[0]
    assert float(heights[0]) == pytest.approx(float(heights[1]), rel=1e-12)


def test_density_stays_finite_far_out(problem):
    for far in (-30.0, -8.0, 8.0):
        height, slope = slope_at(np.full(8, far), problem.evidence)
        assert np.isfinite(height) and np.isfinite(slope).all()


def test_explained_rows_add_up_to_the_share(problem):
    places = np.random.default_rng(3).normal(size=(5, 8))
    media = explain(problem, places)
    total = (problem.panel.outcome @ problem.panel.size).sum() * problem.panel.outcome_scale
    assert np.allclose(media.national.sum(axis=1) / total, media.parameters.share)
    assert np.allclose(media.rows[2].reshape(60, 2), media_by_loops(problem, places[2]))


def test_holding_out_compiles_nothing_and_unseen_outcomes_have_no_say(problem):
    place = np.zeros(8)
    slope_at(place, problem.evidence)
    before = slope_at._cache_size()
    seen = np.arange(60) < 40
    _, evidence = hold_out(problem, seen)
    slope_at(place, evidence)
    assert slope_at._cache_size() == before
    assert jax.tree.map(lambda leaf: leaf.dtype, evidence) == jax.tree.map(lambda leaf: leaf.dtype, problem.evidence)
