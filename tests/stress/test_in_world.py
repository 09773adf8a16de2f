"""Paths in a simulated world: without shocks they are replayed plans, and each shock is a cause of its own there."""

import dataclasses
import itertools
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from engine.config.loading import build, load
from engine.config.market import Market
from engine.config.shocks import Shock
from engine.errors import InputError
from engine.response.curves import Curves
from engine.simulate.history import historical_spend
from engine.simulate.journey import play
from engine.stress.in_world import TAIL, YEAR, ground, lived, unfelt, weather_of
from engine.stress.play import Paths
from engine.study.replay import Schedule, replay
from tests.stress.scenes import asked, set_up, surely, weekly

START, PAST, PERIODS = date(2027, 1, 4), 60, 26
BUDGET = "budget = { total = 60_000 }\n"
NAMES = ("post", "tv")  # of the plan; the market has them the other way round, and a third


def market(**changes):
    """Three channels of bought contacts, and no rivals unless changed."""
    reach = {"mechanic": "reach", "cost_per_contact": 0.02, "wear": 0.4, "audience": 0.6}
    effect = {"notice": 0.05, "consider": 0.1, "buy": 0.1}
    carry = {"half_life": 2.0, "slow_half_life": 10.0, "slow_share": 0.3}
    moves = ("notice", "consider", "buy", "reconsider", "praise", "leave", "quiet", "forget", "cool")
    plain = {
        "name": "Tiny",
        "currency": "USD",
        "start": START - timedelta(weeks=PAST),
        "population": 40_000.0,
        "in_market": 0.2,
        "noise": 0.05,
        "purchase": {"price": 9.0, "margin": 0.4, "repeat": 0.05},
        "segments": {"all": {"share": 1.0}},
        "control": {"name": "weather", "persistence": 0.7, "deviation": 0.2, "elasticity": -0.6},
        "journey": {**dict.fromkeys(moves, 0.1), "lose": 0.1, "win": 0.05},
        "channels": {
            name: {**reach, "effect": effect, "carry": carry, "history": {"mean": 800.0, "noise": 0.3}}
            for name in ("tv", "post", "radio")
        },
    }
    return build({**plain, **changes}, Market, "tiny")


RIVALS = {"pull": 2.0, "half_life": 5.0, "spending": {"mean": 3_000.0}}


def plan_for(names, text=BUDGET, seed=1):
    rng = np.random.default_rng(seed)
    held = Curves("USD", "revenue", "week", tuple(weekly(rng, name, 0.8) for name in names))
    return set_up(held, asked(text, periods=PERIODS, more=f", tail = {TAIL}"))[0]


@pytest.fixture(scope="module")
def place():
    return ground(market(), PAST, seed=2)


@pytest.fixture(scope="module")
def contested():
    """The same with rivals."""
    return ground(market(rivals=RIVALS), PAST, seed=2)


@pytest.fixture(scope="module")
def told():
    return plan_for(NAMES)


def some(count, first=0):
    return Paths(np.arange(first, first + count), np.arange(1))


def hit(kind, factor=None, **more):
    """A shock from the sixth week on."""
    begin = {"from": START + timedelta(weeks=5)}
    return Shock.model_validate({"kind": kind, **({} if factor is None else {"factor": factor}), **begin, **more})


def earned(told, place, *shocks, money=None):
    found = [surely(shock) for shock in shocks]
    return lived(told, place, found, some(1), told.money[None] if money is None else money)


def test_without_shocks_a_plan_earns_what_its_replay_earns(told, place):
    history = np.round(historical_spend(market(), place.world, PAST, 2), 2)
    spend = np.zeros((PERIODS, 3))
    spend[:, [1, 0]] = told.money
    schedule = Schedule(Path("plan.json"), "", "USD", START, NAMES, told.money, None)
    twin = replay(schedule, place.world, history, spend)
    quiet = earned(told, dataclasses.replace(place, going=np.zeros(3)))
    assert quiet.revenue.sum() == pytest.approx(twin.revenue, rel=1e-12)
    assert quiet.spent.sum() == pytest.approx(twin.spent, rel=1e-12)


