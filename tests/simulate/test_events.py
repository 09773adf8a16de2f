"""People one at a time, on exponential clocks: in the mean they do what the mean field says."""

import dataclasses

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


def test_firms_in_a_real_line_do_what_the_fluid_law_of_a_full_team_says(business):
    """Within 4 standard errors and what a week's step and a team of five slots leave open: 4 % and two firms."""
    firms = build_world(build(business(), Market, "firms"), seed=1)
    money, share = np.full((10, 7), 1_500.0), 1_000 / float(firms.population)
    assert float(firms.sales.slots) * share == 5
    field = np.asarray(run(firms, jnp.asarray(money)).flows).sum(axis=(0, 1)) * share
    counted = [simulate_events(firms, money, 1_000, seed).caused.sum(axis=(0, 1, 2)) for seed in range(6)]
    assert within(counted, field, 2.0 + 0.04 * field)
    unlimited = (
        np.asarray(run(dataclasses.replace(firms, sales=None), jnp.asarray(money)).flows).sum(axis=(0, 1)) * share
    )
    buy = firms.ladder.event("buy")
    assert unlimited[buy] > 1.15 * field[buy]  # so the line matters here
