"""People one at a time, on exponential clocks: in the mean they do what the mean field says."""

import jax.numpy as jnp
import numpy as np
import pytest

from engine.config.loading import build
from engine.config.market import Market
from engine.simulate.events import simulate_events
from engine.simulate.journey import run
from engine.simulate.stages import CONSUMER
from engine.simulate.world import build_world

PEOPLE, WEEKS, RUNS = 600, 6, 12


@pytest.fixture(scope="module")
def world(small):
    return build_world(build(small(), Market, "small"), seed=1)


@pytest.fixture(scope="module")
def spend():
    return np.random.default_rng(5).uniform(500, 3_000, (WEEKS, 7))


@pytest.fixture(scope="module")
def told(world, spend):
    return [simulate_events(world, spend, PEOPLE, seed) for seed in range(RUNS)]


def within(samples, expected, allowance):
    """Whether a mean lies within 4 standard errors, and what a finite crowd and rounding allow."""
    mean = np.mean(samples, axis=0)
    error = np.maximum(np.std(samples, axis=0, ddof=1), np.sqrt(expected) / 2) / np.sqrt(len(samples))
    return (np.abs(mean - expected) <= 4 * error + allowance).all()


def test_people_move_as_the_mean_field_says(world, spend, told):
    share = PEOPLE / float(world.population)
    field = np.asarray(run(world, jnp.asarray(spend)).people) * share
    assert within([counts.people for counts in told], field, 1.0)


def test_moves_and_purchases_have_the_causes_that_the_mean_field_says(world, spend, told):
    share = PEOPLE / float(world.population)
    field = np.asarray(run(world, jnp.asarray(spend)).caused).sum(axis=0) * share
    assert within([counts.caused.sum(axis=(0, 2)) for counts in told], field, 1.0 + 0.02 * field)


def test_nobody_is_lost_and_every_change_is_a_move(told):
    for counts in told:
        assert (counts.people.sum(axis=(1, 2)) == counts.people[0].sum()).all()
        moves = counts.caused.sum(axis=1)[1:, :, :-1]
        assert (np.diff(counts.people, axis=0) == moves @ CONSUMER.change).all()


def test_the_same_seed_gives_the_same_lives(world, spend, told):
    again = simulate_events(world, spend, PEOPLE, 3)
    assert (again.people == told[3].people).all() and (again.caused == told[3].caused).all()
    assert (told[4].people != told[3].people).any()


def test_plans_share_the_luck_of_every_person_and_week(world, spend, told):
    """Deviation of a difference at 1 % more money: a third of a run's at most (a tenth of its variance)."""
    more = [simulate_events(world, spend * 1.01, PEOPLE, seed).told.revenue.sum() for seed in range(RUNS)]
    alone = np.array([counts.told.revenue.sum() for counts in told])
    assert 0 < np.std(np.array(more) - alone, ddof=1) < np.std(alone, ddof=1) / 3
