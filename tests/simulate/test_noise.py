"""Linear noise: laws, closed forms, a twin that leaves nothing out, and people drawn by lot."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.flatten_util import ravel_pytree

from engine.config.loading import build
from engine.config.market import Market
from engine.errors import InputError, UntrustworthyError
from engine.simulate import noise as module
from engine.simulate.agents import simulate_agents
from engine.simulate.journey import advance, expose, money_each, run
from engine.simulate.noise import bands, noise
from engine.simulate.stages import BUSINESS, CONSUMER
from engine.simulate.world import build_world
from tests.simulate.lots import by_lot, lot, moments, one_week, whole

WEEKS, LONG = 8, 30
PEOPLE = 2_000
RUNS = 1_500
PRICE = 30.0


@pytest.fixture(scope="module")
def consumers(small):
    return build_world(build(small(), Market, "small"), seed=1)


@pytest.fixture(scope="module")
def firms(small):
    """Everything by which people feel each other: talk, searches with a bid, rivals, a busy sales team."""
    market = small(ladder="business", rivals={"spending": {"mean": 9_000.0}, "pull": 2.0})
    market["journey"] |= {"qualify": 0.4, "accept": 0.3, "propose": 0.4, "reject": 0.1, "stall": 0.1, "buy": 0.3}
    market["journey"] |= {"lose": 0.2, "win": 0.1}
    market["sales"] = {"reps": 20.0, "load": 50.0, "patience": 4.0}
    market["channels"]["search"]["highest_bid"] = 0.44
    return build_world(build(market, Market, "firms"), seed=1)


@pytest.fixture(scope="module", params=["consumers", "firms"])
def world(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def spend():
    plan = np.random.default_rng(5).uniform(500, 3_000, (WEEKS, 7))
    plan[:, 2] += 4_000
    return plan


@pytest.fixture(scope="module")
def still(bare):
    """Nobody moves, nobody buys; 100,000 people."""
    world = build_world(build(bare(), Market, "still"))
    hazards = dataclasses.replace(world.hazards, base=jnp.zeros_like(world.hazards.base))
    return dataclasses.replace(world, hazards=hazards)


def living(world, stage, **rates):
    """A still world with everybody in one stage, and some hazards."""
    base = np.zeros((1, len(CONSUMER.events)))
    for event, rate in rates.items():
        base[0, CONSUMER.event(event)] = rate
    people = np.zeros((1, len(CONSUMER.stages)))
    people[0, CONSUMER.stage(stage)] = 1.0
    return changed(world, base, people)


def changed(world, base, people):
    hazards = dataclasses.replace(world.hazards, base=jnp.asarray(base))
    start = dataclasses.replace(world.start, people=jnp.asarray(people))
    return dataclasses.replace(world, hazards=hazards, start=start)


NOTHING = np.zeros((LONG, 1))


@pytest.mark.parametrize("people", [400, 100_000])
def test_people_of_one_move_are_binomial_after_any_number_of_weeks(still, people):
    told = noise(living(still, "unaware", notice=0.07), NOTHING, people=people)
    moved = 1 - np.exp(-0.07 * np.arange(1, LONG + 1))
    expected = 100_000 * np.sqrt(moved * (1 - moved) / people)
    assert told.people[:, 0, CONSUMER.stage("aware")] == pytest.approx(expected, rel=1e-12)
    assert told.people[:, 0, CONSUMER.stage("unaware")] == pytest.approx(expected, rel=1e-12)
    assert (told.weekly.revenue == 0).all()


def test_further_purchases_alone_are_poisson_by_week_and_in_total(still):
    told = noise(living(still, "customer", repeat=0.3), NOTHING)
    weekly = PRICE * np.sqrt(100_000 * 0.3)
    assert told.weekly.revenue == pytest.approx(weekly, rel=1e-12)
    assert told.total.revenue == pytest.approx(weekly * np.sqrt(LONG), rel=1e-12)
    assert told.total.customers == 0
    assert (told.people == 0).all()


def test_advocates_buy_as_much_more_often_as_the_world_says(still):
    told = noise(living(still, "advocate", repeat=0.3), NOTHING)
    assert told.weekly.revenue == pytest.approx(PRICE * np.sqrt(100_000 * 0.3 * 1.5), rel=1e-12)


def test_all_first_purchases_of_a_window_are_binomial_in_total(still):
    told = noise(living(still, "considering", buy=0.05), NOTHING)
    left = np.exp(-0.05 * np.arange(LONG + 1))
    bought = left[:-1] - left[1:]
    assert told.weekly.customers == pytest.approx(np.sqrt(100_000 * bought * (1 - bought)), rel=1e-12)
    assert told.total.customers == pytest.approx(np.sqrt(100_000 * left[-1] * (1 - left[-1])), rel=1e-12)
    assert told.total.revenue == pytest.approx(PRICE * told.total.customers, rel=1e-12)


COUNT = len(CONSUMER.events)
rates = st.lists(st.floats(0, 3) | st.just(0.0) | st.floats(0, 1e-150), min_size=COUNT, max_size=COUNT)


@settings(max_examples=40)
@given(rates, st.integers(0, 2**32 - 1))
def test_people_who_do_not_feel_each_other_vary_as_one_person_does_times_their_number(still, hazards, seed):
    share = np.random.default_rng(seed).dirichlet(np.full(len(CONSUMER.stages), 0.5))
    told = noise(changed(still, np.array([hazards]), share[None]), NOTHING, people=PEOPLE)
    each = 100_000 / PEOPLE
    mean, variance = moments(hazards, LONG)
    assert told.expected.revenue.sum() == pytest.approx(PRICE * 100_000 * share @ mean, rel=1e-9, abs=1e-9)
    expected = PRICE * each * np.sqrt(PEOPLE * share @ variance)
    assert told.total.revenue == pytest.approx(expected, rel=1e-8, abs=1e-3)
    later = np.linalg.matrix_power(one_week(hazards)[0], LONG)
    spread = np.diag(share @ later) - np.einsum("s,si,sj->ij", share, later, later)
    scale = each**2 * PEOPLE
    assert told.covariance[-1] == pytest.approx(scale * spread, rel=1e-9, abs=scale * 1e-13)


def test_where_nothing_moves_nothing_varies(still):
    told = noise(living(still, "customer"), NOTHING)
    figures = (told.people, told.covariance, *told.weekly, *told.total)
    assert all((np.asarray(figure) == 0).all() for figure in figures)


def test_money_varies_only_where_bids_depend_on_people(consumers, firms, spend):
    assert noise(consumers, spend).total.spent == 0
    assert noise(firms, spend).total.spent > 0


def test_the_mean_is_the_mean_field(world, spend):
    told, field = noise(world, spend), run(world, jnp.asarray(spend))
    assert np.asarray(told.mean.revenue) == pytest.approx(np.asarray(field.revenue), rel=1e-14)
    assert np.asarray(told.mean.people) == pytest.approx(np.asarray(field.people), rel=1e-14)
    assert np.asarray(told.expected.revenue) == pytest.approx(np.asarray(field.revenue), rel=1e-14)
    assert told.expected.spent == pytest.approx(np.asarray(field.spent).sum(axis=1), rel=1e-14)
    assert np.asarray(told.mean.end.memory) == pytest.approx(np.asarray(field.end.memory), rel=1e-14)


def test_no_segment_gains_or_loses_people_by_luck(world, spend):
    told = noise(world, spend)
    shape = np.asarray(world.start.people).shape
    sums = told.covariance.reshape(WEEKS, *shape, -1).sum(axis=2)
    assert np.abs(sums).max() <= 1e-12 * told.covariance.max()


def test_covariances_are_symmetric_and_of_no_negative_variance(world, spend):
    covariance = noise(world, spend).covariance
    assert (covariance == covariance.transpose(0, 2, 1)).all()
    least = np.linalg.eigvalsh(covariance)
    assert (least[:, 0] >= -1e-12 * least[:, -1]).all()
    assert (least[:, -1] > 0).all()


def test_variances_fall_with_the_number_of_people_exactly(world, spend):
    few, many = (noise(world, spend, people=people) for people in (1_000, 64_000))
    assert (few.covariance == 64 * many.covariance).all()
    for one, other in ((few.weekly, many.weekly), (few.total, many.total)):
        assert (np.asarray(one) == 8 * np.asarray(other)).all()


def test_people_are_the_population_unless_told(consumers, spend):
    assert noise(consumers, spend).persons == 100_000
    assert noise(consumers, spend).total == noise(consumers, spend, people=100_000).total


def test_a_twin_that_leaves_nothing_out_agrees(world, spend, monkeypatch):
    """S' = J S J' + M Q M' over all floats of the state, none left out as sure, week by week in plain loops.

    Told is the noise of two blocks of weeks, the second of which goes on from the first.
    """
    now, stages, events = world.start, len(world.ladder.stages), len(world.ladder.events)
    flat, unravel = ravel_pytree(eqx.filter(now, eqx.is_inexact_array))
    figures, covariance = jnp.append(flat, 0.0), np.zeros((flat.size + 1, flat.size + 1))

    @jax.jit
    @jax.jacfwd
    def slopes(figures, number, money):
        return week(figures, number, money)

    @jax.jit
    def look(figures, number, money):
        state = dataclasses.replace(eqx.combine(unravel(figures[:-1]), now), week=number)
        return week(figures, number, money), expose(world, state, money).hazard.sum(axis=0), money_each(world, number)

    def week(figures, number, money):
        state = dataclasses.replace(eqx.combine(unravel(figures[:-1]), now), week=number)
        after, told = advance(world, state, money)
        return jnp.append(ravel_pytree(eqx.filter(after, eqx.is_inexact_array))[0], figures[-1] + told.revenue)

    monkeypatch.setattr(module, "BLOCK", WEEKS)
    plan = np.concatenate([spend, spend[::-1]])
    told = noise(world, plan)
    for number, money in enumerate(jnp.asarray(plan)):
        after, hazard, each = look(figures, jnp.array(number), money)
        slope = np.asarray(slopes(figures, jnp.array(number), money))
        covariance = slope @ covariance @ slope.T
        for segment in range(len(world.segments)):
            there = np.asarray(figures)[segment * stages : (segment + 1) * stages]
            adds = np.zeros((flat.size + 1, events))
            adds[segment * stages : (segment + 1) * stages, :-1] = world.ladder.change.T
            adds[-1, [world.ladder.event("buy"), events - 1]] = each[segment] * world.population
            covariance += adds @ lot(world, np.asarray(hazard)[segment], there) @ adds.T
        figures = after
        people = covariance[: len(world.segments) * stages, : len(world.segments) * stages] * float(world.population)
        assert told.covariance[number] == pytest.approx(people, rel=1e-8, abs=1e-11 * people.max())
    assert told.total.revenue == pytest.approx(np.sqrt(covariance[-1, -1] / float(world.population)), rel=1e-10)


def off(samples, expected):
    """How many standard errors the samples' standard deviation lies from what is expected, entry by entry."""
    apart = samples - samples.mean(axis=0)
    variance = (apart**2).mean(axis=0)
    varies = variance > (1e-9 * samples.mean(axis=0)) ** 2
    assert (np.asarray(expected)[~varies] <= 1e-9 * samples.mean(axis=0)[~varies]).all()
    peaked = (apart**4).mean(axis=0)[varies] / variance[varies] ** 2
    error = np.sqrt(variance[varies] * (peaked - 1) / (4 * len(samples)))
    return (np.sqrt(variance[varies]) - np.asarray(expected)[varies]) / error


