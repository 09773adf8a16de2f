"""Laws of the simulator: people, probabilities, causality, order, derivatives, credit, permutations."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config.loading import build
from engine.config.market import Market
from engine.simulate.journey import exposure, play, revenue, run
from engine.simulate.stages import CONSUMER
from engine.simulate.world import AHEAD, build_world

WEEKS = 20


@pytest.fixture(scope="module")
def world(small):
    return build_world(build(small(), Market, "small"), seed=1)


@pytest.fixture(scope="module")
def spend():
    return np.random.default_rng(5).uniform(0, 3_000, (WEEKS, 7))


def test_people_are_conserved(world, spend):
    told = run(world, jnp.asarray(spend))
    assert np.asarray(told.people).sum((1, 2)) == pytest.approx(float(world.population), rel=1e-12)
    assert (np.asarray(told.people) >= 0).all()
    share = np.asarray(world.start.people).sum(axis=1)
    assert np.asarray(told.end.people).sum(axis=1) == pytest.approx(share, rel=1e-12)


def test_stocks_change_by_flows(world, spend):
    told = run(world, jnp.asarray(spend))
    change = np.diff(np.asarray(told.people), axis=0)
    moves = np.asarray(told.flows)[1:, :, :-1]
    assert change == pytest.approx(moves @ CONSUMER.change, abs=1e-8)


hazards = st.lists(st.floats(0, 50) | st.floats(0, 1e-300), min_size=len(CONSUMER.moves), max_size=len(CONSUMER.moves))


@given(hazards)
def test_rows_of_the_transition_matrix_are_probabilities(rates):
    hazard = jnp.asarray([rates])
    moved = np.asarray(hazard * exposure(CONSUMER, hazard, jnp.ones((1, len(CONSUMER.stages)))))[0]
    matrix = np.zeros((len(CONSUMER.stages), len(CONSUMER.stages)))
    matrix[CONSUMER.source, CONSUMER.target] = moved
    stay = np.exp(-(np.asarray(rates) @ CONSUMER.leaves))
    assert (matrix >= 0).all() and (matrix <= 1).all()
    assert matrix.sum(axis=1) + stay == pytest.approx(1.0, abs=1e-12)


def test_no_spend_is_the_baseline_whatever_the_costs(small, spend):
    dear = small()
    dear["channels"]["tv"]["cost_per_contact"] = 5.0
    worlds = [build_world(build(market, Market, "small")) for market in (small(), dear)]
    nothing = jnp.zeros_like(jnp.asarray(spend))
    start = worlds[0].start
    first, second = (np.asarray(revenue(world, nothing, start)) for world in worlds)
    assert (first == second).all()
    without = spend.copy()
    without[:, 0] = 0
    first, second = (np.asarray(revenue(world, jnp.asarray(without), start)) for world in worlds)
    assert (first == second).all()


@pytest.mark.parametrize("week", [1, 7, WEEKS - 1])
def test_spend_changes_nothing_before_it(world, spend, week):
    later = spend.copy()
    later[week:] *= 2.5
    before, after = (np.asarray(revenue(world, jnp.asarray(plan))) for plan in (spend, later))
    assert (before[:week] == after[:week]).all()
    assert (before[week:] < after[week:]).any()


def test_every_channel_earns_more_with_more_spend_in_any_week(world, spend):
    slope = np.asarray(jax.grad(lambda plan: revenue(world, plan).sum())(jnp.asarray(spend)))
    assert (slope >= 0).all()
    assert (slope[0] > 0).all()


@settings(max_examples=25)
@given(st.integers(0, 2**31), st.integers(0, 6), st.floats(0, 5))
def test_revenue_does_not_fall_with_spend(world, seed, channel, more):
    plan = np.random.default_rng(seed).uniform(0, 4_000, (WEEKS, 7))
    bigger = plan.copy()
    bigger[:, channel] *= 1 + more
    assert float(revenue(world, jnp.asarray(bigger)).sum()) >= float(revenue(world, jnp.asarray(plan)).sum()) * (
        1 - 1e-13
    )


def test_the_gradient_is_the_central_difference(world, spend):
    direction = np.random.default_rng(2).normal(size=spend.shape) * spend

    def total(factor):
        return revenue(world, jnp.asarray(spend) + factor * jnp.asarray(direction)).sum()

    step = 1e-4
    slope = float(jax.grad(total)(0.0))
    assert slope == pytest.approx((float(total(step)) - float(total(-step))) / (2 * step), rel=1e-6)
    assert slope == pytest.approx(float(jax.jvp(total, (0.0,), (1.0,))[1]), rel=1e-10)


def test_the_gradient_at_no_spend_is_finite(world):
    slope = jax.grad(lambda plan: revenue(world, plan).sum())(jnp.zeros((WEEKS, 7)))
    assert np.isfinite(np.asarray(slope)).all()


def test_many_plans_at_once_are_the_same_as_one_by_one(world, spend):
    plans = jnp.asarray(spend) * jnp.asarray([0.0, 0.5, 1.0, 3.0])[:, None, None]
    together = np.asarray(jax.vmap(lambda plan: revenue(world, plan))(plans))
    apart = np.stack([np.asarray(revenue(world, plan)) for plan in plans])
    assert together == pytest.approx(apart, rel=1e-13)


def test_a_run_restarted_in_the_middle_is_the_straight_run(world, spend):
    straight = run(world, jnp.asarray(spend))
    first = run(world, jnp.asarray(spend[:8]))
    second = run(world, jnp.asarray(spend[8:]), first.end)
    joined = np.concatenate([first.revenue, second.revenue])
    assert joined == pytest.approx(np.asarray(straight.revenue), rel=1e-14)
    long = np.tile(spend, (6, 1))
    assert np.asarray(play(world, long).revenue) == pytest.approx(
        np.asarray(run(world, jnp.asarray(long)).revenue), rel=1e-12
    )


def test_the_order_of_channels_and_segments_does_not_matter(small, world, spend):
    turned = small()
    turned["channels"] = dict(reversed(turned["channels"].items()))
    turned["segments"] = dict(reversed(turned["segments"].items()))
    other = run(build_world(build(turned, Market, "small"), seed=1), jnp.asarray(spend[:, ::-1]))
    told = run(world, jnp.asarray(spend))
    assert np.asarray(other.revenue) == pytest.approx(np.asarray(told.revenue), rel=1e-12)
    assert np.asarray(other.people)[:, ::-1] == pytest.approx(np.asarray(told.people), rel=1e-12)
    assert np.asarray(other.credit)[:, 6::-1] == pytest.approx(np.asarray(told.credit)[:, :7], rel=1e-11)


def test_credited_moves_add_up_to_moves_and_credit_to_revenue(world, spend):
    told = run(world, jnp.asarray(spend))
    assert np.asarray(told.caused).sum(axis=1) == pytest.approx(np.asarray(told.flows).sum(axis=1), rel=1e-12)
    assert np.asarray(told.credit).sum(axis=1) == pytest.approx(np.asarray(told.revenue), rel=1e-13)
    assert (np.asarray(told.caused) >= 0).all()
    assert (np.asarray(told.caused)[:, :7, CONSUMER.event("leave")] == 0).all()


def test_weeks_outside_the_calendar_are_not_a_number(world, spend):
    beyond = dataclasses.replace(world.start, week=jnp.array(AHEAD, jnp.int64))
    assert np.isfinite(np.asarray(run(world, jnp.asarray(spend)).revenue)).all()
    assert np.isnan(np.asarray(run(world, jnp.asarray(spend), beyond).revenue)).all()


def test_runs_of_one_shape_share_one_compiled_program(world, spend):
    counted = []

    @jax.jit
    def total(plan, state):
        counted.append(1)
        return revenue(world, plan, state).sum()

    for factor in (0.5, 1.0, 2.0):
        total(jnp.asarray(spend * factor), world.start)
    total(jnp.asarray(spend), run(world, jnp.asarray(spend)).end)
    assert len(counted) == 1


def test_where_neither_rivals_nor_the_own_brand_speak_losses_are_as_usual(busy):
    """Rivals pause, own voice is not smoothed and no money is spent: nobody has a share of voice."""
    silent = {"pull": 2.0, "half_life": 0.0, "spending": {"mean": 6_000.0, "on": 4, "off": 3}}
    worlds = [build_world(build(busy(rivals={**silent, "pull": pull}), Market, "busy")) for pull in (2.0, 0.0)]
    quiet = np.flatnonzero(np.asarray(worlds[0].calendar.rivals)[worlds[0].calendar.before :][:14] == 0)
    lost = [np.asarray(run(world, jnp.zeros((14, 7)), worlds[0].start).flows) for world in worlds]
    assert quiet.size == 6 and np.isfinite(lost).all()
    begin = dataclasses.replace(worlds[0].start, week=jnp.asarray(quiet[0]))
    once = [np.asarray(run(world, jnp.zeros((1, 7)), begin).flows) for world in worlds]
    assert (once[0] == once[1]).all() and (lost[0] != lost[1]).any()
