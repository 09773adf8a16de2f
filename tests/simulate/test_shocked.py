"""Shocked worlds against twins: markets that are written as they become, and plain runs one after the other."""

import dataclasses

import jax
import numpy as np
import pytest

from engine.config.loading import build
from engine.config.market import Market
from engine.errors import InputError
from engine.simulate.journey import play
from engine.simulate.mechanics import STEPS
from engine.simulate.shocked import BATCH, PRICES, SPAN, Weather, earned, fair
from engine.simulate.world import AHEAD, build_calendar, build_world

WEEKS, CHANNELS = SPAN + 9, 7
FROM = 11  # the first week of a shock
COMPILED = "/jax/core/compile/backend_compile_duration"


@pytest.fixture(scope="module")
def written(business):
    """A market with every mechanic, rivals and a sales team, with something changed."""

    def market(**changes):
        plain = business(**changes)
        plain["channels"]["search"]["highest_bid"] = 0.6
        return plain

    return market


@pytest.fixture(scope="module")
def world(written):
    return build_world(build(written(), Market, "w"), seed=3)


@pytest.fixture(scope="module")
def begin(world):
    """Some weeks after the start, so that weeks of the calendar are not those of the plan."""
    return play(world, np.full((5, CHANNELS), 900.0)).end


@pytest.fixture(scope="module")
def plans():
    return np.random.default_rng(1).uniform(0, 2_500, (3, WEEKS, CHANNELS))


def from_then(factor, *more):
    """A multiple that is 1 before the shock."""
    level = np.ones((1, WEEKS, *more))
    level[:, FROM:] = factor
    return level


def weather(paths=1, **levels):
    return dataclasses.replace(fair(paths, WEEKS, CHANNELS), **levels)


def in_turn(before, after, begin, plan):
    """Revenue and money spent in one world until the shock, and then in another."""
    first = play(before, plan[:FROM], begin)
    then = play(after, plan[FROM:], first.end)
    return [np.concatenate([getattr(first, name), getattr(then, name)]) for name in ("revenue", "spent")]


def same(told, twin):
    np.testing.assert_allclose(told.revenue[0], twin[0], rtol=1e-12)
    np.testing.assert_allclose(told.spent[0], twin[1], rtol=1e-12, atol=1e-9)


def test_fair_weather_changes_nothing(world, begin, plans):
    told = earned(world, begin, plans, weather(3))
    for path, plan in enumerate(plans):
        plain = play(world, plan, begin)
        np.testing.assert_allclose(told.revenue[path], plain.revenue, rtol=1e-12)
        np.testing.assert_allclose(told.spent[path], plain.spent, rtol=1e-12, atol=1e-9)


def test_a_price_is_that_of_a_market_in_which_everything_costs_so_much(world, written, begin, plans):
    dear = written()
    for channel in dear["channels"].values():
        channel |= {name: 1.3 * value for name, value in channel.items() if name.startswith("cost_per_")}
    media = build_world(build(dear, Market, "dear"), seed=3).media
    told = earned(world, begin, plans[:1], weather(contacts=from_then(1 / 1.3, CHANNELS)))
    same(told, in_turn(world, dataclasses.replace(world, media=media), begin, plans[0]))


def test_an_effect_is_that_of_a_market_in_which_contacts_do_so_much(world, written, begin, plans):
    weak, factor = written(), np.linspace(0.4, 1.0, CHANNELS)
    for each, channel in zip(factor, weak["channels"].values(), strict=True):
        channel["effect"] = {name: each * value for name, value in channel["effect"].items()}
    hazards = build_world(build(weak, Market, "weak"), seed=3).hazards
    told = earned(world, begin, plans[:1], weather(effect=from_then(factor, CHANNELS)))
    same(told, in_turn(world, dataclasses.replace(world, hazards=hazards), begin, plans[0]))


