"""The judge: its oracle against every plan of a grid, and its figures against plain runs."""

from datetime import date

import jax.numpy as jnp
import numpy as np
import pytest

from engine.config.loading import build
from engine.config.market import Market
from engine.errors import InputError
from engine.judge import TAIL, Rules, judge, oracle, project, value_all
from engine.simulate.journey import play, run
from engine.simulate.world import build_world

PERIODS = 26
STEPS = 40
BASE = {
    "name": "Judged",
    "currency": "EUR",
    "population": 100_000.0,
    "in_market": 0.2,
    "noise": 0.05,
    "purchase": {"price": 30.0, "margin": 0.4, "repeat": 0.05},
    "segments": {"all": {"share": 1.0}},
}
JOURNEY = {
    "notice": 0.03,
    "consider": 0.3,
    "buy": 0.8,
    "reconsider": 0.3,
    "praise": 0.02,
    "leave": 0.1,
    "quiet": 0.05,
    "forget": 0.04,
    "cool": 0.12,
}
HISTORY = {"mean": 1_500.0}
STEEP = {"mechanic": "reach", "cost_per_contact": 0.02, "frequency": 2, "history": HISTORY}
CHANNELS = {
    "display": {**STEEP, "effect": {"consider": 0.2, "buy": 0.5}},
    "social": {**STEEP, "cost_per_contact": 0.03, "effect": {"consider": 0.3, "buy": 0.6}},
    "search": {
        "mechanic": "search",
        "cost_per_click": 0.3,
        "most_clicks": 0.8,
        "queries": {"considering": 1.0, "lapsed": 0.5},
        "effect": {"buy": 0.1, "reconsider": 0.1},
        "history": HISTORY,
    },
}


@pytest.fixture(scope="module")
def world():
    return build_world(
        build({**BASE, "start": date(2022, 1, 3), "journey": JOURNEY, "channels": CHANNELS}, Market, "test")
    )


@pytest.fixture(scope="module")
def history():
    return np.random.default_rng(1).uniform(500, 2_500, (20, 3))


def grid(budget):
    points = [(a, b, STEPS - a - b) for a in range(STEPS + 1) for b in range(STEPS + 1 - a)]
    return np.array(points) * budget / STEPS


@pytest.mark.parametrize("budget", [20_000.0, 120_000.0, 400_000.0])
def test_the_oracle_is_at_least_as_good_as_every_plan_of_a_grid(world, history, budget):
    end = play(world, history).end
    rules = Rules(budget, np.zeros(3), np.full(3, budget))
    best = oracle(world, end, PERIODS, rules)
    values = np.asarray(value_all(world, end, grid(budget), PERIODS))
    found = float(value_all(world, end, best[None], PERIODS)[0])
    assert best.sum() == pytest.approx(budget, rel=1e-9)
    assert (best >= 0).all()
    assert found >= values.max() * (1 - 1e-12)


def test_the_oracle_keeps_floors_and_caps(world, history):
    end = play(world, history).end
    floor, cap = np.array([5_000.0, 20_000.0, 0.0]), np.array([90_000.0, 100_000.0, 30_000.0])
    rules = Rules(120_000.0, floor, cap)
    best = oracle(world, end, PERIODS, rules)
    assert (best >= floor - 1e-6).all() and (best <= cap + 1e-6).all()
    assert best.sum() == pytest.approx(120_000, rel=1e-9)
    plans = grid(120_000.0)
    allowed = plans[((plans >= floor) & (plans <= cap)).all(axis=1)]
    values = np.asarray(value_all(world, end, allowed, PERIODS))
    assert float(value_all(world, end, best[None], PERIODS)[0]) >= values.max() * (1 - 1e-12)


def test_a_plan_is_valued_over_its_horizon_and_a_tail_without_spend(world, history):
    plan = np.array([30_000.0, 50_000.0, 40_000.0])
    verdict = judge(world, history, plan, PERIODS)
    spend = np.concatenate([np.tile(plan / PERIODS, (PERIODS, 1)), np.zeros((TAIL, 3))])
    alone = run(world, jnp.asarray(spend), play(world, history).end)
    assert verdict.plan_value == pytest.approx(float(alone.revenue.sum()), rel=1e-12)
    assert verdict.baseline_value <= verdict.oracle_value and verdict.plan_value <= verdict.oracle_value
    gain = verdict.oracle_value - verdict.baseline_value
    assert verdict.share_of_oracle_gain == pytest.approx((verdict.plan_value - verdict.baseline_value) / gain)
    assert verdict.regret == pytest.approx(1 - verdict.plan_value / verdict.oracle_value)


def test_the_oracle_earns_all_of_its_gain_and_the_historical_split_none(world, history):
    split = history.sum(axis=0) / history.sum() * 120_000
    first = judge(world, history, split, PERIODS)
    assert first.share_of_oracle_gain == pytest.approx(0, abs=1e-9)
    best = judge(world, history, first.oracle_spend, PERIODS)
    assert best.share_of_oracle_gain == pytest.approx(1, abs=1e-6)
    assert best.regret == pytest.approx(0, abs=1e-9)


def test_a_wish_becomes_the_nearest_allowed_plan():
    rules = Rules(10.0, np.array([0.0, 2.0, 0.0]), np.array([5.0, 9.0, 9.0]))
    wish = np.array([9.0, 0.0, 4.0])
    plan = project(wish, rules)
    assert plan.sum() == pytest.approx(10)
    others = np.random.default_rng(0).dirichlet(np.ones(3), 20_000) * 10
    allowed = others[((others >= rules.floor) & (others <= rules.cap)).all(axis=1)]
    assert np.square(plan - wish).sum() <= np.square(allowed - wish).sum(axis=1).min() + 1e-9


@pytest.mark.parametrize(
    ("floor", "cap", "told"),
    [
        ([9.0, 9.0, 0.0], [20.0, 20.0, 20.0], "floors add up to 18, above the budget 10"),
        ([0.0, 0.0, 0.0], [2.0, 2.0, 2.0], "caps add up to 6, below the budget 10"),
        ([0.0, 5.0, 0.0], [20.0, 2.0, 20.0], "channel 2: floor 5 is above cap 2"),
    ],
)
def test_rules_without_a_plan_are_refused(world, history, floor, cap, told):
    with pytest.raises(InputError, match=told):
        judge(world, history, np.array([1.0, 1.0, 8.0]), PERIODS, Rules(10.0, np.array(floor), np.array(cap)))
