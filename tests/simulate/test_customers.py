"""What customers cost and are worth, against closed forms and a slow twin that reads the hazards themselves."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from engine.config.loading import build
from engine.config.market import Market
from engine.periods import PER_YEAR
from engine.simulate.customers import LIFETIME, cohort, customers
from engine.simulate.journey import expose, money_each, play, run
from engine.simulate.truth import truth
from engine.simulate.world import build_world

WEEKS = 20
LEAVE, REPEAT = 0.1, 0.2
LOYAL = {"notice": 0.5, "consider": 0.5, "buy": 0.5, "leave": LEAVE}


@pytest.fixture(scope="module")
def plain(bare):
    """`plain(notice=...)`: a bare world with a journey, in which nobody comes back, and all begin unaware."""

    def world(**journey):
        written = bare()
        written["journey"] = {**written["journey"], **journey}
        written["purchase"] = {"price": 30.0, "margin": 0.4, "repeat": REPEAT}
        made = build_world(build(written, Market, "plain"), seed=1)
        unaware = jnp.zeros((1, len(made.ladder.stages))).at[:, made.ladder.stage("unaware")].set(1.0)
        return dataclasses.replace(made, start=dataclasses.replace(made.start, people=unaware))

    return world


@pytest.fixture(scope="module")
def small_world(small):
    return build_world(build(small(), Market, "small"), seed=1)


@eqx.filter_jit
def week_by_week(world, state, money, mass):
    """One week of everybody and of a cohort beside them, from the hazards of the week."""
    ladder = world.ladder
    hazard = expose(world, state, money).hazard.sum(axis=0)
    moves = hazard[:, :-1]
    total = moves @ ladder.leaves
    leaves = jnp.where(total > 0, -jnp.expm1(-total) / jnp.where(total > 0, total, 1.0), 1.0)
    moved = (mass * leaves)[:, ladder.source] * moves
    buyers = mass[:, ladder.stage("customer")] + world.hazards.advocate_repeat * mass[:, ladder.stage("advocate")]
    bought = (moved[:, ladder.event("buy")] + buyers * hazard[:, -1]) * money_each(world, state.week)
    return run(world, money[None], state).end, mass + moved @ ladder.change, bought


def test_a_cohort_moves_by_the_hazards_that_everybody_meets(small_world):
    mean = np.full(7, 1_000.0)
    told = cohort(small_world, small_world.start, mean, weeks=40)
    state, mass = small_world.start, jnp.zeros((2, 7)).at[:, small_world.ladder.stage("customer")].set(1.0)
    for week in range(40):
        state, mass, bought = week_by_week(small_world, state, jnp.asarray(mean), mass)
        assert told[week + 1] == pytest.approx(np.asarray(bought), rel=1e-10)
    assert mass.sum(axis=1) == pytest.approx(1.0, rel=1e-12)
    assert told[0] == pytest.approx(np.asarray(money_each(small_world, small_world.start.week - 1)), rel=1e-12)


def test_the_value_of_a_customer_who_never_comes_back_is_a_geometric_sum(plain):
    """One purchase at once, then REPEAT a week of those left: 1 + r (1 - s^T) / (1 - s), s = exp(-leave)."""
    told = truth(plain(**LOYAL), np.full((WEEKS, 1), 500.0)).customers
    stay, discount = np.exp(-LEAVE), 1.08 ** (-1 / PER_YEAR["week"])
    purchases = 1 + REPEAT * (1 - stay**LIFETIME) / (1 - stay)
    later = stay * discount
    worth = 1 + REPEAT * discount * (1 - later**LIFETIME) / (1 - later)
    assert told.revenue[0] == pytest.approx(30 * purchases, rel=1e-12)
    assert told.value[0] == pytest.approx(0.4 * 30 * worth, rel=1e-12)
    assert (told.mean_value, told.mean_revenue) == pytest.approx((told.value[0], told.revenue[0]), rel=1e-12)


def test_payback_is_when_margin_has_paid_what_the_mean_customer_cost(plain):
    world, spend = plain(**LOYAL), np.full((WEEKS, 1), 1e5)
    told, trajectory = truth(world, spend).customers, run(world, jnp.asarray(spend))
    won = float(trajectory.flows[:, 0, world.ladder.event("buy")].sum())
    assert told.won.tolist() == pytest.approx([won], rel=1e-12)
    assert told.cost == pytest.approx(WEEKS * 1e5 / won, rel=1e-12)
    assert told.value_per_cost == pytest.approx(told.mean_value / told.cost, rel=1e-12)
    weekly = 0.4 * 30 * np.concatenate([[1.0], REPEAT * np.exp(-LEAVE * np.arange(LIFETIME))])
    paid = np.interp(told.cost, np.concatenate([[0.0], np.cumsum(weekly)]), np.arange(LIFETIME + 2.0))
    assert 1 < told.payback == pytest.approx(paid, rel=1e-9)


def test_a_customer_who_costs_more_than_it_ever_brings_never_pays_back(plain):
    told = truth(plain(**LOYAL), np.full((WEEKS, 1), 1e7)).customers
    assert np.isnan(told.payback) and told.value_per_cost < 1


def test_where_nobody_buys_nobody_has_a_value(plain):
    told = truth(plain(), np.full((WEEKS, 1), 500.0)).customers
    assert told.won.sum() == 0 and np.isposinf(told.cost)
    assert all(np.isnan(figure) for figure in (told.value[0], told.mean_value, told.value_per_cost, told.payback))


def test_what_stands_at_the_end_is_what_a_run_ends_with(small_world):
    spend = np.random.default_rng(2).uniform(0, 2_000, (WEEKS, 7))
    ran = play(small_world, spend)
    told = customers(small_world, ran.end, spend.mean(axis=0), np.array([3.0, 1.0]), np.full(8, 20.0))
    assert told.goodwill == pytest.approx(np.asarray(ran.goodwill)[-1], rel=1e-12)
    mail = small_world.channels.index("mail")
    subscribed = float(run(small_world, jnp.ones((1, 7)), ran.end).reached[0, mail]) * 100_000
    assert told.lists[mail] == pytest.approx(subscribed, rel=1e-12) and subscribed > 0
    assert np.isnan(np.delete(told.lists, mail)).all()
    assert np.isnan(told.share)  # nobody is a rival's customer here
    assert told.mean_value == pytest.approx(0.75 * told.value[0] + 0.25 * told.value[1], rel=1e-12)
    assert told.payback == told.channel_payback[3]


def test_share_is_of_all_who_are_somebodys_customers(plain):
    world = plain(**LOYAL, lose=0.2, win=0.1)
    told = truth(world, np.full((WEEKS, 1), 500.0)).customers
    people = np.asarray(run(world, jnp.full((WEEKS, 1), 500.0)).people)[-1, 0]
    stages = dict(zip(world.ladder.stages, people, strict=True))
    own = stages["customer"] + stages["advocate"]
    assert told.share == pytest.approx(own / (own + stages["rival"]), rel=1e-12) and 0 < told.share < 1
