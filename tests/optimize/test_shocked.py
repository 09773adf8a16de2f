"""Shocks by period: strengths by hand, day by day, and what the planner makes of them."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.shocks import UNFORESEEN, Shock
from engine.optimize.plan import optimize
from engine.optimize.shocked import contacts, effect, strength
from engine.optimize.timing import conditions
from engine.periods import share_inside, starts

START = date(2027, 1, 4)  # a Monday
WEEKS = starts(START, 8, "week")


def shock(kind="demand", **given_):
    needed = {"demand": {"factor": 0.5}, "price": {"factor": 2.0}, "season": {"factor": 2.0, "shift": 2}}
    return Shock.model_validate({"kind": kind, **needed.get(kind, {}), **given_})


def held(later=0, days=WEEKS, period="week", **given_):
    return strength(shock(**given_), days, period, later).tolist()


def test_without_dates_all_of_it_is_there_from_the_first_day_on():
    assert held() == [1.0] * 8


@pytest.mark.parametrize(
    ("terms", "by_week"),
    [
        ({"from": date(2027, 1, 18)}, [0, 0, 1, 1, 1, 1, 1, 1]),
        ({"from": date(2027, 1, 18), "onset": 1}, [0, 0, 1 / 2, 1, 1, 1, 1, 1]),
        ({"from": date(2027, 1, 18), "onset": 3}, [0, 0, 1 / 4, 2 / 4, 3 / 4, 1, 1, 1]),
        ({"until": date(2027, 1, 25)}, [1, 1, 1, 0, 0, 0, 0, 0]),
        ({"until": date(2027, 1, 25), "recovery": 1}, [1, 1, 1, 1 / 2, 0, 0, 0, 0]),
        ({"until": date(2027, 1, 25), "recovery": 3}, [1, 1, 1, 3 / 4, 2 / 4, 1 / 4, 0, 0]),
        ({"from": date(2027, 1, 11), "until": date(2027, 2, 1), "onset": 1, "recovery": 1}, [0, 1 / 2, 1, 1, 1 / 2, 0]),
        # it ends before all of it has come: what is there goes from there
        ({"from": date(2027, 1, 11), "until": date(2027, 1, 25), "onset": 3, "recovery": 1}, [0, 1 / 4, 2 / 4, 1 / 4]),
        # days of weeks: a Thursday, a Friday and a Sunday
        ({"from": date(2027, 1, 14)}, [0, 4 / 7, 1, 1, 1, 1, 1, 1]),
        ({"from": date(2027, 1, 15)}, [0, 3 / 7, 1, 1, 1, 1, 1, 1]),
        ({"from": date(2027, 1, 17), "onset": 1}, [0, 1 / 7 / 2, 1, 1, 1, 1, 1, 1]),
        ({"from": date(2027, 1, 6), "until": date(2027, 1, 8)}, [2 / 7, 0, 0, 0]),
        ({"from": date(2027, 1, 8), "until": date(2027, 1, 13)}, [3 / 7, 2 / 7, 0, 0]),
        ({"until": date(2027, 1, 15), "recovery": 3}, [1, 3 / 4, 2 / 4, 1 / 4, 0, 0]),
        # begun before the horizon, and over before it
        ({"from": date(2026, 12, 28), "onset": 3}, [2 / 4, 3 / 4, 1, 1, 1, 1, 1, 1]),
        ({"from": date(2026, 12, 1), "until": date(2027, 1, 4), "recovery": 2}, [2 / 3, 1 / 3, 0, 0]),
        ({"from": date(2026, 11, 2), "until": date(2026, 12, 28)}, [0, 0, 0, 0]),
        ({"from": date(2028, 1, 3)}, [0, 0, 0, 0, 0, 0, 0, 0]),
    ],
)
def test_strengths_by_hand(terms, by_week):
    assert held(**terms)[: len(by_week)] == pytest.approx(by_week, abs=1e-12)


@pytest.mark.parametrize(
    ("terms", "by_month"),
    [
        ({"from": date(2027, 2, 18)}, [0, 14 / 28, 1, 1]),
        ({"from": date(2027, 2, 2)}, [2 / 31, 1, 1, 1]),
        ({"from": date(2027, 2, 4), "onset": 1, "until": date(2027, 4, 4), "recovery": 1}, [0, 1 / 2, 1, 1 / 2]),
    ],
)
def test_strengths_by_month_by_hand(terms, by_month):
    assert held(days=starts(START, 4, "month"), period="month", **terms) == pytest.approx(by_month, abs=1e-12)


DAYS = st.integers(-30, 70).map(lambda ahead: START + timedelta(days=ahead))


@given(DAYS, st.integers(1, 60))
def test_without_onset_and_recovery_its_share_is_that_of_the_days_between_its_dates(first, length):
    last = first + timedelta(days=length)
    assert held(**{"from": first, "until": last}) == pytest.approx(share_inside(WEEKS, "week", first, last), abs=1e-12)


@given(DAYS, st.integers(1, 60), st.integers(0, 6), st.integers(0, 6), st.integers(0, 4))
def test_a_strength_is_a_share_that_rises_and_then_falls_and_begins_later_by_so_many_periods(
    first, length, onset, recovery, later
):
    terms = {"from": first, "until": first + timedelta(days=length), "onset": onset, "recovery": recovery}
    found = np.array(held(**terms))
    assert np.all((found >= 0) & (found <= 1))
    top = int(found.argmax())
    assert np.all(np.diff(found[: top + 1]) >= -1e-12)
    assert np.all(np.diff(found[top:]) <= 1e-12)
    moved = held(later, starts(START, 8 + later, "week"), **terms)
    assert moved[later:] == pytest.approx(found.tolist(), abs=1e-12)


def test_onset_and_recovery_only_take_from_a_beginning_and_add_to_an_end():
    plain, slow = held(**{"from": date(2027, 1, 11)}), held(**{"from": date(2027, 1, 11), "onset": 3})
    assert np.all(np.array(slow) <= plain)
    short = held(until=date(2027, 1, 25))
    assert np.all(np.array(held(until=date(2027, 1, 25), recovery=2)) >= short)


@given(st.floats(0.01, 10), st.floats(0, 1))
def test_a_price_in_a_share_of_a_period_buys_what_the_money_of_each_day_buys(factor, share):
    assert contacts(factor, np.array([share])).tolist() == pytest.approx([(1 - share) * 1.0 + share / factor])


def test_effectiveness_and_demand_multiply_what_contacts_bring_while_they_last():
    for kind in ("effectiveness", "demand", "curves"):
        one = shock(kind, **{"factor": 0.6, "from": date(2027, 1, 14), "until": date(2027, 1, 25)})
        assert effect(one, 0.6, WEEKS, "week")[:4] == pytest.approx([1, 1 - 0.4 * 4 / 7, 0.6, 1])


def test_what_rivals_spend_counts_by_its_elasticity():
    one = shock("competitor", factor=1.5, elasticity=-0.2, until=date(2027, 1, 18))
    assert effect(one, 1.5, WEEKS, "week")[:3] == pytest.approx([1.5**-0.2, 1.5**-0.2, 1.0])
    gone = shock("competitor", factor=1.5, elasticity=0.0)
    assert effect(gone, 1.5, WEEKS, "week") == pytest.approx(np.ones(8))


@pytest.mark.parametrize("shift", [-1, 0, 1, 4])
def test_a_season_takes_its_peak_away_and_puts_it_where_it_comes(shift):
    peak = {"from": date(2027, 1, 18), "until": date(2027, 2, 1)}
    usual = np.array([1, 1, 2, 2, 1, 1, 1, 1])
    wanted = np.array([1.0] * 8)
    wanted[2 + shift : 4 + shift] = 2.0
    moved = effect(shock("season", factor=2.0, shift=shift, **peak), 2.0, WEEKS, "week")
    assert usual * moved == pytest.approx(wanted)


def test_each_factor_has_a_row_of_its_own():
    one = shock("season", **{"shift": 1, "from": date(2027, 1, 18), "until": date(2027, 2, 1)})
    factors = np.array([0.5, 1.0, 3.0])
    together = effect(one, factors, WEEKS, "week", 1)
    assert together.shape == (3, 8)
    for row, factor in zip(together, factors.tolist(), strict=True):
        assert row == pytest.approx(effect(one, factor, WEEKS, "week", 1))


HEAD = 'name = "x"\nbudget = { total = 400.0 }\n'


def twice(make):
    return make.curves(make.channel(retain=0.5), make.channel("radio", 60.0, 30.0))


PRICE = '[[shocks]]\nkind = "price"\nchannels = ["tv"]\nfactor = 1.25\nfrom = 2027-01-11\nuntil = 2027-01-29\n'
EFFECT = '[[shocks]]\nkind = "effectiveness"\nfactor = 0.7\nfrom = 2027-01-15\nuntil = 2027-01-25\n'


def test_the_planner_meets_a_factor_between_its_dates_and_nothing_else(make):
    """By day: each day's money buys at the day's price, each day's outcome counts with the day's effect."""
    asked = make.scenario("budget = { total = 400.0 }\n" + PRICE + EFFECT, 6)
    days = np.array([START + timedelta(days=ahead) for ahead in range(42)])
    dear = (days >= date(2027, 1, 11)) & (days < date(2027, 1, 29))
    weak = (days >= date(2027, 1, 15)) & (days < date(2027, 1, 25))
    bought = np.where(dear, 1 / 1.25, 1.0).reshape(6, 7).mean(axis=1)
    counted = np.where(weak, 0.7, 1.0).reshape(6, 7).mean(axis=1)
    curves = twice(make)
    tv, radio = (conditions(one, curves, asked, 6) for one in curves.channels)
    assert tv.had == pytest.approx(bought)
    assert radio.had == pytest.approx(np.ones(6))
    assert tv.worth == pytest.approx(counted)
    assert radio.worth == pytest.approx(counted)


UNKNOWN = {
    "a chance": 'kind = "price"\nfactor = 2.0\nchance = 0.5',
    "some date": 'kind = "price"\nfactor = 2.0\nwithin = 3',
    "some size": 'kind = "demand"\nfactor = { p05 = 0.5, p95 = 0.9 }',
    "a chance of an outage": 'kind = "outage"\nchannels = ["tv"]\nchance = 0.9',
    "budget": 'kind = "budget"\nfactor = 0.5',
    "capacity": 'kind = "capacity"\nfactor = 0.5',
    "delay": 'kind = "delay"\nshift = 3',
}


@pytest.mark.parametrize("terms", UNKNOWN.values(), ids=UNKNOWN)
def test_what_no_plan_can_reckon_with_leaves_it_as_it_is_and_is_named(make, terms):
    calm = optimize(twice(make), make.scenario("budget = { total = 400.0 }\n", 6), priced=False)
    asked = make.scenario(f'budget = {{ total = 400.0 }}\n[[shocks]]\nname = "storm"\n{terms}\n', 6)
    plan = optimize(twice(make), asked, priced=False)
    assert plan.schedule == calm.schedule
    assert (plan.net, plan.bound) == (calm.net, calm.bound)
    assert [line for line in plan.warnings if "storm" in line and "peso stress" in line]
    assert not [line for line in calm.warnings if "peso stress" in line]


def test_a_plan_that_reckons_with_all_shocks_warns_of_none(make):
    asked = make.scenario("budget = { total = 400.0 }\n" + PRICE + EFFECT, 6)
    assert not [line for line in optimize(twice(make), asked, priced=False).warnings if "peso stress" in line]


def test_kinds_that_no_plan_reckons_with_are_those_of_this_table():
    assert set(UNFORESEEN) == set(UNKNOWN) & {"budget", "capacity", "delay"}