def test_outcome_is_what_the_same_weeks_earn_beyond_those_without_the_plan(told, place):
    with_plan, without = np.zeros((2, PERIODS + TAIL, 3))
    with_plan[:PERIODS, [1, 0]] = told.money
    for weeks in (with_plan, without):
        weeks[PERIODS:] = historical_spend(market(), place.world, PAST, 2)[-YEAR:].mean(axis=0)
    twin = [np.asarray(play(place.world, weeks, place.state).revenue) for weeks in (with_plan, without)]
    found = earned(told, place)
    np.testing.assert_allclose(found.outcome[0], twin[0] - twin[1], rtol=1e-6)
    assert found.outcome[0].min() >= 0
    np.testing.assert_allclose(found.spent[0], told.money, rtol=1e-12)


def test_twice_the_money_at_twice_the_price_is_no_shock(told, place):
    money = told.money.copy()
    money[5:] *= 2
    dear = earned(told, place, hit("price", 2.0, until=START + timedelta(weeks=PERIODS)), money=money[None])
    np.testing.assert_allclose(dear.revenue, earned(told, place).revenue, rtol=1e-9)
    np.testing.assert_allclose(dear.without, earned(told, place).without, rtol=1e-12)


@pytest.mark.parametrize(
    ("kind", "harsher", "more"),
    [
        ("price", (1.0, 1.2, 2.0, 5.0), {}),
        ("price", (1.0, 1.2, 2.0, 5.0), {"channels": ["tv"], "recovery": 4, "until": date(2027, 4, 5)}),
        ("effectiveness", (1.0, 0.8, 0.3, 0.0), {"onset": 3}),
        ("curves", (1.0, 0.8, 0.3), {"channels": ["post"]}),
        ("demand", (1.0, 0.8, 0.3), {}),
        ("competitor", (1.0, 1.5, 4.0), {"elasticity": -0.1}),
    ],
)
def test_the_harsher_a_shock_the_less_is_earned(told, contested, kind, harsher, more):
    revenue = [earned(told, contested, hit(kind, factor, **more)).revenue[0] for factor in harsher]
    np.testing.assert_allclose(revenue[0], earned(told, contested).revenue[0], rtol=1e-12)
    for mild, harsh in itertools.pairwise(revenue):
        assert (harsh <= mild * (1 + 1e-12)).all()
        assert harsh.sum() < mild.sum()


def test_no_effect_at_all_leaves_the_plan_without_outcome(told, place):
    always = hit("effectiveness", 0.0, **{"from": START})
    np.testing.assert_allclose(earned(told, place, always).outcome, 0.0, atol=1e-9)


def test_a_plan_that_cannot_spend_brings_nothing(told, place):
    dark = earned(told, place, hit("outage"), money=0 * told.money[None])
    assert (dark.outcome == 0).all()
    assert (dark.spent == 0).all()


def test_a_season_that_comes_later_moves_demand_to_then(told, place):
    weeks = {"from": START + timedelta(weeks=4), "until": START + timedelta(weeks=8)}
    late = weather_of(told, place, [surely(hit("season", 2.0, shift=6, **weeks))], some(1))
    assert late.demand[0, [3, 4, 7, 8, 10, 13, 14]].tolist() == [1.0, 0.5, 0.5, 1.0, 2.0, 2.0, 1.0]
    assert (late.effect == 1).all()
    own = weather_of(told, place, [surely(hit("season", 2.0, shift=6, channels=["tv"], **weeks))], some(1))
    assert own.effect[0, 4].tolist() == [0.5, 1.0, 1.0]
    assert (own.demand == 1).all()


def test_a_rivals_money_is_moved_itself_whichever_channels_curves_say_it_hits(told, contested):
    shock = hit("competitor", 3.0, elasticity=-0.2, channels=["tv"])
    assert weather_of(told, contested, [surely(shock)], some(1)).rivals[0, [4, 5]].tolist() == [1.0, 3.0]


def test_shocks_without_rivals_or_sales_team_are_told_and_change_nothing(told, place, contested):
    shocks = (hit("competitor", 3.0, elasticity=-0.2, name="war"), hit("capacity", 0.5, name="leave"))
    assert unfelt(place.world, shocks) == ("war", "leave")
    assert unfelt(contested.world, shocks) == ("leave",)
    np.testing.assert_allclose(earned(told, place, *shocks).revenue, earned(told, place).revenue, rtol=1e-12)


