"""Past spend: the luck is keyed, the means are right, and spend that follows unseen demand misleads."""

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


SELLING = {"notice": 0.03, "consider": 0.3, "buy": 0.8, "reconsider": 0.3, "leave": 0.1, "forget": 0.04, "cool": 0.12}
RIVAL = {"name": "mood", "persistence": 0.8, "deviation": 0.2, "elasticity": 1.0}


def naive(bare, share, hidden, seed):
    """The return that a regression finds for a channel that nobody hears, and how its spend goes with demand."""
    history = {"mean": 1_000.0, "noise": 0.2}
    channels = {"tv": {"mechanic": "reach", "cost_per_contact": 1.0, "effect": {}, "history": history}}
    journey = {**dict.fromkeys(bare()["journey"], 0.0), **SELLING}
    rest = {"channels": channels, "control": {**RIVAL, "hidden": hidden}, "in_market": 0.2}
    market = build(bare(journey=journey, demand_following=share, **rest), Market, "bare")
    world = build_world(market, seed)
    spend = historical_spend(market, world, WEEKS, seed)
    data = observe(market, world, play(world, spend), spend, seed)
    columns = np.column_stack([data.spend[:, 0], data.controls[:, 0], np.ones(WEEKS)])
    demand = np.asarray(world.calendar.demand)[world.calendar.before :][:WEEKS]
    return np.linalg.lstsq(columns, data.outcome[:, 0], rcond=None)[0][0], np.corrcoef(spend[:, 0], demand)[0, 1]


def test_spend_that_follows_what_nobody_sees_looks_as_if_it_worked_the_more_so_the_more_it_follows(bare):
    told = np.array([[naive(bare, share, True, seed) for seed in range(8)] for share in (0.0, 0.4, 0.9)])
    slope, together = told.mean(axis=1).T
    error = told[:, :, 0].std(axis=1, ddof=1) / np.sqrt(8)
    assert abs(slope[0]) < 3 * error[0] and abs(together[0]) < 0.15  # the truth is that nobody hears of it
    assert slope[1] > 5 * error[1] and slope[2] > slope[1] + 3 * error[1]
    assert together[2] > together[1] + 0.1 > 0.3


def test_a_regression_that_sees_the_control_is_not_misled_by_spend_that_follows_it(bare):
    seen, hidden = (np.array([naive(bare, 0.9, unseen, seed)[0] for seed in range(8)]) for unseen in (False, True))
    assert abs(seen.mean()) < 0.1 * hidden.mean()


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


def test_a_history_longer_than_a_world_is_refused(market, world):
    with pytest.raises(InputError, match=f"a simulated world holds {AHEAD}; ask for fewer weeks"):
        historical_spend(market, world, AHEAD + 1, 1)


def test_the_seed_moves_the_control_and_nothing_else_of_a_calendar(market):
    first, second = build_calendar(market, 1), build_calendar(market, 2)
    assert (np.asarray(first.season) == np.asarray(second.season)).all()
    assert (np.asarray(first.control) != np.asarray(second.control)).all()
    assert (np.asarray(first.price) == np.asarray(second.price)).all() and first.before == second.before


@pytest.mark.parametrize(("week", "weeks"), [(1, 1), (30, 5), (52, 3), (50, 10)])
def test_a_promotion_lasts_its_weeks_in_every_year(small, week, weeks):
    written = small(promotions={"sale": {"week": week, "weeks": weeks, "discount": 0.2}})
    price = np.asarray(build_calendar(build(written, Market, "small"), 0).price)[60:-60]
    runs = price < 1
    begins, ends = (np.flatnonzero(np.diff(runs.astype(int)) == step) for step in (1, -1))
    ends = ends[ends > begins[0]]
    lengths = ends - begins[: ends.size]
    assert (lengths == weeks).all() and lengths.size > 25