@pytest.mark.parametrize(("market", "people"), [("consumers", 2_000), ("firms", 20_000)])
def test_people_drawn_by_lot_vary_as_told(market, people, spend, request):
    """Firms are more, so that their sales team is never idle: that would be a kink."""
    world = request.getfixturevalue(market)
    told = noise(world, spend, whole(world, people)[1], people=people)
    lots = by_lot(world, spend, people, RUNS, seed=11)
    names = ("revenue", "customers", "spent")
    totals = [off(lots[name].sum(axis=1), getattr(told.total, name)) for name in names]
    assert (np.abs(np.concatenate([np.ravel(total) for total in totals])) < 3).all()
    each = [off(lots[name], getattr(told.weekly, name)) for name in names] + [off(lots["people"], told.people)]
    apart = np.concatenate([part.ravel() for part in each])
    assert len(apart) > 2 * WEEKS
    assert np.abs(apart).max() < 4.5  # of some 200 figures, each within 3 but for a few in a thousand
    assert (np.abs(apart) < 3).mean() > 0.98
    assert np.sqrt((apart**2).mean()) < 1.5


def test_agents_vary_as_told(consumers, spend):
    start, runs = whole(consumers, PEOPLE)[1], 60
    told = noise(consumers, spend, start, people=PEOPLE)
    lots = [simulate_agents(consumers, spend, PEOPLE, seed, start).told for seed in range(runs)]
    revenue = np.array([np.asarray(lot.revenue) for lot in lots])
    fresh = np.array([lot.flows[:, :, CONSUMER.event("buy")].sum() for lot in lots])
    people = np.array([lot.people[-1, :, : CONSUMER.stage("rival")].ravel() for lot in lots])
    expected = [told.weekly.revenue, told.people[-1, :, : CONSUMER.stage("rival")].ravel()]
    seen = np.column_stack([revenue.sum(axis=1), fresh, revenue, people])
    ratio = seen.std(axis=0, ddof=1) / np.concatenate([[told.total.revenue, told.total.customers], *expected])
    apart = (ratio - 1) * np.sqrt(2 * (runs - 1))
    assert (np.abs(apart[:2]) < 3).all()
    assert (np.abs(apart) < 3.5).all()
    assert np.sqrt((apart**2).mean()) < 1.5
    error = told.total.revenue / np.sqrt(runs)
    assert abs(seen[:, 0].mean() - told.expected.revenue.sum()) < 4 * error


