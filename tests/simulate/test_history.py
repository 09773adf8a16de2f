"""Past spend and what an analyst sees: the luck is keyed, the means are right, the noise has its size."""


import numpy as np
import pytest

from engine.config.loading import build
from engine.config.market import Market
from engine.errors import InputError
from engine.simulate.chance import Stream, normal, uniform
from engine.simulate.history import historical_spend
from engine.simulate.journey import play
from engine.simulate.observe import observe
from engine.simulate.world import AHEAD, build_calendar, build_world

WEEKS = 104


@pytest.fixture(scope="module")
def market(small):
    return build(small(), Market, "small")


@pytest.fixture(scope="module")
def world(market):
    return build_world(market, seed=1)


def test_luck_is_uniform_and_normal():
    week = np.arange(20_000)
    level = uniform(7, Stream.OUTCOME, "revenue", week)
    assert np.abs(np.sort(level) - (week + 0.5) / week.size).max() < 1.63 / np.sqrt(week.size)  # Kolmogorov, 1 %
    wave = normal(7, Stream.OUTCOME, "revenue", week)
    assert wave.mean() == pytest.approx(0, abs=4 / np.sqrt(week.size))
    assert wave.std() == pytest.approx(1, abs=4 / np.sqrt(2 * week.size))


def test_luck_differs_by_seed_stream_and_name():
    week = np.arange(50)
    drawn = [
        uniform(1, Stream.OUTCOME, "revenue", week),
        uniform(2, Stream.OUTCOME, "revenue", week),
        uniform(1, Stream.CONTROL, "revenue", week),
        uniform(1, Stream.OUTCOME, "rival", week),
    ]
    assert np.abs(np.corrcoef(drawn) - np.eye(4)).max() < 0.6
    assert len({round(float(row.sum()), 9) for row in drawn}) == 4


def test_a_longer_history_begins_with_the_shorter_one_and_the_seed_decides_it(market, world):
    long, short = (historical_spend(market, world, weeks, 3) for weeks in (WEEKS, 40))
    assert (long[:40] == short).all()
    assert (historical_spend(market, world, 40, 3) == short).all()
    assert (historical_spend(market, world, 40, 4)[:, 0] != short[:, 0]).any()


def test_the_order_of_channels_does_not_change_their_spend(small, market, world):
    turned = small()
    turned["channels"] = dict(reversed(turned["channels"].items()))
    other = build(turned, Market, "small")
    assert (
        historical_spend(other, build_world(other, 1), 40, 3)[:, ::-1] == historical_spend(market, world, 40, 3)
    ).all()


def test_spend_has_its_mean_over_many_histories(market, world):
    means = np.array([historical_spend(market, world, 520, seed)[:, 0].mean() for seed in range(40)])
    error = means.std() / np.sqrt(len(means))
    assert means.mean() == pytest.approx(1_000, abs=4 * error)


def test_demand_following_spend_follows_demand(small):
    follower = build(small(demand_following=0.8), Market, "small")
    world = build_world(follower, 1)
    spend = historical_spend(follower, world, WEEKS, 3)[:, 1]  # a channel without any luck of its own
    demand = np.asarray(world.calendar.demand)[world.calendar.before :][:WEEKS]
    assert spend == pytest.approx(1_000 * (0.2 + 0.8 * demand), rel=1e-12)


def test_the_control_has_mean_one_its_deviation_and_its_persistence(small):
    control = {"name": "rival", "persistence": 0.7, "deviation": 0.1, "elasticity": -0.6}
    market = build(small(control=control), Market, "small")
    series = np.log(np.concatenate([np.asarray(build_calendar(market, seed).control) for seed in range(40)]))
    assert np.exp(series).mean() == pytest.approx(1, abs=0.003)
    assert series.std() == pytest.approx(0.1, rel=0.03)
    assert np.corrcoef(series[1:], series[:-1])[0, 1] == pytest.approx(0.7, abs=0.02)


def test_seasons_average_one_and_peak_in_their_week(market):
    calendar = build_calendar(market, 0)
    season = np.asarray(calendar.season)
    assert season.mean() == pytest.approx(1, abs=0.002)
    assert 18 <= int(np.argmax(season[calendar.before : calendar.before + 52])) <= 20


def test_what_is_seen_is_revenue_with_noise_of_its_size(market, world):
    spend = historical_spend(market, world, WEEKS, 3)
    told = play(world, spend)
    seen = [observe(market, world, told, spend, seed) for seed in range(30)]
    ratio = np.stack([data.outcome[:, 0] / np.asarray(told.revenue) for data in seen])
    assert ratio.mean() == pytest.approx(1, abs=4 * market.noise / np.sqrt(ratio.size))
    assert ratio.std() == pytest.approx(market.noise, rel=0.05)
    data = seen[0]
    assert (data.spend[:, 0] == spend).all() and (data.driver == data.spend).all()
    assert data.control_names == ("rival",)
    assert (data.controls[:, 0, 0] == np.asarray(world.calendar.control)[world.calendar.before :][:WEEKS]).all()
    assert data.event_names == ("fair",) and data.events.sum() == 2
    assert data.starts[0] == market.start


def test_without_control_and_events_none_is_shown(bare):
    market = build(bare(), Market, "bare")
    world = build_world(market)
    spend = historical_spend(market, world, 10, 1)
    data = observe(market, world, play(world, spend), spend, 1)
    assert data.controls.shape == (10, 1, 0) and data.events.shape == (10, 1, 0)


def test_a_history_longer_than_a_world_is_refused(market, world):
    with pytest.raises(InputError, match=f"a simulated world holds {AHEAD}; ask for fewer weeks"):
        historical_spend(market, world, AHEAD + 1, 1)


def test_the_seed_moves_the_control_and_nothing_else_of_a_calendar(market):
    first, second = build_calendar(market, 1), build_calendar(market, 2)
    assert (np.asarray(first.season) == np.asarray(second.season)).all()
    assert (np.asarray(first.control) != np.asarray(second.control)).all()
    assert (np.asarray(first.price) == np.asarray(second.price)).all() and first.before == second.before
