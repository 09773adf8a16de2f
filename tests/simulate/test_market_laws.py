"""The laws of the simulator on every market that comes along, not on toys alone."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config.loading import load
from engine.config.market import Market
from engine.config.samples import sample_folder
from engine.simulate.agents import Work, simulate_agents
from engine.simulate.history import historical_spend
from engine.simulate.journey import expose, exposure, revenue, run
from engine.simulate.noise import noise
from engine.simulate.truth import truth
from engine.simulate.world import build_world

MARKETS = sorted(path.stem for path in sample_folder("configs").glob("*.toml"))
WEEKS = 52  # a year, so that worlds and tests share one compiled program


@pytest.fixture(scope="module", params=MARKETS)
def market(request):
    return load(sample_folder("configs") / f"{request.param}.toml", Market)


@pytest.fixture(scope="module")
def world(market):
    return build_world(market, 2027)


@pytest.fixture(scope="module")
def spend(market, world):
    return historical_spend(market, world, WEEKS, 2027)


@pytest.fixture(scope="module")
def known(world, spend):
    """The truth of the history."""
    return truth(world, spend)


def test_people_are_conserved_and_their_moves_are_all_that_changes_stages(world, spend):
    told = run(world, jnp.asarray(spend))
    people = np.asarray(told.people)
    assert people.sum((1, 2)) == pytest.approx(float(world.population), rel=1e-12)
    assert (people >= 0).all()
    moved = np.asarray(told.flows)[1:, :, :-1] @ world.ladder.change
    assert np.diff(people, axis=0) == pytest.approx(moved, abs=1e-9 * float(world.population))


@eqx.filter_jit
def hazard_and_chance(world, state, money):
    """What a week does to people, and the chances of their moves."""
    hazard = expose(world, state, money).hazard
    moves = hazard.sum(axis=0)[:, :-1]
    return hazard, moves, moves * exposure(world.ladder, moves, jnp.ones(state.people.shape))


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(0, 1e4), week=st.integers(-500, 1000), seed=st.integers(0, 99))
def test_chances_of_moving_and_staying_are_probabilities_in_any_state(market, world, scale, week, seed):
    luck = np.random.default_rng(seed)
    people = luck.dirichlet(np.full(world.start.people.size, 0.3)).reshape(world.start.people.shape)
    state = dataclasses.replace(world.start, week=jnp.asarray(week), people=jnp.asarray(people))
    money = scale * luck.uniform(size=len(world.channels)) * [each.history.mean for each in market.channels.values()]
    hazard, moves, chance = map(np.asarray, hazard_and_chance(world, state, jnp.asarray(money)))
    assert np.isfinite(hazard).all() and (hazard >= 0).all()
    stay = np.exp(-moves @ world.ladder.leaves)
    assert (chance >= 0).all()
    assert chance @ world.ladder.leaves + stay == pytest.approx(1.0, abs=1e-12)


def test_spend_changes_nothing_before_it_and_no_spend_is_the_baseline(world, spend, known):
    later = spend.copy()
    later[9:] *= 1.7
    first, second = (np.asarray(run(world, jnp.asarray(plan)).revenue) for plan in (spend, later))
    assert (first[:9] == second[:9]).all() and first[9:].sum() < second[9:].sum()
    assert known.baseline == pytest.approx(float(run(world, jnp.zeros(spend.shape)).revenue.sum()), rel=1e-12)


def test_the_gradient_is_the_central_difference_and_never_negative(world, spend):
    plan = jnp.asarray(spend)
    slope = np.asarray(jax.grad(lambda money: revenue(world, money).sum())(plan))
    all_spent = np.asarray(run(world, plan).spent)[0] == spend[0]  # a bid cap leaves money over, and more of it too
    assert (slope >= 0).all() and (slope[0, all_spent] > 0).all() and all_spent.sum() >= len(all_spent) - 1
    direction = plan * np.random.default_rng(3).normal(size=spend.shape)

    def along(step):
        return run(world, plan + step * direction).revenue.sum()

    step = 1e-4
    central = (float(along(step)) - float(along(-step))) / (2 * step)
    assert float((slope * np.asarray(direction)).sum()) == pytest.approx(central, rel=1e-6)


def test_channels_and_segments_may_stand_in_any_order(market, world, spend):
    turned = market.model_copy(
        update={
            "channels": dict(reversed(market.channels.items())),
            "segments": dict(reversed(market.segments.items())),
        }
    )
    other = run(build_world(turned, 2027), jnp.asarray(spend[:, ::-1]))
    told = run(world, jnp.asarray(spend))
    assert np.asarray(other.revenue) == pytest.approx(np.asarray(told.revenue), rel=1e-11)
    assert np.asarray(other.people)[:, ::-1] == pytest.approx(np.asarray(told.people), rel=1e-9, abs=1e-6)
    assert np.asarray(other.spent)[:, ::-1] == pytest.approx(np.asarray(told.spent), rel=1e-12)


def test_steady_responses_bend_down_or_once_up_where_two_contacts_are_needed(market, known):
    """Concave to a thousandth of the highest response: word of mouth and a full sales team bend a hair more."""
    for index, channel in enumerate(market.channels.values()):
        response = known.steady.revenue[:, index]
        assert (np.diff(response) >= 0).all()
        bends = np.diff(response, 2) / response.max()
        if channel.frequency == 2:
            sign = np.sign(bends[np.abs(bends) > 1e-6])
            assert sign[0] > 0 > sign[-1] and (np.diff(sign) != 0).sum() == 1
        else:
            assert (bends <= 1e-3).all()


def agents(world, plan, people, seeds):
    return np.array([simulate_agents(world, plan, people, seed).told.revenue.sum() for seed in range(seeds)])


def test_agents_are_near_the_mean_field_with_the_luck_that_the_noise_says(world, spend):
    """Within 3 standard errors and what a finite crowd and rounded seats allow; deviation within their own error."""
    plan, people, seeds = spend[:13], 20_000, 16
    found, told = agents(world, plan, people, seeds), noise(world, plan, people=people)
    deviation = float(told.total.revenue)
    allowed = 3 * deviation / np.sqrt(seeds) + 40 / people * float(np.asarray(told.mean.revenue).sum())
    assert abs(found.mean() - float(np.asarray(told.mean.revenue).sum())) <= allowed
    assert found.std(ddof=1) == pytest.approx(deviation, rel=3 / np.sqrt(2 * (seeds - 1)))


def test_plans_that_share_their_luck_differ_by_little_of_it(world, spend):
    """Variance of a difference: cut 100-fold at 1 % more money, 20-fold at 10 %, 3-fold without the largest channel."""
    plan, people, seeds = spend[:4], 64_000, 12
    alone = agents(world, plan, people, seeds)
    off = plan.copy()
    off[:, spend.sum(axis=0).argmax()] = 0
    for other, least in ((plan * 1.01, 100), (plan * 1.1, 20), (off, 3)):
        shared = agents(world, other, people, seeds)
        apart = np.var(alone, ddof=1) + np.var(shared, ddof=1)
        assert np.var(shared - alone, ddof=1) * least <= apart
    assert (agents(world, plan, people, 2) == alone[:2]).all()


def test_blocks_of_any_size_give_the_same_agents(world, spend):
    runs = [simulate_agents(world, spend[:4], 20_011, 5, work=Work(chunk=chunk)) for chunk in (1_000, 7_000, 20_011)]
    for other in runs[1:]:
        assert (other.people == runs[0].people).all() and (other.flows == runs[0].flows).all()
        assert (other.end.stages == runs[0].end.stages).all()