def test_what_the_plan_reckons_with_is_met_unasked(place):
    text = BUDGET + '[[shocks]]\nkind = "price"\nfactor = 1.5\nfrom = 2027-02-01\nexpected = true\n'
    expecting = plan_for(NAMES, text)
    unasked = earned(expecting, place)
    asked_for = earned(expecting, place, *expecting.scenario.shocks)
    assert (unasked.revenue == asked_for.revenue).all()
    blind = dataclasses.replace(expecting, scenario=expecting.scenario.model_copy(update={"shocks": ()}))
    assert unasked.revenue.sum() < earned(blind, place).revenue.sum()


def test_many_paths_are_single_paths_whatever_piece_they_are_in(told):
    place = ground(market(), PAST, seed=2, lucks=2)
    luck = np.random.default_rng(4)
    factor, money = luck.uniform(0.5, 2.0, 6), told.money * luck.uniform(0.2, 2.0, (6, *told.money.shape))
    comes, later = luck.uniform(size=6) < 0.7, luck.integers(0, 9, 6)
    price, demand = hit("price", 1.0, channels=["tv"]), hit("demand", 1.0)

    def played(first, last):
        own = slice(first, last)
        found = [
            surely(price, comes=comes[own], factor=factor[own], later=later[own]),
            surely(demand, comes=~comes[own], factor=factor[own], later=later[own]),
        ]
        return lived(told, place, found, some(last - first, first), money[own])

    whole = played(0, 6)
    for name in ("revenue", "without", "spent"):
        pieces = [getattr(played(*ends), name) for ends in ((0, 1), (1, 5), (5, 6))]
        np.testing.assert_allclose(np.concatenate(pieces), getattr(whole, name), rtol=1e-13)
    own, other = (lived(told, place, [], some(1, number), told.money[None]).without for number in (0, 1))
    assert np.abs(own / other - 1).max() > 1e-3  # the market's luck differs


def test_fewer_people_who_sell_never_earn_more(root):
    firms = load(root / "configs" / "b2b_software.toml", Market)
    firms = firms.model_copy(update={"start": START - timedelta(weeks=PAST)})
    place = ground(firms, PAST, seed=1)
    told = plan_for(tuple(firms.channels), "budget = { total = 6_000_000 }\n")
    told = dataclasses.replace(told, money=np.tile(place.going, (PERIODS, 1)))
    teams = [earned(told, place, hit("capacity", factor)) for factor in (1.5, 1.0, 0.8, 0.5, 0.2)]
    revenue = np.array([team.revenue[0] for team in teams])
    assert (np.diff(np.cumsum(revenue, axis=1), axis=0) <= 1e-9 * revenue.sum()).all()
    assert (np.diff(revenue[1:].sum(axis=1)) < 0).all()
    assert teams[-1].outcome.sum() < teams[1].outcome.sum()  # what more leads are worth that few can attend to


def test_a_plan_that_is_a_year_like_any_other_gets_a_tail(place):
    held = Curves("USD", "revenue", "week", tuple(weekly(np.random.default_rng(1), name, 0.8) for name in NAMES))
    cycle = set_up(held, asked(BUDGET, periods=PERIODS, decide="horizon"))[0]
    assert cycle.rows == PERIODS
    assert earned(cycle, place).revenue.shape == (1, PERIODS + TAIL)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"currency": "EUR"}, "the plan is in EUR, the market Tiny in USD"),
        ({"outcome": "orders"}, "the plan counts orders, but a world tells its revenue"),
        ({"period": "month"}, "the plan is by month, but a simulated world turns by the week"),
        ({"channels": ("tv", "cinema")}, "no channel 'cinema' \\(it has tv, post, radio\\)"),
    ],
)
def test_a_plan_that_does_not_fit_the_world_is_refused(told, place, change, says):
    if "channels" in change:
        change = {"channels": tuple(weekly(np.random.default_rng(1), name, 0.8) for name in change["channels"])}
    other = dataclasses.replace(told, curves=dataclasses.replace(told.curves, **change))
    with pytest.raises(InputError, match=says):
        earned(other, place)


def test_a_plan_that_starts_elsewhere_is_refused(told):
    with pytest.raises(InputError, match="starts on 2027-01-04, the history of Tiny ends on 2026-12-28"):
        earned(told, ground(market(), PAST - 1))
