"""The truth against plain runs of the world, one by one."""

import dataclasses
from itertools import permutations

import jax.numpy as jnp
import numpy as np
import pytest

from engine.config.loading import build
from engine.config.market import Market
from engine.errors import InputError
from engine.simulate import coalitions
from engine.simulate.batch import BATCH, play_all
from engine.simulate.journey import run
from engine.simulate.truth import HORIZON, TAIL, truth
from engine.simulate.world import build_world

WEEKS = 30
IDLE = 4  # the channel without money
BOTH = ("in_window", "with_tail")


@pytest.fixture(scope="module")
def world(small):
    return build_world(build(small(), Market, "small"), seed=1)


@pytest.fixture(scope="module")
def capped(world):
    """The same world, in which searchers are few and no bid is above twice the first click's price."""
    mechanics = tuple(
        dataclasses.replace(record, highest_bid=2 * record.cost_per_click) if hasattr(record, "highest_bid") else record
        for record in world.media.mechanics
    )
    return dataclasses.replace(world, media=dataclasses.replace(world.media, mechanics=mechanics))


@pytest.fixture(scope="module")
def spend():
    plan = np.random.default_rng(5).uniform(0, 3_000, (WEEKS, 7))
    plan[:, IDLE] = 0
    return plan


@pytest.fixture(scope="module")
def known(world, spend):
    return truth(world, spend)


@pytest.fixture(scope="module")
def limited(capped, spend):
    return truth(capped, spend)


def total(world, plan, state=None):
    return float(run(world, jnp.asarray(plan), state).revenue.sum())


def sums(world, plan, horizon, tail):
    """Revenue, money really spent and new customers of a run with its tail, up to a horizon."""
    told = run(world, jnp.concatenate([jnp.asarray(plan), jnp.broadcast_to(tail, (TAIL, 7))]))
    weeks = WEEKS if horizon == "in_window" else WEEKS + TAIL
    won = told.flows[:weeks, :, world.ladder.event("buy")].sum()
    return np.array([float(told.revenue[:weeks].sum()), float(told.spent[:weeks].sum()), float(won)])


def only(spend, *channels):
    return spend * np.isin(np.arange(7), channels)


def without(spend, channel):
    return spend * (np.arange(7) != channel)


def test_incremental_revenue_is_a_run_less_the_run_without_the_channel(world, spend, known):
    assert known.revenue == pytest.approx(total(world, spend), rel=1e-12)
    assert known.baseline == pytest.approx(total(world, 0 * spend), rel=1e-12)
    for channel in (0, 2, 6):
        lost = known.revenue - total(world, without(spend, channel))
        assert known.incremental[channel] == pytest.approx(lost, rel=1e-8)
        assert known.roas[channel] == pytest.approx(lost / spend[:, channel].sum(), rel=1e-8)


@pytest.mark.parametrize("horizon", BOTH)
def test_every_figure_of_a_horizon_is_a_difference_of_runs_that_share_their_tail(world, spend, known, horizon):
    told, mean = getattr(known, horizon), spend.mean(axis=0)
    everything, nothing = (sums(world, plan, horizon, mean) for plan in (spend, 0 * spend))
    assert (told.revenue, told.spent, told.won) == pytest.approx(tuple(everything), rel=1e-12)
    assert told.baseline == pytest.approx(nothing[0], rel=1e-12)
    for channel in (1, 6):
        gone = everything - sums(world, without(spend, channel), horizon, mean)
        came = sums(world, only(spend, channel), horizon, mean) - nothing
        for change, true in ((told.leave_one_out, gone), (told.add_one_in, came)):
            assert [column[channel] for column in change] == pytest.approx(true, rel=1e-7)
            assert change.roas[channel] == pytest.approx(true[0] / true[1], rel=1e-7)
            assert change.cac[channel] == pytest.approx(true[1] / true[2], rel=1e-7)


@pytest.mark.parametrize("horizon", BOTH)
def test_estimands_add_up(known, horizon):
    told = getattr(known, horizon)
    gain = told.revenue - told.baseline
    assert told.shapley.revenue.sum() == pytest.approx(gain, rel=1e-9)
    assert told.leave_one_out.revenue.sum() + told.interaction == pytest.approx(gain, rel=1e-12)
    assert told.interaction != pytest.approx(0, abs=1e-6 * gain)


