"""Why an outcome is another one than planned: parts that add up, each alone where it is the only cause."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.study.variance import added_up, believed, bridge, scatter_of_sum

PERIODS, CHANNELS, DRAWS = 4, 3, 5
RATES = np.random.default_rng(1).uniform(0.5, 2.0, (CHANNELS, DRAWS))
money = arrays(float, (PERIODS, CHANNELS), elements=st.floats(0.0, 1e5, allow_subnormal=False))
spent = arrays(float, (PERIODS, CHANNELS), elements=st.floats(1.0, 1e5))


def bent(schedule):
    """A concave outcome by channel, period and draw, with some carry-over."""
    stock = schedule.copy()
    for at in range(1, PERIODS):
        stock[at] += 0.5 * stock[at - 1]
    return np.sqrt(stock).T[:, :, None] * RATES[:, None, :]


def parts(planned, really, priced):
    found = bridge(bent, planned, really, priced)
    return found, {name: float(getattr(found, name).sum(axis=0).mean()) for name in ("volume", "mix", "price")}


@given(money, money, money, st.floats(0.0, 1e6))
def test_the_four_parts_add_up_to_what_came_less_what_was_planned(planned, really, priced, came):
    found, known = parts(planned, really, priced)
    effectiveness = came - float(found.bought.sum(axis=(0, 1)).mean())
    gap = came - float(found.planned.sum(axis=0).mean())
    assert sum(known.values()) + effectiveness == pytest.approx(gap, abs=1e-6)
    by_draw = found.planned + found.volume + found.mix + found.price
    assert by_draw == pytest.approx(found.bought.sum(axis=1), abs=1e-6)


def slow(schedule):
    """The outcome of a schedule in all, draw by draw, channel after channel, period after period."""
    found = [0.0] * DRAWS
    for draw in range(DRAWS):
        for channel in range(CHANNELS):
            stock = 0.0
            for period in range(PERIODS):
                stock = float(schedule[period][channel]) + 0.5 * stock
                found[draw] += float(RATES[channel][draw]) * stock**0.5
    return sum(found) / DRAWS


@given(money, money, money)
def test_each_part_is_what_a_loop_over_draws_channels_and_periods_says(planned, really, priced):
    in_all = sum(sum(row) for row in planned)
    ratio = sum(sum(row) for row in really) / in_all if in_all else 1.0
    steps = [slow(each) for each in (planned, [[ratio * cell for cell in row] for row in planned], really, priced)]
    _, known = parts(planned, really, priced)
    for name, before, after in zip(("volume", "mix", "price"), steps[:-1], steps[1:], strict=True):
        assert known[name] == pytest.approx(after - before, rel=1e-9, abs=1e-6)


def test_parts_of_a_straight_line_by_hand():
    """Two channels that bring 1 and 3 a unit of money: 10 and 10 planned, 20 and 10 spent, prices a quarter up."""

    def straight(schedule):
        return (schedule * [1.0, 3.0]).T[:, :, None]

    found = bridge(straight, np.array([[10.0, 10.0]]), np.array([[20.0, 10.0]]), np.array([[16.0, 8.0]]))
    volume, mix, price = (float(part.sum()) for part in (found.volume, found.mix, found.price))
    assert (volume, mix, price) == (60.0 - 40.0, 50.0 - 60.0, 40.0 - 50.0)


@given(spent)
def test_nothing_moves_where_all_is_as_planned(planned):
    assert parts(planned, planned, planned)[1] == {"volume": 0.0, "mix": 0.0, "price": 0.0}


@given(spent, st.floats(0.2, 5.0))
def test_other_money_in_all_is_volume_alone(planned, ratio):
    found, known = parts(planned, ratio * planned, ratio * planned)
    assert known["mix"] == pytest.approx(0.0, abs=1e-6)
    assert known["price"] == 0.0
    assert found.volume == pytest.approx((np.sqrt(ratio) - 1) * found.planned, abs=1e-6)


@given(spent, st.permutations(range(PERIODS * CHANNELS)))
def test_the_same_money_elsewhere_is_mix_alone(planned, order):
    really = planned.ravel()[order].reshape(planned.shape)
    _, known = parts(planned, really, really)
    assert known["volume"] == pytest.approx(0.0, abs=1e-6)
    assert known["price"] == 0.0


@given(spent, st.floats(0.2, 5.0))
def test_dearer_contacts_for_the_same_money_are_price_alone(planned, dearer):
    found, known = parts(planned, planned, planned / dearer)
    assert (known["volume"], known["mix"]) == (0.0, 0.0)
    assert found.price == pytest.approx((np.sqrt(1 / dearer) - 1) * found.planned, abs=1e-6)


def test_where_nothing_was_planned_money_is_mix():
    really = np.ones((PERIODS, CHANNELS))
    _, known = parts(np.zeros((PERIODS, CHANNELS)), really, really)
    assert known["volume"] == 0.0
    assert known["mix"] == pytest.approx(float(bent(really).sum(axis=(0, 1)).mean()))


def test_chance_is_not_told_by_few_periods_and_proportional_periods_have_none():
    assert scatter_of_sum(np.ones(3), np.ones(3)) is None
    expected = np.array([1.0, 2.0, 3.0, 4.0])
    assert scatter_of_sum(0.5 * expected, expected) == pytest.approx(0.0, abs=1e-12)


def test_chance_of_a_sum_is_what_many_histories_scatter_by():
    rng, expected = np.random.default_rng(3), np.full(26, 100.0)
    sums = expected + 20.0 * rng.normal(size=(4000, 26))
    told = np.array([scatter_of_sum(each, expected) for each in sums])
    assert np.sqrt(np.mean(told**2)) == pytest.approx(sums.sum(axis=1).std(), rel=0.05)


def test_what_is_believed_is_the_mean_and_the_spread_of_two_normal_sources():
    """Against a Gaussian prior and likelihood multiplied on a grid."""
    rng = np.random.default_rng(5)
    draws = rng.normal(100.0, 20.0, 4000)
    after, share = believed(draws, 60.0, 6.0, 8.0)
    grid = np.linspace(0.0, 200.0, 20001)
    weight = np.exp(-0.5 * ((grid - draws.mean()) / draws.std()) ** 2 - 0.5 * ((grid - 60.0) / 10.0) ** 2)
    weight /= weight.sum()
    mean = float(weight @ grid)
    assert after.mean() == pytest.approx(mean, rel=1e-3)
    assert after.std() == pytest.approx(np.sqrt(weight @ (grid - mean) ** 2), rel=1e-3)
    assert 0.0 < share < 1.0


def test_the_surer_what_came_the_more_of_it_goes_on_and_nothing_falls_below_0():
    draws = np.array([80.0, 100.0, 120.0])
    shares = [believed(draws, 50.0, scatter, 0.0)[1] for scatter in (0.0, 5.0, 50.0)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 1.0
    assert believed(draws, 50.0, None, 0.0)[1] == 0.5
    assert believed(draws, -500.0, 0.0, 0.0)[0].tolist() == [0.0, 0.0, 0.0]
    assert believed(np.zeros(3), 0.0, 0.0, 0.0)[1] == 0.0


@given(arrays(float, 5, elements=st.floats(-1e6, 1e6)), st.sampled_from([1.0, 0.01]))
def test_rounded_parts_add_up_to_their_rounded_sum(amounts, unit):
    rounded = added_up(amounts, unit)
    assert abs(rounded - amounts).max() <= unit * (1 + 1e-6)
    assert abs(rounded.sum() - amounts.sum()) <= 0.5 * unit * (1 + 1e-6) + 1e-9


@pytest.mark.parametrize(("periods", "slant"), [(13, 0.0), (13, 200.0), (26, 200.0)])
def test_ranges_of_the_rest_hold_the_truth_as_often_as_they_say(periods, slant):
    """Any draw may be the truth; what came of it has chance by period and an error as a whole."""
    rng = np.random.default_rng(11)
    level, shape = rng.normal(100.0, 20.0, 400).clip(40.0), rng.normal(1.0, 0.05, 400)
    before, after = periods * level, (52 - periods) * level * shape
    held = []
    for truth in rng.integers(0, 400, 600):
        came = level[truth] + 15.0 * rng.normal(size=periods) + slant * rng.normal() / periods
        scatter = scatter_of_sum(came, np.full(periods, 100.0))
        told = after * believed(before, float(came.sum()), scatter, slant)[0] / before
        low, high = np.quantile(told, [0.05, 0.95])
        held.append(low <= after[truth] <= high)
    assert np.mean(held) == pytest.approx(0.9, abs=0.04)


@given(arrays(float, 5, elements=st.floats(-1e6, 1e6)), st.sampled_from([np.floor, np.ceil]))
def test_rounded_parts_add_up_to_a_sum_that_stands_elsewhere(amounts, way):
    unit, total = 1.0, float(way(amounts.sum()))
    rounded = added_up(amounts, unit, total)
    assert rounded.sum() == pytest.approx(total, abs=1e-6)
    assert abs(rounded - amounts).max() <= 2 * unit * (1 + 1e-6)