@pytest.mark.parametrize("stage", CONSUMER.stages)
def test_empty_stages_and_figures_near_nothing_have_their_noise(consumers, spend, stage):
    """All people in one stage; of some figures next to nothing is left, whose square is no number."""
    people = np.zeros_like(np.asarray(consumers.start.people))
    people[:, CONSUMER.stage(stage)] = [0.4, 0.6]
    people[:, CONSUMER.stage("considering")] += 1e-200
    start = dataclasses.replace(
        consumers.start,
        people=jnp.asarray(people),
        memory=jnp.full_like(consumers.start.memory, 1e-200),
        goodwill=jnp.full_like(consumers.start.goodwill, 1e-300),
        stocks=tuple(jnp.zeros_like(stock) for stock in consumers.start.stocks),
    )
    told = noise(consumers, 0 * spend, start)
    assert (told.people >= 0).all() and told.total.revenue >= 0
    assert (told.people[-1].max() > 0) == (stage != "rival")  # whom nobody wins back in this market


def test_bands_hold_the_share_they_name(consumers, spend):
    told = noise(consumers, spend, people=PEOPLE)
    band = bands(told, 0.9)
    low, high = band.total.revenue
    assert (high - low) / 2 == pytest.approx(1.6448536269514722 * told.total.revenue, rel=1e-12)
    assert (high + low) / 2 == pytest.approx(told.expected.revenue.sum(), rel=1e-12)
    lots = by_lot(consumers, spend, PEOPLE, RUNS, seed=12)
    inside = (band.weekly.revenue[0] <= lots["revenue"]) & (lots["revenue"] <= band.weekly.revenue[1])
    assert inside.mean() == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / RUNS))