def test_shapley_values_are_the_mean_over_all_orders_of_adding_channels(world, spend):
    three = only(spend, 0, 2, 5)
    told, gains = truth(world, three), np.zeros(7)
    for order in permutations((0, 2, 5)):
        worth = [total(world, only(three, *order[:size])) for size in range(4)]
        gains[list(order)] += np.diff(worth) / 6
    assert told.in_window.shapley.revenue == pytest.approx(gains, rel=1e-8)
    assert (told.in_window.shapley.revenue[[1, 3, 4, 6]] == 0).all()


def test_a_tail_of_no_weeks_is_the_window(world, spend):
    told = truth(world, spend, tail=0)
    for one, other in zip(told.in_window, told.with_tail, strict=True):
        assert np.array_equal(one, other)


def test_nothing_spent_does_exactly_nothing_and_has_no_roas(known):
    for told in (known.in_window, known.with_tail):
        for change in (told.leave_one_out, told.add_one_in, told.shapley, told.marginal):
            assert [column[IDLE] for column in change] == [0, 0, 0]
            assert np.isnan(change.roas[IDLE]) and np.isnan(change.cac[IDLE])
    assert (known.steady.revenue[:, IDLE] == 0).all() and (known.pulse.spent[:, IDLE] == 0).all()


@pytest.mark.parametrize("horizon", BOTH)
def test_marginal_roas_is_the_central_difference_of_revenue_over_that_of_money_spent(capped, spend, limited, horizon):
    mean = spend.mean(axis=0)
    for channel in (0, 3, 5):
        more, less = (
            sums(capped, spend * (1 + size * (np.arange(7) == channel)), horizon, mean) for size in (1e-4, -1e-4)
        )
        slope = (more - less) / (2e-4 * spend[:, channel].sum())
        marginal = getattr(limited, horizon).marginal
        assert [column[channel] for column in marginal] == pytest.approx(slope, rel=1e-5)
        assert marginal.roas[channel] == pytest.approx(slope[0] / slope[1], rel=1e-5)


def test_who_makes_people_search_answers_for_the_money_that_searching_takes(capped, spend, limited):
    """A bid cap leaves part of the plan of search unspent, and television makes some of it be spent."""
    assert limited.spent[2] < 0.9 * limited.spend[2]
    assert limited.in_window.spent == pytest.approx(limited.spent.sum(), rel=1e-12)
    took = limited.in_window.leave_one_out.spent[0]
    assert took > limited.spend[0] * 1.0001
    assert limited.roas[0] == pytest.approx(limited.incremental[0] / took, rel=1e-12)
    searched = run(capped, jnp.asarray(spend)).spent[:, 2] - run(capped, jnp.asarray(without(spend, 0))).spent[:, 2]
    assert took - limited.spend[0] == pytest.approx(float(searched.sum()), rel=1e-6)


def test_more_of_a_budget_that_bids_never_spend_has_no_margin(capped, spend):
    much = spend.copy()
    much[:, 2] = 1e5
    told = truth(capped, much)
    assert told.spent[2] < told.spend[2]
    assert told.in_window.marginal.spent[2] == 0 and np.isnan(told.marginal_roas[2])
    assert told.roas[2] > 0


def test_a_plan_has_the_same_answer_whatever_stands_beside_it(world, spend):
    many = np.random.default_rng(1).uniform(0, 2_000, (BATCH + 5, 60, 7))
    many[[3, BATCH + 2]] = np.concatenate([spend, spend])
    (beside, _), (by_itself, _) = (play_all(world, world.start, plans) for plans in (many, many[3:4]))
    assert beside.revenue[3].tolist() == beside.revenue[BATCH + 2].tolist() == by_itself.revenue[0].tolist()
    assert by_itself.revenue[0] == pytest.approx(np.asarray(run(world, jnp.asarray(many[3])).revenue), rel=1e-12)


def test_curves_are_runs_at_constant_spend_after_the_history(world, spend, known):
    end = run(world, jnp.asarray(spend)).end
    mean = np.broadcast_to(spend.mean(axis=0), (HORIZON, 7))
    assert (known.curves[0] == 0).all()
    assert (np.diff(known.curves, axis=0) >= -1e-9).all()
    for channel, point in ((0, 24), (2, 8), (6, 3)):
        plans = [mean * np.where(np.arange(7) == channel, known.multiples[row], 1.0) for row in (point, 0)]
        high, low = (total(world, plan, end) / HORIZON for plan in plans)
        assert known.curves[point, channel] == pytest.approx(high - low, rel=1e-8)
        assert known.steady.spent[point, channel] == pytest.approx(known.steady.money[point, channel], rel=1e-9)