def test_slots_are_those_of_a_smaller_team(world, written, begin, plans):
    small = build_world(build(written(sales={"reps": 10.0, "load": 12.5, "patience": 6.0}), Market, "few"), seed=3)
    told = earned(world, begin, plans[:1], weather(slots=from_then(0.25)))
    twin = in_turn(world, dataclasses.replace(world, sales=small.sales), begin, plans[0])
    same(told, twin)
    assert twin[0].sum() < play(world, plans[0], begin).revenue.sum()


@pytest.mark.parametrize("name", ["demand", "rivals"])
def test_what_nobody_decides_is_that_of_another_calendar(world, begin, plans, name):
    series = np.array(getattr(world.calendar, name))
    series[world.calendar.before + int(begin.week) + FROM :] *= 1.7
    other = dataclasses.replace(world, calendar=dataclasses.replace(world.calendar, **{name: series}))
    told = earned(world, begin, plans[:1], weather(**{name: from_then(1.7)}))
    same(told, in_turn(other, other, begin, plans[0]))


def test_paths_have_the_luck_of_their_calendar(world, written, begin, plans):
    calendars = tuple(build_calendar(build(written(), Market, "w"), seed) for seed in (3, 8))
    told = earned(world, begin, plans[:1], weather(luck=np.array([0, 1, 0])), calendars)
    for path, one in enumerate((*calendars, calendars[0])):
        plain = play(dataclasses.replace(world, calendar=one), plans[0], begin)
        np.testing.assert_allclose(told.revenue[path], plain.revenue, rtol=1e-12)
    assert np.abs(told.revenue[0] / told.revenue[1] - 1).max() > 0.01


def many(paths, weeks=WEEKS):
    """Paths on which everything differs."""
    luck = np.random.default_rng(7)
    each, channels = (paths, weeks), (paths, weeks, CHANNELS)
    levels = [luck.uniform(0.5, 2.0, size) for size in (channels, channels, each, each, each)]
    return luck.uniform(0, 2_000, channels), Weather(*levels, np.zeros(paths, int))


def chosen(weather, some):
    return Weather(*(getattr(weather, field.name)[some] for field in dataclasses.fields(weather)))


def test_a_path_hangs_on_no_path_beside_it(world, begin):
    plans, every = many(BATCH + 5)
    told = earned(world, begin, plans, every)
    for some in ([0], [BATCH - 1, BATCH + 4], [BATCH, 3, 3]):
        alone = earned(world, begin, plans[some], chosen(every, some))
        np.testing.assert_allclose(alone.revenue, told.revenue[some], rtol=1e-13)
        np.testing.assert_allclose(alone.spent, told.spent[some], rtol=1e-13)


def test_any_number_of_paths_and_weeks_compiles_one_program(world, begin):
    earned(world, begin, *many(2))
    seen = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, *_, **__: seen.append(event) if event == COMPILED else None
    )
    earned(world, begin, *many(BATCH + 1, weeks=3 * SPAN + 1))
    assert not seen


def test_a_price_above_the_highest_bid_buys_no_click_and_sends_no_bill(world, begin, plans):
    search = world.channels.index("search")
    told = earned(world, begin, plans[:1], weather(contacts=from_then(0.01, CHANNELS)))
    assert (told.spent[0, :FROM, search] > 0).any()
    assert (told.spent[0, FROM:, search] == 0).all()


def test_every_cost_of_every_mechanic_has_its_price():
    assert set(PRICES) == set(STEPS)
    for mechanic, names in PRICES.items():
        costs = {field.name for field in dataclasses.fields(mechanic) if field.name.startswith("cost_per_")}
        assert costs == set(names)


def test_a_plan_beyond_the_calendar_is_refused(world, begin):
    with pytest.raises(InputError, match=f"{AHEAD + 1} weeks are asked for"):
        weeks = AHEAD + 1 - int(begin.week)
        earned(world, begin, np.zeros((1, weeks, CHANNELS)), fair(1, weeks, CHANNELS))


def test_paths_that_are_alike_come_back_in_their_places(world, begin):
    plans, every = many(4)
    again = np.array([2, 0, 2, 3, 0, 1])
    told = earned(world, begin, plans[again], chosen(every, again))
    assert (told.revenue == np.asarray(earned(world, begin, plans, every).revenue)[again]).all()