def test_bands_do_not_fall_below_nothing(still):
    band = bands(noise(living(still, "unaware", notice=0.01), NOTHING, people=3), 0.99)
    assert (band.people[0] >= 0).all()
    assert (band.people[0, :, 0, CONSUMER.stage("aware")] == 0).all()
    assert (band.people[1] >= band.people[0]).all()


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 90.0, float("nan")])
def test_bands_of_no_share_are_refused(still, level):
    with pytest.raises(InputError, match=r"bands at the level .* ask for a level between 0 and 1"):
        bands(noise(living(still, "unaware"), NOTHING), level)


@pytest.mark.parametrize(
    ("plan", "people", "told"),
    [
        (np.zeros((4, 2)), 10, r"market Small: spend has the shape \(4, 2\); write a week or more by 1 channels"),
        (np.zeros((0, 1)), 10, r"spend has the shape \(0, 1\)"),
        (np.array([[-1.0]]), 10, r"spend holds -1; write finite money of at least 0"),
        (np.array([[np.nan]]), 10, r"spend holds nan"),
        (np.zeros((4, 1)), 0, r"noise of 0 people is asked for; ask for at least 1"),
        (np.zeros((4, 1)), float("inf"), r"noise of inf people"),
        (np.zeros((1_197, 1)), 10, r"1197 weeks are asked for, but a simulated world holds 1196"),
    ],
)
def test_what_makes_no_sense_is_refused(still, plan, people, told):
    with pytest.raises(InputError, match=told):
        noise(still, plan, people=people)


def test_a_noise_that_is_no_number_is_refused(still):
    world = living(still, "unaware", notice=float("nan"))
    with pytest.raises(UntrustworthyError, match=r"market Small: the linear noise of week 1 is not a number"):
        noise(world, NOTHING)


def test_the_ladder_of_firms_is_tested_too(firms):
    assert firms.ladder is BUSINESS and firms.sales is not None and firms.rivals is not None
    waiting = float(firms.start.people[:, BUSINESS.stage("opportunity")].sum() * firms.population)
    assert waiting > 1.5 * float(firms.sales.slots)
