"""Timing: what a unit of money over the horizon does to the stock of each period."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.optimize.timing import cycled, timing
from engine.periods import PER_YEAR


def stock_after_many_turns(spend, retain, turns):
    """The stock of each period in the last of many turns of a cycle, one period at a time."""
    stock, last = 0.0, []
    for turn in range(turns):
        for money in spend:
            stock = retain * stock + (1 - retain) * money
            if turn == turns - 1:
                last.append(stock)
    return np.array(last)


@given(
    st.lists(st.floats(0, 100), min_size=1, max_size=30).filter(lambda spend: max(spend) > 0.01),
    st.floats(0, 0.98),
)
def test_the_cycle_is_what_many_turns_of_a_loop_settle_to(make, spend, retain):
    found = cycled(make.channel(retain=retain), np.array(spend))[:, 0]
    assert found == pytest.approx(stock_after_many_turns(spend, retain, 4000 // len(spend) + 3), rel=1e-9, abs=1e-12)


def gain(make, text, periods=4, retain=0.5, **changed):
    tv = make.channel(retain=retain)
    return timing(tv, make.curves(tv, **changed), make.scenario("budget = { total = 1.0 }\n" + text, periods))


@pytest.mark.parametrize("retain", [0.0, 0.6, 0.95])
def test_constant_spend_is_its_own_stock(make, retain):
    found = gain(make, "", retain=retain)
    assert found.gain == pytest.approx(np.array([[0.25]]))
    assert found.weight == pytest.approx([4.0])
    assert (found.cost, found.active) == (1.0, True)


def test_a_flight_spends_inside_only_and_partly_in_a_period_that_it_cuts(make):
    found = gain(make, "[channels.tv]\nflight = { from = 2027-01-13, until = 2027-01-25 }\n", retain=0.0)
    share = np.array([0.0, 5 / 7, 1.0, 0.0])  # Wednesday of the second week to the end of the third
    assert found.gain[:, 0] == pytest.approx(share / share.sum())
    assert found.weight == pytest.approx(np.ones(4))


def test_a_flight_carries_over_its_end_and_around_the_horizon(make):
    found = gain(make, "[channels.tv]\nflight = { until = 2027-01-11 }\n", retain=0.5)
    whole = 0.5 / (1 - 0.5**4)  # one burst, seen again every four weeks
    assert found.gain[:, 0] == pytest.approx(whole * 0.5 ** np.arange(4.0))


def test_an_outage_takes_its_days_out(make):
    text = '[[shocks]]\nkind = "outage"\nchannels = ["tv"]\nfrom = 2027-01-07\nuntil = 2027-01-18\n'
    found = gain(make, text, retain=0.0)
    share = np.array([3 / 7, 0.0, 1.0, 1.0])
    assert found.gain[:, 0] == pytest.approx(share / share.sum())


def test_no_open_date_means_no_spend_and_no_effect(make):
    found = gain(make, '[[shocks]]\nkind = "outage"\n')
    assert not found.active
    assert (found.gain == 0).all()


def test_a_price_divides_what_money_buys(make):
    text = '[[shocks]]\nkind = "price"\nfactor = 1.25\nfrom = 2027-01-18\n'
    found = gain(make, text, retain=0.0)
    assert found.gain[:, 0] == pytest.approx([0.25, 0.25, 0.2, 0.2])
    assert gain(make, '[[shocks]]\nkind = "price"\nfactor = 2.0\n').gain == pytest.approx(np.array([[0.125]]))


def test_a_price_that_holds_for_part_of_a_period_counts_on_the_money_of_those_days(make):
    text = '[[shocks]]\nkind = "price"\nfactor = 4.0\nfrom = 2027-01-14\n'
    found = gain(make, text, retain=0.0)
    assert found.gain[:, 0] * 4 == pytest.approx([1.0, 3 / 7 + 4 / 7 / 4, 0.25, 0.25])


@pytest.mark.parametrize("kind", ["effectiveness", "demand"])
def test_effectiveness_and_demand_scale_the_outcome_day_by_day(make, kind):
    text = f'[[shocks]]\nkind = "{kind}"\nfactor = 0.5\nfrom = 2027-01-14\nuntil = 2027-01-25\n'
    found = gain(make, text)
    assert found.weight.sum() == pytest.approx(1 + (1 - 0.5 * 4 / 7) + 0.5 + 1)


def test_two_shocks_multiply_and_only_hit_the_channels_they_name(make):
    text = (
        '[[shocks]]\nkind = "effectiveness"\nfactor = 0.5\n'
        '[[shocks]]\nkind = "effectiveness"\nfactor = 0.8\nchannels = ["tv"]\n'
        '[[shocks]]\nkind = "effectiveness"\nfactor = 0.1\nchannels = ["radio"]\n'
    )
    tv, radio = make.channel(), make.channel("radio")
    asked = make.scenario("budget = { total = 1.0 }\n" + text, 4)
    assert timing(tv, make.curves(tv, radio), asked).weight == pytest.approx([4 * 0.4])


def test_outcome_is_worth_its_value(make):
    assert gain(make, "", outcome="signups", outcome_value=30.0).weight == pytest.approx([120.0])


def test_discounting_counts_later_weeks_less_for_money_and_outcome_alike(make):
    text = 'goal = { maximise = "profit", margin = 0.5, discount_rate = 0.1 }\n'
    found = gain(make, text)
    factor = 1.1 ** (-np.arange(4) / PER_YEAR["week"])
    assert found.weight == pytest.approx([factor.sum()])
    assert found.cost == pytest.approx(factor.mean())


def test_each_draw_keeps_its_own_carry_over(make):
    tv = make.channel(ceiling=[1.0, 1.0], retain=[0.0, 0.5])
    asked = make.scenario("budget = { total = 1.0 }\n[channels.tv]\nflight = { until = 2027-01-11 }\n", 2)
    found = timing(tv, make.curves(tv), asked)
    assert found.gain == pytest.approx(np.array([[1.0, 2 / 3], [0.0, 1 / 3]]))


def test_months_have_their_own_days(make):
    tv = make.channel()
    held = make.curves(tv, period="month")
    asked = make.scenario("budget = { total = 1.0 }\n[channels.tv]\nflight = { from = 2027-02-18 }\n", 2)
    assert asked.horizon.start == date(2027, 1, 4)
    inside = (date(2027, 3, 4) - date(2027, 2, 18)).days / (date(2027, 3, 4) - date(2027, 2, 4)).days
    assert inside == 0.5
    assert timing(tv, held, asked).gain[:, 0] == pytest.approx([0.0, 1.0])
