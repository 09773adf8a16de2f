"""Modes, proposals and weights: on densities whose answer is known."""

import numpy as np
import pytest
from scipy import stats

from engine.calibrate.importance import (
    Proposal,
    effective,
    heights,
    laplace,
    learn,
    log_proposal,
    propose,
    sample,
    smooth,
)
from engine.calibrate.mode import Mode, climb, describe, search, starts
from engine.calibrate.nuts import smallest_bulk, worst_r_hat
from engine.calibrate.problem import prepare
from engine.config.model import Baseline


@pytest.fixture(scope="module")
def problem(world):
    return prepare(world(channels=2).dataset, Baseline())


def mixture():
    modes = (
        Mode(np.array([-2.0]), 0.0, np.array([[0.5]]), 0.0),
        Mode(np.array([3.0]), 0.0, np.array([[2.0]]), np.log(3.0)),
    )
    return laplace(modes)


def test_the_mixture_integrates_to_one_and_weighs_modes_by_evidence():
    line = np.linspace(-400, 400, 400_001)[:, None]
    assert np.exp(log_proposal(mixture(), line)).sum() * (line[1, 0] - line[0, 0]) == pytest.approx(1.0, abs=1e-5)
    drawn = propose(mixture(), 40_000, np.random.default_rng(0))
    assert drawn.mean() == pytest.approx(0.25 * -2.0 + 0.75 * 3.0, abs=0.05)


def test_a_proposal_moves_to_the_density_it_learns_from():
    target = stats.multivariate_normal([1.0, -1.0], [[0.5, 0.3], [0.3, 0.4]])
    proposal = Proposal(np.zeros(1), np.zeros((1, 2)), 1.5 * np.eye(2)[None])
    random = np.random.default_rng(1)
    for _ in range(6):
        places = propose(proposal, 2000, random)
        proposal = learn(proposal, places, target.logpdf(places) - log_proposal(proposal, places))
    places = propose(proposal, 4000, random)
    weights, pareto = smooth(target.logpdf(places) - log_proposal(proposal, places))
    assert np.allclose(proposal.centre[0], [1.0, -1.0], atol=0.05)
    assert effective(weights) > 0.8 and pareto < 0.3


@pytest.mark.parametrize("shape", [0.1, 0.4, 0.8])
def test_the_tail_of_weights_is_recognised(shape):
    values = stats.genpareto(shape).rvs(20_000, random_state=3)
    weights, found = smooth(np.log(1 + values))
    assert found == pytest.approx(shape, abs=0.15)
    assert weights.sum() == pytest.approx(1.0) and (weights >= 0).all()


def test_equal_weights_stay_equal():
    weights, pareto = smooth(np.full(1000, -7.0))
    assert np.allclose(weights, 1e-3) and pareto == 0.0


def test_climbing_ends_where_no_neighbour_is_higher(problem):
    found = search(problem.evidence, starts(4, 8, np.random.default_rng(0)))
    best = found.modes[0]
    random = np.random.default_rng(1)
    near = best.place + 0.05 * random.normal(size=(64, 8))
    assert (heights(near, problem.evidence) < best.height).all()
    assert found.heights.max() <= best.height + 1e-6


def test_a_start_does_not_decide_the_mode(problem):
    ends = [climb(begin, problem.evidence)[0] for begin in (np.zeros(8), np.full(8, 0.5))]
    modes = [describe(end, problem.evidence) for end in ends]
    assert np.allclose(modes[0].place, modes[1].place, atol=1e-5)


def test_widths_are_the_curvature(problem):
    mode = search(problem.evidence, np.zeros((1, 8))).modes[0]
    values, vectors = np.linalg.eigh(mode.covariance)
    for axis in range(8):
        step = 1e-3 * vectors[:, axis]
        around = heights(np.stack([mode.place - step, mode.place, mode.place + step]), problem.evidence)
        bend = -(around[0] - 2 * around[1] + around[2]) / 1e-6
        assert values[axis] == pytest.approx(1 / max(bend, 0.5), rel=1e-3)


def test_weighted_draws_have_the_moments_of_the_density(problem):
    """Against self-normalised weights of four times as many proposals from another seed."""
    modes = search(problem.evidence, np.zeros((1, 8))).modes
    drawn = sample(modes, problem.evidence, 4096, 2000, np.random.default_rng(0))
    wide = laplace(modes)
    places = propose(wide, 16_384, np.random.default_rng(9))
    weights, _ = smooth(heights(places, problem.evidence) - log_proposal(wide, places))
    mean = weights @ places
    spread = np.sqrt(weights @ (places - mean) ** 2)
    assert np.abs((drawn.places.mean(axis=0) - mean) / spread).max() < 0.35
    assert np.abs(drawn.places.std(axis=0) / spread - 1).max() < 0.3


def test_chains_that_disagree_are_seen():
    random = np.random.default_rng(0)
    together = random.normal(size=(4, 1000, 2))
    apart = together + np.array([0.0, 0.0, 0.0, 1.0])[:, None, None]
    wider = together * np.array([1.0, 1.0, 1.0, 3.0])[:, None, None]
    assert worst_r_hat(together) < 1.01 and smallest_bulk(together) > 3000
    assert worst_r_hat(apart) > 1.05 and worst_r_hat(wider) > 1.05
    walk = np.cumsum(random.normal(size=(4, 1000, 1)), axis=1)
    assert smallest_bulk(walk) < 50


def test_rank_diagnosis_does_not_depend_on_the_scale():
    values = np.random.default_rng(0).normal(size=(4, 500, 1))
    assert smallest_bulk(values) == pytest.approx(smallest_bulk(np.exp(5 * values)))
