"""Proposals and weights: on densities whose moments are known."""

import numpy as np
import pytest
from scipy import special, stats

from engine.calibrate.importance import (
    BATCH,
    Effort,
    Proposal,
    effective,
    laplace,
    learn,
    log_proposal,
    propose,
    sample,
    smooth,
)
from engine.calibrate.mode import Mode

EFFORT = Effort(proposals=2048, rounds=20)


def mode(place, covariance, log_evidence=0.0):
    return Mode(np.array(place), 0.0, np.array(covariance), log_evidence)


def two_modes():
    return mode([-2.0], [[0.5]]), mode([3.0], [[2.0]], np.log(3.0))


@pytest.fixture
def drawn_from(monkeypatch, problem):
    """`drawn_from(density, modes)`: joint draws of a density in place of the model's."""

    def draw(density, modes, seed=0):
        monkeypatch.setattr("engine.calibrate.importance.densities_at", lambda places, _: density(places))
        return sample(modes, problem.evidence, EFFORT, 4000, np.random.default_rng(seed))

    return draw


def test_the_mixture_integrates_to_one_and_weighs_modes_by_evidence():
    line = np.linspace(-400, 400, 400_001)[:, None]
    mixture = laplace(two_modes())
    assert np.exp(log_proposal(mixture, line)).sum() * (line[1, 0] - line[0, 0]) == pytest.approx(1.0, abs=1e-5)
    drawn = propose(mixture, 40_000, np.random.default_rng(0))
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


def within_chance(values, mean, spread, effective_size):
    """Mean and spread by their chance; a variance's is taken three times that of a normal sample."""
    assert np.abs(values.mean(axis=0) - mean).max() < 4 * np.max(spread) / np.sqrt(effective_size)
    assert np.abs(values.std(axis=0) / spread - 1).max() < 4 * np.sqrt(1.5 / effective_size)


def test_a_wrong_start_is_learned_away(drawn_from):
    """A correlated normal density in eight dimensions, begun off its centre and too wide or too narrow."""
    random = np.random.default_rng(2)
    root = np.tril(random.normal(size=(8, 8)) * 0.3, -1) + np.diag(random.uniform(0.3, 1.5, 8))
    target = stats.multivariate_normal(np.arange(8) / 8, root @ root.T)
    drawn = drawn_from(target.logpdf, (mode(np.zeros(8), np.eye(8)),))
    assert drawn.pareto < 0.5 and drawn.effective >= 500
    within_chance(drawn.places, np.arange(8) / 8, np.sqrt(np.diag(root @ root.T)), drawn.effective)
    assert np.allclose(np.corrcoef(drawn.places.T), np.corrcoef(root @ random.normal(size=(8, 400_000))), atol=0.12)


def test_a_lopsided_density_keeps_its_moments(drawn_from):
    """Logs of two gamma variables, one turned by a half: their means are digammas, their variances trigammas."""
    turn = np.array([[1.0, 0.0], [0.5, 1.0]])
    shapes = np.array([2.0, 5.0])

    def density(places):
        logs = np.linalg.solve(turn, places.T).T
        return (shapes * logs - np.exp(logs)).sum(axis=1)

    drawn = drawn_from(density, (mode(turn @ np.log(shapes), turn @ np.diag(1 / shapes) @ turn.T),))
    assert drawn.pareto < 0.7
    covariance = turn @ np.diag(special.polygamma(1, shapes)) @ turn.T
    within_chance(drawn.places, turn @ special.digamma(shapes), np.sqrt(np.diag(covariance)), drawn.effective)


def test_a_density_too_bent_for_its_proposals_is_told(drawn_from):
    """A banana, y ~ N(x^2 - 1, 1/4) over x ~ N(0, 1): far out on x no normal shape holds its arms."""

    def banana(places):
        x, y = places.T
        return -0.5 * x**2 - 0.5 * ((y - x**2 + 1) / 0.5) ** 2

    assert drawn_from(banana, (mode([0.0, -1.0], [[1.0, 0.0], [0.0, 0.25]]),)).pareto > 0.7


def test_modes_count_by_their_mass_not_by_their_height(drawn_from):
    """A quarter of the mass is in a high narrow mode; the modes come in with equal weights."""
    one, other = stats.norm(-3.0, 0.1), stats.norm(3.0, 1.0)

    def density(places):
        parts = [np.log(0.25) + one.logpdf(places[:, 0]), np.log(0.75) + other.logpdf(places[:, 0])]
        return special.logsumexp(np.stack(parts), axis=0)

    drawn = drawn_from(density, (mode([-3.0], [[0.01]]), mode([3.0], [[1.0]])))
    assert (drawn.places < 0).mean() == pytest.approx(0.25, abs=4 * np.sqrt(0.19 / drawn.effective))


def test_places_without_a_density_are_never_drawn(drawn_from):
    """A half-normal density that is not a number on its other side."""

    def half(places):
        return np.where(places[:, 0] > 0, -0.5 * places[:, 0] ** 2, np.nan)

    drawn = drawn_from(half, (mode([0.5], [[1.0]]),))
    assert (drawn.places > 0).all()
    assert drawn.places.mean() == pytest.approx(np.sqrt(2 / np.pi), abs=4 * 0.6 / np.sqrt(drawn.effective))


def test_places_are_looked_at_in_batches_of_one_size(monkeypatch, problem):
    seen = []
    monkeypatch.setattr(
        "engine.calibrate.importance.densities_at", lambda places, _: seen.append(places.shape) or -(places[:, 0] ** 2)
    )
    sample((mode([0.0], [[1.0]]),), problem.evidence, Effort(300, 6), 10, np.random.default_rng(0))
    assert set(seen) == {(BATCH, 1)}


@pytest.mark.parametrize("shape", [0.1, 0.4, 0.8])
def test_the_tail_of_weights_is_recognised(shape):
    values = stats.genpareto(shape).rvs(20_000, random_state=3)
    weights, found = smooth(np.log(1 + values))
    assert found == pytest.approx(shape, abs=0.15)
    assert weights.sum() == pytest.approx(1.0) and (weights >= 0).all()


def test_equal_weights_stay_equal():
    weights, pareto = smooth(np.full(1000, -7.0))
    assert np.allclose(weights, 1e-3) and pareto == 0.0