def test_a_pulse_is_what_more_money_in_the_first_week_brings_in_all(world, spend, known):
    end = run(world, jnp.asarray(spend)).end
    mean = np.broadcast_to(spend.mean(axis=0), (HORIZON, 7))
    usual = total(world, mean, end)
    assert (known.pulse.revenue[0] == 0).all() and (known.pulse.spent[0] == 0).all()
    for channel, point in ((0, 24), (1, 8), (6, 3)):
        more = mean.copy()
        more[0, channel] += known.pulse.money[point, channel]
        assert known.pulse.money[point, channel] == known.multiples[point] * mean[0, channel]
        assert known.pulse.revenue[point, channel] == pytest.approx(total(world, more, end) - usual, rel=1e-6)
        assert known.pulse.spent[point, channel] == pytest.approx(known.pulse.money[point, channel], rel=1e-9)


def test_a_kernel_is_what_a_little_more_in_the_first_week_changes_in_every_week(world, spend, known):
    end = run(world, jnp.asarray(spend)).end
    mean = np.broadcast_to(spend.mean(axis=0), (HORIZON, 7))
    for channel in (0, 5):
        pulse = np.zeros((HORIZON, 7))
        pulse[0, channel] = 1.0
        more, less = (np.asarray(run(world, jnp.asarray(mean + size * pulse), end).revenue) for size in (0.5, -0.5))
        assert known.kernel[:, channel] == pytest.approx(more - less, rel=1e-5, abs=1e-7)


def test_too_many_channels_have_every_figure_but_shapley(world, spend, known, monkeypatch):
    monkeypatch.setattr(coalitions, "MOST", 5)
    told = truth(world, spend)
    assert told.in_window.shapley is None and told.with_tail.shapley is None
    assert told.incremental == pytest.approx(known.incremental, rel=1e-12)
    assert told.with_tail.add_one_in.revenue == pytest.approx(known.with_tail.add_one_in.revenue, rel=1e-12)


def test_a_history_that_ends_too_near_the_end_of_the_calendar_is_refused(world):
    with pytest.raises(InputError, match=r"a history of 1041 weeks is too long.*ask for at most 1040 weeks"):
        truth(world, np.ones((1_041, 7)))


def reach(**changes):
    return {"mechanic": "reach", "cost_per_contact": 0.02, "history": {"mean": 1_000.0}, "effect": {}, **changes}


@pytest.fixture(scope="module")
def three(bare):
    """`three(effect)`: a market of three channels: two alike with some effect, and one that nobody heeds."""
    journey = {"notice": 0.5, "consider": 0.5, "buy": 0.5}

    def known(effect):
        written = bare(channels={"left": reach(effect=effect), "right": reach(effect=effect), "mute": reach()})
        written["journey"] = {**written["journey"], **journey}
        return truth(build_world(build(written, Market, "three"), seed=1), np.full((20, 3), 900.0))

    return known


def test_where_channels_only_add_to_repeat_purchases_all_estimands_are_one(three):
    told = three({"repeat": 0.01}).in_window
    gain = told.revenue - told.baseline
    assert gain > 0 and told.interaction == pytest.approx(0, abs=1e-9 * gain)
    for change in (told.leave_one_out, told.add_one_in, told.shapley):
        assert change.revenue[:2] == pytest.approx([gain / 2] * 2, rel=1e-9)
    assert told.marginal.roas[:2] == pytest.approx(told.leave_one_out.roas[:2], rel=1e-9)


def test_channels_alike_get_the_same_and_who_is_not_heeded_gets_nothing(three):
    told = three({"notice": 0.3, "buy": 0.2, "repeat": 0.1}).in_window
    left, right, mute = told.shapley.revenue
    assert left == pytest.approx(right, rel=1e-12) and left > 0
    assert mute == 0 and told.leave_one_out.revenue[2] == 0
    assert told.leave_one_out.roas[2] == 0 and np.isposinf(told.leave_one_out.cac[2])
